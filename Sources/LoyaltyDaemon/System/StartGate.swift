internal import Synchronization

/// Opens once everything that somebody outside may connect to is there. systemd is told "ready" then and not before.
final class StartGate: Sendable {
    enum Part: Hashable, Sendable { case controlSocket, tillSocket }

    private struct State {
        var missing: Set<Part>
        var waiting: [Int: AsyncStream<Never>.Continuation] = [:]
        var next = 0
    }

    private let state: Mutex<State>

    init(_ parts: Set<Part> = [.controlSocket, .tillSocket]) { state = Mutex(State(missing: parts)) }

    func open(_ part: Part) {
        let waiting = state.withLock { state in
            state.missing.remove(part)
            guard state.missing.isEmpty else { return [AsyncStream<Never>.Continuation]() }
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.finish() }
    }

    /// Returns when all parts are open, or at cancellation.
    func passed() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
        let isOpen = state.withLock { state in
            if state.missing.isEmpty { return true }
            state.waiting[state.next] = continuation
            state.next += 1
            return false
        }
        if isOpen { return }
        for await _ in stream {}
    }
}
