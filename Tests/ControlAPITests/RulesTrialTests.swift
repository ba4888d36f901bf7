import EarnRules
import LoyaltyModel
import Testing

@testable import loyaltyctl

@Suite("Programs tried on a file of sales")
struct RulesTrialTests {
    private func trial() throws -> RulesTrial {
        return try RulesTrial(program: try Program.standard(), members: MemberDirectory())
    }

    private func sale(_ amount: String, type: String = "sale.complete") -> [UInt8] {
        Array(
            """
            {"v":1,"type":"\(type)","id":"e","source":"1/1","time":"2026-03-01T10:00:00Z","sale":{"store":"1","register":"1",\
            "number":"7","kind":"sale","state":"\(type == "sale.open" ? "open" : "completed")","currency":"GBP","lines":[{"id":"1","kind":"item",\
            "code":{"value":"x","scheme":"sku"},"qty":"1","uom":"ea","amount":"\(amount)"}],"totals":{"grand":"\(amount)"}}}
            """.utf8)
    }

    @Test("Each finished sale earns by the program, and the sums add up")
    func sums() throws {
        var trial = try trial()
        let first = try #require(try trial.evaluate(sale("5.00"), number: 1))
        #expect(first.accruals.map(\.total.description) == ["5"])
        #expect(!first.isUnknownMember)
        _ = try trial.evaluate(sale("7.00"), number: 2)
        #expect(try trial.evaluate(sale("9.00", type: "sale.open"), number: 3) == nil)
        #expect(try trial.evaluate([], number: 4) == nil)
        #expect(trial.totals.points["points"]?.description == "12")
        #expect(trial.totals.sales == 2)
        #expect(trial.totals.skipped == 1)
    }

    @Test("A bad line is named by its line in the file")
    func badLine() throws {
        var trial = try trial()
        let error = #expect(throws: LoyaltyError.self) { try trial.evaluate(Array("{".utf8), number: 12) }
        #expect(error?.place?.line == 12)
        #expect(error?.code.name == "till.bad_json")
    }
}
