import LoyaltyModel

extension Words {
    /// `2 of voucher for 1000 points, worth 10.00 EUR, until 2027-12-31`.
    static func reward(_ reward: RewardChange) -> String {
        var text = reward.count == 1 ? reward.reward : "\(reward.count) of \(reward.reward)"
        if let points = reward.points { text += " for \(points) \(reward.currency ?? "points")" }
        if let value = reward.value { text += ", worth \(value)" }
        if let day = reward.expires { text += ", until \(day)" }
        return text
    }

    /// `-12 returned: lot s-1/1`.
    static func lot(_ change: LotChange) -> String {
        let size = change.points.isZero ? "\(change.size) \(change.currency)" : "\(change.points) \(change.currency)"
        var text = "lot \(change.lot ?? "(owed)"): \(size) \(change.reason)"
        if let day = change.pendingUntil { text += ", from \(day)" }
        if let day = change.expires { text += ", until \(day)" }
        return text
    }
}
