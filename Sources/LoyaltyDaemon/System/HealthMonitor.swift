internal import ControlAPI
internal import Logging
internal import LoyaltyModel
internal import ServiceLifecycle
internal import Storage
internal import USBReaders

/// Tells systemd when the daemon is ready, and feeds its watchdog, but only after it has seen the parts that can wedge do
/// something: a commit went through, the USB thread went around its loop, the lanes answered.
struct HealthMonitor: Service {
    /// The USB thread turns at least every five seconds.
    private static let longestHeartbeatAge = Duration.seconds(15)
    static let writeFailed = "storage.write_failed"

    let state: DaemonState
    let database: LoyaltyDatabase
    let readers: ReaderService?
    let gate: StartGate
    let concerns: Concerns
    let clock: any LoyaltyClock
    let notifier: ServiceNotifier
    let interval: Duration
    let log: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await gate.passed()
            if Task.isCancelled { return }
            notifier.ready(await statusLine())
            while !Task.isCancelled {
                do { try await Task.sleep(for: interval) } catch { return }
                await check()
            }
        }
        notifier.stopping()
    }

    private func check() async {
        // Without a heartbeat there is no thread: no USB in this machine, which restarting does not mend.
        if let heartbeat = readers?.lastHeartbeat, clock.monotonic.since(heartbeat) > Self.longestHeartbeatAge {
            log.error("the USB thread does not answer; the watchdog is not fed")
            return
        }
        do {
            try await database.checkWriter()
            concerns.clear(Self.writeFailed)
        } catch {
            log.error("a test commit failed", metadata: ["error": "\(error)"])
            concerns.raise(Self.writeFailed, error.message, remedy: error.remedy, at: clock.now)
            // A full disk is no reason to be killed: everything accepted is safe, and new sales are refused with a code.
            guard error.code == .storageDiskFull else { return }
        }
        let line = await statusLine()
        notifier.watchdog()
        notifier.status(line)
    }

    private func statusLine() async -> String {
        guard let report = try? await state.status() else { return "running" }
        return report.reason
    }
}
