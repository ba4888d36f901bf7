import Glibc
import LoyaltyModel

extension LoyaltyError.Code {
    static let memberFileUnreadable = Self("member_file.unreadable", kind: .inputOutput)
    static let memberFilePermission = Self("member_file.permission", kind: .permission)
}

/// The bytes of a member file, which can be read more than once. What is not a plain file is read into memory first,
/// never to disk: it holds card numbers.
struct MemberFileSource {
    private enum Content {
        case file(CInt)
        case memory([UInt8])
    }

    static let chunk = 65_536
    /// Bytes of standard input that are held.
    static let mostInMemory = 1 << 30

    /// As it stands in messages.
    let name: String
    /// In bytes.
    let size: Int64
    private let content: Content

    /// - Parameter path: `-` is standard input.
    /// - Throws: `member_file.unreadable`, `member_file.permission`.
    init(path: String) throws(LoyaltyError) {
        name = path == "-" ? "stdin" : path
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failed(name, errno) }
        var entry = stat()
        guard fstat(descriptor, &entry) == 0 else { throw Self.failed(name, errno) }
        if path != "-", entry.st_mode & S_IFMT == S_IFREG {
            content = .file(descriptor)
            size = Int64(entry.st_size)
            return
        }
        guard entry.st_mode & S_IFMT != S_IFDIR else { throw Self.failed(name, EISDIR) }
        var bytes: [UInt8] = []
        while true {
            let part = try Self.read(descriptor, at: nil, name)
            if part.isEmpty { break }
            guard bytes.count + part.count <= Self.mostInMemory else {
                throw LoyaltyError(
                    .memberFileUnreadable,
                    "\(name) is larger than 1 GiB",
                    remedy: "Give it as a file"
                )
            }
            bytes += part
        }
        content = .memory(bytes)
        size = Int64(bytes.count)
    }

    /// The bytes at a place; none at the end.
    func chunk(at offset: Int64) throws(LoyaltyError) -> [UInt8] {
        switch content {
        case .file(let descriptor): return try Self.read(descriptor, at: offset, name)
        case .memory(let bytes):
            guard let start = Int(exactly: offset), start < bytes.count else { return [] }
            return Array(bytes[start..<min(bytes.count, start + Self.chunk)])
        }
    }

    private static func read(_ descriptor: CInt, at offset: Int64?, _ name: String) throws(LoyaltyError) -> [UInt8] {
        while true {
            var buffer = [UInt8](repeating: 0, count: chunk)
            let count = buffer.withUnsafeMutableBytes { bytes in
                offset.map { pread(descriptor, bytes.baseAddress, bytes.count, off_t($0)) }
                    ?? Glibc.read(descriptor, bytes.baseAddress, bytes.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failed(name, errno) }
            buffer.removeSubrange(count...)
            return buffer
        }
    }

    private static func failed(_ name: String, _ code: CInt) -> LoyaltyError {
        let reason = String(cString: strerror(code))
        let isPermission = code == EACCES || code == EPERM
        return LoyaltyError(
            isPermission ? .memberFilePermission : .memberFileUnreadable,
            "cannot read \(name): \(reason)"
        )
    }
}
