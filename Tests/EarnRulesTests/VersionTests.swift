import EarnRules
import LoyaltyModel
import Testing

@Suite struct Versions {
    @Test func aSaleKeepsTheRuleOfItsTime() throws {
        // Starbucks until and from 10 March 2026.
        let old = try Program.load(
            toml:
                "schema = 1\nprogram = \"s\"\nzone = \"America/New_York\"\n[[earn]]\nid = \"b\"\namount = { points = \"2\", per = \"1.00\" }",
            file: nil, hash: "a")
        let new = try Program.load(
            toml:
                "schema = 1\nprogram = \"s\"\nzone = \"America/New_York\"\neffective = 2026-03-10\n[[earn]]\nid = \"b\"\namount = { points = \"1\", per = \"1.00\" }",
            file: nil, hash: "b")
        let versions = try ProgramVersions([new, old])
        // Midnight in New York is 05:00 UTC before summer time, which began on 8 March 2026: 04:00.
        #expect(versions.program(at: try Timestamp("2026-03-10T03:59:59Z")).identity.hash == "a")
        #expect(versions.program(at: try Timestamp("2026-03-10T04:00:00Z")).identity.hash == "b")
        #expect(versions.program(hash: "a")?.identity.hash == "a")
        #expect(versions.program(hash: "c") == nil)
        let clash = #expect(throws: LoyaltyError.self) { try ProgramVersions([old, old]) }
        #expect(clash?.code == .programConflict)
        #expect(throws: LoyaltyError.self) { try ProgramVersions([]) }
        #expect(try versions.next(after: Timestamp("2026-03-09T00:00:00Z"))?.identity.hash == "b")
        #expect(try versions.next(after: Timestamp("2026-03-11T00:00:00Z")) == nil)
    }

    private func version(_ effective: String?, _ hash: String) throws -> Program {
        try Program.load(
            toml: "schema = 1\nprogram = \"s\"\n" + (effective.map { "effective = \($0)\n" } ?? ""), file: "s.toml",
            hash: hash)
    }

    @Test func whatWasInForceCountsForTheTimeBeforeTheFirstFile() throws {
        // The latest in force first, as after two changes in place and the removal of the first file.
        let kept = [try version(nil, "second"), try version(nil, "first"), try version("2026-02-01", "february")]
        let versions = try ProgramVersions([version("2026-03-10", "march")], kept: kept + [version(nil, "march")])
        func hash(_ time: String) throws -> String { try versions.program(at: Timestamp(time)).identity.hash }
        #expect(try hash("2026-03-10T00:00:00Z") == "march")
        #expect(try hash("2026-03-09T23:59:59Z") == "february")
        #expect(try hash("2026-01-31T23:59:59Z") == "second")
        #expect(versions.program(hash: "first") != nil)
        #expect(versions.kept.count == 3)
    }

    @Test func twoThatBeginTogetherAreRefusedWithTheirPlace() throws {
        let clash = #expect(throws: LoyaltyError.self) {
            try ProgramVersions([version("2026-03-10", "a"), version("2026-03-10", "b")])
        }
        #expect(clash?.place == Place(file: "s.toml", line: 3, column: 13, path: "effective"))
    }
}

@Suite struct Index {
    /// Rules of every kind of key, for products, stores, members and months that the sales below have or have not.
    private static func rules(_ count: Int) -> String {
        var rules = "[[tag]]\nid = \"t\"\nsku = [\"sku-3\"]\ncategory = [\"c1/c2\"]\n"
        for number in 0..<count {
            rules += """
                [[earn]]
                id = "sku-\(number)"
                amount = { points = "\(number + 1)", per = "1.00" }
                match = { sku = ["sku-\(number)"] }
                [[earn]]
                id = "category-\(number)"
                kind = "multiplier"
                factor = "2"
                match = { category = ["c\(number)"] }
                [[earn]]
                id = "brand-\(number)"
                kind = "bonus"
                points = "\(number + 1)"
                match = { brand = ["b\(number)"], category = ["c1"] }
                [[earn]]
                id = "month-\(number)"
                amount = { points = "1", per = "1.00" }
                window = { from = 20\(10 + number)-12-31, to = 20\(10 + number)-12-31, days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], hours = "22:00-03:00" }
                [[earn]]
                id = "store-\(number)"
                amount = { points = "1", per = "2.00" }
                store = ["\(290 + number)"]
                [[earn]]
                id = "segment-\(number)"
                amount = { points = "1", per = "3.00" }
                member = { segment = "s\(number)" }
                [[earn]]
                id = "tier-\(number)"
                amount = { points = "1", per = "4.00" }
                member = { tier = "t\(number)" }

                """
        }
        return rules + "[[earn]]\nid = \"tag\"\namount = { points = \"9\", per = \"1\" }\nmatch = { tag = [\"t\"] }\n"
    }

    @Test func findsEveryRuleThatApplies() throws {
        let program = try Sample.program("", Self.rules(40))
        try Self.compare(program, with: .candidates) { all, some in
            #expect(all.trace.filter(\.matched) == some.trace.filter(\.matched))
            #expect(some.trace.count < 40)
        }
    }

    /// What bookings keep: of rules that cannot concern the sale the reason, not line by line.
    @Test func saysOfEveryRuleWhyItDoesNotApply() throws {
        let program = try Sample.program("", Self.rules(14))
        #expect(program.rules.count == 99)
        try Self.compare(program, with: .automatic) { all, some in
            #expect(all.trace.map(\.rule) == some.trace.map(\.rule))
            #expect(all.trace.map(\.reason) == some.trace.map(\.reason))
            #expect(all.trace.filter(\.matched) == some.trace.filter(\.matched))
            #expect(some.trace.reduce(0) { $0 + $1.lines.count } < all.trace.reduce(0) { $0 + $1.lines.count })
        }
    }

    /// 300 sales under a program, with every rule looked at and in another way: the points and what they come from are the same.
    private static func compare(
        _ program: Program, with explanation: EarnInput.Explanation, _ check: (EarnResult, EarnResult) throws -> Void
    ) throws {
        var generator = Generator(seed: 7)
        for _ in 0..<300 {
            var lines: [SaleLine] = []
            for id in 0..<3 {
                let number = Int.random(in: 0...45, using: &generator)
                let line = try Sample.line("\(id)", "\(Int.random(in: 1...60, using: &generator)).00") {
                    $0.code = ProductCode(value: "sku-\(number)", scheme: .sku)
                    $0.brand = "b\(Int.random(in: 0...3, using: &generator))"
                    $0.department = ["c1", "c\(Int.random(in: 2...4, using: &generator))"]
                }
                lines.append(line)
            }
            let sale = try Sample.sale(lines) { $0.store = "\(Int.random(in: 280...340, using: &generator))" }
            let member = Sample.member {
                $0.segments = ["s\(Int.random(in: 0...45, using: &generator))"]
                $0.tier = "t\(Int.random(in: 0...45, using: &generator))"
            }
            let year = Int.random(in: 2009...2051, using: &generator)
            let time =
                ["\(year)-12-31T23:30:00Z", "\(year)-01-01T01:00:00Z", "\(year)-06-01T12:00:00Z"]
                .randomElement(using: &generator) ?? ""
            var input = try program.input(sale, at: time, member: member)
            input.explanation = .everyRule
            let all = try program.evaluate(input)
            input.explanation = explanation
            let some = try program.evaluate(input)
            #expect(all.accruals == some.accruals)
            #expect(all.grants == some.grants)
            try check(all, some)
        }
    }
}
