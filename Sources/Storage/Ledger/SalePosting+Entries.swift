internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

extension SalePosting {
    /// The terminal's name, a point, and 80 bits of a hash over the document and the entry's place in it: a document that
    /// comes again after an old backup was put back gets the id that the back end knows, and no other document gets it.
    private func transactionID(_ kind: LoyaltyTransaction.Kind, sale id: Int64) throws -> String {
        let earlier =
            try Int.fetchOne(
                database.cachedStatement(sql: "SELECT count(*) FROM ledger_entry WHERE sale_id = ?"), arguments: [id])
            ?? 0
        let document = SaleFingerprint.digest(
            sale, verb: submission.verb, fingerprint: SaleFingerprint.of(sale))
        let place = SaleFingerprint.digest(
            document,
            [
                submission.event.identity.epoch, submission.businessDay.description, sale.operatorID ?? "",
                sale.closedAt?.description ?? "", kind.rawValue, "\(outcome.transactions.count)", "\(earlier)",
            ])
        return "\(terminal).\(hexadecimal(Array(place.prefix(10))))"
    }

    var journal: EntryJournal { EntryJournal(database: database, vault: vault, terminal: terminal) }

    /// Writes an entry, with its outbox row. Where the cache does not know the card, its number goes along, sealed, if it is
    /// the card of this document.
    ///
    /// - Parameter number: travels in place of the card's.
    mutating func postEntry(
        _ draft: LoyaltyTransactionDraft, sale id: Int64, number: CardNumber? = nil
    ) throws {
        let identifier = try transactionID(draft.kind, sale: id)
        let isOwnCard =
            draft.recipient == nil && draft.holder.member == nil && draft.holder == Holder(submission.attachment)
        try journal.write(
            draft, id: identifier,
            EntryJournal.Circumstances(
                sale: (
                    id,
                    action != nil
                        ? nil
                        : LoyaltyTransaction.SaleReference(
                            reference: outcome.sale ?? "", store: sale.store, register: sale.register,
                            number: sale.number, epoch: submission.event.identity.epoch,
                            businessDay: submission.businessDay, uid: sale.uid, receipt: sale.receipt,
                            total: sale.totals.grand)
                ), action: action, program: program, flags: outcome.flags, occurredAt: closedAt,
                recordedAt: submission.receivedAt, recordedDay: submission.receivedDay),
            card: number ?? (isOwnCard ? submission.attachment?.number : nil))
        outcome.transactions.append(identifier)
    }
}
