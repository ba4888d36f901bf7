import Checkout
import LoyaltyModel
import Testing

/// The signs of the reference's list, one table row each: what happened before, what happens now, what is seen.
@Suite struct FraudSignsTests {
    typealias Sign = FraudSigns.Sign

    private static func use(
        _ minute: Int64, card: String = "m1", day: Int = 0, cashier: String? = "7", register: String = "1",
        returns: Bool = false, keyed: Bool = false, late: Bool = false
    ) throws -> FraudSigns.Use {
        FraudSigns.Use(
            card: card, operatorID: cashier, register: register,
            businessDay: try CalendarDate("2026-11-01").adding(days: day),
            at: try Timestamp("2026-11-01T08:00:00Z").adding(seconds: Int64(day) * 86_400 + minute * 60),
            isReturn: returns, isKeyed: keyed, isLate: late)
    }

    private func last(_ uses: [FraudSigns.Use], _ limits: FraudSigns.Limits = .init()) -> [Sign] {
        var signs = FraudSigns(limits: limits)
        var seen: [Sign] = []
        for use in uses { seen = signs.note(use) }
        return seen
    }

    @Test(arguments: [(1, []), (3, []), (4, [Sign.cardOften]), (7, [.cardOften]), (8, [.cardOften, .cardVeryOften])])
    func usesOfACardOnABusinessDay(_ count: Int, _ expected: [Sign]) throws {
        let uses = try (0..<count).map { try Self.use(Int64($0) * 60, cashier: "\($0)") }
        #expect(last(uses) == expected)
    }

    @Test func theNextBusinessDayBeginsAgain() throws {
        let uses = try (0..<3).map { try Self.use(Int64($0) * 60, cashier: nil) }
        #expect(last(uses + [try Self.use(0, day: 1, cashier: nil)]) == [])
    }

    /// Minutes between two sales, and the register of the second one.
    @Test(arguments: [
        (0, "1", [Sign.cardAgainSoon]), (5, "1", [.cardAgainSoon]), (6, "1", []), (2, "2", []),
    ])
    func twoSalesInFiveMinutesOnOneRegister(_ minutes: Int64, _ register: String, _ expected: [Sign]) throws {
        #expect(last([try Self.use(0), try Self.use(minutes, register: register)]) == expected)
    }

    /// Of ten sales on ten days so many by cashier 7, who rings up the last one.
    @Test(arguments: [(6, []), (7, [Sign.oneCashier]), (10, [.oneCashier])])
    func mostSalesByOneCashier(_ own: Int, _ expected: [Sign]) throws {
        let uses = try (0..<10).map { try Self.use(0, day: $0, cashier: $0 < 10 - own ? "other" : "7") }
        #expect(last(uses) == expected)
        #expect(last(Array(uses.dropFirst())) == [], "nine sales say nothing")
    }

    @Test func salesOfMoreThanThirtyDaysAgoDoNotCount() throws {
        let uses = try (0..<9).map { try Self.use(0, day: $0) }
        #expect(last(uses + [try Self.use(0, day: 30)]) == [.oneCashier])
        #expect(last(uses + [try Self.use(0, day: 31)]) == [])
    }

    /// Ten cards of a cashier's day, of which so many were keyed in, the last one among them.
    @Test(arguments: [(5, []), (6, [Sign.keyedOften])])
    func aCashierWhoKeysManyCardsIn(_ keyed: Int, _ expected: [Sign]) throws {
        let uses = try (0..<10).map { try Self.use(Int64($0), card: "m\($0)", keyed: $0 >= 10 - keyed) }
        #expect(last(uses) == expected)
    }

    @Test(arguments: [(3, [Sign.afterTender]), (4, [.lateOften, .afterTender])])
    func aCashierWhoAddsManyCardsLate(_ late: Int, _ expected: [Sign]) throws {
        let uses = try (0..<10).map { try Self.use(Int64($0), card: "m\($0)", late: $0 >= 10 - late) }
        #expect(last(uses) == expected)
    }

    @Test(arguments: [(2, []), (3, [Sign.returnsOften])])
    func aCardThatBringsGoodsBackAgainAndAgain(_ returns: Int, _ expected: [Sign]) throws {
        var uses: [FraudSigns.Use] = []
        for day in 0..<returns {
            uses += [try Self.use(0, day: day, cashier: nil), try Self.use(9, day: day, cashier: nil, returns: true)]
        }
        #expect(last(uses) == expected)
    }

    @Test func whatARestartRecallsCounts() throws {
        var signs = FraudSigns()
        for hour in 0..<3 { signs.recall(try Self.use(Int64(hour) * 60)) }
        #expect(signs.note(try Self.use(240)) == [.cardOften])
    }

    @Test func zeroSwitchesASignOff() throws {
        var limits = FraudSigns.Limits()
        (limits.cardUses, limits.cardUsesMany, limits.again, limits.cashierPercent) = (0, 0, .zero, 0)
        #expect(last(try (0..<20).map { try Self.use(Int64($0)) }, limits) == [])
    }

    @Test func cardsWithoutEndAreForgotten() throws {
        var signs = FraudSigns()
        for card in 0..<40_000 { _ = signs.note(try Self.use(Int64(card / 100), card: "m\(card)", cashier: nil)) }
        // The newest are still known.
        #expect(signs.note(try Self.use(400, card: "m39999", cashier: nil)) == [.cardAgainSoon])
        #expect(signs.note(try Self.use(401, card: "m0", cashier: nil)) == [])
    }
}
