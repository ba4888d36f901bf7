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

/// The tier before a sale or action and after it: what a correction begins with again, and what a void takes back.
public struct TierChange: Hashable, Sendable, Codable {
    public var before: TierStanding?
    public var after: TierStanding?
    /// The business day of the sale. nil in older documents.
    public var day: CalendarDate?

    public init(before: TierStanding?, after: TierStanding?, day: CalendarDate?) {
        self.before = before
        self.after = after
        self.day = day
    }
}

/// The tier that a sale earned with.
public struct EarnedTier: Hashable, Sendable, Codable {
    /// nil where the member had none.
    public var name: String?
    /// What the counter of the tiers held before the sale, for one that earns with the tier it reaches.
    public var counted: DecimalNumber?
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
