import Testing

/// The tools for people who write rules, through the program itself.
@Suite("Rule tools")
struct RulesTests {
    private static let program = """
        schema = 1
        program = "shop"
        [[earn]]
        id = "base"
        amount = { points = "1", per = "1.00" }
        [[earn]]
        id = "big"
        text = "50 for a big basket"
        kind = "bonus"
        points = "50"
        when = { basket_at_least = "25.00", basis = { discounts = "net", coupons = "net" } }

        """

    private struct Tested: Decodable {
        struct Case: Decodable {
            struct Failure: Decodable {
                var step: String
                var what: String
                var expected: String
                var got: String
                var line: Int?
                var column: Int?
            }

            var name: String
            var passed: Bool
            var failures: [Failure]
        }

        var passed: Int
        var failed: Int
        var scenarios: Int
        var cases: [Case]
    }

    @Test("cases in the program and beside it run, and a wrong one is named with its place")
    func cases() async throws {
        try await Bench.run { bench in
            let file = bench.directory + "/shop.toml"
            try bench.write(
                "shop.toml", Self.program + "[[case]]\nname = \"small\"\nsale = \"20.00\"\nearns = \"20\"\n")
            try bench.write("shop.cases.toml", "[[case]]\nname = \"big\"\nsale = \"25.00\"\nearns = \"75\"\n")
            let good = try await bench.run("loyaltyctl", ["rules", "test", "--scenarios", "20", file])
            #expect(good.code == 0, "\(good)")
            #expect(good.output.contains("2 cases and 20 made-up scenarios, all passed"))

            try bench.write("shop.cases.toml", "[[case]]\nname = \"big\"\nsale = \"24.99\"\nearns = \"75\"\n")
            let bad = try await bench.run("loyaltyctl", ["rules", "test", "--json", file])
            #expect(bad.code == 65, "\(bad)")
            let tested: Tested = try decoded(bad.output)
            #expect(tested.passed == 1 && tested.failed == 1 && tested.scenarios == 100)
            let failure = try #require(tested.cases.last?.failures.first)
            #expect(failure.what == "earns points" && failure.expected == "75" && failure.got == "24")
            #expect(failure.line == 4 && failure.column == 9)

            try bench.write("shop.cases.toml", "[[case]]\nname = \"big\"\nsale = \"24.99\"\nearnt = \"75\"\n")
            let stray = try await bench.run("loyaltyctl", ["rules", "test", file])
            #expect(stray.code == 65, "\(stray)")
            #expect(stray.errors.contains("shop.cases.toml:4:1"), "\(stray)")
        }
    }

    @Test("a warning leaves the file good, and with --strict it does not")
    func warnings() async throws {
        try await Bench.run { bench in
            let file = bench.directory + "/shop.toml"
            try bench.write("shop.toml", Self.program + "[[tag]]\nid = \"hot\"\nsku = [\"1\"]\n")
            let lenient = try await bench.run("loyaltyctl", ["rules", "check", file])
            #expect(lenient.code == 0, "\(lenient)")
            #expect(lenient.errors.contains("shop.toml:13:6"), "\(lenient)")
            #expect(lenient.errors.contains("lint.unused"))
            #expect(try await bench.run("loyaltyctl", ["rules", "check", "--strict", file]).code == 65)
        }
    }

    @Test("explain says what was short, and diff who would have earned what")
    func explainAndDiff() async throws {
        try await Bench.run { bench in
            try bench.write("old.toml", Self.program)
            try bench.write("new.toml", Self.program.replacing("points = \"50\"", with: "points = \"80\""))
            let sales = [TestSale("a", amount: "20.00").text, TestSale("b", amount: "30.00").text]
            try bench.write("sales.ndjson", sales.joined(separator: "\n") + "\n")
            let (old, new) = (bench.directory + "/old.toml", bench.directory + "/new.toml")
            let file = bench.directory + "/sales.ndjson"
            let explained = try await bench.run("loyaltyctl", ["rules", "explain", "--program", old, "--sales", file])
            #expect(explained.code == 0, "\(explained)")
            #expect(explained.output.contains("5.00 more for 50 points"), "\(explained)")
            let none = try await bench.run(
                "loyaltyctl", ["rules", "explain", "--program", old, "--sales", file, "--sale", "no-such"])
            #expect(none.code == 65, "\(none)")
            let compared = try await bench.run("loyaltyctl", ["rules", "diff", old, new, "--replay", file])
            #expect(compared.code == 0, "\(compared)")
            #expect(compared.output.contains("2 sales: 1 earn more, 0 less, 1 the same"), "\(compared)")
            // 20 and 30 by the rate, 50 or 80 for the second.
            #expect(compared.output.contains("points    100  130     +30"), "\(compared)")
        }
    }
    @Test("diff over the sales that the daemon holds, with its members and without what was voided")
    func diffOfTheJournal() async throws {
        try await Bench.run { bench in
            try bench.write("old.toml", Self.program)
            try bench.write("new.toml", Self.program.replacing("points = \"50\"", with: "points = \"80\""))
            try bench.configure()
            _ = try await bench.startDaemon()
            try bench.write("members.csv", "id,cards\nm-1,\(card(1))\n")
            _ = try await bench.control("members", "import", bench.directory + "/members.csv")
            let till = try bench.till()
            for sale in [
                TestSale("a", amount: "20.00", card: card(1)), TestSale("b", amount: "30.00", card: card(1)),
                TestSale("c", amount: "90.00"),
            ] { #expect(try await till.ask(sale.text).result == "accepted") }
            var void = TestSale("d", amount: "0.00")
            (void.type, void.state) = ("sale.void", "voided")
            void.sale = #""links":[{"rel":"voids","number":"c"}],"#
            #expect(try await till.ask(void.text).result == "accepted")
            let (old, new) = (bench.directory + "/old.toml", bench.directory + "/new.toml")
            let compared = try await bench.control("rules", "diff", old, new)
            #expect(compared.code == 0, "\(compared)")
            #expect(compared.output.contains("2 sales: 1 earn more, 0 less, 1 the same"), "\(compared)")
            #expect(compared.output.contains("points    100  130     +30"), "\(compared)")
            #expect(compared.output.contains("m-1"), "\(compared)")
            let later = try await bench.control("rules", "diff", old, new, "--since", "2027-01-01")
            #expect(later.output.contains("0 sales"), "\(later)")
            #expect(try await bench.control("rules", "diff", old, new, "--members", "x.csv").code == 64)
        }
    }
}
