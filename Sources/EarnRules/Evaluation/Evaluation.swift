import LoyaltyModel

/// One run of a program over one sale or action.
struct Evaluation {
    /// Names of trace steps that no rule may have.
    static let basketStep = "basket"
    static let totalStep = "total"

    let program: Program
    let input: EarnInput
    let basket: Basket
    let view: MemberView
    /// Points or rewards are spent in the sale.
    let isRedeeming: Bool
    /// Shares of points are held to the billionth (`Fractions`).
    let isCoarse: Bool
    /// Ids of the rules whose lines need to be looked at, while the program's rules run; nil for all.
    private(set) var concerned: Set<String>?
    var steps: [TraceStep] = []
    var flags: [String]
    var grants: [Grant] = []
    var book: CounterBook
    var referrerBook: CounterBook
    private var known: [(basis: Basis, tenders: TenderCondition, amounts: [Int128], excluded: Int128)] = []

    init(_ program: Program, _ input: EarnInput, _ basket: Basket, tier: String?, isCoarse: Bool = false) {
        self.isCoarse = isCoarse
        self.program = program
        self.input = input
        self.basket = basket
        flags = basket.flags
        view = MemberView(member: input.member, state: input.state, tier: tier, day: input.businessDay)
        isRedeeming = basket.isRedeeming
        book = CounterBook(
            calendar: program.calendar, day: input.businessDay, joined: input.state.joined, values: input.counters)
        referrerBook = CounterBook(
            calendar: program.calendar, day: input.businessDay, joined: nil, values: input.referrerCounters)
    }

    mutating func run(_ rules: [Rule], concerned: Set<String>? = nil) throws(LoyaltyError) -> EarnResult {
        self.concerned = concerned
        defer { self.concerned = nil }
        steps.append(basketTrace())
        var accruals: [Accrual] = []
        var others: [OtherAccrual] = []
        for recipient in Recipient.allCases {
            let ofRecipient = rules.filter { $0.recipient == recipient }
            guard !ofRecipient.isEmpty else { continue }
            let account = account(of: recipient)
            if let reason = account.reason {
                for rule in ofRecipient { trace(rule, matched: false, reason, nil, []) }
                continue
            }
            for currency in program.currencyOrder {
                let ofCurrency = ofRecipient.filter { $0.currency == currency }
                guard !ofCurrency.isEmpty, let accrual = try accrue(currency, recipient, ofCurrency) else { continue }
                if let name = account.name {
                    others.append(OtherAccrual(recipient: recipient, account: name, accrual: accrual))
                } else {
                    accruals.append(accrual)
                }
            }
        }
        var result = EarnResult(accruals: accruals, trace: [], flags: [])
        result.others = others
        return result
    }

    /// Holds limits to what goods without a receipt may take.
    mutating func limitReversal() {
        book.isReversal = true
        referrerBook.isReversal = true
    }

    /// What the run has gathered besides accruals.
    ///
    /// - Throws: `number.overflow`.
    func finish(_ result: EarnResult) throws(LoyaltyError) -> EarnResult {
        var result = result
        result.trace = steps
        result.flags = flags
        result.grants = grants
        result.counterChanges = try book.changes.merged()
        result.referrerCounterChanges = try referrerBook.changes.merged()
        return result
    }

    /// Who gets it; the member has no name here. Or why nobody does.
    func account(of recipient: Recipient) -> (name: String?, reason: String?) {
        switch recipient {
        case .member: return (nil, nil)
        case .referrer:
            guard let referrer = input.state.referrer else { return (nil, "nobody recruited the member") }
            return (referrer.value, nil)
        case .beneficiary:
            let chosen = program.beneficiaries.first { $0.id == input.state.beneficiary }
            guard let account = chosen ?? program.beneficiaries.first(where: \.isDefault) else {
                return (nil, "the member has chosen no good cause")
            }
            return (account.id, nil)
        }
    }

    private mutating func accrue(
        _ currency: String, _ recipient: Recipient, _ rules: [Rule]
    ) throws(LoyaltyError) -> Accrual? {
        let decimals = program.currencies[currency] ?? 0
        let booking = Booking(
            rounding: program.rounding, decimals: decimals, quantities: basket.lines.map(\.quantity), isCoarse: isCoarse
        )
        var rates = try rates(rules.filter { $0.kind == .rate })
        let multiplied = try multipliers(rules.filter { $0.kind == .multiplier }, over: &rates, booking)
        let lines = try booking.units(multiplied.points)
        let fromRates = lines.reduce(0, +)
        var qualifying = fromRates
        if !rates.allSatisfy(\.rule.isQualifying) || multiplied.points != multiplied.qualifying {
            let rows = zip(rates, multiplied.qualifying).filter { $0.0.rule.isQualifying }.map(\.1)
            qualifying = min(try booking.units(rows).reduce(0, +), fromRates)
        }
        let bonuses = try bonuses(rules.filter { $0.kind == .bonus || $0.kind == .periodBonus })
        var shares = try contributions(lines, rates, multiplied)
        let kept = try capped(&shares)
        qualifying = min(qualifying, kept)
        shares += bonuses
        for bonus in bonuses where bonus.rule.isQualifying { qualifying += bonus.sum }
        let total = try programCapped(&shares, currency, recipient)
        qualifying = min(qualifying, total)
        try count(shares, recipient)
        try grant(shares, currency, recipient)
        return try finish(currency, recipient, shares, qualifying, fromRates, kept, multiplied)
    }

    // MARK: Words

    /// Major units in one minor unit.
    var minorUnit: Ratio { Money(minorUnits: 1, input.sale.currency).ratio }

    /// Minor units as money in major units.
    func text(_ amount: Int128) -> String {
        Money(minorUnits: Int64(clamping: amount), input.sale.currency).amountText
    }

    func points(_ units: Int128, _ decimals: Int) throws(LoyaltyError) -> Points {
        guard let units = Int64(exactly: units) else {
            throw LoyaltyError(.numberOverflow, "the sale earns more points than can be counted")
        }
        return Points(units: units, decimals: decimals)
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

    mutating func trace(
        _ rule: Rule, matched: Bool, _ reason: String, _ points: String?, _ lines: [TraceStep.Line],
        wanted: String? = nil
    ) {
        var step = TraceStep(rule: rule.id, matched: matched, reason: reason, points: points, lines: lines)
        step.wanted = wanted
        steps.append(step)
    }

    /// Money of each line by a basis, worked out once.
    mutating func amounts(
        _ basis: Basis, _ tenders: TenderCondition, _ excluded: [String?]
    ) throws(LoyaltyError) -> (amounts: [Int128], excludedByTender: Int128, total: Int128) {
        let index: Int
        if let found = known.firstIndex(where: { $0.basis == basis && $0.tenders == tenders }) {
            index = found
        } else {
            let (amounts, byTender) = try basket.amounts(basis, tenders)
            if basis.tax != .asPriced, (basis.tax == .include) != basket.includesTax, basket.taxIsEstimated,
                !flags.contains(Basket.Flag.taxEstimated)
            {
                flags.append(Basket.Flag.taxEstimated)
            }
            index = known.count
            known.append((basis, tenders, amounts, byTender))
        }
        var amounts = known[index].amounts
        var total: Int128 = 0
        for line in amounts.indices {
            if excluded[line] != nil { amounts[line] = 0 }
            total += amounts[line]
        }
        return (amounts, known[index].excluded, total)
    }
}
