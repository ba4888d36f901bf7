public import LoyaltyModel

/// The member cache in figures. Answer of `GET /v1/members/count`.
public struct MemberCount: Hashable, Sendable, Codable {
    public var members: Int
    public var cards: Int
    /// When the last complete import or feed pass ended.
    public var asOf: Timestamp?
    /// `import` or `feed`.
    public var source: String?

    private enum CodingKeys: String, CodingKey {
        case members, cards, source
        case asOf = "as_of"
    }

    public init(members: Int = 0, cards: Int = 0, asOf: Timestamp? = nil, source: String? = nil) {
        self.members = members
        self.cards = cards
        self.asOf = asOf
        self.source = source
    }
}

/// One member of the cache. Answer of `GET /v1/member?id=` and of `POST /v1/members/lookup`.
public struct MemberReport: Hashable, Sendable, Codable {
    public var id: MemberID
    /// `active`, `blocked` or `replaced`.
    public var status: String
    public var replacedBy: MemberID?
    public var tier: String?
    public var segments: [String]
    public var entitlements: [Member.Entitlement]
    public var birthday: MonthDay?
    public var household: String?
    public var balance: Points?
    public var balanceAsOf: Timestamp?
    public var greeting: String?
    /// How many cards he has; their numbers are not kept.
    public var cards: Int
    public var updatedAt: Timestamp?
    /// What this terminal knows of the member's points; empty in answers of older versions.
    public var points: [PointsStatement]?
    /// Points that were given together and end together, the oldest first; only those that hold something.
    public var lots: [LotReport]?
    /// Rewards that were given by themselves and have not ended.
    public var rewards: [RewardReport]?

    private enum CodingKeys: String, CodingKey {
        case id, status, tier, segments, entitlements, birthday, household, balance, greeting, cards
        case points, lots, rewards
        case replacedBy = "replaced_by"
        case balanceAsOf = "as_of"
        case updatedAt = "updated_at"
    }

    public init(_ member: Member, cards: Int, updatedAt: Timestamp? = nil) {
        id = member.id
        status = member.status.word
        if case .replaced(let other) = member.status { replacedBy = other }
        tier = member.tier
        segments = member.segments
        entitlements = member.entitlements
        birthday = member.birthday
        household = member.household
        balance = member.balance
        balanceAsOf = member.balanceAsOf
        greeting = member.greeting
        self.cards = cards
        self.updatedAt = updatedAt
    }
}

/// Body of `POST /v1/members/lookup`. Card numbers travel in bodies over the Unix socket, never in a URL.
public struct CardLookup: Sendable, Codable {
    public var card: String
    public init(card: String) { self.card = card }
}

extension CardLookup: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "card lookup" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
