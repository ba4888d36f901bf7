/// What a signal sends to a reader, and when.
public struct SignalPlan: Sendable, Hashable {
    public struct Step: Sendable, Hashable {
        /// Since the signal.
        public var after: Duration
        public var request: SetupRequest
        /// Whether it puts back what an earlier step changed, so that it must be sent even where another signal comes in between.
        public var restores: Bool

        public init(after: Duration, _ request: SetupRequest, restores: Bool = false) {
            self.after = after
            self.request = request
            self.restores = restores
        }
    }

    /// The earliest first. The first is due at once.
    public let steps: [Step]

    public init(_ steps: [Step]) { self.steps = steps.sorted { $0.after < $1.after } }

    /// The same request so many times.
    static func repeating(_ request: SetupRequest, _ times: Int, every interval: Duration) -> SignalPlan {
        SignalPlan((0..<max(times, 0)).map { Step(after: interval * $0, request) })
    }
}
