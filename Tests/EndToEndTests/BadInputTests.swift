import FoundationEssentials
import GRDB
import Glibc
import Testing

@Suite("Bad input", .serialized)
struct BadInputTests {
    @Test("each bad line gets its code, the lines around it go on, and none stops the stream")
    func lines() async throws {
        let good = TestSale("x", amount: "1.00").text
        let table: [(line: String, code: String, result: String)] = [
            ("{", "till.bad_json", "quarantined"), ("[]", "till.bad_json", "quarantined"),
            ("\"text\"", "till.bad_json", "quarantined"), ("\u{1}\u{2}", "till.bad_json", "quarantined"),
            (String(repeating: "[", count: 100_000), "till.bad_json", "quarantined"),
            (good.replacing(#""v":1"#, with: #""v":2"#), "till.version", "quarantined"),
            (good.replacing("sale.complete", with: "sale.eaten"), "till.unknown_type", "quarantined"),
            (good.replacing(#""store":"1","#, with: ""), "till.missing_field", "quarantined"),
            (good.replacing(#""qty":"1""#, with: #""qty":1.5"#), "till.bad_field", "quarantined"),
            (good.replacing(#""amount":"1.00""#, with: #""amount":"1.001""#), "till.bad_field", "quarantined"),
            (
                good.replacing(#""grand":"1.00""#, with: #""grand":"99999999999999999999""#), "till.bad_field",
                "quarantined"
            ),
            (good.replacing("2026-11-22T", with: "2026-02-30T"), "till.bad_field", "quarantined"),
            (good.replacing("GBP", with: "XXXX"), "till.bad_field", "quarantined"),
            (
                good.replacing(#""id":"x""#, with: #""id":"\#(String(repeating: "x", count: 200))""#), "till.too_long",
                "quarantined"
            ),
            (String(repeating: "x", count: (1 << 20) + 1), "till.line_too_long", "quarantined"),
        ]
        try await Bench.run { bench in
            try bench.configure()
            _ = try await bench.startDaemon()
            let till = try bench.till()
            for (index, row) in table.enumerated() {
                try till.send(row.line)
                let bad = try await till.nextAnswer()
                #expect(bad.code == row.code, "\(row.line.prefix(200)): \(bad)")
                #expect(bad.result == row.result, "\(row.line.prefix(200)): \(bad)")
                #expect(try await till.ask(TestSale("g-\(index)", amount: "1.00").text).result == "accepted")
            }
            // Bytes that are no UTF-8, and half a line at the end of the connection.
            try till.send(bytes: [0xff, 0xfe, 0x0a])
            #expect(try await till.nextAnswer().code == "till.bad_json")
            try till.send(bytes: Array(#"{"v":1,"#.utf8))
            till.finish()
            try await till.answers.ended()
            let again = try bench.till()
            #expect(try await again.ask(TestSale("last", amount: "1.00").text).result == "accepted")
        }
    }

    /// A sale accepted before the trouble, the trouble, and the sale at the back end when the trouble is over.
    private func survives(
        _ code: Int32, saying parts: [String],
        trouble: @Sendable @escaping (Bench) async throws -> ChildProcess, mend: @Sendable (Bench) throws -> Void
    ) async throws {
        try await Bench.run { bench in
            try bench.configure()
            let daemon = try await bench.startDaemon()
            let sale = TestSale("e-1", amount: "6.00", card: card(1)).text
            #expect(try await bench.till().ask(sale).result == "accepted")
            #expect(try await daemon.stop() == 0)
            let bad = try await trouble(bench)
            #expect(try await bad.exitCode() == code)
            try await bad.errors.ended()
            for part in parts { #expect(bad.errors.text.contains(part), "\(bad.errors.text)") }
            try mend(bench)
            let backEnd = try await bench.startBackEnd()
            let record = try bench.followRecord()
            try bench.configure(upstream: backEnd)
            _ = try await bench.startDaemon()
            try await record.count(1)
            #expect(try await bench.till().ask(sale).result == "duplicate")
            #expect(try record.events().map(\.total) == [6])
        }
    }

    @Test("an unknown key in the configuration: exit 78 with file, line and column, and nothing lost")
    func unknownKey() async throws {
        try await survives(78, saying: ["loyaltyd.toml:21:1", "budget_megabites", "budget_megabytes"]) { bench in
            try bench.configure(more: "[storage]\nbudget_megabites = 100")
            return try bench.spawnDaemon()
        } mend: { _ in
        }
    }

    @Test("an unknown key in the program: exit 78 with file, line and column, and nothing lost")
    func unknownProgramKey() async throws {
        try await survives(78, saying: ["program.toml:16:1", "membr", "member"]) { bench in
            try bench.write("program.toml", Bench.program.replacing("member = {", with: "membr = {"))
            return try bench.spawnDaemon()
        } mend: {
            try $0.write("program.toml", Bench.program)
        }
    }

    @Test("a program that is not there: exit 78 with its name, and nothing lost")
    func noProgram() async throws {
        try await survives(78, saying: ["program.toml"]) { bench in
            try FileManager.default.removeItem(atPath: bench.directory + "/program.toml")
            return try bench.spawnDaemon()
        } mend: {
            try $0.write("program.toml", Bench.program)
        }
    }

    @Test("a database of a newer version: exit 78, the file untouched, and nothing lost")
    func newerDatabase() async throws {
        try await survives(78, saying: ["newer"]) { bench in
            let queue = try DatabaseQueue(path: bench.state + "/loyaltyd.sqlite")
            try await queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99')") }
            try queue.close()
            return try bench.spawnDaemon()
        } mend: { bench in
            let queue = try DatabaseQueue(path: bench.state + "/loyaltyd.sqlite")
            try queue.write { try $0.execute(sql: "DELETE FROM grdb_migrations WHERE identifier = '99'") }
            try queue.close()
        }
    }

    @Test("another card key: exit 78, and nothing lost once the right one is back")
    func wrongKey() async throws {
        try await survives(78, saying: ["card key"]) { bench in
            try FileManager.default.moveItem(atPath: bench.state + "/card.key", toPath: bench.directory + "/key")
            return try bench.spawnDaemon()
        } mend: { bench in
            try FileManager.default.removeItem(atPath: bench.state + "/card.key")
            try FileManager.default.moveItem(atPath: bench.directory + "/key", toPath: bench.state + "/card.key")
        }
    }

    @Test("a second daemon on the same state directory: exit 75, and the first goes on")
    func secondDaemon() async throws {
        try await Bench.run { bench in
            try bench.configure()
            _ = try await bench.startDaemon()
            let till = try bench.till()
            #expect(try await till.ask(TestSale("e-1", amount: "1.00").text).result == "accepted")
            let second = try bench.spawnDaemon()
            #expect(try await second.exitCode() == 75)
            try await second.errors.ended()
            #expect(second.errors.text.contains("another loyaltyd"))
            #expect(try await till.ask(TestSale("e-2", amount: "1.00").text).result == "accepted")
            #expect(try await bench.till().ask(TestSale("e-1", amount: "1.00").text).result == "duplicate")
        }
    }

    @Test("a state directory that cannot be made: exit 73 with its name")
    func stateDirectory() async throws {
        try await Bench.run { bench in
            try bench.configure()
            // A file in the way stops root as well.
            try bench.write("s", "")
            let daemon = try bench.spawnDaemon()
            #expect(try await daemon.exitCode() == 73)
            try await daemon.errors.ended()
            #expect(daemon.errors.text.contains(bench.state))
        }
    }

    @Test("--check-config says what a start would say, and touches nothing")
    func check() async throws {
        try await Bench.run { bench in
            try bench.configure()
            let words = ["--config", bench.configurationFile, "--state-dir", bench.state, "--check-config"]
            let good = try await bench.run("loyaltyd", words)
            #expect(good.code == 0)
            #expect(good.output.contains("bench"))
            #expect(!FileManager.default.fileExists(atPath: bench.state))
            try bench.configure(more: "[pumps]\nnumber = 1")
            let bad = try await bench.run("loyaltyd", words)
            #expect(bad.code == 78)
            #expect(bad.errors.contains("loyaltyd.toml:20:2"), "\(bad.errors)")
            #expect(try await bench.run("loyaltyd", ["--till", "serial"]).code == 64)
        }
    }

    @Test("without XKB's data a layout out of them is an error that says so, and our own go on working")
    func missingKeyboardData() async throws {
        try await Bench.run { bench in
            for (layout, code) in [("pl", Int32(78)), ("fr", 0)] {
                try bench.configure(more: "[[readers.device]]\nmatch = \"05e0:1200\"\nlayout = \"\(layout)\"\n")
                let run = try await bench.run(
                    "/usr/bin/env",
                    [
                        "XKB_CONFIG_ROOT=/nonexistent", "HOME=/nonexistent", Bench.products + "/loyaltyd",
                        "--check-config",
                        "--config", bench.configurationFile, "--state-dir", bench.state,
                    ])
                #expect(run.code == code, "\(run.errors)")
                if code != 0 {
                    #expect(run.errors.contains("xkb-data") && run.errors.contains("us, gb, de"), "\(run.errors)")
                }
            }
        }
    }
}
