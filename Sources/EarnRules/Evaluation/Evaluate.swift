public import LoyaltyModel

extension Program {
    /// What a sale earns. Pure: the same input gives the same result on every machine.
    ///
    /// Lines that take goods back are left out; the ledger takes back what those goods earned (`returnLines(of:)`).
    /// The order of evaluation is that of docs/program-files.md.
    ///
    /// - Throws: `number.overflow` for amounts beyond 128-bit fractions; `money.currency_mismatch` for a line that is not
    ///   in the sale's currency.
    public func evaluate(_ input: EarnInput) throws(LoyaltyError) -> EarnResult {
        let basket = try Basket(input.sale, entitlements: entitlements)
        let tier = try tier(before: input)
        let result = try evaluate(input, basket, tier: tier)
        guard tiers?.applies == .thisSale, let reached = tierName(result.tierReached, input.member), reached != tier
        else {
            return result
        }
        return try evaluate(input, basket, tier: reached)
    }

    /// What an action earns. The caller sees to it that an action with a known key does not come here again.
    ///
    /// - Throws: as for a sale.
    public func evaluate(
        _ action: LoyaltyAction, member: Member?, state: MemberState = MemberState(), counters: Counters = [:],
        referrerCounters: Counters = [:], sharedScopes: Set<CounterScope> = []
    ) throws(LoyaltyError) -> EarnResult {
        let sale = try document(of: action)
        var input = EarnInput(
            sale: sale, occurredAt: action.occurredAt, businessDay: action.businessDay, member: member, state: state,
            counters: counters, referrerCounters: referrerCounters)
        input.sharedScopes = sharedScopes
        input.event = action.name
        return try evaluate(input, Basket(sale), tier: tier(before: input))
    }

    /// An action in the form of a sale: one line that is named as the action is.
    ///
    /// - Throws: `money.*` never in practice: the currency without a name is known.
    public func document(of action: LoyaltyAction) throws(LoyaltyError) -> Sale {
        let currency: Currency
        if let known = action.amount?.currency ?? currencyTerms[primaryCurrency]?.money {
            currency = known
        } else {
            currency = try Currency("XXX")
        }
        var sale = Sale(
            store: action.store ?? "", register: "", number: action.key, currency: currency,
            totals: SaleTotals(grand: action.amount ?? .zero(currency)))
        sale.channel = action.channel
        sale.closedAt = action.occurredAt
        sale.lines = [SaleLine(id: action.name, quantity: action.quantity, amount: sale.totals.grand)]
        return sale
    }

    private func evaluate(_ input: EarnInput, _ basket: Basket, tier: String?) throws(LoyaltyError) -> EarnResult {
        try Fractions.exactElseCoarse { isCoarse throws(LoyaltyError) in
            try evaluate(input, basket, tier: tier, isCoarse: isCoarse)
        }
    }

    private func evaluate(
        _ input: EarnInput, _ basket: Basket, tier: String?, isCoarse: Bool
    ) throws(LoyaltyError) -> EarnResult {
        var evaluation = Evaluation(self, input, basket, tier: tier, isCoarse: isCoarse)
        let (rules, concerned) = considered(input, basket, tier)
        var result = try evaluation.run(rules, concerned: concerned)
        if input.event == Rule.saleEvent {
            let stamps = try evaluation.stamps()
            result.accruals += stamps.accruals
            result.issued = stamps.issued
            result.entitlements = evaluation.boughtEntitlements()
            result.forwards = try evaluation.forwards()
            try evaluation.countVisit()
        }
        try evaluation.countDeclared(result.accruals)
        try evaluation.countEarned(result.accruals)
        result.tier = try evaluation.tierAfter()
        result.tierReached =
            try input.earnedTier.map { earned throws(LoyaltyError) in
                try evaluation.tierAfter(earned.counted)
            } ?? result.tier
        return try evaluation.finish(result)
    }

    /// The rules that are looked at, in their order.
    ///
    /// - Returns: also the ids of those among them that can match, where others are there for the trace only.
    private func considered(
        _ input: EarnInput, _ basket: Basket, _ tier: String?
    ) -> (rules: [Rule], concerned: Set<String>?) {
        if input.explanation == .everyRule { return (rules, nil) }
        let day = zone.local(input.occurredAt).date
        let candidates = index.candidates(for: basket, input, tier: tier, on: day)
        guard input.explanation == .automatic, rules.count <= 100 else { return (candidates.map { rules[$0] }, nil) }
        return (rules, Set(candidates.map { rules[$0].id }))
    }
}

extension Evaluation {
    /// A sale with something that can earn is a visit.
    mutating func countVisit() throws(LoyaltyError) {
        guard input.member != nil, basket.lines.contains(where: { $0.excluded == nil }) else { return }
        for name in program.visitNames { book.add(name, .one) }
    }

    /// Adds to the counters that the program declares.
    mutating func countDeclared(_ accruals: [Accrual]) throws(LoyaltyError) {
        for counter in program.counters {
            let name = CounterName(name: counter.id, scope: counter.scope, per: counter.per)
            let isSale = input.event == Rule.saleEvent
            switch counter.counts {
            case .visits:
                if isSale, basket.lines.contains(where: { $0.excluded == nil }) { book.add(name, .one) }
            case .points, .qualifying:
                guard let accrual = accruals.first(where: { $0.currency == counter.currency }) else { continue }
                let points = counter.counts == .points ? accrual.total : accrual.qualifying
                book.add(name, points.decimal, lines: try lines(of: points, accrual))
            case .spend:
                if isSale {
                    try add(name, money: amounts(counter.basis, counter.tenders, excluded(counter)).amounts, .member)
                }
            case .units:
                guard isSale else { continue }
                var lines: [CounterChange.LineAmount] = []
                var sum = DecimalNumber.zero
                for (line, units) in zip(basket.lines, try units(excluded(counter), unit: nil)) where !units.isZero {
                    let amount = DecimalNumber(try units.rounded(.floor))
                    sum = try sum.adding(amount)
                    lines.append(.init(line: line.source.id, amount: amount))
                }
                book.add(name, sum, lines: lines)
            }
        }
    }

    /// What the end of a period looks back at.
    mutating func countEarned(_ accruals: [Accrual]) throws(LoyaltyError) {
        for (currency, per) in program.periodBonuses {
            let name = CounterName.earned(currency, per)
            guard let accrual = accruals.first(where: { $0.currency == currency }),
                !book.changes.contains(where: { $0.key == book.key(name) })
            else { continue }
            book.add(name, accrual.total.decimal, lines: try lines(of: accrual.total, accrual))
        }
    }

    /// Shares a part of an accrual over its lines.
    private func lines(of points: Points, _ accrual: Accrual) throws(LoyaltyError) -> [CounterChange.LineAmount] {
        let weights = accrual.lines.map { Int128($0.points.units) }
        let shares = try Apportionment.shares(of: Int128(points.units), over: weights)
        return zip(accrual.lines, shares).filter { $1 != 0 }.map { share, units in
            let part = Points(units: Int64(clamping: units), decimals: points.decimals)
            return CounterChange.LineAmount(line: share.line, amount: part.decimal)
        }
    }

    private func excluded(_ counter: CounterDeclaration) -> [String?] {
        basket.lines.map { line -> String? in
            line.excluded ?? ((counter.match?.matchesAll(line) ?? true) ? nil : "not counted")
                ?? counter.exclude.exclusion(of: line)
        }
    }

    /// Rights that were bought; several of one follow each other.
    func boughtEntitlements() -> [BoughtEntitlement] {
        var bought: [BoughtEntitlement] = []
        for declaration in program.entitlements {
            var running = (input.member?.entitlements ?? []) + input.state.entitlements
            for line in basket.lines where !line.isVoid && !line.source.isReturn(in: input.sale) && line.amount >= 0 {
                guard declaration.soldAs.matchesAll(line) else { continue }
                for _ in 0..<min(line.quantity.pieces, 100) {
                    let last = running.filter { $0.name == declaration.id }.compactMap(\.to).max()
                    var from = input.businessDay
                    if declaration.renewal == .extend, let last, from <= last { from = last.adding(days: 1) }
                    let next = declaration.lasts.lastDay(
                        from: from, calendar: program.calendar, joined: input.state.joined)
                    // A year from 5 January ends on 4 January.
                    let isSpan =
                        declaration.lasts.after != nil && declaration.lasts.to == nil && declaration.lasts.day == nil
                    let entitlement = Member.Entitlement(
                        name: declaration.id, from: from, to: isSpan ? next?.adding(days: -1) : next)
                    running.append(entitlement)
                    bought.append(
                        BoughtEntitlement(line: line.source.id, entitlement: entitlement, perks: declaration.perks))
                }
            }
        }
        return bought
    }

    /// Partners that get this sale under the member's number.
    mutating func forwards() throws(LoyaltyError) -> [PartnerForward] {
        var forwards: [PartnerForward] = []
        for partner in program.partners where partner.forwards {
            guard let number = input.state.linked[partner.id] else { continue }
            let excluded = basket.lines.map { line -> String? in
                line.excluded ?? ((partner.match?.matchesAll(line) ?? true) ? nil : "not counted")
                    ?? partner.exclude.exclusion(of: line)
            }
            let (amounts, _, total) = try amounts(partner.basis, TenderCondition(), excluded)
            guard total > 0 else { continue }
            guard let units = Int64(exactly: total) else { throw Apportionment.overflow }
            var lines: [String: Int64] = [:]
            for (line, share) in zip(basket.lines, try Apportionment.shares(of: total, over: amounts)) where share > 0 {
                lines[line.source.id, default: 0] += Int64(clamping: share)
            }
            forwards.append(
                PartnerForward(
                    partner: partner.id, number: number, amount: Money(minorUnits: units, input.sale.currency),
                    lines: lines))
        }
        return forwards
    }

    /// - Parameter before: what the counter held before the sale; nil where that is what it holds now.
    func tierAfter(_ before: DecimalNumber? = nil) throws(LoyaltyError) -> TierStanding? {
        guard let ladder = program.tiers, let counter = program.counters.first(where: { $0.id == ladder.counter }),
            input.member != nil
        else { return nil }
        let name = CounterName(name: counter.id, scope: counter.scope, per: counter.per)
        var value: DecimalNumber
        if let before { value = before } else { value = try book.value(name) }
        for change in book.changes where change.key == book.key(name) { value = try value.adding(change.amount) }
        return ladder.standing(
            input.state.tier, value: value, on: input.businessDay, calendar: program.calendar,
            joined: input.state.joined)
    }
}
