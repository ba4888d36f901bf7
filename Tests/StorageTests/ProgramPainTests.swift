import EarnRules
import Foundation
import LoyaltyModel
import Storage
import Testing

/// Those of the fifteen complaints about loyalty programs (docs/program-pains.md) that a store's ledger answers.
@Suite struct StoredPains {
    private func terminal() async throws -> Terminal {
        let terminal = try Terminal()
        var old = try member("old", cards: "1111222")
        old.member.status = .replaced(by: MemberID("anna"))
        try await terminal.importMembers([try member("anna", cards: "2984000000011", "2984000000028"), old])
        return terminal
    }

    @Test func refundLeavesThePoints() async throws {
        let terminal = try await terminal()
        for round in 1...3 {
            try await terminal.send(
                sale("\(round)0", [line("1", "A", "2", "12.34")]), id: "s\(round)",
                card: terminal.attachment("2984000000011"))
            #expect(try await terminal.points(of: "anna") == "12")
            var back = try line("1", "A", "-2", "-12.34")
            back.returned = ReturnReference(link: SaleLink(relation: .returns, number: "\(round)0", line: "1"))
            try await terminal.send(sale("\(round)1", [back]), id: "r\(round)")
            #expect(try await terminal.points(of: "anna") == "0")
        }
    }

    @Test func retryDoublesThePoints() async throws {
        let terminal = try await terminal()
        let card = try await terminal.attachment("2984000000011")
        let sale = try sale("1", [line("1", "A", "1", "10.00")])
        try await terminal.send(sale, id: "e1", card: card)
        // The answer was lost; the till sends again, also after a restart of either side.
        for id in ["e1", "e2"] {
            #expect(try await terminal.send(sale, id: id, card: card).decision == .duplicate)
            try terminal.reopen()
        }
        #expect(try await terminal.points(of: "anna") == "10")
        #expect(try await terminal.outbox.depth().ready == 1)
    }

    @Test func twoCardsForOnePerson() async throws {
        let terminal = try await terminal()
        for (number, card) in ["2984000000011", "2984000000028", "1111222"].enumerated() {
            try await terminal.send(
                sale("\(number)", [line("1", "A", "1", "\(number + 1)0.00")]), id: "e\(number)",
                card: terminal.attachment(card))
        }
        #expect(try await terminal.points(of: "anna") == "60")
        #expect(try await terminal.points(of: "old") == "0")
    }

    @Test func silosByChannel() async throws {
        let terminal = try await terminal()
        let card = try await terminal.attachment("2984000000011")
        var online = try sale("W-1", [line("1", "A", "1", "30.00")])
        online.channel = "online"
        try await terminal.send(online, id: "w1", card: card)
        try await terminal.send(sale("1", [line("1", "A", "1", "4.00")]), id: "e1", card: card)
        // The order comes a second time, with the import of the web shop's orders.
        try await terminal.send(online, id: "import-1", card: card)
        #expect(try await terminal.points(of: "anna") == "34")
    }

    @Test func pointsLostByARace() async throws {
        let terminal = try await terminal()
        let card = try await terminal.attachment("2984000000011")
        // Many sales at once, none of which waits for another.
        let tickets = try (1...40).map { number in
            terminal.submit(
                try sale("\(number)", [line("1", "A", "1", "\(number).00")]), id: "e\(number)", card: card)
        }
        for ticket in tickets { #expect(try await ticket.value.decision == .accepted) }
        #expect(try await terminal.points(of: "anna") == "820")
        // The card is shown after the sale was finished.
        let first = try await terminal.send(sale("99", [line("1", "A", "1", "10.00")]), id: "late")
        let reference = try #require(first.sale)
        _ = try await terminal.ledger.attachLate(
            card, to: reference, programs: ProgramVersions([terminal.program]), receivedAt: terminal.now,
            receivedDay: terminal.now.date
        ).value
        #expect(try await terminal.points(of: "anna") == "830")
    }
}
