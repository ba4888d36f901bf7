import EarnRules
import Foundation
import LoyaltyModel
import Testing

@Suite struct ProgramFiles {
    private static let head = "schema = 1\nprogram = \"p\"\n"
    private static let rate = "amount = { points = \"1\", per = \"1.00\" }\n"
    private static let counter = "[[counter]]\nid = \"c\"\ncounts = \"visits\"\nper = \"calendar_year\"\n"
    private static let base = "[[earn]]\nid = \"base\"\n" + rate

    /// Bad files; `§` marks the place that the error names and is not part of the file.
    private static let bad: [(code: String, text: String)] = [
        ("program.schema", "§program = \"p\"\n"),
        ("program.schema", "schema = §2\nprogram = \"p\"\n"),
        ("program.schema", "schema = §\"1\"\nprogram = \"p\"\n"),
        ("document.missing_key", "§schema = 1\n"),
        ("document.syntax", head + "[[earn]§\n"),
        ("document.unknown_key", head + "§colour = \"red\"\n"),
        ("document.unknown_key", head + base + "§factr = \"2\"\n"),
        ("document.unknown_key", head + "basis = { §taxes = \"exclude\" }\n"),
        ("document.unknown_key", head + "[[earn]]\nid = \"a\"\namount = { points = \"1\", per = \"1\", §foo = 1 }\n"),
        ("document.bad_value", head + "basis = { tax = §\"maybe\" }\n"),
        ("document.bad_value", head + "rounding = { mode = §\"round\" }\n"),
        ("document.bad_value", head + "currency = { points = { decimals = §7 } }\n"),
        ("document.bad_value", head + "currency = §{}\n"),
        ("program.conflict", head + "rounding = { mode = §\"none\" }\n"),
        ("program.unknown_zone", head + "zone = §\"Europe/Lundon\"\n"),
        ("program.unknown_zone", head + base + "window = { zone = §\"Mars\" }\n"),
        ("document.missing_key", head + "§[[earn]]\nid = \"a\"\n"),
        ("document.missing_key", head + "§[[earn]]\n" + rate),
        ("document.missing_key", head + "[[earn]]\nid = \"a\"\namount = §{ points = \"1\" }\n"),
        ("document.bad_value", head + "[[earn]]\nid = §\"total\"\n" + rate),
        ("program.duplicate_rule", head + base + "[[earn]]\nid = §\"base\"\n" + rate),
        ("document.bad_value", head + "[[earn]]\nid = \"a\"\namount = { points = §1.5, per = \"1.00\" }\n"),
        ("document.bad_value", head + "[[earn]]\nid = \"a\"\namount = { points = §\"-1\", per = \"1.00\" }\n"),
        ("document.bad_value", head + "[[earn]]\nid = \"a\"\namount = { points = \"1\", per = §\"0.00\" }\n"),
        ("number.syntax", head + "[[earn]]\nid = \"a\"\namount = { points = §\"1e2\", per = \"1.00\" }\n"),
        (
            "number.overflow",
            head + "[[earn]]\nid = \"a\"\namount = { points = §\"99999999999999999999\", per = \"1\" }\n"
        ),
        ("program.unknown_currency", head + base + "currency = §\"stars\"\n"),
        ("document.bad_value", head + base + "kind = §\"stamp\"\n"),
        ("document.missing_key", head + "§[[earn]]\nid = \"a\"\nkind = \"multiplier\"\n"),
        ("document.bad_value", head + "[[earn]]\nid = \"a\"\nkind = \"multiplier\"\nfactor = §\"-1\"\n"),
        ("document.bad_value", head + "[[earn]]\nid = \"a\"\nkind = \"bonus\"\npoints = §\"0.5\"\n"),
        ("document.unknown_key", head + "[[earn]]\nid = \"a\"\nkind = \"bonus\"\npoints = \"5\"\n§factor = \"2\"\n"),
        ("document.bad_value", head + base + "exclude = { class = [\"fee\", §\"fees\"] }\n"),
        ("document.bad_value", head + base + "match = { class = §[\"tip\"] }\n"),
        ("document.bad_value", head + base + "exclude_tender = [§\"cheque\"]\n"),
        ("document.bad_value", head + base + "window = { days = [§\"monday\"] }\n"),
        ("document.bad_value", head + base + "window = { hours = §\"15-18\" }\n"),
        ("document.bad_value", head + base + "window = { from = §\"2027-01-04\" }\n"),
        ("document.bad_value", head + base + "window = { from = 2027-02-01, to = §2027-01-01 }\n"),
        ("document.bad_value", head + base + "window = { from = §2027-02-01T10:00:00 }\n"),
        ("document.bad_value", head + base + "pending = §\"two weeks\"\n"),
        ("document.bad_value", head + base + "expires = §{}\n"),
        ("document.bad_value", head + "returns = { unlinked = §\"maybe\" }\n"),
        ("document.bad_value", head + "returns = { clawback = §\"mine_first\" }\n"),
        ("program.unsupported", head + base + "where = §\"amount > 5\"\n"),
        ("program.unsupported", head + base + "window = { clock = §\"daemon\" }\n"),
        // Names that nothing declares.
        ("program.unknown_name", head + base + "member = { linked = §\"ride-share\" }\n"),
        ("program.unknown_name", head + base + "member_day = §\"my-day\"\n"),
        ("program.unknown_name", head + base + "member = { counter = { id = §\"spend\", at_least = \"5\" } }\n"),
        (
            "program.unknown_name",
            head + "[tiers]\ncounter = §\"spend\"\nlevels = [ { id = \"gold\", at = \"0\" } ]\n"
        ),
        (
            "program.unknown_name",
            head + counter + "[tiers]\ncounter = \"c\"\nlevels = [ { id = \"gold\", at = \"0\" } ]\n" + base
                + "member = { tier = §[\"golf\"] }\n"
        ),
        (
            "program.unknown_name",
            head + "[[stamps]]\nid = \"s\"\ngive = { per_visit = true }\nreward = { at = 10, issue = §\"drink\" }\n"
        ),
        ("program.unknown_name", head + "[[cap]]\nid = \"c\"\npoints = \"5\"\nper = \"day\"\nrules = §[\"a\"]\n"),
        ("program.unknown_name", head + "redemption = { overdraw = { stars = §\"5\" } }\n"),
        // Caps and amounts.
        ("document.missing_key", head + base + "cap = §{ points = \"5\" }\n"),
        ("document.missing_key", head + base + "cap = §{ per = \"day\" }\n"),
        ("document.bad_value", head + base + "cap = { points = \"5\", per = §\"year\" }\n"),
        ("program.conflict", head + base + "cap = { points = \"5\", spend = §\"5\", per = \"day\" }\n"),
        ("program.conflict", head + base + "cap = { points_per_unit = \"5\", per = §\"day\" }\n"),
        ("document.unknown_key", head + base + "cap = { points = \"5\", per = \"day\", §foo = 1 }\n"),
        ("document.missing_key", head + "[[earn]]\nid = \"a\"\namount = §{ points = \"5\" }\n"),
        (
            "program.conflict",
            head + "[[earn]]\nid = \"a\"\namount = { points = \"5\", per = §\"1\", per_visit = true }\n"
        ),
        ("program.conflict", head + base + "recipient = §\"beneficiary\"\n"),
        ("program.conflict", head + base + "event = \"survey\"\nmatch = §{ sku = [\"1\"] }\n"),
        ("document.bad_value", head + base + "expires = §{ tier = \"gold\" }\n"),
        ("program.conflict", head + base + "expires = { never = §true, after = \"1 year\" }\n"),
        ("program.conflict", head + base + "expires = { on = §2027-01-01, after = \"1 year\" }\n"),
        ("document.bad_value", head + base + "tender = §{ mixed = \"any\" }\n"),
        ("document.missing_key", head + base + "when = §{ of = \"basket\" }\n"),
        ("document.bad_value", head + base + "when = { basket_at_least = \"5\", basket_below = §\"5\" }\n"),
        (
            "program.conflict",
            head + "[[earn]]\nid = \"a\"\nkind = \"bonus\"\npoints = \"5\"\nrepeat = §true\n"
        ),
        ("document.missing_key", head + "§[[reward]]\nid = \"r\"\npoints = \"100\"\n"),
        ("document.missing_key", head + "§[[reward]]\nid = \"r\"\nmoney = \"1\"\n"),
        (
            "document.bad_value",
            head + "[[reward]]\nid = \"r\"\ntable = [ { points = \"5\", money = \"2\" }, "
                + "{ points = §\"6\", money = \"1\" } ]\n"
        ),
        ("document.missing_key", head + "[[partner]]\nid = \"p\"\nnumber = §{ check = \"luhn\" }\n"),
        (
            "program.duplicate_rule",
            head + "[[reward]]\nid = \"base\"\npoints = \"1\"\nmoney = \"1\"\n[[earn]]\nid = §\"base\"\n" + rate
        ),
        // Groups that cannot be compared.
        (
            "program.conflict",
            head + base + "stack = { group = \"g\" }\n[[earn]]\nid = \"m\"\nkind = \"multiplier\"\nfactor = \"2\"\n"
                + "stack = §{ group = \"g\" }\n"
        ),
        (
            "program.conflict",
            head + "[[earn]]\nid = \"a\"\namount = { points = \"1\", per = \"1\", step = \"whole\" }\n"
                + "stack = §{ group = \"g\" }\n"
        ),
    ]

    @Test(arguments: bad.indices)
    func namesTheErrorAndItsPlace(index: Int) throws {
        let (code, marked) = Self.bad[index]
        let before = try #require(marked.range(of: "§")).lowerBound
        let line = marked[..<before].split(separator: "\n", omittingEmptySubsequences: false)
        let text = marked.replacing("§", with: "")
        let error = #expect(throws: LoyaltyError.self) {
            try Program.load(toml: text, file: "bad.toml", hash: "00")
        }
        #expect(error?.code.name == code, "\(text)")
        #expect(error?.place?.file == "bad.toml")
        #expect(error?.place?.line == line.count, "\(text)\n\(String(describing: error))")
        #expect(error?.place?.column == (line.last?.utf8.count ?? 0) + 1, "\(text)\n\(String(describing: error))")
    }

    @Test func readsEveryKey() throws {
        let program = try Program.load(toml: everyKey, file: "all.toml", hash: "00")
        #expect(program.rules.count == 10)
        #expect(program.rewards.count == 5)
        #expect(program.currencies == ["points": 0, "cash": 2])
        #expect(program.memberDays.map(\.id).sorted() == ["own-day", "triple-day"])
        #expect(program.effective == .day(try CalendarDate("2027-01-01")))
        #expect(program.returns.floor == .debt)
    }

    @Test func thePointsLifeStandsInTheTrace() throws {
        let program = try Sample.base(
            "", "expires = { after = \"12 months\", to = \"month_end\" }\npending = \"14 days\"")
        let result = try program.earn(Sample.sale([Sample.line("1", "4.00")]))
        #expect(
            result.step("base")?.reason.contains("(pending for 14 days, expire after 12 months, at month_end)") == true)
        #expect(result.grants.first?.pendingUntil?.description == "2027-01-19")
        #expect(result.grants.first?.expires?.description == "2028-01-31")
    }

    @Test func theStandardProgramIsOnePointForEachUnitOfMoney() throws {
        let program = try Program.standard()
        #expect(program.identity.name == "standard")
        #expect(program.returns.unlinked == .matchLastPurchase)
        let lines = try [Sample.line("1", "4.60"), Sample.line("2", "4.50"), Sample.line("3", "25.00", .giftCard)]
        #expect(try program.earn(Sample.sale(lines)).total == "9")
    }

    @Test func theStandardProgramsHashIsThatOfItsText() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(Program.standardText.utf8))
        try input.fileHandleForWriting.close()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(text.split(separator: " ").first.map(String.init) == (try Program.standard().identity.hash))
    }

    private func example(_ name: String) throws -> Program {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "Examples/programs/\(name)"), encoding: .utf8)
        return try Program.load(toml: text, file: name, hash: "00")
    }

    @Test func theExampleOfAPointPerPound() throws {
        let program = try example("points-per-pound.toml")
        let lines = try [Sample.line("1", "1.99"), Sample.line("2", "1.01"), Sample.line("3", "0.99")]
        #expect(try program.earn(Sample.sale(lines)).total == "3")
    }

    @Test func theExampleOfAClub() throws {
        let program = try example("club.toml")
        let taxed = { (line: inout SaleLine) throws in
            line.taxes = [SaleTax(amount: try Money("10.00", Sample.currency()), percent: try DecimalNumber("20"))]
        }
        let lines = try [
            Sample.line("bread", "4.00", department: ["food", "bakery"]),
            Sample.line("pan", "60.00", department: ["home"], taxed),
            Sample.line("cigars", "20.00", department: ["kiosk", "tobacco"]),
        ]
        let sale = try Sample.sale(lines) { $0.pricesIncludeTax = true }
        let gold = Sample.member { $0.tier = "gold" }
        // Tuesday 16:00: bread 4.00 * (1 + 1 + 0.25) = 9; pan (60 - 10) * 1.25 = 62.5; 71.5, down to 71; 54.00 before tax
        // reaches 50.00, so 500 more.
        let result = try program.earn(sale, at: "2027-01-05T16:00:00Z", member: gold)
        #expect(result.total == "571")
        // Bread and pan count towards the tier without the event: (4 + 50) * 1.25 = 67.5, and the 500.
        #expect("\(try #require(result.accruals.first).qualifying)" == "567")
        // Wednesday, no member: 54 and 500.
        #expect(try program.earn(sale, at: "2027-01-06T16:00:00Z").total == "554")
        // In the birthday month the triple beats the event: 54 * (1 + 2 + 0.25) = 175.5.
        let born = try Sample.member {
            $0.tier = "gold"
            $0.birthday = try MonthDay("01-20")
        }
        #expect(try program.earn(sale, at: "2027-01-05T16:00:00Z", member: born).total == "675")
    }
}
