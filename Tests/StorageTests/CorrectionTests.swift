import EarnRules
import Foundation
import GRDB
import LoyaltyModel
import Testing

@testable import Storage

/// Corrections, returns and voids in the orders that went wrong elsewhere.
@Suite struct Corrections {
    private let anna = "2984000000011"
    private let ben = "2984000000028"

    private func terminal(_ program: String = Terminal.onePointPerPound) async throws -> Terminal {
        let terminal = try Terminal(program: program)
        try await terminal.importMembers([try member("anna", cards: anna), try member("ben", cards: ben)])
        return terminal
    }

    private func back(
        _ code: String, _ quantity: String, _ link: SaleLink?, number: String, closed: String = "2027-03-02T10:30:00Z"
    ) throws -> Sale {
        var line = try line("1", code, quantity, "-1.00")
        line.returned = link.map { ReturnReference(link: $0) }
        var document = try sale(number, [line], closed: closed)
        document.kind = .return
        return document
    }

    @Test func aRevisionToNothingTakesEverything() async throws {
        let terminal = try await terminal()
        try await terminal.send(sale("1", [line("1", "A", "1", "5.00")]), id: "e1", card: terminal.attachment(anna))
        var empty = try sale("1", [])
        empty.revision = 2
        #expect(try await terminal.send(empty, id: "e2").decision == .revised)
        #expect(try await terminal.points(of: "anna") == "0")
    }

    @Test func aRevisionWithoutTheReturnedLineTakesItOnce() async throws {
        let terminal = try await terminal()
        let card = try await terminal.attachment(anna)
        let lines = [try line("1", "A", "1", "5.00"), try line("2", "B", "1", "7.00")]
        try await terminal.send(sale("1", lines), id: "e1", card: card)
        try await terminal.send(
            back("B", "-1", SaleLink(relation: .returns, number: "1", line: "2"), number: "2"), id: "r")
        #expect(try await terminal.points(of: "anna") == "5")
        for (revision, kept) in [(Int64(2), Array(lines.prefix(1))), (3, lines)] {
            var corrected = try sale("1", kept)
            corrected.revision = revision
            try await terminal.send(corrected, id: "e\(revision)")
            #expect(try await terminal.points(of: "anna") == "5", "revision \(revision)")
        }
    }

    @Test func aRevisionThatNumbersItsLinesAnewKeepsTheReturn() async throws {
        let terminal = try await terminal()
        try await terminal.send(
            sale("1", [line("1", "A", "1", "5.00"), line("2", "B", "1", "7.00")]), id: "e1",
            card: terminal.attachment(anna))
        try await terminal.send(
            back("B", "-1", SaleLink(relation: .returns, number: "1", line: "2"), number: "2"), id: "r")
        var corrected = try sale("1", [line("1", "B", "1", "7.00"), line("2", "C", "1", "9.00")])
        corrected.revision = 2
        try await terminal.send(corrected, id: "e2")
        #expect(try await terminal.points(of: "anna") == "9")
    }

    @Test func aRevisedReturnTakesTheDifference() async throws {
        let terminal = try await terminal()
        try await terminal.send(sale("1", [line("1", "A", "4", "8.00")]), id: "e1", card: terminal.attachment(anna))
        let link = SaleLink(relation: .returns, number: "1")
        try await terminal.send(back("A", "-1", link, number: "2"), id: "r1")
        #expect(try await terminal.points(of: "anna") == "6")
        var corrected = try back("A", "-3", link, number: "2")
        corrected.revision = 2
        try await terminal.send(corrected, id: "r2")
        #expect(try await terminal.points(of: "anna") == "2")
    }

    @Test func aVoidedReturnGivesBackWhatItTook() async throws {
        let terminal = try await terminal()
        let original = try sale("1", [line("1", "A", "2", "8.00")])
        try await terminal.send(original, id: "e1", card: terminal.attachment(anna))
        let document = try back("A", "-1", SaleLink(relation: .returns, number: "1"), number: "2")
        try await terminal.send(document, id: "r1")
        try await terminal.send(document, id: "r1v", verb: .void)
        #expect(try await terminal.points(of: "anna") == "8")
        // Nothing comes back to life when the sale itself was voided meanwhile.
        let again = try back("A", "-1", SaleLink(relation: .returns, number: "1"), number: "3")
        try await terminal.send(again, id: "r2")
        try await terminal.send(original, id: "e1v", verb: .void)
        try await terminal.send(again, id: "r2v", verb: .void)
        #expect(try await terminal.points(of: "anna") == "0")
    }

    @Test func aLateCardEarnsNothingForGoodsThatCameBack() async throws {
        let terminal = try await terminal()
        let outcome = try await terminal.send(sale("1", [line("1", "A", "1", "5.00")]), id: "e1")
        try await terminal.send(back("A", "-1", SaleLink(relation: .returns, number: "1"), number: "2"), id: "r1")
        let late = try await terminal.ledger.attachLate(
            terminal.attachment(anna), to: #require(outcome.sale), programs: ProgramVersions([terminal.program]),
            receivedAt: terminal.now, receivedDay: terminal.now.date
        ).value
        #expect(late.earned?.description == "0")
        #expect(try await terminal.points(of: "anna") == "0")
    }

    @Test func aReturnThatOvertookItsSaleCounts() async throws {
        let terminal = try await terminal()
        let flags = try await terminal.send(
            back("A", "-1", SaleLink(relation: .returns, number: "1"), number: "2"), id: "r1"
        ).flags
        #expect(flags == ["unmatched_return"])
        let outcome = try await terminal.send(
            sale("1", [line("1", "A", "2", "8.00")]), id: "e1", card: terminal.attachment(anna))
        #expect(outcome.earned?.description == "4")
    }

    @Test func aLineThatWasPartlyCancelledGoesBackWhole() async throws {
        let terminal = try await terminal()
        var cancel = try line("2", "A", "-1", "-3.00")
        cancel.voids = "1"
        try await terminal.send(
            sale("1", [line("1", "A", "3", "9.00"), cancel]), id: "e1", card: terminal.attachment(anna))
        #expect(try await terminal.points(of: "anna") == "6")
        try await terminal.send(back("A", "-2", SaleLink(relation: .returns, number: "1"), number: "2"), id: "r1")
        #expect(try await terminal.points(of: "anna") == "0")
    }

    @Test func severalLinesOfOneProductAndWeighedGoodsAddUp() async throws {
        let terminal = try await terminal()
        try await terminal.send(
            sale(
                "1",
                [
                    line("1", "A", "1", "5.00"), line("2", "A", "2", "7.00"), line("3", "K", "0.750", "10.00"),
                    line("4", "Z", "0", "4.00"),
                ]),
            id: "e1", card: terminal.attachment(anna))
        let link = SaleLink(relation: .returns, number: "1")
        try await terminal.send(back("K", "-0.25", link, number: "2"), id: "r1")
        // A third of 10 points, rounded down.
        #expect(try await terminal.points(of: "anna") == "23")
        try await terminal.send(back("A", "-3", link, number: "3"), id: "r2")
        try await terminal.send(back("K", "-0.5", link, number: "4"), id: "r3")
        #expect(try await terminal.points(of: "anna") == "4")
        // Priced by its amount, without a quantity: goes back as a whole.
        try await terminal.send(back("Z", "-1", link, number: "5"), id: "r4")
        #expect(try await terminal.points(of: "anna") == "0")
    }

    @Test func anExchangeIsNotSetAgainstItself() async throws {
        let terminal = try await terminal()
        let card = try await terminal.attachment(anna)
        try await terminal.send(sale("1", [line("1", "A", "1", "5.00")]), id: "e1", card: card)
        let swap = try sale(
            "2", [line("1", "A", "1", "9.00"), line("2", "A", "-1", "-5.00")], closed: "2027-03-02T10:30:00Z")
        try await terminal.send(swap, id: "e2", card: card)
        #expect(try await terminal.points(of: "anna") == "9")
    }

    // MARK: Who and which

    @Test func aRevisionWithAnotherCardLeavesThePointsWhereTheyAre() async throws {
        let terminal = try await terminal()
        try await terminal.send(sale("1", [line("1", "A", "1", "5.00")]), id: "e1", card: terminal.attachment(anna))
        var corrected = try sale("1", [line("1", "A", "1", "8.00")])
        corrected.revision = 2
        let outcome = try await terminal.send(corrected, id: "e2", card: terminal.attachment(ben))
        #expect(outcome.member == MemberID("anna"))
        #expect(outcome.flags == ["card_changed"])
        #expect(try await terminal.points(of: "anna") == "8")
        #expect(try await terminal.points(of: "ben") == "0")
    }

    @Test func anOvertakenResendUndoesNoCorrection() async throws {
        let terminal = try await terminal()
        let first = try sale("1", [line("1", "A", "1", "5.00")])
        try await terminal.send(first, id: "e1", card: terminal.attachment(anna))
        var corrected = try sale("1", [line("1", "A", "1", "8.00")])
        corrected.revision = 2
        try await terminal.send(corrected, id: "e2")
        #expect(try await terminal.send(first, id: "e3").decision == .duplicate)
        #expect(try await terminal.points(of: "anna") == "8")
    }

    @Test func bothSalesOfAReusedNumberAreKnownAgain() async throws {
        let terminal = try await terminal()
        let card = try await terminal.attachment(anna)
        let first = try sale("1", [line("1", "A", "1", "5.00")])
        let second = try sale("1", [line("1", "B", "1", "8.00")], closed: "2027-03-02T10:30:00Z")
        try await terminal.send(first, id: "e1", card: card)
        #expect(try await terminal.send(second, id: "e2", card: card).flags == ["number_reused"])
        #expect(try await terminal.send(first, id: "e3", card: card).decision == .duplicate)
        #expect(try await terminal.send(second, id: "e4", card: card).decision == .duplicate)
        #expect(try await terminal.points(of: "anna") == "13")
        // The void repeats the first document, so the second stays.
        try await terminal.send(first, id: "v1", verb: .void)
        try await terminal.send(first, id: "v2", verb: .void)
        #expect(try await terminal.points(of: "anna") == "8")
    }

    @Test func aResendWithoutClosingTimeIsKnownAgain() async throws {
        let terminal = try await terminal()
        var document = try sale("1", [line("1", "A", "1", "5.00")])
        document.closedAt = nil
        let card = try await terminal.attachment(anna)
        try await terminal.send(document, id: "e1", card: card)
        for (id, seconds) in [("e2", Int64(300)), ("e1", 600)] {
            let outcome = try await terminal.send(
                document, id: id, card: card, at: terminal.now.adding(seconds: seconds))
            #expect(outcome.decision == .duplicate)
        }
        #expect(try await terminal.points(of: "anna") == "5")
    }

    @Test func aVoidThatCameFirstIsForOneDayAndOneSale() async throws {
        let terminal = try await terminal()
        let card = try await terminal.attachment(anna)
        try await terminal.send(sale("1", [line("1", "A", "1", "5.00")]), id: "v", verb: .void)
        let nextDay = try sale("1", [line("1", "A", "1", "5.00")], closed: "2027-03-03T09:00:00Z")
        try await terminal.send(nextDay, id: "e2", card: card, at: Timestamp("2027-03-03T09:00:10Z"))
        #expect(try await terminal.points(of: "anna") == "5")
        let late = try await terminal.send(sale("1", [line("1", "A", "1", "5.00")]), id: "e1", card: card)
        #expect(late.flags.contains("voided_before_arrival"))
        // The till's void arrives again under another id, and a new sale uses the number again.
        try await terminal.send(sale("1", [line("1", "A", "1", "5.00")]), id: "v2", verb: .void)
        let reused = try sale("1", [line("1", "C", "1", "3.00")], closed: "2027-03-02T11:00:00Z")
        try await terminal.send(reused, id: "e3", card: card)
        #expect(try await terminal.points(of: "anna") == "8")
    }

    /// The till was set up anew between void and sale, and sends its journal.
    @Test func aVoidThatCameFirstFindsItsSaleInANewEpochByItsId() async throws {
        let terminal = try await terminal()
        let card = try await terminal.attachment(anna)
        var first = try sale("1", [line("1", "A", "1", "5.00")])
        first.uid = "u-1"
        var void = try sale("2", [line("1", "A", "1", "5.00")])
        void.links = [SaleLink(relation: .voids, uid: "u-1")]
        try await terminal.send(void, id: "v", verb: .void)
        let late = try await terminal.send(first, id: "e1", card: card, epoch: "1")
        #expect(late.flags == ["voided_before_arrival"])
        // A number alone is another sale's in a new epoch.
        try await terminal.send(sale("7", [line("1", "A", "1", "5.00")]), id: "v7", verb: .void)
        let other = try await terminal.send(
            sale("7", [line("1", "A", "1", "5.00")]), id: "e7", card: card, epoch: "1")
        #expect(!other.flags.contains("voided_before_arrival"))
        #expect(try await terminal.points(of: "anna") == "5")
    }

    @Test func aVoidWithoutItsSaleDoesNotHitYesterdaysNumber() async throws {
        let terminal = try await terminal()
        try await terminal.send(sale("1", [line("1", "A", "1", "5.00")]), id: "e1", card: terminal.attachment(anna))
        let other = try sale("1", [line("1", "B", "1", "9.00")], closed: "2027-03-03T09:00:00Z")
        let outcome = try await terminal.send(other, id: "v", verb: .void, at: Timestamp("2027-03-03T09:00:10Z"))
        #expect(outcome.flags == ["voids_unknown_sale"])
        #expect(try await terminal.points(of: "anna") == "5")
    }

    @Test func aUniqueIdLeadsToItsOwnSaleOnly() async throws {
        let terminal = try await terminal()
        var first = try sale("1", [line("1", "A", "1", "5.00")])
        first.uid = "u-1"
        try await terminal.send(first, id: "e1", card: terminal.attachment(anna))
        // Another sale is meant: that the number fits is chance.
        let other = SaleLink(relation: .returns, number: "1", uid: "u-9")
        #expect(try await terminal.send(back("A", "-1", other, number: "2"), id: "r1").flags == ["unmatched_return"])
        let elsewhere = SaleLink(relation: .returns, store: "999", uid: "u-1")
        try await terminal.send(back("A", "-1", elsewhere, number: "3"), id: "r2")
        #expect(try await terminal.points(of: "anna") == "5")
        try await terminal.send(back("A", "-1", SaleLink(relation: .returns, uid: "u-1"), number: "4"), id: "r3")
        #expect(try await terminal.points(of: "anna") == "0")
    }

    /// A link that says the line but not the sale leads nowhere: somebody has to know.
    @Test func aReturnThatNamesALineAloneIsFlagged() async throws {
        let terminal = try await terminal()
        try await terminal.send(
            sale("1", [line("31", "A", "1", "5.00")]), id: "e1", card: terminal.attachment(anna))
        let link = SaleLink(relation: .returns, line: "31")
        #expect(try await terminal.send(back("A", "-1", link, number: "2"), id: "r1").flags == ["unmatched_return"])
        #expect(try await terminal.points(of: "anna") == "5")
    }

    @Test func aReturnThatFitsTwoPeopleTakesFromNeither() async throws {
        let terminal = try await terminal()
        try await terminal.send(
            sale("1", [line("1", "A", "1", "5.00")]), id: "e1", card: terminal.attachment(anna),
            day: CalendarDate("2027-03-01"))
        try await terminal.send(sale("1", [line("1", "A", "1", "6.00")]), id: "e2", card: terminal.attachment(ben))
        let link = SaleLink(relation: .returns, number: "1")
        #expect(try await terminal.send(back("A", "-1", link, number: "2"), id: "r1").flags == ["ambiguous_return"])
        // The card at the counter tells whose sale it was; so does the day.
        try await terminal.send(back("A", "-1", link, number: "3"), id: "r2", card: terminal.attachment(ben))
        #expect(try await terminal.points(of: "ben") == "0")
        let dated = SaleLink(relation: .returns, businessDay: try CalendarDate("2027-03-01"), number: "1")
        try await terminal.send(back("A", "-1", dated, number: "4"), id: "r3")
        #expect(try await terminal.points(of: "anna") == "0")
    }

    @Test func whatAnUnknownCardBoughtIsFoundOnceItsMemberIsKnown() async throws {
        let terminal = try await terminal()
        try await terminal.send(
            sale("1", [line("1", "A", "1", "5.00")]), id: "e1", card: terminal.attachment("2984000777770"))
        try await terminal.importMembers([try member("carl", cards: "2984000777770")])
        let outcome = try await terminal.send(
            back("A", "-1", nil, number: "2"), id: "r1", card: terminal.attachment("2984000777770"))
        #expect(outcome.flags.isEmpty)
        let token = try await terminal.attachment("2984000777770").token?.text
        // It comes off the card that got the points; the back end knows both as one person.
        let taken = try await terminal.allEvents().filter { $0.kind == .returned }
        #expect(taken.map(\.cardToken) == [token])
        #expect(taken.map(\.member) == [nil])
    }

    @Test func tierPointsGoBackInTheirOwnProportion() throws {
        let zero = Points.zero(decimals: 0)
        let accrual = Accrual(
            currency: "points", total: Points(units: 10, decimals: 0), qualifying: Points(units: 5, decimals: 0),
            lines: [("1", 3), ("2", 3), ("3", 4)].map {
                .init(line: $0.0, points: Points(units: $0.1, decimals: 0))
            })
        // floor(5*3/10)=1, floor(5*6/10)-1=2, 5-3=2.
        #expect(try SalePosting.linePoints(accrual).map(\.points.qualifying.units) == [1, 2, 2])
        #expect(try SalePosting.linePoints(accrual).allSatisfy { $0.points.taken == zero })
    }

    // MARK: Numbers that do not fit

    @Test func anOverflowRefusesTheSaleAndWritesNothing() async throws {
        let terminal = try await terminal(
            Terminal.onePointPerPound.replacing("points = \"1\", per", with: "points = \"900000000\", per"))
        let card = try await terminal.attachment(anna)
        let error = await #expect(throws: LoyaltyError.self) {
            try await terminal.send(sale("1", [line("1", "A", "1", "90000000000000000.00")]), id: "e1", card: card)
        }
        #expect(error?.code == .numberOverflow)
        let sales = try await terminal.database.pool.read {
            try Int.fetchOne($0, sql: "SELECT (SELECT count(*) FROM sale) + (SELECT count(*) FROM till_event)")
        }
        #expect(sales == 0)
        let next = try await terminal.send(sale("2", [line("1", "A", "1", "1.00")]), id: "e2", card: card)
        #expect(try await terminal.sequences(next.transactions) == [1])
    }

    @Test func aBalanceHintThatDoesNotFitIsNoReasonToRefuse() async throws {
        let terminal = try await terminal()
        var rich = try member("rich", cards: "2984000000035")
        rich.member.balance = Points(units: .max, decimals: 0)
        try await terminal.importMembers([rich])
        let outcome = try await terminal.send(
            sale("1", [line("1", "A", "1", "5.00")]), id: "e1", card: terminal.attachment("2984000000035"))
        #expect(outcome.earned?.description == "5")
        #expect(outcome.balanceHint == nil)
    }
}
