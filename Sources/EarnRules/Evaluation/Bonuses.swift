import LoyaltyModel

extension Evaluation {
    /// Step 5 of the order of evaluation: fixed points, shared over the lines that count.
    mutating func bonuses(_ rules: [Rule]) throws(LoyaltyError) -> [Contribution] {
        var candidates: [Candidate] = []
        for rule in rules {
            guard var candidate = try candidate(rule), case .bonus(let bonus) = rule.effect else { continue }
            if !bonus.repeats { candidate.times = 1 }
            candidates.append(candidate)
        }
        var displaced: [Int: String] = [:]
        let rules = candidates.map(\.rule)
        var values: [Ratio] = []
        for candidate in candidates {
            values.append(try candidate.rule.bonus.ratio.multiplied(by: Ratio(candidate.times)))
        }
        for (stack, members) in Stacking.groups(rules) {
            guard let best = Stacking.best(members, stack.mode, rules, { values[$0] }) else { continue }
            for index in members where index != best { displaced[index] = rules[best].id }
        }
        var results: [Contribution] = []
        for (index, candidate) in candidates.enumerated() {
            if let winner = displaced[index] {
                trace(candidate.rule, matched: false, "\"\(winner)\" of the same group counts instead", nil, [])
                continue
            }
            let result = try contribution(candidate)
            try trace(candidate, result)
            results.append(result)
        }
        return results
    }

    /// The bonus as often as its threshold is reached and its caps allow.
    private func contribution(_ candidate: Candidate) throws(LoyaltyError) -> Contribution {
        let rule = candidate.rule
        let unit = Int128(rule.bonus.units)
        var times = Int128(candidate.times)
        let wanted = try product(unit, times)
        let book = counters(of: rule.recipient)
        var most = wanted
        for cap in rule.caps {
            let rest = try book.remaining(cap, of: rule.id)
            switch cap.measure {
            case .times: times = min(times, Int128(try rest.ratio.rounded(.floor)))
            case .points: most = min(most, Int128(try rest.ratio.rounded(.floor, scale: rule.bonus.decimals)))
            case .spend, .units, .pointsPerUnit: break
            }
        }
        let granted = min(try product(unit, times), most)
        let weights = candidate.total > 0 ? candidate.amounts : candidate.excluded.map { $0 == nil ? 1 : 0 }
        return Contribution(
            rule: rule, units: try Apportionment.shares(of: granted, over: weights), amounts: candidate.amounts,
            wanted: Points(units: Int64(clamping: wanted), decimals: rule.bonus.decimals).ratio,
            times: Int64(clamping: times),
            condition: candidate.condition)
    }

    private func product(_ first: Int128, _ second: Int128) throws(LoyaltyError) -> Int128 {
        let (product, high) = first.multipliedReportingOverflow(by: second)
        guard !high else { throw Apportionment.overflow }
        return product
    }

    private mutating func trace(_ candidate: Candidate, _ result: Contribution) throws(LoyaltyError) {
        let rule = candidate.rule
        var reason = "\(rule.bonus) \(rule.currency)"
        if candidate.times > 1 { reason += " \(candidate.times) times" }
        if let least = rule.threshold?.amountAtLeast {
            reason += candidate.times > 1 ? ", for each \(least)" : " for at least \(least)"
        } else if input.event == Rule.saleEvent {
            reason += " for this sale"
        } else {
            reason += " for \(input.event)"
        }
        let granted = try points(result.sum, rule.bonus.decimals)
        let isLimited = granted.ratio < result.wanted
        if isLimited { reason += ", limited to \(granted)" }
        var lines: [TraceStep.Line] = []
        for (index, line) in basket.lines.enumerated() where candidate.excluded[index] == nil {
            lines.append(
                TraceStep.Line(
                    line: line.source.id, basis: text(candidate.amounts[index]),
                    points: "\(try points(result.units[index], rule.bonus.decimals))"))
        }
        trace(
            rule, matched: !granted.isZero || rule.bonus.isZero, reason + lotWords(rule), "\(granted)", lines,
            wanted: isLimited ? result.wanted.pointsText : nil)
    }
}

extension Rule {
    /// Of a bonus; zero for other kinds.
    var bonus: Points {
        guard case .bonus(let bonus) = effect else { return .zero(decimals: 0) }
        return bonus.points
    }
}
