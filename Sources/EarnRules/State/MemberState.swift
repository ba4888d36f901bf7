public import LoyaltyModel

/// What a program keeps of a member besides the member file: a value that events change and that is given back.
public struct MemberState: Hashable, Sendable, Codable {
    /// The day on which the member joined.
    public var joined: CalendarDate?
    /// Who recruited the member.
    public var referrer: MemberID?
    /// The good cause that the member chose.
    public var beneficiary: String?
    /// Numbers in partner programs, by the partner's id.
    public var linked: [String: String] = [:]
    /// Days that the member chose, by the id of the `member_day`.
    public var chosenDays: [String: [CalendarDate]] = [:]
    /// Rights that were bought at the till; those of the member file stand beside them.
    public var entitlements: [Member.Entitlement] = []
    /// nil where the member file's tier counts.
    public var tier: TierStanding?
    public var lots: [Lot] = []
    /// Points that later credits pay first, by currency.
    public var owed: [String: Points] = [:]
    /// The last day on which points were earned or spent.
    public var lastActivity: CalendarDate?

    public init() {}
}

/// A tier and the last day on which it holds; nil for as long as the counter says so.
public struct TierStanding: Hashable, Sendable, Codable {
    public var id: String
    public var validThrough: CalendarDate?

    public init(id: String, validThrough: CalendarDate? = nil) {
        self.id = id
        self.validThrough = validThrough
    }
}

/// Something that a member did that is no sale: a survey, a referral, a training, a partner's trip.
public struct LoyaltyAction: Hashable, Sendable, Codable {
    /// What rules name with `event`, such as `survey.completed`.
    public var name: String
    /// Unique for ever: an action with a key that was seen before changes nothing.
    public var key: String
    public var occurredAt: Timestamp
    public var businessDay: CalendarDate
    /// What a partner charged, for rates per amount.
    public var amount: Money?
    /// For rates per unit.
    public var quantity: Quantity
    public var store: String?
    public var channel: String?

    public init(
        name: String, key: String, occurredAt: Timestamp, businessDay: CalendarDate, amount: Money? = nil,
        quantity: Quantity = .one, store: String? = nil, channel: String? = nil
    ) {
        self.name = name
        self.key = key
        self.occurredAt = occurredAt
        self.businessDay = businessDay
        self.amount = amount
        self.quantity = quantity
        self.store = store
        self.channel = channel
    }
}
