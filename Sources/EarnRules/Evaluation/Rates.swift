import LoyaltyModel

/// Exact points of one rate rule on each line, before multipliers.
struct RateResult {
    let rule: Rule
    var points: [Ratio]
}

extension Evaluation {
    /// Step 3 of the order of evaluation: base rules, and which of a stacking group counts on which line.
    mutating func rates(_ rules: [Rule]) throws(LoyaltyError) -> [RateResult] {
        var results: [RateResult] = []
        var candidates: [Candidate] = []
        for rule in rules {
            guard case .rate(let rate) = rule.effect, let candidate = try candidate(rule) else { continue }
            results.append(RateResult(rule: rule, points: try points(rate, candidate)))
            candidates.append(candidate)
        }
        let winners = stackWinners(results, candidates)
        for index in results.indices {
            for line in basket.lines.indices where candidates[index].excluded[line] == nil {
                guard let winner = winners[index][line] else { continue }
                results[index].points[line] = .zero
                candidates[index].excluded[line] = "\"\(winner)\" counts instead"
            }
            try trace(results[index], candidates[index])
        }
        return results
    }

    private func points(_ rate: Rule.Rate, _ candidate: Candidate) throws(LoyaltyError) -> [Ratio] {
        let perMinorUnit = try minorUnit.divided(by: rate.per.ratio)
        let points = rate.points.ratio
        var result: [Ratio] = []
        result.reserveCapacity(candidate.amounts.count)
        let scope = program.rounding.mode == .none ? .basket : program.rounding.scope
        switch (rate.step, scope) {
        case (.linear, _):
            let factor = try perMinorUnit.multiplied(by: points)
            for amount in candidate.amounts {
                result.append(amount == 0 ? .zero : try Ratio(amount, over: 1).multiplied(by: factor))
            }
        case (.whole, .line), (.whole, .unit):
            for (amount, line) in zip(candidate.amounts, basket.lines) {
                let count = scope == .unit ? line.quantity.pieces : 1
                let steps = try Ratio(amount, over: Int128(count)).multiplied(by: perMinorUnit).rounded(.floor)
                result.append(try Ratio(steps).multiplied(by: points).multiplied(by: Ratio(count)))
            }
        case (.whole, .rule), (.whole, .basket):
            let steps = try Ratio(candidate.total, over: 1).multiplied(by: perMinorUnit).rounded(.floor)
            let total = try Ratio(steps).multiplied(by: points)
            for amount in candidate.amounts {
                result.append(amount == 0 ? .zero : try total.multiplied(by: Ratio(amount, over: candidate.total)))
            }
        }
        return result
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
        var sum = Ratio.zero
        var lines: [TraceStep.Line] = []
        for (index, line) in basket.lines.enumerated() {
            sum = try sum.adding(result.points[index])
            let isOut = candidate.excluded[index] != nil
            lines.append(
                TraceStep.Line(
                    line: line.source.id,
                    basis: text(isOut ? line.net : candidate.amounts[index]),
                    points: result.points[index].pointsText,
                    excluded: candidate.excluded[index]
                )
            )
        }
        let counted = zip(candidate.amounts, candidate.excluded).reduce(Int128(0)) { $1.1 == nil ? $0 + $1.0 : $0 }
        var reason = "\(rate.points) per \(rate.per)"
        if rate.step == .whole { reason += ", whole steps only," }
        reason += " on \(text(counted)) gives \(sum.pointsText) \(result.rule.currency)"
        if candidate.excludedByTender > 0 {
            let kinds = result.rule.excludedTenders.map(\.rawValue).sorted().joined(separator: " or ")
            reason += "; \(text(candidate.excludedByTender)) of the basket was paid with \(kinds) and does not count"
        }
        reason += lotWords(result.rule)
        trace(result.rule, matched: !sum.isZero, reason, sum.pointsText, lines)
    }

    func lotWords(_ rule: Rule) -> String {
        guard let lots = rule.lots else { return "" }
        var words: [String] = []
        if let pending = lots.pending { words.append("pending for \(pending)") }
        if let after = lots.expiresAfter { words.append("expire after \(after)") }
        if let end = lots.expiresTo { words.append("at \(end.rawValue)") }
        return " (declared: " + words.joined(separator: ", ") + ")"
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
