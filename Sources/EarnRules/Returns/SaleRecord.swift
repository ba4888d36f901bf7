public import LoyaltyModel

/// What must be kept of a posted sale so that its goods can come back, in parts, in any order, years later, under any
/// program: what came back decides alone, never a running sum.
public struct SaleRecord: Hashable, Sendable, Codable {
    public struct Line: Hashable, Sendable, Codable {
        public var id: String
        public var quantity: Quantity
        /// What the customer paid for it, in minor units.
        public var net: Int64

        public init(id: String, quantity: Quantity, net: Int64) {
            self.id = id
            self.quantity = quantity
            self.net = net
        }
    }

    /// The id that the lots carry.
    public var origin: String
    public var lines: [Line]
    public var grants: [Grant]
    public var counterChanges: [CounterChange]
    public var referrerCounterChanges: [CounterChange]
    public var entitlements: [BoughtEntitlement]
    /// Points that were spent in the sale.
    public var spendings: [Spending] = []
    /// nil where the sale decides about no tier that is kept.
    public var tier: TierChange?

    public init(
        origin: String, lines: [Line], grants: [Grant], counterChanges: [CounterChange],
        referrerCounterChanges: [CounterChange], entitlements: [BoughtEntitlement]
    ) {
        self.origin = origin
        self.lines = lines
        self.grants = grants
        self.counterChanges = counterChanges
        self.referrerCounterChanges = referrerCounterChanges
        self.entitlements = entitlements
    }

    /// For counters alone, where the points are kept elsewhere.
    public init(lines: [Line], counterChanges: [CounterChange]) {
        self.init(
            origin: "", lines: lines, grants: [], counterChanges: counterChanges, referrerCounterChanges: [],
            entitlements: [])
    }

    /// What of each counter change is taken back, once so much has come back.
    ///
    /// - Throws: `number.overflow`.
    public func takenFromCounters(_ returned: [String: Quantity]) throws(LoyaltyError) -> [DecimalNumber] {
        try taken(returned).counters
    }

    /// What is taken back of a sale in all, once so much has come back.
    public struct Taken: Hashable, Sendable {
        /// For each grant and each of its lines.
        public var points: [[Points]]
        var counters: [DecimalNumber]
        var referrerCounters: [DecimalNumber]
        public var restored: [Points]
        /// Lines that are back as a whole.
        var gone: Set<String>
        var isVoid = false
    }

    /// What a void takes: all of it, also what goods that come back leave, as the sale never was.
    public var takenWhole: Taken {
        Taken(
            points: grants.map { $0.lines.map(\.points) }, counters: counterChanges.map(\.amount),
            referrerCounters: referrerCounterChanges.map(\.amount), restored: spendings.map(\.points),
            gone: Set(lines.map(\.id)), isVoid: true)
    }

    /// - Parameter returned: the quantity that came back in all, zero or more, by line.
    /// - Throws: `number.overflow`.
    public func taken(_ returned: [String: Quantity]) throws(LoyaltyError) -> Taken {
        var parts: [String: (back: UInt128, all: UInt128)] = [:]
        var net: Int128 = 0
        for line in lines {
            parts[line.id] = try part(line, returned[line.id] ?? .zero)
            net += Int128(max(line.net, 0))
        }
        let gone = Set(lines.map(\.id).filter { id in parts[id].map { $0.back >= $0.all } ?? false })
        // Of what has no goods, such as an action, nothing can come back.
        let isAll = !lines.isEmpty && lines.allSatisfy { gone.contains($0.id) }
        var points: [[Points]] = []
        for grant in grants { points.append(try taken(grant, parts, returned)) }
        var values: [Ratio] = []
        // Weights that come back in part have denominators of their own: only where they are asked for.
        for line in spendings.isEmpty ? [] : lines where line.net > 0 {
            let part = parts[line.id] ?? (0, 1)
            values.append(
                try Ratio(Int128(line.net), over: 1).multiplied(by: Ratio(Int128(part.back), over: Int128(part.all))))
        }
        let value = try values.sum()
        var restored: [Points] = []
        for spending in spendings {
            guard !isAll, net > 0 else {
                restored.append(isAll ? spending.points : .zero(decimals: spending.points.decimals))
                continue
            }
            let share = try spending.points.ratio.multiplied(by: value).divided(by: Ratio(net, over: 1))
            let units = try share.rounded(.floor, scale: spending.points.decimals)
            restored.append(Points(units: units, decimals: spending.points.decimals))
        }
        return Taken(
            points: points, counters: try counters(counterChanges, parts, isAll),
            referrerCounters: try counters(referrerCounterChanges, parts, isAll), restored: restored, gone: gone)
    }

    private func part(_ line: Line, _ returned: Quantity) throws(LoyaltyError) -> (back: UInt128, all: UInt128) {
        let scale = max(line.quantity.scale, returned.scale)
        let all = line.quantity.size(scale: scale)
        guard all > 0 else { return (returned.isZero ? 0 : 1, 1) }
        return (min(returned.size(scale: scale), all), all)
    }

    private func taken(
        _ grant: Grant, _ parts: [String: (back: UInt128, all: UInt128)], _ returned: [String: Quantity]
    ) throws(LoyaltyError) -> [Points] {
        let nothing = grant.lines.map { Points.zero(decimals: $0.points.decimals) }
        switch grant.returns {
        case .keep: return nothing
        case .revokeIfUnqualified:
            return try stays(grant, parts, returned) ? nothing : grant.lines.map(\.points)
        case .prorate:
            return grant.lines.map { line in
                let part = parts[line.line] ?? (0, 1)
                let units = Apportionment.part(of: UInt128(line.points.units.magnitude), part.back, over: part.all)
                return Points(units: Int64(clamping: units.quotient), decimals: line.points.decimals)
            }
        }
    }

    /// Whether what is left is still what a bonus needs that goes as a whole.
    private func stays(
        _ grant: Grant, _ parts: [String: (back: UInt128, all: UInt128)], _ returned: [String: Quantity]
    ) throws(LoyaltyError) -> Bool {
        func left(of amount: Int64, _ line: String) throws(LoyaltyError) -> Ratio {
            let part = parts[line] ?? (0, 1)
            return try Ratio(amount).multiplied(by: Ratio(Int128(part.all - part.back), over: Int128(part.all)))
        }
        var money = Ratio.zero
        guard let condition = grant.condition else {
            for line in grant.lines { money = try money.adding(left(of: line.basis, line.line)) }
            // What was counted without money stays for as long as a part of its goods does.
            guard grant.lines.contains(where: { $0.basis != 0 }) else {
                return grant.lines.contains { line in parts[line.line].map { $0.back < $0.all } ?? true }
            }
            return Ratio(max(grant.threshold ?? 1, 1)) <= money
        }
        var units = Ratio.zero
        for line in condition.lines {
            money = try money.adding(left(of: line.amount, line.line))
            let known = lines.first { $0.id == line.line }
            let pieces = try known.map { known throws(LoyaltyError) in try Self.pieces(of: known, without: returned) }
            units = try units.adding(Ratio(min(line.pieces, pieces ?? line.pieces)))
        }
        if let least = condition.amount, money < Ratio(max(least, 1)) { return false }
        if let least = condition.units, units < least.ratio { return false }
        return true
    }

    /// Pieces of what is left of a line, counted as when it was sold: a weight is one piece until all of it is back.
    private static func pieces(of line: Line, without returned: [String: Quantity]) throws(LoyaltyError) -> Int64 {
        let back = returned[line.id] ?? .zero
        guard !line.quantity.isZero else { return back.isZero ? 1 : 0 }
        let rest = try line.quantity.adding(back.negated())
        return rest.isZero || rest.isNegative ? 0 : rest.pieces
    }

    private func counters(
        _ changes: [CounterChange], _ parts: [String: (back: UInt128, all: UInt128)], _ isAll: Bool
    ) throws(LoyaltyError) -> [DecimalNumber] {
        var result: [DecimalNumber] = []
        for change in changes {
            guard !isAll else {
                result.append(try change.amount.adding((change.kept ?? .zero).negated()))
                continue
            }
            var sum = DecimalNumber.zero
            for line in change.lines {
                let part = parts[line.line] ?? (0, 1)
                let units = Apportionment.part(
                    of: UInt128(line.amount.coefficient.magnitude), part.back, over: part.all)
                sum = try sum.adding(
                    DecimalNumber(coefficient: Int64(clamping: units.quotient), scale: line.amount.scale))
            }
            result.append(sum)
        }
        return result
    }
}

/// What a return changes: the difference between two states of what came back.
public struct ReturnEffect: Hashable, Sendable {
    /// Points of the member to take back by currency, zero or more; negative where a return was undone.
    public var points: [String: Points] = [:]
    /// The same as accruals: negative, shared over the lines of the sale.
    public var accruals: [Accrual] = []
    /// From the referrer or the good cause.
    public var others: [OtherAccrual] = []
    public var counterChanges: [CounterChange] = []
    public var referrerCounterChanges: [CounterChange] = []
    /// Spent points to give back, for each spending of the sale.
    public var restored: [Points] = []
    /// Rights whose lines came back.
    public var entitlements: [Member.Entitlement] = []
    public var issued: [IssuedReward] = []
}

extension SaleRecord {
    /// What changes between two states of what came back.
    ///
    /// - Throws: `number.overflow`.
    public func effect(from before: Taken, to after: Taken) throws(LoyaltyError) -> ReturnEffect {
        var effect = ReturnEffect()
        for (index, grant) in grants.enumerated() {
            for (place, line) in grant.lines.enumerated() {
                let change = try after.points[index][place].subtracting(before.points[index][place])
                guard !change.isZero else { continue }
                let qualifying = grant.isQualifying ? change : .zero(decimals: change.decimals)
                try effect.take(change, qualifying, line.line, grant)
            }
        }
        effect.counterChanges = try Self.changes(counterChanges, before.counters, after.counters)
        effect.referrerCounterChanges = try Self.changes(
            referrerCounterChanges, before.referrerCounters, after.referrerCounters)
        for index in spendings.indices {
            effect.restored.append(try after.restored[index].subtracting(before.restored[index]))
        }
        let lost = after.gone.subtracting(before.gone)
        effect.entitlements = entitlements.filter { lost.contains($0.line) }.map(\.entitlement)
        return effect
    }

    private static func changes(
        _ all: [CounterChange], _ before: [DecimalNumber], _ after: [DecimalNumber]
    ) throws(LoyaltyError) -> [CounterChange] {
        var result: [CounterChange] = []
        for (index, change) in all.enumerated() {
            let amount = try before[index].adding(after[index].negated())
            if !amount.isZero { result.append(CounterChange(key: change.key, amount: amount, lines: [])) }
        }
        return result
    }
}

extension ReturnEffect {
    fileprivate mutating func take(
        _ points: Points, _ qualifying: Points, _ line: String, _ grant: Grant
    ) throws(LoyaltyError) {
        let (change, counting) = (try points.negated(), try qualifying.negated())
        if grant.recipient == .member {
            self.points[grant.currency] = try (self.points[grant.currency] ?? .zero(decimals: points.decimals))
                .adding(points)
            let index = accruals.place(of: grant.currency, points.decimals)
            try accruals[index].add(change, counting, line)
        } else {
            let account = grant.account ?? ""
            var index = others.firstIndex {
                $0.recipient == grant.recipient && $0.account == account && $0.accrual.currency == grant.currency
            }
            if index == nil {
                let zero = Points.zero(decimals: points.decimals)
                let accrual = Accrual(currency: grant.currency, total: zero, qualifying: zero, lines: [])
                others.append(OtherAccrual(recipient: grant.recipient, account: account, accrual: accrual))
                index = others.count - 1
            }
            if let index { try others[index].accrual.add(change, counting, line) }
        }
    }
}

extension Array where Element == Accrual {
    fileprivate mutating func place(of currency: String, _ decimals: Int) -> Int {
        if let found = firstIndex(where: { $0.currency == currency }) { return found }
        let zero = Points.zero(decimals: decimals)
        append(Accrual(currency: currency, total: zero, qualifying: zero, lines: []))
        return count - 1
    }
}

extension Accrual {
    fileprivate mutating func add(_ points: Points, _ qualifying: Points, _ line: String) throws(LoyaltyError) {
        total = try total.adding(points)
        self.qualifying = try self.qualifying.adding(qualifying)
        if let index = lines.firstIndex(where: { $0.line == line }) {
            lines[index].points = try lines[index].points.adding(points)
        } else {
            lines.append(LineShare(line: line, points: points))
        }
    }
}
