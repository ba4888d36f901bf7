import LoyaltyModel

/// The joined factor of one line: of all multipliers, and of those whose points count towards a tier.
struct LineFactor {
    var all = Ratio.one
    var qualifying = Ratio.one
}

/// A part of a line that was paid so that the same multipliers count it.
struct PaidPart {
    /// Positions of the multipliers that count it.
    var standing: [Int]
    /// Part of the line's points, 0...1, of all and of those that count towards a tier.
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
        var base: [Ratio] = []
        for line in basket.lines.indices {
            var sum = Ratio.zero
            for rate in rates where !rate.points[line].isZero { sum = try sum.adding(rate.points[line]) }
            base.append(sum)
        }
        var parts = try paidParts(candidates, rates, base)
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
        try join(&factors, candidates, parts, base)
        for (index, candidate) in candidates.enumerated() {
            var own: [Ratio] = []
            for line in base.indices { own.append(try base[line].multiplied(by: parts[line].share(of: index))) }
            try trace(candidate, lost[index], own, factors)
        }
        return factors
    }

    /// For each line the parts that different multipliers stand for, as each may count other means of payment. A rate
    /// that counts only some of these has its points in the parts that were paid so.
    private func paidParts(
        _ candidates: [Candidate], _ rates: [RateResult], _ base: [Ratio]
    ) throws(LoyaltyError) -> [[PaidPart]] {
        let here = basket.lines.indices.map { line in candidates.indices.filter { candidates[$0].excluded[line] == nil }
        }
        let whole = here.map { [PaidPart(standing: $0)] }
        let payments = basket.payments
        guard candidates.contains(where: { !$0.rule.tenders.isEmpty }), !payments.isEmpty else { return whole }
        let counted = candidates.map { basket.counted($0.rule.tenders, payments) }
        let ofRates = rates.map { basket.counted($0.rule.tenders, payments) }
        var result: [[PaidPart]] = []
        for line in base.indices {
            guard !base[line].isZero else {
                result.append(whole[line])
                continue
            }
            var parts: [PaidPart] = []
            for payment in payments.indices {
                var (all, qualifying) = (Ratio.zero, Ratio.zero)
                for (rate, mask) in zip(rates, ofRates) where mask[payment] && !rate.points[line].isZero {
                    let paid = zip(payments, mask).reduce(0) { $0 + ($1.1 ? $1.0.amount : 0) }
                    let points = try rate.points[line].multiplied(by: Ratio(payments[payment].amount, over: paid))
                    all = try all.adding(points)
                    if rate.rule.isQualifying { qualifying = try qualifying.adding(points) }
                }
                let standing = here[line].filter { counted[$0][payment] }
                if let known = parts.firstIndex(where: { $0.standing == standing }) {
                    parts[known].all = try parts[known].all.adding(all)
                    parts[known].qualifying = try parts[known].qualifying.adding(qualifying)
                } else {
                    parts.append(PaidPart(standing: standing, all: all, qualifying: qualifying))
                }
            }
            // From points to parts of the line's points.
            let sum = try parts.map(\.all).sum()
            let ofThem = try parts.map(\.qualifying).sum()
            for index in parts.indices {
                parts[index].all = sum.isZero ? .zero : try parts[index].all.divided(by: sum)
                parts[index].qualifying = ofThem.isZero ? .zero : try parts[index].qualifying.divided(by: ofThem)
            }
            result.append(parts)
        }
        return result
    }

    /// Joins the factors of each line rule by rule, each held to its caps.
    private func join(
        _ factors: inout Factors, _ candidates: [Candidate], _ parts: [[PaidPart]], _ base: [Ratio]
    ) throws(LoyaltyError) {
        for (index, candidate) in candidates.enumerated() {
            let rule = candidate.rule
            var added: [(all: Ratio, qualifying: Ratio)] = []
            var part = Factors.Part(rule: rule, amounts: candidate.amounts, extra: [], wanted: .zero)
            for line in basket.lines.indices {
                var (gain, qualifying) = (Ratio.zero, Ratio.zero)
                var stands = false
                for paid in parts[line] where !base[line].isZero {
                    guard let place = paid.standing.firstIndex(of: index) else { continue }
                    stands = true
                    let before = paid.standing[..<place].map { candidates[$0].rule }
                    let here = try Self.joined(before + [rule]).subtracting(Self.joined(before))
                    gain = try gain.adding(here.multiplied(by: paid.all))
                    guard rule.isQualifying else { continue }
                    let ofThem = before.filter(\.isQualifying)
                    let counts = try Self.joined(ofThem + [rule]).subtracting(Self.joined(ofThem))
                    qualifying = try qualifying.adding(counts.multiplied(by: paid.qualifying))
                }
                if !stands { part.amounts[line] = 0 }
                added.append((gain, qualifying))
                part.extra.append(try gain.multiplied(by: base[line]))
            }
            part.wanted = try part.extra.sum()
            var own: [Ratio] = []
            for line in base.indices { own.append(try base[line].multiplied(by: parts[line].share(of: index))) }
            let scales = try limit(part, factors, own)
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
    ///
    /// - Parameter base: the points of each line that it multiplies.
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

extension [PaidPart] {
    /// The part of a line's points that a multiplier multiplies.
    fileprivate func share(of index: Int) throws(LoyaltyError) -> Ratio {
        if count == 1 { return self[0].standing.contains(index) ? self[0].all : .zero }
        var sum = Ratio.zero
        for part in self where part.standing.contains(index) { sum = try sum.adding(part.all) }
        return sum
    }
}

extension Rule {
    /// Of a multiplier; one for other kinds.
    var factor: Ratio {
        guard case .multiplier(let factor, _) = effect else { return .one }
        return factor.ratio
    }
}
