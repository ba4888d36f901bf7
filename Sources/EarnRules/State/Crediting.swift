public import LoyaltyModel

extension Program {
    /// Makes lots of what the member got by an evaluation: one for each currency, end and pending time. What is owed is
    /// paid first.
    ///
    /// - Parameters:
    ///   - origin: the sale or action; part of the lots' ids.
    /// - Throws: `number.overflow`.
    public func credit(
        _ result: EarnResult, origin: String, on day: CalendarDate, to state: inout MemberState
    ) throws(LoyaltyError) -> [LotMovement] {
        var lots: [Lot] = []
        for grant in result.grants
        where grant.recipient == .member && !grant.granted.isZero && currencies[grant.currency] != nil {
            let qualifying = grant.isQualifying ? grant.granted : .zero(decimals: grant.granted.decimals)
            let found = lots.firstIndex {
                $0.currency == grant.currency && $0.pendingUntil == grant.pendingUntil && $0.expires == grant.expires
                    && $0.inactive == grant.inactive
            }
            if let found {
                lots[found].granted = try lots[found].granted.adding(grant.granted)
                lots[found].remaining = lots[found].granted
                lots[found].qualifying = try lots[found].qualifying.adding(qualifying)
            } else {
                lots.append(
                    Lot(
                        id: "\(origin)/\(lots.count + 1)", currency: grant.currency, origin: origin,
                        program: identity.hash, granted: grant.granted, remaining: grant.granted,
                        qualifying: qualifying, earned: day, pendingUntil: grant.pendingUntil, expires: grant.expires,
                        inactive: grant.inactive))
            }
        }
        var movements = try state.expire(on: day)
        for lot in lots { movements += try state.add(lot) }
        if !lots.isEmpty { state.lastActivity = max(state.lastActivity ?? day, day) }
        state.entitlements += result.entitlements.map(\.entitlement)
        if let tier = result.tier { state.tier = tier }
        return movements
    }
}

extension MemberState {
    /// Adds a lot, and pays with it what is owed.
    mutating func add(_ lot: Lot) throws(LoyaltyError) -> [LotMovement] {
        var lot = lot
        var movements = [try LotMovement(.earned, lot.currency, lot.id, size: lot.granted, sign: 1)]
        if let debt = owed[lot.currency], !debt.isZero {
            let paid = debt.ratio < lot.remaining.ratio ? debt : lot.remaining
            lot.remaining = try lot.remaining.subtracting(paid)
            try owe(paid.negated(), lot.currency)
            movements.append(try LotMovement(.repaid, lot.currency, lot.id, size: paid, sign: 0))
        }
        lots.append(lot)
        return movements
    }
}
