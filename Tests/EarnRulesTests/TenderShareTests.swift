import EarnRules
import LoyaltyModel
import Testing

/// What multipliers do in a sale that was paid in several ways.
@Suite struct TenderShares {
    private let double = "[[earn]]\nid = \"double\"\nkind = \"multiplier\"\nfactor = \"2\"\n"
    private let triple = "[[earn]]\nid = \"triple\"\nkind = \"multiplier\"\nfactor = \"3\"\n"

    private func sale(_ total: String, card: String, rest: String, _ kind: Tender.Kind = .cash) throws -> Sale {
        try Sample.sale([Sample.line("1", total)]) {
            var store = try Sample.tender(.card, card)
            store.name = "store_card"
            $0.tenders = [store, try Sample.tender(kind, rest)]
        }
    }

    @Test(arguments: [
        // 100 points, and one more for the 1.00 that the card paid.
        ("prorate", "101"), ("any", "200"), ("whole", "100"),
    ])
    func aMultiplierCountsThePartPaidWithItsCard(mixed: String, points: String) throws {
        let tender = "tender = { named = [\"store_card\"], mixed = \"\(mixed)\" }\n"
        let result = try Sample.base("", double + tender).earn(sale("100.00", card: "1.00", rest: "99.00"))
        #expect(result.total == points)
    }

    @Test func whatAnExcludedTenderPaidIsNotMultiplied() throws {
        // 100, and once more for the 60.00 that no gift card paid.
        let program = try Sample.base("", double + "exclude_tender = [\"gift_card\"]\n")
        #expect(try program.earn(sale("100.00", card: "60.00", rest: "40.00", .giftCard)).total == "160")
    }

    @Test func pointsThatARateHasForTheSameMoneyAreMultipliedWhole() throws {
        // Only 60.00 earn, and all of them twice.
        let out = "exclude_tender = [\"gift_card\"]\n"
        let program = try Sample.base("", out + double + out)
        #expect(try program.earn(sale("100.00", card: "60.00", rest: "40.00", .giftCard)).total == "120")
    }

    @Test func everyPartHasTheMultipliersThatCountIt() throws {
        let card = "tender = { named = [\"store_card\"] }\ncombine = \"best_of\"\n"
        let cash = "tender = { only = [\"cash\"] }\ncombine = \"best_of\"\n"
        // 60 twice and 40 three times; then 60 twice and all of it three times, of which the better counts.
        let apart = try Sample.base("", double + card + triple + cash)
        #expect(try apart.earn(sale("100.00", card: "60.00", rest: "40.00")).total == "240")
        let within = try Sample.base("", double + card + triple + "combine = \"best_of\"\n")
        #expect(try within.earn(sale("100.00", card: "60.00", rest: "40.00")).total == "300")
        // Of one group the better one counts where both do: 60 three times, 40 twice.
        let stack = "stack = { group = \"g\", mode = \"best_of\" }\n"
        let group = try Sample.base("", double + stack + triple + stack + "tender = { named = [\"store_card\"] }\n")
        #expect(try group.earn(sale("100.00", card: "60.00", rest: "40.00")).total == "260")
    }

    /// Half of the sale is in each part: what one multiplier gives the cash takes no room from what another gives the card.
    @Test func aLimitForEachUnitOfMoneyLooksAtThePartThatItsMultiplierCounts() throws {
        let cash = "tender = { only = [\"cash\"] }\n"
        let ten = """
            [[earn]]
            id = "ten"
            kind = "multiplier"
            factor = "10"
            tender = { named = ["store_card"] }
            cap = { points_per_unit = "10" }
            """
        // 50 twice, and ten times 50.
        let program = try Sample.base("", double + cash + ten)
        #expect(try program.earn(sale("100.00", card: "50.00", rest: "50.00")).total == "600")
    }

    /// 42.10, of which a gift card paid 20.00, and a note of 50.00 with the change in a row of its own, or untold.
    @Test(arguments: [[], ["-27.90"], ["-20.00", "-7.90"]])
    func whatIsGivenBackPaidForNothing(change: [String]) throws {
        let sale = try Sample.sale([Sample.line("1", "42.10")]) {
            $0.tenders = [try Sample.tender(.giftCard, "20.00"), try Sample.tender(.cash, "50.00")]
            for amount in change { $0.tenders.append(try Sample.tender(.cash, amount)) }
        }
        // 42.10, and once more for 22.10.
        let program = try Sample.base("", double + "exclude_tender = [\"gift_card\"]\n")
        #expect(try program.earn(sale).total == "64")
        let cash = try Sample.base("", "tender = { only = [\"cash\"] }\n")
        #expect(try cash.earn(sale).total == "22")
        #expect(try Sample.base("", "exclude_tender = [\"cash\"]\n").earn(sale).total == "20")
    }

    // MARK: Long sales

    /// Lines of odd prices, paid with a store card, a gift card and cash.
    private func sale(lines count: Int) throws -> (sale: Sale, total: Int64, card: Int64, gift: Int64) {
        var generator = Generator(seed: 7)
        let prices = (0..<count).map { _ in Int64.random(in: 50...2_500, using: &generator) }
        let total = prices.reduce(0, +)
        let (card, gift) = (total * 37 / 101, total * 23 / 103)
        let currency = try Sample.currency()
        var lines: [SaleLine] = []
        for (index, price) in prices.enumerated() {
            lines.append(
                try Sample.line("\(index)", "\(Money(minorUnits: price, currency).amountText)") {
                    $0.department = [index % 3 == 0 ? "a" : "b"]
                })
        }
        let sale = try Sample.sale(lines) {
            var store = Tender(kind: .card, amount: Money(minorUnits: card, currency))
            store.name = "store_card"
            $0.tenders = [
                store, Tender(kind: .giftCard, amount: Money(minorUnits: gift, currency)),
                Tender(kind: .cash, amount: Money(minorUnits: total - card - gift, currency)),
            ]
        }
        return (sale, total, card, gift)
    }

    private let noGiftCard = """
        [[earn]]
        id = "no_gift_card"
        amount = { points = "1", per = "1.00" }
        exclude_tender = ["gift_card"]

        """

    @Test(arguments: [1, 15, 200, 1_000])
    func aLongSaleIsMultipliedExactly(count: Int) throws {
        let (sale, total, card, gift) = try sale(lines: count)
        let program = try Sample.base(
            "rounding = { scope = \"rule\" }", noGiftCard + double + "tender = { named = [\"store_card\"] }\n")
        // Each rate has what the card paid twice: of all money, and of what no gift card paid.
        let expected = (total + card) / 100 + (total - gift + card) / 100
        #expect(try program.earn(sale).total == "\(expected)")
    }

    /// No sale is refused because sums of its fractions cannot be held, whatever rules come together.
    @Test(arguments: ["unit", "line", "rule", "basket"], ["before_multipliers", "after_multipliers"])
    func noLongSaleIsTooMuchToCount(scope: String, when: String) throws {
        let rules =
            noGiftCard + """
                [[earn]]
                id = "capped"
                amount = { points = "3", per = "0.70", step = "whole" }
                exclude_tender = ["cash"]
                match = { category = ["a"] }
                cap = { points = "301", per = "day" }
                [[earn]]
                id = "goods"
                amount = { percent = "3.7" }
                qualifying = false
                cap = [{ spend = "777.77", per = "month" }, { points_per_unit = "0.03" }]
                [[earn]]
                id = "visit"
                amount = { points = "7", per_visit = true }
                [[earn]]
                id = "card"
                kind = "multiplier"
                factor = "1.37"
                tender = { named = ["store_card"] }
                cap = { points = "97", per = "week" }
                [[earn]]
                id = "cash"
                kind = "multiplier"
                factor = "2.3"
                combine = "multiply"
                qualifying = false
                tender = { exclude = ["gift_card"] }
                cap = [{ spend = "333.33", per = "month" }, { points_per_unit = "2.9" }]
                [[earn]]
                id = "odd"
                kind = "multiplier"
                factor = "1.11"
                match = { category = ["b"] }
                [[earn]]
                id = "bonus"
                kind = "bonus"
                points = "13"
                when = { basket_at_least = "3", basis = { tax = "exclude" } }
                repeat = true
                """
        let thirds = """

            [[earn]]
            id = "third"
            currency = "stars"
            amount = { points = "1", per = "3.00" }
            [[earn]]
            id = "treble"
            currency = "stars"
            kind = "multiplier"
            factor = "3"
            """
        for (mode, half) in [("half_up", true), ("floor", false)] {
            let program = try Sample.program(
                "rounding = { scope = \"\(scope)\", when = \"\(when)\", mode = \"\(mode)\" }",
                """
                [currency.points]
                [currency.stars]
                [[earn]]
                id = "base"
                amount = { points = "1", per = "1.00" }

                """ + rules + thirds)
            for count in [10, 200, 1_000] {
                let sale = try sale(lines: count).sale
                let accruals = try program.earn(sale).accruals
                #expect(accruals.first { $0.currency == "points" }.map { $0.total.units > 0 } ?? false)
                // Three thirds of a point for each pound, rounded by line or in all, before or after they are three.
                let prices = sale.lines.map(\.amount.minorUnits)
                let sums = ["unit", "line"].contains(scope) ? prices : [prices.reduce(0, +)]
                let stars = sums.map { sum -> Int64 in
                    let per: Int64 = when == "before_multipliers" ? 300 : 100
                    return (sum + (half ? per / 2 : 0)) / per * (when == "before_multipliers" ? 3 : 1)
                }
                #expect(
                    accruals.first { $0.currency == "stars" }?.total == Points(units: stars.reduce(0, +), decimals: 0))
            }
        }
    }
}
