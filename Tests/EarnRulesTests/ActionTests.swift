import EarnRules
import LoyaltyModel
import Testing

@Suite struct Actions {
    private func act(
        _ program: Program, _ name: String, _ counters: Counters = [:], referrer: String? = nil,
        referrerCounters: Counters = [:], amount: String? = nil, on day: String = "2027-01-05",
        _ change: (inout Member) throws -> Void = { _ in }
    ) throws -> EarnResult {
        var state = MemberState()
        state.referrer = referrer.map { MemberID($0) }
        let time = try Timestamp("\(day)T12:00:00Z")
        let action = LoyaltyAction(
            name: name, key: "k", occurredAt: time, businessDay: time.date,
            amount: try amount.map { try Money($0, Sample.currency()) })
        return try program.evaluate(
            action, member: Sample.member(change), state: state, counters: counters, referrerCounters: referrerCounters)
    }

    @Test func aSurveyOnceAMonth() throws {
        let program = try Sample.base(
            "",
            "[[earn]]\nid = \"survey\"\nevent = \"survey.completed\"\nkind = \"bonus\"\npoints = \"20\"\nlimit = { times = 1, per = \"month\" }"
        )
        let first = try act(program, "survey.completed")
        #expect(first.total == "20")
        #expect(first.step("base")?.reason == "it is for sales")
        var counters: Counters = [:]
        try counters.apply(first.counterChanges)
        #expect(try act(program, "survey.completed", counters, on: "2027-01-31").total == "0")
        #expect(try act(program, "survey.completed", counters, on: "2027-02-01").total == "20")
        #expect(try act(program, "something.else").total == "0")
        // A sale is no survey.
        #expect(try program.earn(Sample.sale([Sample.line("1", "4.00")])).total == "4")
    }

    @Test func dropboxGivesBothSidesUpToALimit() throws {
        // 500 MB each, the referrer up to 16 GB.
        let program = try Sample.program(
            "currency = { megabytes = { decimals = 0 } }",
            """
            [[earn]]
            id = "friend"
            event = "referral.qualified"
            kind = "bonus"
            points = "500"
            [[earn]]
            id = "referrer"
            event = "referral.qualified"
            recipient = "referrer"
            kind = "bonus"
            points = "500"
            cap = { points = "16000", per = "lifetime" }
            """)
        var counters: Counters = [:]
        var given: [String] = []
        for _ in 0..<33 {
            let result = try act(program, "referral.qualified", referrer: "m-9", referrerCounters: counters)
            #expect(result.total == "500")
            #expect(result.counterChanges.isEmpty)
            try counters.apply(result.referrerCounterChanges)
            given.append(contentsOf: result.others.map { "\($0.account) \($0.accrual.total)" })
        }
        #expect(given == [String](repeating: "m-9 500", count: 32))
        #expect(try act(program, "referral.qualified").others.isEmpty)
    }

    @Test func aPartnersTripEarnsByItsAmountUntilTheProgramEnds() throws {
        // Starwood and Uber from 2017: 1 per 2.00.
        let program = try Sample.program(
            "",
            "[[earn]]\nid = \"ride\"\nevent = \"partner.trip\"\namount = { points = \"1\", per = \"2.00\" }\nwindow = { to = 2027-12-17T23:59:00-05:00 }"
        )
        #expect(try act(program, "partner.trip", amount: "37.90").total == "18")
        #expect(try act(program, "partner.trip", amount: "37.90", on: "2027-12-18").total == "0")
    }

    @Test func employeesEarnForTrainingOnly() throws {
        let program = try Sample.base(
            "",
            "member = { exclude_segment = \"employee\" }\n[[earn]]\nid = \"training\"\nevent = \"training.passed\"\nkind = \"bonus\"\npoints = \"50\"\nmember = { segment = \"employee\" }"
        )
        #expect(try act(program, "training.passed").total == "0")
        #expect(try act(program, "training.passed") { $0.segments = ["employee"] }.total == "50")
        let staff = Sample.member { $0.segments = ["employee"] }
        #expect(try program.earn(Sample.sale([Sample.line("1", "9.00")]), member: staff).total == "0")
    }

    @Test func luxeGetsAFifthMoreAtTheEndOfTheQuarter() throws {
        // Banana Republic Luxe: 5 points per 1.00, at each quarter's end 20 % more.
        let program = try Sample.program(
            "",
            """
            [[earn]]
            id = "base"
            amount = { points = "5", per = "1.00" }
            [[earn]]
            id = "luxe"
            kind = "period_bonus"
            percent = "20"
            per = "quarter"
            member = { tier = "luxe" }
            """)
        let luxe = Sample.member { $0.tier = "luxe" }
        var counters: Counters = [:]
        for (day, amount) in [("2027-01-05", "100.00"), ("2027-03-31", "23.40"), ("2027-04-01", "50.00")] {
            let result = try program.earn(
                Sample.sale([Sample.line("1", amount)]), at: "\(day)T12:00:00Z", member: luxe, counters: counters)
            try counters.apply(result.counterChanges)
        }
        func close(_ day: String, _ member: Member) throws -> String {
            try program.closePeriods(
                on: CalendarDate(day), member: member, state: MemberState(), counters: counters
            ).total
        }
        // 20 % of 500 + 117 is 123.4.
        #expect(try close("2027-03-31", luxe) == "123")
        #expect(try close("2027-03-30", luxe) == "0")
        #expect(try close("2027-06-30", luxe) == "50")
        #expect(try close("2027-03-31", Sample.member()) == "0")
    }

    @Test func aBonusOfAPeriodKeepsToTheCapsOverItsCurrency() throws {
        let bonus = "kind = \"period_bonus\"\npercent = \"20\"\nper = \"quarter\"\n"
        let program = try Sample.base(
            "",
            """
            [[earn]]
            id = "first"
            \(bonus)
            [[earn]]
            id = "second"
            \(bonus)
            qualifying = false
            [[cap]]
            id = "most"
            points = "1030"
            per = "calendar_year"
            [[counter]]
            id = "status"
            counts = "qualifying"
            per = "calendar_year"
            [tiers]
            counter = "status"
            levels = [ { id = "gold", at = "1020" } ]
            """)
        let sold = try program.earn(
            Sample.sale([Sample.line("1", "1000.00")]), at: "2027-01-05T12:00:00Z", member: Sample.member())
        var counters: Counters = [:]
        try counters.apply(sold.counterChanges)
        let result = try program.closePeriods(
            on: CalendarDate("2027-03-31"), member: Sample.member(), state: MemberState(), counters: counters)
        // 200 each, of which the year's 1030 leave 30 to the first and none to the second.
        #expect(result.grants.map { "\($0.rule) \($0.granted)" } == ["first 30"])
        // 1000 of the sale and 30 of the bonus count towards the tier.
        #expect(result.tier?.id == "gold")
    }

    @Test func aBonusOfAPeriodHasNoTimesToLimit() {
        let error = #expect(throws: LoyaltyError.self) {
            try Sample.base(
                "",
                """
                [[earn]]
                id = "b"
                kind = "period_bonus"
                percent = "20"
                per = "quarter"
                cap = { times = 1, per = "month" }
                """)
        }
        #expect(error?.code == .programConflict)
    }
}
