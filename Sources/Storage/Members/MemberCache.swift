internal import Foundation
internal import GRDB
public import LoyaltyModel

/// The members of the chain, as this terminal knows them: answers who holds a card, without the network.
public struct MemberCache: Sendable {
    /// What a card number leads to.
    public struct Finding: Sendable, Hashable {
        public var token: CardToken
        /// The holder, or the one that took his place; nil for a card that the cache does not know.
        public var member: Member?
        /// True where the card's own member was replaced by `member`.
        public var isReplacement: Bool
    }

    public struct Count: Sendable, Hashable {
        public var members: Int
        public var cards: Int
        /// When the last complete import ended.
        public var completeAt: Timestamp?

        public init(members: Int, cards: Int, completeAt: Timestamp?) {
            self.members = members
            self.cards = cards
            self.completeAt = completeAt
        }
    }

    private let database: LoyaltyDatabase

    public init(_ database: LoyaltyDatabase) { self.database = database }

    /// - Throws: `storage.*`.
    public func find(_ card: CardNumber, kind: CardIdentifierKind = .card) async throws(LoyaltyError) -> Finding {
        if kind == .memberID {
            let token = database.vault.token(card, kind: kind)
            return try await read { database in
                try Self.finding(database, token, first: try Self.member(database, card.value))
            }
        }
        return try await find(database.vault.token(card))
    }

    /// - Throws: `storage.*`.
    public func find(_ token: CardToken) async throws(LoyaltyError) -> Finding {
        try lookUp { database in
            guard
                let id = try String.fetchOne(
                    database.cachedStatement(sql: "SELECT member_id FROM card WHERE token = ?"),
                    arguments: [token.bytes])
            else { return Finding(token: token, member: nil, isReplacement: false) }
            return try Self.finding(database, token, first: try Self.member(database, id))
        }
    }

    private static func finding(_ database: Database, _ token: CardToken, first: Member?) throws -> Finding {
        let current = try Self.current(database, first)
        return Finding(token: token, member: current, isReplacement: current?.id != first?.id)
    }

    /// - Throws: `storage.*`.
    public func member(_ id: MemberID) async throws(LoyaltyError) -> Member? {
        try await read { database in try Self.member(database, id.value) }
    }

    /// How many cards a member holds. - Throws: `storage.*`.
    public func cardCount(of id: MemberID) async throws(LoyaltyError) -> Int {
        try await read { database in
            try Int.fetchOne(
                database, sql: "SELECT count(*) FROM card WHERE member_id = ?", arguments: [id.value]) ?? 0
        }
    }

    /// - Throws: `storage.*`.
    public func count() async throws(LoyaltyError) -> Count {
        try await read { database in
            Count(
                members: try Int.fetchOne(database, sql: "SELECT count(*) FROM member") ?? 0,
                cards: try Int.fetchOne(database, sql: "SELECT count(*) FROM card") ?? 0,
                completeAt: try Int64.fetchOne(database, sql: "SELECT members_complete_at FROM terminal")
                    .map { Timestamp(microseconds: $0) })
        }
    }

    /// On the caller's thread: see `LookUpConnection`.
    private func lookUp<Value>(_ work: (Database) throws -> Value) throws(LoyaltyError) -> Value {
        do { return try database.lookUps.readRows(work) } catch {
            throw storageError(error, doing: "reading the member cache", file: database.path)
        }
    }

    private func read<Value: Sendable>(
        _ work: @escaping @Sendable (Database) throws -> Value
    ) async throws(LoyaltyError) -> Value {
        do { return try await database.pool.read(work) } catch {
            throw storageError(error, doing: "reading the member cache", file: database.path)
        }
    }

    /// Follows replacements; a circle or a long chain ends at its fifth member.
    static func current(_ database: Database, _ member: Member?) throws -> Member? {
        var member = member
        for _ in 0..<4 {
            guard case .replaced(let next)? = member?.status, let successor = try Self.member(database, next.value)
            else {
                break
            }
            member = successor
        }
        return member
    }

    /// Most members have none, and a decoder takes longer than all the rest.
    private static func list<Element: Decodable>(_ text: String) throws -> [Element] {
        text == "[]" ? [] : try JSONDecoder().decode([Element].self, from: Data(text.utf8))
    }

    static func member(_ database: Database, _ id: String) throws -> Member? {
        guard
            let row = try Row.fetchOne(
                database.cachedStatement(sql: columns), arguments: [id])
        else { return nil }
        let replacedBy: String? = row[1]
        let status: Member.Status =
            switch row[0] as String {
            case "active": .active
            case "replaced": replacedBy.map { .replaced(by: MemberID($0)) } ?? .blocked
            default: .blocked
            }
        return Member(
            id: MemberID(id), status: status, tier: row[2],
            segments: try list(row[3]), entitlements: try list(row[4]),
            birthday: try (row[5] as String?).map { try MonthDay($0) },
            household: row[6],
            balance: try (row[7] as String?).map { try Points($0) },
            balanceAsOf: (row[8] as Int64?).map { Timestamp(microseconds: $0) },
            greeting: row[9], joined: try (row[10] as String?).map { try CalendarDate($0) },
            referrer: (row[11] as String?).map { MemberID($0) }, beneficiary: row[12])
    }

    /// Read by their places: finding each by its name takes longer than all of SQLite.
    private static let columns = """
        SELECT status, replaced_by, tier, segments, entitlements, birthday, household, balance, balance_as_of, greeting,
            joined, referrer, beneficiary
        FROM member WHERE id = ?
        """
}
