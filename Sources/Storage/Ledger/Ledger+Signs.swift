internal import Foundation
internal import GRDB
public import LoyaltyModel

extension Ledger {
    /// A sale with a card, as far as signs of misuse are looked for in it.
    public struct CardUse: Sendable, Hashable {
        /// The member, or the token of a card that no member holds.
        public var card: String
        public var operatorID: String?
        public var register: String
        public var businessDay: CalendarDate
        public var receivedAt: Timestamp
        public var isReturn: Bool
    }

    /// What the flags of signs begin with. They are never part of an answer to a till.
    public static let signPrefix = "sign."

    /// The sales with a card since an instant, the oldest first. - Throws: `storage.*`.
    public func cardUses(since: Timestamp, limit: Int) async throws(LoyaltyError) -> [CardUse] {
        do {
            return try await database.pool.read { database in
                try Row.fetchAll(
                    database,
                    sql: """
                        SELECT member_id, card_token, operator, register, business_day, received_at, kind FROM sale
                        WHERE received_at > ? AND kind <> 'action' AND (member_id IS NOT NULL OR card_token IS NOT NULL)
                        ORDER BY received_at DESC LIMIT ?
                        """, arguments: [since.microseconds, limit]
                ).reversed().map { row in
                    CardUse(
                        card: row["member_id"] as String? ?? hexadecimal(Array(row["card_token"] as Data? ?? Data())),
                        operatorID: (row["operator"] as String?).flatMap { $0.isEmpty ? nil : $0 },
                        register: row["register"], businessDay: try CalendarDate(row["business_day"] as String),
                        receivedAt: Timestamp(microseconds: row["received_at"]),
                        isReturn: row["kind"] == Sale.Kind.return.rawValue)
                }
            }
        } catch {
            throw storageError(error, doing: "reading the sales of a month", file: database.path)
        }
    }

    /// How long after their closing times the latest sales of each register came, in microseconds, the newest last; at most twenty.
    /// Of a sale that was corrected only the first state came at the time that is stored, so it tells nothing. - Throws: `storage.*`.
    public func registerLags(since: Timestamp) async throws(LoyaltyError) -> [String: [Int64]] {
        do {
            return try await database.pool.read { database in
                let rows = try Row.fetchAll(
                    database,
                    sql: """
                        SELECT register, received_at - closed_at AS lag FROM (
                            SELECT register, received_at, closed_at,
                                row_number() OVER (PARTITION BY register ORDER BY received_at DESC, id DESC) AS age
                            FROM sale WHERE received_at > ? AND kind <> 'action' AND superseded = '[]')
                        WHERE age <= 20 ORDER BY age DESC
                        """, arguments: [since.microseconds])
                return Dictionary(grouping: rows) { $0["register"] as String }.mapValues { $0.map { $0["lag"] } }
            }
        } catch {
            throw storageError(error, doing: "reading the latest sales", file: database.path)
        }
    }

    /// Adds signs to a sale's flags and to the day's figures.
    @discardableResult
    public func flag(_ reference: String, signs: [String], on day: CalendarDate) -> CommitTicket<Void> {
        database.writer.submit { database in
            let flags = try String.fetchOne(
                database, sql: "SELECT flags FROM sale WHERE reference = ?", arguments: [reference])
            guard let flags else { return }
            var names = try JSONDecoder().decode([String].self, from: Data(flags.utf8))
            for sign in signs.map({ Self.signPrefix + $0 }) where !names.contains(sign) {
                names.append(sign)
                try tally(database, sign, on: day)
            }
            try database.execute(
                sql: "UPDATE sale SET flags = ? WHERE reference = ?",
                arguments: [String(decoding: try JSONEncoder().encode(names), as: UTF8.self), reference])
        }
    }
}
