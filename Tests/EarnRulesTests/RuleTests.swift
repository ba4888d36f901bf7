import EarnRules
import LoyaltyModel
import Testing

@Suite struct Rules {
    private let double = "[[earn]]\nid = \"double\"\nkind = \"multiplier\"\nfactor = \"2\"\n"
    private let triple = "[[earn]]\nid = \"triple\"\nkind = \"multiplier\"\nfactor = \"3\"\n"

    // MARK: Lines

    @Test func excludesByClassCategoryAndProduct() throws {
        let program = try Sample.base(
            "",
            "exclude = { category = [\"tobacco\"], sku = [\"05000000000017\", \"A-7\"] }"
        )
        let lines = try [
            Sample.line("beans", "1.00", department: ["grocery", "tins"]),
            Sample.line("cigars", "9.00", department: ["kiosk", "tobacco", "cigars"]),
            Sample.line("lighter", "2.00", department: ["kiosk"]) {
                $0.code = ProductCode(value: "5000000000017", scheme: .gtin)
            },
            Sample.line("own", "3.00") { $0.code = ProductCode(value: "A-7", scheme: .internal) },
            Sample.line("other", "4.00") { $0.code = ProductCode(value: "A-8", scheme: .internal) },
        ]
        let result = try program.earn(Sample.sale(lines))
        #expect(result.shares == ["beans": "1", "other": "4"])
        #expect(result.step("base")?.lines[1].excluded == "its category does not earn")
    }

    @Test func matchKeepsARuleToSomeLines() throws {
        let program = try Sample.base("", "match = { category = [\"bakery\"] }")
        let lines = try [Sample.line("1", "4.00", department: ["food", "bakery"]), Sample.line("2", "9.00")]
        #expect(try program.earn(Sample.sale(lines)).shares == ["1": "4"])
    }

    @Test func aClassThatIsMatchedByNameIsNotExcludedByDefault() throws {
        let program = try Sample.base("", "match = { class = [\"fee\"] }")
        let lines = try [Sample.line("bag", "4.00", .fee), Sample.line("card", "9.00", .giftCard)]
        #expect(try program.earn(Sample.sale(lines)).shares == ["bag": "4"])
    }

    @Test func storesAndChannels() throws {
        let program = try Sample.base("", "store = [\"300\"]\nchannel = [\"online\"]")
        let lines = try [Sample.line("1", "4.00")]
        #expect(try program.earn(Sample.sale(lines)).total == "0")
        #expect(try program.earn(Sample.sale(lines) { $0.channel = "online" }).total == "4")
        let elsewhere = try Sample.sale(lines) {
            $0.channel = "online"; $0.store = "7"
        }
        #expect(try program.earn(elsewhere).step("base")?.reason == "it does not run in store 7")
    }

    // MARK: Time

    @Test(arguments: [
        // London is on UTC in January and an hour ahead in July.
        ("2027-01-04T15:00:00Z", true), ("2027-01-05T17:59:59Z", true), ("2027-01-05T18:00:00Z", false),
        ("2027-01-04T14:59:59Z", false), ("2027-01-06T16:00:00Z", false), ("2027-01-03T16:00:00Z", false),
        ("2027-07-05T14:00:00Z", true), ("2027-07-05T17:00:00Z", false), ("2027-07-05T16:30:00+01:00", true),
        ("2027-08-02T15:00:00Z", false), ("2026-12-28T16:00:00Z", false),
    ])
    func runsInItsWindow(time: String, runs: Bool) throws {
        let window = """
            window = { from = 2027-01-01, to = 2027-07-31, days = ["mon", "tue"], hours = "15:00-18:00" }
            """
        let program = try Sample.base("zone = \"Europe/London\"", window)
        let result = try program.earn(Sample.sale([Sample.line("1", "4.00")]), at: time)
        #expect(result.total == (runs ? "4" : "0"))
        #expect(result.step("base")?.matched == runs)
    }

    @Test(arguments: [
        // A Friday night from 22:00 to 02:00 holds on Saturday at 01:00, not on Friday at 01:00.
        ("2027-01-08T22:00:00Z", true), ("2027-01-09T01:59:00Z", true), ("2027-01-09T02:00:00Z", false),
        ("2027-01-08T01:00:00Z", false), ("2027-01-09T22:30:00Z", false),
    ])
    func nightHoursBelongToTheDayTheyBegan(time: String, runs: Bool) throws {
        let program = try Sample.base("zone = \"UTC\"", "window = { days = [\"fri\"], hours = \"22:00-02:00\" }")
        #expect(try program.earn(Sample.sale([Sample.line("1", "4.00")]), at: time).total == (runs ? "4" : "0"))
    }

    @Test func aWindowHasItsOwnZoneOrTheTills() throws {
        let sale = try Sample.sale([Sample.line("1", "4.00")])
        let newYork = try Sample.base("", "window = { hours = \"11:00-12:00\", zone = \"America/New_York\" }")
        #expect(try newYork.earn(sale, at: "2027-01-05T16:30:00Z").total == "4")
        let tills = try Sample.base("", "window = { hours = \"11:00-12:00\" }")
        #expect(try tills.earn(sale, at: "2027-01-05T11:30:00+05:30").total == "4")
        #expect(try tills.earn(sale, at: "2027-01-05T11:30:00Z").total == "4")
        #expect(try tills.earn(sale, at: "2027-01-05T16:30:00Z").total == "0")
    }

    @Test func anInstantEndsAWindowEverywhereAtOnce() throws {
        // Starwood and Uber ended on 17 December at 23:59 EST.
        let program = try Sample.base("", "window = { to = 2017-12-17T23:59:00-05:00, clock = \"event\" }")
        let sale = try Sample.sale([Sample.line("1", "4.00")])
        #expect(try program.earn(sale, at: "2017-12-18T04:59:00Z").total == "4")
        #expect(try program.earn(sale, at: "2017-12-18T04:59:01Z").total == "0")
    }

    // MARK: Member

    @Test func memberConditions() throws {
        let sale = try Sample.sale([Sample.line("1", "4.00")])
        func earns(_ condition: String, _ member: Member?) throws -> Bool {
            try Sample.base("", "member = \(condition)").earn(sale, member: member).total == "4"
        }
        let gold = Sample.member { $0.tier = "gold" }
        #expect(try earns("{ tier = [\"gold\", \"black\"] }", gold))
        #expect(try !earns("{ tier = [\"silver\"] }", gold))
        #expect(try !earns("{ tier = [\"gold\"] }", nil))
        let staff = Sample.member { $0.segments = ["employee", "north"] }
        #expect(try earns("{ segment = [\"north\"] }", staff))
        #expect(try !earns("{ exclude_segment = [\"employee\"] }", staff))
        #expect(try earns("{ exclude_segment = [\"employee\"] }", gold))
        #expect(try earns("{ exclude_segment = [\"employee\"] }", nil))
        let paid = try Sample.member {
            $0.entitlements = [
                Member.Entitlement(
                    name: "prime", from: try CalendarDate("2027-01-05"), to: try CalendarDate("2027-01-05"))
            ]
        }
        #expect(try earns("{ entitlement = [\"prime\"] }", paid))
        let late = try Sample.base("", "member = { entitlement = [\"prime\"] }")
            .earn(sale, at: "2027-01-06T00:00:00Z", member: paid)
        #expect(late.total == "0")
        let born = try Sample.member { $0.birthday = try MonthDay("01-31") }
        #expect(try earns("{ birthday_month = true }", born))
        #expect(try !earns("{ birthday_month = true }", Sample.member { $0.birthday = try MonthDay("02-01") }))
        #expect(try !earns("{ birthday_month = true }", gold))
    }

    // MARK: Multipliers

    @Test(arguments: [("add_bonus", "40"), ("multiply", "60"), ("best_of", "30")])
    func factorsJoinAsDeclared(combine: String, points: String) throws {
        // 10 points; 2 and 3 give 4, 6 or 3.
        let join = "combine = \"\(combine)\"\n"
        let program = try Sample.base("", double + join + triple + join)
        #expect(try program.earn(Sample.sale([Sample.line("1", "10.00")])).total == points)
    }

    @Test func theBestOfOneStandsAgainstTheOthersJoined() throws {
        let sale = try Sample.sale([Sample.line("1", "10.00")])
        let half = "[[earn]]\nid = \"half\"\nkind = \"multiplier\"\nfactor = \"1.5\"\n"
        // 1.5 and 2 add to 2.5, and 3 is more; with 2 twice they are 3.5.
        #expect(try Sample.base("", double + half + triple + "combine = \"best_of\"\n").earn(sale).total == "30")
        let more = double + double.replacing("\"double\"", with: "\"again\"") + half
        #expect(try Sample.base("", more + triple + "combine = \"best_of\"\n").earn(sale).total == "35")
    }

    @Test func aGroupLetsTheBestCount() throws {
        let group = "stack = { group = \"events\", mode = \"best_of\" }\n"
        let program = try Sample.base("", double + group + triple + group)
        let result = try program.earn(Sample.sale([Sample.line("1", "10.00")]))
        #expect(result.total == "30")
        #expect(result.step("double")?.matched == false)
        let exclusive = { (priority: Int) in
            "stack = { group = \"events\", mode = \"exclusive\", priority = \(priority) }\n"
        }
        let first = try Sample.base("", double + exclusive(2) + triple + exclusive(1))
        #expect(try first.earn(Sample.sale([Sample.line("1", "10.00")])).total == "20")
    }

    @Test func groupsChooseForEachLine() throws {
        // Bread is in the happy hour (2), the rest only in the event (1.5).
        let group = "stack = { group = \"events\" }\n"
        let bread = double + "match = { category = [\"bakery\"] }\n" + group
        let event = "[[earn]]\nid = \"event\"\nkind = \"multiplier\"\nfactor = \"1.5\"\n" + group
        let lines = try [Sample.line("bread", "10.00", department: ["bakery"]), Sample.line("jam", "10.00")]
        let result = try Sample.base("", bread + event).earn(Sample.sale(lines))
        #expect(result.shares == ["bread": "20", "jam": "15"])
    }

    @Test func ratesOfAGroupChooseForEachLine() throws {
        // 2 per 1.00 on the own brand instead of 1, not on top.
        let group = "stack = { group = \"rate\" }\n"
        let own = """
            [[earn]]
            id = "own-brand"
            amount = { points = "2", per = "1.00" }
            match = { category = ["own"] }

            """
        let lines = try [Sample.line("a", "10.00", department: ["own"]), Sample.line("b", "10.00")]
        let sale = try Sample.sale(lines)
        let instead = try Sample.base("", group + own + group).earn(sale)
        #expect(instead.shares == ["a": "20", "b": "10"])
        #expect(instead.step("base")?.lines.first?.excluded == "\"own-brand\" counts instead")
        #expect(try Sample.base("", own).earn(sale).shares == ["a": "30", "b": "10"])
    }

    @Test func exactFactorsNeverPassThroughBinaryFractions() throws {
        // 0.1 + 0.2 style traps: 1.10 at 3 per 0.11 is exactly 30; a double gives 29.999… and floor 29.
        let program = try Sample.program("", "[[earn]]\nid = \"b\"\namount = { points = \"3\", per = \"0.11\" }\n")
        #expect(try program.earn(Sample.sale([Sample.line("1", "1.10")])).total == "30")
        // 4.35 * 100 is 434.99999999999994 in binary.
        let hundred = try Sample.program("", "[[earn]]\nid = \"b\"\namount = { points = \"100\", per = \"1\" }\n")
        #expect(try hundred.earn(Sample.sale([Sample.line("1", "4.35")])).total == "435")
    }

    // MARK: Bonuses

    private let bonus = """
        [[earn]]
        id = "spend-50"
        kind = "bonus"
        points = "500"
        when = { basket_at_least = "50.00" }
        limit = { times = 1, per = "sale" }

        """

    @Test(arguments: [("49.99", "49"), ("50.00", "550"), ("100.00", "600")])
    func aThresholdGivesItsBonusOnce(amount: String, points: String) throws {
        #expect(try Sample.base("", bonus).earn(Sample.sale([Sample.line("1", amount)])).total == points)
    }

    @Test func aBonusIsSharedOverItsLines() throws {
        // 500 over 30.00, 20.00 and 10.00: 250, 166.67, 83.33. Base: 30, 20, 10.
        let lines = try [Sample.line("a", "30.00"), Sample.line("b", "20.00"), Sample.line("c", "10.00")]
        let result = try Sample.base("", bonus).earn(Sample.sale(lines))
        #expect(result.shares == ["a": "280", "b": "187", "c": "93"])
        #expect(result.total == "560")
    }

    @Test func aThresholdMayLookAtAnotherBasis() throws {
        // 52.00 of goods less a coupon of 5.00: 47.00 paid, and 52.00 before coupons.
        let lines = try [Sample.line("1", "52.00"), Sample.line("2", "-5.00", .coupon)]
        #expect(try Sample.base("", bonus).earn(Sample.sale(lines)).total == "47")
        let gross = bonus.replacing("\"50.00\"", with: "\"50.00\", basis = { coupons = \"gross\" }")
        #expect(try Sample.base("", gross).earn(Sample.sale(lines)).total == "547")
    }

    @Test func aThresholdRate() throws {
        // Nordstrom's event: 10 per 1.00 from 150.00.
        let program = try Sample.program(
            "",
            "[[earn]]\nid = \"e\"\namount = { points = \"10\", per = \"1.00\" }\nwhen = { basket_at_least = \"150.00\" }"
        )
        #expect(try program.earn(Sample.sale([Sample.line("1", "150.00")])).total == "1500")
        let below = try program.earn(Sample.sale([Sample.line("1", "149.99")]))
        #expect(below.total == "0")
        #expect(below.step("e")?.reason == "the lines that count come to 149.99; 150.00 is needed")
    }

    @Test func bonusesAreNotMultipliedNorRounded() throws {
        let program = try Sample.base("", bonus + double)
        #expect(try program.earn(Sample.sale([Sample.line("1", "50.00")])).total == "600")
    }

    // MARK: Qualifying, currencies

    @Test func qualifyingPointsAreCountedApart() throws {
        // 50.00: 50 base, gold adds 12.5, the event doubles (50 more, does not count), 500 bonus (does not count).
        let program = try Sample.base(
            "",
            """
            [[earn]]
            id = "gold"
            kind = "multiplier"
            factor = "1.25"
            [[earn]]
            id = "event"
            kind = "multiplier"
            factor = "2"
            qualifying = false

            """ + bonus + "qualifying = false\n"
        )
        let accrual = try #require(try program.earn(Sample.sale([Sample.line("1", "50.00")])).accruals.first)
        #expect("\(accrual.total)" == "612")
        #expect("\(accrual.qualifying)" == "62")
    }

    @Test func severalCurrencies() throws {
        let program = try Sample.base(
            "currency = { points = { decimals = 0 }, stars = { decimals = 2 } }",
            "[[earn]]\nid = \"s\"\ncurrency = \"stars\"\namount = { points = \"0.333\", per = \"1.00\" }"
        )
        #expect(program.primaryCurrency == "points")
        #expect(program.currencies == ["points": 0, "stars": 2])
        let accruals = try program.earn(Sample.sale([Sample.line("1", "10.99")])).accruals
        // 10.99 * 0.333 = 3.65967
        #expect(accruals.map { "\($0.currency) \($0.total)" } == ["points 10", "stars 3.65"])
    }

    // MARK: Explanation

    @Test func tellsWhatEveryRuleDid() throws {
        let program = try Sample.base("", double + "member = { tier = [\"gold\"] }\n" + bonus)
        let result = try program.earn(Sample.sale([Sample.line("1", "42.10")]), member: Sample.member())
        #expect(result.trace.map(\.rule) == ["basket", "base", "double", "spend-50", "total"])
        #expect(result.trace.map(\.matched) == [true, true, false, false, true])
        #expect(result.step("base")?.reason == "1 per 1.00 on 42.10 gives 42.1 points")
        #expect(result.step("base")?.lines.first?.points == "42.1")
        #expect(result.step("double")?.reason == "it is for tier gold; the member has no tier")
        #expect(
            result.step("total")?.reason
                == "42.1 points by rates and multipliers, rounded down once for the basket to 42")
        #expect(result.step("total")?.points == "42")
    }
}
