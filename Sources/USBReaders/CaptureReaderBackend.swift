public import CardReading
public import LoyaltyModel
import Synchronization

/// Recordings in place of hardware, for a machine without readers.
public final class CaptureReaderBackend: ReaderBackend {
    private let player: CapturePlayer
    private let clock: any LoyaltyClock
    private let sleep: @Sendable (Duration) async throws -> Void
    public let tap = ReaderTap()
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// - Parameter sleep: waits by the clock; it throws where the task is cancelled.
    public init(
        player: CapturePlayer, clock: any LoyaltyClock,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.player = player
        self.clock = clock
        self.sleep = sleep
    }

    /// There is nothing that could hang.
    public var lastHeartbeat: MonotonicTime { clock.monotonic }

    public func start(_ deliver: @escaping @Sendable (ReaderEvent) -> Void) throws(LoyaltyError) {
        let (clock, sleep, player, tap) = (clock, sleep, player, tap)
        for interface in player.interfaces { tap.announce(interface) }
        task.withLock { task in
            guard task == nil else { return }
            task = Task {
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
    }

    public func stop() {
        task.withLock { task in
            task?.cancel()
            task = nil
        }
    }

    /// Recordings are mute.
    public func signal(_ signal: ScanDecoder.Signal, on reader: ReaderID) {}
}
