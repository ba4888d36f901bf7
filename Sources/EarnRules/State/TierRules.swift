public import LoyaltyModel

extension TierLadder {
    /// The highest level that a counter has reached; nil below the lowest.
    public func reached(_ value: DecimalNumber) -> Level? { levels.last { $0.threshold <= value } }

    /// The tier on a day: what the counter has reached, or what an earlier day's still holds.
    ///
    /// - Parameters:
    ///   - standing: the tier so far; nil where there was none.
    ///   - value: of the ladder's counter in its running period.
    public func standing(
        _ standing: TierStanding?, value: DecimalNumber, on day: CalendarDate, calendar: ProgramCalendar,
        joined: CalendarDate?
    ) -> TierStanding? {
        let reached = reached(value)
        let kept = held(standing, reached: reached, on: day, calendar: calendar, joined: joined)
        guard let reached else { return kept }
        let fresh = TierStanding(
            id: reached.id, validThrough: validity?.lastDay(from: day, calendar: calendar, joined: joined))
        guard let kept, let rank = self.rank(kept.id), let new = self.rank(reached.id) else { return fresh }
        if rank > new { return kept }
        if rank < new { return fresh }
        // The same level, reached again: it holds for as long as the later of the two says.
        guard let old = kept.validThrough, let later = fresh.validThrough else { return fresh }
        return TierStanding(id: reached.id, validThrough: max(old, later))
    }

    /// What is left of a tier on a day, after the falls that its policy says.
    private func held(
        _ standing: TierStanding?, reached: Level?, on day: CalendarDate, calendar: ProgramCalendar,
        joined: CalendarDate?
    ) -> TierStanding? {
        guard var current = standing, validity != nil else { return nil }
        while let end = current.validThrough, end < day {
            switch downgrade {
            case .reevaluate: return nil
            case .base: return levels.first.map { TierStanding(id: $0.id) }
            case .oneLevel:
                guard let rank = self.rank(current.id), rank > 0 else {
                    return levels.first.map { TierStanding(id: $0.id) }
                }
                let start = end.adding(days: 1)
                let next = validity?.lastDay(from: start, calendar: calendar, joined: joined)
                guard rank > 1, let next, end < next else {
                    return TierStanding(id: levels[rank - 1].id, validThrough: rank > 1 ? next : nil)
                }
                current = TierStanding(id: levels[rank - 1].id, validThrough: next)
            }
        }
        return current
    }

    fileprivate func rank(_ id: String) -> Int? { levels.firstIndex { $0.id == id } }
}

extension Program {
    /// The tier that counts when a sale or action begins.
    func tier(before input: EarnInput) throws(LoyaltyError) -> String? {
        if let earned = input.earnedTier { return earned.name }
        return try tierName(of: input.state, counters: input.counters, member: input.member, on: input.businessDay)
    }

    /// What a sale earns with, to keep for its corrections; nil where the program has no tiers.
    ///
    /// - Throws: `number.overflow`.
    public func earnedTier(_ input: EarnInput) throws(LoyaltyError) -> EarnedTier? {
        guard let tiers else { return nil }
        if let earned = input.earnedTier { return earned }
        var earned = EarnedTier(name: try tier(before: input))
        if tiers.applies == .thisSale {
            earned.counted = try counted(input.state, input.counters, on: input.businessDay)
        }
        return earned
    }

    /// What the counter of the tiers holds; nil where there is none.
    private func counted(
        _ state: MemberState, _ counters: Counters, on day: CalendarDate
    ) throws(LoyaltyError) -> DecimalNumber? {
        guard let tiers, let counter = self.counters.first(where: { $0.id == tiers.counter }) else { return nil }
        let book = CounterBook(calendar: calendar, day: day, joined: state.joined, values: counters)
        return try book.value(CounterName(name: counter.id, scope: counter.scope, per: counter.per))
    }

    /// The tier that counts for a member on a day; nil where he has none.
    ///
    /// - Throws: `number.overflow`.
    public func tierName(
        of state: MemberState, counters: Counters, member: Member?, on day: CalendarDate
    ) throws(LoyaltyError) -> String? {
        tierName(try tier(of: state, counters: counters, on: day), member)
    }

    /// The higher of what the ladder counts and what the member file says, so that whoever was given a tier elsewhere
    /// does not lose it with the first thing that is counted here. A name that is no level stands where the ladder says
    /// nothing.
    func tierName(_ standing: TierStanding?, _ member: Member?) -> String? {
        guard let said = member?.tier, let standing else { return standing?.id ?? member?.tier }
        guard let other = tiers?.rank(said), let own = tiers?.rank(standing.id) else { return standing.id }
        return own < other ? said : standing.id
    }

    /// What the program's ladder says on a day; nil where it keeps no tiers, or the member has reached none.
    ///
    /// - Throws: `number.overflow`.
    public func tier(
        of state: MemberState, counters: Counters, on day: CalendarDate
    ) throws(LoyaltyError) -> TierStanding? {
        guard let tiers, let value = try counted(state, counters, on: day) else { return nil }
        return tiers.standing(state.tier, value: value, on: day, calendar: calendar, joined: state.joined)
    }
}
