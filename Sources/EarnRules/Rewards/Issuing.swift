public import LoyaltyModel

/// Rewards that were given by themselves.
public struct RewardsGiven: Hashable, Sendable {
    public var issued: [IssuedReward] = []
    public var movements: [LotMovement] = []
    /// What limits count.
    public var counterChanges: [CounterChange] = []
}

extension Program {
    /// Rewards that are given by themselves: `at_once` whenever this is asked, those of a period on its last day.
    ///
    /// - Parameters:
    ///   - day: the day after whose sales this is asked.
    ///   - sale: what was just booked, with its time. Rewards at once that ask for a place or a time wait for one that fits.
    ///   - atOnceAlone: the day is not over; rewards of a period wait.
    /// - Throws: `number.overflow`.
    public func issueRewards(
        on day: CalendarDate, after sale: (sale: Sale, time: Timestamp)? = nil, member: Member?, counters: Counters,
        state: inout MemberState, atOnceAlone: Bool = false
    ) throws(LoyaltyError) -> RewardsGiven {
        try issueRewards(
            atOnceAlone ? .atOnce : nil, on: day, seen: day, after: sale, member: member, counters: counters,
            state: &state)
    }

    /// When a reward is given by itself.
    enum Occasion { case atOnce, atPeriodEnd }

    /// - Parameters:
    ///   - occasion: nil for both.
    ///   - today: the day on which this is booked; what has ended by then is not given.
    func issueRewards(
        _ occasion: Occasion?, on day: CalendarDate, seen today: CalendarDate,
        after sale: (sale: Sale, time: Timestamp)?, member: Member?, counters: Counters, state: inout MemberState
    ) throws(LoyaltyError) -> RewardsGiven {
        var given = RewardsGiven(movements: try state.expire(on: day))
        for reward in rewards
        where isDue(reward.issue, on: day, joined: state.joined, occasion) && fits(reward, sale, day) {
            let expires = reward.expiry?.lastDay(from: day, calendar: calendar, joined: state.joined)
            if let expires, expires < today { continue }
            var book = CounterBook(calendar: calendar, day: day, joined: state.joined, values: counters)
            let tier = try tierName(of: state, counters: counters, member: member, on: day)
            let view = MemberView(member: member, state: state, tier: tier, day: day)
            if let condition = reward.member, try condition.mismatch(view, book, self.counters) != nil { continue }
            let decimals = currencies[reward.currency] ?? 0
            var available = try state.balance(
                of: reward.currency, decimals: decimals, on: day, floor: returns.floor
            ).available
            if let threshold = reward.threshold, available.ratio < threshold.ratio { continue }
            var times: Int64 = 0
            var points = Points.zero(decimals: decimals)
            for step in reward.steps.reversed() where step.points.units > 0 {
                var count = try available.ratio.divided(by: step.points.ratio).rounded(.floor)
                for cap in reward.caps {
                    let rest = try book.remaining(cap, of: reward.id).ratio
                    switch cap.measure {
                    case .points:
                        let left = try rest.subtracting(points.ratio).divided(by: step.points.ratio)
                        count = min(count, try left.rounded(.floor))
                    case .times: count = min(count, try rest.subtracting(Ratio(times)).rounded(.floor))
                    case .spend, .units, .pointsPerUnit: break
                    }
                }
                guard count > 0 else { continue }
                let (units, high) = step.points.units.multipliedReportingOverflow(by: count)
                guard !high else { throw Apportionment.overflow }
                let cost = Points(units: units, decimals: step.points.decimals)
                given.movements += try state.spend(cost, of: reward.currency, on: day, redemption.order).movements
                available = try available.subtracting(cost)
                points = try points.adding(cost)
                times += count
                given.issued.append(
                    IssuedReward(
                        reward: reward.id, count: count, expires: expires, cost: cost, currency: reward.currency))
            }
            for cap in reward.caps {
                guard let counter = cap.counter(of: reward.id) else { continue }
                if case .times = cap.measure {
                    book.add(counter, DecimalNumber(times))
                } else {
                    book.add(counter, points.decimal)
                }
            }
            given.counterChanges += book.changes
        }
        return given
    }

    /// Whether place and time are those that a reward asks for.
    private func fits(_ reward: RewardDeclaration, _ sale: (sale: Sale, time: Timestamp)?, _ day: CalendarDate) -> Bool
    {
        if reward.issue.period != nil { return reward.window?.mismatch(at: noon(of: day), zone: zone) == nil }
        guard let (sale, time) = sale else { return reward.window == nil && reward.places.isEmpty }
        return reward.places.mismatch(store: sale.store, register: sale.register, channel: sale.channel) == nil
            && reward.window?.mismatch(at: time, zone: zone) == nil
    }

    /// A time that is on this day in the program's zone, also where that is half a day from Greenwich.
    private func noon(of day: CalendarDate) -> Timestamp {
        let noon = Timestamp(microseconds: (day.daysSinceEpoch * 86_400 + 43_200) * 1_000_000)
        let local = zone.local(noon).date
        return local == day ? noon : noon.adding(seconds: local < day ? 43_200 : -43_200)
    }

    private func isDue(
        _ issue: RewardDeclaration.Issue, on day: CalendarDate, joined: CalendarDate?, _ occasion: Occasion?
    ) -> Bool {
        guard let period = issue.period else { return issue == .atOnce && occasion != .atPeriodEnd }
        return occasion != .atOnce && calendar.end(of: period, on: day, joined: joined) == day
    }

    /// What `period_bonus` rules give at the end of a day that ends their period; nothing on other days.
    ///
    /// - Parameter counters: those of `counterKeys(on: day)`.
    /// - Throws: `number.overflow`.
    public func closePeriods(
        on day: CalendarDate, member: Member, state: MemberState, counters: Counters
    ) throws(LoyaltyError) -> EarnResult {
        var result = EarnResult(accruals: [], trace: [], flags: [])
        var values = counters
        let tier = try tierName(of: state, counters: counters, member: member, on: day)
        let view = MemberView(member: member, state: state, tier: tier, day: day)
        for rule in rules {
            guard case .periodBonus(let percent, let per) = rule.effect,
                calendar.end(of: per, on: day, joined: state.joined) == day
            else { continue }
            // Several bonuses of a day share what a cap over them leaves.
            var book = CounterBook(calendar: calendar, day: day, joined: state.joined, values: values)
            if let reason = try rule.member?.mismatch(view, book, self.counters) {
                result.trace.append(TraceStep(rule: rule.id, matched: false, reason: reason))
                continue
            }
            let earned = try book.value(.earned(rule.currency, per))
            let decimals = currencies[rule.currency] ?? 0
            let exact = try earned.ratio.multiplied(by: percent.ratio).divided(by: Ratio(100))
            var units = try max(exact, .zero).rounded(rounding.mode.arithmetic, scale: decimals)
            let over = caps.filter { $0.currency == rule.currency && $0.rules?.contains(rule.id) ?? true }
            let limits = rule.caps.map { (cap: $0, owner: rule.id) } + over.map { (cap: $0.cap, owner: $0.id) }
            for (cap, owner) in limits {
                // An archived program may limit the times, which changes nothing.
                guard case .points = cap.measure else { continue }
                units = min(units, try book.remaining(cap, of: owner).ratio.rounded(.floor, scale: decimals))
            }
            let points = Points(units: units, decimals: decimals)
            for (cap, owner) in limits {
                guard case .points = cap.measure else { continue }
                if let counter = cap.counter(of: owner) { book.add(counter, points.decimal) }
            }
            for counter in self.counters where counter.currency == rule.currency {
                guard counter.counts == .points || counter.counts == .qualifying && rule.isQualifying else { continue }
                book.add(CounterName(name: counter.id, scope: counter.scope, per: counter.per), points.decimal)
            }
            try values.apply(book.changes)
            result.counterChanges += book.changes
            result.trace.append(
                TraceStep(
                    rule: rule.id, matched: units > 0,
                    reason: "\(percent) % of \(earned) \(rule.currency) of the \(per.words)", points: "\(points)"))
            guard units > 0 else { continue }
            result.add(rule, points, exact, day: day, tier: tier, state, self)
        }
        if !result.grants.isEmpty { result.tier = try self.tier(of: state, counters: values, on: day) }
        return result
    }
}

extension EarnResult {
    fileprivate mutating func add(
        _ rule: Rule, _ points: Points, _ wanted: Ratio, day: CalendarDate, tier: String?, _ state: MemberState,
        _ program: Program
    ) {
        let terms = rule.lots ?? program.currencyTerms[rule.currency]?.lots
        let expiry = terms?.expiry(tier: tier)
        grants.append(
            Grant(
                rule: rule.id, currency: rule.currency, recipient: .member, wanted: wanted.pointsText, granted: points,
                isQualifying: rule.isQualifying, returns: .keep, pendingUntil: terms?.pending?.after(day),
                expires: expiry?.lastDay(from: day, calendar: program.calendar, joined: state.joined),
                inactive: expiry?.inactive, lines: []))
        accruals.append(
            Accrual(
                currency: rule.currency, total: points,
                qualifying: rule.isQualifying ? points : .zero(decimals: points.decimals), lines: []))
    }
}
