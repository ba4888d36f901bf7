import EarnRules
import LoyaltyModel
import Testing

/// What random histories found (`Histories`), each by itself.
@Suite struct UndoneReturns {
    private let day = CalendarDate(daysSinceEpoch: 20_824)
    private let reward = "[[reward]]\nid = \"off\"\npoints = \"10\"\nmoney = \"0.10\"\n"

    private func points(_ units: Int64) -> Points { Points(units: units, decimals: 0) }

    private func lot(_ id: String, _ units: Int64) -> Lot {
        Lot(
            id: id, currency: "points", origin: id, program: "00", granted: points(units), remaining: points(units),
            qualifying: points(0), earned: day)
    }

    /// Spends points in a sale of 6.00 and 4.00.
    private func spend(
        _ units: Int64, _ id: String, _ program: Program, _ state: inout MemberState
    ) throws -> Spending {
        let lines = try [Sample.line("1", "6.00"), Sample.line("2", "4.00")]
        let input = try program.input(Sample.sale(lines), member: Sample.member(), state: state)
        return try program.redeem("off", points: points(units), id: id, input, state: &state).spending
    }

    @Test func aLotOfPointsThatCameBackInPartsWasGivenAllOfThem() throws {
        let program = try Sample.program("returns = { restore_redeemed = \"new_lot\" }", reward)
        var state = MemberState()
        state.lots = [lot("l", 50)]
        let spending = try spend(50, "r", program, &state)
        _ = try program.restore(spending, from: points(0), to: points(20), on: day, state: &state)
        _ = try program.restore(spending, from: points(20), to: points(50), on: day, state: &state)
        let back = try #require(state.lots.first { $0.id == "r/back" })
        #expect("\(back.granted) \(back.remaining)" == "50 50")
    }

    @Test(arguments: ["same_lot", "new_lot"])
    func pointsThatWereSpentAnewAreOwedWhenTheReturnIsVoided(restoring: String) throws {
        let program = try Sample.program("returns = { restore_redeemed = \"\(restoring)\" }", reward)
        var state = MemberState()
        state.lots = [lot("l", 50)]
        let first = try spend(50, "r1", program, &state)
        _ = try program.restore(first, from: points(0), to: points(50), on: day, state: &state)
        _ = try spend(40, "r2", program, &state)
        let movements = try program.restore(first, from: points(50), to: points(0), on: day, state: &state)
        // 10 were left of the 50 that came back.
        #expect(state.lots.allSatisfy { !$0.remaining.isNegative })
        #expect(state.owed["points"] == points(40))
        #expect(movements.reduce(0) { $0 + $1.points.units } == -50)
    }

    @Test func pointsSpentOnCreditComeBackAsPointsOnceTheDebtIsPaid() throws {
        let program = try Sample.base("redemption = { overdraw = { points = \"30\" } }", reward)
        var state = MemberState()
        let spending = try spend(30, "r", program, &state)
        let earned = try program.earn(Sample.sale([Sample.line("1", "20.00")]), member: Sample.member(), state: state)
        _ = try program.credit(earned, origin: "s", on: day, to: &state)
        #expect(state.owed["points"] == points(10))
        _ = try program.restore(spending, from: points(0), to: points(30), on: day, state: &state)
        #expect(state.owed["points"] == nil, "never less than nothing is owed")
        #expect(state.lots.reduce(0) { $0 + $1.remaining.units } == 20)
    }
}

/// What returns free of a limit.
@Suite struct LimitsAndReturns {
    private let day = CalendarDate(daysSinceEpoch: 20_824)

    /// Sells a line of 20.00, of which so many of ten pieces come back; then another one. The points of both.
    private func twice(_ program: Program, back: String) throws -> (first: String, taken: String, second: String) {
        var (state, counters) = (MemberState(), Counters())
        let sale = try Sample.sale([Sample.line("1", "20.00", quantity: "10")])
        let input = try program.input(sale, member: Sample.member(), state: state, counters: counters)
        let first = try program.evaluate(input)
        try counters.apply(first.counterChanges)
        _ = try program.credit(first, origin: "s", on: day, to: &state)
        let record = try program.record(input, first, origin: "s")
        let (effect, _) = try program.take(
            record, from: record.taken([:]), to: record.taken(["1": Quantity(back)]), on: day, state: &state,
            counters: &counters)
        let second = try program.earn(sale, member: Sample.member(), state: state, counters: counters)
        return (first.total, effect.points["points"].map { "\($0)" } ?? "0", second.total)
    }

    @Test func aReturnFreesNoMoreOfALimitOverRulesThanItTakes() throws {
        // Two rules give 15 each. One piece of ten takes 1.5 of each, which is 1 and 1, though it is 3 of both.
        let program = try Sample.program(
            "",
            """
            [[cap]]
            id = "all"
            points = "30"
            per = "month"
            [[earn]]
            id = "a"
            amount = { points = "15", per = "20" }
            [[earn]]
            id = "b"
            amount = { points = "15", per = "20" }
            """)
        #expect(try twice(program, back: "1") == ("30", "2", "2"))
    }

    @Test(arguments: ["limit = { times = 1, per = \"month\" }", "cap = { points = \"100\", per = \"month\" }"])
    func aBonusThatIsKeptIsNotGivenAgainForGoodsThatWereBroughtBack(limit: String) throws {
        let program = try Sample.program(
            "",
            """
            [[earn]]
            id = "bonus"
            kind = "bonus"
            points = "100"
            returns = "keep"
            \(limit)
            """)
        #expect(try twice(program, back: "10") == ("100", "0", "0"))
    }

    @Test func aBonusThatIsRevokedCanBeHadAgain() throws {
        let program = try Sample.program(
            "",
            """
            [[earn]]
            id = "bonus"
            kind = "bonus"
            points = "100"
            when = { basket_at_least = "10.00" }
            returns = "revoke_if_unqualified"
            cap = { points = "100", per = "month" }
            """)
        #expect(try twice(program, back: "5") == ("100", "0", "0"))
        #expect(try twice(program, back: "10") == ("100", "100", "100"))
    }
}
