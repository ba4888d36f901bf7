import Foundation
import Testing

/// `loyaltyctl readers learn` on captures, and what `loyaltyd` makes of the file that it writes.
@Suite("Learning a reader from captures")
struct LearnTests {
    private static let card = "2984000001237"
    private static let other = "2984770004513"
    private static let product = "4006381333931"

    /// A capture of a keyboard wedge that types each text and Enter.
    private func capture(_ texts: [String]) -> String {
        let cases = texts.enumerated().map { "{\"id\": \"\($0.offset)\", \"keyboard_text\": \"\($0.element)\\r\"}" }
        return """
            {"name": "wedge", "vid": "05e0", "pid": "1200", "kind": "keyboard", "cases": [\(cases.joined(separator: ","))]}
            """
    }

    private struct Report: Decodable {
        struct Reader: Decodable { var layout: String }
        struct Scheme: Decodable {
            var name: String
            var prefix: String
            var check: String
        }
        var reader: Reader
        var cardScheme: Scheme?
        var claimedBy: String?
        var conflicts: [String]
        var trials: [String]
        var checked: Bool
        var configuration: String
    }

    private func learn(_ bench: Bench, _ texts: [String], _ more: String...) async throws -> (
        code: Int32, output: String, errors: String
    ) {
        try bench.write("c.json", capture(texts))
        let run = try await bench.run(
            "loyaltyctl", ["readers", "learn", "--from", bench.directory + "/c.json"] + more)
        return (run.code, run.output, run.errors)
    }

    private func parsed(_ output: String) throws -> Report {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Report.self, from: Data(output.utf8))
    }

    private var codes: [String] { [Self.card, Self.card, Self.card, Self.other, Self.product] }

    @Test("the sections go where they are told, loyaltyd takes them, and a further scan is tried")
    func writes() async throws {
        try await Bench.run { bench in
            try bench.write("loyaltyd.toml", "")
            try FileManager.default.createDirectory(
                atPath: bench.directory + "/loyaltyd.toml.d", withIntermediateDirectories: true)
            let file = bench.directory + "/loyaltyd.toml.d/50-reader-x.toml"
            let aim = codes.map { "]E0" + $0 } + ["]E0" + Self.card]
            let run = try await learn(bench, aim, "-o", file, "--layout", "de", "--json")
            #expect(run.code == 0, "\(run.errors)")
            let report = try parsed(run.output)
            #expect(report.reader.layout == "de" && report.checked && report.conflicts.isEmpty)
            #expect(report.cardScheme?.prefix == "2984" && report.cardScheme?.check == "gs1")
            #expect(report.trials == ["read as card …1237"])
            #expect(try String(contentsOfFile: file, encoding: .utf8) == report.configuration)
            for number in [Self.card, Self.other, Self.product] { #expect(!run.output.contains(number)) }
            let check = try await bench.run(
                "loyaltyd", ["--config", bench.directory + "/loyaltyd.toml", "--check-config"])
            #expect(check.code == 0 && check.output.contains("1 card schemes"))

            // Again: its own file is replaced, and is no conflict.
            let again = try await learn(bench, aim, "-o", file, "--layout", "de", "--json")
            #expect(try parsed(again.output).conflicts.isEmpty)
        }
    }

    @Test("a section that names the reader before, and a scheme that takes the cards before, are told")
    func conflicts() async throws {
        try await Bench.run { bench in
            try bench.write(
                "loyaltyd.toml",
                """
                [[readers.device]]
                match = "05e0:*"
                register = "7"
                [[card_scheme]]
                name = "old"
                prefix = "29"
                length = [8, 13]
                """)
            try FileManager.default.createDirectory(
                atPath: bench.directory + "/loyaltyd.toml.d", withIntermediateDirectories: true)
            let file = bench.directory + "/loyaltyd.toml.d/50-reader-x.toml"
            let run = try await learn(bench, codes, "-o", file, "--json")
            #expect(run.code == 0, "\(run.errors)")
            let report = try parsed(run.output)
            #expect(report.cardScheme == nil && report.claimedBy?.contains("\"old\"") == true)
            #expect(report.conflicts.count == 1 && report.conflicts.first?.contains("register = \"7\"") == true)
        }
    }

    @Test(
        "where the configuration as a whole would not be taken, nothing is left behind, and the sections are not lost")
    func rejected() async throws {
        try await Bench.run { bench in
            try bench.write("loyaltyd.toml", "[lane]\nnonsense = 1\n")
            try FileManager.default.createDirectory(
                atPath: bench.directory + "/loyaltyd.toml.d", withIntermediateDirectories: true)
            let file = bench.directory + "/loyaltyd.toml.d/50-reader-x.toml"
            let run = try await learn(bench, codes, "-o", file)
            #expect(run.code == 78 && run.errors.contains("nonsense") && run.errors.contains("[[card_scheme]]"))
            #expect(
                !FileManager.default.fileExists(atPath: file) && !FileManager.default.fileExists(atPath: file + ".new"))
            try bench.write("mine.toml", "# my own\n")
            let mine = try await learn(bench, codes, "-o", bench.directory + "/mine.toml")
            #expect(mine.code == 73 && mine.errors.contains("not by this command"))
        }
    }

    /// Lithuanian keyboards have letters in the row of digits, and the digits with AltGr; the programmer's Dvorak has them with
    /// Shift, in the order 7 5 3 1 9 0 2 4 6 8.
    @Test(
        "a layout that only XKB has is found by the product, and a payment card is one under it too",
        arguments: ["lt", "us(dvp)"])
    func furtherLayout(layout: String) async throws {
        try await Bench.run { bench in
            let payment = "4111111111111111"
            let letters = codes.map { "\($0.count == 13 && $0.hasPrefix("2984") ? "KL" : "")\($0)" }
            let run = try await learn(
                bench, letters + [letters[0], payment], "-o", "-", "--layout", layout, "--json")
            #expect(run.code == 0, "\(run.errors)")
            let report = try parsed(run.output)
            #expect(report.reader.layout == layout && report.checked)
            #expect(report.cardScheme?.prefix == "KL2984")
            #expect(report.trials == ["read as card …1237", "refused: payment card"])
            let paid = try await learn(
                bench, [payment, payment, payment, Self.card, Self.product], "--layout", layout)
            #expect(paid.code == 65 && paid.errors.contains("that looked like a payment card"), "\(paid.errors)")
            #expect(!paid.errors.contains("4111") && !paid.output.contains("4111"))
        }
    }

    @Test("what is missing or refused is said, and ends with 65")
    func incomplete() async throws {
        try await Bench.run { bench in
            // The Visa number that payment terminals are tested with.
            let run = try await learn(bench, [Self.card, Self.card, Self.other, "4111111111111111"])
            #expect(run.code == 65)
            #expect(run.errors.contains("not taken: those were two different cards"))
            #expect(run.errors.contains("not taken: that looked like a payment card: it was not kept"))
            #expect(run.errors.contains("the first card 1 more time") && run.errors.contains("a product"))
            #expect(!run.errors.contains("4111") && !run.output.contains("4111"))
            let none = try await bench.run("loyaltyctl", ["readers", "learn", "--from", bench.directory + "/no.json"])
            #expect(none.code == 74)
        }
    }
}
