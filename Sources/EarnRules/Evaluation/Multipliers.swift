import LoyaltyModel

/// The joined factor of one line: of all multipliers, and of those whose points count towards a tier.
struct LineFactor {
    var all: Ratio
    var qualifying: Ratio
}

extension Evaluation {
    /// Step 4 of the order of evaluation.
    mutating func multipliers(_ rules: [Rule], over rates: [RateResult]) throws(LoyaltyError) -> [LineFactor] {
        var candidates: [Candidate] = []
        for rule in rules { if let candidate = try candidate(rule) { candidates.append(candidate) } }
        let rules = candidates.map(\.rule)
        let groups = Stacking.groups(rules)
        var lost: [[Int: String]] = candidates.map { _ in [:] }
        var factors: [LineFactor] = []
        for line in basket.lines.indices {
            var standing = candidates.indices.filter { candidates[$0].excluded[line] == nil }
            for (stack, members) in groups {
                let inGroup = members.filter(standing.contains)
                guard let best = Stacking.best(inGroup, stack.mode, rules, { rules[$0].factor }) else { continue }
                for loser in inGroup where loser != best { lost[loser][line] = rules[best].id }
                standing.removeAll { $0 != best && inGroup.contains($0) }
            }
            let joined = try Self.joined(standing.map { rules[$0] })
            let qualifying = try Self.joined(standing.map { rules[$0] }.filter(\.isQualifying))
            factors.append(LineFactor(all: joined, qualifying: qualifying))
        }
        for (candidate, lost) in zip(candidates, lost) { try trace(candidate, lost, rates) }
        return factors
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
        _ candidate: Candidate,
        _ lost: [Int: String],
        _ rates: [RateResult]
    ) throws(LoyaltyError) {
        let rule = candidate.rule
        let gain = try rule.factor.subtracting(.one)
        var base = Ratio.zero
        var lines: [TraceStep.Line] = []
        for (index, line) in basket.lines.enumerated() where candidate.excluded[index] == nil {
            var ofLine = Ratio.zero
            for rate in rates { ofLine = try ofLine.adding(rate.points[index]) }
            guard !ofLine.isZero else { continue }
            let winner = lost[index]
            if winner == nil { base = try base.adding(ofLine) }
            lines.append(
                TraceStep.Line(
                    line: line.source.id,
                    basis: text(candidate.amounts[index]),
                    points: winner == nil ? try ofLine.multiplied(by: gain).pointsText : "0",
                    excluded: winner.map { "\"\($0)\" counts instead" }
                )
            )
        }
        guard !base.isZero else {
            let reason =
                lost.values.first.map { "\"\($0)\" of the same group counts instead" }
                ?? "there are no points to multiply"
            return trace(rule, matched: false, reason, nil, lines)
        }
        guard case .multiplier(let factor, _) = rule.effect else { return }
        let extra = try base.multiplied(by: gain).pointsText
        trace(rule, matched: true, "factor \(factor) on \(base.pointsText); by itself it adds \(extra)", extra, lines)
    }
}

extension Rule {
    /// Of a multiplier; one for other kinds.
    var factor: Ratio {
        guard case .multiplier(let factor, _) = effect else { return .one }
        return factor.ratio
    }
}
