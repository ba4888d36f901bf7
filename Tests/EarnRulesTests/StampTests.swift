import EarnRules
import LoyaltyModel
import Testing

@Suite struct Stamps {
    private struct Account {
        var program: Program
        var state = MemberState()
        var counters: Counters = [:]
        var records: [SaleRecord] = []

        mutating func buy(_ amount: String, quantity: String = "1", on day: String = "2027-01-05") throws -> EarnResult
        {
            let line = try Sample.line("1", amount, quantity: quantity, department: ["hot"])
            let input = try program.input(
                Sample.sale([line]), at: "\(day)T12:00:00Z", member: Sample.member(), state: state, counters: counters)
            let result = try program.evaluate(input)
            try counters.apply(result.counterChanges)
            records.append(try program.record(input, result, origin: "s\(records.count + 1)"))
            return result
        }

        /// The rewards that a complete return takes back.
        mutating func bringBack(_ index: Int) throws -> [IssuedReward] {
            let record = records[index]
            let all = Dictionary(uniqueKeysWithValues: record.lines.map { ($0.id, $0.quantity) })
            return try program.take(
                record, from: record.taken([:]), to: record.taken(all), on: CalendarDate("2027-01-06"), state: &state,
                counters: &counters
            ).effect.issued
        }
    }

    private func card(_ keys: String) throws -> Program {
        try Sample.program(
            "",
            """
            [[reward]]
            id = "gift"
            kind = "item"
            item = "a gift"
            issue = "by_stamps"
            [[reward]]
            id = "drink"
            kind = "item"
            item = "a drink"
            issue = "by_stamps"
            [[stamps]]
            id = "card"
            \(keys)
            """)
    }

    private func stamps(_ result: EarnResult) -> String {
        result.accruals.first { $0.currency == "card" }.map { "\($0.total)" } ?? "0"
    }

    @Test func buyTenGetOneCarriesOver() throws {
        // C.3 rule 5: at most 4 a day, the tenth brings a drink for 60 days.
        var account = Account(
            program: try card(
                "match = { category = [\"hot\"] }\ngive = { stamps = 1, per_units = 1 }\nlimit = { stamps = 4, per = \"day\" }\n"
                    + "reward = { at = 10, issue = \"drink\", expires = \"60 days\" }"))
        #expect(stamps(try account.buy("6.00", quantity: "3", on: "2027-01-01")) == "3")
        let held = try account.buy("6.00", quantity: "3", on: "2027-01-01")
        #expect(stamps(held) == "1")
        #expect(held.step("card")?.wanted == "3")
        #expect(stamps(try account.buy("8.00", quantity: "4", on: "2027-01-02")) == "4")
        // 8 + 4 = 12: one drink, two stamps on the next card.
        let full = try account.buy("8.00", quantity: "4", on: "2027-01-03")
        #expect(
            full.issued.map { "\($0.count) \($0.reward) \($0.expires?.description ?? "")" } == ["1 drink 2027-03-04"])
        #expect(full.step("card")?.reason.contains("the card shows 2") == true)
        #expect(account.counters.first { $0.key.name == "card" }?.value == DecimalNumber(12))
    }

    @Test func theBodyShopStampsAVisitWithGiftsOnTheWay() throws {
        // UK 2015: one stamp per visit of 10.00 or more after the discount, gift at 4 and at 8 stamps.
        var account = Account(
            program: try card(
                "give = { per_visit = true }\nwhen = { basket_at_least = \"10.00\" }\n"
                    + "reward = [ { at = 4, issue = \"gift\" }, { at = 8, issue = \"drink\" } ]"))
        var issued: [String] = []
        for _ in 0..<12 { issued += try account.buy("10.00").issued.map(\.reward) }
        #expect(stamps(try account.buy("9.99")) == "0")
        #expect(issued == ["gift", "drink", "gift"])
    }

    @Test func withoutCarryOverTheSurplusIsLost() throws {
        var account = Account(
            program: try card(
                "give = { stamps = 1, per = \"5.00\" }\ncarry_over = false\nreward = { at = 3, issue = \"drink\" }"))
        #expect(stamps(try account.buy("24.99")) == "3")
        #expect(stamps(try account.buy("5.00")) == "1")
    }

    @Test func aReturnTakesTheRewardThatItsStampsBrought() throws {
        var account = Account(
            program: try card("give = { per_units = 1 }\nreward = { at = 5, issue = \"drink\" }"))
        _ = try account.buy("6.00", quantity: "3")
        #expect(try account.buy("6.00", quantity: "3").issued.map(\.count) == [1])
        #expect(try account.bringBack(0).map(\.count) == [-1])
        #expect(account.counters.first { $0.key.name == "card" }?.value == DecimalNumber(3))
        #expect(try account.bringBack(1).isEmpty)
        #expect(account.counters.isEmpty)
    }
}
