import CardReading
import Foundation
import LoyaltyModel
import ReaderCaptures
import Testing

/// One swipe or scan through a recording session, and what came of it.
private struct Recorded {
    var items: [RecordedItem]
    var reports: [[UInt8]] { items.compactMap { if case .report(_, let bytes) = $0 { bytes } else { nil } } }
    var scans: [RecordedScan] { items.compactMap { if case .scan(_, let scan) = $0 { scan } else { nil } } }
    var withheld: [Withheld] { items.compactMap { if case .withheld(_, let why) = $0 { why } else { nil } } }
    var halves: Int { items.count { if case .half = $0 { true } else { false } } }
}

private let start = MonotonicTime(nanoseconds: 1_000_000_000)

private func session(
    _ facts: InterfaceFacts, _ options: ReaderOptions = .init(), digits: RecordedDigits = .replaced,
    schemes: [CardScheme] = []
) throws -> RecordingSession {
    let classifier = try CardClassifier(schemes: schemes)
    return try #require(
        RecordingSession(
            facts, options: options, classifier: classifier, digits: digits, key: (7, 11), startingAt: start))
}

/// Plays reports with their times, and then silence.
private func record(
    _ reports: [(at: Duration, report: [UInt8])], with session: inout RecordingSession, from offset: Duration = .zero
) -> Recorded {
    var items: [RecordedItem] = []
    for (at, report) in reports {
        let instant = start.adding(offset + at)
        while let deadline = session.deadline, deadline <= instant { items += session.expire(at: deadline) }
        items += session.receive(report, at: instant)
    }
    while let deadline = session.deadline { items += session.expire(at: deadline) }
    return Recorded(items: items)
}

private func typed(
    _ text: String, _ layout: KeyboardLayout = .us, every interval: Duration = .milliseconds(4)
) throws -> [(at: Duration, report: [UInt8])] {
    try #require(layout.reports(typing: text)).enumerated().map { (interval * $0.offset, $0.element) }
}

/// Whether a text's digits stand in what was recorded, as bytes, as keys of either block, or in words.
private func shows(_ digits: String, _ recorded: Recorded) -> Bool {
    let words = recorded.scans.map { "\($0.text) \($0.number ?? "")" }.joined(separator: " ")
    let bytes = recorded.reports.flatMap(\.self)
    let ascii = bytes.filter { (0x30...0x39).contains($0) }
    let row = bytes.filter { (0x1e...0x27).contains($0) }.map { 0x30 + ($0 - 0x1d) % 10 }
    let keypad = bytes.filter { (0x59...0x62).contains($0) }.map { 0x30 + ($0 - 0x58) % 10 }
    let binary = bytes.filter { $0 < 10 }.map { $0 + 0x30 }
    let texts = [words] + [ascii, row, keypad, binary].map { String(decoding: $0, as: UTF8.self) }
    return texts.contains { $0.contains(digits) }
}

/// HID POS, Honeywell's layout: AIM bytes, data, and the rest of an earlier scan behind them.
private func hidPOS(_ text: String, stale: String = "", aim: String = "]C0") -> [UInt8] {
    var report: [UInt8] = [2, UInt8(text.utf8.count)] + Array(aim.utf8) + Array(text.utf8)
    report += Array(stale.utf8.dropFirst(text.utf8.count))
    return report + [UInt8](repeating: 0, count: 64 - report.count)
}

/// Symbol's trailer for Code 128.
private func ibm(_ text: String) -> [UInt8] {
    let body: [UInt8] = [0x10, 0x03, 0x00] + Array(text.utf8) + [0x00, 0x18, 0x0b]
    return [UInt8(body.count + 1)] + body + [UInt8](repeating: 0, count: 63 - body.count)
}

private func simpleCOM(_ text: String) -> [UInt8] {
    [UInt8(text.utf8.count)] + Array(text.utf8) + [UInt8](repeating: 0, count: 63 - text.utf8.count)
}

private func snapi(_ text: String) -> [UInt8] {
    let body: [UInt8] = [0x22, 1, 0, UInt8(text.utf8.count), 3, 0] + Array(text.utf8)
    return body + [UInt8](repeating: 0, count: 32 - body.count)
}

@Suite("Recordings hold no card") struct RecordingTests {
    /// Published test numbers of the networks, none of anybody's account.
    static let payment = ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117"]

    @Test("A payment card of any protocol leaves nothing but that it was left out", arguments: payment)
    func everyProtocol(number: String) throws {
        let stripe = "%B\(number)^DOE/JOHN^2512101000?;\(number)=2512101000?"
        let byProtocol: [(InterfaceFacts, [[UInt8]])] = [
            (.usual(for: .hidPOS), [hidPOS(number)]),
            (.usual(for: .ibmOEM), [ibm(number)]),
            (.usual(for: .simpleCOM), [simpleCOM(number)]),
            (.usual(for: .snapi), [snapi(number)]),
            (.usual(for: .serial), [Array("\(number)\r".utf8)]),
            (.serial(.ftdi), [[0x01, 0x60] + Array("\(number)\r".utf8)]),
            (.serial(.prolific), [Array("\(stripe)\r".utf8)]),
            // Cut off, so that no scan comes of it.
            (.usual(for: .serial), [Array(number.utf8)]),
            (.usual(for: .serial), [Array(";\(number)=2512".utf8)]),
            (.usual(for: .simpleCOM), [[0xff] + Array(number.utf8) + [UInt8](repeating: 0, count: 47)]),
        ]
        for (facts, reports) in byProtocol {
            for digits in RecordedDigits.allCases {
                var session = try session(facts, digits: digits)
                let recorded = record(reports.map { (.zero, $0) }, with: &session)
                #expect(recorded.reports.isEmpty && recorded.scans.isEmpty)
                #expect(recorded.withheld.count == 1)
                #expect(!shows(String(number.prefix(6)), recorded))
            }
        }
    }

    @Test(
        "A payment card of a recorded stripe reader leaves nothing",
        arguments: [
            "hid-msr-page-8e-synthesised", "magtek-sureswipe-hid", "magtek-magnesafe-v5-hid", "idtech-hid-synthesised",
        ])
    func stripes(name: String) throws {
        let capture = try example(name)
        let decoder = CaptureDecoder(capture)
        var refused = 0
        for sample in capture.cases {
            guard case .reports = sample.payload else { continue }
            for digits in RecordedDigits.allCases {
                var session = try session(decoder.facts(), digits: digits)
                let recorded = record(try decoder.timeline(sample), with: &session)
                for part in ["545230", "516349", "7189", "DOE", "HOGAN"] { #expect(!shows(part, recorded)) }
                let isRefused = sample.expected?.isPaymentCard == true || sample.expected?.isEncrypted == true
                if isRefused { #expect(recorded.reports.isEmpty && recorded.withheld.count == 1) }
                refused += isRefused ? 1 : 0
                // Nor does a card of a club's, unless that was asked for.
                if digits == .replaced { #expect(!shows("9528123456789012", recorded)) }
            }
        }
        #expect(refused > 0)
    }

    @Test("A payment card is found on every layout, whatever layout the settings name", arguments: KeyboardLayout.all)
    func layouts(of reader: KeyboardLayout) throws {
        for setting in KeyboardLayout.all {
            for number in Self.payment {
                for text in ["\(number)\r", "%B\(number)^DOE/JOHN^2512101000?;\(number)=2512101000?\r", number] {
                    var session = try session(.usual(for: .keyboard), ReaderOptions(layout: setting), digits: .kept)
                    let recorded = record(try typed(text, reader), with: &session)
                    #expect(recorded.withheld.count == 1 && recorded.reports.isEmpty, "\(reader) read as \(setting)")
                }
            }
        }
    }

    @Test("A card that comes in fields, or as codes with Alt held, is one card all the same")
    func fields() throws {
        var fields = try session(.usual(for: .keyboard), digits: .kept)
        #expect(record(try typed("DOE JOHN\t4111111111111111\t12\t25\r"), with: &fields).reports.isEmpty)
        var alt: [[UInt8]] = []
        for byte in "4111111111111111".utf8 {
            for digit in [0, Int(byte) / 10, Int(byte) % 10] {
                let usage = UInt8(digit == 0 ? 0x62 : 0x58 + digit)
                alt += [[4, 0, usage, 0, 0, 0, 0, 0], [4, 0, 0, 0, 0, 0, 0, 0]]
            }
            alt.append([UInt8](repeating: 0, count: 8))
        }
        let enter: [UInt8] = [0, 0, 0x28, 0, 0, 0, 0, 0]
        for reports in [alt, alt + [enter]] {
            var session = try session(.usual(for: .keyboard), digits: .kept)
            let timed = reports.enumerated().map { (at: Duration.milliseconds(4 * $0.offset), report: $0.element) }
            let recorded = record(timed, with: &session)
            #expect(recorded.withheld == [.paymentCard] && recorded.reports.isEmpty)
        }
    }

    @Test("What a hand types on a wedge keyboard shows no digit, even where digits are kept")
    func slowTyping() throws {
        for options in [ReaderOptions(), ReaderOptions(terminators: [.none])] {
            for interval in [60, 150, 400] {
                var session = try session(.usual(for: .keyboard), options, digits: .kept)
                let keys = try typed("4111111111111111", every: .milliseconds(interval))
                let recorded = record(keys, with: &session)
                #expect(!shows("4111", recorded) && !shows("11111111", recorded) || recorded.reports.isEmpty)
            }
        }
    }

    @Test("The digits of other cards are replaced: the same by the same, with length, check digit and beginning")
    func replaced() throws {
        var session = try session(.usual(for: .keyboard))
        // 2984 is a club's prefix; check digits by the GS1 rule.
        let numbers = ["2984000000018", "2984000000018", "2984000000025", "2984123456785", "4006381333931"]
        let recorded = try numbers.enumerated().map { index, number in
            record(try typed(number + "\r"), with: &session, from: .seconds(3 * index))
        }
        let masked = recorded.flatMap(\.scans)
        #expect(masked.count == numbers.count && recorded.allSatisfy { $0.withheld.isEmpty })
        for (number, (scan, sample)) in zip(numbers, zip(masked, recorded)) {
            #expect(
                scan.text.count == 13 && CardNumber.hasValidCheckDigit(Array(scan.text.utf8)),
                "\(number) as \(scan.text)")
            #expect(!scan.hasRealDigits && scan.outcome == "number" && scan.number == scan.text)
            #expect(scan.text != number && !shows(String(number.suffix(6)), sample))
        }
        #expect(masked[0].text == masked[1].text)
        #expect(masked[0].text != masked[2].text)
        #expect(masked[0].text.prefix(10) == masked[2].text.prefix(10))
        #expect(masked[0].text.prefix(4) == masked[3].text.prefix(4))
        #expect(masked[0].text.prefix(5) != masked[3].text.prefix(5))
    }

    @Test("Another key gives another number, so that two recordings cannot be put beside each other")
    func keyed() throws {
        let texts = try [(UInt64(1), UInt64(2)), (1, 3), (2, 2)].map { key in
            var session = try #require(
                RecordingSession(
                    .usual(for: .keyboard), options: .init(), classifier: CardClassifier(schemes: []),
                    digits: .replaced, key: key, startingAt: start))
            return try #require(record(typed("2984123456785\r"), with: &session).scans.first).text
        }
        #expect(Set(texts).count == 3)
    }

    @Test("A reader of another layout than the settings say: the signs that should be digits are replaced as well")
    func foreignLayout() throws {
        let french = try #require(KeyboardLayout(named: "fr"))
        var session = try session(.usual(for: .keyboard), ReaderOptions(layout: french))
        let recorded = record(try typed("2984123456785\r"), with: &session)
        #expect(recorded.scans.count == 1)
        #expect(!shows("298412", recorded) && recorded.scans.first?.text.contains("é") != nil)
        let keys = recorded.reports.map { $0[2] }.filter { (0x1e...0x27).contains($0) }
        #expect(keys.count == 13)
    }

    @Test("What a device had left behind its scan is not in the recording")
    func stale() throws {
        for digits in RecordedDigits.allCases {
            var session = try session(.usual(for: .hidPOS), digits: digits)
            let report = hidPOS("CLUB-123456", stale: "XXXXXXXXXXXXXX5555555555554444")
            let recorded = record([(.zero, report)], with: &session)
            let scan = try #require(recorded.scans.first)
            #expect(scan.text.hasPrefix("CLUB-") && (scan.text == "CLUB-123456") == (digits == .kept))
            #expect(recorded.reports.first?.dropFirst(16).allSatisfy { $0 == 0 } == true)
            #expect(recorded.reports.first?.prefix(5).elementsEqual(report.prefix(5)) == true)
        }
    }

    @Test("Digits that were asked for are there, those of half a scan are not")
    func kept() throws {
        var session = try session(.usual(for: .keyboard), digits: .kept)
        let reports = try typed("2984123456785\r")
        let whole = record(reports, with: &session)
        #expect(whole.reports == reports.map(\.report))
        #expect(whole.scans.map(\.text) == ["2984123456785"] && whole.scans.first?.hasRealDigits == true)
        let half = record(Array(reports.prefix(16)), with: &session, from: .seconds(5))
        #expect(half.halves == 1 && half.scans.isEmpty && half.reports.count == 16)
        #expect(!shows("29841234", half))
    }

    @Test("A GS1 message keeps its identifiers and dates")
    func elements() throws {
        var session = try session(.usual(for: .hidPOS))
        // A GSRN with its check digit, which needs a separator behind it, a date and a batch.
        let code = "8018295000000000000017\u{1d}1726123110AB77"
        let scan = try #require(record([(.zero, hidPOS(code, aim: "]C1"))], with: &session).scans.first)
        #expect(scan.text.hasPrefix("8018") && scan.text != code)
        #expect(CardNumber.hasValidCheckDigit(Array(scan.text.utf8.dropFirst(4).prefix(18))))
        #expect(scan.text.dropFirst(22).hasPrefix("\u{1d}1726123110AB"))
    }

    @Test("A number that a configured scheme claims is recorded, even in a range that Maestro shares")
    func contested() throws {
        let number = ";6364000000000000=4912?"
        let scheme = CardScheme(name: "club", prefix: "6364", lengths: 16...16)
        for (schemes, isThere) in [([], false), ([scheme], true)] {
            var session = try session(.usual(for: .serial), schemes: schemes)
            let recorded = record([(.zero, Array("\(number)\r".utf8))], with: &session)
            #expect(recorded.scans.isEmpty != isThere && recorded.withheld.isEmpty == isThere)
            #expect(!shows("6364", recorded))
        }
    }

    /// Seven bits and a parity bit, read as eight bits: the line end 0A has two bits set, so even parity leaves it as it is.
    private func withParity(_ text: String, isEven: Bool) -> [UInt8] {
        text.utf8.map { $0.nonzeroBitCount.isMultiple(of: 2) == isEven ? $0 : $0 | 0x80 }
    }

    @Test(
        "A serial reader whose parity is not as set: its cards are in no recording", arguments: RecordedDigits.allCases)
    func parity(digits: RecordedDigits) throws {
        for number in Self.payment {
            for text in [number, ";\(number)=2512101000?"] {
                var even = try session(.usual(for: .serial), digits: digits)
                let recorded = record([(.zero, withParity(text, isEven: true) + [0x0a])], with: &even)
                #expect(recorded.reports.isEmpty && recorded.scans.isEmpty && recorded.withheld == [.paymentCard])
                var odd = try session(.usual(for: .serial), ReaderOptions(terminators: [.none]), digits: digits)
                let unended = record([(.zero, withParity(text, isEven: false))], with: &odd)
                #expect(unended.reports.isEmpty && unended.withheld == [.paymentCard])
            }
        }
        // What may be any card: digits with bit 7 cannot be replaced.
        var other = try session(.usual(for: .serial), digits: digits)
        let club = record([(.zero, withParity("2984123456785\n", isEven: true))], with: &other)
        #expect(club.reports.isEmpty && club.scans.isEmpty && club.withheld == [.notUnderstood])
    }

    @Test("What an encrypting head types behind the tracks is in no recording", arguments: RecordedDigits.allCases)
    func encryptedBlock(digits: RecordedDigits) throws {
        let tracks = "%A9528123456789012^MEMBER/GOLD^9912?;9528123456789012=9912?"
        for text in ["\(tracks)|0600|C25C1D11AA|724C5DB7|A1050000|FFFF9876543210E00008\r", "\(tracks)|ABCDEF\r"] {
            var encrypting = try session(.usual(for: .keyboard), digits: digits)
            let recorded = record(try typed(text), with: &encrypting)
            #expect(recorded.reports.isEmpty && recorded.scans.isEmpty && recorded.withheld == [.encryptedCard])
        }
        // The tracks alone are a card like any other.
        var clear = try session(.usual(for: .keyboard), digits: digits)
        #expect(record(try typed(tracks + "\r"), with: &clear).scans.count == 1)
    }

    @Test("A reader that never falls silent fills no memory and is told of in one line")
    func babble() throws {
        var session = try session(.usual(for: .serial), digits: .kept)
        let noise = [UInt8](repeating: 0x41, count: 64)
        let recorded = record((0..<5_000).map { (at: .milliseconds(2 * $0), report: noise) }, with: &session)
        #expect(recorded.withheld == [.tooLong] && recorded.reports.isEmpty)
        let after = record([(.zero, Array("2984123456785\r".utf8))], with: &session, from: .seconds(60))
        #expect(after.scans.map(\.text) == ["2984123456785"])
    }

    @Test(
        "Every example of a reader that can be recorded is read again as it was recorded",
        arguments: CaptureTests.readable)
    func examples(name: String) throws {
        let capture = try example(name)
        let decoder = CaptureDecoder(capture)
        for sample in capture.cases {
            guard case .reports = sample.payload, let facts = try? decoder.facts() else { continue }
            let original = try decoder.read(sample).scans
            var session = try session(facts)
            let recorded = record(try decoder.timeline(sample), with: &session)
            guard recorded.withheld.isEmpty else { continue }
            var again = sample
            again.payload = .reports(recorded.reports)
            again.times = nil
            let read = try decoder.read(again).scans
            #expect(read.map { String(decoding: $0.text, as: UTF8.self) } == recorded.scans.map(\.text))
            #expect(read.map(\.aim) == original.map(\.aim) && read.map(\.symbology) == original.map(\.symbology))
            #expect(read.map(\.text.count) == original.map(\.text.count))
            for scan in original {
                let digits = String(decoding: scan.text.filter { (0x30...0x39).contains($0) }, as: UTF8.self)
                if digits.count >= 8 { #expect(!shows(digits, recorded), "\(sample.id)") }
            }
        }
    }
}
