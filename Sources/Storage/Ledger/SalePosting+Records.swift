internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// The rows of documents and events.
extension SalePosting {
    mutating func insertSale(_ fingerprint: Data, voidedBy mark: Data?) throws -> Int64 {
        try database.cachedStatement(
            sql: """
                INSERT INTO sale (reference, epoch, store, register, business_day, operator, number, uid, revision,
                    fingerprint, closed_at, received_at, received_day, state, kind, receipt, total, currency, member_id,
                    card_token, flags, void_digest, document)
                VALUES ('', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            submission.event.identity.epoch, sale.store, sale.register, submission.businessDay.description,
            sale.operatorID ?? "", sale.number, sale.uid, sale.revision, fingerprint, closedAt.microseconds,
            submission.receivedAt.microseconds, submission.receivedDay.description,
            mark == nil ? "completed" : "voided", action == nil ? sale.kind.rawValue : Self.actionKind, sale.receipt,
            sale.totals.grand.minorUnits, sale.currency.code, submission.attachment?.member?.value,
            submission.attachment?.token?.bytes, try json(outcome.flags), mark, try JSONEncoder().encode(sale),
        ])
        let id = database.lastInsertedRowID
        let reference = "\(action == nil ? "s" : "a")-\(terminal)-\(id)"
        try database.cachedStatement(sql: "UPDATE sale SET reference = ? WHERE id = ?").execute(arguments: [
            reference, id,
        ])
        outcome.sale = reference
        return id
    }

    /// Replaces the snapshot. The content that stood there is remembered, so that its resend is not taken for a correction.
    func replaceDocument(_ id: Int64, _ fingerprint: Data, _ known: Row) throws {
        var superseded = try JSONDecoder().decode([String].self, from: known["superseded"] as Data)
        let new = hexadecimal(Array(fingerprint))
        superseded.removeAll { $0.hasPrefix(new) }
        let hadNumber = known["revision"] as Int64? != nil
        superseded.append(hexadecimal(Array(known["fingerprint"] as Data)) + (hadNumber ? "" : Self.unnumbered))
        try database.execute(
            sql: """
                UPDATE sale SET revision = ?, fingerprint = ?, superseded = ?, closed_at = ?, kind = ?, total = ?,
                    currency = ?, document = ? WHERE id = ?
                """,
            arguments: [
                sale.revision ?? known["revision"], fingerprint, try json(superseded), closedAt.microseconds,
                sale.kind.rawValue, sale.totals.grand.minorUnits, sale.currency.code, try JSONEncoder().encode(sale),
                id,
            ])
    }

    /// Keeps E with its outcome.
    func remember(_ digest: Data) throws {
        let identity = submission.event.identity
        try database.cachedStatement(
            sql: """
                INSERT INTO till_event (source, epoch, event_id, digest, outcome, received_at) VALUES (?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            identity.source, identity.epoch, identity.id, digest, try JSONEncoder().encode(outcome),
            submission.receivedAt.microseconds,
        ])
    }

    /// Adds what was noticed to what is known of the sale.
    func updateFlags(_ id: Int64) throws {
        guard !outcome.flags.isEmpty,
            let known = try Data.fetchOne(database, sql: "SELECT flags FROM sale WHERE id = ?", arguments: [id])
        else { return }
        var flags = try JSONDecoder().decode([String].self, from: known)
        for flag in outcome.flags where !flags.contains(flag) { flags.append(flag) }
        try database.execute(sql: "UPDATE sale SET flags = ? WHERE id = ?", arguments: [try json(flags), id])
    }

    mutating func raise(_ flag: String) {
        if !outcome.flags.contains(flag) { outcome.flags.append(flag) }
    }

    func json(_ strings: [String]) throws -> String {
        strings.isEmpty ? "[]" : String(decoding: try JSONEncoder().encode(strings), as: UTF8.self)
    }
}
