import Glibc
import LoyaltyModel

/// A file that grows by whole lines. One owner writes it.
final class RecordFile: Sendable {
    private let descriptor: Int32
    private let path: String
    private let synchronize: Bool

    /// Opens or makes the file (mode 0600) and cuts off a last line that was not finished: nobody was told that it is stored.
    ///
    /// - Returns: the finished lines, without line ends.
    /// - Throws: `sim.file`.
    static func open(_ path: String, synchronize: Bool) throws(LoyaltyError) -> (RecordFile, [ArraySlice<UInt8>]) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw fileError("cannot open", path) }
        let file = RecordFile(descriptor: descriptor, path: path, synchronize: synchronize)
        let bytes = try readAll(descriptor, path)
        let finished = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        if finished < bytes.count, ftruncate(descriptor, off_t(finished)) != 0 { throw fileError("cannot cut", path) }
        return (file, bytes[..<finished].split(separator: UInt8(ascii: "\n")))
    }

    private init(descriptor: Int32, path: String, synchronize: Bool) {
        self.descriptor = descriptor
        self.path = path
        self.synchronize = synchronize
    }

    deinit { close(descriptor) }

    /// - Throws: `sim.file`; then nothing of these bytes may be counted as stored.
    func append(_ bytes: [UInt8]) throws(LoyaltyError) {
        let before = lseek(descriptor, 0, SEEK_END)
        if !writeAll(descriptor, bytes) || (synchronize && fdatasync(descriptor) != 0) {
            let error = fileError("cannot write", path)
            if before >= 0 { _ = ftruncate(descriptor, before) }
            throw error
        }
    }
}

/// - Throws: `sim.file`.
func readFile(_ path: String) throws(LoyaltyError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw fileError("cannot open", path) }
    defer { close(descriptor) }
    return try readAll(descriptor, path)
}

private func readAll(_ descriptor: Int32, _ path: String) throws(LoyaltyError) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw fileError("cannot read", path) }
        guard count > 0 else { return bytes }
        bytes += chunk[..<count]
    }
}

private func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
    var done = 0
    while done < bytes.count {
        let count = bytes[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        done += count
    }
    return true
}

private func fileError(_ action: String, _ path: String) -> LoyaltyError {
    LoyaltyError(.simulatorFile, "\(action) \(path): \(String(cString: strerror(errno)))")
}

/// Unbuffered, so that a program that waits for a line gets it at once.
func writeToStandardOutput(_ text: String) { _ = writeAll(STDOUT_FILENO, Array(text.utf8)) }

func writeToStandardError(_ text: String) { _ = writeAll(STDERR_FILENO, Array(text.utf8)) }
