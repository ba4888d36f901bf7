import CardReading
import LoyaltyModel
import ReaderCaptures
import Testing

/// Learning from recordings of real readers.
@Suite("Learning from captures") struct LearningCaptureTests {
    /// Presentations that a reader of that kind makes of codes.
    private func learn(_ presentations: [Presentation]) throws -> LearnedReader {
        var learning = ReaderLearning()
        for presentation in presentations {
            let reply = learning.receive(presentation)
            guard case .took = reply else {
                Issue.record("\(reply)")
                break
            }
        }
        return try learning.reader(schemeName: "club")
    }

    @Test("The product that a generic wedge sent, with cards typed like it: CR and Ctrl+Shift+J end a scan")
    func wedge() throws {
        let recorded = try example("kbd-generic-node-hid-323").presentations()
        let product = try #require(recorded.first)
        let tail = product.reports.suffix(6).map(\.bytes)
        func card(_ code: String) throws -> Presentation {
            let keys = try #require(KeyboardLayout.us.reports(typing: code))
            let all = keys + tail
            return Presentation(
                facts: product.facts,
                reports: all.enumerated().map { .init(at: .milliseconds($0.offset * 4), bytes: $0.element) })
        }
        let cards = try ["KD1004711", "KD1004711", "KD1004711", "KD1009920"].map(card)
        let reader = try learn(cards + [product])
        #expect(reader.kind == .keyboard && reader.terminator == .crlf && reader.scheme?.prefix == "KD100")
    }

    @Test("Payment cards of the stripe captures are not taken, whatever the reader")
    func payment() throws {
        var refused = 0
        for name in ["magtek-mini-swipe-kb", "magtek-sureswipe-hid", "hid-msr-page-8e-synthesised"] {
            let capture = try example(name)
            for (sample, presentation) in zip(capture.cases, try capture.presentations())
            where sample.expected?.isPaymentCard == true {
                var learning = ReaderLearning()
                #expect(learning.receive(presentation) == .refused(.paymentCard), "\(name) \(sample.id)")
                refused += 1
            }
        }
        #expect(refused >= 2)
    }

    @Test("Every capture of the examples can be presented without harm", arguments: CaptureTests.readable)
    func examples(name: String) throws {
        guard let presentations = try? example(name).presentations() else { return }
        for presentation in presentations {
            var learning = ReaderLearning()
            if case .took(let shown) = learning.receive(presentation) {
                #expect(shown.filter(\.isNumber).count <= 6, "length and four digits at most")
            }
        }
    }

    @Test("A recording cut by its times")
    func times() throws {
        let capture = try Capture(
            json: Array(
                """
                {"kind": "serial", "usb": {"adapter": "cdc_acm"}, "cases": [{"id": "all",
                 "reports_hex": ["32393834303030303031323337", "0d", "32393834303030303031323337 0d"],
                 "at_ms": [0, 20, 2000]}]}
                """.utf8))
        #expect(try capture.presentations().map(\.reports.count) == [2, 1])
    }

    @Test("A serial scanner: identifier, vendor letter, TAB LF")
    func serial() throws {
        func presentation(_ text: String) -> Presentation {
            Presentation(
                facts: .serial(.cdcACM), reports: [.init(at: .zero, bytes: Array(text.utf8))])
        }
        let codes = ["j]C0KD1004711", "j]C0KD1004711", "j]C0KD1004711", "j]C0KD1009920", "d]E04006381333931"]
        let reader = try learn(codes.map { presentation($0 + "\t\n") })
        #expect(reader.kind == .serial && reader.layout == nil && reader.terminator == .tab)
        #expect(reader.symbology == .code128 && reader.scheme?.prefix == "KD100")
    }

    @Test("A HID POS scanner needs no layout and no terminator; control characters in its data are told")
    func hidPOS() throws {
        // Honeywell's report: ID 2, length, identifier, data from byte 5, the flag in byte 63.
        func presentation(_ aim: String, _ text: String) -> Presentation {
            var report = [2, UInt8(text.utf8.count)] + Array((aim + text).utf8)
            report += [UInt8](repeating: 0, count: 64 - report.count)
            return Presentation(facts: .usual(for: .hidPOS), reports: [.init(at: .zero, bytes: report)])
        }
        func presentations(_ head: String) -> [Presentation] {
            let cards = ["KD1004711", "KD1004711", "KD1004711", "KD1009920"].map { presentation("]C0", head + $0) }
            return cards + [presentation("]E0", "4006381333931")]
        }
        let reader = try learn(presentations(""))
        #expect(reader.kind == .hidPOS && reader.layout == nil && reader.terminator == nil && reader.gap == nil)
        #expect(reader.scheme?.symbologies == [.code128] && reader.scheme?.prefix == "KD100")
        let error = #expect(throws: LoyaltyError.self) { try learn(presentations("\u{2}")) }
        #expect(error?.message.contains("control characters") == true)
    }

    @Test("Digits that were replaced tell how the reader sends, and nothing about cards")
    func replacedDigits() throws {
        let keys = { (code: String) in try #require(KeyboardLayout.de.reports(typing: code + "\t")) }
        // 4111… would be a payment card's number, had it been read.
        let codes = ["]C04111111111111111", "]C04111111111111111", "]C04111111111111111", "]C07000000000000000"]
        let reader = try learn(
            (codes + ["]E04006381333931"]).map { code in
                Presentation(
                    facts: .usual(for: .keyboard),
                    reports: try keys(code).enumerated().map {
                        .init(at: .milliseconds($0.offset * 4), bytes: $0.element)
                    }, hasRealDigits: false)
            })
        #expect(reader.scheme == nil && reader.layout == .de && reader.terminator == .tab)
        let text = reader.configuration(match: "05e0:1200", name: "wedge")
        #expect(!text.contains("card_scheme") && text.contains("layout = \"de\""))
    }

    @Test("Text that was decoded before says nothing about a reader")
    func decodedText() throws {
        let error = #expect(throws: LoyaltyError.self) { try example("gs1-scan-strings").presentations() }
        #expect(error?.code == .captureSyntax)
    }
}
