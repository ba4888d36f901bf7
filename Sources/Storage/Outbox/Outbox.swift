internal import Foundation
internal import GRDB
public import LoyaltyModel

/// The transactions on their way to the back end, and the dead letters.
public struct Outbox: OutboundQueue {
    public enum State: String, Sendable, Codable, CaseIterable { case ready, sent, dead }

    public struct Item: Sendable, Hashable {
        public var id: String
        public var state: State
        public var kind: String
        public var currency: String
        public var points: Points
        /// nil for what no sale brought about.
        public var sale: String?
        public var member: String?
        public var attempts: Int
        public var recordedAt: Timestamp
        public var notBefore: Timestamp?
        public var settledAt: Timestamp?
        public var lastError: String?
        public var warning: String?
    }

    public struct Depth: Sendable, Hashable {
        public var ready: Int
        public var dead: Int
        public var sent: Int
        public var oldestReady: Timestamp?
    }

    private let database: LoyaltyDatabase

    public init(_ database: LoyaltyDatabase) { self.database = database }

    /// Walks the heads only, in the order of the index `outbox_head`; the rows behind them are not touched.
    static let dueQuery = """
        SELECT outbox.entry_id, outbox.attempts, outbox.first_tried_at, outbox.sealed_card,
            ledger_entry.kind, ledger_entry.recorded_at, ledger_entry.document, ledger_entry.member_id,
            sale.store, sale.register
        FROM outbox INDEXED BY outbox_head
        JOIN ledger_entry ON ledger_entry.id = outbox.entry_id
        LEFT JOIN sale ON sale.id = ledger_entry.sale_id
        WHERE outbox.state = 'ready' AND outbox.is_head = 1
            AND (outbox.not_before <= ?1 OR outbox.not_before > ?3)
        ORDER BY outbox.sequence LIMIT ?2
        """

    /// Microseconds. No wait is longer than an hour: what lies beyond was written by a clock that was ahead.
    private static let longestWait = Int64(2 * 3_600_000_000)

    public func due(limit: Int, at now: Timestamp) async throws -> [OutboundEvent] {
        let (vault, terminal) = (database.vault, database.terminal)
        return try await reading { database in
            try Row.fetchAll(
                database.cachedStatement(
                    sql: Self.dueQuery),
                arguments: [now.microseconds, limit, now.adding(microseconds: Self.longestWait).microseconds]
            ).map { row in
                let id: String = row["entry_id"]
                let store: String? = row["store"]
                let register: String? = row["register"]
                // An action may come from no store, and comes from no register.
                let place = store.flatMap { $0.isEmpty ? nil : "/store/\(uriSegment($0))" }
                let source = place.map { place in
                    register.map { $0.isEmpty ? place : "\(place)/register/\(uriSegment($0))" } ?? place
                }
                let kind: String = row["kind"]
                return OutboundEvent(
                    id: id, source: source ?? "/terminal/\(uriSegment(terminal))",
                    type: "org.loyaltyd.transaction.\(kind).v1",
                    subject: (row["member_id"] as String?).map { "member/\($0)" },
                    time: Timestamp(microseconds: row["recorded_at"]), data: [UInt8](row["document"] as Data),
                    // A seal that does not open must not hold up everybody: the token in the payload is left.
                    card: (row["sealed_card"] as Data?).flatMap { try? vault.open($0, for: id) },
                    attempts: row["attempts"],
                    firstTriedAt: (row["first_tried_at"] as Int64?).map { Timestamp(microseconds: $0) })
            }
        }
    }

    public func record(_ records: [DeliveryRecord]) async throws {
        try await database.writer.submit { database in
            for record in records {
                let now = record.at.microseconds
                switch record.outcome {
                case .delivered(let warning):
                    // The number has served its purpose; the token stays.
                    try database.cachedStatement(
                        sql: """
                            UPDATE outbox SET state = 'sent', sealed_card = NULL, warning = ?, settled_at = ?,
                                attempts = attempts + 1, first_tried_at = coalesce(first_tried_at, ?), last_error = NULL
                            WHERE entry_id = ? AND state = 'ready'
                            """
                    ).execute(arguments: [warning, now, now, record.id])
                    if database.changesCount > 0 { try Self.moveHead(database, after: record.id) }
                case .retry(let notBefore, let reason):
                    try database.cachedStatement(
                        sql: """
                            UPDATE outbox SET not_before = ?, last_error = ?, attempts = attempts + 1,
                                first_tried_at = coalesce(first_tried_at, ?)
                            WHERE entry_id = ? AND state = 'ready'
                            """
                    ).execute(arguments: [notBefore.microseconds, reason, now, record.id])
                case .dead(let reason):
                    try database.cachedStatement(
                        sql: """
                            UPDATE outbox SET state = 'dead', last_error = ?, settled_at = ?, attempts = attempts + 1,
                                first_tried_at = coalesce(first_tried_at, ?)
                            WHERE entry_id = ? AND state = 'ready'
                            """
                    ).execute(arguments: [reason, now, now, record.id])
                    if database.changesCount > 0 { try Self.moveHead(database, after: record.id) }
                }
            }
        }.value
    }

    public func nextDue() async throws -> Timestamp? {
        try await reading { database in
            try Int64.fetchOne(
                database.cachedStatement(
                    sql:
                        "SELECT min(not_before) FROM outbox INDEXED BY outbox_due WHERE state = 'ready' AND is_head = 1"
                )
            )
            .map { Timestamp(microseconds: $0) }
        }
    }

    /// - Throws: `storage.*`.
    public func depth() async throws(LoyaltyError) -> Depth {
        try await reading { database in
            func count(_ state: State) throws -> Int {
                try Int.fetchOne(
                    database, sql: "SELECT count(*) FROM outbox WHERE state = ?", arguments: [state.rawValue]) ?? 0
            }
            return Depth(
                ready: try count(.ready), dead: try count(.dead), sent: try count(.sent),
                oldestReady: try Int64.fetchOne(
                    database,
                    sql: """
                        SELECT ledger_entry.recorded_at FROM outbox JOIN ledger_entry ON ledger_entry.id = outbox.entry_id
                        WHERE outbox.state = 'ready' ORDER BY outbox.sequence LIMIT 1
                        """
                ).map { Timestamp(microseconds: $0) })
        }
    }

    /// How many were delivered since an instant. - Throws: `storage.*`.
    public func deliveredCount(since start: Timestamp) async throws(LoyaltyError) -> Int {
        try await reading { database in
            try Int.fetchOne(
                database, sql: "SELECT count(*) FROM outbox WHERE state = 'sent' AND settled_at >= ?",
                arguments: [start.microseconds]) ?? 0
        }
    }

    /// The undelivered, or those of one state, oldest first; the delivered newest first. - Throws: `storage.*`.
    public func list(state: State?, limit: Int) async throws(LoyaltyError) -> [Item] {
        try await reading { database in
            if state == .sent {
                return try Self.items(
                    database, where: "outbox.state = 'sent' ORDER BY outbox.sequence DESC LIMIT ?", [limit])
            }
            let states = state.map { [$0] } ?? [.ready, .dead]
            let marks = states.map { _ in "?" }.joined(separator: ", ")
            return try Self.items(
                database, where: "outbox.state IN (\(marks)) ORDER BY outbox.sequence LIMIT ?",
                StatementArguments(states.map(\.rawValue)) + [limit])
        }
    }

    /// The transactions of one sale. - Throws: `storage.*`.
    public func list(sale reference: String) async throws(LoyaltyError) -> [Item] {
        try await reading { database in
            try Self.items(database, where: "sale.reference = ? ORDER BY outbox.sequence", [reference])
        }
    }

    /// - Throws: `storage.*`.
    public func item(_ id: String) async throws(LoyaltyError) -> Item? {
        try await reading { database in try Self.items(database, where: "outbox.entry_id = ?", [id]).first }
    }

    /// The JSON that travels as CloudEvents `data`. - Throws: `storage.*`.
    public func payload(_ id: String) async throws(LoyaltyError) -> String? {
        try await reading { database in
            try Data.fetchOne(database, sql: "SELECT document FROM ledger_entry WHERE id = ?", arguments: [id])
                .map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// Sends dead letters again, all of them where no ids are named. Answers how many.
    ///
    /// - Throws: `storage.*`.
    public func retry(_ ids: [String]) async throws(LoyaltyError) -> Int {
        try await database.writer.submit { database in
            let reset =
                "UPDATE outbox SET state = 'ready', attempts = 0, first_tried_at = NULL, not_before = 0, settled_at = NULL"
            let ids =
                ids.isEmpty
                ? try String.fetchAll(database, sql: "SELECT entry_id FROM outbox WHERE state = 'dead'") : ids
            var count = 0
            for id in ids {
                try database.cachedStatement(sql: "\(reset) WHERE entry_id = ? AND state IN ('dead', 'ready')")
                    .execute(arguments: [id])
                guard database.changesCount > 0 else { continue }
                count += 1
                try Self.moveHead(database, after: id)
            }
            return count
        }.value
    }

    /// Marks the oldest ready row of an entry's member, so that `due` need not look through the rows behind it.
    private static func moveHead(_ database: Database, after id: String) throws {
        guard
            let key = try String.fetchOne(
                database.cachedStatement(sql: "SELECT member_key FROM outbox WHERE entry_id = ?"), arguments: [id])
        else { return }
        try database.cachedStatement(
            sql: "UPDATE outbox SET is_head = 0 WHERE member_key = ? AND state = 'ready' AND is_head = 1"
        ).execute(arguments: [key])
        try database.cachedStatement(
            sql: """
                UPDATE outbox SET is_head = 1 WHERE sequence =
                    (SELECT min(sequence) FROM outbox WHERE member_key = ? AND state = 'ready')
                """
        ).execute(arguments: [key])
    }

    private static func items(
        _ database: Database, where condition: String, _ arguments: StatementArguments
    ) throws -> [Item] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT outbox.*, ledger_entry.kind, ledger_entry.currency, ledger_entry.units, ledger_entry.decimals,
                    ledger_entry.member_id, ledger_entry.recorded_at, sale.reference
                FROM outbox JOIN ledger_entry ON ledger_entry.id = outbox.entry_id
                LEFT JOIN sale ON sale.id = ledger_entry.sale_id WHERE \(condition)
                """, arguments: arguments
        ).map { row in
            let notBefore: Int64 = row["not_before"]
            return Item(
                id: row["entry_id"], state: State(rawValue: row["state"]) ?? .ready, kind: row["kind"],
                currency: row["currency"], points: Points(units: row["units"], decimals: row["decimals"]),
                sale: row["reference"], member: row["member_id"], attempts: row["attempts"],
                recordedAt: Timestamp(microseconds: row["recorded_at"]),
                notBefore: notBefore > 0 ? Timestamp(microseconds: notBefore) : nil,
                settledAt: (row["settled_at"] as Int64?).map { Timestamp(microseconds: $0) },
                lastError: row["last_error"], warning: row["warning"])
        }
    }

    private func reading<Value: Sendable>(
        _ work: @escaping @Sendable (Database) throws -> Value
    ) async throws(LoyaltyError) -> Value {
        do { return try await database.pool.read(work) } catch {
            throw storageError(error, doing: "reading the outbox", file: database.path)
        }
    }
}

/// A path segment of a URI: everything but unreserved characters (RFC 3986, 2.3) is percent-encoded.
func uriSegment(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            encoded.unicodeScalars.append(Unicode.Scalar(byte))
        default:
            encoded += "%" + hexadecimal([byte]).uppercased()
        }
    }
    return encoded
}
