internal import GRDB
public import LoyaltyModel

/// Copies of the program files that were in force, by their hash: a version whose file was changed or removed is still there
/// for a sale that arrives late, and for what is done later to a sale that it gave points for. They are never removed: a
/// file is small, and a new one is rare.
public struct ProgramArchive: Sendable {
    public struct Copy: Sendable, Hashable {
        /// SHA-256 of the text, lower-case hex.
        public var hash: String
        /// Where the text was read, for messages.
        public var file: String
        public var text: String

        public init(hash: String, file: String, text: String) {
            self.hash = hash
            self.file = file
            self.text = text
        }
    }

    private let database: LoyaltyDatabase

    public init(_ database: LoyaltyDatabase) { self.database = database }

    /// Keeps the files that are in force from now on. - Throws: `storage.*`.
    public func keep(_ copies: [Copy], at now: Timestamp) async throws(LoyaltyError) {
        try await database.writer.submit { database in
            for copy in copies {
                try database.cachedStatement(
                    sql: """
                        INSERT INTO program_copy (hash, file, text, kept_at, loaded_at) VALUES (?1, ?2, ?3, ?4, ?4)
                        ON CONFLICT (hash) DO UPDATE SET file = excluded.file, loaded_at = excluded.loaded_at
                        """
                ).execute(arguments: [copy.hash, copy.file, copy.text, now.microseconds])
            }
        }.value
    }

    /// All that were ever kept, the latest in force first. - Throws: `storage.*`.
    public func copies() async throws(LoyaltyError) -> [Copy] {
        do {
            return try await database.pool.read { database in
                try Row.fetchAll(
                    database, sql: "SELECT hash, file, text FROM program_copy ORDER BY loaded_at DESC, kept_at DESC"
                ).map { Copy(hash: $0["hash"], file: $0["file"], text: $0["text"]) }
            }
        } catch {
            throw storageError(error, doing: "reading the kept programs", file: database.path)
        }
    }
}
