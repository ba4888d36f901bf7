/// The one line that answers an event. `accepted` and `duplicate` mean that it is on disk.
public struct TillAnswer: Sendable, Hashable {
    public enum Result: String, Sendable, Codable, CaseIterable {
        case accepted, duplicate, ignored, quarantined, rejected
    }

    /// What the lane's light and beeper should do.
    public enum Signal: String, Sendable, Codable, CaseIterable { case ok, ask, no }

    public struct MemberSummary: Sendable, Hashable, Codable {
        public var id: String?
        public var tier: String?
        /// Masked.
        public var card: String?
        /// True where no member of the cache holds the card; points wait for the back end.
        public var unverified: Bool

        public init(id: String? = nil, tier: String? = nil, card: String? = nil, unverified: Bool = false) {
            self.id = id
            self.tier = tier
            self.card = card
            self.unverified = unverified
        }
    }

    public struct PointsSummary: Sendable, Hashable, Codable {
        /// What ends next.
        public struct Ending: Sendable, Hashable, Codable {
            /// The last day on which they can be spent.
            public var day: CalendarDate
            public var points: Points

            public init(day: CalendarDate, points: Points) {
                self.day = day
                self.points = points
            }
        }

        public var earned: Points
        public var balanceHint: Points?
        public var asOf: Timestamp?
        /// What can be spent as far as this machine knows; nil where it knows nothing of the member's points.
        public var available: Points?
        /// What cannot be spent yet.
        public var pending: Points?
        /// What the next credits pay first.
        public var owed: Points?
        /// What this document spent; below zero where it gave spent points back.
        public var spent: Points?
        public var ends: Ending?

        private enum CodingKeys: String, CodingKey {
            case earned, available, pending, owed, spent, ends
            case balanceHint = "balance_hint"
            case asOf = "as_of"
        }

        public init(earned: Points, balanceHint: Points? = nil, asOf: Timestamp? = nil) {
            self.earned = earned
            self.balanceHint = balanceHint
            self.asOf = asOf
        }
    }

    /// The id of the event; empty where it could not be read.
    public var acknowledges: String
    public var result: Result
    public var code: String?
    /// A sentence for the integrator, with the place.
    public var message: String?
    public var column: Int?
    /// The daemon's name for the sale, for `loyaltyctl sales show`.
    public var sale: String?
    public var member: MemberSummary?
    public var points: PointsSummary?
    /// Rewards that this document gave.
    public var rewards: [RewardChange]
    /// Rewards that the member could have; the answer to `reward.query` alone.
    public var offers: [RewardOfferSummary]?
    /// Two lines of up to 20 characters for the customer display.
    public var display: [String]
    public var signal: Signal?
    /// What the daemon noticed: `number_reused`, `totals_mismatch`, ...
    public var flags: [String]

    public init(
        acknowledges: String,
        result: Result,
        code: String? = nil,
        message: String? = nil,
        column: Int? = nil
    ) {
        self.acknowledges = acknowledges
        self.result = result
        self.code = code
        self.message = message
        self.column = column
        rewards = []
        display = []
        flags = []
    }
}

extension TillAnswer: Codable {
    private enum CodingKeys: String, CodingKey {
        case version = "v"
        case acknowledges = "ack"
        case result, code, message, column, sale, member, points, rewards, offers, display, signal, flags
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            acknowledges: try container.decode(String.self, forKey: .acknowledges),
            result: try container.decode(Result.self, forKey: .result),
            code: try container.decodeIfPresent(String.self, forKey: .code),
            message: try container.decodeIfPresent(String.self, forKey: .message),
            column: try container.decodeIfPresent(Int.self, forKey: .column)
        )
        sale = try container.decodeIfPresent(String.self, forKey: .sale)
        member = try container.decodeIfPresent(MemberSummary.self, forKey: .member)
        points = try container.decodeIfPresent(PointsSummary.self, forKey: .points)
        rewards = try container.decodeIfPresent([RewardChange].self, forKey: .rewards) ?? []
        offers = try container.decodeIfPresent([RewardOfferSummary].self, forKey: .offers)
        display = try container.decodeIfPresent([String].self, forKey: .display) ?? []
        signal = try container.decodeIfPresent(Signal.self, forKey: .signal)
        flags = try container.decodeIfPresent([String].self, forKey: .flags) ?? []
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(1, forKey: .version)
        try container.encode(acknowledges, forKey: .acknowledges)
        try container.encode(result, forKey: .result)
        try container.encodeIfPresent(code, forKey: .code)
        try container.encodeIfPresent(message, forKey: .message)
        try container.encodeIfPresent(column, forKey: .column)
        try container.encodeIfPresent(sale, forKey: .sale)
        try container.encodeIfPresent(member, forKey: .member)
        try container.encodeIfPresent(points, forKey: .points)
        if !rewards.isEmpty { try container.encode(rewards, forKey: .rewards) }
        try container.encodeIfPresent(offers, forKey: .offers)
        if !display.isEmpty { try container.encode(display, forKey: .display) }
        try container.encodeIfPresent(signal, forKey: .signal)
        if !flags.isEmpty { try container.encode(flags, forKey: .flags) }
    }
}
