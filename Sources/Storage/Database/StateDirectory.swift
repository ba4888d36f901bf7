internal import LoyaltyModel

#if canImport(Glibc)
internal import Glibc
#endif

/// The files of a terminal's state, readable by its user alone.
enum StateDirectory {
    static func prepare(_ path: String) throws(LoyaltyError) {
        let isNew = mkdir(path, 0o700) == 0
        if isNew || errno == EEXIST {
            if isNew { synchronize(directoryOf: path) }
            guard access(path, R_OK | W_OK | X_OK) == 0 else { throw refusal(path, "is not writable") }
            return
        }
        if errno == ENOENT, let slash = path.dropLast().lastIndex(of: "/"), slash != path.startIndex {
            try prepare(String(path[..<slash]))
            if mkdir(path, 0o700) == 0 {
                synchronize(directoryOf: path)
                return
            }
            if errno == EEXIST { return }
        }
        throw refusal(path, "cannot be made: \(String(cString: strerror(errno)))")
    }

    /// SQLite gives the WAL the mode of the database, so the database must be made private before SQLite makes it.
    static func createPrivateFile(_ path: String) throws(LoyaltyError) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw refusal(path, "cannot be opened: \(String(cString: strerror(errno)))")
        }
        defer { Glibc.close(descriptor) }
        // One that was restored from a backup may have come with another mode.
        guard fchmod(descriptor, 0o600) == 0 else {
            throw refusal(path, "cannot be made private: \(String(cString: strerror(errno)))")
        }
    }

    /// Makes the name of a new file or directory durable. Answers whether it is.
    @discardableResult
    static func synchronize(directoryOf path: String) -> Bool {
        var parent = path[...]
        while parent.count > 1, parent.last == "/" { parent = parent.dropLast() }
        let slash = parent.lastIndex(of: "/")
        parent = slash.map { $0 == parent.startIndex ? "/" : parent[..<$0] } ?? "."
        let descriptor = Glibc.open(String(parent), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { Glibc.close(descriptor) }
        return fsync(descriptor) == 0
    }

    static func size(_ path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    private static func refusal(_ path: String, _ what: String) -> LoyaltyError {
        LoyaltyError(
            .storageCannotOpen, "the state directory or file \(what)", at: Place(file: path),
            remedy: "Choose another with --state-dir, or make it belong to the user that runs loyaltyd")
    }
}

/// An exclusive flock(2) on `<state directory>/lock`, held as long as this value lives.
final class DirectoryLock: Sendable {
    private let descriptor: Int32

    init(directory: String) throws(LoyaltyError) {
        let path = directory + "/lock"
        descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw LoyaltyError(
                .storageCannotOpen, "the lock file cannot be opened: \(String(cString: strerror(errno)))",
                at: Place(file: path))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            Glibc.close(descriptor)
            throw LoyaltyError(
                .storageLocked, "another loyaltyd uses this state directory", at: Place(file: path),
                remedy: "Stop it, or start with another --state-dir")
        }
    }

    deinit { Glibc.close(descriptor) }
}
