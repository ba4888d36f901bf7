internal import GRDB
public import LoyaltyModel

/// How long the state directory remembers, and the removal of what is older.
///
/// What is still under way is never removed: a sale with an undelivered transaction or a dead letter stays with all that
/// belongs to it, however old.
public struct Retention: Sendable, Hashable {
    /// What one `purge` removed.
    public struct Removed: Sendable, Hashable {
        /// Sales with their lines, entries and delivered transactions.
        public var sales = 0
        /// Delivered transactions that no sale brought about, such as points that ended.
        public var entries = 0
        public var events = 0
        /// Voids whose sale never came.
        public var voids = 0
        public var quarantined = 0
        public var tallies = 0
        /// Counters of programs whose period is long over.
        public var counters = 0
        /// Lots that ended long ago, of sales that are forgotten.
        public var lots = 0

        public var isEmpty: Bool { self == Removed() }
    }

    /// Days, at least 90: until then the resend of a repaired till must be known as one, and goods can come back.
    public let saleDays: Int
    /// Days for lines in quarantine.
    public let quarantineDays: Int
    /// Days for daily figures.
    public let tallyDays: Int

    public static let shortestSaleDays = 90
    /// Rows per transaction; sales wait no longer than one of these takes.
    static let batch = 500

    /// Days below 90 for sales and below 1 for the others are raised to that.
    public init(saleDays: Int = 90, quarantineDays: Int = 90, tallyDays: Int = 400) {
        self.saleDays = max(saleDays, Self.shortestSaleDays)
        self.quarantineDays = max(quarantineDays, 1)
        self.tallyDays = max(tallyDays, 1)
    }

    /// Removes what is too old, in small transactions between which sales go on, at most `limit` sales, events and lines
    /// each; call again the next day, or at once where `Removed` says that the limit was reached.
    ///
    /// Age counts from the time of arrival by this machine's clock. A later change of a sale, such as a return, keeps it.
    ///
    /// - Throws: `storage.*`; what was removed before stays removed.
    public func purge(
        _ database: LoyaltyDatabase, at now: Timestamp, limit: Int = 100_000
    ) async throws(LoyaltyError) -> Removed {
        var removed = Removed()
        let sales = before(now, days: saleDays)
        removed.sales = try await inBatches(database, limit) { try Self.removeSales($0, before: sales, $1) }
        removed.entries = try await inBatches(database, limit) { try Self.removeEntries($0, before: sales, $1) }
        removed.events = try await inBatches(database, limit) {
            try Self.removeRows($0, "till_event", "(source, epoch, event_id)", "received_at < ?", [sales], $1)
        }
        removed.voids = try await inBatches(database, limit) {
            try Self.removeRows($0, "void_tombstone", "id", "received_at < ?", [sales], $1)
        }
        let lines = before(now, days: quarantineDays)
        removed.quarantined = try await inBatches(database, limit) {
            try Self.removeRows($0, "quarantine", "id", "received_at < ?", [lines], $1)
        }
        let day = now.date.adding(days: -tallyDays).description
        removed.tallies = try await inBatches(database, limit) {
            try Self.removeRows($0, "tally", "(day, name)", "day < ?", [day], $1)
        }
        // The longest period is a year; until a sale is forgotten its return may still change what it counted.
        let start = now.date.adding(days: -400 - saleDays).description
        removed.counters = try await inBatches(database, limit) {
            try Self.removeRows(
                $0, "counter", "(holder, name, scope, per, start)", "start <> '' AND start < ?", [start], $1)
        }
        let ended = now.date.adding(days: -saleDays).description
        removed.lots = try await inBatches(database, limit) {
            try Self.removeRows(
                $0, "lot", "(holder, number)",
                "remaining = 0 AND expires < ? AND NOT EXISTS (SELECT 1 FROM sale WHERE sale.reference = lot.origin)",
                [ended], $1)
        }
        // Deleted rows are overwritten (`secure_delete`), but older pages stand in the log until it is cut.
        if !removed.isEmpty {
            try await database.writer.truncateLog()
            try await database.checkWriter()
        }
        return removed
    }

    private func before(_ now: Timestamp, days: Int) -> Int64 {
        now.adding(seconds: -Int64(clamping: days) * 86_400).microseconds
    }

    private func inBatches(
        _ database: LoyaltyDatabase, _ limit: Int, _ remove: @escaping @Sendable (Database, Int) throws -> Int
    ) async throws(LoyaltyError) -> Int {
        var count = 0
        while count < limit, !Task.isCancelled {
            let size = min(Self.batch, limit - count)
            let removed = try await database.writer.submit { try remove($0, size) }.value
            count += removed
            if removed < size { break }
        }
        return count
    }

    /// A sale goes with its entries and their outbox rows, and only when the last of them is old and delivered.
    private static func removeSales(_ database: Database, before limit: Int64, _ size: Int) throws -> Int {
        let ids = try Int64.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT id FROM sale WHERE received_at < ?1
                        AND NOT EXISTS (
                            SELECT 1 FROM ledger_entry JOIN outbox ON outbox.entry_id = ledger_entry.id
                            WHERE ledger_entry.sale_id = sale.id
                                AND (outbox.state <> 'sent' OR outbox.settled_at >= ?1 OR ledger_entry.recorded_at >= ?1))
                        AND NOT EXISTS (
                            SELECT 1 FROM sale_return JOIN sale document ON document.id = sale_return.sale_id
                            WHERE sale_return.origin_id = sale.id AND document.received_at >= ?1)
                    ORDER BY received_at LIMIT ?2
                    """), arguments: [limit, size])
        for id in ids {
            try foldLots(of: id, database)
            for sql in [
                "DELETE FROM outbox WHERE entry_id IN (SELECT id FROM ledger_entry WHERE sale_id = ?)",
                "DELETE FROM ledger_entry WHERE sale_id = ?", "DELETE FROM sale WHERE id = ?",
            ] { try database.cachedStatement(sql: sql).execute(arguments: [id]) }
        }
        return ids.count
    }

    private static func removeRows(
        _ database: Database, _ table: String, _ key: String, _ condition: String, _ arguments: StatementArguments,
        _ size: Int
    ) throws -> Int {
        let columns = key.hasPrefix("(") ? String(key.dropFirst().dropLast()) : key
        try database.cachedStatement(
            sql:
                "DELETE FROM \(table) WHERE \(key) IN (SELECT \(columns) FROM \(table) WHERE \(condition) LIMIT \(size))"
        ).execute(arguments: arguments)
        return database.changesCount
    }
}
