public import LoyaltyModel

/// Lines, taxes and discounts of a document against the till's own total.
public struct TotalsCheck: Sendable, Hashable {
    /// The sum of the lines that count.
    public var lines: Money
    /// What lowers the price of the whole basket, from zero.
    public var discounts: Money
    /// The taxes, and whether the amounts of the lines contain them already.
    public var taxes: Money
    public var taxIsIncluded: Bool
    /// What lines, discounts and taxes come to.
    public var expected: Money
    /// What the till says.
    public var grand: Money

    public var agrees: Bool { expected == grand }

    /// - Throws: `number.overflow`.
    init(_ sale: AdaptedSale) throws(LoyaltyError) {
        let currency = sale.currency
        let decimals = currency.decimals
        let lines = try sale.lines.filter { !$0.voided }.map { $0.amount.rounded(decimals: decimals) }.sum()
        var discounts = DecimalNumber.zero
        for discount in sale.discounts {
            discounts = try discounts.adding(discount.amount.magnitude().rounded(decimals: decimals))
        }
        let grand = sale.grand.rounded(decimals: decimals)
        let taxes = try Self.taxes(of: sale).rounded(decimals: decimals)
        // On a pure return the discount lowers what is paid back.
        let net = lines.isNegative ? try lines.adding(discounts) : try lines.subtracting(discounts)
        let gross = try net.adding(taxes)
        taxIsIncluded = sale.pricesIncludeTax ?? (net == grand || gross != grand)
        self.lines = try Money(lines, currency)
        self.discounts = try Money(discounts, currency)
        self.taxes = try Money(taxes, currency)
        self.grand = try Money(grand, currency)
        expected = try Money(taxIsIncluded ? net : gross, currency)
    }

    private static func taxes(of sale: AdaptedSale) throws(LoyaltyError) -> DecimalNumber {
        if !sale.taxes.isEmpty { return try sale.taxes.map(\.amount).sum() }
        if let tax = sale.tax { return tax }
        return try sale.lines.filter { !$0.voided }.flatMap(\.taxes).map(\.amount).sum()
    }
}
