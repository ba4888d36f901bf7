import LoyaltyModel

/// Finds the reading of a document under which lines, taxes, discounts and rewards come to its own grand total.
///
/// Tills that write POSLog disagree about what an amount contains: `ExtendedAmount` before or after discounts, with or without
/// tax, rewards once or twice. The grand total decides; where no reading comes to it, the first stands and the sale is flagged.
struct POSLogTotals {
    private struct Reading {
        var taxIncluded: Bool
        var subtractsLineDiscounts: Bool
        var rewards: [Reward]
        var countsRounding: Bool
    }

    private struct Reward {
        var amount: DecimalNumber
        var promotion: String?
        var isDetail: Bool
    }

    private let body: XMLElement
    private let currency: Currency
    private let lines: [AdaptedSale.Line]

    init(_ body: XMLElement, currency: Currency, lines: [AdaptedSale.Line]) {
        self.body = body
        self.currency = currency
        self.lines = lines
    }

    /// - Throws: `adapter.missing` for a finished sale without a grand total.
    func settle(_ sale: inout AdaptedSale, isFinished: Bool) throws(LoyaltyError) {
        let grand = try total("TransactionGrandAmount")
        guard let grand else {
            if isFinished {
                throw LoyaltyError(
                    .adapterMissing, "there is no Total with the TotalType TransactionGrandAmount", at: body.place)
            }
            return
        }
        // A pure return may come with positive totals and taxes.
        let isBack = !lines.isEmpty && lines.allSatisfy { $0.returned != nil || $0.voided }
        let wanted = isBack && !grand.isNegative ? [try grand.negated(), grand] : [grand]
        let basketTaxes = isBack ? try basketTaxes().turned(negative: true) : try basketTaxes()
        let discounts = try basketDiscounts()
        let rewards = try rewards(&sale)
        let rounding = try rounding()
        let flag = try taxFlag(&sale)
        let taxes = basketTaxes.isEmpty ? lines.filter { !$0.voided }.flatMap(\.taxes) : basketTaxes
        let tax = try taxes.map(\.amount).sum()
        let taxReadings = tax.isZero ? [true] : flag.map { [$0, !$0] } ?? [true, false]
        let discountReadings = lines.contains { !$0.discounts.isEmpty } ? [false, true] : [false]
        let roundingReadings = rounding.isEmpty ? [true] : [true, false]

        let first = Reading(
            taxIncluded: flag ?? true, subtractsLineDiscounts: false, rewards: rewards.first ?? [], countsRounding: true
        )
        var chosen = first
        var chosenGrand = wanted[0]
        search: for grand in wanted {
            for rewards in rewards {
                for discountReading in discountReadings {
                    for taxReading in taxReadings {
                        for roundingReading in roundingReadings {
                            let reading = Reading(
                                taxIncluded: taxReading, subtractsLineDiscounts: discountReading, rewards: rewards,
                                countsRounding: roundingReading)
                            let sum = try expected(reading, discounts: discounts, tax: tax, rounding: rounding)
                            if sum.rounded(decimals: currency.decimals) == grand {
                                (chosen, chosenGrand) = (reading, grand)
                                break search
                            }
                        }
                    }
                }
            }
        }
        sale.grand = chosenGrand
        try apply(
            chosen, &sale, discounts: discounts, basketTaxes: basketTaxes, rounding: rounding, tax: tax, flag: flag)
    }

    private func apply(
        _ reading: Reading, _ sale: inout AdaptedSale, discounts: [AdaptedSale.Discount],
        basketTaxes: [AdaptedSale.Tax],
        rounding: [AdaptedSale.Line], tax: DecimalNumber, flag: Bool?
    ) throws(LoyaltyError) {
        for index in sale.lines.indices {
            let amount = sale.lines[index].amount
            let discount = try sale.lines[index].discounts.map(\.amount).sum()
            let signed = amount.isNegative ? try discount.negated() : discount
            if reading.subtractsLineDiscounts {
                sale.lines[index].gross = amount
                sale.lines[index].amount = try amount.subtracting(signed)
            } else if !discount.isZero {
                sale.lines[index].gross = try amount.adding(signed)
            }
        }
        sale.discounts = discounts
        for reward in reading.rewards {
            sale.discounts.append(
                AdaptedSale.Discount(amount: try reward.amount.magnitude(), source: .loyalty, code: reward.promotion))
        }
        sale.taxes = basketTaxes
        // Taxes of lines are rounded one by one in the event, their sum is not.
        if basketTaxes.isEmpty, !tax.isZero { sale.tax = tax }
        if reading.countsRounding { sale.lines += rounding }
        sale.pricesIncludeTax = tax.isZero ? flag : reading.taxIncluded
    }

    private func expected(
        _ reading: Reading, discounts: [AdaptedSale.Discount], tax: DecimalNumber, rounding: [AdaptedSale.Line]
    ) throws(LoyaltyError) -> DecimalNumber {
        let decimals = currency.decimals
        var sum = DecimalNumber.zero
        for line in lines where !line.voided {
            var amount = line.amount
            if reading.subtractsLineDiscounts {
                let discount = try line.discounts.map(\.amount).sum()
                amount = amount.isNegative ? try amount.adding(discount) : try amount.subtracting(discount)
            }
            sum = try sum.adding(amount.rounded(decimals: decimals))
        }
        if reading.countsRounding { sum = try sum.adding(rounding.map(\.amount).sum()) }
        var lowered = try discounts.map(\.amount).sum()
        for reward in reading.rewards { lowered = try lowered.adding(reward.amount.magnitude()) }
        sum = sum.isNegative ? try sum.adding(lowered) : try sum.subtracting(lowered)
        return reading.taxIncluded ? sum : try sum.adding(tax.rounded(decimals: decimals))
    }

    // MARK: What the document says

    private func total(_ type: String) throws(LoyaltyError) -> DecimalNumber? {
        let totals = body.all("Total").filter { $0.attributes["TotalType"]?.lowercased() == type.lowercased() }
        let own = totals.first {
            ($0.attributes["Currency"] ?? $0.attributes["CurrencyCode"] ?? currency.code) == currency.code
        }
        return try own?.decimal()
    }

    private func basketTaxes() throws(LoyaltyError) -> [AdaptedSale.Tax] {
        var taxes: [AdaptedSale.Tax] = []
        for item in body.all("LineItem") where try !item.flag("VoidFlag") { taxes += try POSLogLines.taxes(item) }
        return taxes
    }

    private func basketDiscounts() throws(LoyaltyError) -> [AdaptedSale.Discount] {
        var discounts: [AdaptedSale.Discount] = []
        for item in body.all("LineItem") where try !item.flag("VoidFlag") {
            guard let discount = item.first("Discount"), let amount = try discount.decimal("Amount") else { continue }
            discounts.append(AdaptedSale.Discount(amount: try amount.magnitude(), code: discount.text("PromotionID")))
        }
        return discounts
    }

    private func rounding() throws(LoyaltyError) -> [AdaptedSale.Line] {
        var lines: [AdaptedSale.Line] = []
        for (index, item) in body.all("LineItem").enumerated() {
            guard let element = item.first("Rounding"), !element.text.isEmpty else { continue }
            let id = "\(item.text("SequenceNumber") ?? String(index + 1))-rounding"
            var line = AdaptedSale.Line(id: id, place: element.place, amount: try element.decimal())
            line.kind = .rounding
            lines.append(line)
        }
        return lines
    }

    /// The ways to count the reward rows, the likeliest first: rows marked as detail; each promotion once; all; none.
    ///
    /// Only rows of negative money count at all: others hold the number of offers used.
    private func rewards(_ sale: inout AdaptedSale) throws(LoyaltyError) -> [[Reward]] {
        var rows: [Reward] = []
        for item in body.all("LineItem") where try !item.flag("VoidFlag") {
            guard let row = item.first("LoyaltyReward"), let amount = try row.decimal("Amount") else { continue }
            guard amount.isNegative else {
                if !amount.isZero { sale.raise(AdapterFlag.rewardCount) }
                continue
            }
            let isMarked = try row.flag("DetailFlag")
            let isDetail = try row.flag(child: "DetailFlag")
            rows.append(
                Reward(amount: amount, promotion: row.text("PromotionID"), isDetail: isMarked || isDetail == true))
        }
        let details = rows.filter(\.isDetail)
        var once: [Reward] = []
        for row in rows where !once.contains(where: { $0.promotion == row.promotion && $0.amount == row.amount }) {
            once.append(row)
        }
        if !details.isEmpty, details.count < rows.count { sale.raise(AdapterFlag.rewardRepeated) }
        if details.isEmpty, once.count < rows.count { sale.raise(AdapterFlag.rewardRepeated) }
        return (details.isEmpty ? [] : [details]) + [once, rows, []]
    }

    /// What the flags of the lines say, where they agree.
    private func taxFlag(_ sale: inout AdaptedSale) throws(LoyaltyError) -> Bool? {
        var seen: Set<Bool> = []
        for item in body.all("LineItem") {
            guard let goods = item.first("Sale") ?? item.first("Return") else { continue }
            if let flag = try goods.flag(child: "TaxIncludedInPriceFlag") { seen.insert(flag) }
            for tax in goods.all("Tax") {
                if let flag = try tax.flag(child: "TaxIncludedInTaxableAmountFlag") { seen.insert(flag) }
            }
        }
        if seen.count > 1 { sale.raise(AdapterFlag.taxFlagsContradict) }
        return seen.count == 1 ? seen.first : nil
    }
}
