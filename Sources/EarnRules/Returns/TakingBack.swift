public import LoyaltyModel

extension MemberState {
    /// Takes points back for returned goods, in the order that the program says.
    ///
    /// Points of the sale that ended unspent count as taken: the member has lost them already. Where there is too little,
    /// the rest is forgiven or owed.
    ///
    /// - Parameters:
    ///   - points: zero or more.
    ///   - origin: the sale whose goods come back; nil where it is not known.
    /// - Throws: `number.overflow`.
    public mutating func takeBack(
        _ points: Points, of currency: String, origin: String?, on day: CalendarDate, _ policy: ReturnsPolicy
    ) throws(LoyaltyError) -> [LotMovement] {
        var movements = try expire(on: day)
        var rest = points
        for index in order(of: currency, origin, day, policy.clawback) {
            guard rest.units > 0 else { break }
            let part = smaller(rest, lots[index].remaining)
            if part.units > 0 {
                try move(index, part.negated())
                rest = try rest.subtracting(part)
                movements.append(try LotMovement(.returned, currency, lots[index].id, size: part, sign: -1))
            }
            guard let origin, lots[index].origin == origin, rest.units > 0 else { continue }
            let lost = smaller(rest, lots[index].lapsed)
            guard lost.units > 0 else { continue }
            lots[index].lapsed = try lots[index].lapsed.subtracting(lost)
            rest = try rest.subtracting(lost)
            movements.append(try LotMovement(.lapsed, currency, lots[index].id, size: lost, sign: 0))
        }
        guard rest.units > 0 else { return movements }
        if policy.floor == .clamp {
            movements.append(try LotMovement(.forgiven, currency, nil, size: rest, sign: 0))
        } else {
            try owe(rest, currency)
            movements.append(try LotMovement(.returned, currency, nil, size: rest, sign: -1))
        }
        return movements
    }

    /// Undoes what `takeBack` did, because the return was voided. Lots that ended meanwhile end again.
    ///
    /// - Throws: `number.overflow`.
    public mutating func undo(_ taken: [LotMovement], on day: CalendarDate) throws(LoyaltyError) -> [LotMovement] {
        var movements: [LotMovement] = []
        for movement in taken {
            let index = movement.lot.flatMap { id in lots.firstIndex { $0.id == id } }
            switch movement.reason {
            case .returned:
                if let index {
                    try move(index, movement.size)
                } else {
                    try owe(movement.size.negated(), movement.currency)
                }
                movements.append(
                    try LotMovement(.restored, movement.currency, movement.lot, size: movement.size, sign: 1))
            case .lapsed:
                if let index { lots[index].lapsed = try lots[index].lapsed.adding(movement.size) }
            case .earned, .spent, .expired, .restored, .forgiven, .repaid: break
            }
        }
        return movements + (try expire(on: day))
    }

    func order(
        of currency: String, _ origin: String?, _ day: CalendarDate, _ clawback: ReturnsPolicy.Clawback
    ) -> [Int] {
        func rank(_ lot: Lot) -> Int {
            let isOrigin = origin != nil && lot.origin == origin
            let isPending = lot.isPending(on: day)
            switch clawback {
            case .lotOfOriginFirst: return isOrigin ? 0 : isPending ? 1 : 2
            case .pendingFirst: return isPending ? (isOrigin ? 0 : 1) : isOrigin ? 2 : 3
            }
        }
        return lots.indices.filter { lots[$0].currency == currency }.sorted { first, second in
            let (left, right) = (rank(lots[first]), rank(lots[second]))
            return left == right
                ? precedes(lots[first], lots[second], by: .earliestExpiry, index: first, second) : left < right
        }
    }

    /// The order in which lots are used; ties to the older.
    func precedes(_ first: Lot, _ second: Lot, by order: RedemptionTerms.Order, index: Int, _ other: Int) -> Bool {
        if order == .earliestExpiry {
            switch (first.lastDay(activity: lastActivity), second.lastDay(activity: lastActivity)) {
            case (let left?, let right?) where left != right: return left < right
            case (nil, .some): return false
            case (.some, nil): return true
            default: break
            }
        }
        return first.earned == second.earned ? index < other : first.earned < second.earned
    }

    func smaller(_ first: Points, _ second: Points) -> Points { second.ratio < first.ratio ? second : first }
}
