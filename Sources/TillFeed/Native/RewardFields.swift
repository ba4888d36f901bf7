import DataFormats
import LoyaltyModel

extension TillEventDecoder {
    /// The event that asks which rewards a member could have.
    static let rewardQuery = "reward.query"
}

extension TillFields {
    /// Reads `sale.redeem` of docs/till-protocol.md; nil where the sale spends nothing.
    mutating func redeemedRewards(_ currency: Currency) throws(LoyaltyError) -> [RedeemedReward]? {
        var rewards: [RedeemedReward] = []
        for var fields in try tables("redeem") {
            let reward = RedeemedReward(
                reward: try fields.requiredIdentity("reward", maximum: 64),
                points: try fields.requiredDecimal("points"),
                amount: try fields.money("amount", currency))
            guard DecimalNumber.zero < reward.points else {
                throw fields.table.error("points", "points that are spent are above zero")
            }
            rewards.append(reward)
        }
        guard rewards.count <= 32 else {
            throw LoyaltyError(
                .tillTooLong, "\"redeem\" has at most 32 entries", at: table.error("redeem", "").place)
        }
        return rewards.isEmpty ? nil : rewards
    }

    /// Reads the basket of a question: an unfinished sale.
    mutating func basket() throws(LoyaltyError) -> Sale { try sale(.update) }
}
