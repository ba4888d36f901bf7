import EarnRules
import LoyaltyModel
import Testing

@Suite struct Returns {
    private func take(
        _ granted: String,
        of quantity: String,
        before: String = "0",
        taken: String = "0",
        returning: String
    ) throws -> String {
        let points = try Clawback.points(
            granted: Points(granted),
            quantity: Quantity(quantity),
            returnedBefore: Quantity(before),
            takenBefore: Points(taken),
            returning: Quantity(returning)
        )
        return "\(points)"
    }

    @Test func takesTheFloorOfTheCumulatedShare() throws {
        // 10 points for 3 pieces: 3.33, 6.67, 10 cumulated give 3, 3, 4.
        #expect(try take("10", of: "3", returning: "1") == "3")
        #expect(try take("10", of: "3", before: "1", taken: "3", returning: "1") == "3")
        #expect(try take("10", of: "3", before: "2", taken: "6", returning: "1") == "4")
        // All at once.
        #expect(try take("10", of: "3", returning: "3") == "10")
    }

    @Test func signsOfTheTillDoNotMatter() throws {
        #expect(try take("10", of: "3", before: "-1", taken: "3", returning: "-2") == "7")
    }

    @Test func neverMoreThanWasBought() throws {
        #expect(try take("10", of: "3", returning: "5") == "10")
        #expect(try take("10", of: "3", before: "3", taken: "10", returning: "1") == "0")
        #expect(try take("10", of: "3", before: "5", taken: "10", returning: "1") == "0")
        // More was taken than the share, such as by hand: nothing is given back here.
        #expect(try take("10", of: "3", before: "1", taken: "9", returning: "1") == "0")
    }

    @Test func weightsAndFractionsAreExact() throws {
        // 0.127 kg of 0.381 kg is a third: of 1.00 stars 0.33.
        #expect(try take("1.00", of: "0.381", returning: "0.127") == "0.33")
        #expect(try take("1.00", of: "0.381", before: "0.127", taken: "0.33", returning: "0.254") == "0.67")
    }

    @Test func nothingForNothing() throws {
        #expect(try take("0", of: "3", returning: "1") == "0")
        #expect(try take("10", of: "3", before: "1", taken: "3", returning: "0") == "0")
        // A till that sells lines of quantity zero takes them back whole.
        #expect(try take("10", of: "0", returning: "1") == "10")
    }

    @Test func holdsAtTheEndsOfTheRange() throws {
        let most = Points(units: .max, decimals: 6)
        let tiny = try DecimalNumber(coefficient: 1, scale: 18)
        let huge = DecimalNumber(.max)
        func take(_ quantity: Quantity, _ before: Quantity, _ returning: Quantity) throws -> Int64 {
            try Clawback.points(
                granted: most,
                quantity: quantity,
                returnedBefore: before,
                takenBefore: .zero(decimals: 6),
                returning: returning
            ).units
        }
        #expect(try take(huge, .zero, huge) == .max)
        #expect(try take(huge, huge, DecimalNumber(.min)) == .max)
        // One of 2^63 pieces with 2^63 - 1 units is just below one unit, two are just below two.
        #expect(try take(DecimalNumber(.min), .zero, .one) == 0)
        #expect(try take(DecimalNumber(.min), .zero, DecimalNumber(2)) == 1)
        #expect(try take(tiny, .zero, huge) == .max)
        // 10^-18 of 2^63 - 1 pieces with 2^63 - 1 units: less than one unit.
        #expect(try take(huge, .zero, tiny) == 0)
    }

    /// Any sequence of partial returns takes exactly what was given once all is back, and never more on the way.
    @Test(arguments: 1...40)
    func anySequenceTakesExactlyWhatWasGiven(seed: Int) throws {
        var generator = Generator(seed: UInt64(seed))
        for _ in 0..<50 {
            let granted = Points(
                units: .random(in: 0...100_000, using: &generator), decimals: .random(in: 0...2, using: &generator))
            let scale = Int.random(in: 0...3, using: &generator)
            let bought = Int64.random(in: 1...500, using: &generator)
            var left = bought
            var taken = Points.zero(decimals: granted.decimals)
            while left > 0 {
                let now = Int64.random(in: 1...left, using: &generator)
                let points = try Clawback.points(
                    granted: granted,
                    quantity: Quantity(coefficient: bought, scale: scale),
                    returnedBefore: Quantity(coefficient: bought - left, scale: scale),
                    takenBefore: taken,
                    returning: Quantity(coefficient: -now, scale: scale)
                )
                #expect(points.units >= 0)
                taken = try taken.adding(points)
                left -= now
                // Never more than the share of what is back.
                #expect(Int128(taken.units) * Int128(bought) <= Int128(granted.units) * Int128(bought - left))
            }
            #expect(taken == granted)
        }
    }

    // MARK: Returns that name no sale

    @Test func reversesByTheRateOfToday() throws {
        let program = try Sample.program(
            "returns = { unlinked = \"reverse_by_rate\" }",
            """
            [[earn]]
            id = "base"
            amount = { points = "2", per = "1.00" }
            exclude = { category = ["tobacco"] }
            [[earn]]
            id = "welcome"
            kind = "bonus"
            points = "100"
            """
        )
        #expect(program.returns.unlinked == .reverseByRate)
        let lines = try [
            Sample.line("1", "-12.75", quantity: "-1"),
            Sample.line("2", "-20.00", quantity: "-2", department: ["tobacco"]),
            Sample.line("3", "-2.95", quantity: "-1"),
        ]
        let sale = try Sample.sale(lines) { $0.kind = .return }
        // 12.75 + 2.95 at 2 per 1.00 is 31.4, down to 31. The welcome bonus stays.
        let time = try Timestamp("2027-01-05T16:00:00Z")
        let input = EarnInput(sale: sale, occurredAt: time, businessDay: time.date, member: nil)
        let result = try program.evaluateReversal(input, of: program.returnLines(of: sale))
        #expect(result.total == "31")
        #expect(result.shares.keys.sorted() == ["1", "3"])
        #expect(result.flags.isEmpty)
        // The sale itself earns nothing.
        #expect(try program.evaluate(input).accruals.isEmpty)
    }
}
