internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// Actions of members. An action stands in the ledger as a sale of one line, so that its points, counters and lots, and its
/// void, are kept in the one way there is; its key is remembered for ever.
extension SalePosting {
    /// `sale.kind` of an action.
    static let actionKind = "action"

    mutating func run(_ action: LoyaltyAction) throws -> LedgerOutcome {
        let digest = SaleFingerprint.digest(
            Data(Self.actionKind.utf8),
            [
                submission.verb.rawValue, action.name, action.key, action.occurredAt.description,
                action.amount?.description ?? "", action.quantity.description, action.store ?? "", action.channel ?? "",
            ])
        if let known = try knownEvent() { return try repeated(known, digest) }
        if submission.verb == .void {
            try void(action)
        } else {
            try take(action, digest)
        }
        try remember(digest)
        return outcome
    }

    private func known(_ key: String) throws -> Row? {
        try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT member_action.is_voided, member_action.digest, sale.id, sale.reference, sale.business_day,
                        sale.closed_at, sale.member_id, sale.card_token, sale.document
                    FROM member_action LEFT JOIN sale ON sale.id = member_action.sale_id WHERE key = ?
                    """), arguments: [key])
    }

    private mutating func take(_ action: LoyaltyAction, _ digest: Data) throws {
        outcome.flags = submission.flags
        if let known = try known(action.key) { return try repeated(known, digest, action) }
        self.action = LoyaltyTransaction.ActionReference(reference: "", name: action.name, key: action.key)
        let id = try insertSale(digest, voidedBy: nil)
        self.action?.reference = outcome.sale ?? ""
        try database.cachedStatement(sql: "INSERT INTO member_action (key, sale_id, digest) VALUES (?, ?, ?)")
            .execute(arguments: [action.key, id, digest])
        try earn(id)
        try updateFlags(id)
        try storeAccounts()
        try tally(database, "action.all", on: submission.receivedDay)
        outcome.earned = earnedByPresenter ?? .zero(decimals: primaryDecimals)
        try finishOutcome()
    }

    /// An action with a known key changes nothing: the answer of the first one, or of the void that came before it.
    private mutating func repeated(_ known: Row, _ digest: Data, _ action: LoyaltyAction) throws {
        try tally(database, "event.duplicate", on: submission.receivedDay)
        outcome.decision = .duplicate
        outcome.sale = known["reference"]
        if known["id"] as Int64? == nil, known["is_voided"] as Bool { raise("voided_before_arrival") }
        if known["id"] as Int64? != nil, known["digest"] as Data != digest { raise("action_differs") }
        presenter = Holder(known)
        guard let presenter, let id: Int64 = known["id"] else { return }
        outcome.member = presenter.member
        outcome.unverified = presenter.member == nil
        outcome.earned = try balanceOfEntries(sale: id, presenter)
    }

    private mutating func void(_ action: LoyaltyAction) throws {
        outcome = LedgerOutcome(decision: .voided, flags: submission.flags)
        presenter = nil
        guard let known = try known(action.key) else {
            raise("voids_unknown_action")
            return try database.cachedStatement(
                sql: "INSERT INTO member_action (key, digest, is_voided) VALUES (?, x'', 1)"
            ).execute(arguments: [action.key])
        }
        outcome.sale = known["reference"]
        if known["is_voided"] as Bool {
            outcome.decision = .duplicate
            return
        }
        guard let id: Int64 = known["id"] else { return raise("voids_unknown_action") }
        let stored = try JSONDecoder().decode(Sale.self, from: known["document"] as Data)
        self.action = LoyaltyTransaction.ActionReference(
            reference: known["reference"], name: stored.lines.first?.id ?? action.name, key: action.key)
        try database.cachedStatement(sql: "UPDATE member_action SET is_voided = 1 WHERE key = ?")
            .execute(arguments: [action.key])
        try void(
            NamedSale(
                id: id, reference: known["reference"], businessDay: known["business_day"],
                closedAt: Timestamp(microseconds: known["closed_at"]), total: 0, holder: Holder(known)),
            SaleFingerprint.digest(Data(Self.actionKind.utf8), [action.key]))
    }
}
