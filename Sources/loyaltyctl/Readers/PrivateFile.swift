import Glibc
import LoyaltyModel

/// A new file that nobody but its owner may read.
struct PrivateFile {
    let path: String
    private let descriptor: Int32

    /// - Throws: `file.exists`, `file.cannot_write`
    init(creating path: String) throws(LoyaltyError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor < 0 else { return }
        if errno == EEXIST {
            throw LoyaltyError(
                .fileExists, "there is a file of that name already", at: Place(file: path),
                remedy: "Name another one with -o, or take it away")
        }
        throw LoyaltyError(
            .cannotWrite, "cannot be written: \(String(cString: strerror(errno)))", at: Place(file: path))
    }

    /// Writes all of it and closes the file.
    func finish(_ bytes: [UInt8]) throws(LoyaltyError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw LoyaltyError(
                    .cannotWrite, "cannot be written: \(String(cString: strerror(errno)))", at: Place(file: path))
            }
            rest = rest.dropFirst(count)
        }
        guard close(descriptor) == 0 else {
            throw LoyaltyError(
                .cannotWrite, "cannot be written: \(String(cString: strerror(errno)))", at: Place(file: path))
        }
    }

    /// For a file that nothing was written to.
    func discard() {
        close(descriptor)
        unlink(path)
    }
}

extension LoyaltyError.Code {
    static let fileExists = Self("file.exists", kind: .cannotCreate)
    static let cannotWrite = Self("file.cannot_write", kind: .inputOutput)
}
