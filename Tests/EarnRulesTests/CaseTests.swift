import DataFormats
import EarnRules
import LoyaltyModel
import Testing

/// The `[[case]]` tables of rule writers: what can be said, and what a wrong one says.
@Suite struct Cases {
    static let program = """
        schema = 1
        program = "t"
        currency = { points = { decimals = 0, expires = { after = "12 months", to = "month_end" } }, cash = { money = "EUR" } }
        zone = "Europe/London"
        tiers = { counter = "spend", levels = [ { id = "gold", at = "100" } ], valid = { to = "year_end", after = "1 year" } }
        [[counter]]
        id = "spend"
        counts = "spend"
        per = "calendar_year"
        [[entitlement]]
        id = "plus"
        sold_as = { sku = ["plus"] }
        lasts = "1 year"
        [[member_day]]
        id = "double"
        quota = { any = 1 }
        per = "month"
        [[partner]]
        id = "air"
        number = { length = [9], check = "mod7" }
        forward = true
        [[beneficiary]]
        id = "trees"
        name = "Trees"
        [[reward]]
        id = "off"
        points = "10"
        money = "1.00"
        [[reward]]
        id = "drink"
        kind = "item"
        item = "a drink"
        issue = "by_stamps"
        [[reward]]
        id = "voucher"
        points = "500"
        money = "5.00"
        issue = "quarter_end"
        [[stamps]]
        id = "card"
        give = { per_units = "1" }
        match = { category = ["coffee"] }
        reward = { at = 5, issue = "drink" }
        [[earn]]
        id = "base"
        amount = { points = "1", per = "1.00" }
        [[earn]]
        id = "gold"
        kind = "multiplier"
        factor = "1.5"
        member = { tier = "gold" }
        [[earn]]
        id = "survey"
        event = "survey"
        kind = "bonus"
        points = "20"
        limit = { times = 1, per = "month" }
        pending = "10 days"
        [[earn]]
        id = "recruited"
        kind = "bonus"
        points = "50"
        recipient = "referrer"
        limit = { times = 1, per = "lifetime" }
        [[earn]]
        id = "happy"
        kind = "bonus"
        points = "7"
        window = { days = ["mon"], hours = "15:00-16:00" }
        [[earn]]
        id = "mine"
        kind = "bonus"
        points = "3"
        member_day = "double"
        [[earn]]
        id = "tree"
        kind = "bonus"
        points = "1"
        recipient = "beneficiary"

        """

    private func run(_ cases: String, _ programs: String...) throws -> [CaseOutcome] {
        let texts = programs.isEmpty ? [Self.program] : programs
        let versions = try ProgramVersions(
            try texts.enumerated().map { try Program.load(toml: $1, file: nil, hash: "\($0)") })
        return try ProgramCase.load(toml: cases, file: "t.cases.toml", inProgram: false, for: versions)
            .map { $0.run(versions) }
    }

    private func error(_ cases: String) -> LoyaltyError? {
        #expect(throws: LoyaltyError.self) { try self.run(cases) }
    }

    /// Failures as `step what: expected, got`, each an issue of its own.
    private func expectPasses(_ cases: String, _ programs: String..., at location: SourceLocation = #_sourceLocation)
        throws
    {
        for failure in try failures(cases, programs) { Issue.record("\(failure)", sourceLocation: location) }
    }

    private func failures(_ cases: String, _ programs: String...) throws -> [String] { try failures(cases, programs) }

    private func failures(_ cases: String, _ programs: [String]) throws -> [String] {
        let texts = programs.isEmpty ? [Self.program] : programs
        let versions = try ProgramVersions(
            try texts.enumerated().map { try Program.load(toml: $1, file: nil, hash: "\($0)") })
        return try ProgramCase.load(toml: cases, file: nil, inProgram: false, for: versions)
            .flatMap { $0.run(versions).failures }
            .map { "\($0.step) \($0.what): \($0.expected), \($0.got)" }
    }

    @Test func theShortestCaseIsASaleAndItsPoints() throws {
        try expectPasses("[[case]]\nname = \"a\"\nsale = \"59.80\"\nearns = \"59\"")
        #expect(try failures("[[case]]\nname = \"a\"\nsale = \"59.80\"\nearns = \"61\"") == ["1 earns points: 61, 59"])
        let outcome = try #require(try run("\n[[case]]\nname = \"a\"\nsale = \"59.80\"\nearns = \"61\"").first)
        #expect(outcome.failures.first?.place.line == 5)
        #expect(outcome.failures.first?.place.column == 9)
        #expect(outcome.failures.first?.trace.contains { $0.rule == "base" && $0.points == "59.8" } == true)
    }

    @Test func tierRulesBalanceAndEndings() throws {
        try expectPasses(
            """
            [[case]]
            name = "gold"
            member = { tier = "gold", points = "12", counters = { spend = "80" } }
            [[case.step]]
            at = 2027-02-10
            sale.lines = [ { amount = "20.00", category = "food/coffee", qty = "4" }, { amount = "5.00", kind = "gift_card" } ]
            earns = { points = "30", card = "4" }
            rules = { base = "20", gold = "10", happy = "0" }
            balance = "42"
            expiring = [ { on = 2028-02-29, points = "30" } ]
            stamps = { card = 4 }
            counters = { spend = "100" }
            tier = "gold"
            tier_until = 2028-12-31
            issued = []
            flags = []
            [[case.step]]
            at = 2027-02-11
            sale.lines = [ { amount = "6.00", category = "coffee", qty = "2" } ]
            issued = ["drink"]
            stamps = { card = 1 }
            [[case.step]]
            at = 2027-02-12
            return = { of = "2", lines = [ { id = "1", qty = "1" } ] }
            earns = { points = "-4" }
            [[case.step]]
            at = 2028-03-01
            balance = "12"
            """)
        // One of two pieces takes half of the 6 of the rate, and of the 3 that the factor added 1.5, rounded down.
    }

    @Test func windowsAreReadInTheProgramsZone() throws {
        try expectPasses(
            """
            [[case]]
            name = "summer time"
            [[case.step]]
            at = "2027-07-05 14:59"
            sale = "1.00"
            earns = "1"
            [[case.step]]
            at = "2027-07-05 15:00"
            sale = "1.00"
            earns = "8"
            [[case.step]]
            at = 2027-07-05T14:59:59Z
            sale = "1.00"
            rules = { happy = "7" }
            """)
    }

    @Test func actionsWaitAndTheSameKeyCountsOnce() throws {
        try expectPasses(
            """
            [[case]]
            name = "survey"
            [[case.step]]
            at = 2027-01-05
            action = { name = "survey", key = "k" }
            earns = "20"
            pending = "20"
            balance = "0"
            [[case.step]]
            at = 2027-02-05
            action = { name = "survey", key = "k" }
            earns = "0"
            balance = "20"
            [[case.step]]
            void = "1"
            earns = "-20"
            balance = "0"
            """)
    }

    @Test func whoRecruitedGetsPointsAndLosesThemWithAVoid() throws {
        try expectPasses(
            """
            [[case]]
            name = "friend"
            member = { id = "bo", referrer = "ann", beneficiary = "trees" }
            [[case.other]]
            id = "ann"
            [[case.step]]
            id = "first"
            sale = "30.00"
            earns = "30"
            gives = { ann = "50", trees = "1" }
            [[case.step]]
            member = "ann"
            balance = "50"
            [[case.step]]
            sale = "30.00"
            gives = { ann = "0" }
            [[case.step]]
            void = "first"
            gives = { ann = "-50" }
            [[case.step]]
            member = "ann"
            balance = "0"
            """)
    }

    @Test func pointsAreSpentAndComeBack() throws {
        try expectPasses(
            """
            [[case]]
            name = "spend"
            member = { points = [ { points = "30", expires = 2027-06-30 } ] }
            [[case.step]]
            at = 2027-01-05
            sale = { amount = "20.00", redeem = { reward = "off", points = "40" } }
            error = "reward.refused"
            balance = "30"
            [[case.step]]
            sale = { amount = "20.00", redeem = { reward = "off", points = "30" } }
            offers = { off = ["10", "20", "30"] }
            worth = "3.00"
            earns = "20"
            balance = "20"
            [[case.step]]
            return = "2"
            balance = "30"
            expiring = [ { on = 2027-06-30, points = "30" } ]
            """)
    }

    @Test func quartersEndBetweenSteps() throws {
        try expectPasses(
            """
            [[case]]
            name = "voucher"
            member = { points = "1020" }
            [[case.step]]
            at = 2027-03-31
            balance = "1020"
            issued = []
            [[case.step]]
            at = 2027-04-01
            issued = { voucher = 2 }
            balance = "20"
            """)
    }

    @Test func entitlementsDaysPartnersAndCauses() throws {
        try expectPasses(
            """
            [[case]]
            name = "rest"
            member = { chosen = { double = [2027-03-01] } }
            [[case.step]]
            at = 2027-03-01
            sale = { lines = [ { amount = "40.00", sku = "plus" }, { amount = "2.50", sku = "x" } ], tender = "cash" }
            earns = "5"
            rules = { mine = "3" }
            entitlements = { plus = 2028-02-29 }
            [[case.step]]
            book = { day = "double", on = 2027-03-09 }
            error = "member_day.refused"
            [[case.step]]
            link = { partner = "air", number = "123456789" }
            error = "partner.bad_number"
            [[case.step]]
            link = { partner = "air", number = "123456782" }
            [[case.step]]
            choose = "trees"
            [[case.step]]
            sale = "10.00"
            forwards = { air = "10.00" }
            gives = { trees = "1" }
            """)
    }

    @Test func anExchangeAndGoodsWithoutAReceipt() throws {
        try expectPasses(
            """
            [[case]]
            name = "back"
            [[case.step]]
            sale.lines = [ { amount = "30.00", sku = "a", qty = "3" } ]
            earns = "30"
            [[case.step]]
            sale.lines = [ { amount = "10.00", returned = { of = "1", line = "1" } }, { id = "9", amount = "25.00", sku = "b" } ]
            earns = "15"
            flags = []
            balance = "45"
            [[case.step]]
            id = "lost"
            return = { lines = [ { amount = "10.00", sku = "a" } ] }
            earns = "-10"
            [[case.step]]
            void = "lost"
            earns = "10"
            balance = "45"
            [[case.step]]
            return = { lines = [ { amount = "10.00", sku = "never" } ] }
            earns = "0"
            flags = ["unmatched_return"]
            """)
    }

    @Test func householdsShareTheirCounters() throws {
        let program = """
            schema = 1
            program = "t"
            [[earn]]
            id = "base"
            amount = { points = "1", per = "1.00" }
            cap = { points = "100", per = "month", scope = "household" }
            """
        try expectPasses(
            """
            [[case]]
            name = "a"
            member = { household = "h" }
            [[case.other]]
            id = "b"
            household = "h"
            [[case.other]]
            id = "c"
            [[case.step]]
            sale = "80.00"
            [[case.step]]
            member = "b"
            sale = "80.00"
            earns = "20"
            wanted = { base = "80" }
            [[case.step]]
            member = "c"
            sale = "80.00"
            earns = "80"
            """, program)
    }

    @Test func eachStepGoesByTheVersionOfItsDay() throws {
        let old =
            "schema = 1\nprogram = \"t\"\nversion = \"old\"\n[[earn]]\nid = \"base\"\namount = { points = \"1\", per = \"1.00\" }\n"
        let new =
            "schema = 1\nprogram = \"t\"\nversion = \"new\"\neffective = 2027-03-10\n[[earn]]\nid = \"base\"\namount = { points = \"2\", per = \"1.00\" }\n"
        try expectPasses(
            """
            [[case]]
            name = "change"
            [[case.step]]
            at = 2027-03-09
            sale = "10.00"
            earns = "10"
            version = "old"
            [[case.step]]
            at = 2027-03-10
            sale = "10.00"
            earns = "20"
            version = "new"
            [[case.step]]
            return = "1"
            earns = "-10"
            """, old, new)
    }

    @Test func aWrongCaseIsNamedByLineAndColumn() throws {
        let stray = error("[[case]]\nname = \"a\"\nsale = \"1.00\"\nearn = \"1\"")
        #expect(stray?.code == .documentUnknownKey)
        #expect(stray?.place?.line == 4)
        #expect(stray?.remedy == "Did you mean \"earns\"?")
        let rule = error("[[case]]\nname = \"a\"\nsale = \"1.00\"\nrules = { bas = \"1\" }")
        #expect(rule?.code == .programUnknownName)
        #expect(rule?.place?.column == 17)
        #expect(error("[[case]]\nname = \"a\"\nsale = \"1.00\"")?.code == .documentMissingKey)
        #expect(error("[[case]]\nname = \"a\"\nsale = \"1.001\"\nearns = \"1\"")?.place?.line == 3)
        #expect(
            error("[[case]]\nname = \"a\"\nsale = \"1\"\nvoid = \"1\"\nearns = \"1\"")?.code.name == "case.conflict")
        #expect(
            error("[[case]]\nname = \"a\"\n[[case.step]]\nreturn = \"1\"\nearns = \"1\"")?.code.name == "case.conflict")
        #expect(
            error(
                "[[case]]\nname = \"a\"\n[[case.step]]\nat = 2027-02-01\nsale = \"1\"\n[[case.step]]\nat = 2027-01-01\nearns = \"1\""
            )?.place?.line == 7)
    }

    @Test func whatTheProgramRefusesFailsTheCaseThatDoesNotExpectIt() throws {
        let found = try failures(
            "[[case]]\nname = \"a\"\nsale = { amount = \"5.00\", redeem = { reward = \"off\", points = \"10\" } }\nearns = \"5\""
        )
        #expect(found == ["1 error: none, reward.refused: off cannot be had: the balance is 0"])
    }
}
