/// What a member could have of one reward of the program; part of the answer to `reward.query`.
public struct RewardOfferSummary: Sendable, Hashable, Codable {
    /// One price, and what the customer pays less for it; nil for an item.
    public struct Step: Sendable, Hashable, Codable {
        public var points: Points
        public var value: Money?

        public init(points: Points, value: Money? = nil) {
            self.points = points
            self.value = value
        }
    }

    /// The id to name in `sale.redeem`.
    public var reward: String
    /// For the receipt or the display.
    public var text: String?
    public var currency: String
    /// The smallest first; empty where `reason` says why not.
    public var steps: [Step]
    public var reason: String?

    public init(reward: String, text: String? = nil, currency: String, steps: [Step] = [], reason: String? = nil) {
        self.reward = reward
        self.text = text
        self.currency = currency
        self.steps = steps
        self.reason = reason
    }
}
