import LoyaltyModel

/// The joined factor of one line: of all multipliers, and of those whose points count towards a tier.
struct LineFactor {
    var all = Ratio.one
    var qualifying = Ratio.one
}

/// What multipliers do to the lines of a sale.
struct Factors {
    /// One multiplier by itself.
    struct Part {
        let rule: Rule
        var amounts: [Int128]
        /// Exact points that it adds to each line, after caps; negative for a factor below one.
        var extra: [Ratio]
        var wanted: Ratio
    }

    var lines: [LineFactor]
    var parts: [Part] = []
}

extension Evaluation {
    /// Step 4 of the order of evaluation.
    mutating func multipliers(_ rules: [Rule], over rates: [RateResult]) throws(LoyaltyError) -> Factors {
        var candidates: [Candidate] = []
        for rule in rules { if let candidate = try candidate(rule) { candidates.append(candidate) } }
        var factors = Factors(lines: basket.lines.map { _ in LineFactor() })
        guard !candidates.isEmpty else { return factors }
        let rules = candidates.map(\.rule)
        let groups = Stacking.groups(rules)
        var lost: [[Int: String]] = candidates.map { _ in [:] }
        var standing: [[Int]] = []
        for line in basket.lines.indices {
            var here = candidates.indices.filter { candidates[$0].excluded[line] == nil }
            for (stack, members) in groups {
                let inGroup = members.filter(here.contains)
                guard let best = Stacking.best(inGroup, stack.mode, rules, { rules[$0].factor }) else { continue }
                for loser in inGroup where loser != best { lost[loser][line] = rules[best].id }
                here.removeAll { $0 != best && inGroup.contains($0) }
            }
            standing.append(here)
        }
        var base: [Ratio] = []
        for line in basket.lines.indices {
            var sum = Ratio.zero
            for rate in rates where !rate.points[line].isZero { sum = try sum.adding(rate.points[line]) }
            base.append(sum)
        }
        try join(&factors, candidates, standing, base)
        for (candidate, lost) in zip(candidates, lost) { try trace(candidate, lost, base, factors) }
        return factors
    }

    /// Joins the factors of each line rule by rule, each held to its caps.
    private func join(
        _ factors: inout Factors, _ candidates: [Candidate], _ standing: [[Int]], _ base: [Ratio]
    ) throws(LoyaltyError) {
        for (index, candidate) in candidates.enumerated() {
            let rule = candidate.rule
            var added: [(all: Ratio, qualifying: Ratio)] = []
            var part = Factors.Part(rule: rule, amounts: candidate.amounts, extra: [], wanted: .zero)
            for line in basket.lines.indices {
                let here = standing[line]
                guard let place = here.firstIndex(of: index), !base[line].isZero else {
                    part.amounts[line] = 0
                    part.extra.append(.zero)
                    added.append((.zero, .zero))
                    continue
                }
                let before = here[..<place].map { candidates[$0].rule }
                let gain = try Self.joined(before + [rule]).subtracting(Self.joined(before))
                var qualifying = Ratio.zero
                if rule.isQualifying {
                    let ofThem = before.filter(\.isQualifying)
                    qualifying = try Self.joined(ofThem + [rule]).subtracting(Self.joined(ofThem))
                }
                added.append((gain, qualifying))
                part.extra.append(try gain.multiplied(by: base[line]))
            }
            part.wanted = try part.extra.sum()
            let scales = try limit(part, factors, base)
            for line in basket.lines.indices where !part.extra[line].isZero {
                part.extra[line] = try part.extra[line].multiplied(by: scales[line])
                factors.lines[line].all = try factors.lines[line].all.adding(
                    added[line].all.multiplied(by: scales[line]))
                factors.lines[line].qualifying = try factors.lines[line].qualifying.adding(
                    added[line].qualifying.multiplied(by: scales[line]))
            }
            factors.parts.append(part)
        }
    }

    /// For each line the part of a multiplier that its caps leave, 0...1.
    private func limit(_ part: Factors.Part, _ factors: Factors, _ base: [Ratio]) throws(LoyaltyError) -> [Ratio] {
        var scales = [Ratio](repeating: .one, count: base.count)
        let book = counters(of: part.rule.recipient)
        for cap in part.rule.caps where Ratio.zero < part.wanted {
            let rest = try book.remaining(cap, of: part.rule.id).ratio
            switch cap.measure {
            case .points:
                let sum = try zipped(part.extra, scales).sum()
                if rest < sum { scales = try scaled(scales, rest.divided(by: sum)) }
            case .spend:
                let total = try Ratio(part.amounts.reduce(0, +), over: 1).multiplied(by: minorUnit)
                if rest < total { scales = try scaled(scales, rest.divided(by: total)) }
            case .pointsPerUnit:
                // With this multiplier a line stays within so many points for each unit of its money.
                for line in base.indices where Ratio.zero < part.extra[line] {
                    let most = try Ratio(part.amounts[line], over: 1).multiplied(by: minorUnit).multiplied(by: rest)
                    let room = try most.subtracting(base[line].multiplied(by: factors.lines[line].all))
                    let scale = try max(room, .zero).divided(by: part.extra[line])
                    scales[line] = min(scales[line], scale)
                }
            case .units, .times: break
            }
        }
        return scales
    }

    private func zipped(_ left: [Ratio], _ right: [Ratio]) throws(LoyaltyError) -> [Ratio] {
        var result: [Ratio] = []
        for (first, second) in zip(left, right) { result.append(try first.multiplied(by: second)) }
        return result
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
        _ candidate: Candidate, _ lost: [Int: String], _ base: [Ratio], _ factors: Factors
    ) throws(LoyaltyError) {
        let rule = candidate.rule
        let gain = try rule.factor.subtracting(.one)
        let part = factors.parts.first { $0.rule.id == rule.id }
        var sum = Ratio.zero
        var lines: [TraceStep.Line] = []
        for (index, line) in basket.lines.enumerated() where candidate.excluded[index] == nil {
            guard !base[index].isZero else { continue }
            let winner = lost[index]
            if winner == nil { sum = try sum.adding(base[index]) }
            lines.append(
                TraceStep.Line(
                    line: line.source.id, basis: text(candidate.amounts[index]),
                    points: winner == nil ? try base[index].multiplied(by: gain).pointsText : "0",
                    excluded: winner.map { "\"\($0)\" counts instead" }))
        }
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
