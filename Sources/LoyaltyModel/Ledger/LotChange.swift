/// What a transaction did to points that were given together and end together: for a back end that keeps lots itself.
public struct LotChange: Hashable, Sendable, Codable {
    /// `earned`, `spent`, `expired`, `returned`, `restored`; `lapsed`, `forgiven` and `repaid` leave the balance as it was.
    public var reason: String
    public var currency: String
    /// Unique for the member; nil for what is owed.
    public var lot: String?
    /// The size that was moved, zero or more.
    public var size: Points
    /// The change of the balance.
    public var points: Points
    /// Stated where the lot is new: the day from which it can be spent, and its last day, inactivity aside.
    public var pendingUntil: CalendarDate?
    public var expires: CalendarDate?

    private enum CodingKeys: String, CodingKey {
        case reason, currency, lot, size, points, expires
        case pendingUntil = "pending_until"
    }

    public init(
        reason: String, currency: String, lot: String?, size: Points, points: Points,
        pendingUntil: CalendarDate? = nil, expires: CalendarDate? = nil
    ) {
        self.reason = reason
        self.currency = currency
        self.lot = lot
        self.size = size
        self.points = points
        self.pendingUntil = pendingUntil
        self.expires = expires
    }
}

/// A reward that a member got, or lost again.
public struct RewardChange: Hashable, Sendable, Codable {
    /// The id of the program's reward.
    public var reward: String
    /// How many; below zero for those that were taken back.
    public var count: Int64
    /// What they cost; nil for rewards of stamp cards.
    public var points: Points?
    public var currency: String?
    /// What the customer paid less, where that is money.
    public var value: Money?
    /// The last day on which an issued reward can be used.
    public var expires: CalendarDate?

    public init(
        reward: String, count: Int64 = 1, points: Points? = nil, currency: String? = nil, value: Money? = nil,
        expires: CalendarDate? = nil
    ) {
        self.reward = reward
        self.count = count
        self.points = points
        self.currency = currency
        self.value = value
        self.expires = expires
    }
}
