import LoyaltyModel

/// A Shopify order with its refunds, or a refund alone, as the REST Admin API writes them, bare or in the answer's envelope.
///
/// Source: `test/fixtures/order.json` of Shopify's Python client.
struct ShopifyOrder {
    private let order: JSONObject
    private let conversion: NativeConversion
    private var settings: AdapterSettings { conversion.settings }
    private var screening: CardScreening { conversion.decoder.screening }

    static let documents: @Sendable (JSONObject, NativeConversion) throws(LoyaltyError) -> [ConvertedDocument] = {
        root, conversion throws(LoyaltyError) in
        let wrapped = try root.object("refund")
        if let refund = wrapped ?? (root.value("refund_line_items") == nil ? nil : root) {
            return [ShopifyRefund(refund: refund, order: nil, conversion: conversion).converted()]
        }
        let inner = try root.object("order")
        let orders = root.value("orders") == nil ? [inner ?? root] : try root.objects("orders")
        var documents: [ConvertedDocument] = []
        for order in orders {
            documents.append(ShopifyOrder(order: order, conversion: conversion).converted())
            for refund in try order.objects("refunds") {
                documents.append(ShopifyRefund(refund: refund, order: order, conversion: conversion).converted())
            }
        }
        return documents
    }

    private func converted() -> ConvertedDocument {
        do throws(LoyaltyError) { return conversion.document(try sale()) } catch {
            let id = try? order.id(anyOf: "id", screening: screening)
            let number = try? order.id(anyOf: "order_number", screening: screening)
            let subject = DocumentSubject(
                register: try? Self.register(order, conversion), number: number ?? id, uid: id,
                verb: (try? state())?.verb)
            return conversion.problem(error, at: order.place, of: subject)
        }
    }

    private func sale() throws(LoyaltyError) -> AdaptedSale {
        guard let id = try order.id(anyOf: "id", screening: screening) else { throw order.missing("id") }
        guard let time = try order.time(anyOf: "processed_at", "created_at", settings: settings) else {
            throw order.missing("processed_at")
        }
        guard let currency = try order.currency("currency") ?? settings.currency else {
            throw order.missing("currency")
        }
        var sale = AdaptedSale(
            place: order.place, store: try Self.store(order, conversion),
            register: try Self.register(order, conversion),
            number: try order.id(anyOf: "order_number", screening: screening) ?? id, time: time, currency: currency)
        sale.uid = id
        sale.receipt = try order.text("name")
        sale.revision = try order.time("updated_at", settings).map { $0.time.microseconds / 1_000_000 }
        sale.openedAt = try order.time("created_at", settings)?.time
        // `closed_at` is when the order was archived.
        sale.closedAt = time
        sale.operatorID = try order.id(anyOf: "user_id", screening: screening)
        sale.training = try order.boolean("test") ?? false
        sale.pricesIncludeTax = try order.boolean("taxes_included")
        (sale.verb, sale.state) = try state()
        // It may have counted when it was paid.
        if sale.verb == .void { sale.links = [SaleLink(relation: .voids, uid: sale.uid)] }
        for (index, item) in try order.objects("line_items").enumerated() {
            sale.lines.append(try Self.line(item, "\(index + 1)", screening))
        }
        try extras(&sale)
        try discounts(&sale)
        sale.taxes = try Self.taxes(order)
        sale.tax = try order.decimal("total_tax")
        sale.grand = try order.requiredDecimal("total_price")
        if let customer = try order.object("customer")?.id(anyOf: "id", screening: screening) {
            sale.cards = [AdaptedSale.Card(value: customer, kind: .memberID, entry: .lookup)]
        }
        return sale
    }

    /// A document without a place of its own gets the settings'; the settings come first because the web has no store.
    static func store(_ order: JSONObject, _ conversion: NativeConversion) throws(LoyaltyError) -> String {
        let location = try order.id(anyOf: "location_id", screening: conversion.decoder.screening)
        guard let store = conversion.settings.store ?? location else {
            throw LoyaltyError(
                .adapterMissing, "no store is named", at: order.place, remedy: "Write site.store into the configuration"
            )
        }
        return store
    }

    static func register(_ order: JSONObject, _ conversion: NativeConversion) throws(LoyaltyError) -> String {
        let device = try order.id(anyOf: "device_id", "source_name", screening: conversion.decoder.screening)
        return conversion.settings.register ?? device ?? "shopify"
    }

    private func state() throws(LoyaltyError) -> (verb: TillEvent.SaleVerb, state: Sale.State) {
        let isCancelled = order.value("cancelled_at") != nil
        switch try order.required("financial_status") {
        case "paid", "partially_refunded", "refunded": return isCancelled ? (.void, .voided) : (.complete, .completed)
        case "pending", "authorized", "partially_paid": return isCancelled ? (.void, .voided) : (.update, .open)
        case "voided": return (.void, .voided)
        default:
            throw order.error(
                "financial_status", "this status is not known, so the order is not taken for completed",
                code: .adapterUnknownStatus)
        }
    }

    static func line(
        _ item: JSONObject, _ number: String, _ screening: CardScreening
    ) throws(LoyaltyError) -> AdaptedSale.Line {
        let quantity = try item.requiredDecimal("quantity")
        let price = try item.requiredDecimal("price")
        let gross = try price.multiplied(by: quantity)
        var discount = DecimalNumber.zero
        for allocation in try item.objects("discount_allocations") {
            discount = try discount.adding(allocation.requiredDecimal("amount"))
        }
        if item.value("discount_allocations") == nil { discount = try item.decimal("total_discount") ?? .zero }
        var line = AdaptedSale.Line(
            id: try item.id(anyOf: "id", screening: screening) ?? number, place: item.place,
            amount: try gross.subtracting(discount))
        line.quantity = quantity
        line.unitPrice = price
        line.gross = gross
        if !discount.isZero { line.discounts = [AdaptedSale.Discount(amount: discount)] }
        line.name = try item.text(anyOf: "title", "name")
        line.code = try code(item, screening)
        line.taxes = try taxes(item)
        if try item.boolean("gift_card") == true { line.kind = .giftCard }
        if try isTip(item) { line.kind = .tip }
        return line
    }

    /// A tip of the checkout or the till is a line without a product.
    private static func isTip(_ item: JSONObject) throws(LoyaltyError) -> Bool {
        if try item.text("tip_payment_gateway") != nil { return true }
        guard try item.text(anyOf: "sku", "variant_id", "product_id") == nil else { return false }
        return try item.text(anyOf: "title", "name")?.lowercased() == "tip"
    }

    private static func code(
        _ item: JSONObject, _ screening: CardScreening
    ) throws(LoyaltyError) -> ProductCode? {
        if let sku = try item.text("sku") { return ProductCode(value: sku, scheme: .sku) }
        return try item.id(anyOf: "variant_id", "product_id", screening: screening)
            .map { ProductCode(value: $0, scheme: .internal) }
    }

    private static func taxes(_ object: JSONObject) throws(LoyaltyError) -> [AdaptedSale.Tax] {
        var taxes: [AdaptedSale.Tax] = []
        for tax in try object.objects("tax_lines") {
            let percent = try tax.decimal("rate")?.multiplied(by: DecimalNumber(100))
            taxes.append(
                AdaptedSale.Tax(amount: try tax.requiredDecimal("price"), code: try tax.text("title"), percent: percent)
            )
        }
        return taxes
    }

    private func extras(_ sale: inout AdaptedSale) throws(LoyaltyError) {
        for (index, shipping) in try order.objects("shipping_lines").enumerated() {
            var amount = try shipping.requiredDecimal("price")
            for allocation in try shipping.objects("discount_allocations") {
                amount = try amount.subtracting(allocation.requiredDecimal("amount"))
            }
            let id = try shipping.id(anyOf: "id", screening: screening) ?? "\(index + 1)"
            var line = AdaptedSale.Line(id: "shipping-\(id)", place: shipping.place, amount: amount)
            line.kind = .fee
            line.taxes = try Self.taxes(shipping)
            sale.lines.append(line)
        }
        // A tip that is a line already is in this total as well.
        let hasTip = sale.lines.contains { $0.kind == .tip }
        if let tip = try order.decimal("total_tip_received"), !tip.isZero, !hasTip {
            var line = AdaptedSale.Line(id: "tip", place: order.place("total_tip_received"), amount: tip)
            line.kind = .tip
            sale.lines.append(line)
        }
    }

    /// Discounts that no line carries, as older orders have them.
    private func discounts(_ sale: inout AdaptedSale) throws(LoyaltyError) {
        guard let total = try order.decimal("total_discounts") else { return }
        let onLines = try sale.lines.flatMap(\.discounts).map(\.amount).sum()
        let hasAllocations = try order.objects("line_items").contains { $0.value("discount_allocations") != nil }
        let rest = try total.subtracting(onLines)
        guard !hasAllocations, !rest.isZero, !rest.isNegative else { return }
        let code = try order.objects("discount_codes").first?.text("code")
        sale.discounts = [AdaptedSale.Discount(amount: rest, source: code == nil ? .till : .coupon, code: code)]
    }
}

/// One refund of an order: goods that come back, and what was paid back.
struct ShopifyRefund {
    let refund: JSONObject
    /// Nil where the refund came alone.
    let order: JSONObject?
    let conversion: NativeConversion
    private var settings: AdapterSettings { conversion.settings }
    private var screening: CardScreening { conversion.decoder.screening }

    func converted() -> ConvertedDocument {
        do throws(LoyaltyError) { return conversion.document(try sale()) } catch {
            let id = try? refund.id(anyOf: "id", screening: screening).map { "refund-\($0)" }
            let subject = DocumentSubject(
                register: try? ShopifyOrder.register(order ?? refund, conversion), number: id, uid: id, verb: .return)
            return conversion.problem(error, at: refund.place, of: subject)
        }
    }

    private func sale() throws(LoyaltyError) -> AdaptedSale {
        guard let id = try refund.id(anyOf: "id", screening: screening) else { throw refund.missing("id") }
        let written = try order?.id(anyOf: "id", screening: screening)
        let orderID = try refund.id(anyOf: "order_id", screening: screening)
        guard let orderID = written ?? orderID else { throw refund.missing("order_id") }
        guard let time = try refund.time(anyOf: "processed_at", "created_at", settings: settings) else {
            throw refund.missing("created_at")
        }
        let payments = try refund.objects("transactions").filter { payment in
            (try? payment.text("kind")) == "refund" && (try? payment.text("status")) == "success"
        }
        let ordered = try order?.currency("currency")
        let paidIn = try payments.first?.currency("currency")
        guard let currency = ordered ?? paidIn ?? settings.currency else { throw refund.missing("currency") }
        let header = order ?? refund
        var sale = AdaptedSale(
            place: refund.place, store: try ShopifyOrder.store(header, conversion),
            register: try ShopifyOrder.register(header, conversion), number: "refund-\(id)", time: time,
            currency: currency)
        sale.uid = "refund-\(id)"
        sale.verb = .return
        sale.kind = .return
        sale.closedAt = time
        sale.operatorID = try refund.id(anyOf: "user_id", screening: screening)
        sale.training = try order?.boolean("test") ?? false
        sale.pricesIncludeTax = try order?.boolean("taxes_included")
        sale.links = [SaleLink(relation: .returns, uid: orderID)]
        try lines(&sale, orderID)
        try adjustments(&sale)
        sale.hasTotal = !payments.isEmpty
        var paid = DecimalNumber.zero
        for payment in payments { paid = try paid.adding(payment.requiredDecimal("amount")) }
        sale.grand = try paid.negated()
        if payments.isEmpty { sale.grand = try sale.lines.map(\.amount).sum() }
        if let customer = try order?.object("customer")?.id(anyOf: "id", screening: screening) {
            sale.cards = [AdaptedSale.Card(value: customer, kind: .memberID, entry: .lookup)]
        }
        return sale
    }

    private func lines(_ sale: inout AdaptedSale, _ orderID: String) throws(LoyaltyError) {
        var tax = DecimalNumber.zero
        for (index, back) in try refund.objects("refund_line_items").enumerated() {
            let lineID = try back.id(anyOf: "line_item_id", screening: screening)
            let amount = try back.requiredDecimal("subtotal")
            let item = try back.object("line_item").map { item throws(LoyaltyError) in
                try ShopifyOrder.line(item, "\(index + 1)", screening)
            }
            var line = item ?? AdaptedSale.Line(id: "\(index + 1)", place: back.place, amount: amount)
            line.id = try back.id(anyOf: "id", screening: screening) ?? "\(index + 1)"
            line.amount = try amount.signed(negative: true)
            line.quantity = try back.requiredDecimal("quantity").signed(negative: true)
            line.gross = nil
            line.discounts = []
            line.taxes = []
            if let lineTax = try back.decimal("total_tax"), !lineTax.isZero {
                line.taxes = [AdaptedSale.Tax(amount: try lineTax.signed(negative: true))]
                tax = try tax.subtracting(lineTax)
            }
            line.returned = ReturnReference(
                link: SaleLink(relation: .returns, uid: orderID, line: lineID), receipt: .with)
            sale.lines.append(line)
        }
        sale.tax = tax.isZero ? nil : tax
    }

    /// Carriage paid back, and differences that no line explains; negative as written.
    private func adjustments(_ sale: inout AdaptedSale) throws(LoyaltyError) {
        for (index, adjustment) in try refund.objects("order_adjustments").enumerated() {
            let amount = try adjustment.requiredDecimal("amount")
            let id = try adjustment.id(anyOf: "id", screening: screening) ?? "\(index + 1)"
            var line = AdaptedSale.Line(id: "adjustment-\(id)", place: adjustment.place, amount: amount)
            line.kind = .fee
            line.quantity = DecimalNumber(amount.isNegative ? -1 : 1)
            sale.lines.append(line)
            if let tax = try adjustment.decimal("tax_amount"), !tax.isZero {
                sale.tax = try (sale.tax ?? .zero).adding(tax)
            }
        }
    }
}
