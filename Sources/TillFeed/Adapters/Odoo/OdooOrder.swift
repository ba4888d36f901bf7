import DataFormats
import LoyaltyModel

/// An order of Odoo's point of sale: a `pos.order` as the server reads it, or as the till sends it (`data`, commands around lines).
///
/// Source: odoo/odoo `addons/point_of_sale/models/pos_order.py` (001b3e3).
struct OdooOrder {
    private let order: JSONObject
    private let settings: AdapterSettings
    private let screening: CardScreening

    static let documents: @Sendable (JSONObject, NativeConversion) throws(LoyaltyError) -> [ConvertedDocument] = {
        root, conversion throws(LoyaltyError) in
        let order = try root.object("data") ?? root
        let read = OdooOrder(order: order, settings: conversion.settings, screening: conversion.decoder.screening)
        do throws(LoyaltyError) { return [conversion.document(try read.sale())] } catch {
            return [conversion.problem(error, at: order.place, of: read.subject)]
        }
    }

    private var subject: DocumentSubject {
        DocumentSubject(
            register: try? register(), number: try? number(), uid: try? uid(), verb: (try? state())?.verb)
    }

    private func sale() throws(LoyaltyError) -> AdaptedSale {
        guard let currency = try currency() else {
            throw LoyaltyError(
                .adapterMissing, "no currency is named", at: order.place,
                remedy: "Write till.currency into the configuration")
        }
        guard let store = settings.store else {
            throw LoyaltyError(
                .adapterMissing, "no store is named", at: order.place, remedy: "Write site.store into the configuration"
            )
        }
        guard let register = try register() else {
            throw LoyaltyError(
                .adapterMissing, "no register is named", at: order.place,
                remedy: "Write till.register into the configuration")
        }
        guard let number = try number() else { throw order.missing("pos_reference") }
        var sale = AdaptedSale(
            place: order.place, store: store, register: register, number: number, time: try time(), currency: currency)
        sale.uid = try uid()
        sale.receipt = try order.id(anyOf: "pos_reference", screening: screening)
        sale.closedAt = sale.time
        sale.operatorID = try reference("user_id")
        try lines(&sale)
        sale.grand = try order.requiredDecimal("amount_total")
        try markTip(&sale)
        sale.tax = try order.decimal("amount_tax")
        (sale.verb, sale.state) = try state()
        try tenders(&sale)
        if let partner = try reference("partner_id") {
            sale.cards = [AdaptedSale.Card(value: partner, kind: .memberID, entry: .lookup)]
        }
        if sale.verb == .complete { sale.classifyGoods() }
        return sale
    }

    private func register() throws(LoyaltyError) -> String? {
        if let register = settings.register { return register }
        return try reference(anyOf: "config_id", "pos_session_id", "session_id")
    }

    /// What comes back names the record of the order, so it goes first; orders of the till have none. A new database counts its records
    /// anew, so it is no `uid`: where another order had the number, their times tell them apart.
    private func number() throws(LoyaltyError) -> String? {
        if let record = Self.record(order) { return Self.number(record) }
        return try printedNumber()
    }

    private func printedNumber() throws(LoyaltyError) -> String? {
        try order.id(anyOf: "pos_reference", "name", screening: screening)
    }

    private func uid() throws(LoyaltyError) -> String? {
        // The `uid` of earlier versions repeats the reference, which two tills without a network give twice
        // (https://github.com/odoo/odoo/issues/71455): it tells sales apart no better than the number.
        let printed = try printedNumber() ?? ""
        return try order.id(anyOf: "uuid", "uid", screening: screening).flatMap { printed.hasSuffix($0) ? nil : $0 }
    }

    /// The till's own clock is written as UTC without saying so.
    private func time() throws(LoyaltyError) -> Timestamp {
        var universal = settings
        universal.offsetMinutes = { _ in 0 }
        guard let time = try order.time(anyOf: "date_order", "creation_date", settings: universal) else {
            throw order.missing("date_order")
        }
        return time
    }

    private func state() throws(LoyaltyError) -> (verb: TillEvent.SaleVerb, state: Sale.State) {
        switch try order.text("state") {
        case "paid", "done", "invoiced": return (.complete, .completed)
        case "draft": return (.update, .open)
        case "cancel": return (.cancel, .cancelled)
        // What the till itself sends has no state; it is a draft until it is paid in full.
        case nil: return try isPaid() ? (.complete, .completed) : (.update, .open)
        default:
            throw order.error(
                "state", "this state is not known, so the order is not taken for completed", code: .adapterUnknownStatus
            )
        }
    }

    private func isPaid() throws(LoyaltyError) -> Bool {
        guard let currency = try currency() else { return false }
        let total = try order.requiredDecimal("amount_total").rounded(decimals: currency.decimals)
        let paid = try order.requiredDecimal("amount_paid")
        let change = try order.decimal("amount_return") ?? .zero
        let kept = try paid.subtracting(change.magnitude())
        for sum in [paid, kept] {
            let rounded = sum.rounded(decimals: currency.decimals)
            if rounded == total { return true }
            if try isCashRounded(total, to: rounded, currency) { return true }
        }
        return false
    }

    /// Steps that cash is rounded to, in the smallest units of a currency: the smallest coins that people pay with, and where shops
    /// round further, that as well.
    private static let cashSteps: [String: [Int64]] = [
        "AED": [25], "ALL": [100], "AMD": [1000], "ARS": [100, 1000], "BDT": [100], "CLP": [10], "CNY": [10],
        "COP": [5000, 10000],
        "CRC": [500], "CZK": [100], "DKK": [50], "DOP": [100], "EGP": [25], "GEL": [5], "HKD": [10],
        "HUF": [500, 1000], "IDR": [5000, 10000], "ILS": [10], "INR": [50, 100], "IQD": [250_000], "JOD": [5, 10],
        "JPY": [5, 10], "KES": [100], "KRW": [10, 100], "KZT": [100, 500], "LKR": [100], "MKD": [100], "MXN": [10, 50],
        "NGN": [500, 1000], "NOK": [100], "NPR": [100], "NZD": [10], "PEN": [10], "PHP": [5, 25, 100], "PKR": [100],
        "PYG": [50, 100], "QAR": [25], "RSD": [100], "RUB": [10, 50, 100], "SEK": [100], "THB": [25, 100],
        "TND": [10, 50, 100], "TRY": [5, 25], "TWD": [100], "TZS": [5000], "UAH": [10, 50], "UGX": [50, 100],
        "UYU": [100], "VND": [500, 1000], "XAF": [5, 25], "XOF": [5, 25], "XPF": [5], "ZAR": [10],
    ]

    /// Whether what was paid is the total as a till rounds it for cash, which Odoo leaves out of the total. What nobody
    /// has paid anything of is none.
    ///
    /// It rounds up, down or to the nearest, and the order does not say which; but what is left of a bill that is split could be paid.
    private func isCashRounded(
        _ total: DecimalNumber, to paid: DecimalNumber, _ currency: Currency
    ) throws(LoyaltyError) -> Bool {
        guard !paid.isZero else { return false }
        let difference = try Money(total.subtracting(paid), currency).minorUnits.magnitude
        let units = try Money(paid, currency).minorUnits.magnitude
        // Five cents, as in all countries of the euro that round, and nearly everywhere that has cents; of dinars and rials with
        // three decimals coins of five thousandths.
        let steps =
            Self.cashSteps[currency.code] ?? (currency.decimals == 2 ? [5] : currency.decimals == 3 ? [5, 10] : [])
        return steps.contains { difference < $0 && units % UInt64($0) == 0 }
    }

    private func reference(anyOf keys: String...) throws(LoyaltyError) -> String? {
        for key in keys { if let number = try reference(key) { return number } }
        return nil
    }

    /// The record's own number, where the server has made one.
    private static func record(_ object: JSONObject) -> Int64? {
        guard case .integer(let id) = object.value("id")?.value, id > 0 else { return nil }
        return id
    }

    /// As Odoo itself writes a reference to a record of any kind.
    private static func number(_ record: some CustomStringConvertible) -> String { "pos.order,\(record)" }

    /// The order whose goods come back: a record alone or with its name, or the only one of a list.
    private func refunded() throws(LoyaltyError) -> String? {
        if let record = try reference("refunded_order_id") { return Self.number(record) }
        guard case .array(let records) = order.value("refunded_order_ids")?.value, records.count == 1,
            case .integer(let record) = records[0].value
        else { return nil }
        return Self.number(record)
    }

    /// The number of a record: alone, or in front of its name, which is not read.
    private func reference(_ key: String, of object: JSONObject? = nil) throws(LoyaltyError) -> String? {
        let object = object ?? order
        guard let node = object.value(key) else { return nil }
        guard case .array(let pair) = node.value else { return try object.text(key) }
        guard case .integer(let id) = pair.first?.value else { throw object.error(key, "expected a record's number") }
        return String(id)
    }

    private func currency() throws(LoyaltyError) -> Currency? {
        if case .array(let pair) = order.value("currency_id")?.value, pair.count > 1,
            case .string(let code) = pair[1].value,
            let currency = try? Currency(code)
        {
            return currency
        }
        return settings.currency
    }

    /// The objects of the first list that has any; they may be written as commands: `[0, 0, {…}]`.
    private func records(_ keys: String..., needed: Bool = true) throws(LoyaltyError) -> [JSONObject] {
        for key in keys {
            guard let node = order.value(key) else { continue }
            guard case .array(let items) = node.value else { throw order.error(key, "expected an array") }
            guard !items.isEmpty else { continue }
            var records: [JSONObject] = []
            for (index, item) in items.enumerated() {
                let path = "\(order.path(key))[\(index)]"
                switch item.value {
                case .array(let command) where command.count == 3:
                    records.append(try JSONObject(command[2], path: path + "[2]"))
                // The number of a record says nothing. A sale counts without its payments, and not without its lines.
                case .integer where !needed: continue
                case .integer:
                    throw LoyaltyError(
                        .adapterMissing, "only the number of a line stands here", at: item.place.with(path: path),
                        remedy: "Export the lines with their fields")
                default: records.append(try JSONObject(item, path: path))
                }
            }
            return records
        }
        return []
    }

    private func lines(_ sale: inout AdaptedSale) throws(LoyaltyError) {
        var hasTaxedAmounts = true
        let refunded = try refunded()
        let isRecord = Self.record(order) != nil
        for (index, record) in try records("lines").enumerated() {
            let quantity = try record.requiredDecimal("qty")
            let price = try record.decimal("price_unit")
            let percent = try record.decimal("discount") ?? .zero
            var amount = try record.decimal("price_subtotal_incl")
            if amount == nil, let price {
                hasTaxedAmounts = false
                let share = try DecimalNumber(100).subtracting(percent).multiplied(by: DecimalNumber("0.01"))
                amount = try price.multiplied(by: quantity).multiplied(by: share)
            }
            guard let amount else { throw record.missing("price_subtotal_incl") }
            // What comes back names the record of the line.
            let number = isRecord ? Self.record(record).map { "\($0)" } : nil
            let written = try record.id(anyOf: "uuid", "id", screening: screening)
            var line = AdaptedSale.Line(
                id: number ?? written ?? "\(index + 1)", place: record.place, amount: amount)
            line.quantity = quantity
            line.unitPrice = price
            line.name = try record.text("full_product_name")
            line.code = try reference("product_id", of: record).map { ProductCode(value: $0, scheme: .internal) }
            if let price, !percent.isZero {
                let gross = try price.multiplied(by: quantity)
                let discount = try gross.multiplied(by: percent).multiplied(by: DecimalNumber("0.01")).magnitude()
                line.discounts = [AdaptedSale.Discount(amount: discount)]
            }
            let reward = try reference("reward_id", of: record)
            let isMarked = try record.boolean("is_reward_line")
            let isReward = reward != nil || isMarked == true
            if isReward { line.kind = .reward }
            if quantity.isNegative, !isReward {
                let origin = try reference("refunded_orderline_id", of: record)
                let isLinked = origin != nil || refunded != nil
                line.returned = ReturnReference(
                    link: isLinked ? SaleLink(relation: .returns, number: refunded, line: origin) : nil,
                    receipt: isLinked ? .with : .without)
            }
            sale.lines.append(line)
        }
        sale.pricesIncludeTax = hasTaxedAmounts ? true : nil
    }

    /// A tip is a line of a product that a setting of the shop's names, so it is known by Odoo's name for it, or by the tip's amount.
    private func markTip(_ sale: inout AdaptedSale) throws(LoyaltyError) {
        let sold = sale.lines.indices.filter { sale.lines[$0].kind == .item && sale.lines[$0].returned == nil }
        let named = sold.filter { ["tip", "tips", "[tips] tips"].contains(sale.lines[$0].name?.lowercased()) }
        for index in named { sale.lines[index].kind = .tip }
        guard named.isEmpty, let tip = try order.decimal("tip_amount"), !tip.isZero,
            try order.boolean("is_tipped") != false
        else { return }
        let decimals = sale.currency.decimals
        let amount = tip.rounded(decimals: decimals)
        // It comes last, when all else is paid for.
        if let index = sold.last(where: { sale.lines[$0].amount.rounded(decimals: decimals) == amount }) {
            sale.lines[index].kind = .tip
            return
        }
        let others = try sale.lines.map { $0.amount.rounded(decimals: decimals) }.sum()
        guard try others.adding(amount) == sale.grand.rounded(decimals: decimals) else { return }
        var line = AdaptedSale.Line(id: "tip", place: order.place("tip_amount"), amount: tip)
        line.kind = .tip
        sale.lines.append(line)
    }

    private func tenders(_ sale: inout AdaptedSale) throws(LoyaltyError) {
        for record in try records("statement_ids", "payment_ids", needed: false) {
            guard let amount = try record.decimal("amount") else { continue }
            // How it was paid is a record of the server's; its name is not in the order.
            sale.tenders.append(AdaptedSale.Tender(kind: .other, amount: amount))
        }
        if let change = try order.decimal("amount_return"), !change.isZero, !sale.tenders.isEmpty {
            sale.tenders[0].change = try change.magnitude()
        }
    }
}
