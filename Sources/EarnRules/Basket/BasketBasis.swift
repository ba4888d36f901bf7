import LoyaltyModel

extension Basket {
    /// The money of each line that counts for a basis, in minor units; zero for lines that cannot earn.
    ///
    /// The part paid with excluded tenders is taken off all that was paid for, in proportion and to the cent.
    func amounts(
        _ basis: Basis, _ tenders: TenderCondition
    ) throws(LoyaltyError) -> (amounts: [Int128], excludedByTender: Int128) {
        var amounts = lines.map { $0.price(basis) }
        if basis.tax != .asPriced, (basis.tax == .include) != includesTax {
            let shared = try sharedTaxes()
            for (index, line) in lines.enumerated() where amounts[index] > 0 {
                amounts[index] = try retaxed(amounts[index], line, sharedTax: shared.isEmpty ? nil : shared[index])
            }
        }
        let excluded = try tendered(tenders, of: amounts)
        for (index, share) in try Apportionment.shares(of: excluded, over: amounts).enumerated() {
            amounts[index] -= share
        }
        for index in lines.indices where lines[index].excluded != nil { amounts[index] = 0 }
        return (amounts, excluded)
    }

    /// Takes tax out of an amount, or adds it. Rounds half up to the cent.
    private func retaxed(
        _ amount: Int128,
        _ line: BasketLine,
        sharedTax: Int128?
    ) throws(LoyaltyError) -> Int128 {
        let sign: Int128 = includesTax ? -1 : 1
        let own = sharedTax ?? line.source.taxes.reduce(0) { $0 + Int128($1.amount.minorUnits) }
        guard own > 0 else { return amount }
        // The till's own tax of just this amount is better than any that is computed again.
        if amount == Int128(line.source.amount.minorUnits) { return max(amount + sign * own, 0) }
        let rate = try taxRate(of: line, sharedTax: sharedTax)
        let factor = try Ratio.one.adding(rate)
        let value = try Ratio(amount, over: 1)
        let result = includesTax ? try value.divided(by: factor) : try value.multiplied(by: factor)
        return Int128(try result.rounded(.halfUp))
    }

    /// Tax for one unit of money without tax.
    private func taxRate(of line: BasketLine, sharedTax: Int128?) throws(LoyaltyError) -> Ratio {
        if let sharedTax {
            let base = includesTax ? line.net - sharedTax : line.net
            return base > 0 ? try Ratio(sharedTax, over: base) : .zero
        }
        var rate = Ratio.zero
        let total = line.source.taxes.reduce(0) { $0 + Int128($1.amount.minorUnits) }
        for tax in line.source.taxes where tax.amount.minorUnits > 0 {
            let written = Int128(line.source.amount.minorUnits)
            let base = tax.base.map { Int128($0.minorUnits) } ?? (includesTax ? written - total : written)
            if let percent = tax.percent, !percent.isNegative {
                rate = try rate.adding(percent.ratio.divided(by: Ratio(100)))
            } else if base > 0 {
                rate = try rate.adding(Ratio(Int128(tax.amount.minorUnits), over: base))
            }
        }
        return rate
    }

    /// What tenders that do not count paid of these amounts.
    private func tendered(_ condition: TenderCondition, of amounts: [Int128]) throws(LoyaltyError) -> Int128 {
        guard !condition.isEmpty, ceiling > 0 else { return 0 }
        let total = amounts.reduce(0, +)
        let payments = try payments()
        let excluded = zip(payments, single(condition, payments)).reduce(0) { $0 + ($1.1 ? 0 : $1.0.amount) }
        switch condition.mixed {
        case .prorate: break
        case .any: return excluded < ceiling ? 0 : total
        case .whole: return excluded == 0 ? 0 : total
        }
        guard excluded > 0 else { return 0 }
        let (quotient, remainder) = Apportionment.part(
            of: total.magnitude, excluded.magnitude, over: ceiling.magnitude)
        return Int128(quotient) + (remainder >= ceiling.magnitude - remainder ? 1 : 0)
    }

    /// One means by which a part of the sale was paid.
    struct Payment {
        /// nil for what no tender is named for.
        var tender: Tender?
        /// In minor units, more than zero.
        var amount: Int128
    }

    /// What the sale was paid with, to its total; empty where it cost nothing.
    ///
    /// Where tenders come to more, the rest was given back: change that the till did not tell or told in a row of its own.
    /// That comes off the means of payment in which it was told, then off cash, then off all that is left in proportion.
    func payments() throws(LoyaltyError) -> [Payment] {
        guard ceiling > 0 else { return [] }
        var payments: [Payment] = []
        for tender in sale.tenders {
            let change = Int128(tender.change?.minorUnits.magnitude ?? 0)
            let paid = Int128(tender.amount.minorUnits) - change
            if paid > 0 { payments.append(Payment(tender: tender, amount: paid)) }
        }
        var excess = payments.reduce(0) { $0 + $1.amount } - ceiling
        guard excess > 0 else {
            return excess == 0 ? payments : payments + [Payment(tender: nil, amount: -excess)]
        }
        func take(_ most: Int128, where isMeant: (Tender) -> Bool) {
            var rest = min(most, excess)
            for index in payments.indices.reversed() where payments[index].tender.map(isMeant) ?? false {
                let part = min(payments[index].amount, rest)
                payments[index].amount -= part
                (rest, excess) = (rest - part, excess - part)
            }
        }
        for back in sale.tenders where back.amount.isNegative {
            take(Int128(back.amount.minorUnits.magnitude)) { $0.kind == back.kind && $0.name == back.name }
        }
        take(excess) { $0.kind == .cash }
        let left = payments.reduce(0) { $0 + $1.amount } - excess
        let shares = try Apportionment.shares(of: left, over: payments.map(\.amount))
        for (index, share) in shares.enumerated() { payments[index].amount = share }
        return payments.filter { $0.amount > 0 }
    }

    /// Which payments a condition counts: with `mixed` any and whole all of them, or none.
    func counted(_ condition: TenderCondition, _ payments: [Payment]) -> [Bool] {
        let counted = single(condition, payments)
        switch condition.mixed {
        case .prorate: return counted
        case .any: return payments.map { _ in counted.contains(true) }
        case .whole: return payments.map { _ in !counted.contains(false) }
        }
    }

    /// Which payments a condition names. What no tender is named for counts unless certain ones are asked for.
    private func single(_ condition: TenderCondition, _ payments: [Payment]) -> [Bool] {
        let isPositive = condition.only != nil || condition.named != nil
        return payments.map { $0.tender.map(condition.counts) ?? !isPositive }
    }
}
