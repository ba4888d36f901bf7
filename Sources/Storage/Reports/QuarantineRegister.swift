internal import GRDB
public import LoyaltyModel

/// Lines of tills that could not be taken, for people. No card number stands in them.
public struct QuarantineRegister: Sendable {
    public struct Row: Sendable, Hashable {
        /// Rises with every line.
        public var number: Int64
        public var receivedAt: Timestamp
        public var code: String
        public var message: String
        /// Redacted, and cut where it is long.
        public var line: String
    }

    private let database: LoyaltyDatabase

    public init(_ database: LoyaltyDatabase) { self.database = database }

    /// The newest first. - Parameter number: only lines before this one. - Throws: `storage.*`.
    public func recent(limit: Int, before number: Int64? = nil) async throws(LoyaltyError) -> [Row] {
        try await reading { database in
            try Self.rows(
                database, where: "(?1 IS NULL OR id < ?1) ORDER BY id DESC LIMIT ?2", [number, limit])
        }
    }

    /// - Throws: `storage.*`.
    public func row(_ number: Int64) async throws(LoyaltyError) -> Row? {
        try await reading { database in try Self.rows(database, where: "id = ?", [number]).first }
    }

    private static func rows(
        _ database: Database, where condition: String, _ arguments: StatementArguments
    ) throws -> [Row] {
        try GRDB.Row.fetchAll(
            database, sql: "SELECT id, received_at, code, message, line FROM quarantine WHERE \(condition)",
            arguments: arguments
        ).map { row in
            Row(
                number: row["id"], receivedAt: Timestamp(microseconds: row["received_at"]), code: row["code"],
                message: row["message"], line: row["line"])
        }
    }

    private func reading<Value: Sendable>(
        _ work: @escaping @Sendable (Database) throws -> Value
    ) async throws(LoyaltyError) -> Value {
        do { return try await database.pool.read(work) } catch {
            throw storageError(error, doing: "reading the quarantine", file: database.path)
        }
    }
}
