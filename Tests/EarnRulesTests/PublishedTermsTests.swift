import EarnRules
import LoyaltyModel
import Testing

/// Figures that programs publish, or that follow from their published terms.
@Suite struct PublishedTerms {
    private func earned(_ head: String, _ amount: String, _ lines: [String], currency: String = "GBP") throws -> String
    {
        let program = try Sample.program(head, "[[earn]]\nid = \"base\"\namount = \(amount)\n")
        let lines = try lines.enumerated().map { try Sample.line("\($0 + 1)", $1, currency: currency) }
        return try program.earn(Sample.sale(lines, currency: currency)).total
    }

    @Test func squareCountsWholeSteps() throws {
        // "1 point per 10.00": 105.00 gives 10.
        let head = "rounding = { step = \"whole\" }"
        #expect(try earned(head, "{ points = \"1\", per = \"10.00\" }", ["105.00"]) == "10")
        // 5 points per 10.00 show the step: 19.00 has one step of 5; linear would be 9.
        #expect(try earned(head, "{ points = \"5\", per = \"10.00\" }", ["19.00"]) == "5")
        #expect(try earned("", "{ points = \"5\", per = \"10.00\" }", ["19.00"]) == "9")
    }

    @Test func wholeStepsCountThePartThatTheScopeNames() throws {
        // Two lines of 9.00: none has a step of 10.00, together they have one.
        let amount = "{ points = \"1\", per = \"10.00\", step = \"whole\" }"
        #expect(try earned("rounding = { scope = \"basket\" }", amount, ["9.00", "9.00"]) == "1")
        #expect(try earned("rounding = { scope = \"line\" }", amount, ["9.00", "9.00"]) == "0")
    }

    @Test func siebelRoundsEveryItemAndThenAdds() throws {
        // 20.158 twice is 20.16 twice is 40.32.
        let head = "currency = { p = { decimals = 2 } }\nrounding = { mode = \"half_up\", scope = \"line\" }"
        let amount = "{ points = \"1\", per = \"1.00\" }"
        #expect(try earned(head, amount, ["20.158", "20.158"], currency: "BHD") == "40.32")
        // 20.154 twice: 20.15 + 20.15 by line, 40.308 for the basket.
        #expect(try earned(head, amount, ["20.154", "20.154"], currency: "BHD") == "40.30")
        let basket = "currency = { p = { decimals = 2 } }\nrounding = { mode = \"half_up\" }"
        #expect(try earned(basket, amount, ["20.154", "20.154"], currency: "BHD") == "40.31")
    }

    @Test(arguments: [
        // WooCommerce Points and Rewards: up, down, nearest.
        ("ceil", "2.50", "3"), ("floor", "2.50", "2"), ("half_up", "2.50", "3"),
        // overnightprints rounds up.
        ("ceil", "1.01", "2"),
        // NASCAR rewards: .49 down, .50 up.
        ("half_up", "10.49", "10"), ("half_up", "10.50", "11"),
        // New Zealand: a half may be dropped; statistics: to even.
        ("half_down", "2.50", "2"), ("half_even", "2.50", "2"), ("half_even", "3.50", "4"),
    ])
    func roundsAsDeclared(mode: String, amount: String, points: String) throws {
        let head = "rounding = { mode = \"\(mode)\" }"
        #expect(try earned(head, "{ points = \"1\", per = \"1.00\" }", [amount]) == points)
    }

    @Test func othersByTheirTerms() throws {
        // Walgreens: 10 points per 1.00. My Nintendo: 5 % in points of a cent, 59.99 gives 300.
        #expect(try earned("", "{ points = \"10\", per = \"1.00\" }", ["12.34"]) == "123")
        let nearest = "rounding = { mode = \"half_up\" }"
        #expect(try earned(nearest, "{ points = \"5\", per = \"1.00\" }", ["59.99"]) == "300")
        // Starbucks: 2 stars per 1.00, fractions exist.
        let stars = "currency = { stars = { decimals = 2 } }\nrounding = { mode = \"none\" }"
        #expect(try earned(stars, "{ points = \"2\", per = \"1.00\" }", ["4.65"]) == "9.30")
        // The Body Shop South Africa: 1 point per 10 rand.
        #expect(try earned("", "{ points = \"1\", per = \"10\" }", ["259.90"], currency: "ZAR") == "25")
        // A currency without minor units: 1 point per 100 yen.
        #expect(try earned("", "{ points = \"1\", per = \"100\" }", ["1980"], currency: "JPY") == "19")
    }

    @Test func unitScopeRoundsEachPiece() throws {
        // Antavo "per piece": 3 pieces of 1.50 give 1 each; the line of 4.50 gives 4.
        let line = try Sample.line("1", "4.50", quantity: "3")
        #expect(try Sample.base("rounding = { scope = \"unit\" }").earn(Sample.sale([line])).total == "3")
        #expect(try Sample.base("rounding = { scope = \"line\" }").earn(Sample.sale([line])).total == "4")
        // A weight is one piece.
        let apples = try Sample.line("1", "4.50", .weighted, quantity: "0.127")
        #expect(try Sample.base("rounding = { scope = \"unit\" }").earn(Sample.sale([apples])).total == "4")
    }

    @Test(arguments: [("before_multipliers", "2"), ("after_multipliers", "3")])
    func roundsBeforeOrAfterMultipliers(when: String, points: String) throws {
        // Punchh: 1.50 doubled is 1 doubled, or 3.
        let program = try Sample.base(
            "rounding = { when = \"\(when)\" }",
            "[[earn]]\nid = \"double\"\nkind = \"multiplier\"\nfactor = \"2\"\n"
        )
        #expect(try program.earn(Sample.sale([Sample.line("1", "1.50")])).total == points)
    }

    @Test func ruleScopeRoundsEachRule() throws {
        // Two rules of 0.6 points each: 0 + 0 by rule, 1 for the basket.
        let rules = """
            [[earn]]
            id = "a"
            amount = { points = "0.6", per = "1.00" }
            [[earn]]
            id = "b"
            amount = { points = "0.6", per = "1.00" }
            """
        let sale = try Sample.sale([Sample.line("1", "1.00")])
        #expect(try Sample.program("rounding = { scope = \"rule\" }", rules).earn(sale).total == "0")
        #expect(try Sample.program("", rules).earn(sale).total == "1")
    }
}
