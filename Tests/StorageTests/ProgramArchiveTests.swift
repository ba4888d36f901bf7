import EarnRules
import LoyaltyModel
import Testing

@testable import Storage

/// Sales that are corrected or get a card after their program file was changed.
@Suite struct ProgramFilesThatChange {
    private let anna = "2984000000011"

    private func program(_ points: Int, effective: String? = nil, hash: String) throws -> Program {
        try Program.load(
            toml: """
                schema = 1
                program = "stars"
                \(effective.map { "effective = \($0)" } ?? "")
                [[earn]]
                id = "base"
                amount = { points = "\(points)", per = "1.00" }
                """, file: nil, hash: hash)
    }

    private func submit(
        _ terminal: Terminal, _ sale: Sale, _ id: String, _ versions: ProgramVersions, card: CardAttachment?
    ) async throws -> LedgerOutcome {
        let closed = try #require(sale.closedAt)
        let event = TillEvent(
            identity: EventIdentity(source: "300/1", epoch: "0", id: id), time: closed, content: .sale(.complete, sale))
        return try await terminal.ledger.submit(
            SaleSubmission(
                event: event, verb: .complete, sale: sale, businessDay: closed.date, attachment: card,
                program: versions.program(at: closed), programs: versions, receivedAt: terminal.now,
                receivedDay: terminal.now.date)
        ).value
    }

    @Test func aCorrectionCountsByTheVersionThatGaveThePoints() async throws {
        let terminal = try Terminal()
        try await terminal.importMembers([try member("anna", cards: anna)])
        let card = try await terminal.attachment(anna)
        let two = try program(2, hash: "two")
        let first = try await submit(
            terminal, sale("1", [line("1", "A", "1", "10.00")]), "e1", ProgramVersions([two]), card: card)
        #expect(first.earned?.description == "20")
        // The file was changed in place: no date says what held when.
        let three = try program(3, hash: "three")
        var corrected = try sale("1", [line("1", "A", "1", "8.00")])
        corrected.revision = 2
        let second = try await submit(
            terminal, corrected, "e2", ProgramVersions([three], kept: [two]), card: card)
        #expect(second.flags == [])
        #expect(try await terminal.points(of: "anna") == "16")
        // Without its copy the present file has to do, and the sale says so.
        corrected.revision = 3
        corrected.lines[0].amount = try Money("7.00", pounds)
        corrected.totals.grand = corrected.lines[0].amount
        let third = try await submit(terminal, corrected, "e3", ProgramVersions([three]), card: card)
        #expect(third.flags == ["rules_changed"])
        #expect(try await terminal.points(of: "anna") == "21")
    }

    @Test func aCardThatIsAddedLaterEarnsByTheVersionOfTheSale() async throws {
        let terminal = try Terminal()
        try await terminal.importMembers([try member("anna", cards: anna)])
        let versions = try ProgramVersions([
            program(2, hash: "two"), program(1, effective: "2027-03-02T10:00:00Z", hash: "one"),
        ])
        let sold = try await submit(
            terminal, sale("1", [line("1", "A", "1", "10.00")], closed: "2027-03-02T09:59:59Z"), "e1", versions,
            card: nil)
        let late = try await terminal.ledger.attachLate(
            terminal.attachment(anna), to: #require(sold.sale), programs: versions, receivedAt: terminal.now,
            receivedDay: terminal.now.date
        ).value
        #expect(late.earned?.description == "20")
    }

    @Test func copiesOutliveTheirFileAndARestart() async throws {
        let terminal = try Terminal()
        let first = ProgramArchive.Copy(hash: "a", file: "program.toml", text: "one")
        let second = ProgramArchive.Copy(hash: "b", file: "program.toml", text: "two")
        try await ProgramArchive(terminal.database).keep([first], at: terminal.now)
        try await ProgramArchive(terminal.database).keep([second], at: terminal.now.adding(seconds: 60))
        try terminal.reopen()
        #expect(try await ProgramArchive(terminal.database).copies() == [second, first])
        // A file that was put back is the latest again.
        try await ProgramArchive(terminal.database).keep([first], at: terminal.now.adding(seconds: 120))
        #expect(try await ProgramArchive(terminal.database).copies() == [first, second])
    }
}
