internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// Sales that go on to other programs under the member's number there. The back end passes them on: the number travels
/// beside the payload, as that of an unknown card does.
extension SalePosting {
    /// Tells what a sale comes to at each partner, in place of what was told before.
    mutating func replaceForwards(_ id: Int64, _ holder: Holder, _ forwards: [PartnerForward]) throws {
        for forward in forwards {
            guard let number = CardNumber(verbatim: forward.number) else { continue }
            try database.cachedStatement(
                sql: """
                    INSERT INTO sale_forward (sale_id, partner, sealed, lines, told) VALUES (?, ?, ?, ?, 0)
                    ON CONFLICT DO UPDATE SET lines = excluded.lines
                    """
            ).execute(arguments: [
                id, forward.partner, try vault.seal(number, for: Self.seal(id, forward.partner)),
                String(decoding: try JSONEncoder().encode(forward.lines), as: UTF8.self),
            ])
        }
        for row in try Row.fetchAll(
            database.cachedStatement(sql: "SELECT partner FROM sale_forward WHERE sale_id = ?"), arguments: [id])
        {
            let partner: String = row["partner"]
            guard !forwards.contains(where: { $0.partner == partner }) else { continue }
            try database.cachedStatement(sql: "UPDATE sale_forward SET lines = '{}' WHERE sale_id = ? AND partner = ?")
                .execute(arguments: [id, partner])
        }
        try settleForwards([id], document: id)
    }

    /// Tells partners what came back of these sales, or came back no more.
    ///
    /// - Parameter document: whose entry it is.
    mutating func settleForwards(_ sales: Set<Int64>, document: Int64) throws {
        for id in sales.sorted() {
            let rows = try Row.fetchAll(
                database.cachedStatement(
                    sql: """
                        SELECT sale_forward.*, sale.currency, sale.state, sale.member_id, sale.card_token
                        FROM sale_forward JOIN sale ON sale.id = sale_forward.sale_id WHERE sale_id = ? ORDER BY partner
                        """), arguments: [id])
            guard !rows.isEmpty else { continue }
            var (sold, returned): ([String: Quantity], [String: Quantity]) = ([:], [:])
            for line in try StoredLine.fetch(database, where: "sale_line.sale_id = ?", [id]) {
                sold[line.id] = try line.quantity.magnitude()
                returned[line.id] = line.returned
            }
            for row in rows {
                let (partner, told): (String, Int64) = (row["partner"], row["told"])
                let lines = try JSONDecoder().decode([String: Int64].self, from: row["lines"] as Data)
                let wanted =
                    row["state"] == "voided" ? 0 : PartnerForward.rest(lines, sold: sold, returned: returned)
                let (difference, high) = wanted.subtractingReportingOverflow(told)
                guard difference != 0, !high, let holder = Holder(row) else { continue }
                var draft = LoyaltyTransactionDraft(kind: .forward, holder: holder, accruals: [], trace: [])
                draft.forward = LoyaltyTransaction.Forward(
                    partner: partner, amount: Money(minorUnits: difference, try Currency(row["currency"] as String)))
                try postEntry(
                    draft, sale: document, number: try vault.open(row["sealed"] as Data, for: Self.seal(id, partner)))
                try database.cachedStatement(sql: "UPDATE sale_forward SET told = ? WHERE sale_id = ? AND partner = ?")
                    .execute(arguments: [wanted, id, partner])
            }
        }
    }

    private static func seal(_ id: Int64, _ partner: String) -> String { "forward/\(id)/\(partner)" }
}
