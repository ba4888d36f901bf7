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

/// What a `member.update` of the till changes of a member; nil leaves as it is.
public struct MemberUpdate: Hashable, Sendable {
    /// A member's number in another program.
    public struct PartnerLink: Hashable, Sendable {
        public var partner: String
        /// nil takes the number away.
        public var number: CardNumber?

        public init(partner: String, number: CardNumber?) {
            self.partner = partner
            self.number = number
        }
    }

    /// A day that the member chose for himself.
    public struct DayBooking: Hashable, Sendable {
        /// The `member_day` of the program.
        public var day: String
        public var date: CalendarDate
        /// Takes a day back that lies ahead.
        public var isCancelled: Bool
        /// Asked for at a till, which may book today only, and only where the program lets it.
        public var isAtTill: Bool

        public init(day: String, date: CalendarDate, isCancelled: Bool = false, isAtTill: Bool = true) {
            self.day = day
            self.date = date
            self.isCancelled = isCancelled
            self.isAtTill = isAtTill
        }
    }

    /// Who recruited the member; can be told once.
    public var referrer: MemberID?
    /// The good cause that gets what rules give to a beneficiary.
    public var beneficiary: String?
    public var partner: PartnerLink?
    public var day: DayBooking?

    public init(
        referrer: MemberID? = nil, beneficiary: String? = nil, partner: PartnerLink? = nil, day: DayBooking? = nil
    ) {
        self.referrer = referrer
        self.beneficiary = beneficiary
        self.partner = partner
        self.day = day
    }

    public var isEmpty: Bool { self == MemberUpdate() }
}
