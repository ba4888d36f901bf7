internal import Synchronization

/// Opens once everything that somebody outside may connect to is there. systemd is told "ready" then and not before.
final class StartGate: Sendable {
    enum Part: Hashable, Sendable { case controlSocket, tillSocket }

    private let missing: Mutex<Set<Part>>
    private let events = AsyncStream.makeStream(of: Void.self)

    init(_ parts: Set<Part> = [.controlSocket, .tillSocket]) { missing = Mutex(parts) }

    func open(_ part: Part) {
        let isOpen = missing.withLock { missing in
            missing.remove(part)
            return missing.isEmpty
        }
        if isOpen { events.continuation.finish() }
    }

    /// Returns when all parts are open, or at cancellation. For one caller.
    func passed() async { for await _ in events.stream {} }
}
