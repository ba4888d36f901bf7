import CardReading
import LoyaltyModel
import Testing

@Suite struct KeyboardDecoderTests {
    private static let released = [UInt8](repeating: 0, count: 8)

    private func keys(_ hex: String) -> [String] { hex.split(separator: ",").map { $0 + " 000000000000" } }

    @Test(
        "Captures decode to what was scanned", arguments: ["kbd-alt-numpad-unix-se-392654", "kbd-generic-node-hid-323"])
    func captures(file: String) throws {
        let capture = try Capture.named(file)
        #expect(!capture.cases.isEmpty)
        for sample in capture.cases {
            var decoder = try ScanDecoder.keyboard()
            let scans = decoder.receive(try #require(sample.reportsHex))
            #expect(scans.map(\.string) == [try #require(sample.expected?.text)], "\(sample.id)")
            #expect(decoder.expire(at: .milliseconds(60_000)).isEmpty)
            #expect(decoder.droppedPartialScans == 0)
        }
    }

    /// Only 59 of 106 bytes of this descriptor were published; the end of the last item and of the collection is derived.
    @Test("A keyboard that numbers its reports is read by its descriptor")
    func reportID() throws {
        let prefix = try #require(Capture.named("kbd-report-id-0581-020c").reportDescriptorPrefixHex)
        var decoder = try ScanDecoder.reading(bytes(prefix + "02c0"))
        #expect(decoder.kind == .keyboard)
        #expect(decoder.inputReportLength == 4)
        #expect(decoder.setup == [.setProtocol(boot: false), .setIdle(0), .output(reportID: 3, [0])])
        let scans = decoder.receive([
            "0300001e", "03000000", "0300001f", "0102002b", "03000000", "03020004", "03000028",
        ])
        #expect(scans.map(\.string) == ["12A"])
    }

    @Test("A scan that broke off with a key down takes no digit from the next one, which begins with that key")
    func brokenOffWithKeyDown() throws {
        var decoder = try ScanDecoder.keyboard()
        let start = MonotonicTime(nanoseconds: 0)
        let two: [UInt8] = [0, 0, 0x1f, 0, 0, 0, 0, 0]
        #expect(decoder.receive(two, at: start).isEmpty)
        _ = decoder.expire(at: start.adding(.milliseconds(80)))
        var scans: [DecodedScan] = []
        for (index, report) in USTyping.reports("29\r").enumerated() {
            scans += decoder.receive(report, at: start.adding(.milliseconds(2000 + index * 4)))
        }
        #expect(scans.map(\.string) == ["29"])
    }

    @Test("Nor does one key that came late, behind a scan that had broken off")
    func lateKeyStaysDown() throws {
        var decoder = try ScanDecoder.keyboard()
        let start = MonotonicTime(nanoseconds: 0)
        _ = decoder.receive([0, 0, 0x1f, 0, 0, 0, 0, 0], at: start)
        _ = decoder.expire(at: start.adding(.milliseconds(80)))
        _ = decoder.receive([0, 0, 0x21, 0, 0, 0, 0, 0], at: start.adding(.milliseconds(100)))
        var scans: [DecodedScan] = []
        for (index, report) in USTyping.reports("49\r").enumerated() {
            scans += decoder.receive(report, at: start.adding(.milliseconds(2000 + index * 4)))
        }
        #expect(scans.map(\.string) == ["49"])
    }

    @Test("A key that is held, its report repeated for ever, is one key")
    func heldKey() throws {
        var decoder = try ScanDecoder.keyboard()
        let start = MonotonicTime(nanoseconds: 0)
        let two: [UInt8] = [0, 0, 0x1f, 0, 0, 0, 0, 0]
        for index in 0..<100 { #expect(decoder.receive(two, at: start.adding(.milliseconds(index * 8))).isEmpty) }
        #expect(decoder.droppedPartialScans == 1)
    }

    @Test("A swipe on a line of its own that waits for further tracks is whole where the reader can send no more")
    func concludes() throws {
        var decoder = try ScanDecoder.keyboard()
        let instant = MonotonicTime(nanoseconds: 0)
        for report in USTyping.reports(";9528123456789012=9912?\r") {
            #expect(decoder.receive(report, at: instant).isEmpty)
        }
        #expect(decoder.conclude().map(\.string) == [";9528123456789012=9912?"])
        #expect(decoder.conclude().isEmpty && decoder.droppedPartialScans == 0)
        // Half of a second track has begun: then it is half a swipe.
        for report in USTyping.reports(";9528123456789012=9912?\r+95281") {
            #expect(decoder.receive(report, at: instant).isEmpty)
        }
        #expect(decoder.conclude().isEmpty && decoder.droppedPartialScans == 1)
    }

    @Test("The stripe of a keyboard-emulating reader, typed from the text that the manual prints")
    func magneticStripe() throws {
        let capture = try Capture.named("magtek-mini-swipe-kb")
        let sample = try #require(capture.cases.first)
        var decoder = try ScanDecoder.reading(capture.descriptor())
        let scans = decoder.receive(USTyping.reports(try #require(sample.keyboardText)))
        let scan = try #require(scans.first)
        #expect(scans.count == 1 && scan.entry == .msr)
        #expect(scan.string == sample.expected?.tracks?.joined())
        #expect(try CardClassifier(schemes: []).classify(scan) == .refused(.paymentCard))
    }

    @Test("An encrypting reader in keyboard mode: only what stands before the first bar is kept")
    func encryptingReader() throws {
        for sample in try #require(Capture.named("magtek-magnesafe-v5-hid").keyboardCases) {
            let text = try #require(sample.keyboardText)
            var decoder = try ScanDecoder.keyboard()
            let scan = try #require(decoder.receive(USTyping.reports(text)).first)
            #expect(scan.entry == .msr && scan.hadEncryptedBlock)
            #expect(scan.string == text.prefix { $0 != "|" })
            #expect(try CardClassifier(schemes: []).classify(scan) == .refused(.encryptedCard))
        }
    }

    @Test("Tracks on lines of their own are one swipe")
    func tracksOnLines() throws {
        var decoder = try ScanDecoder.keyboard()
        #expect(decoder.receive(USTyping.reports("%B9528000000000017^A/B^4912?\r;9528000000000017=4912?\r")).isEmpty)
        let scans = decoder.expire(at: try #require(decoder.deadline))
        #expect(scans.map(\.string) == ["%B9528000000000017^A/B^4912?;9528000000000017=4912?"])
        #expect(decoder.deadline == nil)
    }

    @Test(
        "Every way to press keys that was seen in the field",
        arguments: [
            // No release between different keys, one between equal ones; Shift in the report of the key (vpatron, LS2208).
            ("00000b,000017,000000,000017,000013,020033,000028", "http:"),
            // Shift in reports of its own before and after (node-hid issue 228).
            ("020000,020025,020000,000000,000028", "*"),
            // The key in the third slot (USB_Host_Shield_2.0 issue 732).
            ("000000001e,000000,000028", "1"),
            // Several keys in one report, in array order.
            ("00001e1f20,000000,000028", "123"),
            // A key held: the same report again is no new key.
            ("00001e,00001e,00001e,000028", "1"),
            // Overlap: the second key goes down before the first goes up.
            ("00001e,00001e1f,00001f,000028", "12"),
            // Lost track: the report counts for nothing, and the key held through it is not pressed twice.
            ("00001e,0000010101010101,00001e,00001f,000028", "12"),
            // A modifier in the key array.
            ("0000e104,000000,000028", "A"),
            // Keypad digits and keypad Enter.
            ("000059,00005a,000062,000058", "120"),
            // GS as Ctrl+], as F8, and LF as Ctrl+J ends a scan.
            ("00001e,010030,00001f,000041,000020,01000d", "1\u{1d}2\u{1d}3"),
            // NumLock tapped first, then Alt with one digit per report (Datalogic GFS4400).
            ("000053,000000,040000,040062,040000,04005d,040000,04005a,040000,000000,000028", "4"),
            // Alt with a code above 127: 0233 is é in Windows-1252, 130 in code page 437.
            ("0400625a5b5b,000000,0400595b62,000000,000028", "éé"),
            // Caps Lock tapped around the data, and tapped back.
            ("000039,000000,000004,00001e,000039,000000,000005,000028", "A1b"),
            ("000039,000000,020004,000028", "a"),
            // A chord with Gui or left Alt is no data.
            ("080015,000000,04003d,000000,00001e,000028", "1"),
        ])
    func fieldBehaviour(reports: String, text: String) throws {
        var decoder = try ScanDecoder.keyboard()
        let scans = decoder.receive(keys(reports))
        #expect(scans.map(\.string) == [text])
    }

    @Test(
        "A key that has no character on the layout spoils the scan, not just one character",
        arguments: ["00001e,40001f,000000,000020,000028", "40001f,000000,000020,000021,000028"])
    func unknownCharacter(reports: String) throws {
        var decoder = try ScanDecoder.keyboard()
        _ = decoder.receive(keys("00001e,000028,000000"))
        #expect(decoder.receive(keys(reports), from: 1000).isEmpty)
        #expect(decoder.droppedPartialScans == 1)
        #expect(decoder.receive(keys("000000,00001e,000028"), from: 1100).map(\.string) == ["1"])
    }

    @Test("Caps Lock of one scan does not reach the next")
    func capsLockEndsWithTheScan() throws {
        var decoder = try ScanDecoder.keyboard()
        #expect(decoder.receive(keys("000039,000000,000004,000028,000000,000004,000028")).map(\.string) == ["A", "a"])
        _ = decoder.receive(keys("000039,000000"), from: 100)
        _ = decoder.expire(at: .milliseconds(1000))
        #expect(decoder.receive(keys("000004,000028"), from: 1000).map(\.string) == ["a"])
        #expect(decoder.droppedPartialScans == 0)
    }

    @Test(
        "The identifier in front of the data is taken off, and UPC-A gets its zero",
        arguments: [
            ("]E08711218972875\r", "8711218972875", Symbology.ean13), ("]E0036000291452\r", "0036000291452", .ean13),
            ("c]E0036000291452\t\n", "0036000291452", .ean13), ("]E496385074\r", "96385074", .ean8),
            ("]Q1TESTING\r", "TESTING", .qr), ("]C1011231231231233310ABC\r", "011231231231233310ABC", .gs1128),
        ])
    func identifiers(typed: String, text: String, symbology: Symbology) throws {
        var decoder = try ScanDecoder.keyboard()
        let typing = typed.replacing("\n", with: "")
        let scan = try #require(decoder.receive(USTyping.reports(typing)).first)
        #expect(scan.string == text && scan.symbology == symbology)
    }

    @Test(
        "Each terminator ends a scan, and what is left of it begins none",
        arguments: [
            ("000028", ScanTerminator.cr), ("00000b,01000d", .lf), ("000028,000000,03000d", .crlf), ("00002b", .tab),
            ("000058", .keypadEnter),
        ])
    func terminators(reports: String, terminator: ScanTerminator) throws {
        var decoder = try ScanDecoder.keyboard(ReaderOptions(terminators: [terminator]))
        let scans = decoder.receive(keys("00001e,00001f," + reports))
        #expect(scans.map { $0.string.prefix(2) } == ["12"])
        #expect(decoder.receive(keys("000000,000020," + reports), from: 40).count == 1)
    }

    @Test("A scan without terminator is dropped and counted; its terminator, come late, ends nothing")
    func gap() throws {
        var decoder = try ScanDecoder.keyboard()
        #expect(decoder.receive(keys("00001e,00001f")).isEmpty)
        #expect(decoder.deadline == .milliseconds(84))
        #expect(decoder.expire(at: .milliseconds(83)).isEmpty)
        #expect(decoder.droppedPartialScans == 0)
        #expect(decoder.receive(keys("000028"), from: 84).isEmpty)
        #expect(decoder.droppedPartialScans == 1)
        #expect(decoder.deadline == nil)
        #expect(decoder.receive(keys("000020,000028"), from: 200).map(\.string) == ["3"])
    }

    @Test("A scan that stalled gives no card: neither its first half nor its second")
    func stalled() throws {
        var decoder = try ScanDecoder.keyboard()
        _ = decoder.receive(keys("00001e,00001f"))
        #expect(decoder.receive(keys("000020,000021,000028"), from: 100).isEmpty)
        #expect(decoder.droppedPartialScans == 2)
        #expect(decoder.receive(keys("000000,000022,000028"), from: 130).map(\.string) == ["5"])
    }

    @Test("A reader set up without terminator: silence ends the scan, a suffix is cut")
    func withoutTerminator() throws {
        var decoder = try ScanDecoder.keyboard(ReaderOptions(terminators: [.none]))
        #expect(decoder.receive(keys("00001e,00001f,000028,000000")).isEmpty)
        let scans = decoder.expire(at: try #require(decoder.deadline))
        #expect(scans.map(\.string) == ["12"])
        #expect(scans.first?.completedAt == .milliseconds(12))
    }

    @Test("Unplugged in the middle: no card is made of two halves")
    func reset() throws {
        var decoder = try ScanDecoder.keyboard()
        _ = decoder.receive(keys("00001e,00001f"))
        decoder.reset()
        #expect(decoder.deadline == nil)
        // The key held at the unplugging is pressed anew.
        #expect(decoder.receive(keys("00001f,000020,000028"), from: 8).map(\.string) == ["23"])
        #expect(decoder.droppedPartialScans == 1)
    }

    @Test("Unplugged between two lines of a swipe: the first line is gone")
    func resetInsideSwipe() throws {
        var decoder = try ScanDecoder.keyboard()
        _ = decoder.receive(USTyping.reports("%B9528000000000017^A/B^4912?\r"))
        decoder.reset()
        _ = decoder.receive(USTyping.reports(";9999000000000017=4912?\r"), from: 1000)
        let scans = decoder.expire(at: .milliseconds(5000))
        #expect(scans.map(\.string) == [";9999000000000017=4912?"])
    }

    @Test("A scan that never ends is dropped, however long it is")
    func endless() throws {
        var decoder = try ScanDecoder.keyboard()
        for index in UInt64(0)..<20_000 {
            #expect(
                decoder.receive([0, 0, index.isMultiple(of: 2) ? 0x1e : 0x1f, 0, 0, 0, 0, 0], at: .milliseconds(index))
                    .isEmpty)
        }
        #expect(decoder.receive([0, 0, 0x28, 0, 0, 0, 0, 0], at: .milliseconds(20_001)).isEmpty)
        #expect(decoder.droppedPartialScans == 1)
    }

    @Test("Set-up requests are those that readers in the field need")
    func setup() throws {
        let plain = try ScanDecoder.keyboard(ReaderOptions(numLock: true))
        #expect(plain.setup == [.setProtocol(boot: true), .setIdle(0), .output(reportID: 0, [0x01])])
        let withoutBoot = try ScanDecoder.reading(InterfaceFacts.usual(for: .keyboard).reportDescriptor, subclass: 0)
        #expect(withoutBoot.setup == [.setIdle(0), .output(reportID: 0, [0x00])])
    }
}

@Suite struct KeyboardLayoutTests {
    /// Rows of xkeyboard-config as printed on the keys of each country.
    @Test(
        "Layouts put the characters where their keyboards have them",
        arguments: [
            ("us", "00001e,020022,000033", "1%;"), ("gb", "020034,000032,02001f", "@#\""),
            ("de", "00001c,00001d,020024,400014,40002d", "zy/@\\"),
            ("fr", "02001e,02001f,020027,000014,40002e", "120a}"),
            ("be", "02001e,00002e,000038,40001f", "1-=@"), ("es", "020024,40001f,400035", "/@\\"),
            ("it", "40002f,400033,02002e", "[@^"), ("ch", "00001c,02001e,40001e", "z+|"), ("pt", "40001f,020038", "@_"),
            ("se", "400025,02001f,050025", "[\"["), ("dk", "40002e,000064", "|<"), ("no", "00002e,400026", "\\]"),
            // Dead keys, with the space that ends them and without.
            ("de", "000035,000000,00002c,00001e", "^1"), ("fr", "00002f,000000,00002c,02001e", "^1"),
            ("de", "02002e,000004", "`a"),
        ])
    func layouts(name: String, reports: String, text: String) throws {
        let layout = try #require(KeyboardLayout(named: name))
        var decoder = try ScanDecoder.keyboard(ReaderOptions(layout: layout))
        let padded = (reports + ",000028").split(separator: ",").flatMap { [$0 + " 0000000000", "0000000000000000"] }
        #expect(decoder.receive(padded.map { String($0) }).map(\.string) == [text])
    }
}
