import DataFormats
import LoyaltyModel

/// A day of the "Online Retail" data set (UCI; D. Chen), one sale per invoice, in the order of the file.
struct OnlineRetail: Sendable {
    struct Invoice: Sendable {
        var number: String
        /// The data set's customer number; nil where the invoice has none.
        var customer: String?
        /// Local time of day without zone, `09:26:00`.
        var time: String
        /// RFC 3339 date.
        var day: String
        var lines: [NativeSale.Line]
        var total: Money
        /// True for invoices `C…` and for stock corrections, whose quantities are all negative.
        var isReturn: Bool
    }

    /// What the sales are stamped with, as the file does not say it.
    struct Till: Sendable {
        var store = "1"
        var register = "1"
        var epoch: String?
        /// `+00:00`
        var offset = "+00:00"
        /// Another day for all sales, as an RFC 3339 date; nil leaves them on theirs.
        var date: String?

        var source: String { "\(store)/\(register)" }
    }

    static let columns = [
        "InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID",
    ]

    let invoices: [Invoice]

    /// - Throws: `sim.sales` and the codes of CSV, numbers and times, with the line.
    init(_ bytes: [UInt8], file: String? = nil) throws(LoyaltyError) {
        do throws(LoyaltyError) { invoices = try Self.invoices(bytes) } catch {
            let place = Place(file: file, line: error.place?.line, column: error.place?.column)
            throw LoyaltyError(error.code, error.message, at: place, remedy: error.remedy)
        }
    }

    private static func invoices(_ bytes: [UInt8]) throws(LoyaltyError) -> [Invoice] {
        var reader = CSVRowReader()
        reader.append(bytes)
        reader.finish()
        guard let first = try reader.next() else {
            throw LoyaltyError(.simulatorSales, "the file has no heading", at: Place(line: 1))
        }
        let header = try CSVHeader(first)
        var invoices: [Invoice] = []
        var index: [String: Int] = [:]
        while let row = try reader.next() {
            let entry = try Entry(row, header)
            do throws(LoyaltyError) {
                let place = index[entry["InvoiceNo"]] ?? invoices.count
                if place == invoices.count { invoices.append(try entry.invoice()) }
                index[entry["InvoiceNo"]] = place
                try entry.add(to: &invoices[place])
            } catch { throw LoyaltyError(error.code, error.message, at: Place(line: row.line)) }
        }
        for place in invoices.indices { invoices[place].markReturns() }
        return invoices
    }

    /// A fixed sale event for an invoice.
    static func event(_ invoice: Invoice, till: Till, seq: UInt64?) -> NativeEvent {
        let day = till.date ?? invoice.day
        let time = "\(day)T\(invoice.time)\(till.offset)"
        let sale = NativeSale(
            store: till.store, register: till.register, number: invoice.number,
            kind: invoice.isReturn ? "return" : "sale", state: "completed", closedAt: time,
            currency: invoice.total.currency.code, pricesIncludeTax: true, lines: invoice.lines,
            tenders: [.init(kind: "card", amount: invoice.total.amountText)],
            totals: .init(grand: invoice.total.amountText))
        return NativeEvent(
            type: invoice.isReturn ? "sale.return" : "sale.complete", id: "\(invoice.number)-end",
            source: till.source, epoch: till.epoch, seq: seq, time: time, businessDay: day, sale: sale)
    }

    /// What kind of line a stock code is; the data set mixes goods, carriage, fees, corrections and vouchers.
    static func lineKind(_ stockCode: String) -> SaleLine.Kind {
        switch stockCode.uppercased() {
        case "POST", "DOT", "C2", "BANK CHARGES", "AMAZONFEE": .fee
        case "CRUK": .donation
        case "M", "D", "S", "B": .other
        case let code where code.hasPrefix("GIFT_"): .giftCard
        default: .item
        }
    }
}

extension OnlineRetail.Invoice {
    fileprivate mutating func markReturns() {
        isReturn = !lines.isEmpty && lines.allSatisfy { $0.qty.hasPrefix("-") }
        for place in lines.indices where lines[place].qty.hasPrefix("-") {
            lines[place].return = .init(receipt: "without")
        }
    }
}

/// One row with its columns by name.
private struct Entry {
    private var text: [String: String] = [:]

    init(_ row: CSVRow, _ header: CSVHeader) throws(LoyaltyError) {
        for (name, field) in try header.fields(of: row) { text[name] = field.text }
        if let missing = OnlineRetail.columns.first(where: { text[$0] == nil }) {
            throw LoyaltyError(.simulatorSales, "there is no column \(missing)", at: header.row.fields.first?.place)
        }
    }

    subscript(_ column: String) -> String { text[column] ?? "" }

    func invoice() throws(LoyaltyError) -> OnlineRetail.Invoice {
        // The dates are `2010-12-14 09:26:00`; reading them with a zone checks their form.
        let parts = self["InvoiceDate"].split(separator: " ")
        guard parts.count == 2 else { throw LoyaltyError(.timeSyntax, "InvoiceDate is a date and a time") }
        let instant = try Timestamp("\(parts[0])T\(parts[1])Z")
        // CustomerID went through a spreadsheet: `16161.0`.
        let customer = self["CustomerID"].prefix { $0 != "." }
        guard customer.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            throw LoyaltyError(.simulatorSales, "CustomerID is not a number")
        }
        guard !self["InvoiceNo"].isEmpty else { throw LoyaltyError(.simulatorSales, "InvoiceNo is empty") }
        return OnlineRetail.Invoice(
            number: self["InvoiceNo"], customer: customer.isEmpty ? nil : String(customer), time: String(parts[1]),
            day: instant.date.description, lines: [], total: .zero(try Currency("GBP")), isReturn: false)
    }

    func add(to invoice: inout OnlineRetail.Invoice) throws(LoyaltyError) {
        guard let quantity = Int64(self["Quantity"]) else {
            throw LoyaltyError(.simulatorSales, "Quantity is not a whole number")
        }
        let price = try DecimalNumber(self["UnitPrice"])
        let (product, overflow) = price.coefficient.multipliedReportingOverflow(by: quantity)
        guard !overflow else { throw LoyaltyError(.numberOverflow, "price times quantity does not fit") }
        let amount = try Money(
            DecimalNumber(coefficient: product, scale: price.scale), invoice.total.currency)
        invoice.total = try invoice.total.adding(amount)
        invoice.lines.append(
            NativeSale.Line(
                id: String(invoice.lines.count + 1), kind: OnlineRetail.lineKind(self["StockCode"]).rawValue,
                code: .init(value: self["StockCode"], scheme: ProductCode.Scheme.sku.rawValue),
                name: self["Description"].isEmpty ? nil : self["Description"], qty: String(quantity),
                unitPrice: price.description, amount: amount.amountText))
    }
}

extension LoyaltyError.Code {
    static let simulatorSales = Self("sim.sales", kind: .badData)
}
