import Foundation
import Glibc
import Testing

@Suite("A program that changes on a day", .serialized)
struct ProgramVersionTests {
    /// Starbucks Rewards until March 2026, as published: 2 stars per 1.00 on the stored-value card, 1 on other tenders.
    private static let old = """
        schema = 1
        program = "stars"
        version = "until March 2026"
        zone = "America/New_York"
        currency = { stars = { decimals = 0 } }
        [[earn]]
        id = "card"
        amount = { points = "2", per = "1.00" }
        tender = { only = ["store_credit"] }
        [[earn]]
        id = "others"
        amount = { points = "1", per = "1.00" }
        exclude_tender = ["store_credit"]

        """

    /// From 10 March 2026: Green 1, Gold 1.2 stars per 1.00.
    private static let new = """
        schema = 1
        program = "stars"
        version = "from March 2026"
        zone = "America/New_York"
        effective = 2026-03-10
        currency = { stars = { decimals = 0 } }
        [[earn]]
        id = "base"
        amount = { points = "1", per = "1.00" }
        [[earn]]
        id = "gold"
        kind = "multiplier"
        factor = "1.2"
        member = { tier = "gold" }

        """

    private func sale(_ id: String, _ amount: String, at time: String) -> TestSale {
        var sale = TestSale(id, amount: amount, card: card(1))
        sale.closedAt = time
        sale.sale = #""tenders":[{"kind":"store_credit","amount":"\#(amount)"}],"#
        return sale
    }

    @Test("counts every sale by the version of its own time, also one that comes late and one that is returned later")
    func change() async throws {
        try await Bench.run { bench in
            let backEnd = try await bench.startBackEnd()
            let record = try bench.followRecord()
            try bench.write("program.toml", Self.old)
            try bench.configure(upstream: backEnd)
            try FileManager.default.createDirectory(
                atPath: bench.directory + "/program.toml.d", withIntermediateDirectories: false)
            var daemon = try await bench.startDaemon()
            try bench.write("m.csv", "id,cards,tier\nm-1,\(card(1)),gold\n")
            #expect(try await bench.control("members", "import", bench.directory + "/m.csv").code == 0)
            let till = try bench.till()
            // Midnight in New York on 10 March 2026 is 04:00 UTC.
            let before = try await till.ask(sale("A", "10.00", at: "2026-03-09T23:59:00-04:00").text)
            #expect(before.points?.earned == "20")

            // A bad version is refused with its place, and the old one stays in force.
            try bench.write("program.toml.d/2026-03.toml", Self.new.replacing("member", with: "membre"))
            daemon.send(SIGHUP)
            let refusal = try await daemon.errors.line(containing: "the new configuration is not used")
            #expect(refusal.contains("program.toml.d/2026-03.toml:14"), "\(refusal)")
            let refused = try await bench.control("status", "--json").status()
            #expect(refused.program?.version == "until March 2026")

            try bench.write("program.toml.d/2026-03.toml", Self.new)
            let check = try await bench.run(
                "loyaltyctl",
                ["rules", "check", bench.directory + "/program.toml", bench.directory + "/program.toml.d/2026-03.toml"])
            #expect(check.code == 0)
            #expect(check.output.contains("from 2026-03-10: program stars from March 2026, 2 rules"), "\(check)")
            daemon.send(SIGHUP)
            _ = try await daemon.errors.line(containing: "reloaded the program")
            let after = try await till.ask(sale("B", "10.00", at: "2026-03-10T00:00:00-04:00").text)
            #expect(after.points?.earned == "12")
            // Queued before the change, sent after it.
            let late = try await till.ask(sale("C", "5.00", at: "2026-03-09T23:59:59-04:00").text)
            #expect(late.points?.earned == "10")

            // The old file is gone, and the daemon starts anew: its copy counts for what happened in its time.
            #expect(try await daemon.stop() == 0)
            try bench.write("program.toml", Self.new)
            try FileManager.default.removeItem(atPath: bench.directory + "/program.toml.d/2026-03.toml")
            daemon = try await bench.startDaemon()
            let again = try bench.till()
            let later = try await again.ask(sale("D", "3.00", at: "2026-03-01T12:00:00-05:00").text)
            #expect(later.points?.earned == "6")
            var back = TestSale("A-R", amount: "0.00", card: card(1))
            back.type = "sale.return"
            back.kind = "return"
            back.closedAt = "2026-03-20T12:00:00-04:00"
            back.lines = [("-10.00", #""return":{"link":{"number":"A","line":"1"},"receipt":"with"},"#)]
            #expect(try await again.ask(back.text).points?.earned == "-20")

            _ = try await bench.control("status", "--json") { try $0.status().queue.waiting == 0 }
            #expect(try await daemon.stop() == 0)
            // A 20 - 20, B 12, C 10, D 6.
            #expect(try record.events().reduce(0) { $0 + $1.total } == 28)
        }
    }
}
