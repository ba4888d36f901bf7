import EarnRules
import Foundation
import GRDB
import LoyaltyModel
import Testing

@testable import Storage

/// The decision table of the till protocol, row by row.
@Suite struct Duplicates {
    private typealias Known = DuplicateDecision.KnownSale

    private func decide(
        _ sales: [Known] = [], revision: Int64? = nil, closed: Int64 = 0, recent: Bool = false
    ) -> DuplicateDecision {
        .decide(
            known: sales, revision: revision, closedAt: Timestamp(microseconds: closed),
            isFingerprintRecent: recent)
    }

    private func known(
        _ id: Int64, _ content: Known.Content, _ identity: Known.Identity = .unknown, revision: Int64? = nil,
        closed: Int64 = 0, isSameDay: Bool = true
    ) -> Known {
        Known(
            id: id, content: content, identity: identity, isSameDay: isSameDay, revision: revision,
            closedAt: Timestamp(microseconds: closed))
    }

    @Test func theTillsOwnIdTellsSalesOfOneNumberApart() {
        let reused = known(2, .other, .different, closed: 60)
        #expect(decide([reused], revision: 1) == .new(flags: ["number_reused"]))
        #expect(decide([reused, known(1, .other, .equal)], revision: 1) == .revision(of: 1, implicit: false))
        #expect(decide([known(1, .same, .different, closed: 60)]) == .new(flags: ["number_reused"]))
        #expect(decide([known(1, .same, .different)]) == .duplicate(of: 1))
        #expect(decide([known(1, .superseded, .equal, closed: 60)]) == .duplicate(of: 1))
    }

    /// Under the till's own id it is one sale, closed when it may; the later state counts.
    @Test func anotherClosingTimeMakesNoSecondSaleOfOneId() {
        #expect(decide([known(1, .other, .equal, closed: 60)], closed: 90) == .revision(of: 1, implicit: true))
        #expect(
            decide([known(1, .other, .equal, closed: 60)], closed: 30)
                == .duplicate(of: 1, flags: ["earlier_state"]))
        #expect(decide([known(1, .other, .unknown, closed: 60)], closed: 90) == .new(flags: ["number_reused"]))
        let reused = [known(2, .other, .different, closed: 80), known(1, .other, .equal, closed: 60)]
        #expect(decide(reused, closed: 90) == .revision(of: 1, implicit: true))
    }

    /// Ids that begin again every day: only a till that counts its corrections says that it means the sale of another day.
    @Test func oneIdOnTwoDaysIsTwoSales() {
        let yesterday = known(1, .other, .equal, closed: 60, isSameDay: false)
        #expect(decide([yesterday], closed: 90) == .new(flags: ["number_reused"]))
        #expect(decide([yesterday], revision: 1, closed: 90) == .revision(of: 1, implicit: false))
        #expect(decide([yesterday], closed: 60) == .revision(of: 1, implicit: true))
        let newer = known(2, .other, .equal, closed: 80, isSameDay: false)
        #expect(decide([newer, known(1, .other, .equal, closed: 60)], closed: 70) == .revision(of: 1, implicit: true))
    }

    @Test func everyRowOfTheTableForNewEvents() {
        #expect(decide([known(1, .same, revision: 4)]) == .duplicate(of: 1))
        #expect(decide([known(1, .other)], revision: 1) == .revision(of: 1, implicit: false))
        #expect(decide([known(1, .other)]) == .revision(of: 1, implicit: true))
        #expect(decide([known(1, .other, revision: 1)]) == .duplicate(of: 1), "the first state after its correction")
        #expect(decide([known(1, .other)], closed: 60) == .new(flags: ["number_reused"]))
        #expect(decide(recent: true) == .new(flags: ["suspected_duplicate"]))
        #expect(decide() == .new(flags: []))
    }

    @Test func aResendThatWasOvertakenByACorrectionUndoesNothing() {
        #expect(decide([known(1, .superseded, revision: 2)]) == .duplicate(of: 1))
        #expect(decide([known(1, .superseded, revision: 2)], revision: 3) == .revision(of: 1, implicit: false))
        #expect(decide([known(1, .other, revision: 2)], revision: 1) == .duplicate(of: 1))
    }

    @Test func whereANumberWasUsedTwiceTheRightSaleIsMeant() {
        let both = [known(2, .other, closed: 60), known(1, .same, closed: 0)]
        #expect(decide(both, closed: 0) == .duplicate(of: 1))
        let neither = [known(2, .other, closed: 60), known(1, .other, closed: 0)]
        #expect(decide(neither, closed: 0) == .revision(of: 1, implicit: true))
        #expect(decide(neither, revision: 1, closed: 60) == .revision(of: 2, implicit: false))
        #expect(decide(neither, closed: 90) == .new(flags: ["number_reused"]))
    }
}

@Suite struct PostingSales {
    private func terminal() async throws -> Terminal {
        let terminal = try Terminal()
        try await terminal.importMembers([
            try member("anna", cards: "2984000000011"), try member("ben", cards: "2984000000028"),
        ])
        return terminal
    }

    @Test func aSaleGivesItsPointsOnceHoweverOftenItIsSent() async throws {
        let terminal = try await terminal()
        let card = try await terminal.attachment("2984000000011")
        let sale = try sale("1", [line("1", "A", "2", "12.34")])
        let first = try await terminal.send(sale, id: "e1", card: card)
        #expect(first.decision == .accepted)
        #expect(first.earned?.description == "12")
        #expect(first.member == MemberID("anna"))
        // The same event, also without its card; then the same sale under a new event id.
        #expect(try await terminal.send(sale, id: "e1").decision == .duplicate)
        let repeated = try await terminal.send(sale, id: "e2", card: card)
        #expect(repeated.decision == .duplicate)
        #expect(repeated.sale == first.sale)
        try terminal.reopen()
        #expect(try await terminal.send(sale, id: "e1", card: card).decision == .duplicate)
        #expect(try await terminal.points(of: "anna") == "12")
        #expect(try await terminal.outbox.depth().ready == 1)
    }

    /// The points of the first customer stay, and the second one's sale counts.
    @Test func anIdThatBeginsAgainTheNextDayIsAnotherSale() async throws {
        let terminal = try await terminal()
        var first = try sale("1", [line("1", "A", "1", "5.00")])
        first.uid = "7"
        try await terminal.send(first, id: "e1", card: try await terminal.attachment("2984000000011"))
        var second = try sale("1", [line("1", "A", "1", "8.00")], closed: "2027-03-03T09:59:00Z")
        second.uid = "7"
        let outcome = try await terminal.send(
            second, id: "e2", card: try await terminal.attachment("2984000000028"), day: try CalendarDate("2027-03-03"))
        #expect(outcome.decision == .accepted)
        #expect(outcome.flags == ["number_reused"])
        #expect(try await terminal.points(of: "anna") == "5")
        #expect(try await terminal.points(of: "ben") == "8")
    }

    @Test func aStateThatWasClosedEarlierIsFlaggedAndChangesNothing() async throws {
        let terminal = try await terminal()
        let card = try await terminal.attachment("2984000000011")
        var first = try sale("1", [line("1", "A", "1", "5.00")])
        first.uid = "7"
        let stored = try await terminal.send(first, id: "e1", card: card)
        var other = try sale("1", [line("1", "A", "1", "8.00")], closed: "2027-03-02T09:49:00Z")
        other.uid = "7"
        let outcome = try await terminal.send(other, id: "e2", card: card)
        #expect(outcome.decision == .duplicate)
        #expect(outcome.flags == ["earlier_state"])
        #expect(try await terminal.points(of: "anna") == "5")
        let detail = try await SalesRegister(terminal.database).detail(try #require(stored.sale))
        #expect(detail?.row.flags == ["earlier_state"])
    }

    @Test func oneIdWithOtherContentIsAConflict() async throws {
        let terminal = try await terminal()
        let card = try await terminal.attachment("2984000000011")
        try await terminal.send(sale("1", [line("1", "A", "1", "5.00")]), id: "e1", card: card)
        let outcome = try await terminal.send(sale("1", [line("1", "A", "1", "50.00")]), id: "e1", card: card)
        #expect(outcome.decision == .identityConflict)
        #expect(try await terminal.points(of: "anna") == "5")
    }

    @Test func aRevisionPostsTheDifference() async throws {
        let terminal = try await terminal()
        let card = try await terminal.attachment("2984000000011")
        try await terminal.send(
            sale("1", [line("1", "A", "1", "5.00"), line("2", "B", "1", "7.00")]), id: "e1", card: card)
        var corrected = try sale("1", [line("1", "A", "1", "5.00"), line("2", "B", "1", "4.00")])
        corrected.revision = 2
        let outcome = try await terminal.send(corrected, id: "e2", card: card)
        #expect(outcome.decision == .revised)
        #expect(outcome.earned?.description == "-3")
        #expect(try await terminal.points(of: "anna") == "9")
        // The same closing time without a revision number is a silent correction.
        let silent = try await terminal.send(sale("1", [line("1", "A", "1", "6.00")]), id: "e3", card: card)
        #expect(silent.flags.contains("implicit_revision"))
        #expect(try await terminal.points(of: "anna") == "6")
    }

    @Test func aReusedNumberIsANewSaleWithAFlag() async throws {
        let terminal = try await terminal()
        let card = try await terminal.attachment("2984000000011")
        try await terminal.send(sale("1", [line("1", "A", "1", "5.00")]), id: "e1", card: card)
        let outcome = try await terminal.send(
            sale("1", [line("1", "B", "1", "8.00")], closed: "2027-03-02T09:59:30Z"), id: "e2", card: card)
        #expect(outcome.decision == .accepted)
        #expect(outcome.flags == ["number_reused"])
        #expect(try await terminal.points(of: "anna") == "13")
    }

    @Test func equalContentUnderAnotherNumberIsSuspect() async throws {
        let terminal = try await terminal()
        try await terminal.send(sale("1", [line("1", "A", "1", "5.00")]), id: "e1")
        #expect(
            try await terminal.send(sale("2", [line("1", "A", "1", "5.00")]), id: "e2").flags == ["suspected_duplicate"]
        )
        let later = terminal.now.adding(seconds: 121)
        #expect(try await terminal.send(sale("3", [line("1", "A", "1", "5.00")]), id: "e3", at: later).flags.isEmpty)
    }

    @Test func partialReturnsTakeExactlyWhatWasGiven() async throws {
        let terminal = try await terminal()
        let card = try await terminal.attachment("2984000000011")
        // 3 pieces for 10.00: 10 points; the returns take floor(10/3)=3, floor(20/3)-3=3, 10-6=4.
        try await terminal.send(sale("1", [line("1", "A", "3", "10.00")]), id: "e1", card: card)
        for (number, expected) in [("2", "7"), ("3", "4"), ("4", "0"), ("5", "0")] {
            var back = try line("1", "A", "-1", "-3.33")
            back.returned = ReturnReference(link: SaleLink(relation: .returns, number: "1", line: "1"))
            var document = try sale(number, [back], closed: "2027-03-02T09:59:0\(number)Z")
            document.kind = .return
            // No card is shown: the points come off the member who got them.
            try await terminal.send(document, id: "r\(number)")
            #expect(try await terminal.points(of: "anna") == expected, "after return \(number)")
        }
    }

    @Test func aReturnNeverTouchesAnotherMember() async throws {
        let terminal = try await terminal()
        try await terminal.send(
            sale("1", [line("1", "A", "1", "10.00")]), id: "e1", card: terminal.attachment("2984000000011"))
        try await terminal.send(
            sale("2", [line("1", "A", "1", "20.00")]), id: "e2", card: terminal.attachment("2984000000028"))
        var back = try line("1", "A", "-1", "-10.00")
        back.returned = ReturnReference(link: SaleLink(relation: .returns, number: "1"))
        let outcome = try await terminal.send(
            sale("3", [back]), id: "e3", card: terminal.attachment("2984000000028"))
        #expect(outcome.earned?.description == "0")
        #expect(try await terminal.points(of: "anna") == "0")
        #expect(try await terminal.points(of: "ben") == "20")
    }

    @Test func aReturnWithoutReceiptFindsTheMembersLastPurchase() async throws {
        let terminal = try await terminal()
        let card = try await terminal.attachment("2984000000011")
        try await terminal.send(
            sale("1", [line("1", "A", "2", "8.00")], closed: "2027-03-01T09:00:00Z"), id: "e1", card: card)
        try await terminal.send(
            sale("2", [line("1", "A", "1", "6.00")], closed: "2027-03-02T09:00:00Z"), id: "e2", card: card)
        // Two pieces come back: 6 points of the last purchase, then 4 of the earlier one.
        let outcome = try await terminal.send(sale("3", [line("1", "A", "-2", "-10.00")]), id: "e3", card: card)
        #expect(outcome.earned?.description == "-10")
        let stray = try await terminal.send(
            sale("4", [line("1", "Z", "-1", "-3.00")], closed: "2027-03-02T09:59:30Z"), id: "e4", card: card)
        #expect(stray.flags == ["unmatched_return"])
        #expect(try await terminal.points(of: "anna") == "4")
    }

    @Test func aVoidTakesAllThatIsLeft() async throws {
        let terminal = try await terminal()
        let card = try await terminal.attachment("2984000000011")
        let original = try sale("1", [line("1", "A", "2", "8.00"), line("2", "B", "0", "5.00")])
        try await terminal.send(original, id: "e1", card: card)
        var back = try line("1", "A", "-1", "-4.00")
        back.returned = ReturnReference(link: SaleLink(relation: .returns, number: "1", line: "1"))
        try await terminal.send(sale("2", [back]), id: "e2")
        #expect(try await terminal.points(of: "anna") == "9")
        var void = original
        void.state = .voided
        #expect(try await terminal.send(void, id: "e3", verb: .void).decision == .voided)
        #expect(try await terminal.points(of: "anna") == "0")
        // A second void, under its own id, finds nothing to take.
        try await terminal.send(void, id: "e4", verb: .void)
        #expect(try await terminal.points(of: "anna") == "0")
    }

    @Test func aVoidThatComesFirstIsRemembered() async throws {
        let terminal = try await terminal()
        let original = try sale("1", [line("1", "A", "2", "8.00")])
        #expect(try await terminal.send(original, id: "v", verb: .void).flags == ["voids_unknown_sale"])
        let late = try await terminal.send(original, id: "e1", card: terminal.attachment("2984000000011"))
        #expect(late.flags == ["voided_before_arrival"])
        #expect(try await terminal.points(of: "anna") == "0")
    }

    @Test func aLateCardEarnsOnce() async throws {
        let terminal = try await terminal()
        let first = try await terminal.send(sale("1", [line("1", "A", "1", "10.00")]), id: "e1")
        #expect(first.earned == nil)
        let reference = try #require(first.sale)
        for (card, decision) in [("2984000000011", LedgerOutcome.Decision.accepted), ("2984000000028", .duplicate)] {
            let outcome = try await terminal.ledger.attachLate(
                terminal.attachment(card), to: reference, programs: ProgramVersions([terminal.program]),
                receivedAt: terminal.now,
                receivedDay: terminal.now.date
            ).value
            #expect(outcome.decision == decision)
        }
        #expect(try await terminal.points(of: "anna") == "10")
        #expect(try await terminal.points(of: "ben") == "0")
    }

    @Test func theDayAddsUp() async throws {
        let terminal = try await terminal()
        let card = try await terminal.attachment("2984000000011")
        try await terminal.send(sale("1", [line("1", "A", "1", "10.00")]), id: "e1", card: card)
        try await terminal.send(sale("2", [line("1", "B", "1", "3.00")]), id: "e2")
        try await terminal.send(
            sale("3", [line("1", "A", "-1", "-10.00")], closed: "2027-03-02T09:59:30Z"), id: "e3", card: card)
        terminal.ledger.count("scan.payment_card", on: terminal.now.date)
        try await terminal.database.checkWriter()
        let figures = try await SalesRegister(terminal.database).figures(of: terminal.now.date)
        #expect(figures.sales == 3)
        #expect(figures.matched == 2)
        #expect(figures.given.description == "10")
        #expect(figures.takenBack.description == "10")
        #expect(figures.counts["scan.payment_card"] == 1)
    }
}

@Suite struct TheOutbox {
    @Test func orderHoldsPerMemberAndOneBadEventHoldsUpOneMember() async throws {
        let terminal = try Terminal()
        try await terminal.importMembers([try member("anna", cards: "11111"), try member("ben", cards: "22222")])
        for (number, card) in [("1", "11111"), ("2", "11111"), ("3", "22222")] {
            try await terminal.send(
                sale(number, [line("1", "A", "1", "\(number).00")]), id: number, card: terminal.attachment(card))
        }
        var due = try await terminal.outbox.due(limit: 10, at: terminal.now)
        #expect(try await terminal.sequences(due.map(\.id)) == [1, 3])
        let later = terminal.now.adding(seconds: 30)
        try await terminal.outbox.record([
            DeliveryRecord(
                id: try await terminal.id(1), outcome: .retry(notBefore: later, reason: "503"), at: terminal.now),
            DeliveryRecord(id: try await terminal.id(3), outcome: .delivered(warning: nil), at: terminal.now),
        ])
        #expect(try await terminal.outbox.due(limit: 10, at: terminal.now).isEmpty)
        #expect(try await terminal.sequences(terminal.outbox.due(limit: 10, at: later).map(\.id)) == [1])
        #expect(try await terminal.outbox.due(limit: 10, at: later).first?.attempts == 1)
        try await terminal.outbox.record([
            DeliveryRecord(id: try await terminal.id(1), outcome: .dead(reason: "422"), at: later)
        ])
        due = try await terminal.outbox.due(limit: 10, at: later)
        #expect(try await terminal.sequences(due.map(\.id)) == [2])
        #expect(try await terminal.outbox.depth().ready == 1)
        #expect(try await terminal.outbox.depth().dead == 1)
        #expect(try await terminal.outbox.depth().sent == 1)
        #expect(try await terminal.outbox.retry([]) == 1)
        #expect(try await terminal.sequences(terminal.outbox.due(limit: 10, at: later).map(\.id)) == [1])
    }

    @Test func anUnknownCardTravelsSealedAndIsForgottenWhenDelivered() async throws {
        let terminal = try Terminal()
        let number = "2984000777770"
        try await terminal.send(
            sale("1", [line("1", "A", "1", "4.00")]), id: "e1", card: terminal.attachment(number))
        let event = try #require(try await terminal.outbox.due(limit: 1, at: terminal.now).first)
        #expect(event.card?.value == number)
        #expect(!String(decoding: event.data, as: UTF8.self).contains(number))
        let database = try Data(contentsOf: URL(filePath: terminal.database.path + "-wal"))
        #expect(database.range(of: Data(number.utf8)) == nil)
        try await terminal.outbox.record([
            DeliveryRecord(id: event.id, outcome: .delivered(warning: nil), at: terminal.now)
        ])
        let sealed = try await terminal.database.pool.read {
            try Data?.fetchOne($0, sql: "SELECT sealed_card FROM outbox WHERE entry_id = ?", arguments: [event.id])
        }
        #expect(sealed == .some(nil) || sealed == nil)
    }

    @Test func numbersGoOnAfterARestart() async throws {
        let terminal = try Terminal()
        try await terminal.importMembers([try member("anna", cards: "11111")])
        try await terminal.send(sale("1", [line("1", "A", "1", "4.00")]), id: "1", card: terminal.attachment("11111"))
        try terminal.reopen()
        let outcome = try await terminal.send(
            sale("2", [line("1", "A", "1", "5.00")]), id: "2", card: terminal.attachment("11111"))
        #expect(try await terminal.sequences(outcome.transactions) == [2])
        #expect(try await terminal.allEvents().map(\.sequence) == [1, 2])
    }

    /// The back end knows what was sent after the backup: a sale that comes again must have its id, another one a new id.
    @Test func anOldBackupRepeatsNoIdForAnotherSale() async throws {
        let terminal = try Terminal()
        try await terminal.importMembers([try member("anna", cards: "11111")])
        let card = try await terminal.attachment("11111")
        try await terminal.send(sale("1", [line("1", "A", "1", "4.00")]), id: "1", card: card)
        let backup = NSTemporaryDirectory() + "loyaltyd-backup-" + UUID().uuidString + ".sqlite"
        defer { try? FileManager.default.removeItem(atPath: backup) }
        try await terminal.database.pool.writeWithoutTransaction {
            try $0.execute(sql: "VACUUM INTO ?", arguments: [backup])
        }
        let second = try sale("2", [line("1", "A", "1", "5.00")])
        let sent = try await terminal.send(second, id: "2", card: card)
        try terminal.restore(backup)
        let other = try await terminal.send(sale("3", [line("1", "A", "1", "5.00")]), id: "3", card: card)
        #expect(try await terminal.sequences(other.transactions) == [2])
        #expect(other.transactions != sent.transactions)
        // The till sends it once more, under another event id.
        let again = try await terminal.send(second, id: "2-again", card: card)
        #expect(again.decision == .accepted)
        #expect(again.transactions == sent.transactions)
    }
}
