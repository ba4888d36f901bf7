public import EarnRules
internal import Foundation
internal import GRDB
public import LoyaltyModel

extension Ledger {
    /// How long after a sale its receipt can be shown, in days.
    public static let claimDays = 14

    /// Adds a card to a sale that had none, because its receipt is shown. The outcome's flags say `claimed`.
    ///
    /// The ticket throws `claim.unknown`, `claim.ambiguous`, `claim.taken`, `claim.voided`, `claim.too_old`, `claim.own_sale`,
    /// `storage.*`, and what the evaluation throws.
    ///
    /// - Parameters:
    ///   - name: the receipt, the till's number or unique id, or the daemon's reference.
    ///   - isOwn: whether a sale that this operator rang up is the claimant's own work; then `claim.own_sale` is thrown.
    public func claim(
        _ name: String, for attachment: CardAttachment, programs: ProgramVersions, receivedAt: Timestamp,
        receivedDay: CalendarDate, isOwn: @escaping @Sendable (_ operatorID: String) -> Bool = { _ in false }
    ) -> CommitTicket<LedgerOutcome> {
        let (vault, terminal) = (database.vault, database.terminal)
        return database.writer.submit { database in
            let row = try Self.claimed(name, database, at: receivedAt)
            let reference: String = row["reference"]
            if isOwn(row["operator"]) {
                throw LoyaltyError(.claimOwnSale, "the claimant rang this sale up, and earns nothing on it")
            }
            var posting = SalePosting(
                database: database, vault: vault, terminal: terminal,
                submission: try SaleSubmission(
                    stored: row, reference, attachment, programs, receivedAt, receivedDay, flag: "claimed"))
            return try posting.attach(to: row["id"])
        }
    }

    private static func claimed(_ name: String, _ database: Database, at now: Timestamp) throws -> Row {
        let rows = try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT id, reference, epoch, business_day, closed_at, document, state, operator,
                        member_id IS NOT NULL OR card_token IS NOT NULL AS is_taken
                    FROM sale WHERE (reference = ?1 OR receipt = ?1 OR uid = ?1 OR number = ?1) AND kind <> 'action'
                    ORDER BY id DESC LIMIT 100
                    """), arguments: [name])
        guard let newest = rows.first else {
            throw LoyaltyError(.claimUnknown, "no sale with this receipt is stored here")
        }
        let limit = now.adding(seconds: -Int64(claimDays) * 86_400).microseconds
        let recent = rows.filter { $0["closed_at"] as Int64 >= limit }
        guard let first = recent.first else {
            let day = Timestamp(microseconds: newest["closed_at"]).date
            throw LoyaltyError(.claimTooOld, "the sale is of \(day); receipts count for \(claimDays) days")
        }
        // Numbers begin again every day, and points may go to one person only where there is no doubt.
        guard recent.count == 1 else {
            throw LoyaltyError(
                .claimAmbiguous, "\(recent.count) sales of the last \(claimDays) days have this number",
                remedy: "Name one of them: "
                    + recent.prefix(10).map { $0["reference"] as String }.joined(separator: ", "))
        }
        guard first["state"] as String == "completed" else {
            throw LoyaltyError(.claimVoided, "the sale was voided")
        }
        guard !(first["is_taken"] as Bool) else {
            throw LoyaltyError(.claimTaken, "the sale has its member; a receipt counts once")
        }
        return first
    }
}

extension SaleSubmission {
    /// A stored sale that gets a card.
    ///
    /// - Parameter row: with `epoch`, `business_day`, `closed_at` and `document`.
    init(
        stored row: Row, _ reference: String, _ attachment: CardAttachment, _ programs: ProgramVersions,
        _ receivedAt: Timestamp, _ receivedDay: CalendarDate, flag: String
    ) throws {
        let sale = try JSONDecoder().decode(Sale.self, from: row["document"] as Data)
        let closed = Timestamp(microseconds: row["closed_at"], offsetMinutes: receivedAt.offsetMinutes)
        self.init(
            event: TillEvent(
                identity: EventIdentity(source: "late", epoch: row["epoch"], id: reference), time: receivedAt,
                content: .sale(.complete, sale)),
            verb: .complete, sale: sale, businessDay: try CalendarDate(row["business_day"] as String),
            attachment: attachment, program: programs.program(at: sale.closedAt ?? closed), programs: programs,
            receivedAt: receivedAt, receivedDay: receivedDay, flags: [flag])
    }
}

extension LoyaltyError.Code {
    public static let claimUnknown = Self("claim.unknown", kind: .badData)
    public static let claimAmbiguous = Self("claim.ambiguous", kind: .badData)
    /// The sale had a card, or its receipt was shown before.
    public static let claimTaken = Self("claim.taken", kind: .badData)
    /// The claimant is the cashier who rang the sale up.
    public static let claimOwnSale = Self("claim.own_sale", kind: .badData)
    public static let claimVoided = Self("claim.voided", kind: .badData)
    public static let claimTooOld = Self("claim.too_old", kind: .badData)
}
