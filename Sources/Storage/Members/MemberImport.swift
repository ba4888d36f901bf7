internal import Foundation
internal import GRDB
public import LoyaltyModel

/// Brings member rows into the cache, one durable transaction per batch. Sales go on meanwhile.
public struct MemberImport: Sendable {
    /// What one batch did. `conflicts` are indexes into the batch of rows that were left out because a card of theirs
    /// belongs to another member of the same import.
    public struct BatchResult: Sendable, Hashable {
        public var added = 0
        public var changed = 0
        public var deleted = 0
        public var conflicts: [Int] = []
    }

    /// A snapshot that would remove a larger share of the members than this needs `force`.
    public static let largestDeletionPercent = 20

    private let database: LoyaltyDatabase

    public init(_ database: LoyaltyDatabase) { self.database = database }

    /// Starts an import. Returns its generation, which every batch and the end name.
    ///
    /// - Throws: `storage.*`.
    public func begin() async throws(LoyaltyError) -> Int64 {
        try await database.writer.submit { database in
            try Int64.fetchOne(
                database,
                sql: "UPDATE terminal SET member_generation = member_generation + 1 RETURNING member_generation") ?? 1
        }.value
    }

    /// Applies one batch in one transaction. - Throws: `storage.*`.
    public func apply(
        _ changes: [MemberChange], generation: Int64, snapshot: Bool
    ) async throws(LoyaltyError) -> BatchResult {
        let vault = database.vault
        return try await database.writer.submit { database in
            var result = BatchResult()
            for (index, change) in changes.enumerated() {
                switch change {
                case .upsert(let record):
                    let tokens = record.cards.map { vault.token($0).bytes }
                    if try Self.conflict(
                        database, tokens, of: record.member.id, generation: generation, snapshot: snapshot)
                    {
                        result.conflicts.append(index)
                        // The file names the member, so a snapshot must not remove what is known of him.
                        try database.execute(
                            sql: "UPDATE member SET generation = max(generation, ?) WHERE id = ?",
                            arguments: [generation, record.member.id.value])
                    } else {
                        let isNew = try Self.upsert(database, record.member, tokens, generation)
                        try PartnerNumbers(database: database, vault: vault)
                            .replace(by: record.partners, of: record.member.id, isNew: isNew)
                        if isNew { result.added += 1 } else { result.changed += 1 }
                    }
                case .delete(let id):
                    try database.execute(sql: "DELETE FROM member WHERE id = ?", arguments: [id.value])
                    result.deleted += database.changesCount
                }
            }
            return result
        }.value
    }

    /// Ends an import. A snapshot removes the members that it did not name.
    ///
    /// - Returns: how many were removed.
    /// - Throws: `import.too_many_removals`, and then removes nothing; `storage.*`.
    public func finish(
        generation: Int64, snapshot: Bool, force: Bool, at now: Timestamp
    ) async throws(LoyaltyError) -> Int {
        try await database.writer.submit { database in
            var removed = 0
            if snapshot {
                let stale =
                    try Int.fetchOne(
                        database, sql: "SELECT count(*) FROM member WHERE generation < ?", arguments: [generation]) ?? 0
                // Of the members that were there before: what a wrong file adds must not hide what it removes.
                let all =
                    try Int.fetchOne(
                        database, sql: "SELECT count(*) FROM member WHERE added_generation < ?", arguments: [generation]
                    )
                    ?? 0
                guard force || stale * 100 <= all * Self.largestDeletionPercent else {
                    throw LoyaltyError(
                        .membersTooManyDeletions,
                        "the snapshot would remove \(stale) of \(all) members, more than \(Self.largestDeletionPercent) %",
                        remedy: "Check that the file is complete; --force removes them all the same")
                }
                try database.execute(sql: "DELETE FROM member WHERE generation < ?", arguments: [generation])
                removed = database.changesCount
            }
            try database.execute(sql: "UPDATE terminal SET members_complete_at = ?", arguments: [now.microseconds])
            return removed
        }.value
    }

    /// A card moves to another member where the file says so, but not within one import: then the file contradicts itself.
    /// In a delta, a card that another member holds is taken over only from one that this delta has not named.
    private static func conflict(
        _ database: Database, _ tokens: [Data], of id: MemberID, generation: Int64, snapshot: Bool
    ) throws -> Bool {
        let statement = try database.cachedStatement(
            sql: """
                SELECT 1 FROM card JOIN member ON member.id = card.member_id
                WHERE card.token = ? AND card.member_id <> ? AND member.generation = ?
                """)
        for token in tokens
        where try Bool.fetchOne(statement, arguments: [token, id.value, generation]) ?? false { return true }
        return Set(tokens).count != tokens.count
    }

    private static func list(_ elements: [some Encodable]) throws -> String {
        elements.isEmpty ? "[]" : String(decoding: try JSONEncoder().encode(elements), as: UTF8.self)
    }

    /// Returns true for a new member.
    private static func upsert(
        _ database: Database, _ member: Member, _ tokens: [Data], _ generation: Int64
    ) throws -> Bool {
        let isNew =
            try
            !(Bool.fetchOne(
                database.cachedStatement(sql: "SELECT 1 FROM member WHERE id = ?"), arguments: [member.id.value])
            ?? false)
        var replacedBy: String?
        if case .replaced(let other) = member.status { replacedBy = other.value }
        try database.cachedStatement(
            sql: """
                INSERT INTO member (id, status, replaced_by, tier, segments, entitlements, birthday, household, balance,
                    balance_as_of, greeting, added_generation, generation, joined, referrer, beneficiary)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?13, ?14, ?15)
                ON CONFLICT (id) DO UPDATE SET status = excluded.status, replaced_by = excluded.replaced_by,
                    tier = excluded.tier, segments = excluded.segments, entitlements = excluded.entitlements,
                    birthday = excluded.birthday, household = excluded.household, balance = excluded.balance,
                    balance_as_of = excluded.balance_as_of, greeting = excluded.greeting,
                    joined = excluded.joined, referrer = excluded.referrer, beneficiary = excluded.beneficiary,
                    generation = max(generation, excluded.generation)
                """
        ).execute(arguments: [
            member.id.value, member.status.word, replacedBy, member.tier,
            try list(member.segments), try list(member.entitlements), member.birthday?.description,
            member.household, member.balance?.description, member.balanceAsOf?.microseconds, member.greeting,
            generation, member.joined?.description, member.referrer?.value, member.beneficiary,
        ])
        if !isNew {
            try database.cachedStatement(sql: "DELETE FROM card WHERE member_id = ?")
                .execute(arguments: [member.id.value])
        }
        let insert = try database.cachedStatement(
            sql:
                "INSERT INTO card (token, member_id) VALUES (?, ?) ON CONFLICT (token) DO UPDATE SET member_id = excluded.member_id"
        )
        for token in tokens { try insert.execute(arguments: [token, member.id.value]) }
        return isNew
    }
}
