import Glibc
import LoyaltyModel

/// A Unix stream socket that is bound, with its mode and group set, before anybody can connect to it.
struct UnixListener {
    let descriptor: Int32
    private let path: String
    private let device: dev_t
    private let inode: ino_t

    /// The longest path that fits `sockaddr_un` with its closing zero (unix(7)).
    static let maximumPathLength = 107

    /// Binds, and takes a stale socket file away first.
    ///
    /// - Throws: `till.socket_busy` where somebody listens there, `till.socket` for all else.
    init(path: String, mode: UInt32, group: UInt32?) throws(LoyaltyError) {
        self.path = path
        guard (1...Self.maximumPathLength).contains(path.utf8.count), !path.utf8.contains(0) else {
            throw LoyaltyError(
                .tillSocket,
                "the path of the till socket has \(path.utf8.count) bytes, and 1 to \(Self.maximumPathLength) fit",
                at: Place(file: path),
                remedy: "Choose a shorter path, such as /run/loyaltyd/till.sock"
            )
        }
        try Self.removeStaleSocket(path)
        let descriptor = try Self.makeSocket(path)
        let bound = Self.withAddress(path) { bind(descriptor, $0, $1) }
        guard bound == 0 else {
            let error = Self.error("the till socket cannot be made", path)
            close(descriptor)
            throw error
        }
        var status = stat()
        guard chmod(path, mode) == 0, group.map({ chown(path, uid_t.max, $0) == 0 }) ?? true, lstat(path, &status) == 0
        else {
            let error = Self.error("mode or group of the till socket cannot be set", path)
            unlink(path)
            close(descriptor)
            throw error
        }
        (device, inode) = (status.st_dev, status.st_ino)
        self.descriptor = descriptor
    }

    /// Takes the socket file away, unless another process has put its own there.
    func removeFile() {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode else { return }
        unlink(path)
    }

    private static func removeStaleSocket(_ path: String) throws(LoyaltyError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw LoyaltyError(
                .tillSocket,
                "a file that is no socket is in the way",
                at: Place(file: path),
                remedy: "Move it away or choose another path"
            )
        }
        let probe = try makeSocket(path)
        defer { close(probe) }
        let connected = withAddress(path) { connect(probe, $0, $1) }
        // EAGAIN: its queue of connections is full, so somebody listens.
        if connected == 0 || errno == EAGAIN {
            throw LoyaltyError(
                .tillSocketBusy,
                "another process listens on the till socket",
                at: Place(file: path),
                remedy: "Is loyaltyd running already?"
            )
        }
        guard errno == ECONNREFUSED, unlink(path) == 0 || errno == ENOENT else {
            throw error("an old till socket cannot be taken away", path)
        }
    }

    private static func makeSocket(_ path: String) throws(LoyaltyError) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { throw error("no socket can be made", path) }
        return descriptor
    }

    private static func withAddress(
        _ path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(maximumPathLength)) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private static func error(_ message: String, _ path: String) -> LoyaltyError {
        LoyaltyError(.tillSocket, "\(message): \(systemErrorText(errno))", at: Place(file: path))
    }
}

func systemErrorText(_ number: Int32) -> String {
    guard let text = strerror(number) else { return "error \(number)" }
    return String(cString: text)
}
