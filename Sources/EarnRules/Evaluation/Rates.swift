import LoyaltyModel

/// Exact points of one rate rule on each line, before multipliers.
struct RateResult {
    let rule: Rule
    /// Money of each line that counted.
    var amounts: [Int128]
    var points: [Ratio]
    /// Before caps.
    var wanted: Ratio
    /// Units that counted, for caps on units.
    var units = Ratio.zero
}

extension Evaluation {
    /// Step 3 of the order of evaluation: base rules, and which of a stacking group counts on which line.
    mutating func rates(_ rules: [Rule]) throws(LoyaltyError) -> [RateResult] {
        var results: [RateResult] = []
        var candidates: [Candidate] = []
        for rule in rules {
            guard case .rate(let rate) = rule.effect, let candidate = try candidate(rule) else { continue }
            results.append(try result(rate, candidate))
            candidates.append(candidate)
        }
        let winners = stackWinners(results, candidates)
        for index in results.indices {
            for line in basket.lines.indices where candidates[index].excluded[line] == nil {
                guard let winner = winners[index][line] else { continue }
                results[index].points[line] = .zero
                results[index].amounts[line] = 0
                candidates[index].amounts[line] = 0
                candidates[index].excluded[line] = "\"\(winner)\" counts instead"
            }
            try limit(&results[index], candidates[index])
            try trace(results[index], candidates[index])
        }
        return results
    }

    private func result(_ rate: Rule.Rate, _ candidate: Candidate) throws(LoyaltyError) -> RateResult {
        var result = RateResult(rule: candidate.rule, amounts: candidate.amounts, points: [], wanted: .zero)
        switch rate.measure {
        case .amount(let per):
            result.points = try points(rate, per, candidate.amounts)
        case .units(let per, let unit):
            let units = try units(candidate.excluded, unit: unit)
            result.units = try units.sum()
            result.points = try points(rate, per, units, result.units)
        case .visit:
            result.points = try spread(rate.points.ratio, candidate)
        }
        return result
    }

    /// Shares points over the lines by their money; where nothing was paid, all to the first that counts.
    private func spread(_ points: Ratio, _ candidate: Candidate) throws(LoyaltyError) -> [Ratio] {
        var result = [Ratio](repeating: .zero, count: candidate.amounts.count)
        guard candidate.total > 0 else {
            if let first = candidate.excluded.firstIndex(of: nil) { result[first] = points }
            return result
        }
        for (index, amount) in candidate.amounts.enumerated() where amount > 0 {
            result[index] = try points.multiplied(by: Ratio(amount, over: candidate.total))
        }
        return result
    }

    private func points(
        _ rate: Rule.Rate, _ per: DecimalNumber, _ units: [Ratio], _ total: Ratio
    ) throws(LoyaltyError) -> [Ratio] {
        guard !total.isZero else { return units }
        let steps = try total.divided(by: per.ratio)
        let counted = rate.step == .whole ? try Ratio(steps.rounded(.floor)) : steps
        let perUnit = try counted.multiplied(by: rate.points.ratio).divided(by: total)
        var result: [Ratio] = []
        for part in units { result.append(part.isZero ? .zero : try part.multiplied(by: perUnit)) }
        return result
    }

    private func points(
        _ rate: Rule.Rate, _ per: DecimalNumber, _ amounts: [Int128]
    ) throws(LoyaltyError) -> [Ratio] {
        let perMinorUnit = try minorUnit.divided(by: per.ratio)
        let points = rate.points.ratio
        var result: [Ratio] = []
        result.reserveCapacity(amounts.count)
        let scope = program.rounding.mode == .none ? .basket : program.rounding.scope
        switch (rate.step, scope) {
        case (.linear, _):
            let factor = try perMinorUnit.multiplied(by: points)
            for amount in amounts {
                result.append(amount == 0 ? .zero : try Ratio(amount, over: 1).multiplied(by: factor))
            }
        case (.whole, .line), (.whole, .unit):
            for (amount, line) in zip(amounts, basket.lines) {
                let count = scope == .unit ? line.quantity.pieces : 1
                let steps = try Ratio(amount, over: Int128(count)).multiplied(by: perMinorUnit).rounded(.floor)
                result.append(try Ratio(steps).multiplied(by: points).multiplied(by: Ratio(count)))
            }
        case (.whole, .rule), (.whole, .basket):
            let total = amounts.reduce(0, +)
            let steps = try Ratio(total, over: 1).multiplied(by: perMinorUnit).rounded(.floor)
            let sum = try Ratio(steps).multiplied(by: points)
            for amount in amounts {
                result.append(amount == 0 ? .zero : try sum.multiplied(by: Ratio(amount, over: total)))
            }
        }
        return result
    }

    /// Holds a rate to its caps, before rounding.
    private mutating func limit(_ result: inout RateResult, _ candidate: Candidate) throws(LoyaltyError) {
        result.wanted = try result.points.sum()
        if isCoarse { result.points = try Fractions.coarse(result.points) }
        guard !candidate.rule.caps.isEmpty, case .rate(let rate) = candidate.rule.effect else { return }
        let book = counters(of: candidate.rule.recipient)
        for cap in candidate.rule.caps {
            let rest = try book.remaining(cap, of: candidate.rule.id).ratio
            switch cap.measure {
            case .spend:
                let total = result.amounts.reduce(0, +)
                let most = Int128(try rest.divided(by: minorUnit).rounded(.floor))
                guard most < total else { continue }
                result.amounts = try Apportionment.shares(of: most, over: result.amounts)
                if case .amount(let per) = rate.measure {
                    result.points = try points(rate, per, result.amounts)
                    if isCoarse { result.points = try Fractions.coarse(result.points) }
                } else {
                    result.points = try scaled(result.points, Ratio(most, over: total))
                }
            case .units:
                guard rest < result.units else { continue }
                result.points = try scaled(result.points, rest.divided(by: result.units))
                result.units = rest
            case .points:
                let sum = try result.points.sum()
                if rest < sum { result.points = try scaled(result.points, rest.divided(by: sum)) }
            case .pointsPerUnit:
                for (line, amount) in result.amounts.enumerated() {
                    let most = try Ratio(amount, over: 1).multiplied(by: minorUnit).multiplied(by: rest)
                    result.points[line] = min(result.points[line], most)
                }
            case .times: break
            }
        }
    }

    func scaled(_ values: [Ratio], _ factor: Ratio) throws(LoyaltyError) -> [Ratio] {
        var result: [Ratio] = []
        for value in values { result.append(value.isZero ? .zero : try value.multiplied(by: factor)) }
        return isCoarse ? try Fractions.coarse(result) : result
    }

    /// For each result and line the id of the rule that displaces it there.
    private func stackWinners(_ results: [RateResult], _ candidates: [Candidate]) -> [[String?]] {
        var winners = results.map { [String?](repeating: nil, count: $0.points.count) }
        for (group, members) in Stacking.groups(results.map(\.rule)) {
            for line in basket.lines.indices {
                let standing = members.filter { candidates[$0].excluded[line] == nil }
                guard let best = Stacking.best(standing, group.mode, results.map(\.rule), { results[$0].points[line] })
                else { continue }
                for index in standing where index != best { winners[index][line] = results[best].rule.id }
            }
        }
        return winners
    }

    private mutating func trace(_ result: RateResult, _ candidate: Candidate) throws(LoyaltyError) {
        guard case .rate(let rate) = result.rule.effect else { return }
        var lines: [TraceStep.Line] = []
        for (index, line) in basket.lines.enumerated() {
            let isOut = candidate.excluded[index] != nil
            lines.append(
                TraceStep.Line(
                    line: line.source.id, basis: text(isOut ? line.net : candidate.amounts[index]),
                    points: result.points[index].pointsText, excluded: candidate.excluded[index]))
        }
        let counted = zip(candidate.amounts, candidate.excluded).reduce(Int128(0)) { $1.1 == nil ? $0 + $1.0 : $0 }
        let sum = try result.points.sum()
        var reason = rate.words
        switch rate.measure {
        case .amount: reason += " on \(text(counted))"
        case .units: reason += " on \(try units(candidate.excluded, unit: nil).sum().pointsText) units"
        case .visit: break
        }
        reason += " gives \(result.wanted.pointsText) \(result.rule.currency)"
        if sum < result.wanted { reason += ", limited to \(sum.pointsText)" }
        if candidate.excludedByTender > 0 {
            reason +=
                "; \(text(candidate.excludedByTender)) of the basket was paid with \(result.rule.tenders.words) and does not count"
        }
        reason += lotWords(result.rule)
        trace(
            result.rule, matched: !sum.isZero, reason, sum.pointsText, lines,
            wanted: sum < result.wanted ? result.wanted.pointsText : nil)
    }

    func lotWords(_ rule: Rule) -> String {
        guard let words = rule.lots?.words, !words.isEmpty else { return "" }
        return " (\(words))"
    }
}

extension Rule.Rate {
    fileprivate var words: String {
        switch measure {
        case .amount(let per): "\(points) per \(per)\(step == .whole ? ", whole steps only," : "")"
        case .units(let per, let unit): "\(points) per \(per) \(unit ?? (per == .one ? "unit" : "units"))"
        case .visit: "\(points) per visit"
        }
    }
}

/// Which rules of a stacking group count.
enum Stacking {
    /// The groups in which not every member counts, with the positions of their members.
    static func groups(_ rules: [Rule]) -> [(stack: Stack, members: [Int])] {
        var groups: [(stack: Stack, members: [Int])] = []
        for (index, rule) in rules.enumerated() {
            guard let stack = rule.stack, stack.mode != .add else { continue }
            if let found = groups.firstIndex(where: { $0.stack.group == stack.group }) {
                groups[found].members.append(index)
            } else {
                groups.append((stack, [index]))
            }
        }
        return groups
    }

    /// The winner among members; of equal ones the earlier.
    static func best(
        _ members: [Int],
        _ mode: Stack.Mode,
        _ rules: [Rule],
        _ value: (Int) -> Ratio
    ) -> Int? {
        var best: Int?
        for index in members {
            guard let champion = best else {
                best = index
                continue
            }
            let isBetter: Bool
            switch mode {
            case .add: isBetter = false
            case .bestOf: isBetter = value(champion) < value(index)
            case .exclusive: isBetter = (rules[champion].stack?.priority ?? 0) < (rules[index].stack?.priority ?? 0)
            }
            if isBetter { best = index }
        }
        return best
    }
}
