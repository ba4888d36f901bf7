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
}
