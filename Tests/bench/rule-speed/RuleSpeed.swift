import EarnRules
import Glibc
import LoyaltyModel

/// Evaluations of earn rules per second of processor time on one core, for `make bench`: programs of 10, 100 and 1,000 rules of
/// which the same ones apply, on baskets of 5 and 200 lines. With the explanation that a booking keeps, and with that of a
/// question, which names no rule that could not have applied.
@main struct RuleSpeed {
    static let sizes = [10, 100, 1000]
    static let baskets = [5, 200]
    /// What 1,000 rules may take, as a multiple of what 10 take.
    static let promise = 3.0

    static func main() throws {
        print("  rules  lines  apply   evaluations/s     each   of 10 rules  for")
        var isKept = true
        for (explanation, purpose) in [(EarnInput.Explanation.automatic, "a booking"), (.candidates, "a question")] {
            try measure(explanation, purpose, &isKept)
        }
        print(
            isKept
                ? "  1,000 rules cost at most \(Int(promise)) times ten where the same ones apply: yes"
                : "  1,000 rules cost at most \(Int(promise)) times ten where the same ones apply: NO")
        exit(isKept ? 0 : 1)
    }

    private static func measure(
        _ explanation: EarnInput.Explanation, _ purpose: String, _ isKept: inout Bool
    ) throws {
        for lines in baskets {
            let sale = try sale(lines: lines)
            var first: Double?
            var points: String?
            for rules in sizes {
                let program = try program(rules: rules)
                let input = EarnInput(
                    sale: sale, occurredAt: try Timestamp("2027-03-02T12:00:00Z"),
                    businessDay: try CalendarDate("2027-03-02"),
                    member: Member(id: MemberID("m-1"), tier: "gold"), explanation: explanation)
                let result = try program.evaluate(input)
                let total = result.accruals.map { "\($0.currency) \($0.total)" }.joined(separator: ", ")
                guard points ?? total == total else {
                    print("\(rules) rules give \(total), fewer gave \(points ?? "")")
                    exit(1)
                }
                points = total
                let rate = try best { _ = try program.evaluate(input) }
                let share = (first ?? rate) / rate
                if first == nil { first = rate }
                if share > promise { isKept = false }
                let applying = Set(result.grants.map(\.rule)).count
                print(
                    padded("\(rules)", 7) + padded("\(lines)", 7) + padded("\(applying)", 7)
                        + padded("\(Int(rate))", 16) + padded("\(Int(1_000_000 / rate)) us", 11)
                        + padded("\(Int(share * 100)) %", 12) + "   " + purpose)
            }
        }
    }

    /// The best of five rounds of half a second, after one to warm up.
    private static func best(_ work: () throws -> Void) throws -> Double {
        var best = 0.0
        for round in 0..<6 {
            var count = 0
            let start = clock()
            while clock() - start < CLOCKS_PER_SEC / 2 {
                for _ in 0..<10 { try work() }
                count += 10
            }
            let rate = Double(count) * Double(CLOCKS_PER_SEC) / Double(clock() - start)
            if round > 0 { best = max(best, rate) }
        }
        return best
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(width - text.count, 0)) + text
    }

    private static func sale(lines: Int) throws -> Sale {
        let currency = try Currency("GBP")
        var sale = Sale(
            store: "300", register: "1", number: "1", currency: currency, totals: SaleTotals(grand: .zero(currency)))
        for index in 0..<lines {
            let amount = try Money("\(index % 9 + 1).49", currency)
            var line = SaleLine(id: "\(index)", amount: amount)
            line.code = ProductCode(value: "sku-\(index % 40)", scheme: .sku)
            line.department = ["food", "d\(index % 7)"]
            line.brand = "brand-\(index % 5)"
            sale.lines.append(line)
            sale.totals.grand = try sale.totals.grand.adding(amount)
        }
        return sale
    }

    /// Six rules that apply - a base rate with a cap, a tier, a category, a threshold, a product, a brand - and others that do not:
    /// for other products, categories, brands, tags, tiers, segments, stores, and days that are over or to come.
    private static func program(rules: Int) throws -> Program {
        var text = """
            schema = 1
            program = "speed"
            zone = "Europe/London"
            currency = { points = { decimals = 0 } }
            rounding = { mode = "floor", scope = "basket" }
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
            [[earn]]
            id = "brand"
            kind = "bonus"
            points = "5"
            match = { brand = ["brand-2"] }

            """
        for number in 6..<rules {
            text += """
                [[earn]]
                id = "offer-\(number)"
                kind = "bonus"
                points = "\(number)"
                \(condition(number))

                """
        }
        return try Program.load(toml: text, file: "speed.toml", hash: "00")
    }

    private static func condition(_ number: Int) -> String {
        switch number % 8 {
        case 0: "match = { sku = [\"other-\(number)\"] }"
        case 1: "match = { category = [\"other-\(number)\"] }"
        case 2: "match = { brand = [\"other-\(number)\"] }"
        case 3: "match = { tag = [\"other-\(number)\"] }"
        case 4: "member = { tier = \"tier-\(number)\" }"
        case 5: "member = { segment = [\"segment-\(number)\"] }"
        case 6: "store = [\"other-\(number)\"]"
        default:
            number % 16 == 7
                ? "window = { from = 2026-01-01, to = 2026-12-31 }" : "window = { from = 2028-01-01, to = 2028-12-31 }"
        }
    }
}
