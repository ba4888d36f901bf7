internal import ControlAPI
internal import Logging
internal import LoyaltyModel
internal import ServiceLifecycle
internal import Storage
internal import USBReaders

/// Feeds systemd's watchdog, but only after it has seen the parts that can wedge do something: a commit went through, and
/// the USB thread went around its loop.
struct HealthMonitor: Service {
    /// The USB thread turns at least every five seconds.
    private static let longestHeartbeatAge = Duration.seconds(15)

    let state: DaemonState
    let database: LoyaltyDatabase
    let backend: USBReaderBackend?
    let clock: any LoyaltyClock
    let notifier: ServiceNotifier
    let interval: Duration
    /// READY=1 means that tills and operators may connect, and that a reload is not the end.
    let gate: StartGate
    let log: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await gate.opened()
            guard !Task.isCancelled else { return }
            notifier.ready(await statusLine())
        }
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do { try await Task.sleep(for: interval) } catch { return }
                await check()
            }
        }
        notifier.stopping()
    }

    private func check() async {
        if let backend, clock.monotonic.since(backend.lastHeartbeat) > Self.longestHeartbeatAge {
            log.error("the USB thread does not answer; the watchdog is not fed")
            return
        }
        do { try await database.checkWriter() } catch {
            log.error("a test commit failed", metadata: ["error": "\(error)"])
            // A full disk is no reason to be killed: everything accepted is safe, and new sales are refused with a code.
            guard error.code == .storageDiskFull else { return }
        }
        notifier.watchdog()
        notifier.status(await statusLine())
    }

    private func statusLine() async -> String {
        guard let report = try? await state.status() else { return "running" }
        return report.reason
    }
}

/// Opens once so many parts have reported that they work.
final class StartGate: Sendable {
    private let reports = AsyncStream.makeStream(of: Void.self)
    private let parts: Int

    init(parts: Int) { self.parts = parts }

    func report() { reports.continuation.yield() }

    /// Returns once the gate is open, or when the task is cancelled. Called once.
    func opened() async {
        var count = 0
        for await _ in reports.stream {
            count += 1
            if count == parts { return }
        }
    }
}
