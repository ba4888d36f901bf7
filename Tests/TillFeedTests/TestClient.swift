import Dispatch
import FoundationEssentials
import Glibc
import LoyaltyModel
import Synchronization

/// One end of a socket or pipe, used from a thread of its own so that it never blocks the code under test.
final class TestClient: Sendable {
    struct Failure: Error { var number: Int32 }

    let descriptor: Int32
    private let queue = DispatchQueue(label: "test.client")
    private let rest = Mutex<[UInt8]>([])

    init(descriptor: Int32) { self.descriptor = descriptor }

    /// Connects to a Unix socket.
    convenience init(path: String) throws {
        self.init(descriptor: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if result != 0 { throw Failure(number: errno) }
    }

    /// Connects to a TCP port of this machine.
    convenience init(port: Int) throws {
        self.init(descriptor: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result != 0 { throw Failure(number: errno) }
    }

    deinit { close(descriptor) }

    func send(_ text: String) async throws {
        let bytes = Array(text.utf8)
        try await perform {
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes { write(self.descriptor, $0.baseAddress, $0.count) }
                guard count >= 0 else { throw Failure(number: errno) }
                sent += count
            }
        }
    }

    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// The next line without its line feed; nil at the end.
    func line() async throws -> String? {
        try await perform {
            while true {
                let line: String? = self.rest.withLock { rest in
                    guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
                    defer { rest.removeSubrange(...end) }
                    return String(decoding: rest[..<end], as: UTF8.self)
                }
                if let line { return line }
                var buffer = [UInt8](repeating: 0, count: 65_536)
                let count = read(self.descriptor, &buffer, buffer.count)
                guard count >= 0 else { throw Failure(number: errno) }
                if count == 0 { return nil }
                self.rest.withLock { $0 += buffer[..<count] }
            }
        }
    }

    func answer() async throws -> TillAnswer? {
        guard let line = try await line() else { return nil }
        return try JSONDecoder().decode(TillAnswer.self, from: Data(line.utf8))
    }

    /// The ids of all answers up to the end of the stream.
    func remainingIDs() async throws -> [String] {
        var ids: [String] = []
        while let answer = try await answer() { ids.append(answer.acknowledges) }
        return ids
    }

    private func perform<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }
}

/// A directory that goes away with its owner.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/till-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestClient.Failure(number: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
