internal import LoyaltyModel

#if canImport(Glibc)
internal import Glibc
#endif

/// Speaks sd_notify(3): one datagram to `$NOTIFY_SOCKET`. Silent where there is none.
struct ServiceNotifier: Sendable {
    private let path: String?

    init(environment: [String: String]) {
        // The socket is handed to this process alone; a child must not inherit it.
        path = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// `READY=1`, with the line that `systemctl status` shows.
    func ready(_ status: String) { send("READY=1\nSTATUS=\(status)") }
    func status(_ status: String) { send("STATUS=\(status)") }
    func watchdog() { send("WATCHDOG=1") }
    func stopping() { send("STOPPING=1") }

    /// systemd 253 and later need the monotonic time with the reload; older ones ignore it.
    func reloading(at time: MonotonicTime) {
        send("RELOADING=1\nMONOTONIC_USEC=\(time.nanoseconds / 1000)")
    }

    private func send(_ message: String) {
        guard let path else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        // A leading @ means the abstract namespace, which is a zero byte.
        if name.first == UInt8(ascii: "@") { name[0] = 0 }
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let bytes = Array(message.utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { socketAddress in
                _ = sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), socketAddress, length)
            }
        }
    }
}
