import EarnRules
import LoyaltyModel
import Testing

/// Sales, partial returns in any order, redemptions and undone returns, of members whose books must come out even.
@Suite struct Sequences {
    private static func program(_ floor: String, _ clawback: String, _ restore: String) throws -> Program {
        try Sample.program(
            """
            currency = { points = { decimals = 0 }, cash = { money = "GBP" } }
            returns = { floor = "\(floor)", clawback = "\(clawback)", restore_redeemed = "\(restore)" }
            """,
            """
            [[counter]]
            id = "spend"
            counts = "spend"
            per = "calendar_year"
            [[reward]]
            id = "off"
            points = "10"
            money = "0.10"
            [[reward]]
            id = "drink"
            kind = "item"
            item = "a drink"
            issue = "by_stamps"
            [[stamps]]
            id = "card"
            give = { per_units = "1" }
            reward = { at = 7, issue = "drink" }
            [[earn]]
            id = "base"
            amount = { points = "1", per = "1.00" }
            expires = { after = "12 months" }
            cap = { points = "400", per = "month" }
            [[earn]]
            id = "snacks"
            kind = "multiplier"
            factor = "1.3"
            match = { category = ["a"] }
            [[earn]]
            id = "units"
            amount = { points = "3", per_units = "2" }
            pending = "3 days"
            [[earn]]
            id = "cash"
            currency = "cash"
            amount = { percent = "1.7" }
            [[earn]]
            id = "big"
            kind = "bonus"
            points = "37"
            when = { basket_at_least = "30.00" }
            returns = "revoke_if_unqualified"
            [[earn]]
            id = "even"
            kind = "bonus"
            points = "11"
            limit = { times = 2, per = "month" }
            """)
    }

    private struct Book {
        var program: Program
        var state = MemberState()
        var counters: Counters = [:]
        /// Sum of all movements, by currency.
        var sums: [String: Points] = [:]

        mutating func add(_ movements: [LotMovement]) throws {
            for movement in movements {
                sums[movement.currency] = try (sums[movement.currency] ?? .zero(decimals: movement.points.decimals))
                    .adding(movement.points)
            }
        }

        /// What is left in lots, less what is owed, is what the movements say.
        func check() throws {
            for (currency, sum) in sums {
                var total = Points.zero(decimals: sum.decimals)
                for lot in state.lots where lot.currency == currency {
                    #expect(lot.remaining.units >= 0)
                    #expect(lot.remaining.units <= max(lot.granted.units, lot.remaining.units))
                    total = try total.adding(lot.remaining)
                }
                total = try total.subtracting(state.owed[currency] ?? .zero(decimals: sum.decimals))
                #expect(total.ratio == sum.ratio)
            }
        }

        func balances(_ day: CalendarDate) throws -> [String] {
            try program.currencies.keys.sorted().map { currency in
                let balance = try state.balance(
                    of: currency, decimals: program.currencies[currency] ?? 0, on: day, floor: .negative)
                // Who takes pending points first may take those of another sale: only the sum is the same.
                guard program.returns.clawback == .lotOfOriginFirst else {
                    return "\(currency) \(try balance.available.adding(balance.pending))"
                }
                return "\(currency) \(balance.available) \(balance.pending)"
            }
        }
    }

    private func sale(_ generator: inout Generator) throws -> Sale {
        var lines: [SaleLine] = []
        for id in 0..<Int.random(in: 1...5, using: &generator) {
            let quantity = Int.random(in: 1...6, using: &generator)
            let cents = Int.random(in: 0...1999, using: &generator)
            lines.append(
                try Sample.line(
                    "\(id)", "\(cents / 100).\(cents % 100 / 10)\(cents % 10)", quantity: "\(quantity)",
                    department: [["a"], ["b"]].randomElement(using: &generator) ?? []))
        }
        return try Sample.sale(lines)
    }

    @Test(arguments: 1...60)
    func aCompleteReturnRestoresTheStateBeforeTheSale(seed: Int) throws {
        var generator = Generator(seed: UInt64(seed))
        let program = try Self.program(
            ["negative", "debt"][seed % 2], ["pending_first", "lot_of_origin_first"][seed / 2 % 2],
            ["same_lot", "new_lot"][seed / 4 % 2])
        var book = Book(program: program)
        var day = try CalendarDate("2027-01-01")
        for number in 0..<12 {
            day = day.adding(days: Int.random(in: 0...4, using: &generator))
            let before = (try book.balances(day), book.counters)
            let sale = try sale(&generator)
            let input = try program.input(
                sale, at: "\(day)T12:00:00Z", member: Sample.member(), state: book.state, counters: book.counters)
            let result = try program.evaluate(input)
            let spendings = try spend(input, &book, "r\(number)", &generator)
            try book.counters.apply(result.counterChanges)
            try book.add(program.credit(result, origin: "s\(number)", on: day, to: &book.state))
            let record = try program.record(input, result, origin: "s\(number)", spendings: spendings)
            try book.check()
            // Two of three sales come back whole, piece by piece, some with a return that is undone in between.
            guard number % 3 != 0 else { continue }
            try bringBack(record, &book, day, &generator)
            #expect(try book.balances(day) == before.0)
            #expect(book.counters == before.1)
        }
    }

    private func spend(
        _ input: EarnInput, _ book: inout Book, _ id: String, _ generator: inout Generator
    ) throws -> [Spending] {
        guard let step = try book.program.offers(input).first?.steps.randomElement(using: &generator),
            Bool.random(using: &generator)
        else { return [] }
        let redemption = try book.program.redeem("off", points: step.points, id: id, input, state: &book.state)
        try book.add(redemption.movements)
        try book.counters.apply(redemption.counterChanges)
        return [redemption.spending]
    }

    private func bringBack(
        _ record: SaleRecord, _ book: inout Book, _ day: CalendarDate, _ generator: inout Generator
    ) throws {
        var returned: [String: Quantity] = [:]
        var before = try record.taken([:])
        var pieces = record.lines.flatMap { line in
            [String](repeating: line.id, count: Int((try? line.quantity.units(scale: 0)) ?? 0))
        }
        pieces.shuffle(using: &generator)
        for piece in pieces {
            let earlier = (returned, before)
            returned[piece] = try (returned[piece] ?? .zero).adding(.one)
            var after = try record.taken(returned)
            if Int.random(in: 0...5, using: &generator) == 0 {
                // The till voids this return and takes it again.
                for _ in 0..<2 {
                    try take(record, before, after, &book, day)
                    (before, after) = (after, before)
                }
                (returned, before) = earlier
                returned[piece] = try (returned[piece] ?? .zero).adding(.one)
                after = try record.taken(returned)
            }
            try take(record, before, after, &book, day)
            before = after
            try book.check()
        }
    }

    private func take(
        _ record: SaleRecord, _ before: SaleRecord.Taken, _ after: SaleRecord.Taken, _ book: inout Book,
        _ day: CalendarDate
    ) throws {
        let (_, movements) = try book.program.take(
            record, from: before, to: after, on: day, state: &book.state, counters: &book.counters)
        try book.add(movements)
    }
}
