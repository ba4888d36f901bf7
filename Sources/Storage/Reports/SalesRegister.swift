internal import Foundation
internal import GRDB
public import LoyaltyModel

/// Reads the ledger for people: recent sales, one sale with its reasons, the figures of a day.
public struct SalesRegister: Sendable {
    public struct Row: Sendable, Hashable {
        public var reference: String
        public var number: String
        public var store: String
        public var register: String
        public var businessDay: CalendarDate
        public var kind: Sale.Kind
        public var receipt: String?
        public var closedAt: Timestamp
        public var receivedAt: Timestamp
        public var total: Money
        public var state: String
        public var member: String?
        public var hasCard: Bool
        /// Net points of the primary currency; nil without a card.
        public var points: Points?
        /// The points' currency.
        public var currency: String
        public var flags: [String]
        /// `sent`, `ready` or `dead`, the worst of its transactions; nil without any.
        public var delivery: String?
    }

    public struct Detail: Sendable {
        public var row: Row
        public var document: Sale
        public var transactions: [LoyaltyTransaction]
    }

    /// The figures of one local day, by the time of arrival.
    public struct DayFigures: Sendable, Hashable {
        public var sales: Int
        public var matched: Int
        public var given: Points
        /// As a positive amount.
        public var takenBack: Points
        /// By name: `scan.payment_card`, `event.duplicate`, ...
        public var counts: [String: Int]
    }

    /// Kinds of entries that neither give points for goods nor take them back.
    static let otherKinds = "('redemption', 'restoration', 'expiry', 'issue', 'bonus', 'forward')"

    private let database: LoyaltyDatabase

    public init(_ database: LoyaltyDatabase) { self.database = database }

    /// The newest first. - Throws: `storage.*`.
    public func recent(limit: Int, before reference: String? = nil) async throws(LoyaltyError) -> [Row] {
        try await reading { database in
            try Self.rows(
                database,
                where:
                    "kind <> 'action' AND (? IS NULL OR sale.id < (SELECT id FROM sale WHERE reference = ?)) ORDER BY sale.id DESC LIMIT ?",
                [reference, reference, limit])
        }
    }

    /// By the daemon's reference, or the newest with that transaction number, receipt or uid.
    ///
    /// - Throws: `storage.*`.
    public func detail(_ name: String) async throws(LoyaltyError) -> Detail? {
        try await reading { database in
            guard
                let row = try Self.rows(
                    database,
                    where:
                        "sale.reference = ?1 OR sale.number = ?1 OR sale.receipt = ?1 OR sale.uid = ?1 ORDER BY sale.reference = ?1 DESC, sale.id DESC LIMIT 1",
                    [name]
                ).first,
                let document = try Data.fetchOne(
                    database, sql: "SELECT document FROM sale WHERE reference = ?", arguments: [row.reference])
            else { return nil }
            let decoder = JSONDecoder()
            let entries = try Data.fetchAll(
                database,
                sql: """
                    SELECT ledger_entry.document FROM ledger_entry JOIN sale ON sale.id = ledger_entry.sale_id
                    WHERE sale.reference = ? ORDER BY ledger_entry.sequence
                    """, arguments: [row.reference])
            return Detail(
                row: row, document: try decoder.decode(Sale.self, from: document),
                transactions: try entries.map { try decoder.decode(LoyaltyTransaction.self, from: $0) })
        }
    }

    /// A stored sale as it was taken, with its member as the cache knows him now.
    public struct JournalSale: Sendable {
        /// Its place in the order of arrival.
        public var number: Int64
        public var sale: Sale
        public var businessDay: CalendarDate
        public var closedAt: Timestamp
        public var member: Member?
        public var hasCard: Bool
    }

    /// Completed sales in the order of their arrival. - Throws: `storage.*`.
    public func journal(after number: Int64, limit: Int) async throws(LoyaltyError) -> [JournalSale] {
        try await reading { database in
            try GRDB.Row.fetchAll(
                database,
                sql: """
                    SELECT id, document, business_day, closed_at, member_id, card_token FROM sale
                    WHERE id > ? AND state = 'completed' AND kind <> 'action' ORDER BY id LIMIT ?
                    """, arguments: [number, limit]
            ).map { row in
                let member: String? = row["member_id"]
                return JournalSale(
                    number: row["id"], sale: try JSONDecoder().decode(Sale.self, from: row["document"] as Data),
                    businessDay: try CalendarDate(row["business_day"] as String),
                    closedAt: Timestamp(microseconds: row["closed_at"]),
                    member: try member.flatMap { try MemberCache.member(database, $0) },
                    hasCard: member != nil || (row["card_token"] as Data?) != nil)
            }
        }
    }

    /// - Throws: `storage.*`.
    public func figures(of day: CalendarDate) async throws(LoyaltyError) -> DayFigures {
        try await reading { database in
            var counts: [String: Int] = [:]
            for row in try GRDB.Row.fetchAll(
                database, sql: "SELECT name, count FROM tally WHERE day = ?", arguments: [day.description])
            { counts[row["name"]] = row["count"] }
            var given = Points.zero(decimals: 0)
            var taken = Points.zero(decimals: 0)
            for row in try GRDB.Row.fetchAll(
                database,
                sql: """
                    SELECT decimals, sum(max(units, 0)) AS given, sum(min(units, 0)) AS taken FROM ledger_entry
                    WHERE recorded_day = ? AND kind NOT IN \(Self.otherKinds) GROUP BY decimals
                    """, arguments: [day.description])
            {
                given = try given.adding(Points(units: row["given"], decimals: row["decimals"]))
                taken = try taken.subtracting(Points(units: row["taken"], decimals: row["decimals"]))
            }
            return DayFigures(
                sales: counts["sale.all"] ?? 0, matched: counts["sale.matched"] ?? 0, given: given, takenBack: taken,
                counts: counts)
        }
    }

    /// How many lines stand in quarantine. - Throws: `storage.*`.
    public func quarantineCount() async throws(LoyaltyError) -> Int {
        try await reading { database in try Int.fetchOne(database, sql: "SELECT count(*) FROM quarantine") ?? 0 }
    }

    private static func rows(
        _ database: Database, where condition: String, _ arguments: StatementArguments
    ) throws -> [Row] {
        try GRDB.Row.fetchAll(
            database,
            sql: """
                SELECT sale.*,
                    (SELECT sum(units) FROM ledger_entry WHERE sale_id = sale.id AND recipient IS NULL
                        AND kind NOT IN \(Self.otherKinds)) AS units,
                    (SELECT max(currency) FROM ledger_entry WHERE sale_id = sale.id) AS points_currency,
                    (SELECT max(decimals) FROM ledger_entry WHERE sale_id = sale.id) AS decimals,
                    (SELECT min(state) FROM outbox JOIN ledger_entry ON ledger_entry.id = outbox.entry_id
                        WHERE ledger_entry.sale_id = sale.id) AS delivery
                FROM sale WHERE \(condition)
                """, arguments: arguments
        ).map { row in
            let member: String? = row["member_id"]
            let hasCard = member != nil || (row["card_token"] as Data?) != nil
            return Row(
                reference: row["reference"], number: row["number"], store: row["store"], register: row["register"],
                businessDay: try CalendarDate(row["business_day"] as String),
                kind: Sale.Kind(rawValue: row["kind"]) ?? .sale,
                receipt: row["receipt"], closedAt: Timestamp(microseconds: row["closed_at"]),
                receivedAt: Timestamp(microseconds: row["received_at"]),
                total: Money(minorUnits: row["total"], try Currency(row["currency"] as String)), state: row["state"],
                member: member, hasCard: hasCard,
                points: hasCard
                    ? Points(units: row["units"] as Int64? ?? 0, decimals: row["decimals"] as Int? ?? 0) : nil,
                currency: row["points_currency"] as String? ?? "points",
                flags: try JSONDecoder().decode([String].self, from: row["flags"] as Data), delivery: row["delivery"])
        }
    }

    private func reading<Value: Sendable>(
        _ work: @escaping @Sendable (Database) throws -> Value
    ) async throws(LoyaltyError) -> Value {
        do { return try await database.pool.read(work) } catch {
            throw storageError(error, doing: "reading the ledger", file: database.path)
        }
    }
}
