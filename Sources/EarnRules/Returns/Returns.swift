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
    /// with its own amount. In a period a limit lets as much come back as it gave in it, or as it gives at most, as the goods
    /// may be of an earlier one; what comes back is free to be earned again.
    ///
    /// - Returns: its `counterChanges` are what to count of limits, before goods that the same document sells are evaluated.
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
        let tier = try tier(before: input)
        let basket = try Basket(sale, entitlements: entitlements)
        return try Fractions.exactElseCoarse { isCoarse throws(LoyaltyError) in
            var evaluation = Evaluation(self, reversal, basket, tier: tier, isCoarse: isCoarse)
            evaluation.limitReversal()
            var result = try evaluation.run(rules.filter { $0.kind == .rate || $0.kind == .multiplier })
            result = try evaluation.finish(result)
            result.counterChanges = result.counterChanges.compactMap { returned($0) }
            return result
        }
    }

    /// A use of a limit as a use that came back; nil for other counters. It stays whatever becomes of the goods that the document sells.
    private func returned(_ change: CounterChange) -> CounterChange? {
        let name = CounterName(name: change.key.name, scope: change.key.scope, per: change.key.per)
        guard CounterName.limits(rules, caps).contains(name) else { return nil }
        var key = change.key
        key.name = name.returned.name
        return CounterChange(key: key, amount: change.amount, lines: [], kept: change.amount)
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
