public import LoyaltyModel

/// Body of `POST /v1/members/import`: what follows in batches.
public struct ImportBegin: Hashable, Sendable, Codable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// The file is all members: whoever is not in it is removed when the import is finished.
        case snapshot
        /// The file is changes; rows with `op` delete remove a member.
        case delta
    }

    public var kind: Kind
    /// The file's name, for the record.
    public var source: String?
    /// Remove members even where they are more than 20 % of the cache.
    public var force: Bool

    public init(kind: Kind, source: String? = nil, force: Bool = false) {
        self.kind = kind
        self.source = source
        self.force = force
    }
}

/// Answer of `POST /v1/members/import`.
public struct ImportTicket: Hashable, Sendable, Codable {
    public var ticket: String
    public init(ticket: String) { self.ticket = ticket }
}

/// Body of `POST /v1/members/import/{ticket}/batch`: rows that are written in one transaction.
public struct ImportBatch: Hashable, Sendable, Codable {
    public struct Row: Hashable, Sendable, Codable {
        /// Its line in the file, for error messages.
        public var line: Int
        public var row: MemberRow

        public init(line: Int, row: MemberRow) {
            self.line = line
            self.row = row
        }
    }

    public var rows: [Row]
    public init(rows: [Row]) { self.rows = rows }

    /// Checks all rows; the daemon does so too, whoever sent them.
    ///
    /// - Parameter isPaymentCard: the payment screen; asked for every card value.
    public func changes(
        isPaymentCard: (String) -> Bool
    ) -> (changes: [(line: Int, change: MemberChange)], errors: [ImportRowError]) {
        var changes: [(line: Int, change: MemberChange)] = []
        var errors: [ImportRowError] = []
        for row in rows {
            do { changes.append((row.line, try row.row.change(isPaymentCard: isPaymentCard))) } catch {
                errors.append(ImportRowError(line: row.line, error))
            }
        }
        return (changes, errors)
    }
}

/// A row that was not taken.
public struct ImportRowError: Hashable, Sendable, Codable {
    public var line: Int
    /// The field, where one is to blame.
    public var field: String?
    /// `member.bad_field`, `member.payment_card`, `member.card_conflict`.
    public var code: String
    public var message: String

    public init(line: Int, field: String? = nil, code: String, message: String) {
        self.line = line
        self.field = field
        self.code = code
        self.message = message
    }

    public init(line: Int, _ error: LoyaltyError) {
        self.init(line: line, field: error.place?.path, code: error.code.name, message: error.message)
    }
}

extension LoyaltyError.Code {
    /// The card of a row belongs to another member already.
    public static let memberCardConflict = Self("member.card_conflict", kind: .badData)
    /// A snapshot that would remove more than 20 % of the members, without force.
    public static let importTooManyRemovals = Self("import.too_many_removals", kind: .badData)
    /// No such import is under way: it was finished or dropped, or the daemon was started again.
    public static let importUnknownTicket = Self("import.unknown_ticket", kind: .temporary)
    /// Another import is under way.
    public static let importBusy = Self("import.busy", kind: .temporary)
}

/// Answer to one batch: what its rows did.
public struct ImportProgress: Hashable, Sendable, Codable {
    public var added: Int
    public var changed: Int
    public var unchanged: Int
    public var removed: Int
    /// Rows that were not taken; the others of the batch were.
    public var errors: [ImportRowError]

    public init(
        added: Int = 0,
        changed: Int = 0,
        unchanged: Int = 0,
        removed: Int = 0,
        errors: [ImportRowError] = []
    ) {
        self.added = added
        self.changed = changed
        self.unchanged = unchanged
        self.removed = removed
        self.errors = errors
    }
}

/// Answer of `POST /v1/members/import/{ticket}/finish`: the whole import.
public struct ImportResult: Hashable, Sendable, Codable {
    public var kind: ImportBegin.Kind
    public var rows: Int
    public var added: Int
    public var changed: Int
    public var unchanged: Int
    /// Removed by `op` delete, or because a snapshot did not name them.
    public var removed: Int
    /// Rows that were not taken.
    public var skipped: Int
    /// Members in the cache now.
    public var members: Int

    public init(
        kind: ImportBegin.Kind,
        rows: Int = 0,
        added: Int = 0,
        changed: Int = 0,
        unchanged: Int = 0,
        removed: Int = 0,
        skipped: Int = 0,
        members: Int = 0
    ) {
        self.kind = kind
        self.rows = rows
        self.added = added
        self.changed = changed
        self.unchanged = unchanged
        self.removed = removed
        self.skipped = skipped
        self.members = members
    }
}
