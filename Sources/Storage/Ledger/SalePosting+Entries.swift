internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// An entry before it has its id and sequence.
struct LoyaltyTransactionDraft {
    var kind: LoyaltyTransaction.Kind
    var holder: Holder
    var accruals: [Accrual]
    var trace: [TraceStep]
}

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

    /// Gives an entry its permanent id and writes it, with its outbox row. Where the cache does not know the card, its
    /// number goes along, sealed, if it is the card of this document.
    mutating func postEntry(_ draft: LoyaltyTransactionDraft, sale id: Int64) throws {
        guard
            let sequence = try Int64.fetchOne(
                database.cachedStatement(
                    sql: "UPDATE terminal SET next_sequence = next_sequence + 1 RETURNING next_sequence - 1"))
        else { throw LoyaltyError(.storageDamaged, "the terminal row is missing") }
        let transaction = LoyaltyTransaction(
            id: try transactionID(draft.kind, sale: id), sequence: sequence, kind: draft.kind,
            member: draft.holder.member,
            cardToken: draft.holder.token?.text,
            sale: LoyaltyTransaction.SaleReference(
                reference: outcome.sale ?? "", store: sale.store, register: sale.register, number: sale.number,
                epoch: submission.event.identity.epoch, businessDay: submission.businessDay, uid: sale.uid,
                receipt: sale.receipt, total: sale.totals.grand),
            accruals: draft.accruals, program: program.identity, trace: draft.trace, flags: outcome.flags,
            occurredAt: closedAt, recordedAt: submission.receivedAt)
        let primary =
            draft.accruals.first { $0.currency == program.primaryCurrency }?.total ?? .zero(decimals: primaryDecimals)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        try database.cachedStatement(
            sql: """
                INSERT INTO ledger_entry (id, sequence, kind, sale_id, member_key, member_id, currency, units, decimals,
                    recorded_at, recorded_day, document)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            transaction.id, sequence, draft.kind.rawValue, id, draft.holder.key, draft.holder.member?.value,
            program.primaryCurrency, primary.units, primary.decimals, submission.receivedAt.microseconds,
            submission.receivedDay.description,
            try encoder.encode(transaction),
        ])
        let isOwnCard = draft.holder.member == nil && draft.holder == Holder(submission.attachment)
        let card = isOwnCard ? submission.attachment?.number : nil
        try database.cachedStatement(
            sql: """
                INSERT INTO outbox (entry_id, sequence, member_key, state, sealed_card, is_head)
                VALUES (?1, ?2, ?3, 'ready', ?4,
                    NOT EXISTS (SELECT 1 FROM outbox WHERE state = 'ready' AND member_key = ?3))
                """
        ).execute(arguments: [
            transaction.id, sequence, draft.holder.key, try card.map { try vault.seal($0, for: transaction.id) },
        ])
        outcome.transactions.append(transaction.id)
    }
}
