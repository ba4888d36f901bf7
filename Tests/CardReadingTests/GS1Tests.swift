import LoyaltyModel
import Testing

@testable import CardReading

@Suite("GS1 element strings and Digital Links")
struct GS1Tests {
    /// `~` stands for GS.
    private func elements(_ text: String) throws -> [String] {
        try GS1Message(elementString: Array(text.replacing("~", with: "\u{1d}").utf8)).elements.map(Self.shown)
    }

    private func link(_ text: String) throws -> [String] {
        try GS1Message(digitalLink: Array(text.utf8)).elements.map(Self.shown)
    }

    private static func shown(_ element: GS1Message.Element) -> String {
        "(\(element.identifier))" + String(decoding: element.value, as: UTF8.self)
    }

    /// 09521234543213 and 952012345678901233 have check digits worked out by hand after General Specifications 7.9.1.
    @Test(
        "An element string falls into its elements",
        arguments: [
            ("0109521234543213", ["(01)09521234543213"]),
            ("8018952012345678901233", ["(8018)952012345678901233"]),
            ("8018952012345678901233~801912", ["(8018)952012345678901233", "(8019)12"]),
            ("~0109521234543213", ["(01)09521234543213"]),
            ("0109521234543213~10ABC~", ["(01)09521234543213", "(10)ABC"]),
            ("01095212345432131726123110A-1/2~21X", ["(01)09521234543213", "(17)261231", "(10)A-1/2", "(21)X"]),
            ("310200123411260101", ["(3102)001234", "(11)260101"]),
            ("39329781234~7030978X", ["(3932)9781234", "(7030)978X"]),
            ("2559521234543213123", ["(255)9521234543213123"]), ("2559521234543213", ["(255)9521234543213"]),
        ])
    func elementStrings(text: String, expected: [String]) throws {
        #expect(try elements(text) == expected)
    }

    /// ISO/IEC 15424 assigns E0 to E4; behind E5 eight digits would pass for a UPC-E, and become another number.
    @Test(
        "By the letter of the standards, unknown modifiers and identifiers without data are no scans",
        arguments: ["]E502345673", "]E9", "]E0", "]C1", "]Q3"])
    func nonconforming(text: String) {
        #expect(throws: LoyaltyError.self) {
            try DecodedScan(conforming: Array(text.utf8), completedAt: MonotonicTime(nanoseconds: 0))
        }
    }

    @Test(
        "What is no element string is refused",
        arguments: [
            "", "~", "0", "01", "0109521234543214", "010952123454321", "01095212345432X3", "8018952012345678901234",
            "801895201234567890123", "8018952012345678901233801912", "0109521234543213^10ABC", "10ABC^99X", "10",
            "10~99X", "10123456789012345678901", "0300000000000001", "89123", "10\u{e4}", "21A B", "10ABC~~99X",
        ])
    func damaged(text: String) {
        #expect { try elements(text) } throws: { ($0 as? LoyaltyError)?.code == .gs1Syntax }
    }

    @Test(
        "A Digital Link falls into its elements (GS1 Digital Link: URI Syntax, examples of section 4)",
        arguments: [
            ("https://id.gs1.org/01/09521234543213", ["(01)09521234543213"]),
            ("https://example.com/01/9521234543213", ["(01)09521234543213"]),
            ("HTTPS://EXAMPLE.COM/01/09521234543213/10/ABC/21/X1", ["(01)09521234543213", "(10)ABC", "(21)X1"]),
            (
                "https://example.com/some/path/01/09521234543213/22/2A?linkType=all&17=261231;3103=000195#x",
                ["(01)09521234543213", "(22)2A", "(17)261231", "(3103)000195"]
            ),
            ("https://id.gs1.org/01/09521234543213/10/A%2FB%25", ["(01)09521234543213", "(10)A/B%"]),
            ("https://club.example/8018/952012345678901233/8019/3", ["(8018)952012345678901233", "(8019)3"]),
            ("http://example.com/01/01/09521234543213/", ["(01)09521234543213"]),
        ])
    func digitalLinks(text: String, expected: [String]) throws {
        #expect(try link(text) == expected)
    }

    @Test(
        "A web address that is no Digital Link is refused",
        arguments: [
            "https://example.com/", "https://example.com/shop/12345", "Https://example.com/01/09521234543213",
            "ftp://example.com/01/09521234543213", "https://example.com/01/09521234543214",
            "https://example.com/01/09521234543213/21/X/10/A", "https://example.com/01/09521234543213/17/261231",
            "https://example.com/01/09521234543213?5=1", "https://example.com/01/09521234543213/10/%G1",
            "https://example.com/01/09521234543213/10/%2", "https://", "https:///", "https://x?01=09521234543213",
        ])
    func noLink(text: String) {
        #expect { try link(text) } throws: { ($0 as? LoyaltyError)?.code == .gs1Syntax }
    }

    @Test(
        "Only a carrier of GS1 data is read as one",
        arguments: [
            ("]C1", true), ("]C0", false), ("]e0", true), ("]d2", true), ("]d1", false), ("]Q3", true), ("]Q1", false),
            ("]J1", true), ("]A0", false), (nil, true),
        ])
    func carriers(aim: String?, isRead: Bool) throws {
        let identifier = aim.flatMap { AIMIdentifier(Array($0.utf8)) }
        let scan = try #require(
            DecodedScan(data: Array("8018952012345678901233".utf8), aim: identifier, completedAt: .zero))
        #expect((try GS1Message.read(scan) != nil) == isRead)
    }

    @Test("A text form shows which identifiers there are and no value")
    func silence() throws {
        let message = try GS1Message(elementString: Array("8018952012345678901233".utf8))
        var dumped = ""
        dump(message, to: &dumped)
        for text in ["\(message)", dumped, "\(message.elements)"] {
            #expect(text.contains("8018") && !text.contains("9520"))
        }
    }
}

@Suite("Membership numbers in GS1 codes")
struct GS1CardTests {
    private let classifier: CardClassifier
    private let open: CardClassifier

    init() throws {
        classifier = try CardClassifier(schemes: [
            CardScheme(name: "members", prefix: "9520", lengths: 18...18, applicationIdentifier: "8018"),
            CardScheme(name: "germans", prefix: "40", lengths: 18...18, applicationIdentifier: "8018"),
            CardScheme(name: "internal", prefix: "7", lengths: 8...8, checkDigit: .gs1, applicationIdentifier: "95"),
        ])
        open = try CardClassifier(schemes: [])
    }

    private func scan(_ text: String) throws -> DecodedScan {
        try #require(DecodedScan(characters: Array(text.replacing("~", with: "\u{1d}").utf8), completedAt: .zero))
    }

    @Test(
        "The value of the identifier is the card, wherever it stands",
        arguments: [
            "]C18018952012345678901233", "]C1801912~8018952012345678901233", "]Q38018952012345678901233~8019123",
            "]d28018952012345678901233", "]Q1https://club.example/8018/952012345678901233?x=1",
            "8018952012345678901233",
            "https://club.example/join/8018/952012345678901233",
        ])
    func members(text: String) throws {
        let number = try #require(CardNumber("952012345678901233"))
        #expect(classifier.classify(try scan(text)) == .loyalty(number, scheme: "members"))
    }

    @Test("Not where the code is no GS1 code, the check digit is wrong or the number is another's")
    func others() throws {
        #expect(classifier.classify(try scan("]C08018952012345678901233")).number?.value == "8018952012345678901233")
        #expect(classifier.classify(try scan("]C18018952012345678901234")).scheme == nil)
        #expect(classifier.classify(try scan("]C19512345678")).scheme == nil)
        // 7000001 has the check digit 8: 7*3 + 1*3 = 24, hence 6; so 70000016.
        #expect(classifier.classify(try scan("]C19570000016")).scheme == "internal")
        #expect(classifier.classify(try scan("]C19570000017")) == .refused(.unreadable))
    }

    @Test("Without a scheme a membership number is looked up as such")
    func withoutScheme() throws {
        #expect(open.classify(try scan("]C18018952012345678901233~8019123")).number?.value == "952012345678901233")
    }

    /// A number of 18 digits that begins with 40, a German company prefix, and passes both Luhn and GS1's check could be Visa's.
    @Test("GS1 itself says what is a membership number; a reader that does not tell is not believed")
    func likeAPaymentCard() throws {
        let number = Self.germanNumberWithLuhn
        #expect(Luhn.isValid(Array(number.utf8)) && CardNumber.hasValidCheckDigit(Array(number.utf8)))
        #expect(classifier.classify(try scan("]C18018\(number)")).scheme == "germans")
        #expect(classifier.classify(try scan("8018\(number)")) == .refused(.paymentCard))
    }

    static let germanNumberWithLuhn = "401234567890123009"

    @Test("A payment card in another element refuses the code", arguments: ["91", "21", "99", "8008"])
    func payment(identifier: String) throws {
        let text = "]C18018952012345678901233~\(identifier == "8008" ? "10A~91" : identifier)4111111111111111"
        #expect(classifier.classify(try scan(text)) == .refused(.paymentCard))
        #expect(
            open.classify(try scan("]Q1https://club.example/01/09521234543213?\(identifier)=4111111111111111"))
                == .refused(.paymentCard))
    }

    @Test("An identifier without check digit is screened like any number")
    func schemes() throws {
        #expect {
            try CardScheme(name: "a", prefix: "4", lengths: 16...16, applicationIdentifier: "91").validate()
        } throws: {
            ($0 as? LoyaltyError)?.code == .schemeOverlapsPayment
        }
        _ = try CardScheme(name: "a", prefix: "", lengths: 18...18, applicationIdentifier: "8018").validate()
        for (code, lengths) in [("8018", 13...13), ("29", 8...8), ("", 8...8), ("8018 ", 18...18)] {
            #expect {
                try CardScheme(name: "a", prefix: "", lengths: lengths, applicationIdentifier: code).validate()
            } throws: {
                ($0 as? LoyaltyError)?.code == .badScheme
            }
        }
    }
}

extension CardScan.Outcome {
    fileprivate var scheme: String? { if case .loyalty(_, let scheme) = self { scheme } else { nil } }
}

@Suite("Optional check characters")
struct CheckCharacterTests {
    private func forms(_ text: String) -> [String]? {
        guard let aim = AIMIdentifier(Array(text.utf8.prefix(3))) else { return nil }
        return LinearCode.forms(Array(text.utf8.dropFirst(3)), aim: aim)?.map { String(decoding: $0, as: UTF8.self) }
    }

    /// By hand: C O D E blank 3 9 are 12 + 24 + 13 + 14 + 38 + 3 + 9 = 113 = 2 * 43 + 27, so R. A 1 2 3 4 5 B are
    /// 16 + 15 + 17 = 48, a multiple of 16 already, so 0. 123456789: 3 * (9+7+5+3+1) + 8+6+4+2 = 95, so 5.
    @Test(
        "The number is the same whatever the reader does with its check character",
        arguments: [
            ("]A0ABC1", ["ABC1"]), ("]A1CODE 39R", ["CODE 39R", "CODE 39"]), ("]A3CODE 39", ["CODE 39"]),
            ("]A5abcX", ["abcX", "abc"]), ("]I01234567895", ["1234567895"]),
            ("]I11234567895", ["1234567895", "123456789"]), ("]I3123456789", ["123456789", "1234567895"]),
            ("]F0A12345B", ["A12345B", "12345"]), ("]F2A123450B", ["A123450B", "123450", "12345"]),
            ("]F2123450", ["123450", "12345"]), ("]F4a12345b", ["a12345b", "12345"]), ("]C0123", ["123"]),
        ])
    func forms(text: String, expected: [String]) {
        #expect(forms(text) == expected)
    }

    @Test(
        "A check character that is said to be verified and is wrong is a misread",
        arguments: [
            "]A1CODE 39X", "]A1code", "]A1A", "]I11234567896", "]F2A123451B", "]I1X",
        ])
    func misread(text: String) throws {
        #expect(forms(text) == nil)
        let scan = try #require(DecodedScan(characters: Array(text.utf8), completedAt: .zero))
        #expect(try CardClassifier(schemes: []).classify(scan) == .refused(.unreadable))
    }

    @Test("A scheme matches the form that it describes")
    func scheme() throws {
        let classifier = try CardClassifier(schemes: [
            CardScheme(name: "itf", prefix: "12", lengths: 10...10, checkDigit: .gs1, symbologies: [.itf])
        ])
        for text in ["]I01234567895", "]I11234567895", "]I3123456789"] {
            let scan = try #require(DecodedScan(characters: Array(text.utf8), completedAt: .zero))
            #expect(classifier.classify(scan).number?.value == "1234567895")
        }
    }
}

@Suite("UPC-E")
struct UPCETests {
    /// The four patterns of General Specifications 5.2.2.4, and the forms that scanners send. Check digits by hand, weights 3 and 1:
    /// 0 12345 00006: 3 * (0+2+4+0+0+6) + 1+3+5+0+0 = 45, so 5. 0 12000 00345: 3 * (0+2+0+0+3+5) + 1+0+0+0+4 = 35, so 5.
    /// 0 12300 00045: 3 * (0+2+0+0+0+5) + 1+3+0+0+4 = 29, so 1. 0 12340 00005: 3 * (0+2+4+0+0+5) + 1+3+0+0+0 = 37, so 3.
    @Test(
        "Every form expands to the UPC-A",
        arguments: [
            ("123456", "0012345000065"), ("01234565", "0012345000065"), ("001234565", "0012345000065"),
            ("01234532", nil), ("2345673", "0023456000073"), ("1234567", "0123456000070"), ("123450", "0012000003455"),
            ("123453", "0012300000451"), ("123454", "0012340000053"),
            ("12345", nil), ("21234565", nil), ("101234565", nil), ("0123456X", nil), ("2345670", nil),
        ] as [(String, String?)])
    func expansion(short: String, long: String?) {
        #expect(ArticleNumber.expandedUPCE(Array(short.utf8)).map { String(decoding: $0, as: UTF8.self) } == long)
    }
}
