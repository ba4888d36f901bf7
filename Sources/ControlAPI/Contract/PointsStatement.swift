public import LoyaltyModel

/// What a member has of one points currency, as far as this terminal knows.
public struct PointsStatement: Hashable, Sendable, Codable {
    public struct Ending: Hashable, Sendable, Codable {
        /// The last day on which they can be spent.
        public var day: CalendarDate
        public var points: Points

        public init(day: CalendarDate, points: Points) {
            self.day = day
            self.points = points
        }
    }

    public var currency: String
    /// Can be spent; below zero where more was taken than there was.
    public var available: Points
    public var pending: Points
    /// What the next credits pay first.
    public var owed: Points
    /// What ends when, the next first.
    public var endings: [Ending]

    public init(currency: String, available: Points, pending: Points, owed: Points, endings: [Ending]) {
        self.currency = currency
        self.available = available
        self.pending = pending
        self.owed = owed
        self.endings = endings
    }
}

/// Points that were given together and end together.
public struct LotReport: Hashable, Sendable, Codable {
    public var id: String
    public var currency: String
    /// The sale that gave it; `opening` for what the member file brought, `carried/...` for sales long ago.
    public var origin: String
    public var granted: Points
    public var remaining: Points
    public var earned: CalendarDate
    /// Cannot be spent before this day; nil where it can.
    public var pendingUntil: CalendarDate?
    public var lastDay: CalendarDate?

    private enum CodingKeys: String, CodingKey {
        case id, currency, origin, granted, remaining, earned
        case pendingUntil = "pending_until"
        case lastDay = "last_day"
    }

    public init(
        id: String, currency: String, origin: String, granted: Points, remaining: Points, earned: CalendarDate,
        pendingUntil: CalendarDate? = nil, lastDay: CalendarDate? = nil
    ) {
        self.id = id
        self.currency = currency
        self.origin = origin
        self.granted = granted
        self.remaining = remaining
        self.earned = earned
        self.pendingUntil = pendingUntil
        self.lastDay = lastDay
    }
}

/// A reward that a member got by himself: at a balance, at the end of a period, by stamps.
public struct RewardReport: Hashable, Sendable, Codable {
    public var reward: String
    public var count: Int64
    public var issued: CalendarDate
    public var expires: CalendarDate?

    public init(reward: String, count: Int64, issued: CalendarDate, expires: CalendarDate? = nil) {
        self.reward = reward
        self.count = count
        self.issued = issued
        self.expires = expires
    }
}
