import Glibc
public import LoyaltyModel

/// The word that a till shows before it may talk over TCP.
public struct TillToken: Sendable {
    private let bytes: [UInt8]

    static let lengths = 16...256

    /// - Parameter text: 16 to 256 bytes without spaces.
    /// - Throws: `till.token`.
    public init(_ text: String) throws(LoyaltyError) {
        bytes = Array(text.utf8)
        guard Self.lengths.contains(bytes.count), bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw LoyaltyError(
                .tillToken,
                "the token of the till's TCP connections has \(Self.lengths.lowerBound) to "
                    + "\(Self.lengths.upperBound) printable ASCII characters and no space")
        }
    }

    /// Reads the file, or makes it with a new token, readable by its owner and the group.
    ///
    /// - Parameters:
    ///   - group: numeric group of a new file; nil leaves the process's own.
    ///   - random: 32 unguessable bytes.
    /// - Throws: `till.token`.
    public static func loadOrCreate(
        _ path: String, group: UInt32?, random: () -> [UInt8]
    ) throws(LoyaltyError) -> TillToken {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let descriptor = open(path, flags, 0o640)
        guard descriptor >= 0 else {
            guard errno == EEXIST else { throw unusable(path, "cannot be made: \(systemErrorText(errno))") }
            return try load(path)
        }
        defer { close(descriptor) }
        let text = random().map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
        let line = Array((text + "\n").utf8)
        guard group.map({ fchown(descriptor, uid_t.max, $0) == 0 }) ?? true, fchmod(descriptor, 0o640) == 0,
            write(descriptor, line, line.count) == line.count, fsync(descriptor) == 0
        else {
            let reason = systemErrorText(errno)
            unlink(path)
            throw unusable(path, "cannot be written: \(reason)")
        }
        return try TillToken(text)
    }

    /// - Throws: `till.token` for a file that cannot be read, that everybody may read, or that holds no token.
    public static func load(_ path: String) throws(LoyaltyError) -> TillToken {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unusable(path, "cannot be read: \(systemErrorText(errno))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & 0o007 == 0 else {
            throw unusable(path, "may be read by everybody", remedy: "chmod 640 \(path)")
        }
        var buffer = [UInt8](repeating: 0, count: lengths.upperBound + 2)
        let count = read(descriptor, &buffer, buffer.count)
        guard count >= 0 else { throw unusable(path, "cannot be read: \(systemErrorText(errno))") }
        let text = String(decoding: buffer.prefix(count).prefix { $0 != 0x0A && $0 != 0x0D }, as: UTF8.self)
        do { return try TillToken(text) } catch { throw unusable(path, "holds no token: \(error.message)") }
    }

    private static func unusable(_ path: String, _ problem: String, remedy: String? = nil) -> LoyaltyError {
        LoyaltyError(
            .tillToken, "the file with the token of TCP connections \(problem)", at: Place(file: path), remedy: remedy)
    }

    /// Takes the same time wherever the first difference is.
    func matches(_ other: some Collection<UInt8>) -> Bool {
        guard other.count == bytes.count else { return false }
        return zip(bytes, other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
