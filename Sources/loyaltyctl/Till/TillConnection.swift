import Glibc
import LoyaltyModel

extension LoyaltyError.Code {
    /// The daemon's till socket is not there, may not be opened, or broke off.
    static let tillConnection = Self("till.connection", kind: .unavailable)
    static let tillConnectionPermission = Self("till.connection_permission", kind: .permission)
}

/// A connection to the daemon's till socket that neither waits for room to write nor for something to read, but for either.
final class TillConnection {
    private let descriptor: Int32
    private let path: String
    private var received: [UInt8] = []
    private var searched = 0

    /// - Throws: `till.connection`, `till.connection_permission`.
    init(path: String) throws(LoyaltyError) {
        self.path = path
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { place in
            guard bytes.count < place.count else { return false }
            place.copyBytes(from: bytes)
            return true
        }
        guard fits else {
            throw LoyaltyError(.tillConnection, "the socket's path is longer than 107 bytes", at: Place(file: path))
        }
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Self.failure("no socket can be made", path) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let error = Self.failure("cannot connect to the till socket", path)
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    /// Waits until something can be read or, where that is wanted, written. - Parameter limit: milliseconds; -1 for no limit.
    func wait(toWrite: Bool, limit: Int32) -> (canRead: Bool, canWrite: Bool) {
        var waiter = pollfd(fd: descriptor, events: Int16(toWrite ? POLLIN | POLLOUT : POLLIN), revents: 0)
        guard poll(&waiter, 1, limit) > 0 else { return (false, false) }
        let events = Int32(waiter.revents)
        return (events & ~Int32(POLLOUT) != 0, events & Int32(POLLOUT) != 0)
    }

    /// Writes what there is room for. - Returns: how many bytes. - Throws: `till.connection`.
    func send(_ bytes: ArraySlice<UInt8>) throws(LoyaltyError) -> Int {
        let count = bytes.withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
        if count < 0, errno == EINTR || errno == EAGAIN { return 0 }
        guard count >= 0 else { throw Self.failure("the daemon takes no more events", path) }
        return count
    }

    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Whole lines that have come; nil at the end. Reads once, so call it where something can be read.
    /// - Throws: `till.connection`.
    func lines() throws(LoyaltyError) -> [[UInt8]]? {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count < 0, errno == EINTR { return [] }
        guard count >= 0 else { throw Self.failure("the connection to the daemon broke off", path) }
        guard count > 0 else { return nil }
        received += chunk[..<count]
        var lines: [[UInt8]] = []
        var start = 0
        while let end = received[max(searched, start)...].firstIndex(of: 0x0A) {
            lines.append(Array(received[start..<end]))
            start = end + 1
        }
        received.removeSubrange(..<start)
        searched = received.count
        return lines
    }

    private static func failure(_ what: String, _ path: String) -> LoyaltyError {
        let number = errno
        let reason = String(cString: strerror(number))
        switch number {
        case EACCES, EPERM:
            return LoyaltyError(
                .tillConnectionPermission, "\(what): \(reason)", at: Place(file: path),
                remedy: "Run it with sudo, or join the group of the socket")
        case ENOENT, ECONNREFUSED:
            return LoyaltyError(
                .tillConnection, "\(what): \(reason)", at: Place(file: path),
                remedy: "Is loyaltyd running? Name its socket with --socket or --state-dir")
        default: return LoyaltyError(.tillConnection, "\(what): \(reason)", at: Place(file: path))
        }
    }
}
