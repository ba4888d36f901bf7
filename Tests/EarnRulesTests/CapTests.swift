import EarnRules
import LoyaltyModel
import Testing

@Suite struct Caps {
    /// A member's counters over several sales.
    private struct Account {
        var program: Program
        var state = MemberState()
        var counters: Counters = [:]

        mutating func buy(
            _ amount: String, on day: String = "2027-01-05", _ change: (inout Sale) throws -> Void = { _ in }
        )
            throws -> EarnResult
        {
            let sale = try Sample.sale([Sample.line("1", amount)], change)
            let result = try program.earn(
                sale, at: "\(day)T12:00:00Z", member: Sample.member(), state: state, counters: counters)
            try counters.apply(result.counterChanges)
            return result
        }
    }

    @Test func twoThousandAMonth() throws {
        // C.3 rule 7: 2 points per 1.00, at most 2,000 a month.
        var account = Account(
            program: try Sample.program(
                "",
                "[[earn]]\nid = \"card\"\namount = { points = \"2\", per = \"1.00\" }\ncap = { points = \"2000\", per = \"month\" }"
            ))
        #expect(try account.buy("900.00").total == "1800")
        let second = try account.buy("150.00", on: "2027-01-31")
        #expect(second.total == "200")
        #expect(second.step("card")?.wanted == "300")
        #expect(second.step("card")?.points == "200")
        let third = try account.buy("10.00", on: "2027-01-31")
        #expect(third.total == "0")
        #expect(third.step("card")?.reason == "its limit of the month is reached")
        #expect(try account.buy("10.00", on: "2027-02-01").total == "20")
    }

    @Test(arguments: [
        ("day", "2027-01-05", "2027-01-06"), ("week", "2027-01-10", "2027-01-11"),
        ("quarter", "2027-03-31", "2027-04-01"),
        ("calendar_year", "2027-12-31", "2028-01-01"), ("membership_year", "2027-03-14", "2027-03-15"),
        ("fiscal_quarter", "2027-01-31", "2027-02-01"), ("fiscal_year", "2027-01-31", "2027-02-01"),
        ("rolling_year", "2028-01-04", "2028-01-05"),
    ])
    func periodsBeginAnew(per: String, last: String, next: String) throws {
        // Dell's fiscal year begins in February; the member joined on 15 March.
        var account = Account(
            program: try Sample.base(
                "calendar = { fiscal_year_starts_in = 2 }", "cap = { points = \"10\", per = \"\(per)\" }"))
        account.state.joined = try CalendarDate("2026-03-15")
        #expect(try account.buy("8.00").total == "8")
        #expect(try account.buy("8.00", on: last).total == "2")
        #expect(try account.buy("8.00", on: last).total == "0")
        // A rolling year forgets day by day: the first 8 are gone, the 2 of yesterday are not.
        #expect(try account.buy("9.00", on: next).total == (per == "rolling_year" ? "8" : "9"))
    }

    @Test func starwoodCountsTenThousandOfSpend() throws {
        var account = Account(
            program: try Sample.base("", "cap = { spend = \"10000.00\", per = \"calendar_year\" }"))
        #expect(try account.buy("9990.00").total == "9990")
        #expect(try account.buy("30.00").total == "10")
        #expect(try account.buy("30.00").total == "0")
    }

    @Test func nordstromIsCappedAtTenForEachUnitOfMoney() throws {
        // 3 a unit of money and a factor of 5 would be 15.
        let rules = """
            [[earn]]
            id = "base"
            amount = { points = "3", per = "1.00" }
            [[earn]]
            id = "event"
            kind = "multiplier"
            factor = "5"
            cap = { points_per_unit = "10" }
            """
        let result = try Sample.program("", rules).earn(Sample.sale([Sample.line("1", "20.00")]))
        #expect(result.total == "200")
        #expect(result.step("event")?.wanted == "240")
    }

    @Test func aMultiplierIsCappedByWhatItAdds() throws {
        let rules =
            "[[earn]]\nid = \"double\"\nkind = \"multiplier\"\nfactor = \"2\"\ncap = { points = \"30\", per = \"week\" }"
        var account = Account(program: try Sample.base("", rules))
        #expect(try account.buy("20.00").total == "40")
        #expect(try account.buy("20.00").total == "30")
        #expect(try account.buy("20.00").total == "20")
    }

    @Test func oneCapOverSeveralRules() throws {
        let rules = """
            [[earn]]
            id = "bonus"
            kind = "bonus"
            points = "50"
            [[cap]]
            id = "day"
            points = "100"
            per = "day"
            """
        var account = Account(program: try Sample.base("", rules))
        #expect(try account.buy("40.00").total == "90")
        let second = try account.buy("40.00")
        #expect(second.total == "10")
        #expect(second.step("day")?.reason == "the limit of the day leaves 10 of 90 points")
        #expect(second.grants.map { "\($0.rule) \($0.granted)" } == ["base 10", "bonus 0"])
    }

    @Test func limitsOnTimes() throws {
        let rules = "[[earn]]\nid = \"b\"\nkind = \"bonus\"\npoints = \"5\"\nlimit = { times = 2, per = \"week\" }"
        var account = Account(program: try Sample.program("", rules))
        #expect(try (0..<3).map { _ in try account.buy("1.00").total } == ["5", "5", "0"])
    }

    @Test func roundingUpDoesNotLiftAboveACap() throws {
        // 10.30 rounded up is 11; the rule may give 10.
        let rules =
            "cap = { points = \"10\", per = \"day\" }\n[[earn]]\nid = \"b\"\namount = { points = \"0.3\", per = \"10.00\" }"
        var account = Account(program: try Sample.base("rounding = { mode = \"ceil\" }", rules))
        let result = try account.buy("10.00")
        #expect(result.grants.first { $0.rule == "base" }?.granted == Points(units: 10, decimals: 0))
        #expect(try account.buy("10.00").grants.first { $0.rule == "base" }.map { "\($0.granted)" } ?? "0" == "0")
    }

    @Test func aHouseholdSharesItsCap() throws {
        let program = try Sample.base("", "cap = { points = \"10\", per = \"month\", scope = \"household\" }")
        let sale = try Sample.sale([Sample.line("1", "8.00")])
        let first = try program.earn(sale, member: Sample.member())
        #expect(first.counterChanges.map(\.key.scope) == [.household])
        var counters: Counters = [:]
        try counters.apply(first.counterChanges)
        var other = try Sample.member()
        other.id = MemberID("m-2")
        #expect(try program.earn(sale, member: other, counters: counters).total == "2")
    }

    private static let budget = """
        schema = 1
        program = "budget"
        [[beneficiary]]
        id = "hospice"
        name = "Hospice"
        default = true
        [[earn]]
        id = "base"
        amount = { points = "1", per = "1.00" }
        [[earn]]
        id = "charity"
        amount = { points = "1", per = "1.00" }
        recipient = "beneficiary"
        [[cap]]
        id = "budget"
        points = "100"
        per = "month"
        """

    /// 60.00 give 60 to the member, and 40 of 60 to the cause; the next sale gives nobody anything.
    @Test(arguments: ["month", "sale"])
    func oneLimitOverTheMemberAndAGoodCause(per: String) throws {
        let program = try Program.load(
            toml: Self.budget.replacing("per = \"month\"", with: "per = \"\(per)\""), file: nil,
            hash: "00")
        var account = Account(program: program)
        let result = try account.buy("60.00")
        #expect(result.total == "60")
        #expect(result.others.map { "\($0.account) \($0.accrual.total)" } == ["hospice 40"])
        let counted = result.counterChanges.map { "\($0.key.name) \($0.amount)" }
        #expect(counted == (per == "sale" ? [] : ["budget.points 100"]))
        let next = try account.buy("60.00", on: "2027-01-06")
        #expect(next.total == (per == "sale" ? "60" : "0"))
        #expect(next.others.isEmpty == (per == "month"))
    }

    /// A sale would count twice under one name.
    @Test(arguments: [
        "[[counter]]\nid = \"visits\"\ncounts = \"visits\"\nper = \"month\"",
        "[[reward]]\nid = \"coffee\"\nkind = \"item\"\nitem = \"a coffee\"\nissue = \"by_stamps\"\n"
            + "[[stamps]]\nid = \"visits\"\ngive = { per_visit = true }\nreward = { at = 10, issue = \"coffee\" }",
        "[[counter]]\nid = \"base.points\"\ncounts = \"spend\"\nper = \"month\"",
    ])
    func nothingElseCountsUnderATakenName(table: String) throws {
        func load(_ visits: String, isArchived: Bool = false) throws -> Program {
            try Program.load(
                toml: """
                    schema = 1
                    program = "test"
                    \(table)
                    [[earn]]
                    id = "base"
                    amount = { points = "1", per = "1.00" }
                    cap = { points = "10", per = "month" }
                    \(visits)
                    """, file: nil, hash: "00", isArchived: isArchived)
        }
        let conditions = ["month", "lifetime"].map {
            "[[earn]]\nid = \"\($0)\"\nkind = \"bonus\"\npoints = \"5\"\nmember = { nth_visit = { n = 5, per = \"\($0)\" } }"
        }.joined(separator: "\n")
        let error = #expect(throws: LoyaltyError.self) { try load(conditions) }
        #expect(error?.remedy?.contains("another id") == true, "\(String(describing: error))")
        // What was in force once is still read, for the sales that it gave points for.
        #expect(try load(conditions, isArchived: true).rules.count == 3)
    }

    /// Nothing looks at the visits that are counted by themselves: a card of that name counts its stamps alone.
    @Test func aCardOfVisitsCountsItsStampsAlone() throws {
        let program = try Sample.base(
            "",
            """
            [[reward]]
            id = "coffee"
            kind = "item"
            item = "a coffee"
            issue = "by_stamps"
            [[stamps]]
            id = "visits"
            give = { per_visit = true }
            reward = { at = 10, issue = "coffee" }
            [[earn]]
            id = "fifth"
            kind = "bonus"
            points = "5"
            member = { nth_visit = { n = 5, per = "month" } }
            """)
        let result = try program.earn(Sample.sale([Sample.line("1", "1.00")]), member: Sample.member())
        #expect(result.accruals.first { $0.currency == "visits" }.map { "\($0.total)" } == "1")
        let counted = result.counterChanges.map { "\($0.key.name) \($0.key.per.rawValue) \($0.amount)" }.sorted()
        #expect(counted == ["visits lifetime 1", "visits month 1"])
    }
}
