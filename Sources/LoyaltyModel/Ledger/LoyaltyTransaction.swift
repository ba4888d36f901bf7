/// What the back end gets: one durable change of one member's points, with its reasons.
public struct LoyaltyTransaction: Hashable, Sendable, Codable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// Points for a sale.
        case accrual
        /// Points taken back for returned goods.
        case returned = "return"
        /// A completed sale was voided.
        case void
        /// The difference between two revisions of one sale, or a card added after the sale.
        case adjustment
        /// Points spent on rewards.
        case redemption
        /// Spent points that came back, because the goods did.
        case restoration
        /// Points that ended unspent.
        case expiry
        /// A reward that was given by itself, for the points it cost.
        case issue
        /// Points that a period brought at its end.
        case bonus
        /// A sale that goes on to another program under the member's number there; changes no points here.
        case forward

        /// Whether it gives points for goods or takes them back.
        public var isEarning: Bool {
            switch self {
            case .accrual, .returned, .void, .adjustment: true
            case .redemption, .restoration, .expiry, .issue, .bonus, .forward: false
            }
        }
    }

    public struct SaleReference: Hashable, Sendable, Codable {
        public var reference: String
        public var store: String
        public var register: String
        public var number: String
        public var epoch: String
        public var businessDay: CalendarDate
        public var uid: String?
        public var receipt: String?
        public var total: Money

        private enum CodingKeys: String, CodingKey {
            case reference = "ref"
            case store, register, number, epoch, uid, receipt, total
            case businessDay = "business_day"
        }

        public init(
            reference: String,
            store: String,
            register: String,
            number: String,
            epoch: String,
            businessDay: CalendarDate,
            uid: String?,
            receipt: String?,
            total: Money
        ) {
            self.reference = reference
            self.store = store
            self.register = register
            self.number = number
            self.epoch = epoch
            self.businessDay = businessDay
            self.uid = uid
            self.receipt = receipt
            self.total = total
        }
    }

    /// An action that a transaction is about.
    public struct ActionReference: Hashable, Sendable, Codable {
        /// The daemon's name for it.
        public var reference: String
        /// Such as `survey.completed`.
        public var name: String
        /// The key that makes it unique.
        public var key: String

        private enum CodingKeys: String, CodingKey {
            case reference = "ref"
            case name, key
        }

        public init(reference: String, name: String, key: String) {
            self.reference = reference
            self.name = name
            self.key = key
        }
    }

    /// Who gets the points, where it is not the member of the sale.
    public enum Recipient: String, Sendable, Codable, CaseIterable {
        /// Who recruited the member; `member` is he.
        case referrer
        /// The good cause that `beneficiary` names; `member` is nil.
        case beneficiary
    }

    /// What another program is told of a sale.
    public struct Forward: Hashable, Sendable, Codable {
        public var partner: String
        /// What counts there; negative for what came back. The member's number there travels beside the payload.
        public var amount: Money

        public init(partner: String, amount: Money) {
            self.partner = partner
            self.amount = amount
        }
    }

    /// Terminal id and hash of the document, made once and stored: `t-5f3a9c.8c41f07be2d95a3360f1`.
    public var id: String
    /// Rises by one per transaction of this terminal; gaps show loss.
    public var sequence: Int64
    public var kind: Kind
    /// nil for a card that no member of the cache holds; then the card number travels beside the payload.
    public var member: MemberID?
    /// The card's token, lower-case hex; nil where the till named the member.
    public var cardToken: String?
    /// nil for what no sale brought about, such as the end of points.
    public var sale: SaleReference?
    /// nil for what no action brought about.
    public var action: ActionReference?
    /// nil for the member of the sale or action himself.
    public var recipient: Recipient?
    /// The id of the good cause.
    public var beneficiary: String?
    public var forward: Forward?
    public var accruals: [Accrual]
    /// What it did to each lot; nil where no lots are kept.
    public var lots: [LotChange]?
    /// Rewards that were given, or taken back, with what they cost.
    public var rewards: [RewardChange]?
    public var program: ProgramIdentity
    public var trace: [TraceStep]
    public var flags: [String]
    /// When the sale ended by the till's clock.
    public var occurredAt: Timestamp
    /// When it was committed by this machine's clock.
    public var recordedAt: Timestamp

    private enum CodingKeys: String, CodingKey {
        case id, kind, member, sale, program, trace, flags, lots, rewards, action, recipient, beneficiary, forward
        case sequence = "seq"
        case cardToken = "card_token"
        case accruals = "points"
        case occurredAt = "occurred_at"
        case recordedAt = "recorded_at"
    }

    public init(
        id: String,
        sequence: Int64,
        kind: Kind,
        member: MemberID?,
        cardToken: String?,
        sale: SaleReference?,
        accruals: [Accrual],
        program: ProgramIdentity,
        trace: [TraceStep],
        flags: [String],
        occurredAt: Timestamp,
        recordedAt: Timestamp
    ) {
        self.id = id
        self.sequence = sequence
        self.kind = kind
        self.member = member
        self.cardToken = cardToken
        self.sale = sale
        self.accruals = accruals
        self.program = program
        self.trace = trace
        self.flags = flags
        self.occurredAt = occurredAt
        self.recordedAt = recordedAt
    }
}
