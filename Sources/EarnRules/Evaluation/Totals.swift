import LoyaltyModel

extension Evaluation {
    /// Notes what each rule gave, with the life of its points.
    mutating func grant(
        _ shares: [Contribution], _ currency: String, _ recipient: Recipient
    ) throws(LoyaltyError) {
        let decimals = program.currencies[currency] ?? 0
        // What a multiplier adds lives as long as the points it multiplies: those of the first rate that has terms.
        let base = shares.first { $0.rule.kind == .rate && $0.rule.lots != nil && $0.sum > 0 }?.rule.lots
        for share in shares where share.sum > 0 || Ratio.zero < share.wanted {
            let rule = share.rule
            let own = rule.kind == .multiplier ? base : rule.lots
            let terms = own ?? program.currencyTerms[currency]?.lots
            let life = life(of: terms)
            var returns = BonusReturns.prorate
            if case .bonus(let bonus) = rule.effect { returns = bonus.returns }
            var grant = Grant(
                rule: rule.id, currency: currency, recipient: recipient, account: account(of: recipient).name,
                wanted: share.wanted.pointsText,
                granted: try points(share.sum, decimals), isQualifying: rule.isQualifying, returns: returns,
                condition: share.condition, pendingUntil: life.pendingUntil,
                expires: life.expires, inactive: life.inactive, lines: [])
            for (index, line) in basket.lines.enumerated() where share.units[index] != 0 || share.amounts[index] != 0 {
                grant.lines.append(
                    Grant.Line(
                        line: line.source.id, points: try points(share.units[index], decimals),
                        basis: Int64(clamping: share.amounts[index])))
            }
            grants.append(grant)
        }
    }

    private func life(
        of terms: LotTerms?
    ) -> (pendingUntil: CalendarDate?, expires: CalendarDate?, inactive: CalendarSpan?) {
        guard let terms else { return (nil, nil, nil) }
        let day = input.businessDay
        let expiry = terms.expiry(tier: view.tier)
        return (
            terms.pending?.after(day),
            expiry?.lastDay(from: day, calendar: program.calendar, joined: input.state.joined), expiry?.inactive
        )
    }

    /// The accrual of one currency, and the trace step of its total.
    mutating func finish(
        _ currency: String, _ recipient: Recipient, _ shares: [Contribution], _ qualifying: Int128, _ rounded: Int128,
        _ kept: Int128, _ multiplied: Multiplied
    ) throws(LoyaltyError) -> Accrual? {
        let decimals = program.currencies[currency] ?? 0
        var lines: [Accrual.LineShare] = []
        var sum: Int128 = 0
        for (index, line) in basket.lines.enumerated() {
            let units = shares.reduce(0) { $0 + $1.units[index] }
            sum += units
            guard units != 0 else { continue }
            lines.append(Accrual.LineShare(line: line.source.id, points: try points(units, decimals)))
        }
        let total = try points(sum, decimals)
        let (exact, traced) = try exactPoints(multiplied)
        var reason = "\(exact.pointsText) \(currency) by rates and multipliers"
        if !exact.isZero {
            reason += ", \(program.rounding.mode.words)"
            if program.rounding.mode != .none { reason += " \(program.rounding.scope.words)" }
            reason += " to \(try points(rounded, decimals))"
        }
        let bonuses = shares.filter { $0.rule.kind == .bonus }.reduce(0) { $0 + $1.sum }
        if bonuses > 0 { reason += "; \(try points(bonuses, decimals)) by bonuses" }
        if kept < rounded || sum < kept + bonuses { reason += "; limits leave \(total)" }
        if recipient != .member { reason += "; for the \(recipient.rawValue)" }
        steps.append(
            TraceStep(rule: Self.totalStep, matched: sum > 0, reason: reason, points: "\(total)", lines: traced))
        guard !total.isZero else { return nil }
        return Accrual(
            currency: currency, total: total, qualifying: try points(qualifying, decimals), lines: lines)
    }

    /// Points by rates and multipliers before rounding, in all and for each line that has some.
    private func exactPoints(
        _ multiplied: Multiplied
    ) throws(LoyaltyError) -> (sum: Ratio, lines: [TraceStep.Line]) {
        var all: [Ratio] = []
        var lines: [TraceStep.Line] = []
        for (index, line) in basket.lines.enumerated() {
            let ofLine = try multiplied.points.map { $0[index] }.sum()
            guard !ofLine.isZero else { continue }
            all.append(ofLine)
            lines.append(TraceStep.Line(line: line.source.id, basis: text(line.net), points: ofLine.pointsText))
        }
        return (try all.sum(), lines)
    }
}

extension Ratio {
    /// A decimal where six decimals hold it, else a fraction.
    var pointsText: String {
        if denominator == 1 { return "\(numerator)" }
        var power: Int128 = 1
        for decimals in 0...Points.maximumDecimals {
            if power % denominator == 0 {
                let (units, high) = numerator.multipliedReportingOverflow(by: power / denominator)
                guard !high, let units = Int64(exactly: units) else { return description }
                return "\(Points(units: units, decimals: decimals))"
            }
            power *= 10
        }
        return description
    }
}
