import DataFormats
import EarnRules
import FoundationEssentials
import LoyaltyModel
import Testing
import TillFeed

/// The published sales of Examples/till earn the same, whether they come as CSV, as native lines or as POSLog.
@Suite struct ThreeForms {
    struct File: Sendable, CustomTestStringConvertible {
        var name: String
        var columns: String
        /// How the columns are called that the two other forms are written from.
        var number: String
        var time: String
        var quantity: String
        var code: String
        var member: String
        var store: String?
        /// The line's amount; nil for price times quantity.
        var amount: String?
        var price: String?
        var currency: String
        var sales: Int
        var testDescription: String { name }
    }

    private static let retailColumns = """
        number = "InvoiceNo"
        time = "InvoiceDate"
        quantity = "Quantity"
        unit_price = "UnitPrice"
        code = "StockCode"
        code_scheme = "sku"
        name = "Description"
        member = "CustomerID"
        member_scheme = "member_id"
        kinds = { POST = "fee", DOT = "fee", C2 = "fee", "BANK CHARGES" = "fee", M = "other", D = "other", "gift_*" = "gift_card" }
        """

    private static let journeyColumns = """
        number = "basket_id"
        time = "transaction_timestamp"
        quantity = "quantity"
        amount = "sales_value"
        code = "product_id"
        code_scheme = "internal"
        member = "household_id"
        member_scheme = "member_id"
        store = "store_id"
        """

    static let files = [
        File(
            name: "online-retail-2010-12-14.csv", columns: retailColumns, number: "InvoiceNo", time: "InvoiceDate",
            quantity: "Quantity", code: "StockCode", member: "CustomerID", price: "UnitPrice", currency: "GBP",
            sales: 144),
        File(
            name: "online-retail-2011-02-11.csv", columns: retailColumns, number: "InvoiceNo", time: "InvoiceDate",
            quantity: "Quantity", code: "StockCode", member: "CustomerID", price: "UnitPrice", currency: "GBP",
            sales: 95),
        File(
            name: "complete-journey-60-households.csv", columns: journeyColumns, number: "basket_id",
            time: "transaction_timestamp", quantity: "quantity", code: "product_id", member: "household_id",
            store: "store_id", amount: "sales_value", currency: "USD", sales: 5117),
    ]

    private struct Row {
        var cents: Int
        var amount: String
        var quantity: String
        var code: String
        var isBack: Bool { quantity.hasPrefix("-") }
    }

    private struct Basket {
        var number: String
        var time: String
        var store: String
        var member: String
        var rows: [Row] = []
        var cents: Int { rows.reduce(0) { $0 + $1.cents } }
        var isReturn: Bool { rows.allSatisfy(\.isBack) }
    }

    @Test(arguments: files) func earnsTheSame(file: File) throws {
        let url = TillDocuments.folder.deletingLastPathComponent().appending(path: file.name)
        let bytes = Array(try Data(contentsOf: url))
        let baskets = try Self.baskets(bytes, file)
        #expect(baskets.count == file.sales)

        let table = try TOMLDocument.parse(file.columns, file: "columns")
        let columns = try CSVColumns(try TableReader(table))
        let settings = AdapterSettings(
            store: "1", register: "1", currency: try Currency(file.currency), columns: columns)
        let csv = try Self.events(convert(bytes, .csv, settings))
        let native = try baskets.map { try decoder.decode(Array(Self.native($0, file).utf8)) }
        let xml =
            "<POSLog xmlns=\"http://www.nrf-arts.org/IXRetail/namespace/\">\n"
            + baskets.map { Self.poslog($0, file) }.joined(separator: "\n") + "\n</POSLog>"
        let poslog = try Self.events(convert(Array(xml.utf8), .poslog, settings))

        let programs = try ["points-per-pound", "club"].map(Self.program)
        for program in programs {
            let expected = try native.map { try Self.points($0, program) }
            #expect(expected.count == file.sales)
            #expect(try csv.map { try Self.points($0, program) } == expected)
            #expect(try poslog.map { try Self.points($0, program) } == expected)
        }
        // One point for each whole unit of the goods that went out over the counter, added up from the rows.
        let byHand = baskets.map { basket in
            let cents = basket.rows.filter { !$0.isBack && Self.kind($0.code) == .item }.reduce(0) { $0 + $1.cents }
            return cents < 100 ? "" : "points \(cents / 100)"
        }
        #expect(
            try csv.map { String(try Self.points($0, programs[0]).split(separator: ":")[1]) }
                == byHand.map { $0.isEmpty ? " none" : " \($0)" })
        for (event, basket) in zip(csv, baskets) {
            guard case .sale(_, let sale) = event.content else { continue }
            #expect(sale.totals.grand.minorUnits == Int64(basket.cents))
        }
    }

    private static func program(_ name: String) throws -> Program {
        let url = TillDocuments.folder.deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "programs/\(name).toml")
        return try Program.load(toml: try String(contentsOf: url, encoding: .utf8), file: name, hash: "")
    }

    private static func events(_ documents: [ConvertedDocument]) -> [TillEvent] {
        documents.compactMap { document in
            guard case .event(let event) = document.outcome else {
                Issue.record("\(document.place) \(document.outcome)")
                return nil
            }
            #expect(!event.flags.contains("totals_mismatch"))
            return event.event
        }
    }

    /// `number: points 12`, with the shares of the lines and what the rules noticed.
    private static func points(_ event: TillEvent, _ program: Program) throws -> String {
        guard case .sale(let verb, let sale) = event.content, let closed = sale.closedAt else { return "no sale" }
        var member: Member?
        for card in event.cards {
            if case .number(let number) = card.value { member = Member(id: MemberID(number.value), tier: "gold") }
        }
        let result = try program.evaluate(
            EarnInput(sale: sale, occurredAt: closed, businessDay: event.businessDay ?? closed.date, member: member))
        let total = result.accruals.map { "\($0.currency) \($0.total)" }.joined(separator: " + ")
        let shares = result.accruals.flatMap(\.lines).map { "\($0)" }.joined(separator: ",")
        return
            "\(sale.store)/\(sale.number)/\(verb): \(total.isEmpty ? "none" : total): \(member?.id.value ?? "-") \(result.flags) \(shares)"
    }

    // MARK: The other forms, out of the rows

    private static func baskets(_ bytes: [UInt8], _ file: File) throws -> [Basket] {
        var reader = CSVRowReader()
        reader.append(bytes)
        reader.finish()
        let header = try CSVHeader(try #require(try reader.next()))
        var baskets: [Basket] = []
        while let row = try reader.next() {
            let fields = Dictionary(uniqueKeysWithValues: try header.fields(of: row).map { ($0.name, $0.field.text) })
            let number = try #require(fields[file.number])
            if baskets.last?.number != number {
                let member = fields[file.member] ?? ""
                baskets.append(
                    Basket(
                        number: number, time: (fields[file.time] ?? "").replacing(" ", with: "T"),
                        store: file.store.flatMap { fields[$0] } ?? "1", member: member.replacing(".0", with: "")))
            }
            let quantity = fields[file.quantity] ?? ""
            let cents: Int
            if let amount = file.amount {
                cents = try Self.cents(fields[amount] ?? "")
            } else {
                cents = try Self.cents(fields[file.price ?? ""] ?? "") * (try #require(Int(quantity)))
            }
            let sign = cents < 0 ? "-" : ""
            let amount = "\(sign)\(abs(cents) / 100).\(abs(cents) % 100 < 10 ? "0" : "")\(abs(cents) % 100)"
            baskets[baskets.count - 1].rows.append(
                Row(cents: cents, amount: amount, quantity: quantity, code: fields[file.code] ?? ""))
        }
        return baskets
    }

    private static func cents(_ text: String) throws -> Int {
        let parts = text.split(separator: ".")
        let fraction = parts.count > 1 ? String(parts[1]) : ""
        return try #require(Int(parts[0])) * 100 + (try #require(Int((fraction + "00").prefix(2))))
    }

    private static func kind(_ code: String) -> SaleLine.Kind {
        switch code {
        case "POST", "DOT", "C2", "BANK CHARGES": .fee
        case "M", "D": .other
        default: code.hasPrefix("gift_") ? .giftCard : .item
        }
    }

    private static func time(_ basket: Basket) -> String {
        basket.time.hasSuffix("Z") ? basket.time : basket.time + "Z"
    }

    private static func native(_ basket: Basket, _ file: File) -> String {
        let lines = basket.rows.enumerated().map { index, row in
            #"{"id":"\#(index + 1)","kind":"\#(kind(row.code).rawValue)","code":{"value":"\#(row.code)","scheme":"sku"},"#
                + #""qty":"\#(row.quantity)","uom":"ea","amount":"\#(row.amount)"\#(row.isBack ? #","return":{}"# : "")}"#
        }
        let grand =
            "\(basket.cents < 0 ? "-" : "")\(abs(basket.cents) / 100).\(String(abs(basket.cents) % 100 + 100).dropFirst())"
        let isMixed = basket.rows.contains(where: \.isBack)
        let saleKind = basket.isReturn ? "return" : isMixed ? "mixed" : "sale"
        let members =
            basket.member.isEmpty
            ? "" : #","members":[{"value":"\#(basket.member)","scheme":"member_id","entry":"lookup"}]"#
        return
            #"{"v":1,"type":"sale.\#(basket.isReturn ? "return" : "complete")","id":"\#(basket.number)","source":"x","#
            + #""time":"\#(time(basket))","sale":{"store":"\#(basket.store)","register":"1","number":"\#(basket.number)","#
            + #""kind":"\#(saleKind)","state":"completed","closed_at":"\#(time(basket))","currency":"\#(file.currency)","#
            + #""lines":[\#(lines.joined(separator: ","))],"totals":{"grand":"\#(grand)"}\#(members)}}"#
    }

    private static func poslog(_ basket: Basket, _ file: File) -> String {
        let lines = basket.rows.enumerated().map { index, row in
            let type =
                switch kind(row.code) {
                case .fee: "Fee"
                case .giftCard: "GiftCard"
                case .other: "Other"
                default: "Stock"
                }
            // As two of the dialects write goods that come back: by turns a Return, and a Sale of quantity -1, amounts positive.
            let size = row.isBack ? row.amount.replacing("-", with: "") : row.amount
            let element = row.isBack && index % 2 == 0 ? "Return" : "Sale"
            let quantity = element == "Return" ? row.quantity.replacing("-", with: "") : row.quantity
            return "<LineItem><SequenceNumber>\(index + 1)</SequenceNumber><\(element) ItemType=\"\(type)\">"
                + "<ItemID>\(row.code)</ItemID><ExtendedAmount>\(size)</ExtendedAmount><Quantity>\(quantity)</Quantity></\(element)></LineItem>"
        }
        let grand =
            "\(basket.cents < 0 ? "-" : "")\(abs(basket.cents) / 100).\(String(abs(basket.cents) % 100 + 100).dropFirst())"
        let customer = basket.member.isEmpty ? "" : "<Customer><CustomerID>\(basket.member)</CustomerID></Customer>"
        return """
            <Transaction><RetailStoreID>\(basket.store)</RetailStoreID><WorkstationID>1</WorkstationID><SequenceNumber>\(basket.number)</SequenceNumber>\
            <EndDateTime>\(time(basket))</EndDateTime><CurrencyCode>\(file.currency)</CurrencyCode><RetailTransaction>\
            \(lines.joined())<Total TotalType="TransactionGrandAmount">\(grand)</Total>\(customer)</RetailTransaction></Transaction>
            """
    }
}
