import LoyaltyModel

extension Evaluation {
    /// Fixed points of one bonus, shared over the lines that it counts, in units of the currency.
    struct BonusResult {
        var isQualifying: Bool
        var shares: [Int128]
    }

    /// Step 5 of the order of evaluation.
    mutating func bonuses(_ rules: [Rule]) throws(LoyaltyError) -> [BonusResult] {
        var candidates: [Candidate] = []
        for rule in rules { if let candidate = try candidate(rule) { candidates.append(candidate) } }
        var displaced: [Int: String] = [:]
        let rules = candidates.map(\.rule)
        for (stack, members) in Stacking.groups(rules) {
            guard let best = Stacking.best(members, stack.mode, rules, { rules[$0].bonus.ratio }) else { continue }
            for index in members where index != best { displaced[index] = rules[best].id }
        }
        var results: [BonusResult] = []
        for (index, candidate) in candidates.enumerated() {
            if let winner = displaced[index] {
                trace(candidate.rule, matched: false, "\"\(winner)\" of the same group counts instead", nil, [])
                continue
            }
            let shares = try Apportionment.shares(of: Int128(candidate.rule.bonus.units), over: candidate.amounts)
            try trace(candidate, shares)
            results.append(BonusResult(isQualifying: candidate.rule.isQualifying, shares: shares))
        }
        return results
    }

    private mutating func trace(_ candidate: Candidate, _ shares: [Int128]) throws(LoyaltyError) {
        let rule = candidate.rule
        var reason = "\(rule.bonus) \(rule.currency)"
        if let minimum = rule.minimum {
            reason += " for at least \(minimum.amount)"
        } else {
            reason += " for this sale"
        }
        if case .bonus(_, let returns) = rule.effect, returns != .prorate {
            reason += "; \"\(returns.rawValue)\" is declared, returns are taken in proportion"
        }
        var lines: [TraceStep.Line] = []
        for (index, line) in basket.lines.enumerated() where candidate.excluded[index] == nil {
            lines.append(
                TraceStep.Line(
                    line: line.source.id,
                    basis: text(candidate.amounts[index]),
                    points: "\(try points(shares[index], rule.bonus.decimals))"
                )
            )
        }
        trace(rule, matched: true, reason + lotWords(rule), "\(rule.bonus)", lines)
    }
}

extension Rule {
    /// Of a bonus; zero for other kinds.
    var bonus: Points {
        guard case .bonus(let points, _) = effect else { return .zero(decimals: 0) }
        return points
    }
}
