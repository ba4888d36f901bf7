internal import GRDB
internal import LoyaltyModel

extension Retention {
    /// The id and origin of the lot that points go into whose sale is forgotten; by currency.
    static func carriedLot(_ currency: String) -> String { "carried/\(currency)" }

    /// A sale that is forgotten can give nothing back any more: its empty lots go, and those that never end become one.
    static func foldLots(of sale: Int64, _ database: Database) throws {
        let rows = try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT lot.* FROM lot JOIN sale ON lot.origin = sale.reference
                    WHERE sale.id = ? ORDER BY lot.holder, lot.number
                    """), arguments: [sale])
        for row in rows {
            let (holder, number): (String, Int64) = (row["holder"], row["number"])
            let remaining: Int64 = row["remaining"]
            let isEndless = (row["expires"] as String?) == nil && (row["inactive"] as String?) == nil
            // Pending times are shorter than the days that sales are kept.
            guard remaining == 0 || isEndless else { continue }
            if remaining != 0 {
                let currency: String = row["currency"]
                let name = carriedLot(currency)
                try database.cachedStatement(
                    sql: """
                        UPDATE lot SET granted = granted + ?, remaining = remaining + ?
                        WHERE holder = ? AND id = ? AND decimals = ? AND number <> ?
                        """
                ).execute(arguments: [remaining, remaining, holder, name, row["decimals"] as Int, number])
                if database.changesCount == 0 {
                    try database.cachedStatement(
                        sql: """
                            UPDATE lot SET id = ?, origin = ?, granted = remaining, lapsed = 0, qualifying = 0,
                                pending_until = NULL WHERE holder = ? AND number = ?
                            """
                    ).execute(arguments: [name, name, holder, number])
                    continue
                }
            }
            try database.cachedStatement(sql: "DELETE FROM lot WHERE holder = ? AND number = ?")
                .execute(arguments: [holder, number])
        }
    }

    /// Entries without a sale, delivered long ago.
    static func removeEntries(_ database: Database, before limit: Int64, _ size: Int) throws -> Int {
        let ids = try String.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT ledger_entry.id FROM ledger_entry JOIN outbox ON outbox.entry_id = ledger_entry.id
                    WHERE ledger_entry.sale_id IS NULL AND ledger_entry.recorded_at < ?1
                        AND outbox.state = 'sent' AND outbox.settled_at < ?1
                    LIMIT ?2
                    """), arguments: [limit, size])
        for id in ids {
            for sql in ["DELETE FROM outbox WHERE entry_id = ?", "DELETE FROM ledger_entry WHERE id = ?"] {
                try database.cachedStatement(sql: sql).execute(arguments: [id])
            }
        }
        return ids.count
    }
}
