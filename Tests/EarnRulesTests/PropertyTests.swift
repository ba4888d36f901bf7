import EarnRules
import Foundation
import LoyaltyModel
import Testing

@Suite struct Properties {
    private static let programs: [String] = {
        let rules = """
            [[earn]]
            id = "base"
            amount = { points = "1", per = "1.00" }
            exclude_tender = ["points", "gift_card"]
            [[earn]]
            id = "third"
            amount = { points = "1", per = "3" }
            match = { category = ["a"] }
            qualifying = false
            [[earn]]
            id = "double"
            kind = "multiplier"
            factor = "2"
            match = { category = ["b"] }
            [[earn]]
            id = "seventh"
            kind = "multiplier"
            factor = "1.142857"
            combine = "multiply"
            qualifying = false
            [[earn]]
            id = "bonus"
            kind = "bonus"
            points = "7"
            when = { basket_at_least = "20", basis = { coupons = "gross", tax = "include" } }

            """
        var programs: [String] = []
        for mode in ["floor", "ceil", "half_up", "half_even", "half_down"] {
            for scope in ["unit", "line", "rule", "basket"] {
                for (when, step) in [("before_multipliers", "linear"), ("after_multipliers", "whole")] {
                    programs.append(
                        """
                        schema = 1
                        program = "t"
                        basis = { tax = "exclude" }
                        rounding = { mode = "\(mode)", scope = "\(scope)", when = "\(when)", step = "\(step)" }
                        \(rules)
                        """
                    )
                }
            }
        }
        return programs
    }()

    /// Any sale that the model can hold, sensible or not.
    private func sale(_ generator: inout Generator, extreme: Bool) throws -> Sale {
        let currency = try Currency(["GBP", "JPY", "BHD"].randomElement(using: &generator) ?? "GBP")
        func money() -> Money {
            let edge: [Int64] = [.min, .max, .min + 1, -1, 0, 1, 1 << 53]
            let units =
                extreme
                ? edge.randomElement(using: &generator) ?? 0 : Int64.random(in: -500...9_999, using: &generator)
            return Money(minorUnits: units, currency)
        }
        func quantity() throws -> Quantity {
            let edge: [Int64] = [.min, .max, 0, 1, -1]
            let coefficient =
                extreme ? edge.randomElement(using: &generator) ?? 0 : Int64.random(in: -3...12, using: &generator)
            let scale = extreme ? 18 : 3
            return try Quantity(coefficient: coefficient, scale: Bool.random(using: &generator) ? 0 : scale)
        }
        var lines: [SaleLine] = []
        for index in 0..<Int.random(in: 0...9, using: &generator) {
            let kinds: [SaleLine.Kind] = [.item, .item, .item] + SaleLine.Kind.allCases
            var line = SaleLine(
                id: "\(Int.random(in: 0...9, using: &generator) == 0 ? 0 : index)",
                kind: kinds.randomElement(using: &generator) ?? .item,
                quantity: try quantity(),
                amount: money()
            )
            line.department = [["a"], ["b"], ["a", "b"], []].randomElement(using: &generator) ?? []
            if Int.random(in: 0...4, using: &generator) == 0 { line.gross = money() }
            if Int.random(in: 0...4, using: &generator) == 0 {
                line.voids = "\(Int.random(in: 0...9, using: &generator))"
            }
            if Int.random(in: 0...9, using: &generator) == 0 { line.voided = true }
            if Int.random(in: 0...3, using: &generator) == 0 {
                line.discounts = [
                    SaleDiscount(amount: money(), source: Bool.random(using: &generator) ? .coupon : .till)
                ]
            }
            if Int.random(in: 0...2, using: &generator) == 0 {
                line.taxes = [SaleTax(base: Bool.random(using: &generator) ? money() : nil, amount: money())]
            }
            lines.append(line)
        }
        var sale = Sale(
            store: "1",
            register: "1",
            number: "1",
            kind: Sale.Kind.allCases.randomElement(using: &generator) ?? .sale,
            currency: currency,
            lines: lines,
            totals: SaleTotals(grand: money())
        )
        sale.pricesIncludeTax = [true, false, nil].randomElement(using: &generator) ?? nil
        if Bool.random(using: &generator) { sale.discounts = [SaleDiscount(amount: money(), source: .manual)] }
        if Bool.random(using: &generator) { sale.discounts.append(SaleDiscount(amount: money(), source: .coupon)) }
        if Bool.random(using: &generator) { sale.taxes = [SaleTax(amount: money())] }
        if Bool.random(using: &generator) {
            sale.tenders = [
                Tender(kind: .points, amount: money(), change: money()), Tender(kind: .cash, amount: money()),
            ]
        }
        return sale
    }

    private func check(_ result: EarnResult, _ sale: Sale) throws {
        for accrual in result.accruals {
            var sum = Points.zero(decimals: accrual.total.decimals)
            for share in accrual.lines {
                #expect(share.points.units > 0)
                #expect(sale.lines.contains { $0.id == share.line })
                sum = try sum.adding(share.points)
            }
            #expect(sum == accrual.total)
            #expect(accrual.total.units > 0)
            #expect((0...accrual.total.units).contains(accrual.qualifying.units))
        }
    }

    @Test(arguments: programs.indices)
    func sharesSumToTheTotalWhateverTheSale(index: Int) throws {
        let program = try Program.load(toml: Self.programs[index], file: nil, hash: "00")
        var generator = Generator(seed: UInt64(index + 1))
        for _ in 0..<60 {
            let sale = try sale(&generator, extreme: false)
            let result = try program.earn(sale)
            try check(result, sale)
            // Pure: the same again.
            #expect(try program.earn(sale) == result)
            _ = program.returnLines(of: sale)
        }
    }

    @Test(arguments: programs.indices)
    func nothingTrapsAtTheEndsOfTheRange(index: Int) throws {
        let program = try Program.load(toml: Self.programs[index], file: nil, hash: "00")
        var generator = Generator(seed: UInt64(index + 1000))
        for _ in 0..<60 {
            let sale = try sale(&generator, extreme: true)
            do { try check(program.earn(sale), sale) } catch let error as LoyaltyError {
                #expect(error.code == .numberOverflow)
            }
            let time = Timestamp(microseconds: Bool.random(using: &generator) ? .min : .max)
            let input = EarnInput(sale: sale, occurredAt: time, businessDay: time.date, member: nil)
            do { _ = try program.evaluateReversal(input, of: program.returnLines(of: sale)) } catch {
                #expect(error.code == .numberOverflow)
            }
        }
    }

    /// More money never earns less.
    @Test(arguments: 1...20)
    func moreSpentIsNeverWorse(seed: Int) throws {
        var generator = Generator(seed: UInt64(seed))
        for mode in ["floor", "half_up", "ceil"] {
            let program = try Sample.base("rounding = { mode = \"\(mode)\" }")
            let amounts = (0..<5).map { _ in Int64.random(in: 0...5_000, using: &generator) }
            func total(_ extra: Int64) throws -> Int64 {
                let lines = try amounts.enumerated().map { index, amount in
                    let amount = index == 0 ? amount + extra : amount
                    return SaleLine(id: "\(index)", amount: Money(minorUnits: amount, try Sample.currency()))
                }
                return try program.earn(Sample.sale(lines)).accruals.first?.total.units ?? 0
            }
            #expect(try total(0) <= total(1))
            #expect(try total(100) == total(0) + 1)
        }
    }

    /// Real baskets (Complete Journey 2.0): one point per 1.00, rounded down, must be the whole pounds of the basket.
    @Test func realBasketsByWholeUnits() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appending(path: "Examples/till/complete-journey-60-households.csv")
        var baskets: [Substring: [SaleLine]] = [:]
        var cents: [Substring: Int64] = [:]
        for (number, row) in try String(contentsOf: file, encoding: .utf8).split(separator: "\n").dropFirst()
            .enumerated()
        {
            let fields = row.split(separator: ",", omittingEmptySubsequences: false)
            let amount = try Money(fields[5], Currency("USD"))
            var line = SaleLine(id: "\(number)", quantity: try Quantity(fields[4]), amount: amount)
            line.code = ProductCode(value: String(fields[3]), scheme: .sku)
            baskets[fields[2], default: []].append(line)
            cents[fields[2], default: 0] += amount.minorUnits
        }
        #expect(baskets.count == 5_117)
        let program = try Program.standard()
        for (id, lines) in baskets {
            let result = try program.earn(Sample.sale(lines, currency: "USD"))
            #expect(result.accruals.first?.total.units ?? 0 == (cents[id] ?? 0) / 100)
            #expect(result.flags.isEmpty)
        }
    }
}
