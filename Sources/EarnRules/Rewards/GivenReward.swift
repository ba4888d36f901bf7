public import LoyaltyModel

/// Why a reward that a till has given should not have been had.
public struct GivenRewardProblem: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// The program has no such reward.
        case unknown = "reward_unknown"
        /// The number of points is no price of it.
        case badStep = "reward_bad_step"
        /// A condition does not hold.
        case refused = "reward_refused"
        /// The till took off another amount than the reward is worth.
        case value = "reward_value"
        /// More was spent than the balance and the overdraft hold.
        case overdrawn = "points_overdrawn"
    }

    public var kind: Kind
    /// A sentence.
    public var reason: String
}

extension Program {
    /// Books a reward that the till has given. The customer has it, so the points are spent whatever the program says: out
    /// of the lots that can be spent, and what they do not hold falls below zero. What is wrong with it is reported.
    ///
    /// - Parameters:
    ///   - id: names the redemption for ever.
    ///   - state: `input.state` before.
    /// - Throws: `number.overflow`, `money.currency_mismatch`.
    public func take(
        _ given: RedeemedReward, id: String, _ input: EarnInput, state: inout MemberState
    ) throws(LoyaltyError) -> (redemption: Redemption, problems: [GivenRewardProblem]) {
        let declared = rewards.first { $0.id == given.reward && $0.issue == .onRequest }
        let currency = declared?.currency ?? primaryCurrency
        let decimals = currencies[currency] ?? 0
        let points = Points(units: try given.points.ratio.rounded(.ceiling, scale: decimals), decimals: decimals)
        var asked = input
        asked.sale = try input.sale.beforeRewards()
        do {
            let redemption = try redeem(given.reward, points: points, id: id, asked, state: &state)
            return (redemption, value(given, redemption.spending.money))
        } catch  where [.rewardUnknown, .rewardBadStep, .rewardRefused].contains(error.code) {
            return try force(given, points, currency, declared, id: id, input, state: &state, error)
        }
    }

    private func force(
        _ given: RedeemedReward, _ points: Points, _ currency: String, _ declared: RewardDeclaration?, id: String,
        _ input: EarnInput, state: inout MemberState, _ error: LoyaltyError
    ) throws(LoyaltyError) -> (redemption: Redemption, problems: [GivenRewardProblem]) {
        let before = try input.state.balance(
            of: currency, decimals: points.decimals, on: input.businessDay, floor: .negative
        ).available
        let overdraft = redemption.overdraw[currency] ?? .zero(decimals: points.decimals)
        var problems: [GivenRewardProblem] = []
        if try before.adding(overdraft).ratio < points.ratio {
            problems.append(.init(kind: .overdrawn, reason: "\(points) were spent of a balance of \(before)"))
        }
        switch error.code {
        case .rewardUnknown: problems.append(.init(kind: .unknown, reason: error.message))
        case .rewardBadStep: problems.append(.init(kind: .badStep, reason: error.message))
        default: if problems.isEmpty { problems.append(.init(kind: .refused, reason: error.message)) }
        }
        var changed = input.state
        var movements = try changed.expire(on: input.businessDay)
        let (parts, spent) = try changed.spend(points, of: currency, on: input.businessDay, redemption.order)
        movements += spent
        changed.lastActivity = max(changed.lastActivity ?? input.businessDay, input.businessDay)
        state = changed
        var book = CounterBook(
            calendar: calendar, day: input.businessDay, joined: input.state.joined, values: input.counters)
        for cap in declared?.caps ?? [] {
            guard let declared, let counter = cap.counter(of: declared.id) else { continue }
            switch cap.measure {
            case .points: book.add(counter, points.decimal)
            case .times: book.add(counter, .one)
            case .spend, .units, .pointsPerUnit: break
            }
        }
        let spending = Spending(
            id: id, reward: given.reward, currency: currency, points: points, money: given.amount, parts: parts)
        return (Redemption(spending: spending, movements: movements, counterChanges: book.changes), problems)
    }

    private func value(_ given: RedeemedReward, _ money: Money?) -> [GivenRewardProblem] {
        guard let amount = given.amount, let money, amount != money else { return [] }
        return [.init(kind: .value, reason: "the till took \(amount) off; the reward is worth \(money)")]
    }
}

extension Sale {
    /// The basket as it was before rewards made it cheaper: what their conditions look at.
    fileprivate func beforeRewards() throws(LoyaltyError) -> Sale {
        var sale = self
        for line in lines where line.kind == .reward && !line.voided {
            sale.totals.grand = try sale.totals.grand.adding(line.amount.negated())
        }
        sale.lines.removeAll { $0.kind == .reward }
        for discount in discounts where discount.source == .loyalty {
            let amount = discount.amount
            sale.totals.grand = try sale.totals.grand.adding(amount.isNegative ? amount.negated() : amount)
        }
        sale.discounts.removeAll { $0.source == .loyalty }
        return sale
    }
}
