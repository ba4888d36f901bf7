public import EarnRules
internal import Foundation
internal import GRDB
public import LoyaltyModel

/// Reads what members have, for people and for the till's questions. Nothing is booked by asking: what has ended by the day
/// of the question is left out all the same.
public struct AccountRegister: Sendable {
    /// One holder's points on a day.
    public struct Statement: Sendable, Hashable {
        public struct Balance: Sendable, Hashable {
            public var currency: String
            /// Can be spent; below zero where more was taken than there was.
            public var available: Points
            public var pending: Points
            /// What the next credits pay first, where the program keeps debts apart.
            public var owed: Points
            /// What ends when, the next first.
            public var endings: [LedgerOutcome.Ending]
        }

        public struct Lot: Sendable, Hashable {
            public var id: String
            public var currency: String
            /// The sale that gave it, or `opening` for what the member file brought.
            public var origin: String
            public var granted: Points
            public var remaining: Points
            public var earned: CalendarDate
            /// Cannot be spent before this day; nil where it can.
            public var pendingUntil: CalendarDate?
            /// The last day; nil where nothing but a rule that is not known yet ends it.
            public var lastDay: CalendarDate?
        }

        public struct Reward: Sendable, Hashable {
            public var reward: String
            public var count: Int64
            public var issued: CalendarDate
            public var expires: CalendarDate?
        }

        public var balances: [Balance]
        /// Those that hold something, in the order in which they were given.
        public var lots: [Lot]
        public var rewards: [Reward]
    }

    private let database: LoyaltyDatabase

    public init(_ database: LoyaltyDatabase) { self.database = database }

    /// - Throws: `storage.*`, `number.overflow`.
    public func statement(
        of member: MemberID, on day: CalendarDate, program: Program
    ) async throws(LoyaltyError) -> Statement {
        try await reading { database in
            guard let holder = Holder(member: member, token: nil) else {
                return Statement(balances: [], lots: [], rewards: [])
            }
            let account = try Self.account(database, holder, on: day, program)
            return try Self.statement(database, account, holder, on: day, program)
        }
    }

    /// The rewards that a member could have for a basket, with the points that this machine knows of.
    ///
    /// - Throws: `storage.*`, `number.overflow`, `money.currency_mismatch`.
    public func offers(
        to member: MemberID, for sale: Sale, at time: Timestamp, on day: CalendarDate, program: Program
    ) async throws(LoyaltyError) -> [RewardOffer] {
        try await reading { database in
            guard let holder = Holder(member: member, token: nil) else { return [] }
            let known = try MemberCache.member(database, member.value)
            let account = try Self.account(database, holder, on: day, program)
            let counters = try MemberBooks(database: database).counters(
                program, CounterOwner(holder, known), on: day, joined: account.state.joined)
            return try program.offers(
                EarnInput(
                    sale: sale, occurredAt: time, businessDay: day, member: known, state: account.state,
                    counters: counters))
        }
    }

    private static func account(
        _ database: Database, _ holder: Holder, on day: CalendarDate, _ program: Program
    ) throws -> Account {
        let member = try holder.member.flatMap { try MemberCache.member(database, $0.value) }
        var account = try Account(
            database, key: holder.key, state: try MemberBooks(database: database).state(of: holder, member))
        try account.takeUpIfItFits(member, database, program, on: day)
        return account
    }

    private static func statement(
        _ database: Database, _ account: Account, _ holder: Holder, on day: CalendarDate, _ program: Program
    ) throws -> Statement {
        var names = program.currencies.keys.sorted { first, second in
            (first == program.primaryCurrency ? "" : first) < (second == program.primaryCurrency ? "" : second)
        }
        for lot in account.state.lots where !names.contains(lot.currency) { names.append(lot.currency) }
        var statement = Statement(balances: [], lots: [], rewards: [])
        for name in names {
            let lots = account.state.lots.filter { $0.currency == name }
            guard !lots.isEmpty || account.state.owed[name] != nil else { continue }
            let balance = try account.state.balance(
                of: name, decimals: program.currencies[name] ?? lots.first?.granted.decimals ?? 0, on: day,
                floor: program.returns.floor)
            statement.balances.append(
                Statement.Balance(
                    currency: name, available: balance.available, pending: balance.pending, owed: balance.owed,
                    endings: balance.endings.map { .init(day: $0.day, points: $0.points) }))
        }
        let activity = account.state.lastActivity
        for lot in account.state.lots where !lot.remaining.isZero && !lot.hasExpired(on: day, activity: activity) {
            statement.lots.append(
                Statement.Lot(
                    id: lot.id, currency: lot.currency, origin: lot.origin, granted: lot.granted,
                    remaining: lot.remaining, earned: lot.earned,
                    pendingUntil: lot.isPending(on: day) ? lot.pendingUntil : nil,
                    lastDay: lot.lastDay(activity: activity)))
        }
        statement.rewards = try Row.fetchAll(
            database,
            sql: """
                SELECT reward, count, issued, expires FROM issued_reward
                WHERE holder = ? AND (expires IS NULL OR expires >= ?) ORDER BY id
                """, arguments: [holder.key, day.description]
        ).map { row in
            Statement.Reward(
                reward: row["reward"], count: row["count"], issued: try CalendarDate(row["issued"] as String),
                expires: try (row["expires"] as String?).map { try CalendarDate($0) })
        }
        return statement
    }

    private func reading<Value: Sendable>(
        _ work: @escaping @Sendable (Database) throws -> Value
    ) async throws(LoyaltyError) -> Value {
        do { return try await database.pool.read(work) } catch {
            throw storageError(error, doing: "reading an account", file: database.path)
        }
    }
}
