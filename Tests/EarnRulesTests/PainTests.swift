import EarnRules
import LoyaltyModel
import Testing

/// What users of other engines complain about (issue trackers of Odoo, ERPNext, OCA, Smartstore and others).
@Suite struct Pains {
    private let reward = "[[reward]]\nid = \"off\"\npoints = \"10\"\nmoney = \"1.00\"\n"
    private let day = CalendarDate(daysSinceEpoch: 20_824)

    private func available(_ state: MemberState) throws -> String {
        "\(try state.balance(of: "points", decimals: 0, on: day, floor: .negative).available)"
    }

    private func whole(_ record: SaleRecord) throws -> SaleRecord.Taken {
        try record.taken(Dictionary(uniqueKeysWithValues: record.lines.map { ($0.id, $0.quantity) }))
    }

    @Test func refundLeavesThePoints() throws {
        let program = try Sample.base()
        var (state, counters) = (MemberState(), Counters())
        for round in 0..<3 {
            let input = try program.input(
                Sample.sale([Sample.line("1", "10.00")]), member: Sample.member(), state: state)
            let result = try program.evaluate(input)
            _ = try program.credit(result, origin: "s\(round)", on: day, to: &state)
            let record = try program.record(input, result, origin: "s\(round)")
            _ = try program.take(
                record, from: record.taken([:]), to: whole(record), on: day, state: &state, counters: &counters)
            #expect(try available(state) == "0")
        }
    }

    @Test func refundChargesTheRedeemedPointsASecondTime() throws {
        let program = try Sample.program("", reward)
        var (state, counters) = (MemberState(), Counters())
        let points = Points(units: 100, decimals: 0)
        state.lots = [
            Lot(
                id: "l", currency: "points", origin: "o", program: "00", granted: points, remaining: points,
                qualifying: points, earned: day)
        ]
        let lines = try [Sample.line("1", "6.00"), Sample.line("2", "4.00")]
        let input = try program.input(Sample.sale(lines), member: Sample.member(), state: state)
        let redemption = try program.redeem(
            "off", points: Points(units: 50, decimals: 0), id: "r", input, state: &state)
        let record = try program.record(
            input, EarnResult(accruals: [], trace: [], flags: []), origin: "s", spendings: [redemption.spending])
        #expect(try available(state) == "50")
        // Four tenths of the sale come back, then the rest: 20 and 30 points.
        let half = try record.taken(["2": .one])
        _ = try program.take(record, from: record.taken([:]), to: half, on: day, state: &state, counters: &counters)
        #expect(try available(state) == "70")
        _ = try program.take(record, from: half, to: whole(record), on: day, state: &state, counters: &counters)
        #expect(try available(state) == "100")
    }

    @Test func retryDoublesThePoints() throws {
        // The ledger refuses a known event; the engine gives the same answer to the same question.
        let program = try Sample.base()
        let input = try program.input(Sample.sale([Sample.line("1", "10.00")]), member: Sample.member())
        #expect(try program.evaluate(input) == program.evaluate(input))
    }

    @Test func noLoyaltyOffline() throws {
        // A balance that the store does not know may be overdrawn as far as declared, and no further.
        let program = try Sample.program("redemption = { overdraw = { points = \"100\" } }", reward)
        let input = try program.input(Sample.sale([Sample.line("1", "99.00")]), member: Sample.member())
        #expect(try program.offers(input).first?.steps.last?.points == Points(units: 100, decimals: 0))
    }

    @Test func discountsAndTheEarnBasis() throws {
        let sale = try Sample.sale([Sample.line("1", "10.00")], total: "8.00") {
            $0.discounts = [try Sample.discount("2.00")]
        }
        #expect(try Sample.base("basis = { discounts = \"net\" }").earn(sale).total == "8")
        #expect(try Sample.base("basis = { discounts = \"gross\" }").earn(sale).total == "10")
    }

    @Test func rewardAndFreeLinesCountedAsGoods() throws {
        let program = try Sample.program(
            "", "[[earn]]\nid = \"u\"\namount = { points = \"5\", per_units = \"1\" }\n")
        let lines = try [
            Sample.line("1", "4.00"), Sample.line("free", "0.00"), Sample.line("reward", "-1.00", .reward),
            Sample.line("back", "-4.00", quantity: "-1"),
        ]
        #expect(try program.earn(Sample.sale(lines)).shares == ["1": "5"])
    }

    @Test func taxInOrOut() throws {
        let line = try Sample.line("1", "12.00") {
            $0.taxes = [SaleTax(amount: try Money("2.00", Sample.currency()), percent: try DecimalNumber("20"))]
        }
        let sale = try Sample.sale([line]) { $0.pricesIncludeTax = true }
        #expect(try Sample.base("basis = { tax = \"exclude\" }").earn(sale).total == "10")
        #expect(try Sample.base("basis = { tax = \"include\" }").earn(sale).total == "12")
    }

    @Test func oneCentLeftOver() throws {
        let lines = try ["a", "b", "c"].map { try Sample.line($0, "3.33") }
        let sale = try Sample.sale(lines, total: "8.99") { $0.discounts = [try Sample.discount("1.00")] }
        #expect(try Sample.base("currency = { p = { decimals = 2 } }").earn(sale).total == "8.99")
    }

    @Test func twoCardsForOnePerson() throws {
        // Two accounts' lots in one are one balance, and nothing of either is lost.
        let program = try Sample.base()
        var states: [MemberState] = []
        for name in ["a", "b"] {
            var state = MemberState()
            let result = try program.earn(Sample.sale([Sample.line("1", "10.00")]), member: Sample.member())
            _ = try program.credit(result, origin: name, on: day, to: &state)
            states.append(state)
        }
        states[0].lots += states[1].lots
        #expect(try available(states[0]) == "20")
        #expect(Set(states[0].lots.map(\.id)).count == 2)
    }

    @Test func giftCards() throws {
        let lines = try [Sample.line("1", "10.00"), Sample.line("card", "25.00", .giftCard)]
        #expect(try Sample.base().earn(Sample.sale(lines)).total == "10")
        #expect(try Sample.base("", "exclude = { class = [] }").earn(Sample.sale(lines)).total == "35")
        let paid = try Sample.sale([Sample.line("1", "10.00")]) { $0.tenders = [try Sample.tender(.giftCard, "10.00")] }
        #expect(try Sample.base("", "exclude_tender = [\"gift_card\"]").earn(paid).total == "0")
    }

    @Test func earningInTheSaleThatRedeems() throws {
        let sale = try Sample.sale([Sample.line("1", "10.00")]) { $0.tenders = [try Sample.tender(.points, "3.00")] }
        #expect(try Sample.base().earn(sale).total == "10")
        #expect(try Sample.base("", "exclude_tender = [\"points\"]").earn(sale).total == "7")
        #expect(try Sample.base("redemption = { earning = \"blocked\" }").earn(sale).total == "0")
    }

    @Test func wrongTierOrMinimumIgnored() throws {
        let program = try Sample.base("", "member = { tier = \"gold\" }\nwhen = { basket_at_least = \"10.00\" }")
        let gold = Sample.member { $0.tier = "gold" }
        #expect(try program.earn(Sample.sale([Sample.line("1", "10.00")]), member: gold).total == "10")
        #expect(try program.earn(Sample.sale([Sample.line("1", "9.99")]), member: gold).total == "0")
        #expect(try program.earn(Sample.sale([Sample.line("1", "10.00")]), member: Sample.member()).total == "0")
    }

    @Test func silosByChannel() throws {
        // Earned online, spent at the till: one balance.
        let program = try Sample.base("", reward)
        var state = MemberState()
        let online = try Sample.sale([Sample.line("1", "50.00")]) { $0.channel = "online" }
        _ = try program.credit(program.earn(online, member: Sample.member()), origin: "w1", on: day, to: &state)
        let till = try program.input(Sample.sale([Sample.line("1", "9.00")]), member: Sample.member(), state: state)
        #expect(try program.offers(till).first?.steps.last?.points == Points(units: 50, decimals: 0))
    }

    @Test func pointsLostByARace() throws {
        // Which of two sales is counted first does not change what a member has in the end.
        let program = try Sample.base("", "cap = { points = \"15\", per = \"day\" }")
        func total(_ amounts: [String]) throws -> Int64 {
            var counters: Counters = [:]
            var sum: Int64 = 0
            for amount in amounts {
                let result = try program.earn(
                    Sample.sale([Sample.line("1", amount)]), member: Sample.member(), counters: counters)
                try counters.apply(result.counterChanges)
                sum += result.accruals.first?.total.units ?? 0
            }
            return sum
        }
        #expect(try total(["10.00", "9.00"]) == total(["9.00", "10.00"]))
    }

    @Test func expiryThatNobodyCanSee() throws {
        let program = try Sample.base("", "expires = { after = \"1 month\" }")
        var state = MemberState()
        for (origin, back) in [("a", 10), ("b", 0)] {
            let earned = day.adding(days: -back)
            let result = try program.earn(
                Sample.sale([Sample.line("1", "10.00")]), at: "\(earned)T12:00:00Z", member: Sample.member())
            _ = try program.credit(result, origin: origin, on: earned, to: &state)
        }
        let balance = try state.balance(of: "points", decimals: 0, on: day, floor: .negative)
        #expect(balance.endings.map { "\($0.points)" } == ["10", "10"])
        #expect(balance.endings.first.map { $0.day < balance.endings[1].day } == true)
        let movements = try state.expire(on: day.adding(days: 30))
        #expect(movements.map { "\($0.reason.rawValue) \($0.points)" } == ["expired -10"])
    }
}
