import CardReading
import LoyaltyModel

/// What is still to be sent of the signal that a reader is giving. Pure: instants in, requests out.
struct SignalQueue: Sendable {
    private var steps: [(at: MonotonicTime, step: SignalPlan.Step)] = []

    /// When `due` has something to give.
    var deadline: MonotonicTime? { steps.first?.at }

    /// Begins a signal. It takes the place of the one before, which belongs to an earlier scan; only its light is put out.
    ///
    /// - Returns: what to send now.
    mutating func begin(_ plan: SignalPlan, at now: MonotonicTime) -> [SetupRequest] {
        let restoring = steps.last { $0.step.restores }
        steps = plan.steps.map { (now.adding($0.after), $0) }
        return (restoring.map { [$0.step.request] } ?? []) + due(at: now)
    }

    /// What has come due.
    mutating func due(at now: MonotonicTime) -> [SetupRequest] {
        let count = steps.prefix { $0.at <= now }.count
        guard count > 0 else { return [] }
        defer { steps.removeFirst(count) }
        return steps.prefix(count).map(\.step.request)
    }

    /// The reader is gone, or forgets what it was told.
    mutating func clear() { steps = [] }
}
