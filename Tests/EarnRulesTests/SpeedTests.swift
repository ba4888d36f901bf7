import EarnRules
import Foundation
import LoyaltyModel
import Testing

/// Evaluations per second of processor time, on one core. Not part of the tests: `LOYALTYD_BENCH=1 swift test -c release --filter Speed`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["LOYALTYD_BENCH"] != nil)) struct Speed {
    /// A base rate, a tier, a threshold, a cap and a category that apply, and offers for products that are not in the basket.
    private func program(rules: Int) throws -> Program {
        var text = """
            [[earn]]
            id = "base"
            amount = { points = "1", per = "1.00" }
            exclude = { class = ["gift_card_sale"], category = ["tobacco"] }
            cap = { points = "100000", per = "month" }
            [[earn]]
            id = "gold"
            kind = "multiplier"
            factor = "1.25"
            member = { tier = "gold" }
            [[earn]]
            id = "category"
            kind = "multiplier"
            factor = "2"
            match = { category = ["d1"] }
            [[earn]]
            id = "spend"
            kind = "bonus"
            points = "50"
            when = { basket_at_least = "10.00" }
            [[earn]]
            id = "sku"
            amount = { points = "1", per_units = "1" }
            match = { sku = ["sku-1"] }

            """
        for number in 5..<rules {
            let match = number % 2 == 0 ? "sku = [\"other-\(number)\"]" : "category = [\"other-\(number)\"]"
            text += """
                [[earn]]
                id = "offer-\(number)"
                kind = "bonus"
                points = "\(number)"
                match = { \(match) }

                """
        }
        return try Sample.program("zone = \"Europe/London\"", text)
    }

    @Test(arguments: [5, 200]) func evaluationsPerSecond(lines: Int) throws {
        let sale = try Sample.sale(
            (0..<lines).map { index in
                try Sample.line("\(index)", "\(index % 9 + 1).49", department: ["food", "d\(index % 7)"]) {
                    $0.code = ProductCode(value: "sku-\(index % 40)", scheme: .sku)
                }
            })
        let member = Sample.member { $0.tier = "gold" }
        var points: Set<String> = []
        for rules in [10, 100, 1000] {
            let program = try program(rules: rules)
            var input = try program.input(sale, member: member)
            input.explanation = .candidates
            var count = 0
            let start = clock()
            while clock() - start < 2 * CLOCKS_PER_SEC {
                points.insert(try program.evaluate(input).total)
                count += 1
            }
            let seconds = Double(clock() - start) / Double(CLOCKS_PER_SEC)
            print("\(rules) rules, \(lines) lines: \(Int(Double(count) / seconds)) evaluations/s")
        }
        #expect(points.count == 1)
    }
}
