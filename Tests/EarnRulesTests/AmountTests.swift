import EarnRules
import LoyaltyModel
import Testing

@Suite struct Amounts {
    private func rate(_ amount: String, _ more: String = "", head: String = "") throws -> Program {
        try Sample.program(head, "[[earn]]\nid = \"r\"\namount = \(amount)\n\(more)")
    }

    @Test func perUnitInWholeSteps() throws {
        // 5 points for every 3 units: 2 + 5 units are 7, two steps.
        let program = try rate("{ points = \"5\", per_units = \"3\" }")
        let lines = try [Sample.line("a", "4.00", quantity: "2"), Sample.line("b", "9.00", quantity: "5")]
        let result = try program.earn(Sample.sale(lines))
        #expect(result.total == "10")
        // Shared by units: 10 * 2/7 = 2.86, 10 * 5/7 = 7.14.
        #expect(result.shares == ["a": "3", "b": "7"])
    }

    @Test func aFreeLineIsNoUnit() throws {
        let program = try rate("{ points = \"5\", per_units = \"1\" }")
        let lines = try [Sample.line("a", "4.00", quantity: "2"), Sample.line("gift", "0.00", quantity: "3")]
        #expect(try program.earn(Sample.sale(lines)).total == "10")
    }

    @Test func perLitreCountsTheQuantity() throws {
        // 41.37 l at 1 per 2 l: 20.685.
        let program = try rate("{ points = \"1\", per_units = \"2\", unit = \"l\" }")
        let fuel = try Sample.line("f", "62.00", .fuel, quantity: "41.37") { $0.unitOfMeasure = "l" }
        #expect(try program.earn(Sample.sale([fuel, Sample.line("w", "2.00", quantity: "7")])).total == "20")
    }

    @Test func perVisitIsOncePerSale() throws {
        let program = try rate("{ points = \"10\", per_visit = true }", "when = { basket_at_least = \"10.00\" }")
        let lines = try [Sample.line("a", "6.00"), Sample.line("b", "6.00")]
        #expect(try program.earn(Sample.sale(lines)).total == "10")
        #expect(try program.earn(Sample.sale([Sample.line("a", "9.99")])).total == "0")
    }

    @Test func percentInMoney() throws {
        // Dell Rewards: 3 % before tax and shipping. 3 % of 1,234.56 is 37.0368.
        let head = "currency = { cash = { money = \"GBP\" } }\nrounding = { mode = \"half_up\" }"
        let program = try rate("{ percent = \"3\" }", head: head)
        #expect(try program.earn(Sample.sale([Sample.line("pc", "1234.56")])).total == "37.04")
        // Cash in pounds is no part of a sale in euros.
        let euros = try Sample.sale([Sample.line("pc", "100.00", currency: "EUR")], currency: "EUR")
        let result = try program.earn(euros)
        #expect(result.total == "0")
        #expect(result.step("r")?.reason == "cash are GBP; the sale is in EUR")
    }

    @Test func listPriceInsteadOfPaidPrice() throws {
        // My Nintendo: 1 % of the undiscounted list price of physical games; 59.99 sold for 39.99 still gives 60 points.
        let program = try rate(
            "{ points = \"1\", per = \"1.00\" }", "basis = { price = \"list\" }",
            head: "rounding = { mode = \"half_up\" }")
        let game = try Sample.line("g", "39.99") { $0.listPrice = try DecimalNumber("59.99") }
        #expect(try program.earn(Sample.sale([game])).total == "60")
        // Without a list price the price before discounts would need gross; what was paid counts.
        #expect(try program.earn(Sample.sale([Sample.line("g", "39.99")])).total == "40")
    }

    @Test func onlyQuantityLinesCountForUnits() throws {
        let line = try Sample.line("a", "4.00", quantity: "3") { $0.earn = .onlyQuantity }
        #expect(try rate("{ points = \"2\", per_units = \"1\" }").earn(Sample.sale([line])).total == "6")
        #expect(try rate("{ points = \"1\", per = \"1.00\" }").earn(Sample.sale([line])).total == "0")
    }

    // MARK: Products

    @Test func brandsAndTags() throws {
        let tag = "[[tag]]\nid = \"hot\"\ncategory = [\"drinks/hot\"]\nsku = [\"A-1\"]\n"
        let program = try Sample.program(
            "",
            tag + "[[earn]]\nid = \"r\"\namount = { points = \"1\", per = \"1.00\" }\nmatch = { tag = [\"hot\"] }\n"
                + "exclude = { brand = [\"Bean\"] }")
        let lines = try [
            Sample.line("tea", "1.00", department: ["food", "drinks", "hot"]),
            Sample.line("juice", "2.00", department: ["food", "drinks", "cold"]),
            Sample.line("sku", "4.00") { $0.code = ProductCode(value: "A-1", scheme: .sku) },
            Sample.line("said", "8.00") { $0.tags = ["new", "hot"] },
            Sample.line("brand", "16.00") { ($0.tags, $0.brand) = (["hot"], "Bean") },
        ]
        #expect(try program.earn(Sample.sale(lines)).shares == ["tea": "1", "sku": "4", "said": "8"])
    }

    // MARK: Tenders

    private let card = "exclude = { class = [] }\ntender = { named = [\"store_card\"]"

    @Test(arguments: [("prorate", "30"), ("any", "40"), ("whole", "0")])
    func aStoreCardCountsAsDeclared(mixed: String, points: String) throws {
        // 40.00, of which 30.00 with the store card.
        let program = try rate("{ points = \"1\", per = \"1.00\" }", card + ", mixed = \"\(mixed)\" }")
        let sale = try Sample.sale([Sample.line("a", "40.00")]) {
            var named = try Sample.tender(.card, "30.00")
            named.name = "store_card"
            $0.tenders = [named, try Sample.tender(.card, "10.00")]
        }
        #expect(try program.earn(sale).total == points)
    }

    @Test func starbucksProratesTheStoredValueCard() throws {
        // 2 stars per 1.00 on the stored-value card, 1 on other tenders: 6.00 + 4.00 are 16 stars.
        let program = try Sample.program(
            "currency = { stars = { decimals = 2 } }\nrounding = { mode = \"none\" }",
            """
            [[earn]]
            id = "card"
            amount = { points = "2", per = "1.00" }
            tender = { only = ["gift_card"] }
            [[earn]]
            id = "other"
            amount = { points = "1", per = "1.00" }
            exclude_tender = ["gift_card"]
            """)
        let sale = try Sample.sale([Sample.line("a", "10.00")]) {
            $0.tenders = [try Sample.tender(.giftCard, "6.00"), try Sample.tender(.cash, "5.00", change: "1.00")]
        }
        #expect(try program.earn(sale).total == "16.00")
    }

    // MARK: Thresholds

    @Test func aBonusForEachFull10() throws {
        let program = try Sample.program(
            "",
            "[[earn]]\nid = \"b\"\nkind = \"bonus\"\npoints = \"7\"\nrepeat = true\nwhen = { basket_at_least = \"10.00\" }\nlimit = { times = 3 }"
        )
        #expect(try program.earn(Sample.sale([Sample.line("a", "29.99")])).total == "14")
        let result = try program.earn(Sample.sale([Sample.line("a", "95.00")]))
        #expect(result.total == "21")
        #expect(result.step("b")?.wanted == "63")
    }

    @Test func threeForABonus() throws {
        let program = try Sample.program(
            "",
            "[[earn]]\nid = \"b\"\nkind = \"bonus\"\npoints = \"50\"\nrepeat = true\nwhen = { units_at_least = \"3\" }\n"
                + "limit = { times = 9 }\nmatch = { category = [\"snacks\"] }")
        let lines = try [
            Sample.line("a", "6.00", quantity: "7", department: ["snacks"]), Sample.line("b", "1.00", quantity: "9"),
        ]
        #expect(try program.earn(Sample.sale(lines)).total == "100")
    }

    @Test func belowAndOfTheBasket() throws {
        let program = try Sample.base(
            "",
            "match = { category = [\"a\"] }\nwhen = { basket_at_least = \"20\", basket_below = \"50\", of = \"basket\" }"
        )
        func earned(_ first: String, _ second: String) throws -> String {
            let lines = try [Sample.line("1", first, department: ["a"]), Sample.line("2", second)]
            return try program.earn(Sample.sale(lines)).total
        }
        #expect(try earned("5.00", "15.00") == "5")
        #expect(try earned("5.00", "14.99") == "0")
        #expect(try earned("5.00", "45.00") == "0")
    }
}
