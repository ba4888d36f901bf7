public import LoyaltyModel

/// A checked program of earn rules. A value without references: evaluation is a pure function of it and its input.
public struct Program: Sendable {
    public let identity: ProgramIdentity
    /// The points currencies by name, with the number of decimals of each, 0...6.
    public let currencies: [String: Int]
    /// The currency named first in the file; what a receipt shows.
    public let primaryCurrency: String
    public let zone: ProgramZone
    public let returns: ReturnsPolicy
    /// In the order of the file, which is the order of evaluation within each kind.
    public let rules: [Rule]

    /// From when on it holds; nil from the beginning of time.
    public let effective: Effective?
    /// Where the file says so; the file itself where it does not.
    public let effectivePlace: Place
    public let calendar: ProgramCalendar
    public let counters: [CounterDeclaration]
    public let tiers: TierLadder?
    public let entitlements: [EntitlementDeclaration]
    public let memberDays: [MemberDayDeclaration]
    public let beneficiaries: [BeneficiaryDeclaration]
    public let partners: [PartnerDeclaration]
    public let stampCards: [StampCard]
    public let rewards: [RewardDeclaration]
    public let redemption: RedemptionTerms

    let currencyOrder: [String]
    let currencyTerms: [String: CurrencyTerms]
    let rounding: Rounding
    let caps: [ProgramCap]
    let index: RuleIndex
    let counterNames: [CounterName]
    /// Those of `counterNames` that count visits.
    let visitNames: [CounterName]
    /// Currencies and periods of `period_bonus` rules.
    let periodBonuses: [(currency: String, per: Period)]
}

/// The start of a program version. Key `effective`.
public enum Effective: Hashable, Sendable, CustomStringConvertible {
    /// From the beginning of the day in the program's zone.
    case day(CalendarDate)
    case instant(Timestamp)

    /// As a file says it: `2026-03-10`, or a time with its offset.
    public var description: String {
        switch self {
        case .day(let day): day.description
        case .instant(let instant): instant.description
        }
    }
}

/// What the file says of a points currency besides its decimals.
struct CurrencyTerms: Sendable {
    var lots: LotTerms?
    /// The money that it is: 1 is one unit of it.
    var money: Currency?
}

/// What a program does with goods that come back. Table `returns` of the file.
public struct ReturnsPolicy: Hashable, Sendable {
    /// For a return that names no sale.
    public enum Unlinked: String, Hashable, Sendable, CaseIterable {
        /// Take back what the member's latest purchase of the product earned.
        case matchLastPurchase = "match_last_purchase"
        /// Take back what the goods would earn today (`Program.evaluateReversal`).
        case reverseByRate = "reverse_by_rate"
        case ignore
    }

    /// Which points go first.
    public enum Clawback: String, Hashable, Sendable, CaseIterable {
        /// Points that cannot be spent yet, then those of the sale, then the others.
        case pendingFirst = "pending_first"
        /// Points of the sale, then pending ones, then the others.
        case lotOfOriginFirst = "lot_of_origin_first"
    }

    /// What happens where more goes back than there is.
    public enum Floor: String, Hashable, Sendable, CaseIterable {
        /// The rest is forgiven.
        case clamp
        /// The balance falls below zero.
        case negative
        /// The rest is owed, and later credits pay it first.
        case debt
    }

    /// Where spent points come back to when the sale that spent them comes back.
    public enum Restoring: String, Hashable, Sendable, CaseIterable {
        case sameLot = "same_lot"
        case newLot = "new_lot"
    }

    public var unlinked: Unlinked
    public var clawback = Clawback.lotOfOriginFirst
    public var floor = Floor.negative
    public var restoring = Restoring.sameLot
    /// How long points live that come back after their lot expired; nil: they come back expired.
    public var expiredGrace: CalendarSpan?

    public init(unlinked: Unlinked = .matchLastPurchase) { self.unlinked = unlinked }
}

extension LoyaltyError.Code {
    /// `schema` is missing or names a version that this program does not know.
    public static let programSchema = Self("program.schema", kind: .configuration)
    /// The rule language has it, this version does not.
    public static let programUnsupported = Self("program.unsupported", kind: .configuration)
    public static let programDuplicateRule = Self("program.duplicate_rule", kind: .configuration)
    public static let programUnknownZone = Self("program.unknown_zone", kind: .configuration)
    /// A rule names a tier, counter, partner, reward, day or currency that the file does not declare.
    public static let programUnknownName = Self("program.unknown_name", kind: .configuration)
    public static let programUnknownCurrency = Self("program.unknown_currency", kind: .configuration)
    /// Settings that contradict each other.
    public static let programConflict = Self("program.conflict", kind: .configuration)
}
