import LoyaltyModel

/// A part of a line that was paid so that the same multipliers count it.
///
/// It holds the points of each rate, not its share of the line's points: what was paid is the same for all lines, where a
/// share would give each line a denominator of its own, and long sales sums that nothing can hold.
struct PaidPart {
    /// Positions of the multipliers that count it.
    var standing: [Int]
    /// Exact points of each rate, before multipliers.
    let base: [Ratio]
    /// Their sum.
    let sum: Ratio
    /// The sum with the multipliers so far.
    var reached: Ratio

    init(standing: [Int], base: [Ratio]) throws(LoyaltyError) {
        (self.standing, self.base) = (standing, base)
        sum = try base.sum()
        reached = sum
    }
}

/// What rates come to with their multipliers.
struct Multiplied {
    /// One multiplier by itself.
    struct Part {
        let rule: Rule
        var amounts: [Int128]
        /// Exact points that it adds to each line, after caps; negative for a factor below one.
        var extra: [Ratio]
        var wanted: Ratio
    }

    /// Exact points of each rate on each line: with all multipliers, and with those whose points count towards a tier.
    var points: [[Ratio]]
    var qualifying: [[Ratio]]
    var parts: [Part] = []

    init(_ rates: [RateResult]) {
        points = rates.map(\.points)
        qualifying = points
    }
}

/// What a multiplier adds to the points of one rate in one part of a line.
private struct Gain {
    let part: Int
    let rate: Int
    var points: Ratio
    var qualifying: Ratio
}

extension Evaluation {
    /// Step 4 of the order of evaluation.
    ///
    /// - Parameter rates: rounded where the program rounds before it multiplies, and something does.
    mutating func multipliers(
        _ rules: [Rule], over rates: inout [RateResult], _ booking: Booking
    ) throws(LoyaltyError) -> Multiplied {
        var candidates: [Candidate] = []
        for rule in rules { if let candidate = try candidate(rule) { candidates.append(candidate) } }
        guard !candidates.isEmpty else { return Multiplied(rates) }
        if let rounded = try booking.beforeMultipliers(rates.map(\.points)) {
            for (index, row) in rounded.enumerated() { rates[index].points = row }
        }
        let rules = candidates.map(\.rule)
        var parts = try paidParts(candidates, rates)
        let groups = Stacking.groups(rules)
        var lost: [[Int: String]] = candidates.map { _ in [:] }
        for line in parts.indices {
            for (stack, members) in groups {
                var winners: Set<Int> = []
                var losers: [Int: String] = [:]
                for index in parts[line].indices {
                    let inGroup = members.filter(parts[line][index].standing.contains)
                    guard let best = Stacking.best(inGroup, stack.mode, rules, { rules[$0].factor }) else { continue }
                    winners.insert(best)
                    for loser in inGroup where loser != best { losers[loser] = rules[best].id }
                    parts[line][index].standing.removeAll { $0 != best && inGroup.contains($0) }
                }
                for (loser, winner) in losers where !winners.contains(loser) { lost[loser][line] = winner }
            }
        }
        let multiplied = try join(candidates, rates, &parts)
        for (index, candidate) in candidates.enumerated() {
            var own: [Ratio] = []
            for line in parts { own.append(try line.filter { $0.standing.contains(index) }.map(\.sum).sum()) }
            try trace(candidate, lost[index], own, multiplied)
        }
        return multiplied
    }

    /// For each line the parts that different multipliers stand for, as each may count other means of payment. A rate
    /// that counts only some of these has its points in the parts that were paid so.
    private func paidParts(
        _ candidates: [Candidate], _ rates: [RateResult]
    ) throws(LoyaltyError) -> [[PaidPart]] {
        let payments = try basket.payments()
        let isSplit = candidates.contains { !$0.rule.tenders.isEmpty } && !payments.isEmpty
        let counted = candidates.map { basket.counted($0.rule.tenders, payments) }
        // For each rate what each payment paid of the money that it counts.
        let weights = rates.map { rate in
            zip(payments, basket.counted(rate.rule.tenders, payments)).map { $1 ? $0.amount : 0 }
        }
        var result: [[PaidPart]] = []
        for line in basket.lines.indices {
            let here = candidates.indices.filter { candidates[$0].excluded[line] == nil }
            let points = rates.map { $0.points[line] }
            guard isSplit, points.contains(where: { !$0.isZero }) else {
                result.append([try PaidPart(standing: here, base: points)])
                continue
            }
            var groups: [(standing: [Int], payments: [Int])] = []
            for payment in payments.indices {
                let standing = here.filter { counted[$0][payment] }
                if let known = groups.firstIndex(where: { $0.standing == standing }) {
                    groups[known].payments.append(payment)
                } else {
                    groups.append((standing, [payment]))
                }
            }
            var bases = groups.map { _ in [Ratio]() }
            for (rate, value) in points.enumerated() {
                let paid = groups.map { $0.payments.reduce(0) { $0 + weights[rate][$1] } }
                for (group, share) in try shares(of: value, over: paid).enumerated() { bases[group].append(share) }
            }
            var parts: [PaidPart] = []
            for (group, base) in zip(groups, bases) {
                parts.append(try PaidPart(standing: group.standing, base: base))
            }
            result.append(parts)
        }
        return result
    }

    private func shares(of value: Ratio, over weights: [Int128]) throws(LoyaltyError) -> [Ratio] {
        if isCoarse { return try Fractions.coarse(value, over: weights) }
        let sum = weights.reduce(0, +)
        var shares: [Ratio] = []
        for weight in weights {
            shares.append(weight == 0 ? .zero : try value.multiplied(by: Ratio(weight, over: sum)))
        }
        return shares
    }

    /// Joins the multipliers of each part rule by rule, each held to its caps.
    private func join(
        _ candidates: [Candidate], _ rates: [RateResult], _ parts: inout [[PaidPart]]
    ) throws(LoyaltyError) -> Multiplied {
        var multiplied = Multiplied(rates)
        let rules = candidates.map(\.rule)
        for (index, candidate) in candidates.enumerated() {
            let rule = candidate.rule
            var part = Multiplied.Part(rule: rule, amounts: candidate.amounts, extra: [], wanted: .zero)
            var gains: [[Gain]] = []
            for line in basket.lines.indices {
                let own = try self.gains(of: index, rules, rates, parts[line])
                if own.isEmpty { part.amounts[line] = 0 }
                gains.append(own)
            }
            try hold(&gains)
            part.wanted = try gains.flatMap { $0.map(\.points) }.sum()
            try limit(part, &gains, parts, index)
            for (line, gains) in gains.enumerated() {
                part.extra.append(try gains.map(\.points).sum())
                for gain in gains where !gain.points.isZero || !gain.qualifying.isZero {
                    let reached = parts[line][gain.part].reached
                    parts[line][gain.part].reached = try [reached, gain.points].sum()
                    multiplied.points[gain.rate][line] = try [multiplied.points[gain.rate][line], gain.points].sum()
                    multiplied.qualifying[gain.rate][line] = try [
                        multiplied.qualifying[gain.rate][line], gain.qualifying,
                    ].sum()
                }
            }
            multiplied.parts.append(part)
        }
        return multiplied
    }

    /// What a multiplier adds to one line, before its caps.
    private func gains(
        of index: Int, _ rules: [Rule], _ rates: [RateResult], _ parts: [PaidPart]
    ) throws(LoyaltyError) -> [Gain] {
        let rule = rules[index]
        var gains: [Gain] = []
        for (position, part) in parts.enumerated() where !part.sum.isZero {
            guard let place = part.standing.firstIndex(of: index) else { continue }
            let before = part.standing[..<place].map { rules[$0] }
            let factor = try Self.joined(before + [rule]).subtracting(Self.joined(before))
            let counting = before.filter(\.isQualifying)
            let ofThem =
                rule.isQualifying
                ? try Self.joined(counting + [rule]).subtracting(Self.joined(counting)) : .zero
            for (rate, base) in part.base.enumerated() where !base.isZero {
                gains.append(
                    Gain(
                        part: position, rate: rate, points: try base.multiplied(by: factor),
                        qualifying: rates[rate].rule.isQualifying ? try base.multiplied(by: ofThem) : .zero))
            }
        }
        return gains
    }

    /// Holds what a multiplier adds to what its caps leave.
    private func limit(
        _ part: Multiplied.Part, _ gains: inout [[Gain]], _ parts: [[PaidPart]], _ index: Int
    ) throws(LoyaltyError) {
        let book = counters(of: part.rule.recipient)
        for cap in part.rule.caps where Ratio.zero < part.wanted {
            let rest = try book.remaining(cap, of: part.rule.id).ratio
            switch cap.measure {
            case .points:
                let sum = try gains.flatMap { $0.map(\.points) }.sum()
                if rest < sum { try scale(&gains, by: rest.divided(by: sum)) }
            case .spend:
                let total = try Ratio(part.amounts.reduce(0, +), over: 1).multiplied(by: minorUnit)
                if rest < total { try scale(&gains, by: rest.divided(by: total)) }
            case .pointsPerUnit:
                // With this multiplier what it multiplies stays within so many points for each unit of its money.
                for line in gains.indices where !gains[line].isEmpty {
                    let most = try Ratio(part.amounts[line], over: 1).multiplied(by: minorUnit).multiplied(by: rest)
                    let reached = try parts[line].filter { $0.standing.contains(index) }.map(\.reached).sum()
                    try hold(&gains[line], to: max(most.subtracting(reached), .zero))
                }
            case .units, .times: break
            }
            try hold(&gains)
        }
    }

    /// Holds gains to the billionth where they are not exact.
    private func hold(_ gains: inout [[Gain]]) throws(LoyaltyError) {
        guard isCoarse else { return }
        let points = try Fractions.coarse(gains.flatMap { $0.map(\.points) })
        let qualifying = try Fractions.coarse(gains.flatMap { $0.map(\.qualifying) })
        var position = 0
        for line in gains.indices {
            for index in gains[line].indices {
                (gains[line][index].points, gains[line][index].qualifying) = (points[position], qualifying[position])
                position += 1
            }
        }
    }

    private func scale(_ gains: inout [[Gain]], by factor: Ratio) throws(LoyaltyError) {
        for line in gains.indices {
            for index in gains[line].indices {
                gains[line][index].points = try gains[line][index].points.multiplied(by: factor)
                gains[line][index].qualifying = try gains[line][index].qualifying.multiplied(by: factor)
            }
        }
    }

    /// Leaves no more than `most` in all, the points of the first rates first: in proportion each line would get a
    /// denominator of its own.
    private func hold(_ gains: inout [Gain], to most: Ratio) throws(LoyaltyError) {
        var left = most
        for index in gains.indices where Ratio.zero < gains[index].points {
            let wanted = gains[index].points
            let kept = min(wanted, left)
            left = try left.subtracting(kept)
            guard kept < wanted else { continue }
            gains[index].points = kept
            gains[index].qualifying = try gains[index].qualifying.divided(by: wanted).multiplied(by: kept)
        }
    }

    /// Joins factors as they declare: those that add, those that multiply, and the best of the rest against both.
    static func joined(_ rules: [Rule]) throws(LoyaltyError) -> Ratio {
        var added = Ratio.one
        var product = Ratio.one
        var best: Ratio?
        var hasOthers = false
        for rule in rules {
            guard case .multiplier(let factor, let combine) = rule.effect else { continue }
            switch combine {
            case .addBonus:
                added = try added.adding(factor.ratio.subtracting(.one))
                hasOthers = true
            case .multiply:
                product = try product.multiplied(by: factor.ratio)
                hasOthers = true
            case .bestOf: best = max(best ?? factor.ratio, factor.ratio)
            }
        }
        // Several factors below one may add up to less than nothing.
        let others = try max(added, .zero).multiplied(by: product)
        guard let best else { return others }
        return hasOthers ? max(best, others) : best
    }

    private mutating func trace(
        _ candidate: Candidate, _ lost: [Int: String], _ base: [Ratio], _ multiplied: Multiplied
    ) throws(LoyaltyError) {
        let rule = candidate.rule
        let gain = try rule.factor.subtracting(.one)
        let part = multiplied.parts.first { $0.rule.id == rule.id }
        var counted: [Ratio] = []
        var lines: [TraceStep.Line] = []
        for (index, line) in basket.lines.enumerated() where candidate.excluded[index] == nil {
            guard !base[index].isZero else { continue }
            let winner = lost[index]
            if winner == nil { counted.append(base[index]) }
            lines.append(
                TraceStep.Line(
                    line: line.source.id, basis: text(candidate.amounts[index]),
                    points: winner == nil ? try base[index].multiplied(by: gain).pointsText : "0",
                    excluded: winner.map { "\"\($0)\" counts instead" }))
        }
        let sum = try counted.sum()
        guard !sum.isZero else {
            let reason =
                lost.values.first.map { "\"\($0)\" of the same group counts instead" }
                ?? "there are no points to multiply"
            return trace(rule, matched: false, reason, nil, lines)
        }
        guard case .multiplier(let factor, _) = rule.effect else { return }
        let extra = try sum.multiplied(by: gain)
        var reason = "factor \(factor) on \(sum.pointsText); by itself it adds \(extra.pointsText)"
        let granted = try part?.extra.sum() ?? extra
        let isLimited = part.map { granted < $0.wanted } ?? false
        if isLimited { reason += ", limited to \(granted.pointsText)" }
        trace(
            rule, matched: true, reason, isLimited ? granted.pointsText : extra.pointsText, lines,
            wanted: isLimited ? part?.wanted.pointsText : nil)
    }
}

extension Rule {
    /// Of a multiplier; one for other kinds.
    var factor: Ratio {
        guard case .multiplier(let factor, _) = effect else { return .one }
        return factor.ratio
    }
}
