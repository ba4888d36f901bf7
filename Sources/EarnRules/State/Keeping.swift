public import LoyaltyModel

extension Program {
    /// The first day on which something of a member must be booked though he does nothing: the day after the last one of
    /// a lot; where the program gives rewards by itself, also the day on which points can first be spent, and the day after
    /// a period; where it gives bonuses for a period, the day after the one of the latest activity. nil where nothing will
    /// ever end.
    ///
    /// - Parameter settled: the last day after which all was booked.
    public func nextDue(_ state: MemberState, after settled: CalendarDate?) -> CalendarDate? {
        var due: CalendarDate?
        func note(_ day: CalendarDate) { due = due.map { min($0, day) } ?? day }
        let givesAtOnce = rewards.contains { $0.issue == .atOnce }
        for lot in state.lots where lot.remaining.units > 0 {
            if let last = lot.lastDay(activity: state.lastActivity) { note(last.adding(days: 1)) }
            if givesAtOnce, let start = lot.pendingUntil, (settled ?? lot.earned) < start.adding(days: -1) {
                note(start)
            }
        }
        guard let from = settled?.adding(days: 1) ?? state.lastActivity else { return due }
        for period in Set(periodBonuses.map(\.per)) {
            guard let active = state.lastActivity,
                let end = calendar.end(of: period, on: active, joined: state.joined), from <= end
            else { continue }
            note(end.adding(days: 1))
        }
        guard state.lots.contains(where: { $0.remaining.units > 0 }) else { return due }
        // A limit that is free again lets the balance be spent that it held back.
        let limits = rewards.filter { $0.issue == .atOnce }.flatMap(\.caps).map(\.per).filter { $0 != .sale }
        for period in Set(rewards.compactMap(\.issue.period) + limits) {
            if let end = calendar.end(of: period, on: from, joined: state.joined) { note(end.adding(days: 1)) }
        }
        return due
    }

    /// Books what happened by itself up to the beginning of a day: points that ended, bonuses and rewards that fell due.
    ///
    /// Nobody could use a reward on days that are past: those at once are given on the last day alone, and one that has
    /// ended by then is not given; its points stay.
    ///
    /// - Parameters:
    ///   - settled: the last day after which all was booked; moved on to the day before.
    ///   - counters: those of `counterKeys(on:)`; asked only where bonuses or rewards are given by themselves.
    /// - Throws: `number.overflow`, and what `counters` throws.
    public func advance(
        _ state: inout MemberState, settled: inout CalendarDate?, to day: CalendarDate, member: Member?,
        counters: (CalendarDate) throws -> Counters
    ) throws -> DaysPassed {
        var passed = DaysPassed()
        var isDue = false
        while let due = nextDue(state, after: settled), due <= day {
            isDue = true
            let before = due.adding(days: -1)
            if let member, !periodBonuses.isEmpty {
                try passed.close(before, self, member, passed.counted(counters(before)), &state)
            }
            if issuesRewards {
                let values = try passed.counted(counters(before))
                passed.add(
                    try issueRewards(
                        .atPeriodEnd, on: before, seen: day, after: nil, member: member, counters: values, state: &state
                    ))
            }
            passed.movements += try state.expire(on: due)
            settled = max(settled ?? before, before)
        }
        passed.movements += try state.expire(on: day)
        if isDue, issuesRewards {
            let values = try passed.counted(counters(day))
            passed.add(try issueRewards(on: day, member: member, counters: values, state: &state, atOnceAlone: true))
        }
        let before = day.adding(days: -1)
        settled = max(settled ?? before, before)
        return passed
    }

    /// Whether rewards are given without being asked for.
    public var issuesRewards: Bool { rewards.contains { $0.issue == .atOnce || $0.issue.period != nil } }

    /// Whether something is given because a day is over, so that members must be looked at.
    public var givesByItself: Bool { issuesRewards || !periodBonuses.isEmpty }
}

/// What happened to a member by itself while days passed.
public struct DaysPassed: Hashable, Sendable {
    /// What a period brought at its end.
    public struct Bonus: Hashable, Sendable {
        /// The last day of the period.
        public var day: CalendarDate
        public var result: EarnResult
        /// `earned` and `repaid`.
        public var movements: [LotMovement]
    }

    /// Of points that ended, and of those that rewards cost.
    public var movements: [LotMovement] = []
    public var issued: [IssuedReward] = []
    public var bonuses: [Bonus] = []
    /// What the limits of rewards count.
    public var counterChanges: [CounterChange] = []

    public init() {}

    /// What bonuses count is kept by the caller, after all is done.
    fileprivate func counted(_ counters: Counters) throws(LoyaltyError) -> Counters {
        var values = counters
        for bonus in bonuses { try values.apply(bonus.result.counterChanges) }
        try values.apply(counterChanges)
        return values
    }

    fileprivate mutating func close(
        _ day: CalendarDate, _ program: Program, _ member: Member, _ counters: Counters, _ state: inout MemberState
    ) throws(LoyaltyError) {
        let result = try program.closePeriods(on: day, member: member, state: state, counters: counters)
        guard !result.grants.isEmpty || !result.counterChanges.isEmpty else { return }
        let all = try program.credit(result, origin: "bonus/\(day)", on: day, to: &state)
        state.tier = result.tier ?? state.tier
        movements += all.filter { $0.reason == .expired }
        bonuses.append(Bonus(day: day, result: result, movements: all.filter { $0.reason != .expired }))
    }

    fileprivate mutating func add(_ given: RewardsGiven) {
        movements += given.movements
        counterChanges += given.counterChanges
        issued += given.issued
    }
}

extension RewardDeclaration.Issue {
    /// The period at whose end it is given.
    var period: Period? {
        switch self {
        case .onRequest, .byStamps, .atOnce: nil
        case .monthEnd: .month
        case .quarterEnd: .quarter
        case .yearEnd: .calendarYear
        case .membershipYearEnd: .membershipYear
        }
    }
}

extension MemberState {
    /// Brings the balance in line with what somebody else has counted, such as the back end: more goes into one lot of
    /// that name that never ends, less comes off it, then off the lots that end first, and the rest is owed.
    ///
    /// - Throws: `number.overflow`.
    public mutating func adjust(
        by change: Points, of currency: String, lot name: String, program: String, on day: CalendarDate
    ) throws(LoyaltyError) {
        let zero = Points.zero(decimals: change.decimals)
        var index = lots.firstIndex { $0.id == name }
        if change.units > 0 {
            let debt = owed[currency] ?? zero
            let paid = smaller(change, debt)
            if paid.units > 0 { try owe(try paid.negated(), currency) }
            if index == nil {
                lots.append(
                    Lot(
                        id: name, currency: currency, origin: name, program: program, granted: zero, remaining: zero,
                        qualifying: zero, earned: day))
                index = lots.count - 1
            }
            guard let index else { return }
            lots[index].granted = try lots[index].granted.adding(change)
            try move(index, try change.subtracting(paid))
        } else if change.isNegative {
            var rest = try change.negated()
            var order = lots.indices.filter { lots[$0].currency == currency && $0 != index }
                .sorted { precedes(lots[$0], lots[$1], by: .earliestExpiry, index: $0, $1) }
            if let index { order.insert(index, at: 0) }
            for index in order {
                let part = smaller(rest, lots[index].remaining)
                guard part.units > 0 else { continue }
                try move(index, try part.negated())
                rest = try rest.subtracting(part)
            }
            if rest.units > 0 { try owe(rest, currency) }
        }
    }
}
