internal import ControlAPI
internal import LoyaltyModel
internal import Storage

extension MemberReport {
    mutating func state(_ statement: AccountRegister.Statement) {
        points = statement.balances.map { balance in
            PointsStatement(
                currency: balance.currency, available: balance.available, pending: balance.pending, owed: balance.owed,
                endings: balance.endings.map { .init(day: $0.day, points: $0.points) })
        }
        lots = statement.lots.map { lot in
            LotReport(
                id: lot.id, currency: lot.currency, origin: lot.origin, granted: lot.granted, remaining: lot.remaining,
                earned: lot.earned, pendingUntil: lot.pendingUntil, lastDay: lot.lastDay)
        }
        rewards = statement.rewards.map { reward in
            RewardReport(
                reward: reward.reward, count: reward.count, issued: reward.issued, expires: reward.expires)
        }
    }
}
