internal import Logging
internal import LoyaltyModel
internal import ServiceLifecycle
internal import Storage

/// Books what happens to members' points by itself: after the start, then soon after each business day has begun.
struct AccountService: Service {
    /// How often it looks whether a day has begun.
    private static let interval = Duration.seconds(600)

    let database: LoyaltyDatabase
    let lanes: LaneService
    let gate: StartGate
    let clock: any LoyaltyClock
    let log: Logger
    /// The outbox got rows.
    let wakeUpstream: @Sendable () -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await gate.passed()
            var settled: CalendarDate?
            while !Task.isCancelled {
                let day = await lanes.today
                if day != settled, await logged(day) { settled = day }
                do { try await Task.sleep(for: Self.interval) } catch { return }
            }
        }
    }

    /// Books all that fell due by the beginning of a day. - Throws: `storage.*`.
    @discardableResult
    func settle(_ day: CalendarDate) async throws(LoyaltyError) -> AccountKeeping.Settled {
        try await AccountKeeping(database).settle(to: day, program: await lanes.program, at: clock.now)
    }

    private func logged(_ day: CalendarDate) async -> Bool {
        do {
            let settled = try await settle(day)
            guard settled.entries > 0 else { return true }
            wakeUpstream()
            log.notice(
                "booked what fell due",
                metadata: ["day": "\(day)", "members": "\(settled.accounts)", "entries": "\(settled.entries)"])
            return true
        } catch {
            // A disk that takes no commit is the health check's concern; the next look tries again.
            log.error("points that ended could not be booked", metadata: ["error": "\(error)"])
            return false
        }
    }
}
