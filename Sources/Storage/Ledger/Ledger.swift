public import EarnRules
internal import Foundation
internal import GRDB
public import LoyaltyModel

/// Sales become points and transactions here: one SQLite transaction holds the sale, its points and its outbox rows.
public struct Ledger: Sendable {
    let database: LoyaltyDatabase

    public init(_ database: LoyaltyDatabase) { self.database = database }

    /// Queues a finished sale, return or void. Documents commit in the order of the calls.
    ///
    /// The ticket throws `storage.*`, or what the evaluation throws (`number.overflow`).
    public func submit(_ submission: SaleSubmission) -> CommitTicket<LedgerOutcome> {
        let (vault, terminal) = (database.vault, database.terminal)
        return database.writer.submit { database in
            var posting = SalePosting(database: database, vault: vault, terminal: terminal, submission: submission)
            return try posting.run()
        }
    }

    /// Adds a card to a finished sale that had none, under the version that held at its end. The outcome's flags say `late_card`.
    ///
    /// Returns `duplicate` without effect where the sale has a card by now, or is unknown or voided.
    public func attachLate(
        _ attachment: CardAttachment, to reference: String, programs: ProgramVersions, receivedAt: Timestamp,
        receivedDay: CalendarDate
    ) -> CommitTicket<LedgerOutcome> {
        let (vault, terminal) = (database.vault, database.terminal)
        return database.writer.submit { database in
            guard
                let row = try Row.fetchOne(
                    database,
                    sql: """
                        SELECT id, epoch, business_day, closed_at, document FROM sale
                        WHERE reference = ? AND state = 'completed' AND member_id IS NULL AND card_token IS NULL
                        """, arguments: [reference])
            else { return LedgerOutcome(decision: .duplicate, sale: reference) }
            var posting = SalePosting(
                database: database, vault: vault, terminal: terminal,
                submission: try SaleSubmission(
                    stored: row, reference, attachment, programs, receivedAt, receivedDay, flag: "late_card"))
            return try posting.attach(to: row["id"])
        }
    }

    /// What a document is to those that are stored.
    public enum Standing: Sendable, Hashable {
        case new
        /// It repeats or corrects one, so that it must not touch the lane: the card that waits there is the next customer's.
        case known
        /// Its event id belongs to another document.
        case conflict
    }

    /// Commits that are still on their way are not seen; `submit` decides for good.
    ///
    /// - Throws: `storage.*`.
    public func standing(of submission: SaleSubmission) async throws(LoyaltyError) -> Standing {
        let (vault, terminal) = (database.vault, database.terminal)
        do {
            return try await database.pool.read { database in
                try SalePosting(database: database, vault: vault, terminal: terminal, submission: submission).standing()
            }
        } catch {
            throw storageError(error, doing: "looking up a sale", file: database.path)
        }
    }

    /// Keeps a line that could not be taken. The text must have been redacted.
    public func quarantine(
        code: String, message: String, redactedLine: String, at now: Timestamp
    ) -> CommitTicket<Void> {
        database.writer.submit { database in
            try database.execute(
                sql: "INSERT INTO quarantine (received_at, code, message, line) VALUES (?, ?, ?, ?)",
                arguments: [now.microseconds, code, message, redactedLine])
        }
    }

    /// What a stop leaves for the next start about the event numbers of tills; JSON by source and epoch.
    public struct KeptSequence: Sendable, Hashable {
        public var source: String
        public var epoch: String
        public var gaps: String

        public init(source: String, epoch: String, gaps: String) {
            (self.source, self.epoch, self.gaps) = (source, epoch, gaps)
        }
    }

    public func keepSequences(_ sequences: [KeptSequence]) -> CommitTicket<Void> {
        database.writer.submit { database in
            for kept in sequences {
                try database.cachedStatement(
                    sql: "INSERT OR REPLACE INTO till_sequence (source, epoch, gaps) VALUES (?, ?, ?)"
                ).execute(arguments: [kept.source, kept.epoch, kept.gaps])
            }
        }
    }

    /// Hands out what was kept, once: after a crash, numbers from before it would show events as missing that were seen.
    public func takeSequences() -> CommitTicket<[KeptSequence]> {
        database.writer.submit { database in
            let rows = try Row.fetchAll(database, sql: "SELECT source, epoch, gaps FROM till_sequence")
            try database.execute(sql: "DELETE FROM till_sequence")
            return rows.map { KeptSequence(source: $0["source"], epoch: $0["epoch"], gaps: $0["gaps"]) }
        }
    }

    /// Counts something of the day, such as `scan.payment_card`. It goes to the disk with the next commit, after a second at
    /// the latest, and where the database is closed; a crash before that loses it.
    public func count(_ name: String, on day: CalendarDate) {
        database.writer.count(DayFigure(name: name, day: day))
    }
}

func tally(_ database: Database, _ name: String, on day: CalendarDate, by count: Int = 1) throws {
    try database.cachedStatement(
        sql: """
            INSERT INTO tally (day, name, count) VALUES (?, ?, ?)
            ON CONFLICT (day, name) DO UPDATE SET count = count + excluded.count
            """
    ).execute(arguments: [day.description, name, count])
}
