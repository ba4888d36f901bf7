public import LoyaltyModel

extension Program {
    /// The lines that take goods back, with what cancellations left of them, as the till signed them.
    ///
    /// A line takes goods back that says so, has a negative quantity or stands in a document of kind `return`, unless it
    /// cancels another line of the sale.
    public func returnLines(of sale: Sale) -> [SaleLine] {
        guard let basket = try? Basket(sale) else { return sale.lines.filter { $0.isReturn(in: sale) } }
        return basket.lines.compactMap { line in
            guard !line.isVoid, line.source.isReturn(in: sale) else { return nil }
            var copy = line.source
            copy.quantity = line.quantity
            copy.amount = Money(minorUnits: Int64(clamping: line.amount), sale.currency)
            return copy
        }
    }

    /// The lines that sell goods, with what cancellations left of them; cancelled lines are left out.
    public func soldLines(of sale: Sale) -> [SaleLine] {
        guard let basket = try? Basket(sale) else { return sale.lines.filter { !$0.isReturn(in: sale) && !$0.voided } }
        return basket.lines.compactMap { line in
            guard !line.isVoid, !line.source.isReturn(in: sale) else { return nil }
            var copy = line.source
            copy.quantity = line.quantity
            copy.amount = Money(minorUnits: Int64(clamping: line.amount), sale.currency)
            return copy
        }
    }

    /// What returned lines would have earned by rates and multipliers, had they been sold at the time of the input: what
    /// `reverse_by_rate` takes back for a return that names no sale.
    ///
    /// Points are positive. Bonuses are left out, and discounts and tenders of the return document too: a line counts
    /// with its own amount. Limits hold for the document as a whole: what they have given was given for such goods too, so
    /// that what was bought and comes back takes as much as it brought.
    ///
    /// - Parameter lines: lines of `input.sale`, of either sign, such as from `returnLines(of:)`.
    /// - Throws: as `evaluate`.
    public func evaluateReversal(_ input: EarnInput, of lines: [SaleLine]) throws(LoyaltyError) -> EarnResult {
        var sale = Sale(
            store: input.sale.store,
            register: input.sale.register,
            number: input.sale.number,
            currency: input.sale.currency,
            totals: SaleTotals(grand: .zero(input.sale.currency))
        )
        sale.channel = input.sale.channel
        sale.pricesIncludeTax = input.sale.pricesIncludeTax
        var total = Money.zero(sale.currency)
        for line in lines {
            let sold = try line.asSold()
            total = try total.adding(sold.amount)
            if sale.pricesIncludeTax == false {
                for tax in sold.taxes { total = try total.adding(tax.amount) }
            }
            sale.lines.append(sold)
        }
        sale.totals.grand = total
        var reversal = input
        reversal.sale = sale
        let limits = CounterName.limits(rules, caps)
        reversal.counters = input.counters.filter { key, _ in
            !limits.contains(CounterName(name: key.name, scope: key.scope, per: key.per))
        }
        let tier = try tier(before: input)
        let basket = try Basket(sale, entitlements: entitlements)
        return try Fractions.exactElseCoarse { isCoarse throws(LoyaltyError) in
            var evaluation = Evaluation(self, reversal, basket, tier: tier, isCoarse: isCoarse)
            let result = try evaluation.run(rules.filter { $0.kind == .rate || $0.kind == .multiplier })
            return try evaluation.finish(result)
        }
    }
}

extension SaleLine {
    /// The line with the signs of a sale.
    fileprivate func asSold() throws(LoyaltyError) -> SaleLine {
        var line = self
        line.quantity = try quantity.magnitude()
        line.amount = try amount.magnitude()
        line.gross = try gross?.magnitude()
        for index in line.taxes.indices {
            line.taxes[index].amount = try line.taxes[index].amount.magnitude()
            line.taxes[index].base = try line.taxes[index].base?.magnitude()
        }
        line.voids = nil
        line.voided = false
        line.returned = nil
        return line
    }
}

extension Money {
    fileprivate func magnitude() throws(LoyaltyError) -> Money { isNegative ? try negated() : self }
}
