import CardReading
import LoyaltyModel
import Testing

@Suite struct CardClassifierTests {
    private static let schemes = [
        CardScheme(name: "stripe card", prefix: "636412", lengths: 16...16),
        CardScheme(name: "shop card", prefix: "042", lengths: 13...13, checkDigit: .gs1, symbologies: [.ean13]),
        CardScheme(name: "gsrn", prefix: "8018", lengths: 22...22, checkDigit: .gs1, droppingFirst: 4),
        CardScheme(name: "app", prefix: "APP-", lengths: 10...20, symbologies: [.qr], droppingFirst: 4),
        CardScheme(name: "national", prefix: "9528", lengths: 16...16, checkDigit: .luhn),
    ]
    private let classifier: CardClassifier

    init() throws { classifier = try CardClassifier(schemes: Self.schemes) }

    private func scan(_ text: String, _ symbology: Symbology? = nil, entry: CardEntry = .scanned) -> CardScan.Outcome {
        classifier.classify(DecodedScan(text: Array(text.utf8), symbology: symbology, entry: entry, completedAt: .zero))
    }

    @Test("A scheme wins over the shared range of Maestro by prefix and length, from a stripe with expiry too")
    func sharedRange() throws {
        let number = "6364120000000017"
        for text in [";\(number)=49121010000012345678?", "%B\(number)^A/B^4912101?;\(number)=4912101?", ";\(number)?"] {
            #expect(scan(text, entry: .msr) == .loyalty(try #require(CardNumber(number)), scheme: "stripe card"))
        }
        #expect(scan(number) == .loyalty(try #require(CardNumber(number)), scheme: "stripe card"))
        #expect(classifier.warnings.count == 1)
    }

    @Test("Without scheme, or at another length, the shared range is refused on a stripe with an expiry date")
    func sharedRangeWithoutScheme() {
        #expect(scan(";6364130000000017=4912101?", entry: .msr) == .refused(.paymentCard))
        #expect(scan(";636412000000001=4912101?", entry: .msr) == .refused(.paymentCard))
    }

    @Test("One payment track refuses the whole swipe, also beside a loyalty number")
    func paymentAsAWhole() {
        let text = "%B6364120000000017^A/B^4912101?;5452300551227189=080432100000007250?"
        #expect(scan(text, entry: .msr) == .refused(.paymentCard))
    }

    @Test("A track error is an error on that track, not the number E")
    func trackErrors() throws {
        #expect(scan("%E?;9529000000000017=?", entry: .msr).number?.value == "9529000000000017")
        #expect(scan("%E?;E?", entry: .msr) == .refused(.unreadable))
        #expect(scan(";E?", entry: .msr) == .refused(.unreadable))
        #expect(scan("%?;?", entry: .msr) == .refused(.unreadable))
        #expect(scan("%B952800000000", entry: .msr) == .refused(.unreadable))
    }

    @Test("A masked number is an encrypted card, not a number")
    func masked() {
        let masked = "%B6364000000000017^A/B^49120000000000?;6364000000000017=49120000000?"
        let encrypted = DecodedScan(
            text: Array(masked.utf8), entry: .msr, completedAt: .zero, hadEncryptedBlock: true)
        #expect(classifier.classify(encrypted) == .refused(.encryptedCard))
        #expect(scan(";6364********0017=4912?", entry: .msr) == .refused(.encryptedCard))
    }

    @Test("A clear loyalty number from an encrypting reader is used")
    func clearFromEncryptingReader() {
        let scan = DecodedScan(
            text: Array(";6364121234567890=4912?".utf8), entry: .msr, completedAt: .zero, hadEncryptedBlock: true)
        #expect(classifier.classify(scan).number?.value == "6364121234567890")
    }

    @Test("A UPC-A and its EAN-13 with the leading zero are one number")
    func canonicalForm() {
        // 036000291452 is the UPC-A of the GS1 specification's own examples.
        #expect(scan("036000291452").number == scan("0036000291452", .ean13).number)
        #expect(scan("036000291452", .upca).number?.value == "0036000291452")
    }

    @Test(
        "A UPC-E expands to its UPC-A (GS1 General Specifications 5.2.2.4)",
        arguments: [
            ("01234565", "0012345000065"), ("04252614", "0042100005264"), ("123456", "0012345000065"),
        ])
    func upcE(short: String, long: String) {
        #expect(scan(short, .upce).number?.value == long)
    }

    @Test(
        "A misread article number is refused",
        arguments: [
            ("8711218972876", Symbology.ean13), ("87112189728", .ean13), ("01234AB890123", .ean13), ("0234567", .ean8),
            ("8711218972876", .upca), ("1234565", .upce), ("", .ean13),
        ])
    func misread(text: String, symbology: Symbology) {
        #expect(scan(text, symbology) == .refused(.unreadable))
    }

    @Test("A scheme takes its prefix, its length, its check digit and its symbology")
    func schemeMatch() throws {
        // 0+4*3+2+1*3+2+3*3+4+5*3+6+7*3+8+9*3 = 109, so the check digit is 1.
        let number = "0421234567891"
        #expect(scan(number, .ean13) == .loyalty(try #require(CardNumber(number)), scheme: "shop card"))
        #expect(scan(number) == .loyalty(try #require(CardNumber(number)), scheme: "shop card"))
        #expect(scan(number, .code128) == .unclassified(try #require(CardNumber(number))))
        #expect(scan("9528000000000000", .code128) == .refused(.unreadable))
        #expect(scan("APP-ABC1234567", .qr) == .loyalty(try #require(CardNumber("ABC1234567")), scheme: "app"))
        #expect(scan("APP-ABC1234567", .code128) == .unclassified(try #require(CardNumber("APP-ABC1234567"))))
    }

    @Test("An element of a GS1 element string is a card; the check digit is that of the GSRN")
    func gsrn() {
        // 95201234567890123 and its check digit 3.
        let outcome = scan("8018952012345678901233\u{1d}21ABC", .gs1128)
        #expect(outcome.number?.value == "952012345678901233")
        #expect(scan("0109521234543213\u{1d}21ABC", .gs1128) == .refused(.notALoyaltyCard))
    }

    @Test("What stands behind the number of a stripe, typed without its sentinels, hides no payment card")
    func bareStripe() {
        let text = "4111111111111111110 5"
        #expect(classifier.classify(text: text, kind: .card, entry: .msr) == .refused(.paymentCard))
    }

    @Test("A GS1 element that reads as a payment card together with its identifier is none that is kept")
    func elementOfTheFormOfACard() {
        // (22) with the value 04097000000006: by Luhn and the prefix 2204 also a number of Mir.
        #expect(scan("2204097000000006", .gs1128) == .refused(.paymentCard))
        #expect(scan("2204097000000007", .gs1128).number?.value == "2204097000000007")
    }

    @Test("A scheme cannot carry a payment number in behind its own prefix")
    func extraction() throws {
        let classifier = try CardClassifier(schemes: [
            CardScheme(name: "prefixed", prefix: "99", lengths: 18...18, droppingFirst: 2)
        ])
        #expect(classifier.classify(text: "994111111111111111", kind: .card, entry: .scanned) == .refused(.paymentCard))
    }

    @Test(
        "Text that is no number is refused",
        arguments: [
            (String(repeating: "7", count: 65), CardScan.Refusal.notALoyaltyCard),
            ("https://example.com/" + String(repeating: "x", count: 60), .notALoyaltyCard),
            ("", .unreadable), ("   ", .unreadable), ("12\u{7}34", .unreadable), ("kärte", .unreadable),
        ])
    func implausible(text: String, refusal: CardScan.Refusal) {
        #expect(scan(text, .qr) == .refused(refusal))
    }

    @Test("Answers to menu commands and supplements are no cards")
    func notCards() {
        let management = DecodedScan(
            text: Array("REVINF".utf8), aim: AIMIdentifier(Array("]Z6".utf8)), completedAt: .zero)
        #expect(classifier.classify(management) == .refused(.notALoyaltyCard))
        #expect(scan("12", .eanSupplement) == .refused(.notALoyaltyCard))
    }

    @Test(
        "A scheme that claims payment numbers is refused",
        arguments: [
            ("4", 16...16), ("4", 12...12), ("42", 10...13), ("51", 16...16), ("55", 14...14), ("2221", 16...16),
            ("2720", 16...16),
            ("22", 16...16), ("2", 16...16), ("34", 15...15), ("37", 15...15), ("36", 14...14), ("6011", 16...16),
            ("5", 16...16), ("65", 16...16), ("3528", 16...16), ("62", 16...16), ("6759", 16...16), ("56", 12...12),
            ("2200", 16...16), ("636297", 16...16), ("9792", 16...16), ("", 16...16), ("4111111", 10...40),
        ])
    func overlap(prefix: String, lengths: ClosedRange<Int>) {
        let scheme = CardScheme(name: "bad", prefix: prefix, lengths: lengths)
        #expect { try CardClassifier(schemes: [scheme]) } throws: {
            ($0 as? LoyaltyError)?.code == .schemeOverlapsPayment
        }
    }

    @Test(
        "A scheme in ranges that loyalty programs use is taken",
        arguments: [
            ("700414", 18...18, CardScheme.CheckDigit.none), ("95285007", 16...16, .luhn), ("042", 13...13, .none),
            ("4", 10...10, .none), ("40", 13...13, .gs1), ("29", 13...13, .gs1), ("M", 8...12, .none),
        ])
    func allowed(prefix: String, lengths: ClosedRange<Int>, checkDigit: CardScheme.CheckDigit) throws {
        _ = try CardScheme(name: "good", prefix: prefix, lengths: lengths, checkDigit: checkDigit).validate()
    }

    @Test("A scheme that can match nothing, or a name given twice, is refused")
    func badSchemes() {
        let good = CardScheme(name: "a", prefix: "9", lengths: 8...8)
        for schemes in [
            [good, good], [CardScheme(name: "", prefix: "9", lengths: 8...8)],
            [CardScheme(name: "a", prefix: "123456789", lengths: 8...8)],
            [CardScheme(name: "a", prefix: "9", lengths: 8...8, droppingFirst: 4, droppingLast: 4)],
            [CardScheme(name: "a", prefix: "9", lengths: 8...65)],
        ] {
            #expect { try CardClassifier(schemes: schemes) } throws: { ($0 as? LoyaltyError)?.code == .badScheme }
        }
    }

    @Test("No text form of a scan shows its content")
    func silence() {
        let scan = DecodedScan(text: Array("9528500712345678".utf8), symbology: .qr, completedAt: .zero)
        var dumped = ""
        dump(scan, to: &dumped)
        for text in ["\(scan)", String(reflecting: scan), dumped] { #expect(!text.contains("95")) }
    }

    /// A valid check digit makes a card number of 12 digits an EAN-13, but the member file has ids as they stand.
    @Test func aMemberIsNoProductCode() throws {
        let outcome = classifier.classify(text: " 036000291452", kind: .memberID, entry: .lookup)
        #expect(outcome == .unclassified(try #require(CardNumber(verbatim: "036000291452"))))
        #expect(
            classifier.classify(text: "036000291452", kind: .card, entry: .lookup)
                == .unclassified(try #require(CardNumber(verbatim: "0036000291452"))))
    }

    @Test("An id of a member is looked up as it stands, whatever a scheme makes of its cards")
    func aMemberIsNoCard() throws {
        func outcome(_ text: String) -> CardScan.Outcome {
            classifier.classify(text: text, kind: .memberID, entry: .lookup)
        }
        // The check digit of the scheme "national" is wrong.
        #expect(outcome("9528000000000011") == .unclassified(try #require(CardNumber(verbatim: "9528000000000011"))))
        #expect(outcome(" 9528 00 ").number?.value == "9528 00")
        // Schemes that drop characters would make another id of these.
        #expect(outcome("APP-123456").number?.value == "APP-123456")
        let gsrn = "8018952800000000000018"
        #expect(outcome(gsrn).number?.value == gsrn)
        #expect(outcome("4111111111111111") == .refused(.paymentCard))
        #expect(outcome(" ") == .refused(.unreadable))
        #expect(outcome("]C0M-7").number?.value == "M-7", "a till that forwards a code")
    }
}
