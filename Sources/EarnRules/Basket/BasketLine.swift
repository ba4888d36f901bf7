import LoyaltyModel

/// A line as evaluation sees it: its class, what is left of it after cancellations, and its share of basket discounts.
/// Money is in minor units of the sale's currency.
struct BasketLine {
    let source: SaleLine
    let lineClass: LineClass
    /// Why the line cannot earn; nil where it can.
    var excluded: String?
    /// After line discounts and cancellations.
    var amount: Int128
    var quantity: DecimalNumber
    /// Reductions that `amount` already contains, as positive numbers.
    var ownDiscount: Int128 = 0
    var ownCoupon: Int128 = 0
    /// Shares of what lowers the whole basket.
    var discount: Int128 = 0
    var coupon: Int128 = 0
    /// What the customer pays for it; never negative.
    var net: Int128 = 0
    /// A cancellation, or cancelled itself: no part of the sale's total.
    var isVoid = false
    /// The till says that only its quantity counts.
    var isQuantityOnly = false

    init(_ source: SaleLine, currency: Currency) throws(LoyaltyError) {
        guard source.amount.currency == currency else {
            throw LoyaltyError(
                .currencyMismatch,
                "line \(source.id) is in \(source.amount.currency), the sale in \(currency)"
            )
        }
        self.source = source
        lineClass = LineClass(source.kind)
        amount = Int128(source.amount.minorUnits)
        quantity = source.quantity
        for discount in source.discounts {
            let size = Int128(discount.amount.minorUnits.magnitude)
            if discount.source == .coupon { ownCoupon += size } else { ownDiscount += size }
        }
        // The gross amount says more than the list of discounts, which may be incomplete.
        if let gross = source.gross, Int128(gross.minorUnits) > amount {
            ownDiscount = max(Int128(gross.minorUnits) - amount - ownCoupon, 0)
        }
    }

    /// The money that counts, before tax and tenders.
    func price(_ basis: Basis) -> Int128 {
        if basis.price == .list, !isVoid, !lineClass.neverEarns, let list = listAmount { return list }
        return net + (basis.discounts == .gross ? discount + ownDiscount : 0)
            + (basis.coupons == .gross ? coupon + ownCoupon : 0)
    }

    /// List price times quantity, half up to the cent; nil where the till sends none.
    private var listAmount: Int128? {
        guard let list = source.listPrice, !list.isNegative, !quantity.isNegative else { return nil }
        let product = try? list.ratio.multiplied(by: quantity.ratio).rounded(
            .halfUp, scale: source.amount.currency.decimals)
        return product.map { Int128($0) }
    }

    /// A cancellation takes part of the line away.
    mutating func reduce(by other: BasketLine) throws(LoyaltyError) {
        let before = amount
        amount += other.amount
        quantity = try quantity.adding(other.quantity)
        guard before > 0, amount > 0, amount < before else { return }
        for path in [\BasketLine.ownDiscount, \BasketLine.ownCoupon] {
            self[keyPath: path] = Int128(
                Apportionment.part(of: self[keyPath: path].magnitude, amount.magnitude, over: before.magnitude).quotient
            )
        }
    }
}

extension SaleLine {
    /// Takes goods back: marked so, or with a negative quantity, and not the cancellation of another line.
    func isReturn(in sale: Sale) -> Bool {
        guard voids == nil, !voided else { return false }
        switch kind {
        case .coupon, .reward, .rounding, .tip, .depositReturn: return false
        case .item, .weighted, .fuel, .deposit, .service, .fee, .donation, .giftCard, .other:
            return returned != nil || quantity.isNegative || sale.kind == .return
        }
    }
}
