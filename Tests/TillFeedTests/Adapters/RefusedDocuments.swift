import DataFormats
import LoyaltyModel
import Testing

@testable import TillFeed

/// What a refused document says of the basket that it is about: the card that was read for it must not wait for the next customer, and
/// the card of a basket that goes on must not go.
@Suite struct RefusedDocuments {
    struct Sample: CustomTestStringConvertible, Sendable {
        var dialect: TillDialect
        var text: String
        /// Register, number and uid; nil where no sale is known to be over.
        var ended: [String?]?
        /// A register that cannot be read may have been the only one.
        var mayEndSale = true
        var testDescription: String { "\(dialect.rawValue) \(text.prefix(300))" }
    }

    private static func poslog(
        _ sale: String, header: String = "<WorkstationID>2</WorkstationID><SequenceNumber>7</SequenceNumber>",
        time: String = "2021-05-03T12:00:00Z"
    ) -> String {
        "<Transaction><RetailStoreID>1</RetailStoreID>\(header)<TransactionID>T-7</TransactionID>"
            + "<EndDateTime>\(time)</EndDateTime><CurrencyCode>EUR</CurrencyCode>\(sale)</Transaction>"
    }

    private static let grand = "<Total TotalType=\"TransactionGrandAmount\">x</Total>"

    static let samples: [Sample] = [
        Sample(
            dialect: .poslog, text: poslog("<RetailTransaction TransactionStatus=\"Flummoxed\"/>"),
            ended: ["2", "7", "T-7"]),
        Sample(dialect: .poslog, text: poslog("<RetailTransaction/>"), ended: ["2", "7", "T-7"]),
        Sample(dialect: .poslog, text: poslog("<RetailTransaction/>", time: "noon"), ended: ["2", "7", "T-7"]),
        Sample(
            dialect: .poslog, text: poslog("<RetailTransaction/>", header: "<SequenceNumber>7</SequenceNumber>"),
            ended: nil),
        Sample(
            dialect: .poslog,
            text: poslog("<RetailTransaction/>", header: "<WorkstationID>4111111111111111</WorkstationID>"), ended: nil),
        Sample(
            dialect: .poslog,
            text: poslog(
                "<RetailTransaction/>",
                header: "<WorkstationID>2</WorkstationID><SequenceNumber>4111111111111111</SequenceNumber>"),
            ended: ["2", nil, "T-7"]),
        Sample(
            dialect: .poslog,
            text: poslog("<RetailTransaction TransactionStatus=\"Suspended\">\(grand)</RetailTransaction>"),
            ended: ["2", "7", "T-7"]),
        Sample(
            dialect: .poslog,
            text: poslog("<RetailTransaction TransactionStatus=\"InProcess\">\(grand)</RetailTransaction>"),
            ended: nil, mayEndSale: false),
        Sample(
            dialect: .poslog, text: poslog("<RetailTransaction TransactionStatus=\"InProcess\"/>", time: "noon"),
            ended: nil, mayEndSale: false),
        Sample(
            dialect: .poslog, text: poslog("<ControlTransaction><NoSale/></ControlTransaction>", time: "noon"),
            ended: nil, mayEndSale: false),
        Sample(
            dialect: .poslog,
            text: poslog("<RetailTransaction><TransactionLink ReasonCode=\"Copy\"/></RetailTransaction>"), ended: nil,
            mayEndSale: false),
        Sample(dialect: .poslog, text: "<html><body>Not found</body></html>", ended: nil, mayEndSale: false),
        Sample(
            dialect: .csv, text: "7,2,2024-12-24 09:00,x,sold\n", ended: ["2", "7", nil]),
        Sample(dialect: .csv, text: "7,2,noon,1.00,sold\n", ended: ["2", "7", nil]),
        Sample(dialect: .csv, text: "7,2,2024-12-24 09:00,1.00,\n", ended: ["2", "7", nil]),
        Sample(dialect: .csv, text: "7,2,2024-12-24 09:00,1.00,lost\n", ended: ["2", "7", nil]),
        Sample(
            dialect: .csv, text: "7,2,2024-12-24 09:00,1.00,open\n7,2,2024-12-24 09:00,x,open\n", ended: nil,
            mayEndSale: false),
        Sample(
            dialect: .shopify,
            text: #"{"id":5,"order_number":7,"device_id":2,"financial_status":"lost","currency":"EUR"}"#,
            ended: ["2", "7", "5"]),
        Sample(
            dialect: .shopify, text: #"{"id":5,"order_number":7,"device_id":2,"financial_status":"pending"}"#,
            ended: nil,
            mayEndSale: false),
        Sample(dialect: .shopify, text: #"{"refund":{"id":6,"device_id":2}}"#, ended: ["2", "refund-6", "refund-6"]),
        Sample(
            dialect: .square, text: #"{"id":"A","source":{"name":"2"},"state":"LOST"}"#, ended: ["2", "A", "A"]),
        Sample(
            dialect: .square, text: #"{"id":"A","source":{"name":"2"},"state":"OPEN"}"#, ended: nil, mayEndSale: false),
        Sample(
            dialect: .odoo, text: #"{"config_id":2,"pos_reference":"R-7","uuid":"u","state":"flummoxed"}"#,
            ended: ["2", "R-7", "u"]),
        Sample(
            dialect: .odoo, text: #"{"config_id":2,"pos_reference":"R-7","uuid":"u","state":"paid","lines":[17]}"#,
            ended: ["2", "R-7", "u"]),
        Sample(
            dialect: .odoo, text: #"{"config_id":2,"pos_reference":"R-7","state":"draft"}"#, ended: nil,
            mayEndSale: false),
        Sample(dialect: .odoo, text: "nonsense\n", ended: nil, mayEndSale: false),
        Sample(dialect: .odoo, text: #"{"config_id":2"#, ended: nil),
    ]

    @Test(arguments: samples) func saysWhoseBasketIsOver(sample: Sample) throws {
        let columns =
            "number = \"N\"\nregister = \"R\"\ntime = \"T\"\namount = \"A\"\nstatus = \"S\"\n"
            + "statuses = { sold = \"completed\", open = \"open\" }\nheader = [\"N\", \"R\", \"T\", \"A\", \"S\"]"
        let settings = try documentSettings(
            sample.dialect == .csv ? try CSVColumns(try TableReader(try TOMLDocument.parse(columns, file: nil))) : nil)
        let documents = try convert(Array(sample.text.utf8), sample.dialect, settings)
        #expect(documents.count == 1)
        guard case .problem(let problem) = documents.first?.outcome else {
            Issue.record("\(documents)")
            return
        }
        #expect(problem.endedSale.map { [$0.register, $0.number, $0.uid] } == sample.ended)
        #expect(problem.isDocument == sample.mayEndSale)
    }
}
