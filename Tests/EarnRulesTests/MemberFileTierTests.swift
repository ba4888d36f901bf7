import EarnRules
import LoyaltyModel
import Testing

/// A tier that the member file gives, beside the ladder of the program.
@Suite struct MemberFileTiers {
    private func program(_ levels: String, _ more: String = "") throws -> Program {
        try Sample.base(
            "",
            """
            [[counter]]
            id = "spent"
            counts = "spend"
            per = "calendar_year"
            [tiers]
            counter = "spent"
            levels = [ \(levels) ]
            \(more)
            [[earn]]
            id = "gold"
            kind = "multiplier"
            factor = "2"
            member = { tier = "gold" }
            """)
    }

    private func earn(
        _ program: Program, _ amount: String, as tier: String?, _ counters: inout Counters, _ state: inout MemberState
    ) throws -> String {
        let result = try program.earn(
            Sample.sale([Sample.line("1", amount)]), member: Sample.member { $0.tier = tier }, state: state,
            counters: counters)
        try counters.apply(result.counterChanges)
        state.tier = result.tier ?? state.tier
        return result.total
    }

    @Test func standsWhereTheLadderCountsLess() throws {
        // Nothing was counted here yet, which is basic: 12 twice for whoever is gold elsewhere.
        let program = try program("{ id = \"basic\", at = \"0\" }, { id = \"gold\", at = \"20\" }")
        var (counters, state): (Counters, MemberState) = ([:], MemberState())
        #expect(try earn(program, "12.00", as: "gold", &counters, &state) == "24")
        #expect(try earn(program, "12.00", as: "gold", &counters, &state) == "24")
        // The ladder has come to gold by itself.
        #expect(try earn(program, "5.00", as: "basic", &counters, &state) == "10")
    }

    @Test func isNotLoweredByATierThatIsReachedHere() throws {
        let program = try program(
            "{ id = \"silver\", at = \"350\" }, { id = \"gold\", at = \"1000\" }", "valid = { to = \"year_end\" }")
        var (counters, state): (Counters, MemberState) = ([:], MemberState())
        #expect(try earn(program, "400.00", as: "gold", &counters, &state) == "800")
        #expect(state.tier?.id == "silver")
        #expect(try earn(program, "10.00", as: "gold", &counters, &state) == "20")
    }

    @Test func aNameThatIsNoLevelStandsUntilTheLadderSaysSomething() throws {
        let program = try program("{ id = \"silver\", at = \"350\" }, { id = \"gold\", at = \"1000\" }")
        let day = try CalendarDate("2027-01-05")
        let staff = Sample.member { $0.tier = "staff" }
        let none = try program.tierName(of: MemberState(), counters: [:], member: staff, on: day)
        #expect(none == "staff")
        let key = try #require(program.counterKeys(on: day, joined: nil).first { $0.name == "spent" })
        let reached = try program.tierName(
            of: MemberState(), counters: [key: DecimalNumber(350)], member: staff, on: day)
        #expect(reached == "silver")
    }
}
