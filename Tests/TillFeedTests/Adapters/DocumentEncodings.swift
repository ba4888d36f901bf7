import LoyaltyModel
import Testing

@testable import TillFeed

/// POSLog as programs print it in the encodings of their countries.
@Suite struct DocumentEncodings {
    private static func document(_ declaration: String) -> String {
        declaration
            + "<POSLog xmlns=\"http://www.nrf-arts.org/IXRetail/namespace/\"><Transaction><RetailStoreID>1</RetailStoreID>"
            + "<WorkstationID>2</WorkstationID><SequenceNumber>3</SequenceNumber><EndDateTime>2021-05-03T12:00:00Z</EndDateTime>"
            + "<CurrencyCode>EUR</CurrencyCode><RetailTransaction><LineItem><SequenceNumber>1</SequenceNumber><Sale>"
            + "<ItemID>4006381333931</ItemID><Description>K\u{e4}se</Description><ExtendedAmount>2.99</ExtendedAmount>"
            + "<Quantity>1</Quantity></Sale></LineItem><Total TotalType=\"TransactionGrandAmount\">2.99</Total>"
            + "</RetailTransaction></Transaction></POSLog>\r\n"
    }

    private static func oneByteEach(_ text: String, _ umlaut: UInt8) -> [UInt8] {
        text.unicodeScalars.map { $0 == "\u{e4}" ? umlaut : UInt8(truncatingIfNeeded: $0.value) }
    }

    private static func wide(_ text: String, bigEndian: Bool) -> [UInt8] {
        text.utf16.flatMap { unit -> [UInt8] in
            let bytes = [UInt8(unit >> 8), UInt8(unit & 255)]
            return bigEndian ? bytes : bytes.reversed()
        }
    }

    static let streams: [(String, [UInt8])] = [
        ("utf-8", Array(document("").utf8)),
        ("utf-8 with mark", [0xef, 0xbb, 0xbf] + Array(document("<?xml version=\"1.0\" encoding=\"utf-8\"?>").utf8)),
        (
            "mark against declaration",
            [0xef, 0xbb, 0xbf] + Array(document("<?xml version=\"1.0\" encoding=\"utf-16\"?>").utf8)
        ),
        ("utf-16 in name only", Array(document("<?xml version=\"1.0\" encoding=\"utf-16\"?>\n").utf8)),
        ("utf-16le", wide("\u{feff}" + document("<?xml version=\"1.0\" encoding=\"utf-16\"?>"), bigEndian: false)),
        ("utf-16be", wide("\u{feff}" + document("<?xml version=\"1.0\" encoding=\"utf-16\"?>"), bigEndian: true)),
        ("utf-16le without mark", wide(document("<?xml version=\"1.0\" encoding=\"UTF-16LE\"?>"), bigEndian: false)),
        ("iso-8859-1", oneByteEach(document("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>"), 0xe4)),
        ("iso-8859-15", oneByteEach(document("<?xml version=\"1.0\" encoding=\"ISO-8859-15\"?>"), 0xe4)),
        ("windows-1252", oneByteEach(document("<?xml version=\"1.0\" encoding=\"windows-1252\"?>"), 0xe4)),
        ("cp850", oneByteEach(document("<?xml version=\"1.0\" encoding=\"IBM850\"?>"), 0x84)),
    ]

    /// Two documents after one another, wherever the stream is cut.
    @Test(arguments: streams, [1, 2, 3, 5, 4096]) func theTextIsTheSame(stream: (String, [UInt8]), piece: Int) throws {
        let documents = try convert(stream.1 + stream.1, .poslog, try documentSettings(), piece: piece)
        #expect(documents.count == 2)
        for document in documents {
            guard case .event(let event) = document.outcome, case .sale(_, let sale) = event.event.content else {
                Issue.record("no sale: \(document.outcome)")
                continue
            }
            #expect(sale.lines.map(\.name) == ["K\u{e4}se"])
            #expect(sale.totals.grand.minorUnits == 299)
        }
    }

    @Test(arguments: ["ebcdic-cp-us", "windows-1258", "utf-7"])
    func anUnknownEncodingIsAProblemAndTheNextDocumentIsRead(
        name: String
    ) throws {
        let stream =
            Self.document("<?xml version=\"1.0\" encoding=\"\(name)\"?>") + Self.document("<?xml version=\"1.0\"?>")
        for piece in [1, 7, 4096] {
            let documents = try convert(Array(stream.utf8), .poslog, try documentSettings(), piece: piece)
            #expect(documents.count == 2)
            guard case .problem(let problem) = documents[0].outcome, case .event = documents[1].outcome else {
                Issue.record("\(documents)")
                continue
            }
            #expect(problem.error.code.name == "adapter.syntax")
        }
    }

    /// What is wrong with the first document: it is refused, and those behind it are read.
    static let flaws = [
        ("type", "<POSLog", "<!DOCTYPE POSLog [<!ENTITY a \"b\">]><POSLog"),
        ("no XML", "<ItemID>", "<ItemID & >"), ("torn", "</Sale>", ""),
    ]

    private static let declared = ["<?xml version=\"1.0\" encoding=\"utf-16\"?>", "<?xml version=\"1.0\"?>\r\n", ""]

    @Test(arguments: flaws, declared)
    func theDocumentsBehindABrokenOneAreRead(flaw: (String, String, String), declaration: String) throws {
        let good = Self.document(declaration)
        let broken = good.replacing(flaw.1, with: flaw.2)
        // With and without a byte order mark in front of each.
        let streams: [[UInt8]] = [
            Array((broken + good + good).utf8), Self.wide(broken + good + good, bigEndian: false),
            Self.wide(broken + good + good, bigEndian: true),
            [broken, good, good].flatMap { Self.wide("\u{feff}" + $0, bigEndian: false) },
            [broken, good, good].flatMap { Self.wide("\u{feff}" + $0, bigEndian: true) },
            Self.wide(broken + good + good.replacing("\r\n", with: ""), bigEndian: true),
        ]
        for (index, stream) in streams.enumerated() {
            for piece in [1, 2, 3, 7, 4096] {
                let documents = try convert(stream, .poslog, try documentSettings(), piece: piece)
                let names = documents.map { document in
                    guard case .event(let event) = document.outcome, case .sale(_, let sale) = event.event.content
                    else { return "problem" }
                    return sale.lines.first?.name ?? ""
                }
                #expect(names == ["problem", "K\u{e4}se", "K\u{e4}se"], "stream \(index), piece \(piece)")
            }
        }
    }

    /// A text beyond its bound costs the transaction that it stands in, and none of the others of the document.
    @Test(arguments: [false, true], [1, 7, 4096]) func aTransactionThatIsTooLargeIsRefusedAlone(
        isWide: Bool, piece: Int
    )
        throws
    {
        let transaction = Self.document("").replacing("</POSLog>\r\n", with: "")
        let inner = "<Transaction>" + (transaction.split(separator: "<Transaction>").last ?? "")
        for (old, new) in [
            ("<ItemID>", "<ItemID>" + String(repeating: "9", count: 5000)),
            ("<ItemID>", "<ItemID " + (0..<100).map { "a\($0)=\"\" " }.joined() + ">"),
        ] {
            let text = transaction.replacing(old, with: new) + inner + "</POSLog>" + Self.document("")
            let bytes = isWide ? Self.wide(text, bigEndian: false) : Array(text.utf8)
            let documents = try convert(bytes, .poslog, try documentSettings(), piece: piece)
            let codes = documents.map { document in
                guard case .problem(let problem) = document.outcome else { return "event" }
                // The card that was read for it goes all the same.
                #expect(problem.endedSale?.register == "2")
                #expect(problem.endedSale?.number == "3")
                return problem.error.code.name
            }
            #expect(codes == ["adapter.too_large", "event", "event"])
        }
    }

    /// Where nothing says where the next document begins, the till is told at the end what was not read.
    @Test func whatWasSkippedIsReported() throws {
        let stream =
            Self.document("<?xml version=\"1.0\"?>").replacing("</Sale>", with: "") + Self.document("")
            + Self.document("")
        let documents = try convert(Array(stream.utf8), .poslog, try documentSettings())
        #expect(documents.count == 2)
        for document in documents {
            guard case .problem(let problem) = document.outcome else {
                Issue.record("\(document)")
                continue
            }
            #expect(problem.error.code.name == "adapter.syntax")
        }
        guard case .problem(let last) = documents.last?.outcome else { return }
        #expect(last.error.message.hasPrefix("2 more transactions"))
    }
}
