import EarnRules
import Foundation
import GRDB
import LoyaltyModel
import Testing

@testable import Storage

/// Caps and tiers over several documents: what came back is free again.
@Suite struct CounterBooks {
    private let anna = "2984000000011"
    private let ben = "2984000000028"

    private static let capped = """
        schema = 1
        program = "test"

        [[earn]]
        id = "base"
        amount = { points = "1", per = "1.00" }
        cap = { points = "10", per = "month" }
        """

    private func terminal(_ program: String = CounterBooks.capped, household: String? = nil) async throws -> Terminal {
        let terminal = try Terminal(program: program)
        var records = [try member("anna", cards: anna), try member("ben", cards: ben)]
        for index in records.indices { records[index].member.household = household }
        try await terminal.importMembers(records)
        return terminal
    }

    private func buy(_ terminal: Terminal, _ number: String, _ amount: String, _ card: String) async throws -> String {
        let outcome = try await terminal.send(
            sale(number, [line("1", "A", "1", amount)]), id: "e\(number)", card: terminal.attachment(card))
        return "\(outcome.earned?.description ?? "none")"
    }

    @Test func aCapHoldsOverSales() async throws {
        let terminal = try await terminal()
        #expect(try await buy(terminal, "1", "8.00", anna) == "8")
        #expect(try await buy(terminal, "2", "8.00", anna) == "2")
        #expect(try await buy(terminal, "3", "8.00", anna) == "0")
        #expect(try await buy(terminal, "4", "8.00", ben) == "8")
        try terminal.reopen()
        #expect(try await buy(terminal, "5", "8.00", ben) == "2")
    }

    @Test func aHouseholdSharesACap() async throws {
        let program = Self.capped.replacing("per = \"month\"", with: "per = \"month\", scope = \"household\"")
        let terminal = try await terminal(program, household: "h-1")
        #expect(try await buy(terminal, "1", "8.00", anna) == "8")
        #expect(try await buy(terminal, "2", "8.00", ben) == "2")
    }

    @Test func aReturnFreesTheCap() async throws {
        let terminal = try await terminal()
        #expect(try await buy(terminal, "1", "8.00", anna) == "8")
        var back = try line("1", "A", "-1", "-8.00")
        back.returned = ReturnReference(link: SaleLink(relation: .returns, number: "1", line: "1"))
        var document = try sale("2", [back])
        document.kind = .return
        try await terminal.send(document, id: "r", card: terminal.attachment(anna))
        #expect(try await buy(terminal, "3", "9.00", anna) == "9")
        // The voided return takes its room again.
        var void = try sale("9", [])
        void.links = [SaleLink(relation: .voids, number: "2")]
        void.state = .voided
        try await terminal.send(void, id: "v", verb: .void)
        #expect(try await buy(terminal, "4", "9.00", anna) == "0")
    }

    @Test func aVoidFreesTheCap() async throws {
        let terminal = try await terminal()
        #expect(try await buy(terminal, "1", "8.00", anna) == "8")
        var void = try sale("9", [])
        void.links = [SaleLink(relation: .voids, number: "1")]
        void.state = .voided
        try await terminal.send(void, id: "v", verb: .void)
        #expect(try await buy(terminal, "3", "9.00", anna) == "9")
    }

    @Test func aRevisionCountsOnce() async throws {
        let terminal = try await terminal()
        #expect(try await buy(terminal, "1", "8.00", anna) == "8")
        var revised = try sale("1", [line("1", "A", "1", "6.00")])
        revised.revision = 2
        try await terminal.send(revised, id: "e1b", card: terminal.attachment(anna))
        #expect(try await terminal.points(of: "anna") == "6")
        #expect(try await buy(terminal, "2", "8.00", anna) == "4")
    }

    private static let tiered = """
        schema = 1
        program = "test"
        [[counter]]
        id = "spend"
        counts = "spend"
        per = "calendar_year"
        [tiers]
        counter = "spend"
        levels = [ { id = "basic", at = "0" }, { id = "gold", at = "20" } ]
        valid = { after = "1 year", to = "year_end" }
        [[earn]]
        id = "base"
        amount = { points = "1", per = "1.00" }
        [[earn]]
        id = "gold"
        kind = "multiplier"
        factor = "2"
        member = { tier = "gold" }
        """

    @Test func theTierIsKept() async throws {
        let terminal = try await terminal(Self.tiered)
        #expect(try await buy(terminal, "1", "12.00", anna) == "12")
        #expect(try await buy(terminal, "2", "12.00", anna) == "12")
        #expect(try await buy(terminal, "3", "12.00", anna) == "24")
        #expect(try await buy(terminal, "4", "12.00", ben) == "12")
    }

    private func revise(_ terminal: Terminal, _ number: String, _ lines: [SaleLine], _ revision: Int64) async throws {
        var revised = try sale(number, lines)
        revised.revision = revision
        try await terminal.send(revised, id: "e\(number)-\(revision)", card: terminal.attachment(anna))
    }

    private func void(_ terminal: Terminal, _ number: String) async throws {
        var void = try sale("9\(number)", [])
        void.links = [SaleLink(relation: .voids, number: number)]
        void.state = .voided
        try await terminal.send(void, id: "v\(number)", verb: .void)
    }

    /// 24.00 bring gold for the next sale. Corrected to 25.00 it still gives 25; at 5.00 it never brought gold.
    @Test func aCorrectedSaleEarnsWithTheTierBeforeIt() async throws {
        let terminal = try await terminal(Self.tiered)
        #expect(try await buy(terminal, "1", "24.00", anna) == "24")
        try await revise(terminal, "1", [line("1", "A", "1", "25.00")], 2)
        #expect(try await terminal.points(of: "anna") == "25")
        try await revise(terminal, "1", [line("1", "A", "1", "5.00")], 3)
        #expect(try await terminal.points(of: "anna") == "5")
        #expect(try await buy(terminal, "2", "12.00", anna) == "12")
        // 5.00 and 12.00 are 17.00; with 22.00 in their place it is gold again.
        try await revise(terminal, "1", [line("1", "A", "1", "22.00")], 4)
        #expect(try await buy(terminal, "3", "12.00", anna) == "24")
    }

    /// The later sale reaches gold by itself; the first one did not have it.
    @Test(arguments: [
        tiered, tiered.replacing("valid = { after = \"1 year\", to = \"year_end\" }", with: ""),
    ])
    func aCorrectedSaleEarnsWithoutTheTierOfLaterSales(program: String) async throws {
        let terminal = try await terminal(program)
        #expect(try await buy(terminal, "1", "24.00", anna) == "24")
        #expect(try await buy(terminal, "2", "30.00", anna) == "60")
        try await revise(terminal, "1", [line("1", "A", "1", "24.50")], 2)
        #expect(try await terminal.points(of: "anna") == "84")
        try await revise(terminal, "1", [line("1", "A", "1", "26.00")], 3)
        #expect(try await terminal.points(of: "anna") == "86")
        #expect(try await buy(terminal, "3", "1.00", anna) == "2")
    }

    /// Where a sale earns with the tier that it reaches, a correction of the first sale reaches none by the second one.
    @Test func aCorrectedSaleReachesItsTierWithoutLaterSales() async throws {
        let terminal = try await terminal(
            Self.tiered.replacing("counter = \"spend\"", with: "counter = \"spend\"\napplies = \"this_sale\""))
        #expect(try await buy(terminal, "1", "12.00", anna) == "12")
        #expect(try await buy(terminal, "2", "30.00", anna) == "60")
        try await revise(terminal, "1", [line("1", "A", "1", "13.00")], 2)
        #expect(try await terminal.points(of: "anna") == "73")
        try await revise(terminal, "1", [line("1", "A", "1", "25.00")], 3)
        #expect(try await terminal.points(of: "anna") == "110")
    }

    /// Also where the first sale reached no tier at all, as there is none for nothing.
    @Test func aCorrectedSaleThatReachedNoTierEarnsWithoutThatOfLaterSales() async throws {
        let terminal = try await terminal(
            Self.tiered.replacing("counter = \"spend\"", with: "counter = \"spend\"\napplies = \"this_sale\"")
                .replacing("{ id = \"basic\", at = \"0\" }, ", with: ""))
        #expect(try await buy(terminal, "1", "12.00", anna) == "12")
        #expect(try await buy(terminal, "2", "30.00", anna) == "60")
        try await revise(terminal, "1", [line("1", "A", "1", "13.00")], 2)
        #expect(try await terminal.points(of: "anna") == "73")
        #expect(try await buy(terminal, "3", "1.00", anna) == "2", "what the later sale reached stays")
    }

    @Test func aVoidTakesTheTierThatOnlyItsSaleBrought() async throws {
        let terminal = try await terminal(Self.tiered)
        #expect(try await buy(terminal, "1", "24.00", anna) == "24")
        try await void(terminal, "1")
        #expect(try await buy(terminal, "2", "12.00", anna) == "12")
        // Gold by 30.00 beside it: the void of the first leaves that.
        #expect(try await buy(terminal, "3", "18.00", anna) == "18")
        #expect(try await buy(terminal, "4", "30.00", anna) == "60")
        try await void(terminal, "3")
        #expect(try await buy(terminal, "5", "1.00", anna) == "2")
    }

    /// - Returns: what it earned.
    @discardableResult
    private func buy(_ terminal: Terminal, _ number: String, _ amount: String, on day: String) async throws -> String? {
        let time = try Timestamp("\(day)T10:00:00Z")
        return try await terminal.send(
            sale(number, [line("1", "A", "1", amount)], closed: time.description), id: "e\(number)",
            card: terminal.attachment(anna), at: time
        ).earned?.description
    }

    private func void(_ terminal: Terminal, _ number: String, of day: String, on today: String) async throws {
        let time = try Timestamp("\(today)T11:00:00Z")
        var void = try sale("9\(number)", [], closed: time.description)
        void.links = [SaleLink(relation: .voids, businessDay: try CalendarDate(day), number: number)]
        void.state = .voided
        try await terminal.send(void, id: "v\(number)", verb: .void, at: time)
    }

    /// 30.00 of 31 December are gold through the next year, though the void of the day before comes in January.
    @Test func aVoidLeavesTheTierThatAnotherSaleOfItsYearReached() async throws {
        for (amount, points) in [("30.00", "2"), ("12.00", "1")] {
            let terminal = try await terminal(Self.tiered)
            try await buy(terminal, "1", "24.00", on: "2026-12-30")
            try await buy(terminal, "2", amount, on: "2026-12-31")
            try await void(terminal, "1", of: "2026-12-30", on: "2027-01-03")
            #expect(try await buy(terminal, "3", "1.00", on: "2027-01-04") == points, "beside \(amount)")
        }
    }

    /// 30.00 of the next year are gold by themselves through the year after, in which the void of the first sale comes.
    @Test func aVoidLeavesTheTierThatASaleOfAnotherYearReached() async throws {
        for (amount, points) in [("30.00", "2"), ("12.00", "1")] {
            let terminal = try await terminal(Self.tiered)
            try await buy(terminal, "1", "24.00", on: "2026-12-30")
            try await buy(terminal, "2", amount, on: "2027-03-03")
            if amount == "30.00" { try await buy(terminal, "2b", "1.00", on: "2028-01-02") }
            try await void(terminal, "1", of: "2026-12-30", on: "2028-01-03")
            #expect(try await buy(terminal, "3", "1.00", on: "2028-01-04") == points, "beside \(amount)")
        }
    }

    /// Each sale within a year moves its end: 12.00 more do not keep what the voided 24.00 brought, 30.00 do.
    @Test func aVoidTakesTheTierThoughALaterSaleMovedItsEnd() async throws {
        for (amount, points) in [("30.00", "2"), ("12.00", "1")] {
            let terminal = try await terminal(Self.tiered.replacing(", to = \"year_end\" }", with: " }"))
            try await buy(terminal, "1", "24.00", on: "2027-03-02")
            try await buy(terminal, "2", amount, on: "2027-03-03")
            try await void(terminal, "1", of: "2027-03-02", on: "2027-03-04")
            #expect(try await buy(terminal, "3", "1.00", on: "2027-03-05") == points, "beside \(amount)")
            // What the later sale reached holds until its own day of the next year.
            if amount == "30.00" { #expect(try await buy(terminal, "4", "1.00", on: "2028-03-03") == "2") }
        }
    }

    /// A year of double points for 50.00: not in the sale that sells it, also when that is corrected.
    @Test func aCorrectedSaleEarnsWithoutTheRightThatItSold() async throws {
        let terminal = try await terminal(
            """
            schema = 1
            program = "test"
            [[entitlement]]
            id = "plus"
            sold_as = { sku = ["PLUS"] }
            lasts = "1 year"
            [[earn]]
            id = "base"
            amount = { points = "1", per = "1.00" }
            [[earn]]
            id = "double"
            kind = "multiplier"
            factor = "2"
            member = { entitlement = "plus" }
            """)
        let right = try line("1", "PLUS", "1", "50.00")
        try await terminal.send(
            sale("1", [right, line("2", "A", "1", "10.00")]), id: "e1", card: terminal.attachment(anna))
        #expect(try await terminal.points(of: "anna") == "10")
        try await revise(terminal, "1", [right, line("2", "A", "1", "11.00")], 2)
        #expect(try await terminal.points(of: "anna") == "11")
        #expect(try await buy(terminal, "2", "3.00", anna) == "6")
    }

    @Test func theTierOfTheMemberFileStandsBesideTheLadder() async throws {
        let terminal = try Terminal(
            program: """
                schema = 1
                program = "test"
                [[counter]]
                id = "spend"
                counts = "spend"
                per = "calendar_year"
                [tiers]
                counter = "spend"
                levels = [ { id = "basic", at = "0" }, { id = "silver", at = "350" }, { id = "gold", at = "1000" } ]
                valid = { to = "year_end" }
                [[earn]]
                id = "base"
                amount = { points = "1", per = "1.00" }
                [[earn]]
                id = "gold"
                kind = "multiplier"
                factor = "2"
                member = { tier = "gold" }
                """)
        var records = try [member("anna", cards: anna), member("ben", cards: ben)]
        records[0].member.tier = "gold"
        try await terminal.importMembers(records)
        func outcome(_ number: String, _ amount: String, _ card: String) async throws -> LedgerOutcome {
            try await terminal.send(
                sale(number, [line("1", "A", "1", amount)]), id: number, card: terminal.attachment(card))
        }
        // The silver that 400.00 reaches here takes nothing from whoever is gold elsewhere.
        let first = try await outcome("1", "400.00", anna)
        #expect(first.earned?.description == "800" && first.tier == "gold")
        let second = try await outcome("2", "10.00", anna)
        #expect(second.earned?.description == "20" && second.tier == "gold")
        // What is reached here is told as well.
        #expect(try await outcome("3", "5.00", ben).tier == "basic")
        #expect(try await outcome("4", "400.00", ben).tier == "silver")
    }

    @Test func aBonusThatIsKeptStaysWithTheMember() async throws {
        let terminal = try await terminal(
            """
            schema = 1
            program = "test"
            [[earn]]
            id = "base"
            amount = { points = "1", per = "1.00" }
            [[earn]]
            id = "welcome"
            kind = "bonus"
            points = "100"
            returns = "keep"
            """)
        #expect(try await buy(terminal, "1", "8.00", anna) == "108")
        var back = try line("1", "A", "-1", "-8.00")
        back.returned = ReturnReference(link: SaleLink(relation: .returns, number: "1", line: "1"))
        var document = try sale("2", [back])
        document.kind = .return
        try await terminal.send(document, id: "r", card: terminal.attachment(anna))
        #expect(try await terminal.points(of: "anna") == "100")
        var void = try sale("9", [])
        void.links = [SaleLink(relation: .voids, number: "1")]
        void.state = .voided
        try await terminal.send(void, id: "v", verb: .void)
        #expect(try await terminal.points(of: "anna") == "0")
    }

    @Test func countersGoLongAfterTheirPeriod() async throws {
        let terminal = try await terminal()
        #expect(try await buy(terminal, "1", "8.00", anna) == "8")
        func count() async throws -> Int? {
            try await terminal.database.pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM counter") }
        }
        for (days, left) in [(Int64(480), 1), (495, 0)] {
            _ = try await Retention().purge(terminal.database, at: terminal.now.adding(seconds: days * 86_400))
            #expect(try await count() == left, "after \(days) days")
        }
    }

    private static let budget = """
        schema = 1
        program = "budget"
        [[beneficiary]]
        id = "hospice"
        name = "Hospice"
        default = true
        [[earn]]
        id = "base"
        amount = { points = "1", per = "1.00" }
        [[earn]]
        id = "other"
        amount = { points = "1", per = "1.00" }
        recipient = "beneficiary"
        [[cap]]
        id = "budget"
        points = "100"
        per = "month"
        """

    /// What each sale gives to somebody else.
    private func others(_ terminal: Terminal) async throws -> [String] {
        try await terminal.allEvents().filter { $0.recipient != nil }.map { event in
            event.accruals.map { "\($0.total)" }.joined(separator: ",")
        }
    }

    /// 60.00: 60 for the member, the 40 that are left for the cause. The goods come back, and the month is as new.
    @Test func aLimitOverTheMemberAndAGoodCauseIsOneLimit() async throws {
        let terminal = try await terminal(Self.budget)
        #expect(try await buy(terminal, "1", "60.00", anna) == "60")
        #expect(try await others(terminal) == ["40"])
        #expect(try await buy(terminal, "2", "60.00", anna) == "0")
        var back = try line("1", "A", "-1", "-60.00")
        back.returned = ReturnReference(link: SaleLink(relation: .returns, number: "1", line: "1"))
        var document = try sale("3", [back])
        document.kind = .return
        try await terminal.send(document, id: "r", card: terminal.attachment(anna))
        #expect(try await buy(terminal, "4", "30.00", anna) == "30")
        #expect(try await others(terminal) == ["40", "-40", "30"])
        #expect(try await buy(terminal, "5", "60.00", anna) == "40")
    }

    /// One household has one limit, whoever of it buys and whoever recruited whom; strangers have two.
    @Test(arguments: [("h-1", "40"), (nil, "60")])
    func aLimitOfTheHouseholdHoldsForItsReferrer(household: String?, given: String) async throws {
        let terminal = try Terminal(
            program: Self.budget.replacing("beneficiary\"", with: "referrer\"").replacing(
                "per = \"month\"", with: "per = \"month\"\nscope = \"household\""))
        var records = [try member("anna", cards: anna), try member("ben", cards: ben)]
        records[0].member.referrer = MemberID("ben")
        for index in records.indices { records[index].member.household = household }
        try await terminal.importMembers(records)
        #expect(try await buy(terminal, "1", "60.00", anna) == "60")
        #expect(try await others(terminal) == [given])
        #expect(try await buy(terminal, "2", "60.00", ben) == (household == nil ? "40" : "0"))
    }

    /// Goods without a receipt take what they would give the member today, all lines together.
    @Test func aReturnByRateKnowsTheTierAndTheLimits() async throws {
        let terminal = try await terminal(Self.tiered + "\n[returns]\nunlinked = \"reverse_by_rate\"")
        #expect(try await buy(terminal, "1", "300.00", anna) == "300")
        var document = try sale("2", [line("1", "Z", "-1", "-100.00")])
        document.kind = .return
        try await terminal.send(document, id: "r", card: terminal.attachment(anna))
        // 100.00 for gold: 200.
        #expect(try await terminal.points(of: "anna") == "100")

        let limited = try await self.terminal(
            Self.capped.replacing("points = \"10\", per = \"month\"", with: "points = \"100\", per = \"day\"")
                + "\n[returns]\nunlinked = \"reverse_by_rate\"")
        // The card has 300 of three days; five times 100.00 come back on a fourth, which gives 100 at most.
        for day in 1...3 {
            try await limited.send(
                sale("\(day)", [line("1", "A", "1", "100.00")]), id: "e\(day)", card: limited.attachment(anna),
                day: CalendarDate("2027-02-0\(day)"))
        }
        var back = try sale("9", (1...5).map { try line("\($0)", "Z", "-1", "-100.00") })
        back.kind = .return
        try await limited.send(back, id: "r", card: limited.attachment(anna))
        #expect(try await limited.points(of: "anna") == "200")
        // The voided return gives back what it took.
        try await void(limited, "9")
        #expect(try await limited.points(of: "anna") == "300")
    }

    private func reversing(_ terminal: Terminal, _ number: String, _ lines: [SaleLine]) async throws {
        var back = try sale(number, lines)
        if lines.allSatisfy(\.quantity.isNegative) { back.kind = .return }
        try await terminal.send(back, id: "e\(number)", card: terminal.attachment(anna))
    }

    /// 100 in a day, used up: what is exchanged for goods of the same price keeps its points, whatever is voided or corrected.
    @Test func anExchangeByRateLeavesThePointsOfALimit() async throws {
        let terminal = try await terminal(
            Self.capped.replacing("points = \"10\", per = \"month\"", with: "points = \"100\", per = \"day\"")
                + "\n[returns]\nunlinked = \"reverse_by_rate\"")
        #expect(try await buy(terminal, "1", "100.00", anna) == "100")
        let lines = try [line("1", "A", "1", "100.00"), line("2", "Z", "-1", "-100.00")]
        for number in ["2", "3"] {
            try await reversing(terminal, number, lines)
            #expect(try await terminal.points(of: "anna") == "100", "after exchange \(number)")
        }
        try await revise(terminal, "3", [line("1", "A", "1", "60.00"), line("2", "Z", "-1", "-100.00")], 2)
        #expect(try await terminal.points(of: "anna") == "60")
        try await void(terminal, "3")
        #expect(try await terminal.points(of: "anna") == "100")
        #expect(try await buy(terminal, "4", "10.00", anna) == "0", "the limit is used up again")
    }

    /// Goods for 150.00 brought 100, and take no more when they come back one by one; a voided return counts for nothing.
    @Test func returnsByRateTakeNoMoreThanALimitGave() async throws {
        let terminal = try await terminal(
            Self.capped.replacing("points = \"10\", per = \"month\"", with: "points = \"100\", per = \"day\"")
                + "\n[returns]\nunlinked = \"reverse_by_rate\"")
        for number in ["1", "2", "3"] { _ = try await buy(terminal, number, "50.00", anna) }
        for (number, points) in [("4", "50"), ("5", "0"), ("6", "0")] {
            try await reversing(terminal, number, [line("1", "Z", "-1", "-50.00")])
            #expect(try await terminal.points(of: "anna") == points)
        }
        try await void(terminal, "5")
        #expect(try await terminal.points(of: "anna") == "50")
        try await reversing(terminal, "7", [line("1", "Z", "-1", "-50.00")])
        #expect(try await terminal.points(of: "anna") == "0")
        #expect(try await buy(terminal, "8", "150.00", anna) == "100", "the limit is as new")
    }

    /// Bought and brought back without a receipt while the limit holds: the points are gone again, also in one document.
    @Test func aReturnByRateTakesWhatALimitHadGiven() async throws {
        let terminal = try await terminal(
            Self.capped.replacing("points = \"10\"", with: "points = \"200\"")
                + "\n[returns]\nunlinked = \"reverse_by_rate\"")
        #expect(try await buy(terminal, "1", "150.00", anna) == "150")
        var back = try sale("2", [line("1", "Z", "-1", "-150.00")])
        back.kind = .return
        try await terminal.send(back, id: "r", card: terminal.attachment(anna))
        #expect(try await terminal.points(of: "anna") == "0")
        let swap = try sale("3", [line("1", "A", "1", "200.00"), line("2", "Z", "-1", "-200.00")])
        try await terminal.send(swap, id: "s", card: terminal.attachment(ben))
        #expect(try await terminal.points(of: "ben") == "0")
    }

    /// Double points once a month: each part of the goods takes back what it earned, and the sale stays the one of the month.
    @Test func aReturnByRateInPartsTakesWhatARuleOfOnceHadGiven() async throws {
        let terminal = try await terminal(
            """
            schema = 1
            program = "test"
            [returns]
            unlinked = "reverse_by_rate"
            [[earn]]
            id = "base"
            amount = { points = "1", per = "1.00" }
            [[earn]]
            id = "double"
            kind = "multiplier"
            factor = "2"
            cap = { times = 1, per = "month" }
            """)
        #expect(try await buy(terminal, "1", "10.00", anna) == "20")
        for (number, amount, left) in [("2", "-1.00", "18"), ("3", "-9.00", "0")] {
            var back = try sale(number, [line("1", "Z", "-1", amount)])
            back.kind = .return
            try await terminal.send(back, id: "r\(number)", card: terminal.attachment(anna))
            #expect(try await terminal.points(of: "anna") == left)
        }
        #expect(try await buy(terminal, "4", "100.00", anna) == "100")
    }

    /// 50 for three pieces: four were sold, so that one may come back and the second takes the bonus.
    @Test func aBonusForUnitsGoesWithTheUnitThatItNeeds() async throws {
        let terminal = try await terminal(
            """
            schema = 1
            program = "test"
            [[earn]]
            id = "three"
            kind = "bonus"
            points = "50"
            when = { units_at_least = "3" }
            returns = "revoke_if_unqualified"
            """)
        try await terminal.send(
            sale("1", [line("1", "A", "4", "8.00")]), id: "e1", card: terminal.attachment(anna))
        for (number, left) in [("2", "50"), ("3", "0")] {
            var back = try line("1", "A", "-1", "-2.00")
            back.returned = ReturnReference(link: SaleLink(relation: .returns, number: "1", line: "1"))
            var document = try sale(number, [back])
            document.kind = .return
            try await terminal.send(document, id: "r\(number)", card: terminal.attachment(anna))
            #expect(try await terminal.points(of: "anna") == left)
        }
    }
}
