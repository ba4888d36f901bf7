internal import CardReading
internal import Logging
internal import LoyaltyModel
internal import ServiceLifecycle
internal import Synchronization
internal import USBReaders

/// The USB thread's events, one after the other, to the lanes; and what the lanes decide, back to the readers.
final class ReaderService: Service {
    static let unavailable = LoyaltyError.Code.usbUnavailable.name
    private static let retryInterval = Duration.seconds(30)

    private let backend: any ReaderBackend
    private let lanes: LaneService
    private let concerns: Concerns
    private let clock: any LoyaltyClock
    private let log: Logger
    private let isListening = Atomic(false)

    init(
        backend: any ReaderBackend, lanes: LaneService, concerns: Concerns, clock: any LoyaltyClock, log: Logger
    ) {
        self.backend = backend
        self.lanes = lanes
        self.concerns = concerns
        self.clock = clock
        self.log = log
    }

    /// When the USB thread last showed that it lives; nil while there is none.
    var lastHeartbeat: MonotonicTime? { isListening.load(ordering: .acquiring) ? backend.lastHeartbeat : nil }

    func run() async throws {
        let (events, continuation) = AsyncStream.makeStream(
            of: ReaderEvent.self, bufferingPolicy: .bufferingOldest(4096))
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { tasks in
                tasks.addTask { await self.keepStarting(continuation) }
                // Straight to the thread of the lanes.
                await withTaskExecutorPreference(lanes.thread) {
                    for await event in events { await lanes.receive(event) }
                }
                tasks.cancelAll()
            }
        } onGracefulShutdown: {
            self.isListening.store(false, ordering: .releasing)
            self.backend.stop()
            continuation.finish()
        }
    }

    /// A till without USB still sells; the status says what is wrong.
    private func keepStarting(_ continuation: AsyncStream<ReaderEvent>.Continuation) async {
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            do throws(LoyaltyError) {
                try backend.start { continuation.yield($0) }
                isListening.store(true, ordering: .releasing)
                concerns.clear(Self.unavailable)
                return
            } catch {
                log.error("no readers", metadata: ["error": "\(error)"])
                concerns.raise(Self.unavailable, error.message, remedy: error.remedy, at: clock.now)
            }
            do { try await Task.sleep(for: Self.retryInterval) } catch { return }
        }
    }
}
