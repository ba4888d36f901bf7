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
    var flags: [String]
}

extension SalePosting {
    /// Gives an entry its permanent id and writes it, with its outbox row.
    ///
    /// - Parameter card: the number to seal beside the entry, where the cache does not know the card.
    mutating func postEntry(_ draft: LoyaltyTransactionDraft, sale id: Int64, card: CardNumber?) throws {
        guard
            let sequence = try Int64.fetchOne(
                database.cachedStatement(
                    sql: "UPDATE terminal SET next_sequence = next_sequence + 1 RETURNING next_sequence - 1"))
        else { throw LoyaltyError(.storageDamaged, "the terminal row is missing") }
        let transaction = LoyaltyTransaction(
            id: "\(terminal).\(sequence)", sequence: sequence, kind: draft.kind, member: draft.holder.member,
            cardToken: draft.holder.token?.text,
            sale: LoyaltyTransaction.SaleReference(
                reference: outcome.sale ?? "", store: sale.store, register: sale.register, number: sale.number,
                epoch: submission.event.identity.epoch, businessDay: submission.businessDay, uid: sale.uid,
                receipt: sale.receipt, total: sale.totals.grand),
            accruals: draft.accruals, program: program.identity, trace: draft.trace, flags: draft.flags,
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
        let needsNumber = draft.holder.member == nil
        try database.cachedStatement(
            sql: "INSERT INTO outbox (entry_id, sequence, member_key, state, sealed_card) VALUES (?, ?, ?, 'ready', ?)"
        ).execute(arguments: [
            transaction.id, sequence, draft.holder.key,
            needsNumber ? try card.map { try vault.seal($0, for: transaction.id) } : nil,
        ])
        outcome.transactions.append(transaction.id)
    }
}
