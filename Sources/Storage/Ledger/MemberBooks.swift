internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// Counters and member states of holders, read and written inside the writer's transaction.
struct MemberBooks {
    let database: Database

    /// The counters that an event of this day looks at.
    func counters(_ program: Program, _ owner: CounterOwner, on day: CalendarDate, joined: CalendarDate?) throws
        -> Counters
    {
        var counters: Counters = [:]
        for key in program.counterKeys(on: day, joined: joined) {
            let start = key.start?.description ?? ""
            // Buckets of a year: ISO 8601 dates sort as text.
            let first =
                key.per == .rollingYear
                ? (try? CalendarDate(year: max(day.year - 1, 0), month: day.month, day: min(day.day, 28)))?.description
                    ?? start : start
            for row in try Row.fetchAll(
                database.cachedStatement(
                    sql: """
                        SELECT start, value FROM counter
                        WHERE holder = ? AND name = ? AND scope = ? AND per = ? AND start BETWEEN ? AND ?
                        """),
                arguments: [owner.holder(key.scope), key.name, key.scope.rawValue, key.per.rawValue, first, start])
            {
                var found = key
                found.start = try (row["start"] as String).nonEmpty.map { try CalendarDate($0) }
                counters[found] = try DecimalNumber(row["value"] as String)
            }
        }
        return counters
    }

    func value(of key: CounterKey, _ holder: String) throws -> DecimalNumber {
        let known = try String.fetchOne(
            database.cachedStatement(
                sql: "SELECT value FROM counter WHERE holder = ? AND name = ? AND scope = ? AND per = ? AND start = ?"),
            arguments: [holder, key.name, key.scope.rawValue, key.per.rawValue, key.start?.description ?? ""])
        return try known.map { try DecimalNumber($0) } ?? .zero
    }

    func add(_ amount: DecimalNumber, to key: CounterKey, of holder: String) throws {
        guard !amount.isZero else { return }
        let start = key.start?.description ?? ""
        let arguments: StatementArguments = [holder, key.name, key.scope.rawValue, key.per.rawValue, start]
        let value = try value(of: key, holder).adding(amount)
        if value.isZero {
            try database.cachedStatement(
                sql: "DELETE FROM counter WHERE holder = ? AND name = ? AND scope = ? AND per = ? AND start = ?"
            ).execute(arguments: arguments)
        } else {
            try database.cachedStatement(
                sql: """
                    INSERT INTO counter (holder, name, scope, per, start, value) VALUES (?, ?, ?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET value = excluded.value
                    """
            ).execute(arguments: arguments + [value.description])
        }
    }

    func add(_ changes: [CounterChange], of owner: CounterOwner) throws {
        for change in changes { try add(change.amount, to: change.key, of: owner.holder(change.key.scope)) }
    }

    func state(of holder: String) throws -> MemberState {
        let document = try Data.fetchOne(
            database.cachedStatement(sql: "SELECT document FROM member_state WHERE holder = ?"), arguments: [holder])
        return try document.map { try JSONDecoder().decode(MemberState.self, from: $0) } ?? MemberState()
    }

    /// What is kept of a holder; where nothing was told at a till, what the member file says.
    func state(of holder: Holder, _ member: Member?) throws -> MemberState {
        var state = try state(of: holder.key)
        guard let member else { return state }
        state.joined = state.joined ?? member.joined
        state.referrer = state.referrer ?? member.referrer
        state.beneficiary = state.beneficiary ?? member.beneficiary
        return state
    }

    func store(_ state: MemberState, of holder: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        try database.cachedStatement(
            sql: """
                INSERT INTO member_state (holder, document) VALUES (?, ?)
                ON CONFLICT DO UPDATE SET document = excluded.document
                """
        ).execute(arguments: [holder, try encoder.encode(state)])
    }
}

/// Whose counters a document changes, by scope.
struct CounterOwner {
    var member: String
    var household: String
    var card: String

    init(_ holder: Holder, _ member: Member?) {
        self.member = holder.key
        household = member?.household.map { "h:\($0)" } ?? holder.key
        card = holder.token.map(Holder.key) ?? holder.key
    }

    func holder(_ scope: CounterScope) -> String {
        switch scope {
        case .member: member
        case .household: household
        case .card: card
        }
    }
}

extension String {
    fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
