import CardReading
import LoyaltyModel
import Testing

private let clubA = "2984000001237"
private let clubB = "2984770004513"
private let article = "4006381333931"

/// What the technician is told while learning, and what is not taken.
@Suite("Learning a reader, told step by step") struct LearningDialogTests {
    private func replies(_ codes: [String], _ bench: Bench = Bench()) throws -> [ReaderLearning.Reply] {
        var learning = ReaderLearning()
        return try codes.map { learning.receive(try bench.presentation($0)) }
    }

    private func remark(_ reply: ReaderLearning.Reply?) -> LearningRemark? {
        if case .refused(let remark)? = reply { remark } else { nil }
    }

    @Test("It asks for one card three times, another one, and a product")
    func requests() throws {
        var learning = ReaderLearning()
        var asked: [ReaderLearning.Request?] = [learning.request]
        for code in [clubA, clubA, clubA, clubB, article] {
            _ = learning.receive(try Bench().presentation(code))
            asked.append(learning.request)
        }
        #expect(asked == [.card(1), .card(2), .card(3), .otherCard, .product, nil])
    }

    @Test("Before all is there, it says what is missing")
    func incomplete() throws {
        var learning = ReaderLearning()
        _ = learning.receive(try Bench().presentation(clubA))
        let error = #expect(throws: LoyaltyError.self) { try learning.reader(schemeName: "club") }
        #expect(error?.code == .learnIncomplete)
        #expect(error?.message.contains("the first card 2 more times, another card, a product") == true)
    }

    @Test("What is shown of a card is its length and its end")
    func shown() throws {
        #expect(try replies([clubA]) == [.took("13 characters, …1237")])
    }

    @Test("The same card as another one is not taken")
    func sameCard() throws {
        #expect(remark(try replies([clubA, clubA, clubA, clubA]).last) == .sameCardAgain)
    }

    @Test("Another card in place of the same one is not taken")
    func otherCard() throws {
        #expect(remark(try replies([clubA, clubB]).last) == .differentCards)
    }

    @Test("A wrong beginning, or the end of a scan, does not stand in the way of the right card")
    func recovers() throws {
        var learning = ReaderLearning()
        let replies = try [String(clubB.suffix(3)), clubB, clubA, clubA, clubA].map {
            learning.receive(try Bench().presentation($0))
        }
        #expect(replies.map(remark) == [.nothingCame, nil, .differentCards, nil, nil])
        #expect(learning.request == .otherCard)
        #expect(learning.receive(try Bench().presentation(clubA)) == .refused(.sameCardAgain))
    }

    @Test("A product in place of a card is doubted, and taken when it comes again")
    func productForCard() throws {
        #expect(remark(try replies([article]).last) == .looksLikeProduct)
        #expect(remark(try replies([article, clubA]).last) == nil)
        let insisted = try replies([article, article, article])
        #expect(insisted.dropFirst().allSatisfy { remark($0) == nil })
        #expect(remark(try replies([clubA, clubA, clubA, article]).last) == .looksLikeProduct)
    }

    @Test("A card, a stripe or a text in place of the product is not taken")
    func cardForProduct() throws {
        let cards = [clubA, clubA, clubA, clubB]
        #expect(remark(try replies(cards + [clubB]).last) == .productIsCard)
        #expect(remark(try replies(cards + ["HELLO"]).last) == .noProduct)
        #expect(remark(try replies(cards + [";7004141900123459=4912?"]).last) == .noProduct)
    }

    @Test(
        "A payment card is never kept, on whatever layout it was typed",
        arguments: [
            // The test numbers that the networks publish: Mastercard, Visa, American Express.
            ("us", "%B5454545454545454^TEST/CARD^2512101?;5454545454545454=2512101?"),
            ("de", ";4111111111111111=25121010000?"), ("fr", "4111111111111111"), ("us", "378282246310005"),
        ])
    func paymentCard(layout: String, card: String) throws {
        let bench = Bench(layout: try #require(KeyboardLayout(named: layout)))
        #expect(remark(try replies([card], bench).last) == .paymentCard)
        #expect(remark(try replies([clubA, clubA, clubA, card], bench).last) == .paymentCard)
        var learning = ReaderLearning()
        _ = learning.receive(try bench.presentation(card))
        var dumped = ""
        dump(learning, to: &dumped)
        #expect(!dumped.contains("5454") && !dumped.contains("4111") && learning.request == .card(1))
    }

    @Test("A masked stripe is told as such")
    func masked() throws {
        #expect(remark(try replies([";6019*******3210=4912?"]).last) == .encrypted)
    }

    @Test(
        "Readings of one card that differ: where, and why likely",
        arguments: [
            ("KD1004711", "KD104711", "one character, number 5, is missing", "types too fast"),
            ("KD1004711", "KD1007", "two different cards", ""),
            ("KD1004711", "KD100", "breaks off behind character 5", "types too fast"),
            ("KD1004711", "KD1004711KD1004711", "stands there twice", "wait a second"),
            ("KD1004711", "kd1004711", "characters 1, 2: capitals in one reading", "Caps Lock"),
            ("KD1004711", "KD1004771", "character 8 of the reading differs", "misread"),
        ])
    func differences(card: String, again: String, message: String, remedy: String) throws {
        let remark = try #require(remark(try replies([card, again]).last))
        #expect(remark.message.contains(message))
        #expect(remark.remedy.contains(remedy))
        #expect(!remark.message.contains("4711"))
    }

    @Test("Two scans in one are not taken for a card")
    func twoScans() throws {
        #expect(remark(try replies([clubA + "\r" + clubA]).last) == .severalScans)
    }

    @Test("A touch of a key and a device that nothing reads are told apart")
    func nothing() throws {
        var learning = ReaderLearning()
        let shift: [[UInt8]] = [[2, 0, 0, 0, 0, 0, 0, 0], [UInt8](repeating: 0, count: 8)]
        #expect(remark(learning.receive(Bench.presentation(shift))) == .nothingCame)
        let facts = InterfaceFacts(
            vendorID: 1, productID: 1, interfaceNumber: 0, interfaceClass: 8, interfaceSubclass: 0,
            interfaceProtocol: 0, reportDescriptor: [])
        let reply = learning.receive(Presentation(facts: facts, reports: [.init(at: .zero, bytes: [1])]))
        guard case .notReadable? = remark(reply) else {
            Issue.record("\(reply)")
            return
        }
    }

    @Test("Silence cuts a recording into presentations")
    func split() throws {
        let reports: [Presentation.Report] = [0, 10, 20, 800, 810, 1600].map {
            .init(at: .milliseconds($0), bytes: [0])
        }
        let parts = Presentation.split(reports, facts: .usual(for: .keyboard))
        #expect(parts.map(\.reports.count) == [3, 2, 1])
    }
}

/// Cards that must not become a scheme, or only with a warning.
@Suite("Learning refuses and warns") struct LearningRefusalTests {
    private func failure(_ card: String, _ other: String, product: String) throws -> LoyaltyError? {
        #expect(throws: LoyaltyError.self) { try Bench().learn(card, other, product: product) }
    }

    @Test("Cards in Maestro's catch-all are taken with a warning")
    func maestro() throws {
        // 6364 is a range of loyalty cards and fails Luhn here; the catch-all of Maestro claims every other 6.
        let reader = try Bench().learn("]C06364000000471105", "]C06364990009920011", product: "]E0" + article)
        #expect(reader.findings.contains { $0.weight == .warning && $0.text.contains("Maestro") })
        #expect(reader.scheme?.prefix == "6364")
    }

    @Test("A scheme inside a payment network's range is refused as a whole")
    func network() throws {
        // Numbers of Visa's range that fail Luhn, so that no screen stops them alone.
        let error = try failure("4984000000471105", "4984990009920011", product: article)
        #expect(error?.code == .schemeOverlapsPayment)
    }

    @Test("A product that begins like the cards makes the scheme impossible")
    func product() throws {
        // GS1 Switzerland's example, and 13 digits without its check digit.
        let error = try failure("7612345000011", "7612345990012", product: "7612345678900")
        #expect(error?.code == .learnImpossible)
        #expect(error?.message.contains("product would be taken for a card") == true)
    }

    @Test("Cards of one pack: the prefix leaves four characters and the doubt is told")
    func onePack() throws {
        let reader = try Bench().learn("]C0KD10047110", "]C0KD10047129", product: "]E0" + article)
        #expect(reader.scheme?.prefix == "KD1004")
        #expect(reader.findings.contains { $0.weight == .warning && $0.text.contains("those of one pack") })
    }

    @Test("No card's number stands in the written sections, but the prefix")
    func configuration() throws {
        let reader = try Bench(layout: .de, suffix: "").learn(clubA, clubB, product: article)
        let text = reader.configuration(match: "05e0:1200", name: "LS2208\u{1b}[31m")
        #expect(text.contains("match = \"05e0:1200\"") && text.contains("prefix = \"2984\""))
        #expect(text.contains("terminator = \"none\"") && text.contains("gap_ms = 50"))
        #expect(!text.contains("29840") && !text.contains("29847") && !text.contains("\u{1b}"))
    }
}
