import Glibc
import LoyaltyModel

/// A connection to a Unix socket on which both sides speak in lines. Blocking, for one thread.
final class LineSocket {
    private let descriptor: Int32
    private let path: String
    private var received: [UInt8] = []
    private var searched = 0

    /// Connects, trying again until the deadline while nobody listens yet.
    ///
    /// - Throws: `sim.connection`.
    init(path: String, patience: Duration = .zero) throws(LoyaltyError) {
        self.path = path
        let clock = ContinuousClock()
        let deadline = clock.now + patience
        while true {
            do {
                descriptor = try Self.connect(path)
                return
            } catch {
                guard clock.now < deadline else { throw error }
                usleep(50_000)
            }
        }
    }

    deinit { close(descriptor) }

    private static func connect(_ path: String) throws(LoyaltyError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { place in
            guard bytes.count < place.count else { return false }
            place.copyBytes(from: bytes)
            return true
        }
        guard fits else {
            throw LoyaltyError(.simulatorConnection, "the socket's path is longer than 107 bytes: \(path)")
        }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure("cannot make a socket for", path) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let error = failure("cannot connect to", path)
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// - Throws: `sim.connection`.
    func send(_ bytes: [UInt8]) throws(LoyaltyError) {
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure("cannot write to", path) }
            done += count
        }
    }

    /// The next line without its end; nil where none is complete by the deadline.
    ///
    /// - Throws: `sim.connection`, also where the other side closed.
    func nextLine(by deadline: ContinuousClock.Instant) throws(LoyaltyError) -> [UInt8]? {
        while true {
            if let end = received[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(received[..<end])
                received.removeSubrange(...end)
                searched = 0
                return line
            }
            searched = received.count
            var waiter = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waiter, 1, Self.milliseconds(until: deadline))
            if ready < 0, errno == EINTR { continue }
            if ready == 0 { return nil }
            guard ready > 0 else { throw Self.failure("cannot wait for", path) }
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw count == 0
                    ? LoyaltyError(.simulatorConnection, "\(path): the other side closed the connection")
                    : Self.failure("cannot read from", path)
            }
            received += chunk[..<count]
        }
    }

    /// Whole milliseconds, rounded up, so that waiting never turns into spinning.
    private static func milliseconds(until deadline: ContinuousClock.Instant) -> Int32 {
        let (seconds, attoseconds) = (deadline - ContinuousClock().now).components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return Int32(clamping: min(seconds, 3600) * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
    }

    private static func failure(_ action: String, _ path: String) -> LoyaltyError {
        LoyaltyError(.simulatorConnection, "\(action) \(path): \(String(cString: strerror(errno)))")
    }
}

extension LoyaltyError.Code {
    static let simulatorConnection = Self("sim.connection", kind: .unavailable)
}
