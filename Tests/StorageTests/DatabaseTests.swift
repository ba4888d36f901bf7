import Foundation
import GRDB
import LoyaltyModel
import Synchronization
import Testing

@testable import Storage

@Suite struct OpeningADatabase {
    @Test func commitsAreDurableAndTheFilesPrivate() throws {
        let terminal = try Terminal()
        let synchronous = try terminal.database.pool.writeWithoutTransaction {
            try Int.fetchOne($0, sql: "PRAGMA synchronous")
        }
        // 2 is FULL (https://www.sqlite.org/pragma.html#pragma_synchronous).
        #expect(synchronous == 2)
        for file in ["loyaltyd.sqlite", "loyaltyd.sqlite-wal"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: terminal.directory + "/" + file)
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(file)")
        }
    }

    @Test func aSecondDaemonIsKeptOut() throws {
        let terminal = try Terminal()
        let error = #expect(throws: LoyaltyError.self) { try Terminal.open(terminal.directory, terminal.now) }
        #expect(error?.code == .storageLocked)
    }

    @Test func aNewerDatabaseIsRefusedAndLeftAlone() throws {
        let terminal = try Terminal()
        try terminal.database.pool.write {
            try $0.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('9999')")
        }
        let error = #expect(throws: LoyaltyError.self) { try terminal.reopen() }
        #expect(error?.code == .storageNewerVersion)
        #expect(error?.place?.file?.hasSuffix("loyaltyd.sqlite") == true)
    }

    @Test func anotherKeyIsRefused() throws {
        let directory = NSTemporaryDirectory() + "loyaltyd-key-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let now = try Timestamp("2027-01-01T00:00:00Z")
        try LoyaltyDatabase.open(
            directory: directory, key: CardKey(Array(repeating: 1, count: 32)), now: now, terminalName: { "a" }
        ).close()
        let error = #expect(throws: LoyaltyError.self) {
            try LoyaltyDatabase.open(
                directory: directory, key: CardKey(Array(repeating: 2, count: 32)), now: now, terminalName: { "a" })
        }
        #expect(error?.code == .storageWrongKey)
    }

    @Test func aDamagedFileIsNamed() throws {
        let directory = NSTemporaryDirectory() + "loyaltyd-damage-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try Data(repeating: 0x41, count: 8192).write(to: URL(filePath: directory + "/loyaltyd.sqlite"))
        let error = #expect(throws: LoyaltyError.self) { try Terminal.open(directory, Timestamp(microseconds: 0)) }
        #expect(error?.code == .storageDamaged)
    }

    @Test func theTerminalKeepsItsName() throws {
        let terminal = try Terminal()
        try terminal.reopen()
        #expect(terminal.database.terminal == "t-test")
    }
}

@Suite struct KeysAndTokens {
    @Test func aKeyFileIsMadeOnceForItsOwnerAlone() throws {
        let path = NSTemporaryDirectory() + "loyaltyd-" + UUID().uuidString + ".key"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = try CardKey.loadOrCreate(path)
        #expect(try CardKey.loadOrCreate(path).bytes == first.bytes)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        let error = #expect(throws: LoyaltyError.self) { try CardKey.load(path) }
        #expect(error?.code == .storageBadKey)
        #expect(error?.remedy?.contains("chmod") == true)
    }

    @Test func sealsOpenOnlyForTheirOwnEntry() throws {
        let vault = try CardVault(key: CardKey(Terminal.key))
        let number = try card("2984000161610")
        let sealed = try vault.seal(number, for: "t.1")
        #expect(try vault.open(sealed, for: "t.1") == number)
        #expect(throws: (any Error).self) { try vault.open(sealed, for: "t.2") }
        #expect(!String(decoding: sealed, as: UTF8.self).contains("29840001"))
    }

    @Test func tokensDifferByKeyAndKind() throws {
        let number = try card("2984000161610")
        let vault = try CardVault(key: CardKey(Terminal.key))
        let other = try CardVault(key: CardKey(Array(repeating: 7, count: 32)))
        #expect(vault.token(number) == vault.token(number))
        #expect(vault.token(number) != other.token(number))
        #expect(vault.token(number) != vault.token(number, kind: .phone))
        #expect(CardToken(text: vault.token(number).text) == vault.token(number))
    }
}

@Suite struct CommittingInGroups {
    @Test func workKeepsItsOrderAndOneFailureIsUndoneAlone() async throws {
        let terminal = try Terminal()
        let writer = terminal.database.writer
        try await writer.submit { try $0.execute(sql: "CREATE TABLE t (n INTEGER)") }.value
        let tickets = (0..<200).map { number in
            writer.submit { database in
                try database.execute(sql: "INSERT INTO t VALUES (?)", arguments: [number])
                if number == 77 { throw LoyaltyError(.numberOverflow, "the 77th fails after it wrote") }
                return number
            }
        }
        for (number, ticket) in tickets.enumerated() {
            if number == 77 {
                await #expect(throws: LoyaltyError.self) { try await ticket.value }
            } else {
                #expect(try await ticket.value == number)
            }
        }
        let rows = try await terminal.database.pool.read { try Int.fetchAll($0, sql: "SELECT n FROM t ORDER BY rowid") }
        #expect(rows == (0..<200).filter { $0 != 77 })
    }
}

@Suite struct FiguresOfTheDay {
    /// The commits of a database, told as they come.
    private final class Commits: TransactionObserver, Sendable {
        let told: AsyncStream<Void>
        private let tell: AsyncStream<Void>.Continuation
        private let total = Atomic(0)
        var count: Int { total.load(ordering: .relaxed) }

        init() { (told, tell) = AsyncStream.makeStream() }

        func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { true }
        func databaseDidChange(with event: DatabaseEvent) {}
        func databaseDidRollback(_ database: Database) {}
        func databaseDidCommit(_ database: Database) {
            total.add(1, ordering: .relaxed)
            tell.yield()
        }
    }

    private func figure(_ name: String, _ terminal: Terminal) async throws -> Int? {
        try await SalesRegister(terminal.database).figures(of: terminal.now.date).counts[name]
    }

    private func watch(_ terminal: Terminal) -> Commits {
        let commits = Commits()
        terminal.database.pool.add(transactionObserver: commits, extent: .databaseLifetime)
        return commits
    }

    @Test func theyGoAlongWithACommitAndCostNoneOfTheirOwn() async throws {
        let terminal = try Terminal()
        let commits = watch(terminal)
        for _ in 0..<1000 { terminal.ledger.count("scan.all", on: terminal.now.date) }
        terminal.ledger.count("refused.blocked", on: terminal.now.date)
        try await terminal.send(sale("1", [line("1", "A", "1", "1.00")]), id: "e1")
        #expect(try await figure("scan.all", terminal) == 1000)
        #expect(try await figure("refused.blocked", terminal) == 1)
        // One more where the machine was so slow that a second passed.
        #expect(commits.count <= 2)
    }

    @Test(.timeLimit(.minutes(5))) func withoutACommitTheyGetOne() async throws {
        let terminal = try Terminal()
        let commits = watch(terminal)
        terminal.ledger.count("scan.all", on: terminal.now.date)
        for await _ in commits.told { break }
        #expect(try await figure("scan.all", terminal) == 1)
    }

    @Test func anOrderlyEndKeepsThem() async throws {
        let terminal = try Terminal()
        for _ in 0..<3 { terminal.ledger.count("scan.all", on: terminal.now.date) }
        try terminal.reopen()
        #expect(try await figure("scan.all", terminal) == 3)
    }

    @Test func whereTheyCannotBeWrittenASaleIsAllTheSameAndTheyWait() async throws {
        let terminal = try Terminal()
        try await terminal.database.pool.write {
            try $0.execute(
                sql: """
                    CREATE TRIGGER refuse BEFORE INSERT ON tally WHEN NEW.name = 'scan.all'
                    BEGIN SELECT RAISE(ROLLBACK, 'no'); END
                    """)
        }
        for _ in 0..<3 { terminal.ledger.count("scan.all", on: terminal.now.date) }
        let outcome = try await terminal.send(sale("1", [line("1", "A", "1", "1.00")]), id: "e1")
        #expect(outcome.decision == .accepted)
        #expect(try await figure("scan.all", terminal) == nil)
        try await terminal.database.pool.write { try $0.execute(sql: "DROP TRIGGER refuse") }
        try await terminal.database.checkWriter()
        #expect(try await figure("scan.all", terminal) == 3)
    }

    /// A check that writes nothing would find every disk in order.
    @Test func theHealthCheckReallyWrites() async throws {
        let terminal = try Terminal()
        let log = URL(filePath: terminal.database.path + "-wal")
        for _ in 0..<3 {
            let before = try Data(contentsOf: log)
            try await terminal.database.checkWriter()
            #expect(try Data(contentsOf: log) != before)
        }
    }
}
