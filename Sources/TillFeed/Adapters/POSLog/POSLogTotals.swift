import LoyaltyModel

/// Finds the reading of a document under which lines, taxes, discounts and rewards come to its own grand total.
///
/// Tills that write POSLog disagree about what an amount contains: `ExtendedAmount` before or after discounts, with or without
/// tax, rewards once or twice. The grand total decides; where no reading comes to it, the first stands and the sale is flagged.
struct POSLogTotals {
    private struct Reading {
        var taxIncluded: Bool
        var subtractsLineDiscounts: Bool
        var lowered: Lowered
        var countsRounding: Bool
    }

    /// What lowers the price of the whole basket.
    private struct Lowered {
        var discounts: [AdaptedSale.Discount] = []
        var flags: [String] = []
    }

    private struct Reward {
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

    /// - Returns: whether a reading comes to the grand total.
    /// - Throws: `adapter.missing` for a finished sale without a grand total.
    func settle(_ sale: inout AdaptedSale, isFinished: Bool) throws(LoyaltyError) -> Bool {
        let grand = try total("TransactionGrandAmount")
        guard let grand else {
            if isFinished {
                throw LoyaltyError(
                    .adapterMissing, "there is no Total with the TotalType TransactionGrandAmount", at: body.place)
            }
            return true
        }
        // A pure return may come with positive totals and taxes.
        let isBack =
            lines.contains { $0.returned != nil }
            && lines.allSatisfy { $0.returned != nil || $0.voided || $0.voids != nil }
        let wanted = isBack && !grand.isNegative ? [try grand.negated(), grand] : [grand]
        let basketTaxes = try basketTaxes(isBack: isBack, &sale)
        let lowerings = try lowerings(&sale)
        let rounding = try rounding()
        let flag = try taxFlag(&sale)
        let taxes = basketTaxes.isEmpty ? lines.filter { !$0.voided }.flatMap(\.taxes) : basketTaxes
        let tax = try taxes.map(\.amount).sum()
        let taxReadings = tax.isZero ? [true] : flag.map { [$0, !$0] } ?? [true, false]
        let discountReadings = lines.contains { !$0.discounts.isEmpty } ? [false, true] : [false]
        let roundingReadings = rounding.isEmpty ? [true] : [true, false]

        let first = Reading(
            taxIncluded: flag ?? true, subtractsLineDiscounts: false, lowered: lowerings.first ?? Lowered(),
            countsRounding: true)
        var chosen = first
        var chosenGrand = wanted[0]
        var agrees = false
        search: for grand in wanted {
            for lowered in lowerings {
                for discountReading in discountReadings {
                    for taxReading in taxReadings {
                        for roundingReading in roundingReadings {
                            let reading = Reading(
                                taxIncluded: taxReading, subtractsLineDiscounts: discountReading, lowered: lowered,
                                countsRounding: roundingReading)
                            let sum = try expected(reading, tax: tax, rounding: rounding)
                            if sum.rounded(decimals: currency.decimals) == grand {
                                (chosen, chosenGrand, agrees) = (reading, grand, true)
                                break search
                            }
                        }
                    }
                }
            }
        }
        sale.grand = chosenGrand
        try apply(chosen, &sale, basketTaxes: basketTaxes, rounding: rounding, tax: tax, flag: flag)
        return agrees
    }

    private func apply(
        _ reading: Reading, _ sale: inout AdaptedSale, basketTaxes: [AdaptedSale.Tax], rounding: [AdaptedSale.Line],
        tax: DecimalNumber, flag: Bool?
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
        sale.discounts = reading.lowered.discounts
        for flag in reading.lowered.flags { sale.raise(flag) }
        sale.taxes = basketTaxes
        // Taxes of lines are rounded one by one in the event, their sum is not.
        if basketTaxes.isEmpty, !tax.isZero { sale.tax = tax }
        if reading.countsRounding { sale.lines += rounding }
        sale.pricesIncludeTax = tax.isZero ? flag : reading.taxIncluded
    }

    private func expected(
        _ reading: Reading, tax: DecimalNumber, rounding: [AdaptedSale.Line]
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
        let lowered = try reading.lowered.discounts.map(\.amount).sum()
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

    private func basketTaxes(
        isBack: Bool, _ sale: inout AdaptedSale
    ) throws(LoyaltyError) -> [AdaptedSale.Tax] {
        var rows: [POSLogRow<AdaptedSale.Tax>] = []
        for item in body.all("LineItem") {
            let isVoid = try item.flag("VoidFlag")
            for tax in try POSLogLines.taxes(item) {
                rows.append(POSLogRow(key: tax.code ?? "", amount: tax.amount, isVoid: isVoid, value: tax))
            }
        }
        var taxes: [AdaptedSale.Tax] = []
        for row in try rows.netted() {
            if row.isVoid { sale.raise(AdapterFlag.voidWithoutPartner) }
            var tax = row.value
            // What is left of a tax is that of another base.
            if tax.amount != row.amount { tax.base = nil }
            tax.amount = row.amount
            taxes.append(tax)
        }
        return isBack ? try taxes.turned(negative: true) : taxes
    }

    private func rounding() throws(LoyaltyError) -> [AdaptedSale.Line] {
        var rows: [POSLogRow<AdaptedSale.Line>] = []
        for (index, item) in body.all("LineItem").enumerated() {
            guard let element = item.first("Rounding"), !element.text.isEmpty else { continue }
            let id = "\(item.text("SequenceNumber") ?? String(index + 1))-rounding"
            var line = AdaptedSale.Line(id: id, place: element.place, amount: try element.decimal())
            line.kind = .rounding
            rows.append(POSLogRow(key: "", amount: line.amount, isVoid: try item.flag("VoidFlag"), value: line))
        }
        return try rows.netted().filter { !$0.isVoid }.map { row in
            var line = row.value
            line.amount = row.amount
            return line
        }
    }

    /// The ways to count discounts and rewards, the likeliest first.
    ///
    /// What they take off is written with or without a minus, so that rows with a VoidFlag may say different things.
    private func lowerings(_ sale: inout AdaptedSale) throws(LoyaltyError) -> [Lowered] {
        let discounts = try discountRows()
        let rewards = try rewardRows(&sale)
        let hasVoids = discounts.contains(where: \.isVoid) || rewards.contains(where: \.isVoid)
        var ways: [Lowered] = []
        for reversal in POSLogReversal.allCases.prefix(hasVoids ? 3 : 1) {
            let netted = try discounts.netted(reversal)
            var lowered = Lowered()
            for row in netted {
                guard !row.isVoid else {
                    lowered.flags.append(AdapterFlag.voidWithoutPartner)
                    continue
                }
                lowered.discounts.append(AdaptedSale.Discount(amount: try row.amount.magnitude(), code: row.value))
            }
            let (counts, isRepeated) = try counts(rewards, reversal)
            if isRepeated { lowered.flags.append(AdapterFlag.rewardRepeated) }
            for counted in counts {
                var way = lowered
                for row in counted {
                    way.discounts.append(
                        AdaptedSale.Discount(
                            amount: try row.amount.magnitude(), source: .loyalty, code: row.value.promotion))
                }
                ways.append(way)
            }
        }
        return ways
    }

    private func discountRows() throws(LoyaltyError) -> [POSLogRow<String?>] {
        var rows: [POSLogRow<String?>] = []
        for item in body.all("LineItem") {
            guard let discount = item.first("Discount"), let amount = try discount.decimal("Amount") else { continue }
            let promotion = discount.text("PromotionID")
            rows.append(
                POSLogRow(
                    key: promotion ?? "", amount: amount, isVoid: try item.flag("VoidFlag"), value: promotion))
        }
        return rows
    }

    private func rewardRows(_ sale: inout AdaptedSale) throws(LoyaltyError) -> [POSLogRow<Reward>] {
        var rows: [POSLogRow<Reward>] = []
        for item in body.all("LineItem") {
            guard let row = item.first("LoyaltyReward"), let amount = try row.decimal("Amount") else { continue }
            let isVoid = try item.flag("VoidFlag")
            if !isVoid, !amount.isNegative, !amount.isZero { sale.raise(AdapterFlag.rewardCount) }
            let isMarked = try row.flag("DetailFlag")
            let isDetail = try row.flag(child: "DetailFlag")
            let reward = Reward(promotion: row.text("PromotionID"), isDetail: isMarked || isDetail == true)
            rows.append(
                POSLogRow(
                    key: "\(reward.isDetail) \(reward.promotion ?? "")", amount: amount, isVoid: isVoid, value: reward))
        }
        return rows
    }

    /// The ways to count the reward rows, the likeliest first: rows marked as detail; each promotion once; all; none.
    ///
    /// Only rows of negative money count at all: others hold the number of offers used.
    private func counts(
        _ all: [POSLogRow<Reward>], _ reversal: POSLogReversal
    ) throws(LoyaltyError) -> (ways: [[POSLogRow<Reward>]], isRepeated: Bool) {
        let rows = try all.netted(reversal).filter { !$0.isVoid && $0.amount.isNegative }
        let details = rows.filter(\.value.isDetail)
        var once: [POSLogRow<Reward>] = []
        for row in rows
        where !once.contains(where: { $0.value.promotion == row.value.promotion && $0.amount == row.amount }) {
            once.append(row)
        }
        // Where details have all been taken back, none are left to count, whatever their summaries say.
        let hasDetails = all.contains { !$0.isVoid && $0.amount.isNegative && $0.value.isDetail }
        let isRepeated = (hasDetails ? details : once).count < rows.count
        return ((hasDetails ? [details] : []) + [once, rows, []], isRepeated)
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
