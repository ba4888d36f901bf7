/// Points that a sale spends on a reward of the program: one entry of `sale.redeem` in docs/till-protocol.md.
///
/// The till has given the reward by then, so what it says is booked as it is; conditions that do not hold are flagged.
public struct RedeemedReward: Hashable, Sendable, Codable {
    /// The id of a `[[reward]]`.
    public var reward: String
    /// How many points it cost, above zero.
    public var points: DecimalNumber
    /// What the customer paid less for it, where the till says.
    public var amount: Money?

    public init(reward: String, points: DecimalNumber, amount: Money? = nil) {
        self.reward = reward
        self.points = points
        self.amount = amount
    }
}

extension Sale {
    /// Rewards that points were spent on; empty where the till sends none.
    public var spentOn: [RedeemedReward] { redeem ?? [] }
}
