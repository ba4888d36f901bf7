public import CardReading
public import LoyaltyModel
import Synchronization

/// Recordings in place of hardware, for a machine without readers.
public final class CaptureReaderBackend: ReaderBackend {
    private let clock: any LoyaltyClock
    private let sleep: @Sendable (Duration) async throws -> Void
    public let tap = ReaderTap()
    private let state: Mutex<State>

    private struct State {
        var player: CapturePlayer
        var deliver: (@Sendable (ReaderEvent) -> Void)?
        var task: Task<Void, Never>?
    }

    /// - Parameter sleep: waits by the clock; it throws where the task is cancelled.
    public init(
        player: CapturePlayer, clock: any LoyaltyClock,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        state = Mutex(State(player: player))
        self.clock = clock
        self.sleep = sleep
    }

    /// There is nothing that could hang.
    public var lastHeartbeat: MonotonicTime { clock.monotonic }

    public func start(_ deliver: @escaping @Sendable (ReaderEvent) -> Void) throws(LoyaltyError) {
        state.withLock { state in
            guard state.task == nil else { return }
            state.deliver = deliver
            state.task = play(state.player, deliver)
        }
    }

    /// Plays other recordings from their beginning; those that play are unplugged.
    public func replace(_ player: CapturePlayer) {
        state.withLock { state in
            let before = state.player
            state.player = player
            guard let deliver = state.deliver, let task = state.task else { return }
            task.cancel()
            state.task = play(player, deliver) { [tap] in
                await task.value
                for interface in before.interfaces { tap.withdraw(interface.reader.id) }
                for id in before.readerIDs { deliver(.disconnected(id)) }
            }
        }
    }

    private func play(
        _ player: CapturePlayer, _ deliver: @escaping @Sendable (ReaderEvent) -> Void,
        after before: @escaping @Sendable () async -> Void = {}
    ) -> Task<Void, Never> {
        let (clock, sleep, tap) = (clock, sleep, tap)
        return Task {
            await before()
            for interface in player.interfaces { tap.announce(interface) }
            var player = player
            while let due = player.due, !Task.isCancelled {
                let wait = due.since(clock.monotonic)
                if wait > .zero {
                    do { try await sleep(wait) } catch { return }
                }
                for event in player.advance(to: clock.monotonic) { deliver(event) }
                for (id, report, instant) in player.takeReports() { tap.note(report, of: id, at: instant) }
            }
        }
    }

    public func stop() {
        state.withLock { state in
            state.task?.cancel()
            state.task = nil
        }
    }

    /// Recordings are mute.
    public func signal(_ signal: ScanDecoder.Signal, on reader: ReaderID) {}
}
