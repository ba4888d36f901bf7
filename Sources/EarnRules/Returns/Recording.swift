public import LoyaltyModel

extension Program {
    /// What to keep of a sale that was posted, for its returns.
    ///
    /// - Parameter origin: the id that its lots got in `credit`.
    /// - Throws: as `evaluate`.
    public func record(
        _ input: EarnInput, _ result: EarnResult, origin: String, spendings: [Spending] = []
    ) throws(LoyaltyError) -> SaleRecord {
        let basket = try Basket(input.sale, entitlements: entitlements)
        var lines: [SaleRecord.Line] = []
        for line in basket.lines where !line.isVoid && !line.source.isReturn(in: input.sale) {
            guard !line.lineClass.neverEarns else { continue }
            lines.append(
                SaleRecord.Line(
                    id: line.source.id, quantity: try line.quantity.magnitude(), net: Int64(clamping: line.net)))
        }
        var record = SaleRecord(
            origin: origin, lines: lines, grants: result.grants, counterChanges: result.counterChanges,
            referrerCounterChanges: result.referrerCounterChanges, entitlements: result.entitlements)
        record.spendings = spendings
        if input.member != nil {
            record.tier = tierChange(from: input.state.tier, result, on: input.businessDay)
        }
        return record
    }

    /// Applies what a return changes to the member: points, counters, rights, tier, rewards of stamp cards.
    ///
    /// - Parameters:
    ///   - policy: of the program that gave the points.
    ///   - before: what had come back before, as `record.taken` says.
    ///   - renewal: as in `withdraw`.
    /// - Throws: `number.overflow`.
    public func take(
        _ record: SaleRecord, from before: SaleRecord.Taken, to after: SaleRecord.Taken, on day: CalendarDate,
        renewal: CalendarDate? = nil, state: inout MemberState, counters: inout Counters
    ) throws(LoyaltyError) -> (effect: ReturnEffect, movements: [LotMovement]) {
        var effect = try record.effect(from: before, to: after)
        effect.issued = try revoked(effect, counters)
        try counters.apply(effect.counterChanges)
        var movements: [LotMovement] = []
        for (currency, points) in effect.points.sorted(by: { $0.key < $1.key }) where currencies[currency] != nil {
            if points.isNegative {
                movements += try state.giveBack(
                    points.negated(), of: currency, origin: record.origin, on: day, returns.clawback)
            } else {
                movements += try state.takeBack(points, of: currency, origin: record.origin, on: day, returns)
            }
        }
        for (index, spending) in record.spendings.enumerated() {
            movements += try restore(
                spending, from: before.restored[index], to: after.restored[index], on: day, state: &state)
        }
        for entitlement in effect.entitlements {
            if let index = state.entitlements.lastIndex(of: entitlement) { state.entitlements.remove(at: index) }
        }
        if after.isVoid, !before.isVoid, let change = record.tier {
            try withdraw(change, from: &state, counters: counters, on: day, renewal: renewal)
        }
        if record.qualified { try lowerTier(of: &state, counters: counters, on: day) }
        return (effect, movements)
    }

    /// Lowers a tier that the counters do not reach any more, where the program does that for goods that come back.
    ///
    /// - Parameter counters: after the return.
    /// - Returns: whether the state changed.
    /// - Throws: `number.overflow`.
    @discardableResult
    public func lowerTier(
        of state: inout MemberState, counters: Counters, on day: CalendarDate
    ) throws(LoyaltyError) -> Bool {
        guard let tiers, tiers.returns == .lower, let old = state.tier else { return false }
        var lowered = state
        lowered.tier = nil
        let reached = try tier(of: lowered, counters: counters, on: day)
        guard tiers.isBelow(reached?.id, old.id) else { return false }
        state.tier = reached
        return true
    }

    /// What to keep of the tier of a member for corrections and voids; nil where counters alone say which tier there is.
    ///
    /// Kept also where there was none and none was reached: a correction begins without that of later sales.
    public func tierChange(
        from before: TierStanding?, _ result: EarnResult, on day: CalendarDate
    ) -> TierChange? {
        guard tiers?.validity != nil else { return nil }
        return TierChange(before: before, after: result.tier ?? before, day: day)
    }

    /// The tier to keep after a corrected sale.
    ///
    /// - Parameters:
    ///   - change: what the corrected sale makes of the tier that it began with.
    ///   - old: what the sale had made of it so far; nil for a sale that is new.
    ///   - standing: what is kept now. Where that is not what the sale had brought, later sales or days decide, unless
    ///     the corrected sale brings more.
    public func tier(
        after change: TierChange, insteadOf old: TierChange?, standing: TierStanding?
    ) -> TierStanding? {
        guard let old, standing != old.after else { return change.after }
        guard change.after != change.before, let new = change.after, let tiers, tiers.isBelow(standing?.id, new.id)
        else { return standing }
        return new
    }

    /// Takes back a tier that only a sale brought which never was; what other sales reached holds as long as it did.
    ///
    /// - Parameters:
    ///   - counters: without the sale; those of its day, when others may have reached the tier too, those of `day`, and those
    ///     of `renewal`.
    ///   - renewal: the day of the later sale that brought what is kept now, where that is not what this sale had brought.
    /// - Returns: whether the state changed.
    /// - Throws: `number.overflow`.
    @discardableResult
    public func withdraw(
        _ change: TierChange, from state: inout MemberState, counters: Counters, on day: CalendarDate,
        renewal: CalendarDate? = nil
    ) throws(LoyaltyError) -> Bool {
        guard let tiers, let current = state.tier, let after = change.after, after.id == current.id,
            change.before != after
        else { return false }
        var without = state
        without.tier = change.before
        var rest = try tier(of: without, counters: counters, on: day)
        for other in [change.day, renewal].compactMap(\.self) where other != day {
            rest = tiers.better(of: rest, try tier(of: without, counters: counters, on: other))
        }
        if rest?.id == current.id {
            // A later sale moved the end, and reaches the tier by itself.
            guard after == current else { return false }
            guard let end = rest?.validThrough, let old = current.validThrough, end < old else { return false }
        }
        state.tier = rest
        return true
    }

    /// Rewards of stamp cards that the stamps which came back had brought.
    private func revoked(_ effect: ReturnEffect, _ counters: Counters) throws(LoyaltyError) -> [IssuedReward] {
        var revoked: [IssuedReward] = []
        for card in stampCards {
            let key = CounterKey(name: card.id, scope: .member, per: .lifetime, start: nil)
            let change = effect.counterChanges.filter { $0.key == key }
            guard !change.isEmpty else { continue }
            let before = counters[key] ?? .zero
            var after = before
            for part in change { after = try after.adding(part.amount) }
            let (old, new) = (Int128(try before.ratio.rounded(.floor)), Int128(try after.ratio.rounded(.floor)))
            for prize in card.prizes {
                let count = card.rewards(prize, at: max(new, 0)) - card.rewards(prize, at: max(old, 0))
                if count != 0 { revoked.append(IssuedReward(reward: prize.issue, count: Int64(clamping: count))) }
            }
        }
        return revoked
    }
}

extension SaleRecord {
    /// Whether the sale counted towards a tier at all.
    var qualified: Bool { counterChanges.contains { !$0.amount.isZero } }
}

extension TierLadder {
    /// Whether a level stands below another; none is the lowest.
    func isBelow(_ id: String?, _ other: String) -> Bool {
        let rank = { (id: String?) in id.flatMap { id in levels.firstIndex { $0.id == id } } ?? -1 }
        return rank(id) < rank(other)
    }

    /// The higher of two tiers; of one level that which holds longer.
    fileprivate func better(of first: TierStanding?, _ second: TierStanding?) -> TierStanding? {
        guard let first, let second else { return first ?? second }
        if first.id != second.id { return isBelow(first.id, second.id) ? second : first }
        guard let end = first.validThrough else { return first }
        return second.validThrough.map { end < $0 } ?? true ? second : first
    }
}

extension Counters {
    /// Adds changes; what comes to zero is dropped.
    ///
    /// - Throws: `number.overflow`.
    public mutating func apply(_ changes: [CounterChange]) throws(LoyaltyError) {
        for change in changes {
            let sum = try (self[change.key] ?? .zero).adding(change.amount)
            self[change.key] = sum.isZero ? nil : sum
        }
    }
}

extension MemberState {
    /// Gives points back that a return had taken, because the return was undone: to what is owed, else to
    /// the lots they can have come from.
    mutating func giveBack(
        _ points: Points, of currency: String, origin: String, on day: CalendarDate,
        _ clawback: ReturnsPolicy.Clawback
    ) throws(LoyaltyError) -> [LotMovement] {
        var rest = points
        var movements: [LotMovement] = []
        if let debt = owed[currency], !debt.isZero {
            let paid = smaller(rest, debt)
            try owe(paid.negated(), currency)
            rest = try rest.subtracting(paid)
            movements.append(try LotMovement(.restored, currency, nil, size: paid, sign: 1))
        }
        for index in order(of: currency, origin, day, clawback) {
            let room = try lots[index].granted.subtracting(lots[index].remaining).subtracting(lots[index].lapsed)
            let part = smaller(rest, room)
            guard part.units > 0 else { continue }
            try move(index, part)
            rest = try rest.subtracting(part)
            movements.append(try LotMovement(.restored, currency, lots[index].id, size: part, sign: 1))
        }
        if rest.units > 0 {
            // Lots that were cleared away meanwhile.
            let lot = Lot(
                id: "\(origin)/back/\(lots.count)", currency: currency, origin: origin, program: "", granted: rest,
                remaining: rest, qualifying: .zero(decimals: rest.decimals), earned: day)
            lots.append(lot)
            movements.append(try LotMovement(.restored, currency, lot.id, size: rest, sign: 1))
        }
        return movements + (try expire(on: day))
    }
}
