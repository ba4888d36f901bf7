import DataFormats
import LoyaltyModel

/// The lines of a `RetailTransaction` that sell goods or take them back.
struct POSLogLines {
    private let body: XMLElement
    /// The whole document refers to the sale whose goods come back.
    private let isReturn: Bool

    init(_ body: XMLElement, isReturn: Bool) {
        self.body = body
        self.isReturn = isReturn
    }

    /// What a line with a VoidFlag says beside that it does not count itself.
    struct Reading {
        /// A `Return` takes back the latest earlier one of the same product and amount.
        var reversesReturns = true
        /// A `Sale` takes back such a line below zero: goods that came back, which tills write as `Sale` as well.
        var reversesNegativeLines = false
    }

    /// The likeliest first.
    var readings: [Reading] {
        let flagged = body.all("LineItem").filter { (try? $0.flag("VoidFlag")) == true }
        let hasSales = flagged.contains { $0.first("Sale") != nil }
        let hasReturns = flagged.contains { $0.first("Sale") == nil && $0.first("Return") != nil }
        var readings = [Reading()]
        if hasReturns { readings.append(Reading(reversesReturns: false)) }
        guard hasSales else { return readings }
        return readings
            + readings.map { Reading(reversesReturns: $0.reversesReturns, reversesNegativeLines: true) }
    }

    /// In the order of the document. Amounts are `ExtendedAmount` with the sign that the quantity says.
    func lines(_ sale: inout AdaptedSale, _ reading: Reading) throws(LoyaltyError) -> [AdaptedSale.Line] {
        var partners = POSLogLinePartners()
        var lines: [AdaptedSale.Line] = []
        var ids: Set<String> = []
        for (index, item) in body.all("LineItem").enumerated() {
            guard let goods = item.first("Sale") ?? item.first("Return") else { continue }
            var id = item.text("SequenceNumber") ?? String(index + 1)
            if !ids.insert(id).inserted { id += "-\(index + 1)" }
            ids.insert(id)
            var line = try self.line(id, goods)
            if try item.flag("VoidFlag") {
                try void(&line, goods, &partners, reading, &sale)
            } else {
                try partners.append(line)
            }
            lines.append(line)
        }
        return lines
    }

    private func line(_ id: String, _ goods: XMLElement) throws(LoyaltyError) -> AdaptedSale.Line {
        let (quantity, unit) = try self.quantity(goods)
        let price = try goods.decimal(anyOf: "ActualSalesUnitPrice", "RegularSalesUnitPrice")
        let extended = try goods.decimal("ExtendedAmount")
        let product = try price.map { price throws(LoyaltyError) in try price.multiplied(by: quantity) }
        guard let written = extended ?? product else {
            throw LoyaltyError(.adapterMissing, "the line has no ExtendedAmount", at: goods.place)
        }
        // Returns come as `Return` with positive figures, or as `Sale` with a negative quantity and a positive amount.
        let isBack = goods.name == "Return" || quantity.isNegative
        var line = AdaptedSale.Line(
            id: id, place: goods.place, amount: isBack ? try written.signed(negative: true) : written)
        line.quantity = isBack ? try quantity.signed(negative: true) : quantity
        line.unitOfMeasure = unit
        line.kind = POSLogWords.lineKind(goods.attributes["ItemType"], unit: unit)
        line.code = Self.code(goods)
        line.name = goods.text("Description") ?? goods.first("ItemID")?.attributes["Name"]
        line.department = goods.all("MerchandiseHierarchy").map(\.text).filter { !$0.isEmpty }
        line.unitPrice = price
        line.listPrice = try goods.decimal("RegularSalesUnitPrice")
        if let discount = try Self.discount(goods), !discount.isZero {
            line.discounts = [
                AdaptedSale.Discount(amount: discount, code: goods.element("RetailPriceModifier", "PromotionID")?.text)
            ]
        }
        line.taxes = try Self.taxes(goods)
        if isBack {
            line.taxes = try line.taxes.turned(negative: true)
            line.returned = try reference(goods)
        }
        return line
    }

    /// The quantity, or the measured units where the quantity only counts packages.
    private func quantity(_ goods: XMLElement) throws(LoyaltyError) -> (DecimalNumber, String) {
        guard let element = goods.first("Quantity") else { return (.one, "ea") }
        let unit = POSLogWords.unit(element.attributes["UnitOfMeasureCode"])
        let quantity = element.text.isEmpty ? DecimalNumber.one : try element.decimal()
        guard unit != "ea", let text = element.attributes["Units"], let units = try? ExactNumber.decimal(text),
            !units.isZero,
            quantity == .one || quantity == DecimalNumber(-1)
        else { return (quantity, unit) }
        return (quantity.isNegative ? try units.signed(negative: true) : units, unit)
    }

    /// The article number, which may stand in either field; the till's own number where neither has one.
    private static func code(_ goods: XMLElement) -> ProductCode? {
        let texts = [goods.text("ItemID"), goods.element("POSIdentity", "POSItemID")?.text]
        let codes = texts.compactMap { $0.flatMap { ProductCode(anyOf: $0) } }
        return codes.first { $0.scheme == .gtin } ?? codes.first { $0.scheme == .plu } ?? codes.first
    }

    /// From zero.
    private static func discount(_ goods: XMLElement) throws(LoyaltyError) -> DecimalNumber? {
        if let whole = try goods.decimal(anyOf: "ExtendedDiscountAmount", "DiscountAmount") {
            return try whole.magnitude()
        }
        var sum = DecimalNumber.zero
        for modifier in goods.all("RetailPriceModifier") {
            if let amount = try modifier.decimal("Amount") { sum = try sum.adding(amount.magnitude()) }
        }
        return sum.isZero ? nil : sum
    }

    static func taxes(_ element: XMLElement) throws(LoyaltyError) -> [AdaptedSale.Tax] {
        var taxes: [AdaptedSale.Tax] = []
        for tax in element.all("Tax") {
            guard let amount = try tax.decimal("Amount") else { continue }
            taxes.append(
                AdaptedSale.Tax(
                    amount: amount, code: tax.text("TaxRuleID") ?? tax.text("TaxGroupID"),
                    base: try tax.decimal("TaxableAmount"), percent: try tax.decimal("Percent")))
        }
        return taxes
    }

    private func reference(_ goods: XMLElement) throws(LoyaltyError) -> ReturnReference {
        let link = try goods.first("TransactionLink").flatMap { element throws(LoyaltyError) in
            try Self.link(element, default: .returns)
        }
        return ReturnReference(
            link: link, reason: goods.text("Reason"), receipt: link != nil || isReturn ? .with : .without)
    }

    // MARK: Voids

    /// A flag on a line with negative figures reverses an earlier one, which itself stays unmarked; on a line with positive
    /// figures it says that this line does not count, or that one below zero does not.
    private func void(
        _ line: inout AdaptedSale.Line, _ goods: XMLElement, _ partners: inout POSLogLinePartners, _ reading: Reading,
        _ sale: inout AdaptedSale
    ) throws(LoyaltyError) {
        let isReturnLine = goods.name == "Return"
        let isReversal = !isReturnLine && (line.quantity.isNegative || line.amount.isNegative)
        var partner: String?
        var isPositive = isReturnLine
        if !isReturnLine, reading.reversesNegativeLines {
            partner = try partners.takeNegative(line)
            isPositive = partner != nil
        }
        if partner == nil, isReversal || (isReturnLine && reading.reversesReturns) {
            partner = try partners.take(line, isReturn: isReturnLine)
        }
        guard isReversal || partner != nil else {
            line.voided = true
            return
        }
        line.returned = nil
        line.quantity = try line.quantity.signed(negative: !isPositive)
        line.amount = try line.amount.signed(negative: !isPositive)
        line.taxes = try line.taxes.turned(negative: !isPositive)
        if partner == nil { sale.raise(AdapterFlag.voidWithoutPartner) }
        // Without a partner an id that no line has: what it would cancel is not known.
        line.voids = partner ?? "\(line.id)-none"
    }

    // MARK: Links

    private static func day(_ element: XMLElement) throws(LoyaltyError) -> CalendarDate? {
        guard let text = element.text("BusinessDayDate") else { return nil }
        do { return try TillTime.day(text) } catch {
            throw LoyaltyError(error.code, error.message, at: element.place.with(path: "BusinessDayDate"))
        }
    }

    /// Nil where the reason is a word that is not known, or none is given and the place says nothing either.
    static func link(_ element: XMLElement, default relation: SaleLink.Relation?) throws(LoyaltyError) -> SaleLink? {
        let word = element.attributes["ReasonCode"] ?? element.attributes["TypeCode"]
        guard let relation = word.flatMap(POSLogWords.relation) ?? relation else { return nil }
        let day = try day(element)
        return SaleLink(
            relation: relation, store: POSLogDocument.store(element), register: element.text("WorkstationID"),
            businessDay: day, number: element.text("SequenceNumber"), uid: element.text("TransactionID"),
            line: element.text("LineItemSequenceNumber"))
    }
}

extension [AdaptedSale.Tax] {
    /// All with the other sign where their sum has the wrong one: tills write the taxes of what comes back with or without a minus.
    func turned(negative: Bool) throws(LoyaltyError) -> [AdaptedSale.Tax] {
        let sum = try map(\.amount).sum()
        guard !sum.isZero, sum.isNegative != negative else { return self }
        var taxes = self
        for index in indices {
            taxes[index].amount = try self[index].amount.negated()
            taxes[index].base = try self[index].base?.negated()
        }
        return taxes
    }
}
