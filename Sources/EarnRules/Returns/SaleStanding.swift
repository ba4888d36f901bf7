public import LoyaltyModel

/// What must be kept of a posted sale beside its lots, so that each of its returns can be undone to the point, whatever
/// happened to the member's lots in between.
public struct SaleStanding: Hashable, Sendable, Codable {
    /// Where points came from that returned goods took; the last taken is the first that comes back.
    public struct Part: Hashable, Sendable, Codable {
        /// `returned`, `lapsed` or `forgiven`.
        public var reason: LotMovement.Reason
        public var currency: String
        /// nil for what is owed, and for what was forgiven.
        public var lot: String?
        public var points: Points
    }

    public var taken: [Part] = []
    /// Points that a later state of the sale did not give any more and that nobody had, by currency.
    public var shortfall: [String: Points] = [:]
    /// Points that were spent in the sale.
    public var spendings: [Spending] = []
    /// What of each spending came back.
    public var restored: [Points] = []
    /// The lines that spent points come back with.
    public var lines: [SaleRecord.Line] = []
    /// Rewards of stamp cards that the sale brought.
    public var issued: [IssuedReward] = []
    /// Rights that were bought with lines of the sale, and the lines of those that came back. nil in older documents.
    public var entitlements: [BoughtEntitlement]?
    public var lostEntitlements: Set<String>?
    /// What the sale made of the tier. nil in older documents.
    public var tier: TierChange?
    /// What the sale earned with at first, and earns with when it is corrected: counters hold later sales by then. nil where
    /// the program has no tiers, and in older documents.
    public var earnedTier: EarnedTier?

    public init() {}

    public var isEmpty: Bool { self == SaleStanding() }

    /// What of each spending belongs to the member again, once so much has come back.
    ///
    /// - Parameters:
    ///   - returned: the quantity that came back in all, zero or more, by line.
    ///   - isVoided: all of it comes back.
    /// - Throws: `number.overflow`.
    public func restored(after returned: [String: Quantity], isVoided: Bool) throws(LoyaltyError) -> [Points] {
        if isVoided { return spendings.map(\.points) }
        // Without goods that could come back nothing ever did.
        if lines.isEmpty { return spendings.map { .zero(decimals: $0.points.decimals) } }
        var record = SaleRecord(lines: lines, counterChanges: [])
        record.spendings = spendings
        return try record.taken(returned).restored
    }
}

extension MemberState {
    /// Takes points of a sale back, or gives back what was taken, and keeps where they came from.
    ///
    /// - Parameters:
    ///   - change: below zero for returned goods, above where a return was undone.
    ///   - origin: the sale that gave them, as its lots name it.
    /// - Throws: `number.overflow`.
    public mutating func settle(
        _ change: Points, of currency: String, origin: String, _ standing: inout SaleStanding, on day: CalendarDate,
        _ policy: ReturnsPolicy
    ) throws(LoyaltyError) -> [LotMovement] {
        guard change.isNegative else {
            return try giveBack(change, of: currency, origin: origin, &standing, on: day, policy.clawback)
        }
        let movements = try takeBack(try change.negated(), of: currency, origin: origin, on: day, policy)
        for movement in movements {
            switch movement.reason {
            case .returned, .lapsed, .forgiven:
                standing.taken.append(
                    .init(reason: movement.reason, currency: currency, lot: movement.lot, points: movement.size))
            case .earned, .spent, .expired, .restored, .repaid: break
            }
        }
        return movements
    }

    private mutating func giveBack(
        _ points: Points, of currency: String, origin: String, _ standing: inout SaleStanding, on day: CalendarDate,
        _ clawback: ReturnsPolicy.Clawback
    ) throws(LoyaltyError) -> [LotMovement] {
        var movements: [LotMovement] = []
        var rest = points
        while rest.units > 0, let last = standing.taken.lastIndex(where: { $0.currency == currency }) {
            let part = smaller(rest, standing.taken[last].points)
            let source = standing.taken[last]
            rest = try rest.subtracting(part)
            standing.taken[last].points = try source.points.subtracting(part)
            if standing.taken[last].points.isZero { standing.taken.remove(at: last) }
            let index = source.lot.flatMap { id in lots.firstIndex { $0.id == id } }
            switch (source.reason, index) {
            case (.forgiven, _):
                movements.append(try LotMovement(.forgiven, currency, nil, size: part, sign: 0))
            case (.lapsed, let index?):
                lots[index].lapsed = try lots[index].lapsed.adding(part)
            case (.lapsed, nil): break
            case (_, let index?):
                try move(index, part)
                movements.append(try LotMovement(.restored, currency, source.lot, size: part, sign: 1))
            case (_, nil):
                movements += try giveBack(part, of: currency, origin: origin, on: day, clawback)
            }
        }
        if rest.units > 0 { movements += try giveBack(rest, of: currency, origin: origin, on: day, clawback) }
        return movements + (try expire(on: day))
    }
}

extension Program {
    /// Makes lots of what a sale gives, or brings the lots of a sale in line with what its newer state gives. What returned
    /// goods had taken must be given back before, and is taken again afterwards.
    ///
    /// - Parameters:
    ///   - old: what the sale gave so far, by currency; empty for a new sale.
    ///   - grants: those of the new evaluation; the ones for others than the recipient are left out.
    ///   - recipient: whose state it is.
    /// - Throws: `number.overflow`.
    public func regrant(
        from old: [String: Points], to grants: [Grant], for recipient: Recipient = .member, origin: String,
        _ standing: inout SaleStanding, on day: CalendarDate, state: inout MemberState
    ) throws(LoyaltyError) -> [LotMovement] {
        let wanted = try lots(of: grants.filter { $0.recipient == recipient }, origin: origin, on: day)
        var movements: [LotMovement] = []
        var names = Set(wanted.map(\.currency))
        names.formUnion(old.keys)
        for currency in names.sorted() {
            let existing = state.lots.filter { $0.isGiven(by: origin, currency) }
            let zero = Points.zero(decimals: currencies[currency] ?? old[currency]?.decimals ?? 0)
            var known = zero
            for lot in existing { known = try known.adding(lot.granted) }
            var changes: [(lot: Lot, points: Points)] = []
            if known.ratio == (old[currency] ?? zero).ratio {
                for lot in wanted where lot.currency == currency {
                    var sum = zero
                    for other in existing where other.hasLife(of: lot) { sum = try sum.adding(other.granted) }
                    changes.append((lot, try lot.granted.subtracting(sum)))
                }
                for (index, lot) in existing.enumerated() {
                    let isKept = wanted.contains { $0.currency == currency && $0.hasLife(of: lot) }
                    let isFirst = !existing[..<index].contains { $0.hasLife(of: lot) }
                    guard !isKept, isFirst else { continue }
                    var sum = zero
                    for other in existing where other.hasLife(of: lot) { sum = try sum.adding(other.granted) }
                    changes.append((lot, try sum.negated()))
                }
            } else {
                // The sale is older than its lots: only the difference is known.
                var sum = zero
                for lot in wanted where lot.currency == currency { sum = try sum.adding(lot.granted) }
                let model = wanted.first { $0.currency == currency } ?? existing.first
                if let model { changes.append((model, try sum.subtracting(old[currency] ?? zero))) }
            }
            for change in changes where change.points.units > 0 {
                movements += try state.add(change.points, like: change.lot, origin, &standing)
            }
            for change in changes where change.points.isNegative {
                movements += try state.shrink(
                    try change.points.negated(), like: change.lot, origin, &standing, on: day, returns)
            }
        }
        if !movements.isEmpty { state.lastActivity = max(state.lastActivity ?? day, day) }
        return movements
    }

    /// One lot for each currency, end and pending time.
    private func lots(of grants: [Grant], origin: String, on day: CalendarDate) throws(LoyaltyError) -> [Lot] {
        var lots: [Lot] = []
        for grant in grants
        where !grant.granted.isZero && currencies[grant.currency] != nil {
            let zero = Points.zero(decimals: grant.granted.decimals)
            var lot = Lot(
                id: "", currency: grant.currency, origin: origin, program: identity.hash, granted: grant.granted,
                remaining: zero, qualifying: grant.isQualifying ? grant.granted : zero, earned: day,
                pendingUntil: grant.pendingUntil, expires: grant.expires, inactive: grant.inactive)
            if let found = lots.firstIndex(where: { $0.currency == lot.currency && $0.hasLife(of: lot) }) {
                lot.granted = try lots[found].granted.adding(lot.granted)
                lot.qualifying = try lots[found].qualifying.adding(lot.qualifying)
                lots[found] = lot
            } else {
                lots.append(lot)
            }
        }
        return lots
    }
}

extension Lot {
    /// Whether a sale gave it, and not a return.
    fileprivate func isGiven(by origin: String, _ currency: String) -> Bool {
        self.origin == origin && self.currency == currency && !id.contains("/back")
    }

    /// Whether both can be spent from and until the same days.
    fileprivate func hasLife(of other: Lot) -> Bool {
        pendingUntil == other.pendingUntil && expires == other.expires && inactive == other.inactive
    }
}

extension MemberState {
    /// More points of a kind that the sale may have given before; what was forgiven when it gave fewer is not given again.
    fileprivate mutating func add(
        _ points: Points, like model: Lot, _ origin: String, _ standing: inout SaleStanding
    ) throws(LoyaltyError) -> [LotMovement] {
        var lot = model
        let number = lots.filter { $0.origin == origin }.count + 1
        lot.id = "\(origin)/\(number)"
        while lots.contains(where: { $0.id == lot.id }) { lot.id += "+" }
        lot.lapsed = .zero(decimals: points.decimals)
        if lot.granted.ratio != points.ratio {
            lot.qualifying = lot.qualifying.ratio < points.ratio ? lot.qualifying : points
        }
        lot.granted = points
        let forgiven = smaller(points, standing.shortfall[lot.currency] ?? .zero(decimals: points.decimals))
        if !forgiven.isZero, let known = standing.shortfall[lot.currency] {
            let rest = try known.subtracting(forgiven)
            standing.shortfall[lot.currency] = rest.isZero ? nil : rest
        }
        lot.remaining = try points.subtracting(forgiven)
        var movements = [try LotMovement(.earned, lot.currency, lot.id, size: lot.remaining, sign: 1)]
        let debt = owed[lot.currency] ?? .zero(decimals: points.decimals)
        let paid = smaller(debt, lot.remaining)
        if paid.units > 0 {
            lot.remaining = try lot.remaining.subtracting(paid)
            try owe(try paid.negated(), lot.currency)
            movements.append(try LotMovement(.repaid, lot.currency, lot.id, size: paid, sign: 0))
        }
        lots.append(lot)
        return movements
    }

    /// Fewer points of a kind: out of its lots, then what ended of them, then as the program takes back.
    fileprivate mutating func shrink(
        _ points: Points, like model: Lot, _ origin: String, _ standing: inout SaleStanding, on day: CalendarDate,
        _ policy: ReturnsPolicy
    ) throws(LoyaltyError) -> [LotMovement] {
        var movements: [LotMovement] = []
        var rest = points
        let places = lots.indices.reversed().filter {
            lots[$0].isGiven(by: origin, model.currency) && lots[$0].hasLife(of: model)
        }
        for index in places {
            let part = smaller(rest, lots[index].remaining)
            if part.units > 0 {
                try move(index, try part.negated())
                lots[index].granted = try lots[index].granted.subtracting(part)
                rest = try rest.subtracting(part)
                movements.append(try LotMovement(.returned, model.currency, lots[index].id, size: part, sign: -1))
            }
            let lost = smaller(rest, lots[index].lapsed)
            if lost.units > 0 {
                lots[index].lapsed = try lots[index].lapsed.subtracting(lost)
                lots[index].granted = try lots[index].granted.subtracting(lost)
                rest = try rest.subtracting(lost)
                movements.append(try LotMovement(.lapsed, model.currency, lots[index].id, size: lost, sign: 0))
            }
        }
        let missing = rest
        for index in places {
            let part = smaller(rest, lots[index].granted)
            guard part.units > 0 else { continue }
            lots[index].granted = try lots[index].granted.subtracting(part)
            rest = try rest.subtracting(part)
        }
        guard missing.units > 0 else { return movements }
        for movement in try takeBack(missing, of: model.currency, origin: nil, on: day, policy) {
            if movement.reason == .forgiven {
                let known = standing.shortfall[model.currency] ?? .zero(decimals: missing.decimals)
                standing.shortfall[model.currency] = try known.adding(movement.size)
            }
            movements.append(movement)
        }
        return movements
    }
}
