import EarnRules
import Foundation
import LoyaltyModel
import Testing

@testable import Storage

/// Points for a receipt that is shown later.
@Suite struct Claims {
    private func terminal() async throws -> Terminal {
        let terminal = try Terminal()
        try await terminal.importMembers([
            try member("anna", cards: "2984000000011"), try member("ben", cards: "2984000000028"),
        ])
        return terminal
    }

    private func claim(
        _ name: String, _ card: String, _ terminal: Terminal, at time: String = "2027-03-03T10:00:00Z"
    ) async throws -> LedgerOutcome {
        let time = try Timestamp(time)
        return try await terminal.ledger.claim(
            name, for: try await terminal.attachment(card), programs: try ProgramVersions([terminal.program]),
            receivedAt: time, receivedDay: time.date
        ).value
    }

    private func code(
        _ name: String, _ terminal: Terminal, at time: String = "2027-03-03T10:00:00Z"
    ) async -> String? {
        do {
            _ = try await claim(name, "2984000000028", terminal, at: time)
            return nil
        } catch { return (error as? LoyaltyError)?.code.name }
    }

    private func sold(_ number: String, receipt: String? = nil, _ terminal: Terminal) async throws {
        var sale = try sale(number, [line("1", "A", "1", "40.00")])
        sale.receipt = receipt
        try await terminal.send(sale, id: "e\(number)")
    }

    @Test func aReceiptCountsOnceAndForFourteenDays() async throws {
        let terminal = try await terminal()
        try await sold("1", receipt: "R-1", terminal)
        let outcome = try await claim("R-1", "2984000000011", terminal)
        #expect(outcome.earned?.description == "40")
        #expect(outcome.member == MemberID("anna") && outcome.flags == ["claimed"])
        #expect(await code("R-1", terminal) == "claim.taken")
        #expect(await code("1", terminal) == "claim.taken", "by another of its names")
        #expect(await code("R-2", terminal) == "claim.unknown")
        try await sold("2", receipt: "R-3", terminal)
        // Sold on 2 March at 09:59.
        #expect(await code("R-3", terminal, at: "2027-03-16T10:00:00Z") == "claim.too_old")
        #expect(try await claim("R-3", "2984000000028", terminal, at: "2027-03-16T09:00:00Z").earned != nil)
        #expect(try await terminal.points(of: "anna") == "40")
        #expect(try await terminal.points(of: "ben") == "40")
    }

    @Test func whatIsNotSureIsRefused() async throws {
        let terminal = try await terminal()
        try await sold("1", terminal)
        var other = try sale("1", [line("1", "B", "1", "7.00")], closed: "2027-03-02T09:30:00Z")
        other.register = "2"
        try await terminal.send(other, id: "other")
        #expect(await code("1", terminal) == "claim.ambiguous")
        #expect(try await claim("s-t-test-2", "2984000000011", terminal).earned?.description == "7")
        try await sold("5", terminal)
        var void = try sale("9", [], closed: "2027-03-02T10:40:00Z")
        void.state = .voided
        void.links = [SaleLink(relation: .voids, number: "5")]
        try await terminal.send(void, id: "void", verb: .void)
        #expect(await code("5", terminal) == "claim.voided")
        try await terminal.send(
            sale("6", [line("1", "A", "1", "40.00")]), id: "e6", card: try await terminal.attachment("2984000000011"))
        #expect(await code("6", terminal) == "claim.taken")
    }

    /// Goods that came back before the receipt was shown earn nothing.
    @Test func whatCameBackEarnsNothing() async throws {
        let terminal = try await terminal()
        try await terminal.send(sale("1", [line("1", "A", "4", "40.00")]), id: "e1")
        var back = try sale("2", [line("1", "A", "-1", "-10.00")], closed: "2027-03-02T10:30:00Z")
        back.lines[0].returned = ReturnReference(link: SaleLink(relation: .returns, number: "1"))
        try await terminal.send(back, id: "e2")
        #expect(try await claim("1", "2984000000011", terminal).earned?.description == "30")
    }
}
