public import LoyaltyModel

/// Points that were spent: what it takes to give them back exactly.
public struct Spending: Hashable, Sendable, Codable {
    public struct Part: Hashable, Sendable, Codable {
        /// nil for what the balance did not hold.
        public var lot: String?
        public var points: Points
    }

    /// Unique for ever: a redemption that is sent again changes nothing.
    public var id: String
    public var reward: String
    public var currency: String
    public var points: Points
    public var money: Money?
    /// In the order in which they were taken.
    public var parts: [Part]
}

/// What a redemption changed.
public struct Redemption: Hashable, Sendable {
    public var spending: Spending
    public var movements: [LotMovement]
    public var counterChanges: [CounterChange]
}

extension Program {
    /// Spends points on a reward.
    ///
    /// - Parameters:
    ///   - points: one of the steps that `offers` lists, or for a reward by steps any number of whole ones.
    ///   - id: names the redemption for ever.
    ///   - state: `input.state` before; changed where the redemption succeeds.
    /// - Throws: `reward.unknown`, `reward.bad_step`, `reward.refused`, `number.overflow`.
    public func redeem(
        _ reward: String, points: Points, id: String, _ input: EarnInput, state: inout MemberState
    ) throws(LoyaltyError) -> Redemption {
        guard let declared = rewards.first(where: { $0.id == reward && $0.issue == .onRequest }) else {
            throw LoyaltyError(.rewardUnknown, "the program has no reward \"\(reward)\" that can be asked for")
        }
        try checkStep(declared, points)
        let desk = try RewardDesk(self, declared, input, Basket(input.sale, entitlements: entitlements))
        var refusal = try desk.mismatch()
        if refusal == nil { refusal = try desk.refusal(of: points) }
        if let refusal { throw LoyaltyError(.rewardRefused, "\(reward) cannot be had: \(refusal)") }
        var book = desk.book
        for cap in declared.caps {
            guard let counter = cap.counter(of: declared.id) else { continue }
            switch cap.measure {
            case .points: book.add(counter, points.decimal)
            case .times: book.add(counter, .one)
            case .spend, .units, .pointsPerUnit: break
            }
        }
        var changed = input.state
        var movements = try changed.expire(on: input.businessDay)
        let (parts, spent) = try changed.spend(points, of: declared.currency, on: input.businessDay, redemption.order)
        movements += spent
        changed.lastActivity = max(changed.lastActivity ?? input.businessDay, input.businessDay)
        state = changed
        let spending = Spending(
            id: id, reward: reward, currency: declared.currency, points: points, money: try desk.value(of: points),
            parts: parts)
        return Redemption(spending: spending, movements: movements, counterChanges: book.changes)
    }

    private func checkStep(_ reward: RewardDeclaration, _ points: Points) throws(LoyaltyError) {
        let isStep = reward.steps.contains { $0.points.ratio == points.ratio }
        var isMultiple = false
        if reward.isLinear, reward.kind == .money || reward.kind == .donation, let step = reward.steps.first?.points,
            step.units > 0, points.units > 0
        {
            isMultiple = try points.ratio.divided(by: step.ratio).denominator == 1
        }
        guard isStep || isMultiple else {
            throw LoyaltyError(
                .rewardBadStep, "\(points) is no price of \(reward.id)",
                remedy: "Prices: " + reward.steps.map { "\($0.points)" }.joined(separator: ", "))
        }
    }

    /// Gives spent points back, because goods that they paid came back.
    ///
    /// Parts come back in the reverse of the order in which they were taken, as a function of what is back in all, so that
    /// several returns give back just what one would.
    ///
    /// - Parameters:
    ///   - before: the points of this spending that came back earlier.
    ///   - after: those that are back now; less than before where a return was undone.
    /// - Throws: `number.overflow`.
    public func restore(
        _ spending: Spending, from before: Points, to after: Points, on day: CalendarDate, state: inout MemberState
    ) throws(LoyaltyError) -> [LotMovement] {
        var movements: [LotMovement] = []
        var start = Points.zero(decimals: spending.points.decimals)
        for part in spending.parts.reversed() {
            let end = try start.adding(part.points)
            let change = try Self.overlap(start, end, after).subtracting(Self.overlap(start, end, before))
            start = end
            guard !change.isZero else { continue }
            movements += try state.restore(change, to: part, spending, on: day, self)
        }
        return movements + (try state.expire(on: day))
    }

    private static func overlap(_ start: Points, _ end: Points, _ reached: Points) throws(LoyaltyError) -> Points {
        let top = end.ratio < reached.ratio ? end : reached
        return top.ratio < start.ratio ? .zero(decimals: start.decimals) : try top.subtracting(start)
    }
}

extension MemberState {
    /// Takes points out of lots that can be spent; what they do not hold is owed. The caller has checked the limit.
    mutating func spend(
        _ points: Points, of currency: String, on day: CalendarDate, _ order: RedemptionTerms.Order
    ) throws(LoyaltyError) -> (parts: [Spending.Part], movements: [LotMovement]) {
        var parts: [Spending.Part] = []
        var movements: [LotMovement] = []
        var rest = points
        let usable = lots.indices.filter {
            lots[$0].currency == currency && lots[$0].remaining.units > 0 && !lots[$0].isPending(on: day)
                && !lots[$0].hasExpired(on: day, activity: lastActivity)
        }
        for index in usable.sorted(by: { precedes(lots[$0], lots[$1], by: order, index: $0, $1) }) {
            guard rest.units > 0 else { break }
            let part = smaller(rest, lots[index].remaining)
            try move(index, part.negated())
            rest = try rest.subtracting(part)
            parts.append(Spending.Part(lot: lots[index].id, points: part))
            movements.append(try LotMovement(.spent, currency, lots[index].id, size: part, sign: -1))
        }
        if rest.units > 0 {
            try owe(rest, currency)
            parts.append(Spending.Part(lot: nil, points: rest))
            movements.append(try LotMovement(.spent, currency, nil, size: rest, sign: -1))
        }
        return (parts, movements)
    }

    fileprivate mutating func restore(
        _ points: Points, to part: Spending.Part, _ spending: Spending, on day: CalendarDate, _ program: Program
    ) throws(LoyaltyError) -> [LotMovement] {
        let currency = spending.currency
        let fresh = "\(spending.id)/back"
        guard !points.isNegative else {
            return try spendAgain(points.negated(), of: currency, fresh, part.lot, program.redemption.order)
        }
        var movements: [LotMovement] = []
        var size = points
        if part.lot == nil, let debt = owed[currency] {
            let paid = smaller(size, debt)
            try owe(paid.negated(), currency)
            size = try size.subtracting(paid)
            movements.append(try LotMovement(.restored, currency, nil, size: paid, sign: 1))
        }
        guard size.units > 0 else { return movements }
        let isNew = program.returns.restoring == .newLot || part.lot == nil
        let old = lots.firstIndex { $0.id == part.lot }
        let hasEnded = old.map { lots[$0].hasExpired(on: day, activity: lastActivity) } ?? true
        var target = fresh
        if let old, !isNew, !hasEnded || program.returns.expiredGrace == nil {
            try move(old, size)
            target = lots[old].id
        } else if let index = lots.firstIndex(where: { $0.id == fresh }) {
            try enlarge(index, size)
        } else {
            lots.append(lot(fresh, size, spending, on: day, program, isNew: isNew))
        }
        movements.append(try LotMovement(.restored, currency, target, size: size, sign: 1))
        return movements
    }

    /// A lot of points that came back in several parts was given as many as are in it.
    private mutating func enlarge(_ index: Int, _ points: Points) throws(LoyaltyError) {
        lots[index].granted = try lots[index].granted.adding(points)
        try move(index, points)
    }

    /// A return was undone, so that what had come back is spent again: out of the lots that it came back to, or what ended of
    /// them, then out of others.
    ///
    /// - Parameter fresh: the lot that was made for what came back.
    private mutating func spendAgain(
        _ points: Points, of currency: String, _ fresh: String, _ origin: String?, _ order: RedemptionTerms.Order
    ) throws(LoyaltyError) -> [LotMovement] {
        var rest = points
        var movements: [LotMovement] = []
        for name in [fresh, origin].compactMap(\.self) {
            guard let index = lots.firstIndex(where: { $0.id == name }) else { continue }
            let part = smaller(rest, lots[index].remaining)
            let lost = smaller(try rest.subtracting(part), lots[index].lapsed)
            if part.units > 0 {
                try move(index, part.negated())
                movements.append(try LotMovement(.restored, currency, name, size: part, sign: -1))
            }
            if lost.units > 0 {
                lots[index].lapsed = try lots[index].lapsed.subtracting(lost)
                movements.append(try LotMovement(.lapsed, currency, name, size: lost, sign: 0))
            }
            let taken = try part.adding(lost)
            if name == fresh { lots[index].granted = try lots[index].granted.subtracting(taken) }
            rest = try rest.subtracting(taken)
        }
        let others = lots.indices.filter { lots[$0].currency == currency }
            .sorted { precedes(lots[$0], lots[$1], by: order, index: $0, $1) }
        for index in others {
            let part = smaller(rest, lots[index].remaining)
            guard part.units > 0 else { continue }
            try move(index, part.negated())
            movements.append(try LotMovement(.restored, currency, lots[index].id, size: part, sign: -1))
            rest = try rest.subtracting(part)
        }
        guard rest.units > 0 else { return movements }
        try owe(rest, currency)
        movements.append(try LotMovement(.restored, currency, nil, size: rest, sign: -1))
        return movements
    }

    private func lot(
        _ id: String, _ points: Points, _ spending: Spending, on day: CalendarDate, _ program: Program, isNew: Bool
    ) -> Lot {
        let terms = program.currencyTerms[spending.currency]?.lots?.expiry(tier: tier?.id)
        let grace = program.returns.expiredGrace?.after(day)
        let usual = terms?.lastDay(from: day, calendar: program.calendar, joined: joined)
        return Lot(
            id: id, currency: spending.currency, origin: spending.id, program: program.identity.hash, granted: points,
            remaining: points, qualifying: .zero(decimals: points.decimals), earned: day,
            expires: isNew ? usual : grace, inactive: isNew ? terms?.inactive : nil)
    }
}

extension LoyaltyError.Code {
    public static let rewardUnknown = Self("reward.unknown", kind: .badData)
    /// The number of points is no price of the reward.
    public static let rewardBadStep = Self("reward.bad_step", kind: .badData)
    /// A condition of the reward does not hold; the message says which.
    public static let rewardRefused = Self("reward.refused", kind: .badData)
}
