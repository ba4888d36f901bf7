import FoundationEssentials
import LoyaltyModel
import Testing

@testable import TillFeed

/// Documents that nobody's till writes.
@Suite struct HostileDocuments {
    private static let head = "<POSLog xmlns=\"http://www.nrf-arts.org/IXRetail/namespace/\">"
    private static let good =
        "<Transaction><RetailStoreID>1</RetailStoreID><WorkstationID>2</WorkstationID><SequenceNumber>3</SequenceNumber>"
        + "<EndDateTime>2021-05-03T12:00:00Z</EndDateTime><CurrencyCode>EUR</CurrencyCode><RetailTransaction>MORE"
        + "<LineItem><SequenceNumber>1</SequenceNumber><Sale><ItemID>4006381333931</ItemID><ExtendedAmount>2.99</ExtendedAmount>"
        + "<Quantity>1</Quantity></Sale></LineItem><Total TotalType=\"TransactionGrandAmount\">2.99</Total></RetailTransaction></Transaction>"

    private func poslog(_ more: String) throws -> [ConvertedDocument] {
        let text = Self.head + Self.good.replacing("MORE", with: more) + "</POSLog>"
        let next = "\n<?xml version=\"1.0\"?>" + Self.head + Self.good.replacing("MORE", with: "") + "</POSLog>"
        return try convert(Array((text + next).utf8), .poslog, try documentSettings(), piece: 4096)
    }

    private func code(_ document: ConvertedDocument?) -> String? {
        switch document?.outcome {
        case .problem(let problem): problem.error.code.name
        case .event: "event"
        case nil: nil
        }
    }

    /// Each is refused, and the document behind it is read.
    @Test(arguments: [
        ("deep", String(repeating: "<Vendor>", count: 100)),
        ("attributes", "<Vendor " + (0..<100).map { "a\($0)=\"1\" " }.joined() + "/>"),
        ("attribute", "<Vendor a=\"" + String(repeating: "x", count: 1 << 19) + "\"/>"),
        ("comment", "<!--" + String(repeating: "x", count: 1 << 19) + "-->"),
        ("text", "<ReceiptNumber>" + String(repeating: "9", count: 5000) + "</ReceiptNumber>"),
    ])
    func whatIsTooLargeIsRefused(name: String, more: String) throws {
        let documents = try poslog(more)
        #expect(documents.count == 2)
        #expect(code(documents.first) == "adapter.too_large")
        #expect(code(documents.last) == "event")
    }

    /// What is well-formed and no POSLog is not silently gone; a till may export nothing.
    @Test func aDocumentOfAnotherKindIsRefusedAndTheNextOneRead() throws {
        let next = "<?xml version=\"1.0\"?>" + Self.head + Self.good.replacing("MORE", with: "") + "</POSLog>"
        let text =
            "<html><body>Not found</body></html>" + next + Self.head + "</POSLog><Envelope>" + next.dropFirst(21)
            + "</Envelope>"
        let documents = try convert(Array(text.utf8), .poslog, try documentSettings(), piece: 4096)
        #expect(documents.map { code($0) } == ["adapter.missing", "event", "event"])
    }

    /// Each is refused once or twice and then over, and the next document is read.
    @Test(arguments: ["<x:a>", "<a " + (0..<100).map { "a\($0)=\"1\" " }.joined() + ">", "<a><b></a>"])
    func aBrokenDocumentInUTF16IsOver(text: String) throws {
        let next = "<?xml version=\"1.0\"?>" + Self.head + Self.good.replacing("MORE", with: "") + "</POSLog>"
        for isBigEndian in [false, true] {
            for mark in ["", "\u{feff}"] {
                let bytes = (mark + text + next).utf16.flatMap {
                    isBigEndian ? [UInt8($0 >> 8), UInt8($0 & 0xff)] : [UInt8($0 & 0xff), UInt8($0 >> 8)]
                }
                for piece in [1, 3, 4096] {
                    let documents = try convert(bytes, .poslog, try documentSettings(), piece: piece)
                    #expect((2...4).contains(documents.count))
                    #expect(code(documents.last) == "event")
                }
            }
        }
    }

    /// Documents without a declaration, behind a comment or what a till wrote before it broke off.
    @Test(arguments: ["<!-- export -->", "junk > "]) func theNextDocumentIsFoundWithoutADeclaration(before: String)
        throws
    {
        let good = Self.head + Self.good.replacing("MORE", with: "") + "</POSLog>"
        let broken = before + good.replacing("</RetailTransaction>", with: "</Oops>")
        for piece in [1, 4096] {
            let documents = try convert(
                Array((broken + before + good + "<!-- -->" + good).utf8), .poslog, try documentSettings(), piece: piece)
            #expect(documents.suffix(2).map { code($0) } == ["event", "event"])
        }
    }

    /// A stream of documents as the ones before begin, without a declaration: one that breaks off inside of its root costs no other.
    @Test(arguments: ["<Transaction xmlns=\"http", "junk"]) func aTornRootCostsNoOtherDocument(torn: String) throws {
        let good = Self.good.replacing("MORE", with: "").replacing(
            "<Transaction>", with: "<Transaction xmlns=\"http://www.nrf-arts.org/IXRetail/namespace/\">")
        for (text, events) in [(good + torn + good + good, 3), (torn + good + good, 2)] {
            for piece in [1, 7, 4096] {
                let documents = try convert(Array(text.utf8), .poslog, try documentSettings(), piece: piece)
                #expect(documents.suffix(2).map { code($0) } == ["event", "event"])
                #expect(documents.filter { code($0) == "event" }.count == events)
            }
        }
    }

    /// A till that breaks off inside of the declaration costs the next document nothing, wherever the stream is cut.
    @Test(arguments: 1...48) func theNextDocumentIsFoundWhereverTheStreamIsCut(piece: Int) throws {
        let next = "<?xml version=\"1.0\"?>" + Self.head + Self.good.replacing("MORE", with: "") + "</POSLog>"
        let documents = try convert(
            Array(("<?xml version=\"1.0\n" + next + next).utf8), .poslog, try documentSettings(), piece: piece)
        #expect(documents.map { code($0) } == ["adapter.syntax", "event", "event"])
    }

    @Test func aTransactionOfMoreThanAMebibyteIsRefusedAlone() throws {
        let filling = String(repeating: "<LineItem><Tender><Amount>1.00</Amount></Tender></LineItem>", count: 20_000)
        let documents = try poslog(filling)
        #expect(documents.map { code($0) } == ["adapter.too_large", "event"])
    }

    /// White space between elements is no text: a large basket may be indented as its till likes, and behind it the stream goes on.
    @Test(arguments: [1, 7, 4096, 1 << 20]) func aLargeIndentedBasketIsRead(piece: Int) throws {
        let blanks = "\r\n" + String(repeating: " ", count: 12)
        let lines = (1...1000).map { number in
            blanks + "<LineItem>\(blanks)  <SequenceNumber>\(number)</SequenceNumber>\(blanks)  <Sale>"
                + "\(blanks)\t<ItemID> 4006381333931 </ItemID><ExtendedAmount>\(blanks)0.01\(blanks)</ExtendedAmount>"
                + "\(blanks)  </Sale>\(blanks)</LineItem>"
        }
        let text =
            Self.good.replacing("MORE", with: lines.joined()).replacing(">2.99</Total>", with: ">12.99</Total>")
            .replacing("<SequenceNumber>1</SequenceNumber>", with: "<SequenceNumber>1001</SequenceNumber>")
        let stream = Self.head + text + Self.good.replacing("MORE", with: "") + "</POSLog>"
        let documents = try convert(Array(stream.utf8), .poslog, try documentSettings(), piece: piece)
        #expect(documents.map { code($0) } == ["event", "event"])
        guard case .event(let event) = documents.first?.outcome, case .sale(_, let sale) = event.event.content else {
            return
        }
        #expect(sale.lines.count == 1001)
        #expect(event.flags.isEmpty)
    }

    /// Nor is it in an element without children that are read, of any length; around a text it is no part of it.
    @Test(arguments: [1, 7, 4096, 1 << 20], ["\n", "\n<!-- -->", "\n<Vendor/>"]) func whiteSpaceIsNoText(
        piece: Int, filling: String
    ) throws {
        let blanks = String(repeating: filling, count: 5000)
        for (text, expected) in [
            ("\(blanks)<ReceiptNumber>\(blanks)77\(blanks)</ReceiptNumber>", "event"),
            ("<ReceiptNumber>\(blanks)\(String(repeating: "9", count: 5000))</ReceiptNumber>", "adapter.too_large"),
            ("<ReceiptNumber>7\(blanks)7</ReceiptNumber>", "adapter.too_large"),
        ] {
            let stream = Self.head + Self.good.replacing("MORE", with: text) + "</POSLog>"
            let documents = try convert(Array(stream.utf8), .poslog, try documentSettings(), piece: piece)
            #expect(documents.map { code($0) } == [expected])
            guard case .event(let event) = documents.first?.outcome else { continue }
            #expect(event.line.contains(#""receipt":"77""#))
        }
    }

    /// What is not on the list may be of any size: it is never kept.
    @Test func skippedElementsCostNothing() throws {
        let image = String(repeating: "<Line>AAAA</Line>", count: 10_000)
        let documents = try poslog("<ReceiptImage>\(image)</ReceiptImage>")
        #expect(documents.map { code($0) } == ["event", "event"])
    }

    @Test(arguments: [TillDialect.square, .shopify, .odoo]) func aLongJSONDocumentIsRefusedAndTheNextIsRead(
        dialect: TillDialect
    ) throws {
        let long = "{\"id\":\"" + String(repeating: "x", count: TillEventDecoder.maximumLineLength) + "\"}\n"
        var framer = JSONFramer(limit: TillEventDecoder.maximumLineLength)
        let frames = framer.append(Array((long + "{\"id\":1}").utf8))
        #expect(frames.map(\.isOverlong) == [true, false])
        #expect(frames.first?.bytes.isEmpty == true)
        let documents = try convert(Array((long + "{}").utf8), dialect, try documentSettings())
        #expect(documents.map { code($0) } == ["adapter.too_large", "adapter.missing"])
    }

    @Test func textBetweenDocumentsIsAProblemOfItsOwn() throws {
        let documents = try convert(Array("nonsense\n{}\n[1,2]\n".utf8), .square, try documentSettings())
        #expect(documents.map { code($0) } == ["adapter.syntax", "adapter.missing", "adapter.syntax"])
        #expect(documents.map(\.place.line) == [1, 2, 3])
    }

    @Test func figuresBeyondAllBoundsAreProblems() throws {
        for amount in ["99999999999999999999", "9223372036854775807", "1e30", "-", "1.2.3", "0x10", "NaN", "٣"] {
            let text = Self.head + Self.good.replacing("MORE", with: "").replacing("2.99", with: amount) + "</POSLog>"
            let documents = try convert(Array(text.utf8), .poslog, try documentSettings())
            #expect(documents.map { code($0) == "event" } == [false], "\(amount)")
        }
    }

    /// Times and days in the letters and digits of other countries, which are fewer than their bytes.
    @Test(arguments: [
        "令和８年１１月-", "令和８年１１月２２日-09", "２０２１-０５-０３T１２:００:００+０２００", "2021-05-03T12:00:00+٠٢٠٠", "-ääääääääää",
        "2021-05-03T12:00:00-\u{301}", "👩‍👩‍👧+0200", "2021-05-03T12:00:00.👩‍👩‍👧+02",
    ]) func timesInOtherLettersAreProblems(time: String) throws {
        #expect(throws: LoyaltyError.self) { try TillTime.parse(time, try documentSettings()) }
        #expect(throws: LoyaltyError.self) { try TillTime.day(time.replacing("2021-05-03", with: "2021-05-٣")) }
        for wrong in ["<BeginDateTime>\(time)</BeginDateTime>", "<POSLogDateTime>\(time)</POSLogDateTime>"] {
            let text = Self.good.replacing("<EndDateTime>2021-05-03T12:00:00Z</EndDateTime>", with: wrong)
            let stream =
                Self.head + text.replacing("MORE", with: "") + Self.good.replacing("MORE", with: "") + "</POSLog>"
            let documents = try convert(Array(stream.utf8), .poslog, try documentSettings())
            #expect(documents.map { code($0) } == ["time.syntax", "event"])
        }
    }

    /// The numbers of payment cards get through no field, whatever it is called.
    @Test func paymentCardsGetNowhere() throws {
        let card = "4111111111111111"
        for (element, isEvent) in [
            ("<Customer><CustomerID>\(card)</CustomerID></Customer>", true),
            (
                "<LoyaltyAccount><LoyaltyCard><PrimaryAccountNumber>\(card)</PrimaryAccountNumber></LoyaltyCard></LoyaltyAccount>",
                true
            ),
            ("<ReceiptNumber>\(card)</ReceiptNumber>", true),
            (
                "<LineItem><SequenceNumber>9</SequenceNumber><Sale><Description>\(card)</Description><ExtendedAmount>0</ExtendedAmount></Sale></LineItem>",
                true
            ),
        ] {
            let text = Self.head + Self.good.replacing("MORE", with: element) + "</POSLog>"
            for document in try convert(Array(text.utf8), .poslog, try documentSettings()) {
                switch document.outcome {
                case .event(let event):
                    #expect(isEvent)
                    #expect(!event.line.contains(card))
                    #expect(!"\(event.event)".contains(card))
                case .problem(let problem):
                    #expect(!isEvent)
                    #expect(!"\(problem)".contains(card))
                }
            }
        }
    }

    /// Damaged anywhere, a document gives events that the protocol knows, or problems; nothing traps.
    @Test(arguments: TillDocuments.samples) func damageNeverTraps(sample: TillDocuments.Sample) throws {
        let bytes = Array(try Data(contentsOf: sample.url))
        let settings = try TillDocuments.settings(sample)
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % max(bound, 1)
        }
        let spice: [UInt8] = Array("<>&\"'{}[],:-.0\n\0\u{ff}".utf8)
        // Fewer characters than bytes; the last joins the character in front of it.
        let letters = ["８", "年", "ä", "👩‍👩‍👧", "\u{301}", "٣-"]
        for _ in 0..<60 {
            var damaged = bytes
            for _ in 0...random(4) {
                let place = random(damaged.count)
                switch random(5) {
                case 0: damaged[place] = spice[random(spice.count)]
                case 1: damaged.remove(at: place)
                case 2: damaged.insert(spice[random(spice.count)], at: place)
                case 3: damaged.insert(contentsOf: letters[random(letters.count)].utf8, at: place)
                default:
                    let end = min(damaged.count, place + random(200))
                    damaged.append(contentsOf: damaged[place..<end])
                }
            }
            for document in try convert(damaged, sample.dialect, settings, piece: 1 + random(3000)) {
                if case .event(let event) = document.outcome {
                    #expect(throws: Never.self) { try decoder.decode(Array(event.line.utf8)) }
                }
            }
        }
    }
}
