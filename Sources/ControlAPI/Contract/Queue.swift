public import LoyaltyModel

/// One event of the outbox. Answer of `GET /v1/queue` and, with its payload, of `GET /v1/queue/event?id=`.
public struct QueueItem: Hashable, Sendable, Codable {
    /// The event's permanent id.
    public var id: String
    public var state: DeliveryState
    public var kind: LoyaltyTransaction.Kind?
    public var member: MemberID?
    /// The sale's reference.
    public var sale: String?
    public var points: [PointsAmount]
    public var createdAt: Timestamp
    public var attempts: Int
    public var nextTryAt: Timestamp?
    /// The back end's answer, or why it could not be reached.
    public var reason: String?
    /// The CloudEvents data, JSON text, without any card number. Only where one event is asked for.
    public var payload: String?

    private enum CodingKeys: String, CodingKey {
        case id, state, kind, member, sale, points, attempts, reason, payload
        case createdAt = "created_at"
        case nextTryAt = "next_try_at"
    }

    public init(id: String, state: DeliveryState, createdAt: Timestamp, attempts: Int = 0) {
        self.id = id
        self.state = state
        self.createdAt = createdAt
        self.attempts = attempts
        points = []
    }
}

/// Body of `POST /v1/queue/retry`. No ids means all dead ones.
public struct RetryRequest: Hashable, Sendable, Codable {
    public var ids: [String]
    public init(ids: [String]) { self.ids = ids }
}

/// Answer of `POST /v1/queue/retry`.
public struct RetryResult: Hashable, Sendable, Codable {
    /// How many go out again.
    public var retried: Int
    public init(retried: Int) { self.retried = retried }
}
