import EarnRules
import LoyaltyModel
import Testing

@Suite struct Members {
    private func earns(
        _ condition: String, on day: String = "2027-01-05", _ member: Member? = Member(id: MemberID("m-1")),
        _ state: MemberState = MemberState(), _ counters: Counters = [:], head: String = ""
    ) throws -> Bool {
        let program = try Sample.base(head, "member = \(condition)")
        return try program.earn(
            Sample.sale([Sample.line("1", "4.00")]), at: "\(day)T12:00:00Z", member: member, state: state,
            counters: counters
        ).accruals.first != nil
    }

    @Test(arguments: [
        ("12-29", "2027-01-05", true), ("12-28", "2027-01-05", false), ("01-08", "2027-01-05", true),
        ("01-09", "2027-01-05", false), ("01-01", "2026-12-29", true), ("02-29", "2027-03-08", true),
        ("02-29", "2027-03-09", false),
    ])
    func birthdayWindow(birthday: String, day: String, holds: Bool) throws {
        let member = try Sample.member { $0.birthday = try MonthDay(birthday) }
        #expect(try earns("{ birthday = { before = 3, after = 7 } }", on: day, member) == holds)
    }

    @Test func everyFifthVisitOfTheMonth() throws {
        let program = try Sample.base("", "member = { nth_visit = { n = 5, per = \"month\", every = true } }")
        var counters: Counters = [:]
        var earned: [String] = []
        for day in ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11"] {
            let result = try program.earn(
                Sample.sale([Sample.line("1", "4.00")]), at: "2027-01-\(day)T12:00:00Z", member: Sample.member(),
                counters: counters)
            try counters.apply(result.counterChanges)
            if result.total == "4" { earned.append(day) }
        }
        #expect(earned == ["05", "10"])
    }

    @Test func starwoodNeedsAStayInTheYear() throws {
        let program = try Sample.base("", "member = { visits_at_least = { n = 1, per = \"calendar_year\" } }")
        let sale = try Sample.sale([Sample.line("1", "4.00")])
        let first = try program.earn(sale, member: Sample.member())
        #expect(first.total == "0")
        var counters: Counters = [:]
        try counters.apply(first.counterChanges)
        #expect(try program.earn(sale, member: Sample.member(), counters: counters).total == "4")
        #expect(
            try program.earn(sale, at: "2028-01-01T12:00:00Z", member: Sample.member(), counters: counters).total == "0"
        )
    }

    @Test func joinedLinkedReferredKnown() throws {
        var state = MemberState()
        state.joined = try CalendarDate("2026-12-06")
        #expect(try earns("{ joined_within = \"30 days\" }", on: "2027-01-04", Sample.member(), state))
        #expect(try !earns("{ joined_within = \"30 days\" }", on: "2027-01-05", Sample.member(), state))
        let partner = "[[partner]]\nid = \"air\"\nnumber = { length = [4] }\n"
        let program = try Sample.program(
            "",
            partner + "[[earn]]\nid = \"r\"\namount = { points = \"1\", per = \"1\" }\nmember = { linked = \"air\" }")
        try program.link("air", number: "12 34", state: &state)
        #expect(state.linked == ["air": "1234"])
        let sale = try Sample.sale([Sample.line("1", "4.00")])
        #expect(try program.earn(sale, member: Sample.member(), state: state).total == "4")
        #expect(try program.earn(sale, member: Sample.member()).total == "0")
        #expect(try !earns("{ referred = true }"))
        state.referrer = MemberID("m-9")
        #expect(try earns("{ referred = true }", Sample.member(), state))
        #expect(try !earns("{ known = true }", nil))
    }

    // MARK: Tiers

    private let sephora = """
        [[counter]]
        id = "spend"
        counts = "spend"
        per = "calendar_year"
        [tiers]
        counter = "spend"
        levels = [ { id = "insider", at = "0" }, { id = "vib", at = "350" }, { id = "rouge", at = "1000" } ]
        valid = { after = "1 year", to = "year_end" }

        """

    @Test func sephoraKeepsATierForTheRestOfTheYearAndAllOfTheNext() throws {
        let program = try Sample.program(
            "",
            sephora + "[[earn]]\nid = \"b\"\namount = { points = \"1\", per = \"1\" }\n"
                + "[[earn]]\nid = \"vib\"\nkind = \"multiplier\"\nfactor = \"1.25\"\nmember = { tier = \"vib\" }\n"
                + "[[earn]]\nid = \"rouge\"\nkind = \"multiplier\"\nfactor = \"1.5\"\nmember = { tier = \"rouge\" }")
        var state = MemberState()
        var counters: Counters = [:]
        func buy(_ amount: String, _ day: String) throws -> String {
            let result = try program.earn(
                Sample.sale([Sample.line("1", amount)]), at: "\(day)T12:00:00Z", member: Sample.member(), state: state,
                counters: counters)
            try counters.apply(result.counterChanges)
            state.tier = result.tier
            return result.total
        }
        // The sale that reaches 350 still earns at 1; VIB of January 2022 lasts to the end of 2023.
        #expect(try buy("400.00", "2022-01-10") == "400")
        #expect(state.tier == TierStanding(id: "vib", validThrough: try CalendarDate("2023-12-31")))
        #expect(try buy("100.00", "2022-06-01") == "125")
        #expect(try buy("100.00", "2023-12-31") == "125")
        // 2023 brought 100 only: at the New Year the tier is what the year has reached, nothing yet.
        #expect(try buy("100.00", "2024-01-01") == "100")
        #expect(state.tier?.id == "insider")
        #expect(try buy("1000.00", "2024-02-01") == "1000")
        #expect(state.tier == TierStanding(id: "rouge", validThrough: try CalendarDate("2025-12-31")))
        #expect(try buy("10.00", "2024-02-02") == "15")
    }

    @Test func theSaleThatReachesATierMayEarnAtIt() throws {
        let program = try Sample.program(
            "",
            sephora.replacing("[tiers]", with: "[tiers]\napplies = \"this_sale\"")
                + "[[earn]]\nid = \"b\"\namount = { points = \"1\", per = \"1\" }\n"
                + "[[earn]]\nid = \"vib\"\nkind = \"multiplier\"\nfactor = \"1.5\"\nmember = { tier = \"vib\" }")
        let result = try program.earn(Sample.sale([Sample.line("1", "350.00")]), member: Sample.member())
        #expect(result.total == "525")
        #expect(try program.earn(Sample.sale([Sample.line("1", "349.99")]), member: Sample.member()).total == "349")
    }

    @Test(arguments: [
        ("one_level", "vib", "2025-12-31"), ("base", "insider", nil), ("reevaluate", "insider", "2025-12-31"),
    ])
    func fallsAsDeclared(policy: String, tier: String, until: String?) throws {
        let program = try Sample.program("", sephora + "downgrade = \"\(policy)\"\n")
        var state = MemberState()
        state.tier = TierStanding(id: "rouge", validThrough: try CalendarDate("2023-12-31"))
        let fallen = try program.tier(of: state, counters: [:], on: CalendarDate("2024-03-01"))
        #expect(fallen?.id == tier)
        // One level down holds for a term of its own, which began when the first ended; insider is reached at any time.
        if let until { #expect(fallen?.validThrough == (try CalendarDate(until))) }
    }

    // MARK: Entitlements

    @Test func aPaidMembershipIsSoldAsALine() throws {
        let program = try Sample.base(
            "",
            """
            [[earn]]
            id = "prime"
            amount = { points = "4", per = "1.00" }
            member = { entitlement = "prime" }
            [[entitlement]]
            id = "prime"
            sold_as = { sku = ["PRIME"] }
            lasts = "12 months"
            perks = ["free delivery"]
            """)
        let fee = try Sample.line("fee", "139.00") { $0.code = ProductCode(value: "PRIME", scheme: .sku) }
        var state = MemberState()
        let first = try program.earn(
            Sample.sale([fee, Sample.line("1", "10.00")]), member: Sample.member(), state: state)
        // The fee earns nothing, and the sale that sells it is not yet a member's.
        #expect(first.shares == ["1": "10"])
        #expect(
            first.entitlements.map {
                "\($0.entitlement.from?.description ?? "") \($0.entitlement.to?.description ?? "")"
            } == ["2027-01-05 2028-01-04"])
        #expect(first.entitlements.first?.perks == ["free delivery"])
        _ = try program.credit(first, origin: "s1", on: CalendarDate("2027-01-05"), to: &state)
        let goods = try Sample.sale([Sample.line("1", "10.00")])
        #expect(
            try program.earn(goods, at: "2028-01-04T12:00:00Z", member: Sample.member(), state: state).total == "50")
        #expect(
            try program.earn(goods, at: "2028-01-05T12:00:00Z", member: Sample.member(), state: state).total == "10")
        // Bought again meanwhile, the new year follows the old one.
        let again = try program.earn(
            Sample.sale([fee]), at: "2027-06-01T12:00:00Z", member: Sample.member(), state: state)
        #expect(again.entitlements.first?.entitlement.to == (try CalendarDate("2029-01-04")))
    }

    // MARK: Days, partners, good causes

    @Test func nordstromsPersonalTripleDays() throws {
        let program = try Sample.program(
            "",
            """
            [[member_day]]
            id = "triple-day"
            quota = { member = 1, ambassador = 4 }
            per = "calendar_year"
            book_at_till = true
            [[earn]]
            id = "base"
            amount = { points = "1", per = "1.00" }
            [[earn]]
            id = "triple"
            kind = "multiplier"
            factor = "3"
            exclude = { brand = ["Luxe"] }
            member_day = "triple-day"
            stack = { group = "events", mode = "exclusive", priority = 1 }
            [[earn]]
            id = "triple-luxe"
            kind = "multiplier"
            factor = "2"
            match = { brand = ["Luxe"] }
            member_day = "triple-day"
            stack = { group = "events", mode = "exclusive", priority = 1 }
            [[earn]]
            id = "event"
            kind = "multiplier"
            factor = "2.5"
            window = { from = 2027-03-01, to = 2027-03-07 }
            stack = { group = "events", mode = "exclusive", priority = 2 }
            """)
        var state = MemberState()
        let day = try CalendarDate("2027-01-05")
        try program.book("triple-day", on: day, today: day, atTill: true, tier: "member", state: &state)
        try program.book("triple-day", on: day, today: day, atTill: true, tier: "member", state: &state)
        let refused = #expect(throws: LoyaltyError.self) {
            try program.book(
                "triple-day", on: CalendarDate("2027-12-31"), today: day, atTill: false, tier: "member", state: &state)
        }
        #expect(refused?.code == .memberDayRefused)
        let sale = try Sample.sale([Sample.line("a", "10.00"), Sample.line("b", "10.00") { $0.brand = "Luxe" }])
        #expect(try program.earn(sale, member: Sample.member(), state: state).shares == ["a": "30", "b": "20"])
        #expect(try program.earn(sale, at: "2027-01-06T12:00:00Z", member: Sample.member(), state: state).total == "20")
        // A new year has a day of its own; in an event the event's rate applies instead.
        let march = try CalendarDate("2028-03-01")
        try program.book("triple-day", on: march, today: day, atTill: false, tier: "member", state: &state)
        state.chosenDays["triple-day"]?.append(try CalendarDate("2027-03-02"))
        #expect(try program.earn(sale, at: "2027-03-02T12:00:00Z", member: Sample.member(), state: state).total == "50")
    }

    @Test(arguments: [
        // Luhn: ISO/IEC 7812-1 annex B's 7992739871 has 3. GS1: 4006381333931. ISO 7064: ISBN 0-9752298-0-X, IBAN-style 97.
        ("luhn", "79927398713", true), ("luhn", "79927398710", false), ("gs1", "4006381333931", true),
        ("gs1", "4006381333930", false), ("mod7", "12345675", false), ("mod7", "12345673", false),
        ("none", "12345678", true),
    ])
    func partnerNumbers(check: String, number: String, isGood: Bool) throws {
        let program = try Sample.base(
            "", "[[partner]]\nid = \"p\"\nnumber = { length = [8, 11, 13], check = \"\(check)\" }")
        var state = MemberState()
        let error = try? program.link("p", number: number, state: &state)
        // 1234567 modulo 7 is 5: 12345675 is good.
        #expect((error != nil) == (check == "mod7" ? number == "12345675" : isGood))
    }

    @Test func aSaleGoesOnUnderTheForeignNumber() throws {
        let program = try Sample.base(
            "",
            """
            [[partner]]
            id = "air"
            number = { length = [8], characters = "letters_and_digits", prefix = ["AB"] }
            forward = true
            match = { class = ["service"] }
            """)
        var state = MemberState()
        let bad = #expect(throws: LoyaltyError.self) { try program.link("air", number: "XY123456", state: &state) }
        #expect(bad?.message.contains("123456") == false)
        try program.link("air", number: "ab 123-456", state: &state)
        let sale = try Sample.sale([Sample.line("flight", "420.00", .service), Sample.line("bag", "30.00")])
        let forwards = try program.earn(sale, member: Sample.member(), state: state).forwards
        #expect(forwards.map { "\($0.partner) \($0.number) \($0.amount)" } == ["air AB123456 420.00 GBP"])
    }

    @Test func onePercentGoesToTheCauseThatTheMemberChose() throws {
        // The Body Shop, Cyprus: no points, 1 % of purchases goes to one of two charities.
        let program = try Sample.program(
            "currency = { gift = { money = \"GBP\" } }",
            """
            [[beneficiary]]
            id = "forest"
            name = "Forest"
            [[beneficiary]]
            id = "sea"
            name = "Sea"
            [[earn]]
            id = "gift"
            recipient = "beneficiary"
            amount = { percent = "1" }
            """)
        var state = MemberState()
        let sale = try Sample.sale([Sample.line("1", "45.00")])
        #expect(try program.earn(sale, member: Sample.member(), state: state).others.isEmpty)
        try program.choose(beneficiary: "sea", state: &state)
        let result = try program.earn(sale, member: Sample.member(), state: state)
        #expect(result.accruals.isEmpty)
        #expect(result.others.map { "\($0.account) \($0.accrual.total)" } == ["sea 0.45"])
        #expect(throws: LoyaltyError.self) { try program.choose(beneficiary: "moon", state: &state) }
    }
}
