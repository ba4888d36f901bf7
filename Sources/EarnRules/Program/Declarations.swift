public import LoyaltyModel

/// Something that a program counts for each member, household or card. Array `counter`.
public struct CounterDeclaration: Sendable {
    public enum Quantity: String, Sendable, CaseIterable {
        /// Money of the lines that match, in major units.
        case spend
        /// Points of a currency, as granted.
        case points
        /// Those of them that count towards a tier.
        case qualifying
        case visits, units
    }

    public let id: String
    public let counts: Quantity
    public let per: Period
    public let scope: CounterScope
    let currency: String
    let match: LineFilter?
    let exclude: LineFilter
    let tenders: TenderCondition
    let basis: Basis
}

/// Levels of membership. Table `tiers`.
public struct TierLadder: Sendable {
    public struct Level: Sendable {
        public let id: String
        /// What the counter must reach.
        public let threshold: DecimalNumber
        /// What the tier brings besides points, for the till's display.
        public let perks: [String]
    }

    public enum Downgrade: String, Sendable, CaseIterable {
        case oneLevel = "one_level"
        /// To the level that the counter has reached.
        case reevaluate
        /// To the lowest level.
        case base
    }

    public enum Moment: String, Sendable, CaseIterable {
        case nextSale = "next_sale"
        /// The sale that reaches a level already earns at it.
        case thisSale = "this_sale"
    }

    public enum Returned: String, Sendable, CaseIterable {
        /// A tier stays until its day, whatever comes back.
        case keep
        /// A tier that was reached by goods that came back is lost.
        case lower
    }

    public let counter: String
    /// From the lowest to the highest.
    public let levels: [Level]
    public let validity: Expiry?
    public let downgrade: Downgrade
    public let applies: Moment
    public let returns: Returned
}

/// A right that is sold as a line, such as a paid membership. Array `entitlement`.
public struct EntitlementDeclaration: Sendable {
    public enum Renewal: String, Sendable, CaseIterable {
        /// The new term follows the running one.
        case extend
        /// The new term begins with the sale.
        case restart
    }

    public let id: String
    public let lasts: Expiry
    public let renewal: Renewal
    public let perks: [String]
    let soldAs: LineFilter
}

/// A day that members choose for themselves. Array `member_day`, or key `member_day` of a rule.
public struct MemberDayDeclaration: Sendable {
    public let id: String
    /// How often, by tier; the entry `any` is for everybody else.
    public let quotas: [String: Int64]
    public let per: Period
    /// Whether the till may book it for today.
    public let canBookAtTill: Bool

    /// - Parameter tier: the member's; nil for none.
    public func quota(tier: String?) -> Int64 { tier.flatMap { quotas[$0] } ?? quotas["any"] ?? 0 }
}

/// A good cause that points or money can go to. Array `beneficiary`.
public struct BeneficiaryDeclaration: Sendable {
    public let id: String
    public let name: String
    /// Taken where the member chose none.
    public let isDefault: Bool
}

/// Another program whose member number is kept and passed on. Array `partner`.
public struct PartnerDeclaration: Sendable {
    public enum Characters: String, Sendable, CaseIterable {
        case digits
        case lettersAndDigits = "letters_and_digits"
    }

    public let id: String
    public let lengths: Set<Int>
    public let prefixes: [String]
    public let characters: Characters
    public let check: CheckDigitRule
    /// Whether each sale of a member with a number goes to the partner.
    public let forwards: Bool
    let match: LineFilter?
    let exclude: LineFilter
    let basis: Basis
}

/// A punch card. Array `stamps`. Stamps are a currency of their own, named by the card's id.
public struct StampCard: Sendable {
    enum Give: Sendable {
        case units(stamps: Int64, per: DecimalNumber)
        case visit(stamps: Int64)
        case amount(stamps: Int64, per: DecimalNumber)
    }

    public struct Prize: Sendable {
        public let at: Int64
        /// The id of a reward.
        public let issue: String
        public let expiry: Expiry?
    }

    public let id: String
    public let text: String?
    /// By rising number of stamps; the last one completes the card.
    public let prizes: [Prize]
    /// Stamps above a full card begin the next one.
    public let carriesOver: Bool
    let give: Give
    let rule: Rule

    /// Stamps of a full card.
    public var length: Int64 { prizes.last?.at ?? 1 }
}
