import Foundation
import GRDB
import LoyaltyModel
import Testing

@testable import Storage

@Suite struct WhenTheDiskIsFull {
    /// SQLite reports SQLITE_FULL at this limit exactly as it does for a full file system.
    private func limit(_ terminal: Terminal, spare pages: Int?) throws {
        try terminal.database.pool.writeWithoutTransaction { database in
            _ = try database.checkpoint(.truncate)
            let count = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            try database.execute(sql: "PRAGMA max_page_count = \(pages.map { count + $0 } ?? 1_000_000)")
        }
    }

    @Test func salesAreRefusedWithTheirOwnCodeAndNothingIsHalfWritten() async throws {
        let terminal = try Terminal()
        try await terminal.importMembers([try member("anna", cards: "11111")])
        let card = try await terminal.attachment("11111")
        try limit(terminal, spare: 12)
        let tickets = try (0..<400).map { index in
            try terminal.submit(sale("\(index)", [line("1", "A", "1", "1.00")]), id: "e\(index)", card: card)
        }
        var accepted: [Int] = []
        for (index, ticket) in tickets.enumerated() {
            do {
                _ = try await ticket.value
                accepted.append(index)
            } catch { #expect(error.code == .storageDiskFull) }
        }
        #expect(accepted.count < 400)
        func check(_ expected: Int) async throws {
            for table in ["sale", "till_event", "ledger_entry", "outbox", "sale_line"] {
                let count = try await terminal.database.pool.read {
                    try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)")
                }
                #expect(count == expected, "\(table)")
            }
            #expect(try await terminal.allEvents().map(\.sequence) == Array(1..<Int64(expected + 1)))
        }
        try await check(accepted.count)
        try limit(terminal, spare: nil)
        // The till sends everything again: the old ones are known, the refused ones go in.
        for index in 0..<400 {
            let outcome = try await terminal.send(
                sale("\(index)", [line("1", "A", "1", "1.00")]), id: "e\(index)", card: card)
            #expect(outcome.decision == (accepted.contains(index) ? .duplicate : .accepted))
        }
        try await check(400)
        let integrity = try await terminal.database.pool.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") }
        #expect(integrity == "ok")
    }

    @Test func anImportThatDoesNotFitTakesNoSaleWithIt() async throws {
        let terminal = try Terminal()
        try await terminal.importMembers([try member("anna", cards: "11111")])
        let card = try await terminal.attachment("11111")
        let generation = try await MemberImport(terminal.database).begin()
        try limit(terminal, spare: 30)
        let rows = try (0..<20_000).map { MemberChange.upsert(try member("member-\($0)", cards: "\(1_000_000 + $0)")) }
        let importer = MemberImport(terminal.database)
        let imported = Task {
            try await importer.apply(rows, generation: generation, snapshot: false)
        }
        // Into the group that waits behind or beside the import.
        let tickets = try (0..<5).map { index in
            try terminal.submit(sale("\(index)", [line("1", "A", "1", "1.00")]), id: "e\(index)", card: card)
        }
        for ticket in tickets { #expect(try await ticket.value.decision == .accepted) }
        let error = await #expect(throws: LoyaltyError.self) { try await imported.value }
        #expect(error?.code == .storageDiskFull)
        #expect(try await terminal.members.count().members == 1)
    }
}

@Suite struct WhenThingsEnd {
    @Test func afterClosingNothingIsPromisedAndNothingHangs() async throws {
        let terminal = try Terminal()
        let tickets = try (0..<300).map { index in
            try terminal.submit(sale("\(index)", [line("1", "A", "1", "1.00")]), id: "e\(index)")
        }
        terminal.database.close()
        for ticket in tickets { #expect(try await ticket.value.decision == .accepted, "taken before the end") }
        let late = try terminal.submit(sale("x", [line("1", "A", "1", "1.00")]), id: "x")
        let error = await #expect(throws: LoyaltyError.self) { try await late.value }
        #expect(error?.code == .storageFailed)
        await #expect(throws: LoyaltyError.self) { try await terminal.members.find(card("11111")) }
        terminal.database.close()
        try terminal.reopen()
        let stored = try await terminal.database.pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM sale") }
        #expect(stored == 300, "what was answered is there, and nothing else")
    }

    @Test func whoeverStopsWaitingChangesNothing() async throws {
        let terminal = try Terminal()
        let ticket = try terminal.submit(sale("1", [line("1", "A", "1", "1.00")]), id: "e1")
        let task = Task { try await ticket.value }
        task.cancel()
        _ = try? await task.value
        #expect(try await terminal.send(sale("1", [line("1", "A", "1", "1.00")]), id: "e1").sale == "s-t-test-1")
    }

    @Test func manyReadersAtOnceAllGetTheirAnswer() async throws {
        let terminal = try Terminal()
        try await terminal.importMembers([try member("anna", cards: "11111")])
        let members = terminal.members
        let found = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<200 {
                group.addTask { try await members.find(card("11111")).member?.id == MemberID("anna") }
            }
            return try await group.reduce(into: 0) { if $1 { $0 += 1 } }
        }
        #expect(found == 200)
    }
}

@Suite struct KeyFiles {
    @Test func anInterruptedFirstStartLeavesNoHalfKey() throws {
        let directory = NSTemporaryDirectory() + "loyaltyd-key-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        // What a start leaves that lost its power while it wrote the draft.
        let draft = "\(directory)/card.key.\(getpid())"
        try Data("0011".utf8).write(to: URL(filePath: draft))
        let key = try CardKey.loadOrCreate(directory + "/card.key")
        #expect(try CardKey.load(directory + "/card.key").bytes == key.bytes)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["card.key"])
    }

    @Test(arguments: ["", "00", "zz", String(repeating: "0", count: 63), String(repeating: "0", count: 66)])
    func aBadKeyIsRefusedAndNeverReplaced(_ text: String) throws {
        let path = NSTemporaryDirectory() + "loyaltyd-" + UUID().uuidString + ".key"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(text.utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        let error = #expect(throws: LoyaltyError.self) { try CardKey.loadOrCreate(path) }
        #expect(error?.code == .storageBadKey)
        #expect(try Data(contentsOf: URL(filePath: path)) == Data(text.utf8))
    }

    @Test func aRestoredDatabaseIsMadePrivateAgain() throws {
        let terminal = try Terminal()
        terminal.database.close()
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: terminal.database.path)
        try terminal.reopen()
        for suffix in ["", "-wal"] {
            let mode = try FileManager.default.attributesOfItem(atPath: terminal.database.path + suffix)[
                .posixPermissions]
            #expect(mode as? Int == 0o600)
        }
    }
}
