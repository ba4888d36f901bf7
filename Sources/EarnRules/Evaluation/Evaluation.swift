import LoyaltyModel

/// One run of a program over one sale.
struct Evaluation {
    /// Names of trace steps that no rule may have.
    static let basketStep = "basket"
    static let totalStep = "total"

    let program: Program
    let input: EarnInput
    let basket: Basket
    private(set) var steps: [TraceStep] = []
    private(set) var flags: [String]
    private var known: [(basis: Basis, tenders: Set<Tender.Kind>, amounts: [Int128], excluded: Int128)] = []

    init(_ program: Program, _ input: EarnInput, _ basket: Basket) {
        self.program = program
        self.input = input
        self.basket = basket
        flags = basket.flags
    }

    mutating func run(_ rules: [Rule]) throws(LoyaltyError) -> EarnResult {
        steps.append(basketTrace())
        var accruals: [Accrual] = []
        for currency in program.currencyOrder {
            let ofCurrency = rules.filter { $0.currency == currency }
            guard !ofCurrency.isEmpty else { continue }
            if let accrual = try accrue(currency, ofCurrency) { accruals.append(accrual) }
        }
        return EarnResult(accruals: accruals, trace: steps, flags: flags)
    }

    private mutating func accrue(_ currency: String, _ rules: [Rule]) throws(LoyaltyError) -> Accrual? {
        let decimals = program.currencies[currency] ?? 0
        let rates = try rates(rules.filter { $0.kind == .rate })
        let factors = try multipliers(rules.filter { $0.kind == .multiplier }, over: rates)
        let booking = Booking(
            rounding: program.rounding,
            decimals: decimals,
            quantities: basket.lines.map(\.quantity)
        )
        var lines = try booking.units(rates.map(\.points), factors.map(\.all))
        let fromRates = lines.reduce(0, +)
        var qualifying = fromRates
        if !rates.allSatisfy(\.rule.isQualifying) || factors.contains(where: { $0.all != $0.qualifying }) {
            let part = try booking.units(
                rates.filter(\.rule.isQualifying).map(\.points),
                factors.map(\.qualifying)
            )
            qualifying = min(part.reduce(0, +), fromRates)
        }
        for bonus in try bonuses(rules.filter { $0.kind == .bonus }) {
            for (index, share) in bonus.shares.enumerated() { lines[index] += share }
            if bonus.isQualifying { qualifying += bonus.shares.reduce(0, +) }
        }
        return try total(currency, decimals, lines, qualifying, fromRates, rates, factors.map(\.all))
    }

    private mutating func total(
        _ currency: String,
        _ decimals: Int,
        _ lines: [Int128],
        _ qualifying: Int128,
        _ fromRates: Int128,
        _ rates: [RateResult],
        _ factors: [Ratio]
    ) throws(LoyaltyError) -> Accrual? {
        var shares: [Accrual.LineShare] = []
        for (index, units) in lines.enumerated() where units != 0 {
            shares.append(
                Accrual.LineShare(line: basket.lines[index].source.id, points: try points(units, decimals))
            )
        }
        let sum = lines.reduce(0, +)
        let total = try points(sum, decimals)
        let (exact, traced) = try exactPoints(rates, factors)
        var reason = "\(exact.pointsText) \(currency) by rates and multipliers"
        if !exact.isZero {
            reason += ", \(program.rounding.mode.words)"
            if program.rounding.mode != .none { reason += " \(program.rounding.scope.words)" }
            reason += " to \(try points(fromRates, decimals))"
        }
        if sum > fromRates { reason += "; \(try points(sum - fromRates, decimals)) by bonuses" }
        steps.append(
            TraceStep(rule: Self.totalStep, matched: sum > 0, reason: reason, points: "\(total)", lines: traced)
        )
        guard !total.isZero else { return nil }
        return Accrual(
            currency: currency,
            total: total,
            qualifying: try points(qualifying, decimals),
            lines: shares
        )
    }

    /// Points by rates and multipliers before rounding, in all and for each line that has some.
    private func exactPoints(
        _ rates: [RateResult],
        _ factors: [Ratio]
    ) throws(LoyaltyError) -> (sum: Ratio, lines: [TraceStep.Line]) {
        var sum = Ratio.zero
        var lines: [TraceStep.Line] = []
        for (index, line) in basket.lines.enumerated() {
            var ofLine = Ratio.zero
            for rate in rates { ofLine = try ofLine.adding(rate.points[index].multiplied(by: factors[index])) }
            guard !ofLine.isZero else { continue }
            sum = try sum.adding(ofLine)
            lines.append(TraceStep.Line(line: line.source.id, basis: text(line.net), points: ofLine.pointsText))
        }
        return (sum, lines)
    }

    func points(_ units: Int128, _ decimals: Int) throws(LoyaltyError) -> Points {
        guard let units = Int64(exactly: units) else {
            throw LoyaltyError(.numberOverflow, "the sale earns more points than can be counted")
        }
        return Points(units: units, decimals: decimals)
    }

    // MARK: What rules have in common

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
    }

    /// The candidate, or nil after a trace step that says why the rule does not match.
    mutating func candidate(_ rule: Rule) throws(LoyaltyError) -> Candidate? {
        if let reason = mismatch(rule) { return reject(rule, reason) }
        let excluded = basket.lines.map { line in
            if let reason = line.excluded { return reason as String? }
            if let match = rule.match, !match.matchesAll(line) { return "not what the rule is for" }
            return rule.exclude.exclusion(of: line)
        }
        guard excluded.contains(where: { $0 == nil }) else {
            return reject(rule, "no line of this sale counts", excluded)
        }
        let counted = try amounts(rule.basis, rule.excludedTenders, excluded)
        guard counted.total > 0 else {
            return reject(rule, "nothing that counts was paid for the lines of this rule", excluded)
        }
        if let minimum = rule.minimum {
            let reached = try amounts(minimum.basis, rule.excludedTenders, excluded).total
            if try Ratio(reached, over: 1).multiplied(by: minorUnit) < minimum.amount.ratio {
                return reject(rule, "the lines that count come to \(text(reached)); \(minimum.amount) is needed")
            }
        }
        return Candidate(
            rule: rule,
            amounts: counted.amounts,
            excluded: excluded,
            excludedByTender: counted.excludedByTender,
            total: counted.total
        )
    }

    private func mismatch(_ rule: Rule) -> String? {
        if let stores = rule.stores, !stores.contains(input.sale.store) {
            return "it does not run in store \(input.sale.store)"
        }
        if let channels = rule.channels, !(input.sale.channel.map(channels.contains) ?? false) {
            return
                "it is for \(channels.sorted().joined(separator: " or ")); this sale came by \(input.sale.channel ?? "an unnamed channel")"
        }
        return rule.window?.mismatch(at: input.occurredAt, zone: program.zone)
            ?? rule.member?.mismatch(input.member, on: input.businessDay)
    }

    private mutating func reject(_ rule: Rule, _ reason: String, _ excluded: [String?] = []) -> Candidate? {
        let lines = zip(basket.lines, excluded).map { line, reason in
            TraceStep.Line(line: line.source.id, basis: text(line.net), points: "0", excluded: reason)
        }
        trace(rule, matched: false, reason, nil, rule.kind == .rate ? lines : [])
        return nil
    }

    mutating func trace(
        _ rule: Rule,
        matched: Bool,
        _ reason: String,
        _ points: String?,
        _ lines: [TraceStep.Line]
    ) {
        steps.append(TraceStep(rule: rule.id, matched: matched, reason: reason, points: points, lines: lines))
    }

    private mutating func amounts(
        _ basis: Basis,
        _ tenders: Set<Tender.Kind>,
        _ excluded: [String?]
    ) throws(LoyaltyError) -> (amounts: [Int128], excludedByTender: Int128, total: Int128) {
        let index: Int
        if let found = known.firstIndex(where: { $0.basis == basis && $0.tenders == tenders }) {
            index = found
        } else {
            let (amounts, byTender) = try basket.amounts(basis, without: tenders)
            if basis.tax != .asPriced, (basis.tax == .include) != basket.includesTax, basket.taxIsEstimated,
                !flags.contains(Basket.Flag.taxEstimated)
            {
                flags.append(Basket.Flag.taxEstimated)
            }
            index = known.count
            known.append((basis, tenders, amounts, byTender))
        }
        let amounts = zip(known[index].amounts, excluded).map { $1 == nil ? $0 : 0 }
        return (amounts, known[index].excluded, amounts.reduce(0, +))
    }

    // MARK: Words

    /// Major units in one minor unit.
    var minorUnit: Ratio { Money(minorUnits: 1, input.sale.currency).ratio }

    /// Minor units as money in major units.
    func text(_ amount: Int128) -> String {
        Money(minorUnits: Int64(clamping: amount), input.sale.currency).amountText
    }

    private func basketTrace() -> TraceStep {
        let lines = basket.lines.map { line in
            TraceStep.Line(line: line.source.id, basis: text(line.net), points: "0", excluded: line.excluded)
        }
        let shared = basket.lines.reduce(0) { $0 + $1.discount + $1.coupon }
        var reason = "\(lines.filter { $0.excluded == nil }.count) of \(lines.count) lines can earn"
        if shared > 0 { reason += "; \(text(shared)) of discounts on the basket are shared over them" }
        if flags.contains(Basket.Flag.totalsMismatch) {
            reason += "; the lines do not come to the total of \(input.sale.totals.grand.amountText)"
        }
        return TraceStep(rule: Self.basketStep, matched: true, reason: reason, lines: lines)
    }
}

extension Ratio {
    /// A decimal where six decimals hold it, else a fraction.
    var pointsText: String {
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
