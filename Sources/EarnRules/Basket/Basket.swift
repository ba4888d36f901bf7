import LoyaltyModel

/// A sale made ready for rules: lines classed, cancellations netted out, discounts shared to the cent.
struct Basket {
    /// Flags of `EarnResult`.
    enum Flag {
        static let totalsMismatch = "totals_mismatch"
        static let voidWithoutPartner = "void_without_partner"
        static let taxEstimated = "tax_estimated"
    }

    let sale: Sale
    private(set) var lines: [BasketLine]
    private(set) var flags: [String] = []
    /// What the goods of the sale cost the customer at most: the total, and what was paid with goods brought back.
    private(set) var ceiling: Int128 = 0
    /// Whether line amounts contain tax, as far as it can be told.
    private(set) var includesTax = true

    /// - Parameter entitlements: rights whose price is a fee, so that their lines do not earn.
    /// - Throws: `number.overflow`, `money.currency_mismatch`.
    init(_ sale: Sale, entitlements: [EntitlementDeclaration] = []) throws(LoyaltyError) {
        self.sale = sale
        lines = []
        lines.reserveCapacity(sale.lines.count)
        for line in sale.lines { lines.append(try BasketLine(line, currency: sale.currency)) }
        try cancel()
        classify()
        for index in lines.indices where lines[index].excluded == nil {
            if let sold = entitlements.first(where: { $0.soldAs.matchesAll(lines[index]) }) {
                lines[index].excluded = "it sells \(sold.id), which does not earn"
            }
        }
        try share()
    }

    /// Points or rewards pay a part.
    var isRedeeming: Bool {
        sale.tenders.contains { $0.kind == .points && $0.amount.minorUnits > 0 }
            || sale.discounts.contains { $0.source == .loyalty && !$0.amount.isZero }
            || lines.contains { !$0.isVoid && $0.lineClass == .reward } || !sale.spentOn.isEmpty
    }

    // MARK: Cancellations

    /// Nets reversal lines against their partners, the latest first, so that a reversed reversal leaves its line alone.
    private mutating func cancel() throws(LoyaltyError) {
        var byID: [String: Int] = [:]
        for (index, line) in lines.enumerated() where byID[line.source.id] == nil { byID[line.source.id] = index }
        for index in lines.indices.reversed() {
            guard let id = lines[index].source.voids else {
                if lines[index].source.voided { void(index, "voided") }
                continue
            }
            if let target = byID[id], target != index {
                try reverse(target, by: index)
            } else if let target = samePrice(as: index) {
                try reverse(target, by: index)
            } else {
                raise(Flag.voidWithoutPartner)
                void(index, "cancels line \(id), which is not in the sale")
            }
        }
    }

    private mutating func reverse(_ target: Int, by index: Int) throws(LoyaltyError) {
        if !lines[target].source.voided {
            let before = lines[target].amount
            try lines[target].reduce(by: lines[index])
            let after = lines[target].amount
            if lines[target].source.voids == nil, after == 0 || (before > 0) != (after > 0) {
                void(target, "cancelled by line \(lines[index].source.id)")
            }
        }
        void(index, "cancels line \(lines[target].source.id)")
    }

    /// The latest earlier line of the same product that is at least as large: tills that name no partner net per product.
    private func samePrice(as index: Int) -> Int? {
        guard let code = lines[index].source.code else { return nil }
        return lines[..<index].lastIndex { line in
            line.source.code == code && !line.isVoid && line.source.voids == nil && line.amount >= -lines[index].amount
        }
    }

    private mutating func void(_ index: Int, _ reason: String) {
        lines[index].excluded = reason
        lines[index].isVoid = true
    }

    private mutating func classify() {
        for index in lines.indices where lines[index].excluded == nil {
            let line = lines[index]
            if line.lineClass.neverEarns {
                lines[index].excluded = "a \(line.lineClass.rawValue) line does not earn"
            } else if line.source.isReturn(in: sale) {
                lines[index].excluded = "return"
            } else if line.amount < 0 {
                lines[index].excluded = "lowers the price of the basket"
            } else if line.source.earn == .exclude {
                lines[index].excluded = "the till excluded it"
            } else if line.source.earn == .onlyQuantity {
                lines[index].excluded = "the till counts it by quantity only"
                lines[index].isQuantityOnly = true
            }
        }
    }

    // MARK: Sharing

    /// Shares what lowers the basket over the goods, and holds them to the total of the sale.
    private mutating func share() throws(LoyaltyError) {
        let (discounts, coupons) = reductions()
        for index in lines.indices where isPaid(lines[index]) { lines[index].net = lines[index].amount }
        // Gift cards and deposits are sold at face value; a discount falls on them only where nothing else was sold.
        let hasGoods = lines.contains { isPaid($0) && $0.lineClass.isMerchandise && $0.amount > 0 }
        for (path, total) in [(\BasketLine.discount, discounts), (\BasketLine.coupon, coupons)] {
            let weights = lines.map { !hasGoods || $0.lineClass.isMerchandise ? $0.net : 0 }
            let shared = min(total, weights.reduce(0, +))
            for (index, share) in try Apportionment.shares(of: shared, over: weights).enumerated() {
                lines[index][keyPath: path] = share
                lines[index].net -= share
            }
        }
        reconcile(discounts: basketDiscounts(.coupon) + basketDiscounts(nil))
        let rest = try hold(to: ceiling) { $0.lineClass.isMerchandise }
        _ = try hold(to: rest) { !$0.lineClass.isMerchandise }
    }

    /// Whether the customer pays for this line; what the till excludes from earning takes its share like others.
    private func isPaid(_ line: BasketLine) -> Bool {
        !line.isVoid && !line.lineClass.neverEarns && line.amount >= 0 && !line.source.isReturn(in: sale)
    }

    /// Scales the net amounts of some lines down to a total. Returns what is left of it.
    private mutating func hold(to total: Int128, _ belongs: (BasketLine) -> Bool) throws(LoyaltyError) -> Int128 {
        let weights = lines.map { belongs($0) ? $0.net : 0 }
        let sum = weights.reduce(0, +)
        guard sum > total else { return total - sum }
        for (index, share) in try Apportionment.shares(of: total, over: weights).enumerated() where weights[index] > 0 {
            lines[index].net = share
        }
        return 0
    }

    /// Discounts (with rewards and lines of negative price) and coupons on the whole basket, as positive amounts.
    private func reductions() -> (discounts: Int128, coupons: Int128) {
        var discounts = basketDiscounts(nil)
        var coupons: Int128 = 0
        for line in lines where !line.isVoid {
            switch line.lineClass {
            case .coupon: coupons -= line.amount
            case .reward: discounts -= line.amount
            case .goods, .fuel, .service, .other:
                if line.amount < 0, !line.source.isReturn(in: sale) { discounts -= line.amount }
            default: break
            }
        }
        return (max(discounts, 0), max(coupons, 0) + basketDiscounts(.coupon))
    }

    /// Coupons, or everything else for nil.
    private func basketDiscounts(_ source: SaleDiscount.Source?) -> Int128 {
        sale.discounts.reduce(0) { sum, discount in
            (discount.source == .coupon) == (source == .coupon)
                ? sum + Int128(discount.amount.minorUnits.magnitude) : sum
        }
    }

    /// Compares the lines with the total that the till names; the total is what the customer owes.
    private mutating func reconcile(discounts: Int128) {
        let grand = Int128(sale.totals.grand.minorUnits)
        var expected = -discounts
        ceiling = grand
        for line in lines where !line.isVoid {
            expected += line.amount
            guard line.amount < 0 else { continue }
            switch line.lineClass {
            case .coupon, .reward: break
            // What comes back across the counter pays for goods.
            case .goods, .fuel, .service, .other: if line.source.isReturn(in: sale) { ceiling -= line.amount }
            default: ceiling -= line.amount
            }
        }
        ceiling = max(ceiling, 0)
        let tax = taxTotal
        let without = expected == grand || (grand < 0 && expected + 2 * discounts == grand)
        let with = expected + tax == grand || (grand < 0 && expected + tax + 2 * discounts == grand)
        includesTax = sale.pricesIncludeTax ?? (without || !with)
        let agrees = sale.pricesIncludeTax.map { $0 ? without : with } ?? (without || with)
        if !agrees { raise(Flag.totalsMismatch) }
    }

    private mutating func raise(_ flag: String) {
        if !flags.contains(flag) { flags.append(flag) }
    }

    // MARK: Tax

    /// Tax of the sale: as listed, as totalled, or the sum of the lines.
    private var taxTotal: Int128 {
        if !sale.taxes.isEmpty { return sale.taxes.reduce(0) { $0 + Int128($1.amount.minorUnits) } }
        if let tax = sale.totals.tax { return Int128(tax.minorUnits) }
        return lines.reduce(0) { $1.isVoid ? $0 : $0 + $1.source.taxes.reduce(0) { $0 + Int128($1.amount.minorUnits) } }
    }

    /// Without taxes on lines, the tax of the sale has to be shared, which is exact only for one rate.
    var taxIsEstimated: Bool {
        taxTotal != 0 && !lines.contains { !$0.source.taxes.isEmpty }
    }

    /// The share of the sale's tax for each line where no line names its own.
    func sharedTaxes() throws(LoyaltyError) -> [Int128] {
        guard taxIsEstimated else { return [] }
        return try Apportionment.shares(of: taxTotal, over: lines.map(\.net))
    }
}
