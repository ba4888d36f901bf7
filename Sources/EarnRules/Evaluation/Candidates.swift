import LoyaltyModel

extension Evaluation {
    /// The lines that a rule counts, once all of its conditions hold.
    struct Candidate {
        let rule: Rule
        /// In minor units; zero for lines that do not count.
        var amounts: [Int128]
        /// For each line why it does not count; nil where it does.
        var excluded: [String?]
        /// Part of the basket paid with tenders that do not count.
        var excludedByTender: Int128
        var total: Int128
        /// How often the threshold is reached, for what repeats.
        var times: Int64 = 1
        /// What must be left for a bonus that is revoked.
        var condition: Grant.Condition?
    }

    /// The candidate, or nil after a trace step that says why the rule does not match.
    mutating func candidate(_ rule: Rule) throws(LoyaltyError) -> Candidate? {
        if let reason = try mismatch(rule) { return reject(rule, reason) }
        if let concerned, !concerned.contains(rule.id) { return reject(rule, Self.noLine) }
        let excluded = exclusions(rule)
        guard excluded.contains(where: { $0 == nil }) else { return reject(rule, Self.noLine, excluded) }
        let counted = try amounts(rule.basis, rule.tenders, excluded)
        let needsMoney =
            input.event == Rule.saleEvent
            && !zip(basket.lines, excluded).contains {
                $0.isQuantityOnly && $1 == nil
            }
        guard counted.total > 0 || !needsMoney else {
            return reject(rule, "nothing that counts was paid for the lines of this rule", excluded)
        }
        var candidate = Candidate(
            rule: rule, amounts: counted.amounts, excluded: excluded, excludedByTender: counted.excludedByTender,
            total: counted.total)
        if let reason = try check(rule.threshold, &candidate) { return reject(rule, reason) }
        if let reason = try exhausted(rule) { return reject(rule, reason) }
        return candidate
    }

    /// For each line why the rule does not count it; nil where it does.
    func exclusions(_ rule: Rule) -> [String?] {
        basket.lines.map { line -> String? in
            if let reason = line.excluded, !(line.isQuantityOnly && rule.countsUnits) { return reason }
            if let match = rule.match, !match.matchesAll(line) { return "not what the rule is for" }
            return rule.exclude.exclusion(of: line)
        }
    }

    /// Why the rule does not hold for the sale, its lines and its threshold aside; nil where it does.
    func mismatch(_ rule: Rule) throws(LoyaltyError) -> String? {
        if rule.event != input.event {
            return rule.event == Rule.saleEvent ? "it is for sales" : "it is for the event \(rule.event)"
        }
        if case .periodBonus(_, let per) = rule.effect { return "it is given at the end of a \(per.words)" }
        if let money = program.currencyTerms[rule.currency]?.money, money != input.sale.currency {
            return "\(rule.currency) are \(money); the sale is in \(input.sale.currency)"
        }
        if isRedeeming, program.redemption.earning == .blocked { return "points are spent in this sale" }
        if let reason = rule.places.mismatch(
            store: input.sale.store, register: input.sale.register, channel: input.sale.channel)
        {
            return reason
        }
        if let reason = rule.window?.mismatch(at: input.occurredAt, zone: program.zone) { return reason }
        if let reason = try rule.member?.mismatch(view, book, program.counters) { return reason }
        guard let day = rule.memberDay else { return nil }
        guard input.member != nil else { return "no member is known for this sale" }
        return input.state.chosenDays[day]?.contains(input.businessDay) ?? false
            ? nil : "\(input.businessDay) is not a day that the member chose"
    }

    /// Why the sale is not what the rule needs; notes how often the threshold is reached.
    private mutating func check(_ threshold: Threshold?, _ candidate: inout Candidate) throws(LoyaltyError) -> String? {
        guard let threshold else { return nil }
        if let redeeming = threshold.redeeming, redeeming != isRedeeming {
            return redeeming ? "no points are spent in this sale" : "points are spent in this sale"
        }
        let lines = threshold.of == .matched ? candidate.excluded : basket.lines.map(\.excluded)
        let words = threshold.of == .matched ? "the lines that count come" : "the basket comes"
        let (counted, _, reached) = try amounts(threshold.basis, candidate.rule.tenders, lines)
        let money = try Ratio(reached, over: 1).multiplied(by: minorUnit)
        var times = Int64.max
        if let least = threshold.amountAtLeast {
            if money < least.ratio { return "\(words) to \(text(reached)); \(least) is needed" }
            if !least.isZero { times = try money.divided(by: least.ratio).rounded(.floor) }
        }
        if let below = threshold.amountBelow, below.ratio <= money {
            return "\(words) to \(text(reached)); it is for less than \(below)"
        }
        if let least = threshold.unitsAtLeast {
            let units = try units(lines, unit: nil).sum()
            if units < least.ratio { return "\(words) to \(units.pointsText) units; \(least) are needed" }
            times = min(times, try units.divided(by: least.ratio).rounded(.floor))
        }
        if times < .max { candidate.times = times }
        candidate.condition = try condition(threshold, candidate.rule, counted, lines)
        return nil
    }

    /// The threshold with what it saw, for the goods that come back.
    private func condition(
        _ threshold: Threshold, _ rule: Rule, _ counted: [Int128], _ excluded: [String?]
    ) throws(LoyaltyError) -> Grant.Condition? {
        guard case .bonus(let bonus) = rule.effect, bonus.returns == .revokeIfUnqualified,
            threshold.amountAtLeast != nil || threshold.unitsAtLeast != nil
        else { return nil }
        var condition = Grant.Condition(units: threshold.unitsAtLeast, lines: [])
        if let least = threshold.amountAtLeast {
            condition.amount = try least.ratio.divided(by: minorUnit).rounded(.ceiling)
        }
        let units = try units(excluded, unit: nil)
        for (index, line) in basket.lines.enumerated() where counted[index] != 0 || !units[index].isZero {
            condition.lines.append(
                Grant.Condition.Line(
                    line: line.source.id, amount: Int64(clamping: counted[index]),
                    pieces: try units[index].rounded(.floor)))
        }
        return condition
    }

    /// Units of each line: pieces, or the quantity in a unit of measure.
    func units(_ excluded: [String?], unit: String?) throws(LoyaltyError) -> [Ratio] {
        var result: [Ratio] = []
        for (line, reason) in zip(basket.lines, excluded) {
            guard reason == nil, line.net > 0 || line.isQuantityOnly || input.event != Rule.saleEvent else {
                result.append(.zero)
                continue
            }
            if let unit {
                let fits = line.source.unitOfMeasure == unit && !line.quantity.isNegative
                result.append(fits ? line.quantity.ratio : .zero)
            } else {
                result.append(Ratio(line.quantity.pieces))
            }
        }
        return result
    }

    private static let noLine = "no line of this sale counts"

    mutating func reject(_ rule: Rule, _ reason: String, _ excluded: [String?] = []) -> Candidate? {
        var lines: [TraceStep.Line] = []
        if rule.kind == .rate {
            for (line, reason) in zip(basket.lines, excluded) {
                lines.append(
                    TraceStep.Line(line: line.source.id, basis: text(line.net), points: "0", excluded: reason))
            }
        }
        trace(rule, matched: false, reason, nil, lines)
        return nil
    }
}

extension Array where Element == Ratio {
    /// Added over the least common denominator, so that many parts of one denominator stay within 128 bits.
    func sum() throws(LoyaltyError) -> Ratio {
        var numerator: Int128 = 0
        var denominator: Int128 = 1
        for element in self where !element.isZero {
            var addend = element.numerator
            if element.denominator != denominator {
                let divisor = Apportionment.greatestCommonDivisor(
                    denominator.magnitude, element.denominator.magnitude)
                let factor = element.denominator / Int128(divisor)
                let (scaled, high1) = addend.multipliedReportingOverflow(by: denominator / Int128(divisor))
                let (raised, high2) = numerator.multipliedReportingOverflow(by: factor)
                let (common, high3) = denominator.multipliedReportingOverflow(by: factor)
                guard !high1, !high2, !high3 else { throw Apportionment.overflow }
                (addend, numerator, denominator) = (scaled, raised, common)
            }
            let (sum, carry) = numerator.addingReportingOverflow(addend)
            guard !carry else { throw Apportionment.overflow }
            numerator = sum
        }
        return try Ratio(numerator, over: denominator)
    }
}

extension Rule {
    var countsUnits: Bool {
        if case .rate(let rate) = effect, case .units = rate.measure { return true }
        return false
    }
}
