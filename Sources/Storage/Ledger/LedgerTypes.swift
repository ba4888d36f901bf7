public import EarnRules
public import LoyaltyModel

/// The card that the lane attached to a sale.
public struct CardAttachment: Sendable, Hashable {
    public var token: CardToken?
    /// nil for a card that the cache does not know, or that the till named by member.
    public var member: MemberID?
    /// Needed only where `member` is nil: sealed into the outbox for the back end.
    public var number: CardNumber?

    public init(token: CardToken?, member: MemberID?, number: CardNumber?) {
        self.token = token
        self.member = member
        self.number = number
    }
}

/// A finished document of a till, with all that its commit needs.
public struct SaleSubmission: Sendable {
    public var event: TillEvent
    public var verb: TillEvent.SaleVerb
    public var sale: Sale
    public var businessDay: CalendarDate
    public var attachment: CardAttachment?
    /// The version that held when the sale ended.
    public var program: Program
    /// Where the version is found that gave a stored sale its points; nil: there is `program` alone.
    public var programs: ProgramVersions?
    /// This machine's time, and the local day that the figures of today count under.
    public var receivedAt: Timestamp
    public var receivedDay: CalendarDate
    /// Set where the document is an action in the form of a sale (`Program.document(of:)`); the verb is `complete` or `void`.
    public var action: LoyaltyAction?
    /// Noticed before the ledger, such as `payment_card_refused`.
    public var flags: [String]

    public init(
        event: TillEvent, verb: TillEvent.SaleVerb, sale: Sale, businessDay: CalendarDate,
        attachment: CardAttachment?, program: Program, programs: ProgramVersions? = nil, receivedAt: Timestamp,
        receivedDay: CalendarDate, action: LoyaltyAction? = nil, flags: [String] = []
    ) {
        self.event = event
        self.verb = verb
        self.sale = sale
        self.businessDay = businessDay
        self.attachment = attachment
        self.program = program
        self.programs = programs
        self.receivedAt = receivedAt
        self.receivedDay = receivedDay
        self.action = action
        self.flags = flags
    }
}

/// What the ledger did with a document; stored with the event, so that a repeat gets the same answer.
public struct LedgerOutcome: Sendable, Hashable, Codable {
    public enum Decision: String, Sendable, Codable {
        case accepted, duplicate, revised, voided
        case identityConflict = "id_conflict"
    }

    public var decision: Decision
    /// The daemon's name for the sale: `s-<terminal>-<n>`.
    public var sale: String?
    public var member: MemberID?
    public var tier: String?
    /// A card is attached that the cache does not know.
    public var unverified: Bool
    /// Of the program's primary currency; what this document gave (negative: took). nil without a card.
    public var earned: Points?
    public var balanceHint: Points?
    public var balanceAsOf: Timestamp?
    /// What the holder can spend after this document, of the primary currency; nil where nothing is known of him.
    public var available: Points?
    /// What cannot be spent yet.
    public var pending: Points?
    /// What the next credits pay first.
    public var owed: Points?
    /// What ends next.
    public var ending: Ending?
    /// Points of the primary currency that this document spent (negative: gave back).
    public var spent: Points?
    /// Rewards that it gave, for points or by stamps.
    public var rewards: [RewardChange]?
    public var flags: [String]
    /// Ids of the transactions that went to the outbox.
    public var transactions: [String]

    public struct Ending: Sendable, Hashable, Codable {
        /// The last day on which they can be spent.
        public var day: CalendarDate
        public var points: Points

        public init(day: CalendarDate, points: Points) {
            self.day = day
            self.points = points
        }
    }

    init(decision: Decision, sale: String? = nil, flags: [String] = []) {
        self.decision = decision
        self.sale = sale
        self.flags = flags
        unverified = false
        transactions = []
    }
}
