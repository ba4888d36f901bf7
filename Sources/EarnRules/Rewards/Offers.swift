public import LoyaltyModel

/// What a member can have of one reward with a basket. Nothing changes by asking.
public struct RewardOffer: Hashable, Sendable {
    public var reward: String
    public var text: String?
    public var currency: String
    /// The steps that can be had, the smallest first; empty where `reason` says why not.
    public var steps: [Step]
    public var reason: String?

    public struct Step: Hashable, Sendable {
        public var points: Points
        /// What the customer pays less; nil for an item.
        public var money: Money?
    }
}

extension Program {
    /// What the member can have now: for the till's preview, with or without the back end.
    ///
    /// Of a reward by steps at most the 100 largest steps are listed.
    ///
    /// - Throws: `number.overflow`, `money.currency_mismatch`.
    public func offers(_ input: EarnInput) throws(LoyaltyError) -> [RewardOffer] {
        var offers: [RewardOffer] = []
        let basket = try Basket(input.sale, entitlements: entitlements)
        for reward in rewards where reward.issue == .onRequest {
            var desk = try RewardDesk(self, reward, input, basket)
            offers.append(try desk.offer())
        }
        return offers
    }
}

/// Works out what one reward gives for one basket.
struct RewardDesk {
    private static let listed: Int64 = 100

    let program: Program
    let reward: RewardDeclaration
    let input: EarnInput
    let basket: Basket
    let balance: PointsBalance
    let book: CounterBook
    private let tier: String?

    init(_ program: Program, _ reward: RewardDeclaration, _ input: EarnInput, _ basket: Basket) throws(LoyaltyError) {
        self.program = program
        self.reward = reward
        self.input = input
        self.basket = basket
        balance = try input.state.balance(
            of: reward.currency, decimals: program.currencies[reward.currency] ?? 0, on: input.businessDay,
            floor: program.returns.floor)
        book = CounterBook(
            calendar: program.calendar, day: input.businessDay, joined: input.state.joined, values: input.counters)
        tier = try program.tier(before: input)
    }

    mutating func offer() throws(LoyaltyError) -> RewardOffer {
        var offer = RewardOffer(reward: reward.id, text: reward.text, currency: reward.currency, steps: [])
        if let reason = try mismatch() {
            offer.reason = reason
            return offer
        }
        var reason = "the balance of \(balance.available) is too small"
        for points in try prices() {
            if let why = try refusal(of: points) {
                reason = why
                continue
            }
            offer.steps.append(RewardOffer.Step(points: points, money: try value(of: points)))
        }
        if offer.steps.isEmpty { offer.reason = reason }
        return offer
    }

    /// Why a number of points cannot be spent on it now; nil where it can.
    func refusal(of points: Points) throws(LoyaltyError) -> String? {
        if let least = reward.minimum, points.ratio < least.ratio { return "at least \(least) are spent at once" }
        if let most = reward.maximum, most.ratio < points.ratio { return "at most \(most) are spent in one sale" }
        let overdraw = program.redemption.overdraw[reward.currency] ?? .zero(decimals: points.decimals)
        if try balance.available.adding(overdraw).ratio < points.ratio {
            return "the balance is \(balance.available)"
        }
        for cap in reward.caps {
            let rest = try book.remaining(cap, of: reward.id)
            switch cap.measure {
            case .points: if rest.ratio < points.ratio { return "the limit of the \(cap.per.words) leaves \(rest)" }
            case .times: if rest < .one { return "the limit of the \(cap.per.words) is reached" }
            case .spend, .units, .pointsPerUnit: break
            }
        }
        guard reward.kind == .money || reward.kind == .percent, let money = try value(of: points) else { return nil }
        return try basketRefusal(of: Int128(money.minorUnits))
    }

    private func basketRefusal(of value: Int128) throws(LoyaltyError) -> String? {
        let total = basket.payable
        guard value > 0 else { return "there is nothing in the basket that it could pay" }
        if try eligible() < value { return "it is worth more than what it may pay for" }
        if let share = reward.limits.share {
            let most = try Ratio(total, over: 1).multiplied(by: share.ratio).divided(by: Ratio(100))
            if try most < Ratio(value, over: 1) { return "at most \(share) % of the basket can be paid so" }
        }
        if let leave = reward.limits.leave {
            let rest = try Ratio(total - value, over: 1).multiplied(by: minorUnit)
            if rest < leave.ratio { return "\(leave) must be left to pay" }
        }
        return nil
    }

    /// What so many points are worth; nil for an item.
    func value(of points: Points) throws(LoyaltyError) -> Money? {
        switch reward.kind {
        case .item: return nil
        case .percent:
            guard let percent = reward.percent else { return nil }
            let part = try Ratio(eligible(), over: 1).multiplied(by: percent.ratio).divided(by: Ratio(100))
            return Money(minorUnits: try part.rounded(.halfUp), input.sale.currency)
        case .money, .donation:
            guard let step = reward.steps.last(where: { $0.points.ratio <= points.ratio }) else { return nil }
            let steps = reward.isLinear ? try points.ratio.divided(by: step.points.ratio) : .one
            let money = try step.money.ratio.multiplied(by: steps)
            return Money(
                minorUnits: try money.rounded(.floor, scale: input.sale.currency.decimals), input.sale.currency)
        }
    }

    /// Prices that the balance could pay, rising.
    private func prices() throws(LoyaltyError) -> [Points] {
        guard reward.isLinear, reward.kind == .money || reward.kind == .donation, let step = reward.steps.first else {
            return reward.steps.map(\.points)
        }
        let overdraw = program.redemption.overdraw[reward.currency] ?? .zero(decimals: step.points.decimals)
        let most = try balance.available.adding(overdraw)
        guard most.units > 0, step.points.units > 0 else { return [step.points] }
        var count = try most.ratio.divided(by: step.points.ratio).rounded(.floor)
        if reward.kind == .money, !step.money.isZero {
            let affordable = try Ratio(eligible(), over: 1).multiplied(by: minorUnit).divided(by: step.money.ratio)
            count = min(count, try affordable.rounded(.floor))
        }
        if let maximum = reward.maximum {
            count = min(count, try maximum.ratio.divided(by: step.points.ratio).rounded(.floor))
        }
        count = max(count, 1)
        var prices: [Points] = []
        for factor in max(1, count - Self.listed + 1)...count {
            let (units, high) = step.points.units.multipliedReportingOverflow(by: factor)
            guard !high else { throw Apportionment.overflow }
            prices.append(Points(units: units, decimals: step.points.decimals))
        }
        return prices
    }

    func mismatch() throws(LoyaltyError) -> String? {
        guard input.member != nil else { return "no member is known for this sale" }
        if let money = program.currencyTerms[reward.currency]?.money, money != input.sale.currency {
            return "\(reward.currency) are \(money); the sale is in \(input.sale.currency)"
        }
        if let reason = reward.places.mismatch(
            store: input.sale.store, register: input.sale.register, channel: input.sale.channel)
        {
            return reason
        }
        if let reason = reward.window?.mismatch(at: input.occurredAt, zone: program.zone) { return reason }
        let view = MemberView(member: input.member, state: input.state, tier: tier, day: input.businessDay)
        if let reason = try reward.member?.mismatch(view, book, program.counters) { return reason }
        if let threshold = reward.threshold, balance.available.ratio < threshold.ratio {
            return "it is offered from a balance of \(threshold); it is \(balance.available)"
        }
        if let least = reward.limits.atLeast,
            try Ratio(basket.payable, over: 1).multiplied(by: minorUnit) < least.ratio
        {
            return "the basket comes to less than \(least)"
        }
        return nil
    }

    /// Money of the lines that it may pay.
    private func eligible() throws(LoyaltyError) -> Int128 {
        var sum: Int128 = 0
        for line in basket.lines where !line.isVoid && !line.lineClass.neverEarns {
            guard reward.limits.match?.matchesAll(line) ?? true, !reward.limits.exclude.matchesAny(line) else {
                continue
            }
            sum += line.net
        }
        return min(sum, basket.payable)
    }

    private var minorUnit: Ratio { Money(minorUnits: 1, input.sale.currency).ratio }
}

extension Basket {
    /// What the customer owes for this sale, zero or more.
    var payable: Int128 { max(Int128(sale.totals.grand.minorUnits), 0) }
}
