public import LoyaltyModel

/// What evaluation looks at, besides the program.
public struct EarnInput: Sendable {
    /// How much of the trace is wanted.
    public enum Explanation: Sendable {
        /// Why each rule of the program did or did not match, and of a rate why each line did not count.
        case everyRule
        /// Without the rules that cannot concern the sale, such as those for products that are not in it.
        case candidates
        /// Every rule of a program of up to 100 rules, without the lines of those that cannot concern the sale; else candidates.
        case automatic
    }

    public var sale: Sale
    /// When the sale ended by the till's clock; windows look at this.
    public var occurredAt: Timestamp
    /// The till's accounting day; entitlements, birthdays, counters and lots look at this.
    public var businessDay: CalendarDate
    /// nil where no member is known, also for a card that the cache does not hold.
    public var member: Member?
    public var state: MemberState
    public var counters: Counters
    /// Counters of `state.referrer`, for rules that give to whoever recruited the member.
    public var referrerCounters: Counters
    /// Where the referrer counts for the same holder as the member, such as one household: a limit there is one limit.
    public var sharedScopes: Set<CounterScope> = []
    public var explanation: Explanation
    /// Of a correction: the tier that the sale earned with at first. nil for a new sale.
    public var earnedTier: EarnedTier?
    /// `sale`, or the name of an action.
    var event = Rule.saleEvent

    public init(
        sale: Sale, occurredAt: Timestamp, businessDay: CalendarDate, member: Member?,
        state: MemberState = MemberState(), counters: Counters = [:], referrerCounters: Counters = [:],
        explanation: Explanation = .automatic
    ) {
        self.sale = sale
        self.occurredAt = occurredAt
        self.businessDay = businessDay
        self.member = member
        self.state = state
        self.counters = counters
        self.referrerCounters = referrerCounters
        self.explanation = explanation
    }
}

/// What one rule gave: what a return needs to take back its part, and what a lot is made of.
public struct Grant: Hashable, Sendable, Codable {
    public struct Line: Hashable, Sendable, Codable {
        public var line: String
        public var points: Points
        /// The money that the rule counted, in minor units.
        public var basis: Int64
    }

    /// What must be left of the goods for a bonus that goes as a whole.
    public struct Condition: Hashable, Sendable, Codable {
        public struct Line: Hashable, Sendable, Codable {
            public var line: String
            /// In minor units, by the basis of the condition.
            public var amount: Int64
            public var pieces: Int64
        }

        /// Minor units that the lines come to.
        public var amount: Int64?
        public var units: DecimalNumber?
        /// The lines that the condition looks at, also such that the rule gives nothing for.
        public var lines: [Line]
    }

    public var rule: String
    public var currency: String
    public var recipient: Recipient
    /// Who that is, where it is not the member.
    public var account: String?
    /// Before caps.
    public var wanted: String
    public var granted: Points
    public var isQualifying: Bool
    public var returns: BonusReturns
    /// What `lines` must still come to for the bonus to stay, in minor units: of sales from before there was a `condition`.
    public var threshold: Int64?
    /// nil where the bonus stays for as long as anything is left.
    public var condition: Condition?
    public var pendingUntil: CalendarDate?
    public var expires: CalendarDate?
    public var inactive: CalendarSpan?
    /// Points of all lines sum to `granted`.
    public var lines: [Line]
}

/// What somebody other than the member gets.
public struct OtherAccrual: Hashable, Sendable, Codable {
    public var recipient: Recipient
    /// The referrer's member id, or the id of the beneficiary.
    public var account: String
    public var accrual: Accrual
}

/// A reward that was given by itself.
public struct IssuedReward: Hashable, Sendable, Codable {
    public var reward: String
    /// Negative for rewards that a return takes back.
    public var count: Int64
    public var expires: CalendarDate?
    /// Points that it cost, taken off the balance.
    public var cost: Points?
    public var currency: String?
}

/// A right that was bought with a line of the sale.
public struct BoughtEntitlement: Hashable, Sendable, Codable {
    public var line: String
    public var entitlement: Member.Entitlement
    public var perks: [String]
}

/// A sale that goes on to a partner program under the member's number there.
public struct PartnerForward: Hashable, Sendable {
    public var partner: String
    public var number: String
    public var amount: Money
    /// The shares of its lines, in minor units; they sum to the amount.
    public var lines: [String: Int64]

    /// What is left of an amount once goods have come back; parts are rounded down, so that what comes back never exceeds
    /// what was told.
    ///
    /// - Parameters:
    ///   - shares: minor units by line.
    ///   - sold: the quantity of each line, zero or more.
    ///   - returned: what of it came back.
    public static func rest(
        _ shares: [String: Int64], sold: [String: Quantity], returned: [String: Quantity]
    ) -> Int64 {
        var rest: Int64 = 0
        for (line, share) in shares {
            let (all, back) = (sold[line] ?? .one, returned[line] ?? .zero)
            let scale = max(all.scale, back.scale)
            let whole = all.size(scale: scale)
            let part =
                whole == 0
                ? (back.isZero ? 0 : UInt128(share.magnitude))
                : Apportionment.part(of: UInt128(share.magnitude), min(back.size(scale: scale), whole), over: whole)
                    .quotient
            rest += share - Int64(clamping: part)
        }
        return rest
    }
}

/// What a sale or action earns, and why.
public struct EarnResult: Sendable, Hashable {
    /// One for each points currency in which the member earned something, in the order of the file, then stamp cards. Line
    /// shares sum to the total; lines without points are left out.
    public var accruals: [Accrual]
    /// First the lines of the sale, then each rule, then the total of each currency.
    public var trace: [TraceStep]
    /// `totals_mismatch`: lines and total of the sale disagree. `void_without_partner`: a cancellation names no line of
    /// the sale. `tax_estimated`: the basis needs tax by line and the till gave it for the sale only.
    public var flags: [String]
    /// What each rule gave, of all recipients.
    public var grants: [Grant] = []
    /// What the referrer or a good cause gets.
    public var others: [OtherAccrual] = []
    public var counterChanges: [CounterChange] = []
    public var referrerCounterChanges: [CounterChange] = []
    /// The tier after the sale, where the program keeps tiers.
    public var tier: TierStanding?
    /// The same without later sales, for a correction.
    var tierReached: TierStanding?
    public var entitlements: [BoughtEntitlement] = []
    /// By stamp cards.
    public var issued: [IssuedReward] = []
    public var forwards: [PartnerForward] = []

    public init(accruals: [Accrual], trace: [TraceStep], flags: [String]) {
        self.accruals = accruals
        self.trace = trace
        self.flags = flags
    }
}
