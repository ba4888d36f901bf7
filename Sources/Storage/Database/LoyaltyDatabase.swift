internal import Foundation
internal import GRDB
public import LoyaltyModel
internal import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// The one SQLite file of a terminal: opened once, in WAL mode, at `synchronous=FULL`.
///
/// All writing goes through `writer`, which commits in groups. The file is private to one process; a lock on the state
/// directory keeps a second daemon out.
public final class LoyaltyDatabase: Sendable {
    /// `<state directory>/loyaltyd.sqlite`.
    public let path: String
    let pool: DatabasePool
    /// For the lanes' thread alone.
    let lookUps: LookUpConnection
    let writer: GroupCommitter
    let vault: CardVault
    /// The name of this terminal in transaction ids; made once, at the first start.
    public let terminal: String
    private let lock: DirectoryLock
    private let freeBytes = Atomic<Int64>(0)

    /// Makes the state directory, with mode 0700, where it is missing. - Throws: `storage.cannot_open`.
    public static func prepare(directory: String) throws(LoyaltyError) { try StateDirectory.prepare(directory) }

    /// Opens or creates the database in a directory, brings the schema up to date, and proves that commits are durable.
    ///
    /// - Parameters:
    ///   - directory: the state directory; made with mode 0700 where it is missing.
    ///   - key: the card key; see `CardKey`.
    ///   - now: the time written into a new database.
    ///   - terminalName: makes the terminal's name for a new database.
    /// - Throws: `storage.locked`, `storage.newer_version`, `storage.not_durable`, `storage.wrong_key`,
    ///   `storage.cannot_open`, `storage.damaged`.
    public static func open(
        directory: String, key: CardKey, now: Timestamp, terminalName: () -> String
    ) throws(LoyaltyError) -> LoyaltyDatabase {
        try StateDirectory.prepare(directory)
        let lock = try DirectoryLock(directory: directory)
        let path = directory + "/loyaltyd.sqlite"
        do {
            try StateDirectory.createPrivateFile(path)
            var configuration = Configuration()
            configuration.busyMode = .timeout(5)
            configuration.label = "loyaltyd"
            configuration.prepareDatabase { database in
                try database.execute(sql: "PRAGMA secure_delete = ON")
            }
            let pool = try DatabasePool(path: path, configuration: configuration)
            let migrator = Schema.migrator
            if try pool.read(migrator.hasBeenSuperseded) {
                throw LoyaltyError(
                    .storageNewerVersion, "the database was written by a newer loyaltyd", at: Place(file: path),
                    remedy: "Install that version again, or start with another state directory")
            }
            try migrator.migrate(pool)
            try proveDurability(pool, path: path)
            let vault = CardVault(key: key)
            let terminal = try pool.write { database in
                try Self.terminal(database, vault: vault, now: now, path: path, name: terminalName)
            }
            let database = LoyaltyDatabase(
                path: path, pool: pool, lookUps: try LookUpConnection(path: path), vault: vault, terminal: terminal,
                lock: lock)
            // Not only at the first health check: until then a large file with room inside would refuse sales.
            try pool.read(database.countFreePages)
            return database
        } catch {
            throw storageError(error, doing: "opening the database", file: path)
        }
    }

    private init(
        path: String, pool: DatabasePool, lookUps: LookUpConnection, vault: CardVault, terminal: String,
        lock: DirectoryLock
    ) {
        self.path = path
        self.pool = pool
        self.lookUps = lookUps
        self.vault = vault
        self.terminal = terminal
        self.lock = lock
        writer = GroupCommitter(pool: pool, path: path)
    }

    /// Commits what was submitted, writes the WAL back and closes; later work fails. What was committed stays whatever
    /// happens here. May be called again.
    public func close() {
        lookUps.close()
        if writer.close() { try? pool.close() }
    }

    /// GRDB sets `synchronous=NORMAL` when it opens a WAL database, after every hook of the configuration; under NORMAL a
    /// committed transaction can vanish with the power (https://www.sqlite.org/pragma.html#pragma_synchronous).
    private static func proveDurability(_ pool: DatabasePool, path: String) throws {
        try pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            let synchronous = try Int.fetchOne(database, sql: "PRAGMA synchronous")
            let journal = try String.fetchOne(database, sql: "PRAGMA journal_mode")
            guard synchronous == 2, journal == "wal" else {
                throw LoyaltyError(
                    .storageNotDurable,
                    "SQLite reports synchronous=\(synchronous ?? -1) and journal_mode=\(journal ?? "?") instead of 2 and wal",
                    at: Place(file: path), remedy: "Put the state directory on a local file system")
            }
        }
    }

    private static func terminal(
        _ database: Database, vault: CardVault, now: Timestamp, path: String, name: () -> String
    ) throws -> String {
        if let row = try Row.fetchOne(database, sql: "SELECT name, key_check FROM terminal") {
            guard row["key_check"] as Data == vault.keyCheck else {
                throw LoyaltyError(
                    .storageWrongKey, "the card key does not belong to this database", at: Place(file: path),
                    remedy:
                        "Put the key file back that stood beside the database; with another key no card is recognised")
            }
            return row["name"]
        }
        let name = name()
        try database.execute(
            sql: "INSERT INTO terminal (id, name, key_check, created_at) VALUES (1, ?, ?, ?)",
            arguments: [name, vault.keyCheck, now.microseconds])
        return name
    }

    /// Writes a line that costs a commit, for the health check: proves that the writer is not stuck and the disk takes data.
    ///
    /// - Throws: what a commit throws.
    public func checkWriter() async throws(LoyaltyError) {
        try await writer.submit { database in
            // SQLite writes no page whose bytes stay the same: the last microsecond goes to and fro.
            try database.execute(
                sql: "UPDATE terminal SET created_at = (created_at | 1) - (created_at & 1) WHERE id = 1")
            try self.countFreePages(database)
        }.value
    }

    /// Bytes of the database and of its WAL, without pages that were free at the last health check or purge: SQLite writes
    /// to these before the file grows.
    public var sizeInBytes: Int64 {
        max(StateDirectory.size(path) + StateDirectory.size(path + "-wal") - freeBytes.load(ordering: .relaxed), 0)
    }

    func countFreePages(_ database: Database) throws {
        let pages = try Int64.fetchOne(database.cachedStatement(sql: "PRAGMA freelist_count")) ?? 0
        let size = try Int64.fetchOne(database.cachedStatement(sql: "PRAGMA page_size")) ?? 0
        freeBytes.store(pages.multipliedReportingOverflow(by: size).partialValue, ordering: .relaxed)
    }
}
