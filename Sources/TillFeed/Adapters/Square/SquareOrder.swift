import LoyaltyModel

/// A Square order, as the Orders API writes it, bare or in the `order` or `orders` of an answer.
///
/// Source: https://developer.squareup.com/reference/square/objects/Order.
struct SquareOrder {
    private let order: JSONObject
    private let settings: AdapterSettings

    static let documents: @Sendable (JSONObject, NativeConversion) throws(LoyaltyError) -> [ConvertedDocument] = {
        root, conversion throws(LoyaltyError) in
        let inner = try root.object("order")
        let orders = root.value("orders") == nil ? [inner ?? root] : try root.objects("orders")
        return orders.map { order in
            let read = SquareOrder(order: order, settings: conversion.settings)
            do throws(LoyaltyError) { return conversion.document(try read.sale()) } catch {
                return conversion.problem(error, at: order.place, of: read.subject)
            }
        }
    }

    private var subject: DocumentSubject {
        let id = try? order.text("id")
        return DocumentSubject(
            register: try? register(), number: id, uid: id, verb: (try? state())?.verb)
    }

    private func register() throws(LoyaltyError) -> String {
        let source = try order.object("source")?.text("name")
        return settings.register ?? source ?? "square"
    }

    private func sale() throws(LoyaltyError) -> AdaptedSale {
        let id = try order.required("id")
        guard let time = try order.time(anyOf: "closed_at", "updated_at", "created_at", settings: settings) else {
            throw order.missing("created_at")
        }
        guard let total = try order.object("total_money") else { throw order.missing("total_money") }
        guard let currency = try total.currency("currency") else { throw total.missing("currency") }
        let location = try order.text("location_id")
        guard let store = settings.store ?? location else { throw order.missing("location_id") }
        var sale = AdaptedSale(
            place: order.place, store: store, register: try register(),
            // No number of Square's own is unique; the id is.
            number: id, time: time, currency: currency)
        sale.uid = id
        sale.receipt = try order.text(anyOf: "reference_id", "ticket_name")
        sale.revision = try order.integer("version")
        sale.openedAt = try order.time("created_at", settings)?.time
        sale.closedAt = try order.time("closed_at", settings)?.time
        // What lines cost stands with their tax.
        sale.pricesIncludeTax = true
        (sale.verb, sale.state) = try state()
        try lines(&sale)
        try returns(&sale)
        try tenders(&sale)
        let netTax = try order.object("net_amounts")?.object("tax_money")
        let soldTax = try order.object("total_tax_money")
        sale.tax = try amount(netTax ?? soldTax, sale)
        sale.grand = try grand(total, sale)
        if let customer = try order.text("customer_id") {
            sale.cards = [AdaptedSale.Card(value: customer, kind: .memberID, entry: .lookup)]
        }
        if sale.verb == .complete { sale.classifyGoods() }
        return sale
    }

    private func state() throws(LoyaltyError) -> (verb: TillEvent.SaleVerb, state: Sale.State) {
        switch try order.required("state") {
        case "COMPLETED": return (.complete, .completed)
        case "OPEN", "DRAFT": return (.update, .open)
        case "CANCELED": return (.cancel, .cancelled)
        default:
            throw order.error(
                "state", "this state is not known, so the order is not taken for completed", code: .adapterUnknownStatus
            )
        }
    }

    /// What was sold less what came back. Without `net_amounts` Square's total leaves returns out.
    private func grand(_ total: JSONObject, _ sale: AdaptedSale) throws(LoyaltyError) -> DecimalNumber {
        if let net = try order.object("net_amounts")?.object("total_money") { return try amount(net, sale) ?? .zero }
        let whole = try amount(total, sale) ?? .zero
        guard let back = try amount(order.object("return_amounts")?.object("total_money"), sale) else { return whole }
        return try whole.subtracting(back)
    }

    /// Minor units as major ones. - Throws: `adapter.bad_value` for another currency.
    private func amount(_ money: JSONObject?, _ sale: AdaptedSale) throws(LoyaltyError) -> DecimalNumber? {
        guard let money, let units = try money.integer("amount") else { return nil }
        if let other = try money.currency("currency"), other != sale.currency {
            throw money.error("currency", "the order mixes currencies")
        }
        return try DecimalNumber(coefficient: units, scale: sale.currency.decimals)
    }

    // MARK: Lines

    private func lines(_ sale: inout AdaptedSale) throws(LoyaltyError) {
        for (index, item) in try order.objects("line_items").enumerated() {
            sale.lines.append(try line(item, "\(index + 1)", sale))
        }
        for (index, charge) in try order.objects("service_charges").enumerated() {
            let id = try charge.text("uid") ?? "charge-\(index + 1)"
            guard let amount = try amount(charge.object(anyOf: "total_money", "amount_money"), sale) else { continue }
            sale.lines.append(Self.extra(id, .fee, amount, charge.place))
        }
        if let tip = try amount(order.object("total_tip_money"), sale), !tip.isZero {
            sale.lines.append(Self.extra("tip", .tip, tip, order.place("total_tip_money")))
        }
        if let rounding = try amount(order.object("rounding_adjustment")?.object("amount_money"), sale),
            !rounding.isZero
        {
            sale.lines.append(Self.extra("rounding", .rounding, rounding, order.place("rounding_adjustment")))
        }
    }

    private static func extra(
        _ id: String, _ kind: SaleLine.Kind, _ amount: DecimalNumber, _ place: Place
    ) -> AdaptedSale.Line {
        var line = AdaptedSale.Line(id: id, place: place, amount: amount)
        line.kind = kind
        return line
    }

    private func line(_ item: JSONObject, _ number: String, _ sale: AdaptedSale) throws(LoyaltyError)
        -> AdaptedSale.Line
    {
        guard let amount = try amount(item.object("total_money"), sale) else { throw item.missing("total_money") }
        var line = AdaptedSale.Line(id: try item.text("uid") ?? number, place: item.place, amount: amount)
        line.quantity = try item.decimal("quantity") ?? .one
        if let unit = try item.object("quantity_unit")?.object("measurement_unit") {
            line.unitOfMeasure = Self.unit(try unit.text(anyOf: "weight_unit", "volume_unit"))
        }
        line.name = try item.text("name")
        line.code = try item.text("catalog_object_id").map { ProductCode(value: $0, scheme: .internal) }
        line.unitPrice = try self.amount(item.object("base_price_money"), sale)
        line.gross = try self.amount(item.object(anyOf: "gross_sales_money", "gross_return_money"), sale)
        if let discount = try self.amount(item.object("total_discount_money"), sale), !discount.isZero {
            line.discounts = [AdaptedSale.Discount(amount: discount)]
        }
        if let tax = try self.amount(item.object("total_tax_money"), sale), !tax.isZero {
            line.taxes = [AdaptedSale.Tax(amount: tax)]
        }
        switch try item.text("item_type") {
        case "GIFT_CARD": line.kind = .giftCard
        default: line.kind = line.unitOfMeasure == "kg" || line.unitOfMeasure == "lb" ? .weighted : .item
        }
        return line
    }

    private static func unit(_ name: String?) -> String {
        switch name {
        case "METRIC_KILOGRAM": "kg"
        case "METRIC_GRAM": "g"
        case "IMPERIAL_POUND": "lb"
        case "METRIC_LITER": "l"
        default: "ea"
        }
    }

    private func returns(_ sale: inout AdaptedSale) throws(LoyaltyError) {
        for (index, back) in try order.objects("returns").enumerated() {
            let source = try back.text("source_order_id")
            for (position, item) in try back.objects("return_line_items").enumerated() {
                var line = try line(item, "return-\(index + 1)-\(position + 1)", sale)
                line.amount = try line.amount.signed(negative: true)
                line.quantity = try line.quantity.signed(negative: true)
                line.gross = try line.gross?.signed(negative: true)
                for tax in line.taxes.indices {
                    line.taxes[tax].amount = try line.taxes[tax].amount.signed(negative: true)
                }
                let link = try source.map { uid throws(LoyaltyError) in
                    SaleLink(relation: .returns, uid: uid, line: try item.text("source_line_item_uid"))
                }
                line.returned = ReturnReference(link: link, receipt: link == nil ? .without : .with)
                sale.lines.append(line)
            }
            for (position, charge) in try back.objects("return_service_charges").enumerated() {
                guard let amount = try amount(charge.object("total_money"), sale) else { continue }
                let id = "return-\(index + 1)-charge-\(position + 1)"
                var line = Self.extra(id, .fee, try amount.signed(negative: true), charge.place)
                line.quantity = DecimalNumber(-1)
                sale.lines.append(line)
            }
        }
        if let tip = try amount(order.object("return_amounts")?.object("tip_money"), sale), !tip.isZero {
            sale.lines.append(
                Self.extra("return-tip", .tip, try tip.signed(negative: true), order.place("return_amounts")))
        }
    }

    private func tenders(_ sale: inout AdaptedSale) throws(LoyaltyError) {
        for tender in try order.objects("tenders") {
            guard let amount = try amount(tender.object("amount_money"), sale) else { continue }
            let cash = try tender.object("cash_details")
            let kind: Tender.Kind =
                switch try tender.text("type") {
                case "CASH": .cash
                case "CARD", "WALLET", "THIRD_PARTY_CARD": .card
                case "SQUARE_GIFT_CARD": .giftCard
                default: .other
                }
            sale.tenders.append(
                AdaptedSale.Tender(
                    kind: kind, amount: try self.amount(cash?.object("buyer_tendered_money"), sale) ?? amount,
                    change: try self.amount(cash?.object("change_back_money"), sale)))
        }
    }
}
