internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// Whose points an entry changes: a member of the cache, or a card that only the back end can know.
struct Holder: Hashable {
    var member: MemberID?
    var token: CardToken?
    /// Keeps the events of one holder in order in the outbox.
    var key: String

    init?(member: MemberID?, token: CardToken?) {
        if let member {
            key = "m:\(member.value)"
        } else if let token {
            key = "c:\(token.text)"
        } else {
            return nil
        }
        self.member = member
        self.token = token
    }
}

/// What one line of a stored sale gave, and how much of it was taken back, per currency.
struct LinePoints: Codable {
    var currency: String
    var granted: Points
    var taken: Points
}

extension SalePosting {
    /// Works out what the attached card earns and posts it.
    mutating func earn(_ id: Int64) throws {
        guard let attachment = submission.attachment,
            let holder = Holder(member: attachment.member, token: attachment.token)
        else { return }
        let result = try evaluate(attachment)
        outcome.flags += result.flags
        try storeLines(id, holder, result.accruals)
        try note(result.accruals)
        try postEntry(
            LoyaltyTransactionDraft(
                kind: .accrual, holder: holder, accruals: result.accruals, trace: result.trace, flags: outcome.flags),
            sale: id, card: attachment.number)
        try updateFlags(id)
    }

    func evaluate(_ attachment: CardAttachment) throws -> EarnResult {
        let member = try attachment.member.flatMap { try MemberCache.member(database, $0.value) }
        return try program.evaluate(
            EarnInput(sale: sale, occurredAt: closedAt, businessDay: submission.businessDay, member: member))
    }

    /// Adds a card to a finished sale.
    mutating func attach(to id: Int64) throws -> LedgerOutcome {
        outcome.flags = submission.flags
        outcome.sale = try String.fetchOne(database, sql: "SELECT reference FROM sale WHERE id = ?", arguments: [id])
        try database.execute(
            sql: "UPDATE sale SET member_id = ?, card_token = ? WHERE id = ?",
            arguments: [submission.attachment?.member?.value, submission.attachment?.token?.bytes, id])
        try earn(id)
        try tally(database, "sale.matched", on: submission.receivedDay)
        try tally(database, "sale.late_card", on: submission.receivedDay)
        outcome.earned = earnedByPresenter ?? .zero(decimals: primaryDecimals)
        try finishOutcome()
        return outcome
    }

    /// A newer state of a sale replaces the snapshot; the difference of points is posted. Goods that were returned in the
    /// meantime stay returned.
    mutating func revise(_ id: Int64, _ fingerprint: Data, implicit: Bool) throws {
        outcome.decision = .revised
        outcome.flags = submission.flags + (implicit ? ["implicit_revision"] : [])
        guard
            let row = try Row.fetchOne(
                database, sql: "SELECT reference, state, member_id, card_token FROM sale WHERE id = ?", arguments: [id])
        else { return }
        outcome.sale = row["reference"]
        try database.execute(
            sql: """
                UPDATE sale SET revision = ?, fingerprint = ?, closed_at = ?, total = ?, currency = ?, document = ?
                WHERE id = ?
                """,
            arguments: [
                sale.revision, fingerprint, closedAt.microseconds, sale.totals.grand.minorUnits, sale.currency.code,
                try JSONEncoder().encode(sale), id,
            ])
        guard row["state"] == "completed" else { return }
        let stored = CardAttachment(
            token: (row["card_token"] as Data?).map { CardToken(bytes: $0) },
            member: (row["member_id"] as String?).map { MemberID($0) }, number: nil)
        guard let holder = Holder(member: stored.member, token: stored.token) else {
            // The first state had no card; this one may.
            if let attachment = submission.attachment {
                try database.execute(
                    sql: "UPDATE sale SET member_id = ?, card_token = ? WHERE id = ?",
                    arguments: [attachment.member?.value, attachment.token?.bytes, id])
                try earn(id)
            }
            return
        }
        let result = try evaluate(stored)
        outcome.flags += result.flags
        let differences = try replaceLines(id, holder, result.accruals)
        guard differences.contains(where: { !$0.total.isZero }) else { return }
        try note(differences)
        try postEntry(
            LoyaltyTransactionDraft(
                kind: .adjustment, holder: holder, accruals: differences, trace: result.trace, flags: outcome.flags),
            sale: id, card: nil)
        try updateFlags(id)
    }

    private func storeLines(_ id: Int64, _ holder: Holder, _ accruals: [Accrual]) throws {
        let returns = Set(program.returnLines(of: sale).map(\.id))
        let insert = try database.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO sale_line (sale_id, line_id, member_key, code, quantity, points)
                VALUES (?, ?, ?, ?, ?, ?)
                """)
        for line in sale.lines where !returns.contains(line.id) {
            let points = accruals.compactMap { accrual -> LinePoints? in
                guard let share = accrual.lines.first(where: { $0.line == line.id }) else { return nil }
                return LinePoints(
                    currency: accrual.currency, granted: share.points, taken: .zero(decimals: share.points.decimals))
            }
            try insert.execute(arguments: [
                id, line.id, holder.key, line.code?.value, line.quantity.description,
                String(decoding: try JSONEncoder().encode(points), as: UTF8.self),
            ])
        }
    }

    /// Gives each line its new share and keeps what was returned; answers the accruals' differences.
    private func replaceLines(_ id: Int64, _ holder: Holder, _ accruals: [Accrual]) throws -> [Accrual] {
        var old: [String: (returned: String, points: [LinePoints])] = [:]
        for row in try Row.fetchAll(
            database, sql: "SELECT line_id, returned, points FROM sale_line WHERE sale_id = ?", arguments: [id])
        {
            old[row["line_id"]] = (
                row["returned"], try JSONDecoder().decode([LinePoints].self, from: row["points"] as Data)
            )
        }
        try database.execute(sql: "DELETE FROM sale_line WHERE sale_id = ?", arguments: [id])
        try storeLines(id, holder, accruals)
        for (line, state) in old {
            guard
                let row = try Row.fetchOne(
                    database, sql: "SELECT points FROM sale_line WHERE sale_id = ? AND line_id = ?",
                    arguments: [id, line])
            else { continue }
            var points = try JSONDecoder().decode([LinePoints].self, from: row["points"] as Data)
            for index in points.indices {
                guard let before = state.points.first(where: { $0.currency == points[index].currency }) else {
                    continue
                }
                points[index].taken = before.taken
            }
            try database.execute(
                sql: "UPDATE sale_line SET returned = ?, points = ? WHERE sale_id = ? AND line_id = ?",
                arguments: [
                    state.returned, String(decoding: try JSONEncoder().encode(points), as: UTF8.self), id, line,
                ])
        }
        let before = old.values.flatMap(\.points)
        return try accruals.map { accrual in
            var total = accrual.total
            for share in before where share.currency == accrual.currency {
                total = try total.subtracting(share.granted)
            }
            let qualifying = accrual.qualifying == accrual.total ? total : .zero(decimals: total.decimals)
            let lines = try accrual.lines.map { share in
                let granted = old[share.line]?.points.first { $0.currency == accrual.currency }?.granted
                return Accrual.LineShare(
                    line: share.line, points: try granted.map { try share.points.subtracting($0) } ?? share.points)
            }
            return Accrual(currency: accrual.currency, total: total, qualifying: qualifying, lines: lines)
        }
    }

    /// Counts points of the primary currency for the answer.
    mutating func note(_ accruals: [Accrual]) throws {
        for accrual in accruals where accrual.currency == program.primaryCurrency {
            earnedByPresenter = try (earnedByPresenter ?? .zero(decimals: primaryDecimals)).adding(accrual.total)
        }
    }

    func updateFlags(_ id: Int64) throws {
        guard !outcome.flags.isEmpty else { return }
        try database.execute(
            sql: "UPDATE sale SET flags = ? WHERE id = ?", arguments: [try json(outcome.flags), id])
    }
}
