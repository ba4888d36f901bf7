import Foundation
import Testing

/// `loyaltyctl readers learn` at a running daemon, whose reader plays a recording.
@Suite("Learning a reader at the daemon")
struct LiveLearnTests {
    private static let card = "2984000001237"
    private static let other = "2984770004513"
    private static let product = "4006381333931"

    /// The keys of a wedge that is programmed for AZERTY: digits are shifted, Enter ends a code.
    private func azerty(_ digits: String) -> [String] {
        let keys = digits.compactMap(\.wholeNumberValue).map { $0 == 0 ? 0x27 : 0x1d + $0 }
        let pressed = keys.map { "0200" + String($0, radix: 16) + "0000000000" } + ["0000280000000000"]
        return pressed.flatMap { [$0, "0000000000000000"] }
    }

    private func play(_ bench: Bench, _ cases: [String]) async throws -> (code: Int32, output: String, errors: String) {
        let list = cases.enumerated().map { "{\"id\": \"\($0.offset)\", \($0.element)}" }.joined(separator: ",")
        try bench.write(
            "c.json",
            "{\"name\": \"wedge\", \"vid\": \"05e0\", \"pid\": \"1200\", \"kind\": \"keyboard\", \"cases\": [\(list)]}")
        try bench.configure()
        let text = try String(contentsOfFile: bench.configurationFile, encoding: .utf8)
        try bench.write(
            "loyaltyd.toml",
            text.replacing(
                "backend = \"none\"", with: "backend = \"capture\"\nfiles = [\"c.json\"]\nrepeat = true"))
        _ = try await bench.startDaemon()
        let run = try await bench.control("readers", "learn", "-o", bench.directory + "/learned.toml", "--json")
        return (run.code, run.output, run.errors)
    }

    @Test(
        "cards are learned from what the reader sends; payment cards between them are left out", .timeLimit(.minutes(3))
    )
    func cards() async throws {
        try await Bench.run { bench in
            let texts = [Self.card, "5454545454545454", Self.card, Self.card, Self.other, Self.product, Self.card]
            let run = try await play(bench, texts.map { "\"keyboard_text\": \"\($0)\\r\"" })
            #expect(run.code == 0, "\(run.errors)")
            let written = try String(contentsOfFile: bench.directory + "/learned.toml", encoding: .utf8)
            #expect(written.contains("prefix = \"2984\"") && written.contains("match = \"05e0:1200\""))
            for number in [Self.card, Self.other, Self.product, "5454"] {
                #expect(!run.output.contains(number) && !written.contains(number))
            }
        }
    }

    @Test(
        "a reader whose layout the daemon does not know yet: its section first, the cards once it is in force",
        .timeLimit(.minutes(3)))
    func layout() async throws {
        try await Bench.run { bench in
            let texts = [Self.card, Self.card, Self.card, Self.other, Self.product]
            let run = try await play(
                bench,
                texts.map { code in "\"reports_hex\": [\(azerty(code).map { "\"\($0)\"" }.joined(separator: ","))]" })
            #expect(run.code == 0, "\(run.errors)")
            let written = try String(contentsOfFile: bench.directory + "/learned.toml", encoding: .utf8)
            #expect(written.contains("layout = \"fr\"") || written.contains("layout = \"be\""))
            #expect(!written.contains("card_scheme"))
        }
    }
}
