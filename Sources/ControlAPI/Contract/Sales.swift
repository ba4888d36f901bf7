public import LoyaltyModel

/// Where something that goes to the back end is.
public enum DeliveryState: String, Sendable, Codable, CaseIterable {
    /// Nothing to deliver.
    case none
    case waiting, held, dead, delivered
}

/// One sale in a list. Answer of `GET /v1/sales`, newest first.
public struct SaleSummary: Hashable, Sendable, Codable {
    /// The one word a manager reads.
    public enum Badge: String, Sendable, Codable, CaseIterable {
        case ok
        /// Points wait for the back end to say who the member is, or for a person.
        case held
        case duplicate
        /// Voided or wholly returned.
        case reversed
        case noMember = "no_member"
    }

    /// The daemon's name of the sale; unique for ever.
    public var reference: String
    public var kind: Sale.Kind
    public var state: Sale.State
    public var store: String
    public var register: String
    /// The till's number.
    public var number: String
    public var receipt: String?
    public var businessDay: CalendarDate?
    /// When the sale ended by the till's clock.
    public var time: Timestamp
    public var total: Money
    /// Card masked.
    public var member: TillAnswer.MemberSummary?
    /// Net of all transactions so far.
    public var points: [PointsAmount]
    public var badge: Badge
    public var delivery: DeliveryState
    public var flags: [String]

    private enum CodingKeys: String, CodingKey {
        case kind, state, store, register, number, receipt, time, total, member, points, badge, delivery, flags
        case reference = "ref"
        case businessDay = "business_day"
    }

    public init(
        reference: String,
        store: String,
        register: String,
        number: String,
        time: Timestamp,
        total: Money,
        badge: Badge,
        delivery: DeliveryState = .none
    ) {
        self.reference = reference
        self.store = store
        self.register = register
        self.number = number
        self.time = time
        self.total = total
        self.badge = badge
        self.delivery = delivery
        kind = .sale
        state = .completed
        points = []
        flags = []
    }

    /// The same with the member's name cut to its last four characters, for readers without a login.
    public func maskingMember() -> SaleSummary {
        var copy = self
        if let id = member?.id { copy.member?.id = "…" + id.suffix(min(4, id.count / 2)) }
        return copy
    }
}

/// A sale as it was taken, for replays. Answer of `GET /v1/journal`, in the order of arrival.
public struct JournalSale: Sendable, Codable {
    /// Its place; the next page is asked for after the last one.
    public var number: Int64
    public var sale: Sale
    public var businessDay: CalendarDate
    public var closedAt: Timestamp
    /// As the cache knows him now; nil for none, and for a card that it does not know.
    public var member: Member?
    public var hasCard: Bool

    private enum CodingKeys: String, CodingKey {
        case number, sale, member
        case businessDay = "business_day"
        case closedAt = "closed_at"
        case hasCard = "has_card"
    }

    public init(
        number: Int64, sale: Sale, businessDay: CalendarDate, closedAt: Timestamp, member: Member?, hasCard: Bool
    ) {
        self.number = number
        self.sale = sale
        self.businessDay = businessDay
        self.closedAt = closedAt
        self.member = member
        self.hasCard = hasCard
    }
}

/// Points for a receipt that is shown later. Body of `POST /v1/sales/claim`: `receipt`, and `card` or `member`.
public struct ClaimRequest: Sendable, Codable {
    /// Also the till's number or unique id, or the daemon's reference.
    public var receipt: String
    /// A card number, in the clear: it goes into no log.
    public var card: String?
    public var member: MemberID?

    public init(receipt: String, card: String? = nil, member: MemberID? = nil) {
        self.receipt = receipt
        self.card = card
        self.member = member
    }
}

extension ClaimRequest: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "claim of a receipt" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// What a claim gave.
public struct ClaimResult: Hashable, Sendable, Codable {
    public var sale: String
    public var member: MemberID
    public var points: PointsAmount

    public init(sale: String, member: MemberID, points: PointsAmount) {
        self.sale = sale
        self.member = member
        self.points = points
    }
}

/// One sale with everything that is known of it. Answer of `GET /v1/sale?ref=`.
public struct SaleDetail: Hashable, Sendable, Codable {
    /// One line of the basket and the points it got.
    public struct Line: Hashable, Sendable, Codable {
        public var id: String
        public var kind: SaleLine.Kind
        public var name: String?
        public var code: String?
        public var quantity: Quantity
        public var amount: Money
        public var points: [PointsAmount]
        /// Why it earned nothing.
        public var excluded: String?

        public init(
            id: String,
            kind: SaleLine.Kind = .item,
            name: String? = nil,
            code: String? = nil,
            quantity: Quantity,
            amount: Money,
            points: [PointsAmount] = [],
            excluded: String? = nil
        ) {
            self.id = id
            self.kind = kind
            self.name = name
            self.code = code
            self.quantity = quantity
            self.amount = amount
            self.points = points
            self.excluded = excluded
        }
    }

    public var summary: SaleSummary
    public var lines: [Line]
    /// What was written for it, oldest first.
    public var transactions: [TransactionReport]
    public var links: [SaleLink]

    public init(
        summary: SaleSummary,
        lines: [Line] = [],
        transactions: [TransactionReport] = [],
        links: [SaleLink] = []
    ) {
        self.summary = summary
        self.lines = lines
        self.transactions = transactions
        self.links = links
    }

    /// See `SaleSummary.maskingMember()`.
    public func maskingMember() -> SaleDetail {
        var copy = self
        copy.summary = summary.maskingMember()
        // A good cause may be named, a recruiter not.
        for index in copy.transactions.indices where copy.transactions[index].recipient != .beneficiary {
            copy.transactions[index].account = nil
        }
        return copy
    }
}

/// One transaction of a sale: its points, its reasons, and where it is.
public struct TransactionReport: Hashable, Sendable, Codable {
    public var id: String
    public var kind: LoyaltyTransaction.Kind
    public var accruals: [Accrual]
    public var program: ProgramIdentity
    public var trace: [TraceStep]
    public var recordedAt: Timestamp
    public var delivery: DeliveryState
    public var attempts: Int
    public var deliveredAt: Timestamp?
    /// The back end's last words about it.
    public var answer: String?
    /// What it did to each lot of points.
    public var lots: [LotChange]?
    /// Rewards that it gave.
    public var rewards: [RewardChange]?
    /// Who gets the points, where that is not the member of the sale.
    public var recipient: LoyaltyTransaction.Recipient?
    /// The good cause, or the member id of the referrer.
    public var account: String?
    /// What a partner program was told.
    public var forward: LoyaltyTransaction.Forward?

    private enum CodingKeys: String, CodingKey {
        case id, kind, program, trace, delivery, attempts, answer, lots, rewards, recipient, account, forward
        case accruals = "points"
        case recordedAt = "recorded_at"
        case deliveredAt = "delivered_at"
    }

    public init(
        id: String,
        kind: LoyaltyTransaction.Kind,
        accruals: [Accrual],
        program: ProgramIdentity,
        trace: [TraceStep],
        recordedAt: Timestamp,
        delivery: DeliveryState,
        attempts: Int = 0,
        deliveredAt: Timestamp? = nil,
        answer: String? = nil
    ) {
        self.id = id
        self.kind = kind
        self.accruals = accruals
        self.program = program
        self.trace = trace
        self.recordedAt = recordedAt
        self.delivery = delivery
        self.attempts = attempts
        self.deliveredAt = deliveredAt
        self.answer = answer
    }
}
