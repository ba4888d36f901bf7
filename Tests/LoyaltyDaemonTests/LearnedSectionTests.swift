import CardReading
import FoundationEssentials
import LoyaltyModel
import Testing
import USBReaders

@testable import LoyaltyDaemon

/// What learning writes is read by the loader of the daemon, and then reads the cards.
@Suite("Learned sections") struct LearnedSectionTests {
    private static let cards = ["2984000001237", "2984770004513"]
    private static let product = "4006381333931"

    private struct Reader: Sendable {
        var name: String
        var layout = "us"
        var frame: @Sendable (String) -> String
        var cards = LearnedSectionTests.cards
        var product = LearnedSectionTests.product
        var interval = 4
    }

    private static let readers: [Reader] = [
        Reader(name: "from the factory", frame: { $0 + "\r" }),
        Reader(name: "German, AIM identifiers", layout: "de", frame: { ($0.count == 13 ? "]E0" : "]C0") + $0 + "\r" }),
        Reader(name: "AZERTY, TAB", layout: "fr", frame: { $0 + "\t" }),
        Reader(name: "no terminator, slow", frame: { $0 }, interval: 40),
        Reader(name: "a sign around", frame: { "~" + $0 + "#\r\n" }, cards: ["KD1004711", "KD1009920"]),
    ]

    private func presentation(_ code: String, _ reader: Reader) throws -> Presentation {
        let layout = try #require(KeyboardLayout(named: reader.layout))
        let reports = try #require(layout.reports(typing: reader.frame(code)))
        return Presentation(
            facts: .usual(for: .keyboard),
            reports: reports.enumerated().map {
                .init(at: .milliseconds($0.offset * reader.interval), bytes: $0.element)
            }
        )
    }

    /// The settings of a daemon whose only configuration is the learned file.
    private func settings(_ text: String) throws -> DaemonSettings {
        let file = FileManager.default.temporaryDirectory.appending(path: "learned-\(UUID()).toml").path
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        return try SettingsLoader(
            ProcessSetting(configurationFile: file, stateDirectory: nil, environment: [:], isRoot: false)
        ).load()
    }

    private func outcomes(_ presentation: Presentation, _ settings: DaemonSettings) throws -> [CardScan.Outcome] {
        let rules = try RulesLoader(settings).load()
        let options = try ReaderRules(settings.readers).options.reader(
            vendorID: 0x05e0, productID: 0x1200, portPath: "1-1")
        guard case .reads(var decoder) = ScanDecoder.choose(for: presentation.facts, options: options) else {
            return []
        }
        let start = MonotonicTime(nanoseconds: 0)
        var scans = presentation.reports.flatMap { decoder.receive($0.bytes, at: start.adding($0.at)) }
        while let deadline = decoder.deadline { scans += decoder.expire(at: deadline) }
        return scans.map(rules.classifier.classify)
    }

    @Test("A learned reader reads its cards and lets products be products", arguments: readers.indices)
    func readsBack(index: Int) throws {
        let reader = Self.readers[index]
        var learning = ReaderLearning()
        for code in [reader.cards[0], reader.cards[0], reader.cards[0], reader.cards[1], reader.product] {
            guard case .took = learning.receive(try presentation(code, reader)) else {
                Issue.record("\(reader.name): not taken")
                return
            }
        }
        let text = try learning.reader(schemeName: "club").configuration(match: "05e0:1200", name: reader.name)
        let settings = try settings(text)
        _ = try LoyaltyDaemon.check(settings)
        for card in reader.cards {
            let number = try #require(CardNumber(card))
            #expect(try outcomes(presentation(card, reader), settings) == [.loyalty(number, scheme: "club")], "\(text)")
        }
        let article = try #require(CardNumber(reader.product))
        #expect(try outcomes(presentation(reader.product, reader), settings) == [.unclassified(article)])
    }

    @Test("The keys of a reader's section reach its decoder")
    func keys() throws {
        let settings = try settings(
            """
            [[readers.device]]
            match = "05e0:1200"
            terminator = "none"
            gap_ms = 130
            prefix = "\\u0002"
            suffix = "\\u0003"
            caps_lock = true
            """)
        let options = try ReaderRules(settings.readers).options.reader(
            vendorID: 0x05e0, productID: 0x1200, portPath: "1-1")
        #expect(options.gap == .milliseconds(130) && options.prefix == [2] && options.suffix == [3])
        #expect(options.isCapsLocked && options.terminators == [.none])
        #expect(throws: LoyaltyError.self) { try self.settings("[[readers.device]]\nmatch = \"1:2\"\ngap_ms = 5\n") }
    }
}
