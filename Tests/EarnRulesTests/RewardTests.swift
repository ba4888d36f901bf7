import EarnRules
import LoyaltyModel
import Testing

@Suite struct Rewards {
    private let base = "[[earn]]\nid = \"base\"\namount = { points = \"1\", per = \"1.00\" }\n"

    private func state(_ lots: [(points: Int64, expires: String?)], pending: String? = nil) throws -> MemberState {
        var state = MemberState()
        for (index, lot) in lots.enumerated() {
            let points = Points(units: lot.points, decimals: 0)
            state.lots.append(
                Lot(
                    id: "l\(index + 1)", currency: "points", origin: "o\(index + 1)", program: "00", granted: points,
                    remaining: points, qualifying: points, earned: try CalendarDate("2026-06-01"),
                    pendingUntil: try pending.map { try CalendarDate($0) },
                    expires: try lot.expires.map { try CalendarDate($0) }))
        }
        return state
    }

    private func offered(_ program: Program, _ state: MemberState, basket: String = "100.00") throws -> RewardOffer {
        let input = try program.input(
            Sample.sale([Sample.line("1", basket)]), member: Sample.member(), state: state)
        return try #require(try program.offers(input).first)
    }

    @Test func walgreensTableHasNoStepsBetween() throws {
        // 1,000 = 1 ... 5,000 = 5, 10,000 = 10, 18,000 = 20, 30,000 = 35, 40,000 = 50, the most of one order.
        let table = [(1000, "1"), (5000, "5"), (10_000, "10"), (18_000, "20"), (30_000, "35"), (40_000, "50")]
            .map { "{ points = \"\($0.0)\", money = \"\($0.1)\" }" }.joined(separator: ", ")
        let program = try Sample.program("", "[[reward]]\nid = \"off\"\ntable = [ \(table) ]\n")
        let offer = try offered(program, state([(35_000, nil)]), basket: "25.00")
        #expect(
            offer.steps.map { "\($0.points)=\($0.money?.amountText ?? "")" } == [
                "1000=1.00", "5000=5.00", "10000=10.00", "18000=20.00",
            ])
        var member = try state([(80_000, nil)])
        let input = try program.input(
            Sample.sale([Sample.line("1", "100.00")]), member: Sample.member(), state: member)
        let redemption = try program.redeem(
            "off", points: Points(units: 40_000, decimals: 0), id: "r1", input, state: &member)
        #expect(redemption.spending.money?.amountText == "50.00")
        let wrong = #expect(throws: LoyaltyError.self) {
            try program.redeem("off", points: Points(units: 20_000, decimals: 0), id: "r2", input, state: &member)
        }
        #expect(wrong?.code == .rewardBadStep)
    }

    @Test func dellLeavesFiftyInTheCart() throws {
        let program = try Sample.program(
            "currency = { points = { decimals = 0 } }",
            "[[reward]]\nid = \"off\"\npoints = \"10\"\nmoney = \"10.00\"\nbasket = { leave = \"50.00\" }")
        #expect(try offered(program, state([(200, nil)]), basket: "95.00").steps.last?.money?.amountText == "40.00")
        let none = try offered(program, state([(200, nil)]), basket: "59.99")
        #expect(none.steps.isEmpty)
        #expect(none.reason == "50.00 must be left to pay")
    }

    @Test func neverMoreThanTheBasketIsWorth() throws {
        // 30 points taken for a basket of 20.00 is a defect elsewhere.
        let program = try Sample.program("", "[[reward]]\nid = \"off\"\npoints = \"1\"\nmoney = \"1.00\"\n")
        var member = try state([(30, nil)])
        #expect(try offered(program, member, basket: "20.00").steps.last?.points == Points(units: 20, decimals: 0))
        let input = try program.input(
            Sample.sale([Sample.line("1", "20.00")]), member: Sample.member(), state: member)
        let error = #expect(throws: LoyaltyError.self) {
            try program.redeem("off", points: Points(units: 30, decimals: 0), id: "r", input, state: &member)
        }
        #expect(error?.code == .rewardRefused)
        #expect(member == input.state)
    }

    @Test func halfOfTheBasketThresholdAndMinimum() throws {
        let program = try Sample.program(
            "",
            "[[reward]]\nid = \"off\"\npoints = \"100\"\nmoney = \"1.00\"\nthreshold = \"500\"\nminimum = \"200\"\nbasket = { share = \"50\", exclude = { category = [\"tobacco\"] } }"
        )
        #expect(try offered(program, state([(499, nil)])).reason == "it is offered from a balance of 500; it is 499")
        let offer = try offered(program, state([(2000, nil)]), basket: "9.00")
        #expect(offer.steps.map { "\($0.points)" } == ["200", "300", "400"])
        let smoke = try program.input(
            Sample.sale([Sample.line("1", "9.00", department: ["tobacco"])]), member: Sample.member(),
            state: state([(2000, nil)]))
        #expect(try program.offers(smoke).first?.steps.isEmpty == true)
    }

    @Test func theEarliestToExpireGoFirst() throws {
        let program = try Sample.program("", "[[reward]]\nid = \"off\"\npoints = \"10\"\nmoney = \"1.00\"\n")
        var member = try state([(50, nil), (30, "2027-06-30"), (20, "2027-02-28"), (99, "2027-01-04")])
        let input = try program.input(
            Sample.sale([Sample.line("1", "100.00")]), member: Sample.member(), state: member)
        let redemption = try program.redeem(
            "off", points: Points(units: 60, decimals: 0), id: "r", input, state: &member)
        // The 99 of yesterday are gone.
        #expect(redemption.spending.parts.map { "\($0.lot ?? "") \($0.points)" } == ["l3 20", "l2 30", "l1 10"])
        #expect(redemption.movements.map { "\($0.reason) \($0.points)" }.first == "expired -99")
        let balance = try member.balance(of: "points", decimals: 0, on: CalendarDate("2027-01-05"), floor: .negative)
        #expect("\(balance.available)" == "40")
    }

    @Test func pendingPointsCannotBeSpentYet() throws {
        let program = try Sample.program("", "[[reward]]\nid = \"off\"\npoints = \"10\"\nmoney = \"1.00\"\n")
        #expect(try offered(program, state([(50, nil)], pending: "2027-01-06")).steps.isEmpty)
        #expect(try offered(program, state([(50, nil)], pending: "2027-01-05")).steps.count == 5)
    }

    @Test func overdrawOfflineIsDeclared() throws {
        let reward = "[[reward]]\nid = \"off\"\npoints = \"100\"\nmoney = \"1.00\"\n"
        let closed = try Sample.program("", reward)
        #expect(try offered(closed, state([(50, nil)])).steps.isEmpty)
        let open = try Sample.program("redemption = { overdraw = { points = \"60\" } }", reward + base)
        var member = try state([(50, nil)])
        let input = try open.input(
            Sample.sale([Sample.line("1", "100.00")]), member: Sample.member(), state: member)
        _ = try open.redeem("off", points: Points(units: 100, decimals: 0), id: "r", input, state: &member)
        let day = try CalendarDate("2027-01-05")
        #expect("\(try member.balance(of: "points", decimals: 0, on: day, floor: .negative).available)" == "-50")
        // What is earned next pays it first.
        let result = try open.earn(Sample.sale([Sample.line("1", "80.00")]), member: Sample.member(), state: member)
        _ = try open.credit(result, origin: "s2", on: day, to: &member)
        #expect("\(try member.balance(of: "points", decimals: 0, on: day, floor: .negative).available)" == "30")
        #expect(member.owed.isEmpty)
    }

    @Test func vouchersAreGivenAtAThreshold() throws {
        // H&M: 200 points = 5.00, by itself; the rest stays.
        let program = try Sample.program(
            "",
            "[[reward]]\nid = \"five\"\npoints = \"200\"\nmoney = \"5.00\"\nissue = \"at_once\"\nexpires = { after = \"3 months\" }"
        )
        var member = try state([(430, nil)])
        let day = try CalendarDate("2027-01-05")
        let issued = try program.issueRewards(
            on: day, member: Sample.member(), counters: [:], state: &member
        ).issued
        #expect(issued.map { "\($0.count) \($0.reward) \($0.expires?.description ?? "")" } == ["2 five 2027-04-05"])
        #expect("\(try member.balance(of: "points", decimals: 0, on: day, floor: .clamp).available)" == "30")
    }

    @Test func vouchersAtTheEndOfAPeriod() throws {
        // The Body Shop, South Africa: at the end of each three months above 50 points.
        let program = try Sample.program(
            "",
            "[[reward]]\nid = \"v\"\npoints = \"1\"\nmoney = \"1.00\"\nthreshold = \"50\"\nissue = \"quarter_end\"\n")
        func issued(_ points: Int64, _ day: String) throws -> [Int64] {
            var member = try state([(points, nil)])
            return try program.issueRewards(
                on: CalendarDate(day), member: Sample.member(), counters: [:], state: &member
            ).issued.map(\.count)
        }
        #expect(try issued(60, "2027-03-31") == [60])
        #expect(try issued(49, "2027-03-31").isEmpty)
        #expect(try issued(60, "2027-03-30").isEmpty)
    }

    @Test func whatIsGivenByItselfKeepsToItsLimit() throws {
        func issued(_ limit: String, _ days: [String]) throws -> [Int64] {
            let program = try Sample.program(
                "", "[[reward]]\nid = \"v\"\npoints = \"100\"\nmoney = \"5.00\"\nissue = \"at_once\"\n\(limit)")
            var member = try state([(500, nil)])
            var counters: Counters = [:]
            return try days.map { day in
                let given = try program.issueRewards(
                    on: CalendarDate(day), member: Sample.member(), counters: counters, state: &member)
                try counters.apply(given.counterChanges)
                return given.issued.reduce(0) { $0 + $1.count }
            }
        }
        let days = ["2027-01-05", "2027-01-06", "2027-02-01", "2027-02-01"]
        // One of the 5 that 500 points are the price of in each month; what is held back stays in the balance.
        #expect(try issued("limit = { times = 1, per = \"month\" }", days) == [1, 0, 1, 0])
        #expect(try issued("cap = { points = \"350\", per = \"month\" }", days) == [3, 0, 2, 0])
        #expect(try issued("", days) == [5, 0, 0, 0])
    }

    /// The account lay still since January; the program that brings the reward is new in July.
    @Test(arguments: [("at_once", "1 of 2027-08-04"), ("month_end", "1 of 2027-07-30")])
    func aNewRewardIsNotGivenForMonthsThatArePast(issue: String, rewards: String) throws {
        let program = try Sample.program(
            "",
            """
            [[reward]]
            id = "v"
            points = "100"
            money = "5.00"
            issue = "\(issue)"
            expires = { after = "30 days" }
            limit = { times = 1, per = "month" }
            """)
        var member = try state([(700, nil)])
        var settled: CalendarDate? = try CalendarDate("2027-01-10")
        let passed = try program.advance(
            &member, settled: &settled, to: CalendarDate("2027-07-05"), member: Sample.member()
        ) { _ in [:] }
        #expect(passed.issued.map { "\($0.count) of \($0.expires?.description ?? "")" } == [rewards])
        #expect("\(member.lots[0].remaining)" == "600")
    }

    @Test func whatIsGivenAtOnceWaitsForASaleThatFits() throws {
        let program = try Sample.program(
            "",
            "[[reward]]\nid = \"v\"\npoints = \"100\"\nmoney = \"5.00\"\nissue = \"at_once\"\nstore = [\"300\"]\nwindow = { hours = \"15:00-18:00\" }"
        )
        func issued(_ store: String?, _ time: String) throws -> Int64 {
            var member = try state([(100, nil)])
            var sale = try Sample.sale([Sample.line("1", "1.00")])
            sale.store = store ?? ""
            let after = store == nil ? nil : (sale: sale, time: try Timestamp("2027-01-05T\(time):00Z"))
            return try program.issueRewards(
                on: CalendarDate("2027-01-05"), after: after, member: Sample.member(), counters: [:], state: &member
            ).issued.reduce(0) { $0 + $1.count }
        }
        #expect(try issued("300", "16:00") == 1)
        #expect(try issued("300", "18:00") == 0)
        #expect(try issued("301", "16:00") == 0)
        #expect(try issued(nil, "16:00") == 0)
    }

    @Test(arguments: [
        ("at_once", "minimum = \"200\""), ("at_once", "maximum = \"200\""),
        ("at_once", "basket = { leave = \"1.00\" }"),
        ("at_once", "limit = { times = 1, per = \"rolling_year\" }"), ("month_end", "store = [\"300\"]"),
        ("quarter_end", "channel = [\"web\"]"), ("year_end", "minimum = \"200\""),
        ("month_end", "window = { hours = \"15:00-18:00\" }"), ("by_stamps", "limit = { times = 1 }"),
    ])
    func keysThatNothingLooksAtAreRefused(issue: String, key: String) throws {
        let error = #expect(throws: LoyaltyError.self) {
            try Sample.program(
                "", "[[reward]]\nid = \"v\"\npoints = \"100\"\nmoney = \"5.00\"\nissue = \"\(issue)\"\n\(key)")
        }
        #expect(error?.code == .programConflict)
        #expect(error?.place?.line == 9)
    }

    @Test func blocksEarningWhereDeclared() throws {
        let sale = try Sample.sale([Sample.line("1", "10.00")]) {
            $0.tenders = [try Sample.tender(.points, "4.00"), try Sample.tender(.cash, "6.00")]
        }
        #expect(try Sample.base().earn(sale).total == "10")
        #expect(try Sample.base("redemption = { earning = \"blocked\" }").earn(sale).total == "0")
        #expect(try Sample.base("", "when = { redeeming = false }").earn(sale).total == "0")
    }

    // MARK: Ends

    @Test(arguments: [
        // Starbucks: six months after the end of the earning month, 15 Dec 2020 to 1 Jul 2021 (the last day is 30 June).
        ("{ after = \"6 months\", to = \"month_end\" }", "2020-12-15", "2021-06-30"),
        // My Nintendo gold: 15 Apr 2016 to 30 Apr 2017; platinum to 31 Oct 2016.
        ("{ after = \"12 months\", to = \"month_end\" }", "2016-04-15", "2017-04-30"),
        ("{ after = \"6 months\", to = \"month_end\" }", "2016-04-15", "2016-10-31"),
        // Dell: the 15th of the fourth month after the month earned.
        ("{ after = \"4 months\", day = 15 }", "2027-01-31", "2027-05-15"),
        ("{ on = 2027-12-31 }", "2027-01-05", "2027-12-31"), ("{ to = \"year_end\" }", "2027-01-05", "2027-12-31"),
        ("{ to = \"fiscal_quarter_end\" }", "2027-01-05", "2027-01-31"),
        ("{ to = \"membership_year_end\" }", "2027-01-05", "2027-03-14"),
        ("{ after = \"1 month\" }", "2027-01-31", "2027-02-28"),
        ("{ to = \"quarter_end\" }", "2027-01-05", "2027-03-31"),
        ("{ after = \"2 weeks\", to = \"week_end\" }", "2027-01-05", "2027-01-24"),
        ("{ never = true }", "2027-01-05", nil),
        ("[ { tier = \"gold\", never = true }, { after = \"1 day\" } ]", "2027-01-05", "2027-01-06"),
    ])
    func pointsEndAsDeclared(expires: String, earned: String, last: String?) throws {
        let program = try Sample.base("calendar = { fiscal_year_starts_in = 2 }", "expires = \(expires)")
        var state = MemberState()
        state.joined = try CalendarDate("2024-03-15")
        let result = try program.earn(
            Sample.sale([Sample.line("1", "5.00")]), at: "\(earned)T12:00:00Z", member: Sample.member(), state: state)
        #expect(result.grants.first?.expires?.description == last)
    }

    @Test func inactivityEndsEverything() throws {
        // Sephora: points are lost after 18 months without activity.
        let program = try Sample.base("", "expires = { inactive = \"18 months\" }")
        var state = MemberState()
        func buy(_ day: String, _ origin: String) throws {
            let result = try program.earn(
                Sample.sale([Sample.line("1", "5.00")]), at: "\(day)T12:00:00Z", member: Sample.member(), state: state)
            _ = try program.credit(result, origin: origin, on: CalendarDate(day), to: &state)
        }
        func balance(_ day: String) throws -> String {
            "\(try state.balance(of: "points", decimals: 0, on: CalendarDate(day), floor: .negative).available)"
        }
        try buy("2027-01-05", "s1")
        #expect(try balance("2028-07-05") == "5")
        #expect(try balance("2028-07-06") == "0")
        try buy("2028-01-10", "s2")
        #expect(try balance("2029-07-10") == "10")
        #expect(try balance("2029-07-11") == "0")
        let ending = try state.balance(of: "points", decimals: 0, on: CalendarDate("2028-01-10"), floor: .negative)
        #expect(ending.endings.map { "\($0.day) \($0.points)" } == ["2029-07-10 10"])
    }
}
