public import LoyaltyModel

/// What went wrong at the last try.
public struct UpstreamFailure: Hashable, Sendable, Codable {
    /// A dotted name: `upstream.connect`, `upstream.http_503`.
    public var code: String
    /// A sentence without tokens or card numbers.
    public var message: String
    public var at: Timestamp
    /// True where waiting does not help.
    var needsPerson = false

    private enum CodingKeys: String, CodingKey { case code, message, at }

    init(_ code: String, _ message: String, at: Timestamp) {
        self.code = code
        self.message = message
        self.at = at
    }

    init(_ error: LoyaltyError, at: Timestamp) {
        self.init(error.code.name, error.message, at: at)
        needsPerson = error.code.kind == .permission || error.code.kind == .configuration
    }
}

/// How delivery to the back end stands, for status pages and metrics. Counters count from the start of the service.
public struct UpstreamStatus: Hashable, Sendable, Codable {
    public enum State: String, Sendable, Codable, CaseIterable {
        /// Not running.
        case off
        /// Nothing is waiting.
        case idle
        case delivering
        /// Waiting to try again.
        case retrying
        /// A person has to act.
        case paused
    }

    public var state = State.off
    /// Why it is paused.
    public var reason: String?
    /// When the back end last took something.
    public var lastSuccess: Timestamp?
    public var lastAttempt: Timestamp?
    public var lastFailure: UpstreamFailure?
    /// Failed tries in a row; 0 after a success.
    public var failuresInARow = 0
    public var deliveredToday = 0
    public var deliveredTotal = 0
    public var deadTotal = 0
    /// By how many seconds the back end's clock is ahead of ours, from the `Date` header; good to a second.
    public var clockSkewSeconds: Int64?
    /// When the next try is due; nil where nothing waits.
    public var nextAttempt: Timestamp?

    public init() {}

    /// What went wrong last, until the back end takes something again.
    public var openFailure: UpstreamFailure? {
        guard let lastFailure, failuresInARow == 0, state != .paused, let lastSuccess else { return lastFailure }
        return lastSuccess >= lastFailure.at ? nil : lastFailure
    }

    private enum CodingKeys: String, CodingKey {
        case state, reason
        case lastSuccess = "last_success"
        case lastAttempt = "last_attempt"
        case lastFailure = "last_failure"
        case failuresInARow = "failures_in_a_row"
        case deliveredToday = "delivered_today"
        case deliveredTotal = "delivered_total"
        case deadTotal = "dead_total"
        case clockSkewSeconds = "clock_skew_seconds"
        case nextAttempt = "next_attempt"
    }
}
