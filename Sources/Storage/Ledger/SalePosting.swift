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
    /// The version that the document is evaluated under: that of its time, or that which gave a revised sale its points.
    var program: Program
    var outcome = LedgerOutcome(decision: .accepted)
    /// Whose answer this is: who holds the sale's points, which after a revision need not be the card of this document.
    var presenter: Holder?
    /// What this document gave to the presenter, in the primary currency.
    var earnedByPresenter: Points?
    /// Points of the sale that stay with the member when goods come back.
    var kept = KeptPoints()
    /// Set where this is no sale but an action.
    var action: LoyaltyTransaction.ActionReference?
    /// The accounts that this document looks at, by holder.
    var accounts: [String: Account] = [:]
    /// What is kept of sales beside their lots.
    var standings: [Int64: SaleStanding] = [:]
    /// What goods of this document take by rate.
    var reversal: EarnResult?

    init(database: Database, vault: CardVault, terminal: String, submission: SaleSubmission) {
        self.database = database
        self.vault = vault
        self.terminal = terminal
        self.submission = submission
        program = submission.program
        presenter = Holder(submission.attachment)
    }

    var sale: Sale { submission.sale }
    var closedAt: Timestamp { sale.closedAt ?? submission.event.time }

    mutating func run() throws -> LedgerOutcome {
        if let action = submission.action { return try run(action) }
        let fingerprint = SaleFingerprint.of(sale)
        let digest = SaleFingerprint.digest(sale, verb: submission.verb, fingerprint: fingerprint)
        if let known = try knownEvent() { return try repeated(known, digest) }
        if isVoid {
            try void(digest)
        } else {
            try post(fingerprint)
        }
        try remember(digest)
        return outcome
    }

    /// Reads only; see `Ledger.standing`.
    func standing() throws -> Ledger.Standing {
        let fingerprint = SaleFingerprint.of(sale)
        if let known = try knownEvent() {
            let digest = SaleFingerprint.digest(sale, verb: submission.verb, fingerprint: fingerprint)
            return known["digest"] as Data == digest ? .known : .conflict
        }
        if isVoid { return .new }
        if case .new = try decision(fingerprint) { return .new }
        return .known
    }

    private var isVoid: Bool { submission.verb == .void || sale.state == .voided }

    func knownEvent() throws -> Row? {
        let identity = submission.event.identity
        return try Row.fetchOne(
            database.cachedStatement(
                sql: "SELECT digest, outcome FROM till_event WHERE source = ? AND epoch = ? AND event_id = ?"),
            arguments: [identity.source, identity.epoch, identity.id])
    }

    private func decision(_ fingerprint: Data) throws -> DuplicateDecision {
        let known = try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT id, uid, fingerprint, superseded, revision, closed_at, business_day = ?5 AS is_same_day,
                        state = 'completed' AND epoch = ?4 AS correctable FROM sale
                    WHERE (number = ?1 AND register = ?2 AND store = ?3 AND epoch = ?4 AND business_day = ?5
                            AND operator = ?6)
                        OR (uid = ?7 AND store = ?3)
                    ORDER BY id DESC LIMIT 100
                    """),
            arguments: [
                sale.number, sale.register, sale.store, submission.event.identity.epoch,
                submission.businessDay.description, sale.operatorID ?? "", sale.uid,
            ])
        let earlier = hexadecimal(Array(fingerprint))
        return DuplicateDecision.decide(
            known: try known.map { row in
                let superseded = try JSONDecoder().decode([String].self, from: row["superseded"] as Data)
                return .init(
                    id: row["id"],
                    content: row["fingerprint"] as Data == fingerprint
                        ? .same : superseded.contains { $0.hasPrefix(earlier) } ? .superseded : .other,
                    identity: identity(row["uid"]), isCorrectable: row["correctable"],
                    isSameDay: row["is_same_day"] || isNear(Timestamp(microseconds: row["closed_at"])),
                    revision: row["revision"],
                    hadUnnumberedState: superseded.contains { $0.hasSuffix(Self.unnumbered) },
                    closedAt: Timestamp(microseconds: row["closed_at"]))
            },
            revision: sale.revision, closedAt: closedAt, isFingerprintRecent: try isFingerprintRecent(fingerprint))
    }

    /// Ids begin again with a day of trade, which midnight does not end; a till that names the day itself says what it means.
    private func isNear(_ closed: Timestamp) -> Bool {
        guard submission.event.businessDay == nil else { return false }
        let (distance, isBeyond) = closedAt.microseconds.subtractingReportingOverflow(closed.microseconds)
        return !isBeyond && distance.magnitude < Self.nearness
    }

    private static let nearness: UInt64 = 10_800_000_000

    /// Behind the fingerprint of a state that had no revision number.
    static let unnumbered = "-"

    private func identity(_ known: String?) -> DuplicateDecision.KnownSale.Identity {
        guard let known, let uid = sale.uid else { return .unknown }
        return known == uid ? .equal : .different
    }

    func repeated(_ known: Row, _ digest: Data) throws -> LedgerOutcome {
        guard known["digest"] as Data == digest else {
            try tally(database, "event.id_conflict", on: submission.receivedDay)
            return LedgerOutcome(decision: .identityConflict)
        }
        var outcome = try JSONDecoder().decode(LedgerOutcome.self, from: known["outcome"] as Data)
        outcome.decision = .duplicate
        try tally(database, "event.duplicate", on: submission.receivedDay)
        return outcome
    }

    private mutating func post(_ fingerprint: Data) throws {
        switch try decision(fingerprint) {
        case .duplicate(let id, let flags):
            try repeatOfSale(id, flags)
        case .revision(let id, let implicit):
            try revise(id, fingerprint, implicit: implicit)
        case .new(let flags):
            outcome.flags = submission.flags + flags
            let voidedBy = try takeTombstone()
            if voidedBy != nil { outcome.flags.append("voided_before_arrival") }
            let id = try insertSale(fingerprint, voidedBy: voidedBy)
            try adoptReturns(id)
            try earn(id)
            if voidedBy == nil { try postReturns(id) }
            try updateFlags(id)
            try countSale()
        }
        try storeAccounts()
        if presenter != nil { outcome.earned = earnedByPresenter ?? .zero(decimals: primaryDecimals) }
        try finishOutcome()
    }

    /// The till sent a known sale under a new event id: the answer of the first one.
    private mutating func repeatOfSale(_ id: Int64, _ found: [String]) throws {
        guard
            let row = try Row.fetchOne(
                database, sql: "SELECT reference, member_id, card_token, flags FROM sale WHERE id = ?", arguments: [id])
        else { return }
        outcome = LedgerOutcome(
            decision: .duplicate, sale: row["reference"],
            flags: try JSONDecoder().decode([String].self, from: row["flags"] as Data))
        for flag in found {
            raise(flag)
            try tally(database, "event.\(flag)", on: submission.receivedDay)
        }
        if !found.isEmpty { try updateFlags(id) }
        presenter = Holder(row)
        if let presenter {
            outcome.member = presenter.member
            outcome.unverified = presenter.member == nil
            earnedByPresenter = try balanceOfEntries(sale: id, presenter)
        }
        try tally(database, "event.duplicate", on: submission.receivedDay)
    }

    func balanceOfEntries(sale id: Int64, _ holder: Holder) throws -> Points {
        var total = Points.zero(decimals: primaryDecimals)
        for row in try Row.fetchAll(
            database,
            sql: """
                SELECT units, decimals FROM ledger_entry
                WHERE sale_id = ? AND member_key = ? AND recipient IS NULL AND kind NOT IN \(SalesRegister.otherKinds)
                """, arguments: [id, holder.key])
        { total = try total.adding(Points(units: row["units"], decimals: row["decimals"])) }
        return total
    }

    private func isFingerprintRecent(_ fingerprint: Data) throws -> Bool {
        guard !sale.lines.isEmpty else { return false }
        return try Bool.fetchOne(
            database.cachedStatement(
                sql:
                    "SELECT 1 FROM sale WHERE fingerprint = ? AND register = ? AND store = ? AND received_at > ? LIMIT 1"
            ),
            arguments: [
                fingerprint, sale.register, sale.store, submission.receivedAt.adding(seconds: -120).microseconds,
            ]) ?? false
    }

    private func countSale() throws {
        try tally(database, "sale.all", on: submission.receivedDay)
        if submission.attachment != nil { try tally(database, "sale.matched", on: submission.receivedDay) }
        if !program.returnLines(of: sale).isEmpty { try tally(database, "sale.return", on: submission.receivedDay) }
        for flag in ["number_reused", "suspected_duplicate", "totals_mismatch", "unmatched_return", "ambiguous_return"]
        where outcome.flags.contains(flag) { try tally(database, "event.\(flag)", on: submission.receivedDay) }
    }

    /// Fills in who the member is and what the balance may be.
    mutating func finishOutcome() throws {
        guard let presenter, outcome.decision != .duplicate else { return }
        outcome.member = presenter.member
        outcome.unverified = presenter.member == nil
        guard let id = presenter.member, let member = try MemberCache.member(database, id.value) else { return }
        outcome.tier = try tier(of: presenter, member)
        try statePoints(of: presenter)
        guard let balance = member.balance else { return }
        var hint: Points? = balance
        for points in try Account.pointsUnknownToBackEnd(of: member, database) {
            // A hint that does not fit is no reason to refuse a sale.
            hint = try? hint?.adding(points)
        }
        guard let hint else { return }
        outcome.balanceHint = hint
        outcome.balanceAsOf = member.balanceAsOf
    }

    /// The tier that counts from now on, also one that this document reached.
    private func tier(of holder: Holder, _ member: Member) throws -> String? {
        guard program.tiers != nil else { return member.tier }
        let state = try books.state(of: holder, member)
        let counters = try books.counters(
            program, CounterOwner(holder, member), on: submission.businessDay, joined: state.joined)
        return try program.tierName(of: state, counters: counters, member: member, on: submission.businessDay)
    }

    var primaryDecimals: Int { program.currencies[program.primaryCurrency] ?? 0 }
}
