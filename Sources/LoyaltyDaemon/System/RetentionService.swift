internal import Logging
internal import LoyaltyModel
internal import ServiceLifecycle
internal import Storage

/// Removes what is older than the settings keep: after the start, then once a day.
struct RetentionService: Service {
    private static let interval = Duration.seconds(86_400)

    let settings: DaemonSettings
    let database: LoyaltyDatabase
    let gate: StartGate
    let clock: any LoyaltyClock
    let log: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await gate.passed()
            while !Task.isCancelled {
                await logged()
                do { try await Task.sleep(for: Self.interval) } catch { return }
            }
        }
    }

    /// - Throws: `storage.*`; what was removed before stays removed.
    @discardableResult
    func purge() async throws(LoyaltyError) -> Retention.Removed {
        let kept = settings.storage
        return try await Retention(
            saleDays: kept.saleDays, quarantineDays: kept.quarantineDays, tallyDays: kept.figureDays
        ).purge(database, at: clock.now)
    }

    private func logged() async {
        do {
            let removed = try await purge()
            guard !removed.isEmpty else { return }
            log.notice(
                "removed what is too old",
                metadata: [
                    "sales": "\(removed.sales)", "events": "\(removed.events)", "voids": "\(removed.voids)",
                    "quarantined": "\(removed.quarantined)", "figures": "\(removed.tallies)",
                ])
        } catch {
            // A disk that takes no commit is the health check's concern; tomorrow is soon enough for this.
            log.error("old sales could not be removed", metadata: ["error": "\(error)"])
        }
    }
}
