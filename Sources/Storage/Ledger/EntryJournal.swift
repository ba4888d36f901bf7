internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// Writes entries of the ledger, each with its outbox row, inside the writer's transaction.
struct EntryJournal {
    let database: Database
    let vault: CardVault
    let terminal: String

    /// Where, when and under which program something was booked.
    struct Circumstances {
        /// The row that it belongs to; without a reference where that is an action.
        var sale: (id: Int64, reference: LoyaltyTransaction.SaleReference?)?
        var action: LoyaltyTransaction.ActionReference?
        var program: Program
        var flags: [String] = []
        var occurredAt: Timestamp
        var recordedAt: Timestamp
        /// The local day that figures count it under.
        var recordedDay: CalendarDate
    }

    /// Gives an entry its permanent id and the next sequence, and writes it.
    ///
    /// - Parameter card: sealed into the outbox where only the back end can know whose it is.
    func write(
        _ draft: LoyaltyTransactionDraft, id: String, _ circumstances: Circumstances, card: CardNumber? = nil
    ) throws {
        guard
            let sequence = try Int64.fetchOne(
                database.cachedStatement(
                    sql: "UPDATE terminal SET next_sequence = next_sequence + 1 RETURNING next_sequence - 1"))
        else { throw LoyaltyError(.storageDamaged, "the terminal row is missing") }
        let program = circumstances.program
        var transaction = LoyaltyTransaction(
            id: id, sequence: sequence, kind: draft.kind, member: draft.holder.member,
            cardToken: draft.holder.token?.text, sale: circumstances.sale?.reference, accruals: draft.accruals,
            program: program.identity, trace: draft.trace, flags: circumstances.flags,
            occurredAt: circumstances.occurredAt, recordedAt: circumstances.recordedAt)
        transaction.action = circumstances.action
        transaction.recipient = draft.recipient
        transaction.beneficiary = draft.beneficiary
        transaction.forward = draft.forward
        transaction.lots = draft.lots.isEmpty ? nil : draft.lots
        transaction.rewards = draft.rewards.isEmpty ? nil : draft.rewards
        let primary =
            draft.accruals.first { $0.currency == program.primaryCurrency }?.total
            ?? .zero(decimals: program.currencies[program.primaryCurrency] ?? 0)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        try database.cachedStatement(
            sql: """
                INSERT INTO ledger_entry (id, sequence, kind, sale_id, member_key, member_id, currency, units, decimals,
                    recorded_at, recorded_day, recipient, document)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            id, sequence, draft.kind.rawValue, circumstances.sale?.id, draft.holder.key, draft.holder.member?.value,
            program.primaryCurrency, primary.units, primary.decimals, circumstances.recordedAt.microseconds,
            circumstances.recordedDay.description, draft.recipient?.rawValue, try encoder.encode(transaction),
        ])
        try database.cachedStatement(
            sql: """
                INSERT INTO outbox (entry_id, sequence, member_key, state, sealed_card, is_head)
                VALUES (?1, ?2, ?3, 'ready', ?4,
                    NOT EXISTS (SELECT 1 FROM outbox WHERE state = 'ready' AND member_key = ?3))
                """
        ).execute(arguments: [
            id, sequence, draft.order ?? draft.holder.key, try card.map { try vault.seal($0, for: id) },
        ])
    }

    /// The name of something that no till's document brought about: the same event gets the same name again after an old
    /// backup was put back.
    func identifier(_ kind: LoyaltyTransaction.Kind, _ holder: Holder, _ parts: [String]) -> String {
        let digest = SaleFingerprint.digest(Data(kind.rawValue.utf8), [holder.key] + parts)
        return "\(terminal).\(hexadecimal(Array(digest.prefix(10))))"
    }
}

/// An entry before it has its id and sequence.
struct LoyaltyTransactionDraft {
    var kind: LoyaltyTransaction.Kind
    var holder: Holder
    var accruals: [Accrual]
    var trace: [TraceStep]
    var lots: [LotChange] = []
    var rewards: [RewardChange] = []
    /// nil for the member himself.
    var recipient: LoyaltyTransaction.Recipient?
    var beneficiary: String?
    var forward: LoyaltyTransaction.Forward?
    /// Whose entries it is delivered among; the holder's where nothing is said.
    var order: String?

    init(
        kind: LoyaltyTransaction.Kind, holder: Holder, accruals: [Accrual], trace: [TraceStep],
        lots: [LotChange] = [], rewards: [RewardChange] = []
    ) {
        self.kind = kind
        self.holder = holder
        self.accruals = accruals
        self.trace = trace
        self.lots = lots
        self.rewards = rewards
    }
}
