public import LoyaltyModel

/// Lines, taxes and discounts of a sale against the till's own total.
public struct TotalsCheck: Sendable, Hashable {
    /// The sum of the lines that count.
    public var lines: Money
    /// What lowers the price of the whole basket, from zero.
    public var discounts: Money
    public var taxes: Money
    /// Whether the amounts of the lines contain the taxes.
    public var taxIsIncluded: Bool
    /// What lines, discounts and taxes come to.
    public var expected: Money
    /// What the till says.
    public var grand: Money

    public var agrees: Bool { expected == grand }

    /// - Throws: `number.overflow`, `money.currency_mismatch`.
    public init(_ sale: Sale) throws(LoyaltyError) {
        let counted = sale.lines.filter { !$0.voided }
        lines = try Self.sum(counted.map(\.amount), sale.currency)
        let lowered = try sale.discounts.map { discount throws(LoyaltyError) in
            discount.amount.isNegative ? try discount.amount.negated() : discount.amount
        }
        discounts = try Self.sum(lowered, sale.currency)
        if !sale.taxes.isEmpty {
            taxes = try Self.sum(sale.taxes.map(\.amount), sale.currency)
        } else if let tax = sale.totals.tax {
            taxes = tax
        } else {
            taxes = try Self.sum(counted.flatMap(\.taxes).map(\.amount), sale.currency)
        }
        grand = sale.totals.grand
        // On a pure return the discount lowers what is paid back.
        let net = try lines.adding(lines.isNegative ? discounts : discounts.negated())
        let gross = try net.adding(taxes)
        taxIsIncluded = sale.pricesIncludeTax ?? (net == grand || gross != grand)
        expected = taxIsIncluded ? net : gross
    }

    private static func sum(_ amounts: [Money], _ currency: Currency) throws(LoyaltyError) -> Money {
        var sum = Money.zero(currency)
        for amount in amounts { sum = try sum.adding(amount) }
        return sum
    }
}
