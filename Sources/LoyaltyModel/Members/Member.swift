/// A member's permanent name at the chain's back end.
public struct MemberID: Hashable, Sendable, Codable, CustomStringConvertible {
    public let value: String
    public init(_ value: String) { self.value = value }
    public var description: String { value }

    public init(from decoder: any Decoder) throws { self.init(try decoder.singleValueContainer().decode(String.self)) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}

/// What the cache knows of a member. Card numbers are not part of it; they stand in the cache as keyed tokens.
public struct Member: Hashable, Sendable, Codable {
    public enum Status: Hashable, Sendable {
        case active
        case blocked
        /// The card was replaced; the named member has taken its place.
        case replaced(by: MemberID)
    }

    /// A right that holds between two dates, such as a paid membership.
    public struct Entitlement: Hashable, Sendable, Codable {
        public var name: String
        /// First and last day on which it holds; nil is open.
        public var from: CalendarDate?
        public var to: CalendarDate?

        public init(name: String, from: CalendarDate? = nil, to: CalendarDate? = nil) {
            self.name = name
            self.from = from
            self.to = to
        }

        public func holds(on day: CalendarDate) -> Bool {
            (from.map { $0 <= day } ?? true) && (to.map { day <= $0 } ?? true)
        }
    }

    public var id: MemberID
    public var status: Status
    public var tier: String?
    public var segments: [String]
    public var entitlements: [Entitlement]
    public var birthday: MonthDay?
    public var household: String?
    /// The balance the back end last told, and when that was.
    public var balance: Points?
    public var balanceAsOf: Timestamp?
    /// Text for the customer display.
    public var greeting: String?
    /// The day on which the member joined.
    public var joined: CalendarDate?
    /// Who recruited the member.
    public var referrer: MemberID?
    /// The good cause that the member chose.
    public var beneficiary: String?

    public init(
        id: MemberID,
        status: Status = .active,
        tier: String? = nil,
        segments: [String] = [],
        entitlements: [Entitlement] = [],
        birthday: MonthDay? = nil,
        household: String? = nil,
        balance: Points? = nil,
        balanceAsOf: Timestamp? = nil,
        greeting: String? = nil,
        joined: CalendarDate? = nil,
        referrer: MemberID? = nil,
        beneficiary: String? = nil
    ) {
        self.id = id
        self.status = status
        self.tier = tier
        self.segments = segments
        self.entitlements = entitlements
        self.birthday = birthday
        self.household = household
        self.balance = balance
        self.balanceAsOf = balanceAsOf
        self.greeting = greeting
        self.joined = joined
        self.referrer = referrer
        self.beneficiary = beneficiary
    }
}

extension Member.Status: Codable {
    private enum CodingKeys: String, CodingKey {
        case word
        case replacedBy = "replaced_by"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(String.self, forKey: .word) {
        case "active": self = .active
        case "blocked": self = .blocked
        case "replaced": self = .replaced(by: try container.decode(MemberID.self, forKey: .replacedBy))
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .word,
                in: container,
                debugDescription: "status is active, blocked or replaced"
            )
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(word, forKey: .word)
        if case .replaced(let other) = self { try container.encode(other, forKey: .replacedBy) }
    }

    /// `active`, `blocked` or `replaced`.
    public var word: String {
        switch self {
        case .active: "active"
        case .blocked: "blocked"
        case .replaced: "replaced"
        }
    }
}

/// One row of a member file: the member, the numbers of all of his cards, and his numbers in other programs.
public struct MemberRecord: Hashable, Sendable {
    public var member: Member
    public var cards: [CardNumber]
    /// By the partner's id.
    public var partners: [String: CardNumber]

    public init(member: Member, cards: [CardNumber], partners: [String: CardNumber] = [:]) {
        self.member = member
        self.cards = cards
        self.partners = partners
    }
}
