import CardReading
import LoyaltyModel
import Testing

/// A reader as somebody set it up, and what is held before it.
struct Bench {
    var layout = KeyboardLayout.us
    var prefix = ""
    var suffix = "\r"
    /// Small letters for capitals and the reverse.
    var swapsCase = false
    var interval = Duration.milliseconds(4)

    func presentation(_ code: String) throws -> Presentation {
        let typed = swapsCase ? Self.swapped(code) : code
        let reports = try #require(
            layout.reports(typing: prefix + typed + suffix) ?? Self.control(prefix, typed, suffix))
        return Self.presentation(reports, interval)
    }

    static func presentation(_ reports: [[UInt8]], _ interval: Duration = .milliseconds(4)) -> Presentation {
        Presentation(
            facts: .usual(for: .keyboard),
            reports: reports.enumerated().map { .init(at: interval * $0.offset, bytes: $0.element) })
    }

    private static func swapped(_ text: String) -> String {
        String(text.map { $0.isUppercase ? Character($0.lowercased()) : Character($0.uppercased()) })
    }

    /// STX is Ctrl+B and ETX is Ctrl+C (MagTek manual 99875206).
    private static func control(_ prefix: String, _ text: String, _ suffix: String) -> [[UInt8]]? {
        guard prefix == "\u{2}", suffix.hasPrefix("\u{3}"), let inner = KeyboardLayout.us.reports(typing: text),
            let end = KeyboardLayout.us.reports(typing: String(suffix.dropFirst()))
        else { return nil }
        let released = [UInt8](repeating: 0, count: 8)
        return [[1, 0, 0x05, 0, 0, 0, 0, 0], released] + inner + [[1, 0, 0x06, 0, 0, 0, 0, 0], released] + end
    }

    func learn(_ card: String, _ other: String, product: String?, layouts: [KeyboardLayout] = KeyboardLayout.all)
        throws -> LearnedReader
    {
        var learning = ReaderLearning(layouts: layouts)
        for code in [card, card, card, other] + (product.map { [$0] } ?? []) {
            let reply = learning.receive(try presentation(code))
            guard case .took = reply else {
                Issue.record("\(reply) at \(String(describing: learning.request))")
                break
            }
        }
        #expect(learning.request == nil)
        return try learning.reader(schemeName: "club")
    }
}

/// Club cards with in-store prefix 29 whose check digits were worked out by hand, and an article of a shop.
private let clubA = "2984000001237"
private let clubB = "2984770004513"
private let article = "4006381333931"

private func warnings(_ reader: LearnedReader) -> String {
    reader.findings.filter { $0.weight == .warning }.map(\.text).joined(separator: "\n")
}

@Suite("Learning a reader") struct LearningTests {
    /// Weights 3 and 1 from the right, over all digits: GS1 General Specifications 7.9.1, worked out beside the code under test.
    @Test("The numbers of these tests are what they claim to be", arguments: [clubA, clubB, article])
    func numbers(number: String) {
        let digits = number.compactMap(\.wholeNumberValue)
        #expect(zip(digits, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).map(*).reduce(0, +) % 10 == 0)
    }

    @Test("A scanner from the factory: EAN cards of the shop's own")
    func factory() throws {
        let reader = try Bench().learn(clubA, clubB, product: article)
        #expect(reader.kind == .keyboard && reader.layout == .us && reader.terminator == .cr && reader.gap == nil)
        #expect(reader.prefix.isEmpty && reader.suffix.isEmpty && !reader.isCapsLocked)
        #expect(
            reader.scheme?.prefix == "2984" && reader.scheme?.lengths == 13...13 && reader.scheme?.checkDigit == .gs1)
        #expect(warnings(reader).contains("20 to 29"))
        #expect(reader.findings.contains { $0.weight == .note && $0.text.contains("us is taken") })
    }

    @Test(
        "A scanner that is programmed for another country is found by its product, its digits and its signs",
        arguments: [
            ("de", "]C0", "KDY-1004711", "KDY-1009920", "de"), ("fr", "", "9120334455668", "9120990012347", "fr"),
            ("be", "", "]C0=X1004711", "]C0=X1009920", "be"),
        ])
    func layouts(layout: String, aim: String, card: String, other: String, found: String) throws {
        let bench = Bench(layout: try #require(KeyboardLayout(named: layout)))
        let product = aim.isEmpty && !card.hasPrefix("]") ? article : "]E0" + article
        let reader = try bench.learn(aim + card, aim + other, product: product)
        #expect(reader.layout?.name == found)
        let beginning = try #require(reader.scheme?.prefix)
        #expect(!beginning.isEmpty && card.contains(beginning))
        guard case .card(let number) = reader.trial(try bench.presentation(aim + card)) else {
            Issue.record("the trial does not read the card")
            return
        }
        #expect(number.value == (card.hasPrefix("]") ? String(card.dropFirst(3)) : card))
    }

    @Test("The usages of an AZERTY scanner, as the table of the layout prints them: digits are shifted")
    func azertyUsages() throws {
        func reports(_ digits: String) -> [[UInt8]] {
            (digits.compactMap(\.wholeNumberValue)).flatMap { digit -> [[UInt8]] in
                [[2, 0, digit == 0 ? 0x27 : 0x1d + UInt8(digit), 0, 0, 0, 0, 0], [UInt8](repeating: 0, count: 8)]
            } + [[0, 0, 0x28, 0, 0, 0, 0, 0], [UInt8](repeating: 0, count: 8)]
        }
        var learning = ReaderLearning()
        for code in [clubA, clubA, clubA, clubB, article] {
            guard case .took = learning.receive(Bench.presentation(reports(code))) else {
                Issue.record("not taken")
                return
            }
        }
        let reader = try learning.reader(schemeName: "club")
        #expect(["fr", "be"].contains(reader.layout?.name))
        #expect(reader.scheme?.prefix == "2984")
    }

    @Test("German and Swiss keys read Y and Z alike, others turn them: the doubt is told")
    func rivals() throws {
        // Digits and letters alone: nothing says whether Y is Y or Z.
        let reader = try Bench(layout: .de).learn("YZ1004711", "YZ1009920", product: article)
        #expect(reader.layout == .us)
        #expect(warnings(reader).contains("Compare the trial"))
    }

    @Test("A scanner without terminator gets a gap from what was measured")
    func noTerminator() throws {
        let reader = try Bench(suffix: "", interval: .milliseconds(12)).learn(clubA, clubB, product: article)
        #expect(reader.terminator == ScanTerminator.none)
        // Three times 12 ms is less than the least that is safe.
        #expect(reader.gap == .milliseconds(50))
        let slow = try Bench(suffix: "", interval: .milliseconds(41)).learn(clubA, clubB, product: article)
        #expect(slow.gap == .milliseconds(130))
        #expect(warnings(slow).contains("CR suffix"))
    }

    @Test("A slow scanner with a terminator gets more time than usual")
    func slow() throws {
        let reader = try Bench(interval: .milliseconds(70)).learn(clubA, clubB, product: article)
        #expect(reader.terminator == .cr && reader.gap == .milliseconds(140))
    }

    @Test(
        "Terminators",
        arguments: [("\r", ScanTerminator.cr), ("\r\n", .crlf), ("\n", .lf), ("\t", .tab)])
    func terminators(suffix: String, expected: ScanTerminator) throws {
        let reader = try Bench(suffix: suffix).learn(clubA, clubB, product: article)
        #expect(reader.terminator == expected && reader.gap == nil)
    }

    @Test("The Enter of the keypad is told from the other one")
    func keypadEnter() throws {
        var learning = ReaderLearning()
        for code in [clubA, clubA, clubA, clubB, article] {
            let enter: [[UInt8]] = [[0, 0, 0x58, 0, 0, 0, 0, 0], [UInt8](repeating: 0, count: 8)]
            let keys = try #require(KeyboardLayout.us.reports(typing: code))
            _ = learning.receive(Bench.presentation(keys + enter))
        }
        #expect(try learning.reader(schemeName: "club").terminator == .keypadEnter)
    }

    @Test("STX in front and ETX behind are cut off", arguments: ["\u{3}\r", "\u{3}"])
    func framed(suffix: String) throws {
        let reader = try Bench(prefix: "\u{2}", suffix: suffix).learn(clubA, clubB, product: article)
        #expect(reader.prefix == [2] && reader.suffix == [3])
        #expect(reader.terminator == (suffix.count == 2 ? .cr : ScanTerminator.none))
        #expect(reader.scheme?.prefix == "2984")
    }

    @Test("A sign that somebody programmed in front of every code is cut off")
    func printablePrefix() throws {
        let reader = try Bench(prefix: "~").learn("KD1004711", "KD1009920", product: article)
        #expect(reader.prefix == Array("~".utf8) && reader.scheme?.prefix == "KD100")
    }

    @Test("A letter for the kind of code, as Symbol's scanners send it, is dropped from the number")
    func codeLetter() throws {
        var learning = ReaderLearning()
        for code in ["D1001234567", "D1001234567", "D1001234567", "D1007654321", "A" + article] {
            guard case .took = learning.receive(try Bench().presentation(code)) else {
                Issue.record("not taken")
                return
            }
        }
        let reader = try learning.reader(schemeName: "club")
        #expect(reader.scheme?.prefix == "D100" && reader.scheme?.droppingFirst == 1)
        guard case .card(let number) = reader.trial(try Bench().presentation("D1001234567")) else {
            Issue.record("not read")
            return
        }
        #expect(number.value == "1001234567")
    }

    @Test("Where the reader tells the symbology, the scheme asks for it")
    func identifiers() throws {
        let reader = try Bench().learn("]C0" + "KD1004711", "]C0" + "KD1009920", product: "]E0" + article)
        #expect(reader.tellsSymbology && reader.symbology == .code128)
        #expect(reader.scheme?.symbologies == [.code128] && reader.scheme?.prefix == "KD100")
        let ean = try Bench().learn("]E0" + clubA, "]E0" + clubB, product: "]E0" + article)
        #expect(ean.scheme?.symbologies == [.ean13] && ean.scheme?.prefix == "2984")
    }

    @Test("The verified check character of a Code 39 is no part of the number")
    func code39() throws {
        // Mod 43 (ISO/IEC 16388): the values of K D 7 1 0 0 4 2 9 add up to 20+13+7+1+0+0+4+2+9 = 56 = 13, a D; those of
        // K D 7 1 0 8 8 3 1 to 20+13+7+1+0+8+8+3+1 = 61 = 18, an I.
        let reader = try Bench().learn("]A1KD7100429D", "]A1KD7108831I", product: "]E0" + article)
        #expect(reader.symbology == .code39 && reader.scheme?.prefix == "KD710" && reader.scheme?.lengths == 9...9)
        guard case .card(let number) = reader.trial(try Bench().presentation("]A1KD7100429D")) else {
            Issue.record("not read")
            return
        }
        #expect(number.value == "KD7100429")
    }

    @Test("Caps Lock: a turned identifier gives it away")
    func capsLock() throws {
        let reader = try Bench(swapsCase: true).learn("]A0KD1004711", "]A0KD1009920", product: "]E0" + article)
        #expect(reader.isCapsLocked && reader.scheme?.prefix == "KD100")
        #expect(warnings(reader).contains("Caps Lock"))
        let plain = try Bench(swapsCase: true).learn("KD1004711", "KD1009920", product: article)
        #expect(!plain.isCapsLocked && warnings(plain).contains("caps_lock = true"))
    }

    @Test("A membership number inside a GS1 code or a Digital Link")
    func membership() throws {
        // GSRN: 17 digits and a check digit, General Specifications 3.9.14; 952 is GS1's range for examples.
        let (card, other) = ("952012000000004715", "952012000009991238")
        for number in [card, other] {
            let digits = number.compactMap(\.wholeNumberValue)
            let sum = digits.enumerated().map { $0.element * ($0.offset.isMultiple(of: 2) ? 3 : 1) }.reduce(0, +)
            #expect(sum % 10 == 0, "\(number) wants another check digit")
        }
        let code = try Bench().learn("]C18018" + card, "]C18018" + other, product: "]E0" + article)
        #expect(code.scheme?.applicationIdentifier == "8018" && code.scheme?.prefix == "95201200000")
        #expect(code.scheme?.lengths == 18...18)
        let stem = "https://id.example.com/8018/"
        let link = try Bench().learn("]Q1" + stem + card, "]Q1" + stem + other, product: "]E0" + article)
        #expect(link.scheme?.applicationIdentifier == "8018")
        #expect(link.findings.contains { $0.text.contains("Digital Link") })
    }

    @Test("A stripe: track 2, Luhn, no product")
    func stripe() throws {
        // Luhn, worked out beside the code under test.
        for number in ["7004141900123459", "7004141900987655"] {
            let sum = number.compactMap(\.wholeNumberValue).enumerated().map { offset, digit in
                let doubled = offset.isMultiple(of: 2) ? digit * 2 : digit
                return doubled > 9 ? doubled - 9 : doubled
            }.reduce(0, +)
            #expect(sum % 10 == 0, "\(number) wants another check digit")
        }
        let bench = Bench(layout: .de)
        let reader = try bench.learn(
            "%M7004141900123459^CLUB?;7004141900123459=4912?", "%M7004141900987655^CLUB?;7004141900987655=4912?",
            product: nil)
        #expect(reader.track == 2 && reader.layout?.name == "de")
        #expect(reader.scheme?.prefix == "7004141900" && reader.scheme?.checkDigit == .luhn)
    }

    @Test("Two check digits of MOD 97-10 (ISO/IEC 7064): 98 minus what a hundred times the number leaves")
    func mod97() throws {
        let numbers = [7_310_042_917, 7_310_988_305].map { number in
            let check = 98 - number * 100 % 97
            return "\(number)" + (check < 10 ? "0\(check)" : "\(check)")
        }
        #expect(numbers.allSatisfy { (Int($0) ?? 0) % 97 == 1 })
        let reader = try Bench().learn("]C0" + numbers[0], "]C0" + numbers[1], product: "]E0" + article)
        #expect(reader.scheme?.checkDigit == .mod97 && reader.scheme?.lengths == 12...12)
    }

    @Test("Cards without a check digit are described without one")
    func noCheckDigit() throws {
        let reader = try Bench().learn("810471100123", "810471199877", product: article)
        #expect(reader.scheme?.checkDigit == CardScheme.CheckDigit.none)
    }
}
