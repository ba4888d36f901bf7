internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// Posts one document inside the writer's transaction: decides whether it is new, works out its points, writes sale,
/// entries and outbox rows. Lives for one document.
struct SalePosting {
    let database: Database
    let vault: CardVault
    let terminal: String
    let submission: SaleSubmission
    var outcome = LedgerOutcome(decision: .accepted)
    /// What this document gave to the attached member, for the answer.
    var earnedByPresenter: Points?

    init(database: Database, vault: CardVault, terminal: String, submission: SaleSubmission) {
        self.database = database
        self.vault = vault
        self.terminal = terminal
        self.submission = submission
    }

    var sale: Sale { submission.sale }
    var program: Program { submission.program }
    var closedAt: Timestamp { sale.closedAt ?? submission.event.time }

    mutating func run() throws -> LedgerOutcome {
        let fingerprint = SaleFingerprint.of(sale, closedAt: closedAt)
        let digest = SaleFingerprint.digest(sale, verb: submission.verb, fingerprint: fingerprint)
        if let known = try knownEvent() { return try repeated(known, digest) }
        if isVoid {
            try void()
        } else {
            try post(fingerprint)
        }
        try remember(digest)
        return outcome
    }

    /// Reads only; see `Ledger.isRepeat`.
    func isRepeat() throws -> Bool {
        if try knownEvent() != nil { return true }
        if isVoid { return false }
        if case .new = try decision(SaleFingerprint.of(sale, closedAt: closedAt)).decision { return false }
        return true
    }

    private var isVoid: Bool { submission.verb == .void || sale.state == .voided }

    private func knownEvent() throws -> Row? {
        let identity = submission.event.identity
        return try Row.fetchOne(
            database.cachedStatement(
                sql: "SELECT digest, outcome FROM till_event WHERE source = ? AND epoch = ? AND event_id = ?"),
            arguments: [identity.source, identity.epoch, identity.id])
    }

    private func decision(_ fingerprint: Data) throws -> (decision: DuplicateDecision, knownSale: Int64?) {
        let known = try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT id, fingerprint, revision, closed_at FROM sale
                    WHERE number = ? AND register = ? AND store = ? AND epoch = ? AND business_day = ? AND operator = ?
                    ORDER BY id DESC LIMIT 1
                    """),
            arguments: [
                sale.number, sale.register, sale.store, submission.event.identity.epoch,
                submission.businessDay.description, sale.operatorID ?? "",
            ])
        let decision = DuplicateDecision.decide(
            sameEvent: nil,
            natural: known.map {
                .init(
                    sameFingerprint: $0["fingerprint"] as Data == fingerprint, revision: $0["revision"],
                    closedAt: Timestamp(microseconds: $0["closed_at"]))
            },
            revision: sale.revision, closedAt: closedAt, isFingerprintRecent: try isFingerprintRecent(fingerprint))
        return (decision, known?["id"])
    }

    private mutating func repeated(_ known: Row, _ digest: Data) throws -> LedgerOutcome {
        let decision = DuplicateDecision.decide(
            sameEvent: known["digest"] as Data == digest, natural: nil, revision: nil, closedAt: closedAt,
            isFingerprintRecent: false)
        guard decision == .duplicate else {
            try tally(database, "event.id_conflict", on: submission.receivedDay)
            return LedgerOutcome(decision: .identityConflict)
        }
        var outcome = try JSONDecoder().decode(LedgerOutcome.self, from: known["outcome"] as Data)
        outcome.decision = .duplicate
        try tally(database, "event.duplicate", on: submission.receivedDay)
        return outcome
    }

    private mutating func post(_ fingerprint: Data) throws {
        let (decision, known) = try decision(fingerprint)
        switch decision {
        case .duplicate, .identityConflict:
            try repeatOfSale(known)
        case .revision(let implicit):
            if let known { try revise(known, fingerprint, implicit: implicit) }
        case .new(let flags):
            outcome.flags = submission.flags + flags
            let id = try insertSale(fingerprint)
            if try isTombstoned() {
                outcome.flags.append("voided_before_arrival")
                try database.execute(sql: "UPDATE sale SET state = 'voided' WHERE id = ?", arguments: [id])
            } else {
                try earn(id)
                try takeBack(id)
            }
            try countSale()
        }
        if submission.attachment != nil { outcome.earned = earnedByPresenter ?? .zero(decimals: primaryDecimals) }
        try finishOutcome()
    }

    /// The till sent a known sale under a new event id: the answer of the first one.
    private mutating func repeatOfSale(_ id: Int64?) throws {
        guard let id,
            let row = try Row.fetchOne(
                database, sql: "SELECT reference, member_id, card_token, flags FROM sale WHERE id = ?", arguments: [id])
        else { return }
        outcome = LedgerOutcome(
            decision: .duplicate, sale: row["reference"],
            flags: try JSONDecoder().decode([String].self, from: row["flags"] as Data))
        outcome.member = (row["member_id"] as String?).map { MemberID($0) }
        outcome.unverified = outcome.member == nil && (row["card_token"] as Data?) != nil
        earnedByPresenter = try balanceOfEntries(sale: id)
        try tally(database, "event.duplicate", on: submission.receivedDay)
    }

    private func balanceOfEntries(sale id: Int64) throws -> Points {
        var total = Points.zero(decimals: primaryDecimals)
        for row in try Row.fetchAll(
            database, sql: "SELECT units, decimals FROM ledger_entry WHERE sale_id = ?", arguments: [id])
        { total = try total.adding(Points(units: row["units"], decimals: row["decimals"])) }
        return total
    }

    private func isFingerprintRecent(_ fingerprint: Data) throws -> Bool {
        guard !sale.lines.isEmpty else { return false }
        return try Bool.fetchOne(
            database.cachedStatement(
                sql: "SELECT 1 FROM sale WHERE fingerprint = ? AND register = ? AND received_at > ? LIMIT 1"),
            arguments: [fingerprint, sale.register, submission.receivedAt.adding(seconds: -120).microseconds]) ?? false
    }

    private mutating func insertSale(_ fingerprint: Data) throws -> Int64 {
        try database.cachedStatement(
            sql: """
                INSERT INTO sale (reference, epoch, store, register, business_day, operator, number, uid, revision,
                    fingerprint, closed_at, received_at, received_day, state, kind, receipt, total, currency, member_id,
                    card_token, flags, document)
                VALUES ('', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'completed', ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            submission.event.identity.epoch, sale.store, sale.register, submission.businessDay.description,
            sale.operatorID ?? "", sale.number, sale.uid, sale.revision, fingerprint, closedAt.microseconds,
            submission.receivedAt.microseconds, submission.receivedDay.description, sale.kind.rawValue, sale.receipt,
            sale.totals.grand.minorUnits, sale.currency.code, submission.attachment?.member?.value,
            submission.attachment?.token?.bytes, try json(outcome.flags), try JSONEncoder().encode(sale),
        ])
        let id = database.lastInsertedRowID
        let reference = "s-\(terminal)-\(id)"
        try database.cachedStatement(sql: "UPDATE sale SET reference = ? WHERE id = ?").execute(arguments: [
            reference, id,
        ])
        outcome.sale = reference
        return id
    }

    private func countSale() throws {
        try tally(database, "sale.all", on: submission.receivedDay)
        if submission.attachment != nil { try tally(database, "sale.matched", on: submission.receivedDay) }
        if !program.returnLines(of: sale).isEmpty { try tally(database, "sale.return", on: submission.receivedDay) }
        for flag in ["number_reused", "suspected_duplicate", "totals_mismatch", "unmatched_return"]
        where outcome.flags.contains(flag) { try tally(database, "event.\(flag)", on: submission.receivedDay) }
    }

    /// Keeps E with its outcome.
    private func remember(_ digest: Data) throws {
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

    /// Fills in who the member is and what the balance may be.
    mutating func finishOutcome() throws {
        guard let attachment = submission.attachment, outcome.decision != .duplicate else { return }
        outcome.member = attachment.member
        outcome.unverified = attachment.member == nil
        guard let id = attachment.member, let member = try MemberCache.member(database, id.value) else { return }
        outcome.tier = member.tier
        guard let balance = member.balance else { return }
        var hint = balance
        let since = member.balanceAsOf?.microseconds ?? 0
        for row in try Row.fetchAll(
            database.cachedStatement(
                sql: "SELECT units, decimals FROM ledger_entry WHERE member_id = ? AND recorded_at > ?"),
            arguments: [id.value, since])
        { hint = try hint.adding(Points(units: row["units"], decimals: row["decimals"])) }
        outcome.balanceHint = hint
        outcome.balanceAsOf = member.balanceAsOf
    }

    var primaryDecimals: Int { program.currencies[program.primaryCurrency] ?? 0 }

    func json(_ strings: [String]) throws -> String {
        String(decoding: try JSONEncoder().encode(strings), as: UTF8.self)
    }
}
