import EarnRules
import Foundation
import GRDB
import LoyaltyModel
import Testing

@testable import Storage

/// What members have: points that wait and end, redemptions, rewards, and the balance that the back end tells.
@Suite struct Accounts {
    private static let program = """
        schema = 1
        program = "accounts"
        currency = { points = { decimals = 0, pending = "14 days", expires = { after = "12 months", to = "month_end" } } }
        rounding = { mode = "floor", scope = "basket", when = "after_multipliers" }
        redemption = { overdraw = { points = "50" } }

        [[earn]]
        id = "base"
        amount = { points = "1", per = "1.00" }

        [[reward]]
        id = "voucher"
        points = "100"
        money = "5.00"
        """

    private static let anna = "2984000000011"

    private func terminal(_ program: String = Self.program, balance: String? = nil) async throws -> Terminal {
        let terminal = try Terminal(program: program)
        var record = try member("anna", cards: Self.anna)
        if let balance {
            record.member.balance = try Points(balance)
            record.member.balanceAsOf = try Timestamp("2027-03-01T00:00:00Z")
        }
        try await terminal.importMembers([record])
        return terminal
    }

    @discardableResult
    private func sell(
        _ price: Int, _ number: String, on day: String, _ terminal: Terminal, spending points: String? = nil,
        amount: String? = nil, id: String? = nil
    ) async throws -> LedgerOutcome {
        let time = try Timestamp("\(day)T10:00:00Z")
        var sale = try sale(number, [line("1", "A", "1", "\(price).00")], closed: time.description)
        if let points {
            sale.redeem = [
                RedeemedReward(
                    reward: "voucher", points: try DecimalNumber(points),
                    amount: try amount.map { try Money($0, pounds) })
            ]
        }
        return try await terminal.send(
            sale, id: id ?? "e\(number)", card: try await terminal.attachment(Self.anna), at: time)
    }

    private func settle(_ day: String, _ terminal: Terminal) async throws -> AccountKeeping.Settled {
        try await AccountKeeping(terminal.database).settle(
            to: try CalendarDate(day), program: terminal.program, at: try Timestamp("\(day)T04:00:00Z"))
    }

    @Test func aRewardThatIsGivenByItselfKeepsToItsLimit() async throws {
        let terminal = try await terminal(
            """
            schema = 1
            program = "accounts"
            [[earn]]
            id = "base"
            amount = { points = "1", per = "1.00" }
            [[reward]]
            id = "voucher"
            points = "100"
            money = "5.00"
            issue = "at_once"
            limit = { times = 1, per = "month" }
            """)
        #expect(try await sell(500, "1", on: "2027-03-02", terminal).available?.description == "400")
        #expect(try await sell(1, "2", on: "2027-03-31", terminal).available?.description == "401")
        // The next one is due with the month, whether or not anything is bought.
        #expect(try await settle("2027-04-01", terminal).entries == 1)
        #expect(try await sell(1, "3", on: "2027-04-01", terminal).available?.description == "302")
        #expect(try await sell(1, "4", on: "2027-05-20", terminal).available?.description == "203")
    }

    @Test func aBonusOfAPeriodCountsTowardsTheTier() async throws {
        let terminal = try await terminal(
            """
            schema = 1
            program = "accounts"
            [[counter]]
            id = "status"
            counts = "qualifying"
            per = "calendar_year"
            [tiers]
            counter = "status"
            levels = [ { id = "gold", at = "120" } ]
            valid = { after = "1 year", to = "year_end" }
            [[earn]]
            id = "base"
            amount = { points = "1", per = "1.00" }
            [[earn]]
            id = "gold"
            kind = "multiplier"
            factor = "2"
            member = { tier = "gold" }
            [[earn]]
            id = "more"
            kind = "period_bonus"
            percent = "20"
            per = "calendar_year"
            """)
        #expect(try await sell(100, "1", on: "2027-12-30", terminal).earned?.description == "100")
        // 20 % of 100 on the last day of the year make 120, which is gold for the year that follows.
        #expect(try await settle("2028-01-01", terminal).entries == 1)
        #expect(try await sell(10, "2", on: "2028-01-05", terminal).earned?.description == "20")
    }

    /// 700 points that an import tells in July are the price of one voucher a month from July on.
    @Test(arguments: ["at_once", "month_end"])
    func pointsThatAnImportTellsBuyNoRewardsOfPastMonths(issue: String) async throws {
        let terminal = try await terminal(
            """
            schema = 1
            program = "accounts"
            [[earn]]
            id = "base"
            amount = { points = "1", per = "1.00" }
            [[reward]]
            id = "voucher"
            points = "100"
            money = "5.00"
            issue = "\(issue)"
            expires = { after = "30 days" }
            limit = { times = 1, per = "month" }
            """)
        try await sell(100, "1", on: "2027-01-10", terminal)
        _ = try await settle("2027-02-01", terminal)
        try await told("700", asOf: "2027-07-01T00:00:00Z", terminal)
        try await sell(1, "2", on: "2027-07-05", terminal)
        let statement = try await AccountRegister(terminal.database).statement(
            of: MemberID("anna"), on: try CalendarDate("2027-07-05"), program: terminal.program)
        let isAtOnce = issue == "at_once"
        #expect(statement.rewards.map(\.count) == (isAtOnce ? [1] : []))
        #expect(statement.rewards.map { "\($0.expires?.description ?? "")" } == (isAtOnce ? ["2027-08-04"] : []))
        #expect(statement.balances.map { "\($0.available)" } == [isAtOnce ? "601" : "701"])
    }

    private func kinds(_ terminal: Terminal) async throws -> [String] {
        try await terminal.allEvents().map { event in
            let points = event.accruals.map { "\($0.total)" }.joined(separator: ",")
            return "\(event.kind.rawValue) \(points)"
        }
    }

    /// Earned on 2 March 2027, to be spent from 16 March, until 31 March 2028.
    @Test func pointsWaitAndEndAtTheirDay() async throws {
        let terminal = try await terminal()
        let outcome = try await sell(300, "1", on: "2027-03-02", terminal)
        #expect(outcome.available == Points(units: 0, decimals: 0))
        #expect(outcome.pending == Points(units: 300, decimals: 0))
        #expect(outcome.ending?.day == (try CalendarDate("2028-03-31")))
        let register = AccountRegister(terminal.database)
        let later = try await register.statement(
            of: MemberID("anna"), on: try CalendarDate("2027-03-16"), program: terminal.program)
        #expect(later.balances.first?.available.description == "300")
        #expect(later.balances.first?.pending.isZero == true)
        #expect(later.lots.first?.lastDay == (try CalendarDate("2028-03-31")))

        #expect(try await settle("2028-03-31", terminal).entries == 0, "the last day is a day")
        // Nobody asks, and the answer would be right all the same.
        let after = try await register.statement(
            of: MemberID("anna"), on: try CalendarDate("2028-04-01"), program: terminal.program)
        #expect(after.balances.first?.available.isZero == true)
        #expect(try await settle("2028-04-01", terminal).entries == 1)
        #expect(try await settle("2028-04-01", terminal).entries == 0)
        #expect(try await kinds(terminal) == ["accrual 300", "expiry -300"])
        let expiry = try #require(try await terminal.allEvents().last)
        #expect(expiry.sale == nil)
        #expect(expiry.lots?.map(\.reason) == ["expired"])
        let sent = try await terminal.outbox.due(limit: 10, at: try Timestamp("2028-04-02T00:00:00Z"))
        #expect(sent.count == 1, "the accrual goes first")
    }

    /// Goods that come back after their points ended take nothing a second time.
    @Test func aReturnOfExpiredPointsTakesNothingTwice() async throws {
        let terminal = try await terminal()
        try await sell(300, "1", on: "2027-03-02", terminal)
        try await sell(100, "2", on: "2028-03-20", terminal)
        _ = try await settle("2028-04-01", terminal)
        var back = try sale("3", [line("1", "A", "-1", "-300.00")], closed: "2028-04-02T10:00:00Z")
        back.lines[0].returned = ReturnReference(link: SaleLink(relation: .returns, number: "1"))
        let outcome = try await terminal.send(
            back, id: "e3", card: try await terminal.attachment(Self.anna), at: try Timestamp("2028-04-02T10:00:00Z"))
        #expect(outcome.pending?.description == "100")
        #expect(outcome.owed == nil)
        #expect(try await terminal.points(of: "anna") == "100")
    }

    /// 300 points, 200 spent for 10.00: half of the goods back is half of it back; the void gives the rest.
    @Test func spentPointsComeBackWithTheGoods() async throws {
        let terminal = try await terminal()
        try await sell(300, "1", on: "2027-03-02", terminal)
        let time = try Timestamp("2027-03-20T10:00:00Z")
        var spending = try sale("2", [line("1", "A", "2", "40.00")], closed: time.description)
        spending.redeem = [
            RedeemedReward(reward: "voucher", points: try DecimalNumber("200"), amount: try Money("10.00", pounds))
        ]
        let card = try await terminal.attachment(Self.anna)
        let outcome = try await terminal.send(spending, id: "e2", card: card, at: time)
        #expect(outcome.flags == [])
        #expect(outcome.spent?.description == "200")
        #expect(outcome.earned?.description == "40")
        #expect(outcome.available?.description == "100")
        #expect(outcome.rewards?.map(\.reward) == ["voucher"])
        #expect(outcome.rewards?.first?.value == (try Money("10.00", pounds)))

        let again = try await terminal.send(spending, id: "e2b", card: card, at: time)
        #expect(again.decision == .duplicate)
        #expect(again.earned?.description == "40")

        var back = try sale("3", [line("1", "A", "-1", "-20.00")], closed: "2027-03-21T10:00:00Z")
        back.lines[0].returned = ReturnReference(link: SaleLink(relation: .returns, number: "2"))
        let returned = try await terminal.send(back, id: "e3", card: card, at: try Timestamp("2027-03-21T10:00:00Z"))
        #expect(returned.spent?.description == "-100")
        #expect(returned.earned?.description == "-20")
        #expect(returned.available?.description == "200")
        var void = spending
        void.state = .voided
        try await terminal.send(void, id: "e4", verb: .void, at: time)
        #expect(try await terminal.points(of: "anna") == "300")
        let booked = try await kinds(terminal)
        #expect(
            booked == [
                "accrual 300", "redemption -200", "accrual 40", "accrual ", "return -20", "restoration 100", "void -20",
                "restoration 100",
            ])
    }

    /// The customer has the discount: the sale stands, the balance falls below zero, and the flag says so.
    @Test(arguments: [
        ("100", "5.00", "2027-03-20", [String](), "-100"), ("400", "20.00", "2027-03-20", ["points_overdrawn"], "-400"),
        ("150", "7.50", "2027-03-20", ["reward_bad_step"], "-150"),
        ("100", "4.00", "2027-03-20", ["reward_value"], "-100"),
        ("100", "5.00", "2027-03-10", ["points_overdrawn"], "-100"),
    ])
    func aRewardThatWasGivenIsBooked(
        points: String, amount: String, day: String, flags: [String], booked: String
    ) async throws {
        let terminal = try await terminal()
        try await sell(300, "1", on: "2027-03-02", terminal)
        let outcome = try await sell(60, "2", on: day, terminal, spending: points, amount: amount)
        #expect(outcome.decision == .accepted)
        #expect(outcome.flags == flags)
        #expect(try await kinds(terminal) == ["accrual 300", "redemption \(booked)", "accrual 60"])
    }

    @Test func nobodySpendsWithoutACard() async throws {
        let terminal = try await terminal()
        var sale = try sale("1", [line("1", "A", "1", "60.00")])
        sale.redeem = [RedeemedReward(reward: "voucher", points: try DecimalNumber("100"))]
        #expect(try await terminal.send(sale, id: "e1").flags == ["redeemed_without_card"])
        #expect(try await terminal.allEvents().isEmpty)
    }

    /// The member file said 1000 on 1 March; later files contain what was booked here before their time.
    @Test func aToldBalanceIsNeverCountedTwice() async throws {
        let terminal = try await terminal(balance: "1000")
        let first = try await sell(300, "1", on: "2027-03-02", terminal)
        #expect(first.available?.description == "1000")
        #expect(first.pending?.description == "300")
        #expect(first.balanceHint?.description == "1300")
        try await sell(50, "2", on: "2027-03-20", terminal, spending: "200")
        try await deliver(terminal, at: "2027-03-21T00:00:00Z")
        var newer = try member("anna", cards: Self.anna)
        newer.member.balance = try Points("1150")
        newer.member.balanceAsOf = try Timestamp("2027-03-25T00:00:00Z")
        try await terminal.importMembers([newer])
        let same = try await sell(10, "3", on: "2027-04-10", terminal)
        #expect(same.available?.description == "1150", "1000 + 300 - 200 + 50 is what the file says")
        #expect(same.pending?.description == "10")
        try await deliver(terminal, at: "2027-04-11T00:00:00Z")
        newer.member.balance = try Points("400")
        newer.member.balanceAsOf = try Timestamp("2027-04-20T00:00:00Z")
        try await terminal.importMembers([newer])
        let less = try await sell(10, "4", on: "2027-04-30", terminal)
        #expect(less.available?.description == "400", "spent elsewhere")
        #expect(less.pending?.description == "10")
    }

    private func deliver(_ terminal: Terminal, at time: String) async throws {
        let time = try Timestamp(time)
        while true {
            let due = try await terminal.outbox.due(limit: 100, at: time)
            if due.isEmpty { return }
            try await terminal.outbox.record(due.map { .init(id: $0.id, outcome: .delivered(warning: nil), at: time) })
        }
    }

    private func told(_ balance: String, asOf time: String?, _ terminal: Terminal) async throws {
        var record = try member("anna", cards: Self.anna)
        record.member.balance = try Points(balance)
        record.member.balanceAsOf = try time.map { try Timestamp($0) }
        try await terminal.importMembers([record])
    }

    /// The line is down: what the back end has not got it cannot have counted, whenever it says that it counted.
    @Test func whatTheBackEndHasNotGotIsNotTakenOff() async throws {
        let terminal = try await terminal(balance: "100")
        try await sell(50, "1", on: "2027-03-02", terminal)
        try await told("100", asOf: "2027-03-05T00:00:00Z", terminal)
        let next = try await sell(1, "2", on: "2027-03-06", terminal)
        #expect(next.balanceHint?.description == "151")
        let later = try await sell(1, "3", on: "2027-04-30", terminal)
        #expect(later.available?.description == "151", "100 + 50 + 1, and the last one waits")
    }

    /// Files without a time, one a day: each new balance counts what was delivered, and gives nothing by itself.
    @Test func balancesWithoutATimeMakeNoPoints() async throws {
        let terminal = try await terminal()
        try await told("100", asOf: nil, terminal)
        for day in 1...5 {
            try await sell(10, "\(day)", on: "2027-03-0\(day)", terminal)
            try await deliver(terminal, at: "2027-03-0\(day)T23:00:00Z")
            try await told("\(100 + 10 * day)", asOf: nil, terminal)
        }
        let end = try await sell(1, "6", on: "2027-06-01", terminal)
        #expect(end.available?.description == "150")
        #expect(end.balanceHint?.description == "151")
    }

    @Test func rewardsAreGivenAtTheirBalanceAndAtTheEndOfAMonth() async throws {
        let terminal = try await terminal(
            """
            schema = 1
            program = "gifts"
            currency = { points = { decimals = 0 }, stars = { decimals = 0 } }

            [[earn]]
            id = "base"
            amount = { points = "1", per = "1.00" }

            [[earn]]
            id = "stars"
            currency = "stars"
            amount = { points = "1", per = "10.00" }

            [[reward]]
            id = "voucher"
            points = "100"
            money = "5.00"
            issue = "at_once"
            expires = { after = "30 days" }

            [[reward]]
            id = "monthly"
            currency = "stars"
            points = "20"
            money = "1.00"
            issue = "month_end"
            """)
        let outcome = try await sell(250, "1", on: "2027-03-02", terminal)
        #expect(outcome.rewards?.map { "\($0.count) \($0.reward)" } == ["2 voucher"])
        #expect(outcome.available?.description == "50")
        #expect(try await settle("2027-03-31", terminal).entries == 0)
        #expect(try await settle("2027-04-01", terminal).entries == 1)
        #expect(try await settle("2027-04-01", terminal).entries == 0)
        let statement = try await AccountRegister(terminal.database).statement(
            of: MemberID("anna"), on: try CalendarDate("2027-04-01"), program: terminal.program)
        #expect(statement.rewards.map { "\($0.count) \($0.reward)" } == ["2 voucher", "1 monthly"])
        #expect(statement.rewards.first?.expires == (try CalendarDate("2027-04-01")))
        #expect(statement.balances.map { "\($0.available) \($0.currency)" } == ["50 points", "5 stars"])
        let gone = try await AccountRegister(terminal.database).statement(
            of: MemberID("anna"), on: try CalendarDate("2027-04-02"), program: terminal.program)
        #expect(gone.rewards.map(\.reward) == ["monthly"])
    }

    @Test func stampsTakeTheirRewardAlong() async throws {
        let terminal = try await terminal(
            """
            schema = 1
            program = "punch"

            [[reward]]
            id = "free"
            kind = "item"
            item = "coffee"
            issue = "by_stamps"

            [[stamps]]
            id = "card"
            give = { stamps = 1, per_units = "1" }
            reward = { at = 3, issue = "free" }
            """)
        let card = try await terminal.attachment(Self.anna)
        try await terminal.send(try sale("1", [line("1", "A", "2", "4.00")]), id: "e1", card: card)
        let full = try await terminal.send(try sale("2", [line("1", "A", "1", "2.00")]), id: "e2", card: card)
        #expect(full.rewards?.map(\.reward) == ["free"])
        var void = try sale("2", [line("1", "A", "1", "2.00")])
        void.state = .voided
        try await terminal.send(void, id: "e3", verb: .void)
        let statement = try await AccountRegister(terminal.database).statement(
            of: MemberID("anna"), on: terminal.now.date, program: terminal.program)
        #expect(statement.rewards.isEmpty)
    }

    @Test func aPreviewChangesNothing() async throws {
        let terminal = try await terminal()
        try await sell(300, "1", on: "2027-03-02", terminal)
        var basket = try sale("2", [line("1", "A", "1", "12.00")])
        basket.state = .open
        let register = AccountRegister(terminal.database)
        func steps(_ day: String) async throws -> [String] {
            try await register.offers(
                to: MemberID("anna"), for: basket, at: try Timestamp("\(day)T10:00:00Z"), on: try CalendarDate(day),
                program: terminal.program
            ).flatMap(\.steps).map { "\($0.points)" }
        }
        #expect(try await steps("2027-03-10") == [], "they wait until the 16th")
        #expect(try await steps("2027-03-16") == ["100", "200"], "300 would be worth more than the basket")
        #expect(try await kinds(terminal) == ["accrual 300"])
    }

    /// Sales are forgotten after 90 days; what they gave is not.
    @Test func forgettingASaleKeepsItsPoints() async throws {
        let terminal = try await terminal(Terminal.onePointPerPound)
        for number in 1...3 { try await sell(100, "\(number)", on: "2027-03-0\(number)", terminal) }
        while true {
            let due = try await terminal.outbox.due(limit: 10, at: try Timestamp("2027-03-05T00:00:00Z"))
            if due.isEmpty { break }
            try await terminal.outbox.record(
                due.map { DeliveryRecord(id: $0.id, outcome: .delivered(warning: nil), at: terminal.now) })
        }
        let removed = try await Retention().purge(terminal.database, at: try Timestamp("2027-07-01T00:00:00Z"))
        #expect(removed.sales == 3)
        let statement = try await AccountRegister(terminal.database).statement(
            of: MemberID("anna"), on: try CalendarDate("2027-07-01"), program: terminal.program)
        #expect(statement.lots.map { "\($0.remaining)" } == ["300"])
    }
}
