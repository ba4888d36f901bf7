internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// What a sale added to counters. Like points, what is left of it is a function of what came back, so that returns, revisions
/// and voids in any order leave the counters as if the goods had never been sold.
extension SalePosting {
    var books: MemberBooks { MemberBooks(database: database) }

    /// Adds what a sale counts, and notes it for its returns.
    func count(_ id: Int64, _ changes: [CounterChange], _ owner: CounterOwner) throws {
        for change in changes {
            let holder = owner.holder(change.key.scope)
            try books.add(change.amount, to: change.key, of: holder)
            try database.cachedStatement(
                sql: """
                    INSERT INTO sale_counter (sale_id, holder, name, scope, per, start, change, applied)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                    """
            ).execute(arguments: [
                id, holder, change.key.name, change.key.scope.rawValue, change.key.per.rawValue,
                change.key.start?.description ?? "",
                String(decoding: try JSONEncoder().encode(change), as: UTF8.self), change.amount.description,
            ])
            if database.changesCount == 0 { try countFurther(id, change, holder) }
        }
    }

    /// A sale may change a counter on more than one way: as much of it goes back as of all of them.
    private func countFurther(_ id: Int64, _ change: CounterChange, _ holder: String) throws {
        for row in try counted(id) where row.holder == holder && row.change.key == change.key {
            guard let sum = try [row.change, change].merged().first else { continue }
            try database.cachedStatement(
                sql: """
                    UPDATE sale_counter SET change = ?, applied = ?
                    WHERE sale_id = ? AND holder = ? AND name = ? AND scope = ? AND per = ? AND start = ?
                    """
            ).execute(arguments: [
                String(decoding: try JSONEncoder().encode(sum), as: UTF8.self),
                try row.applied.adding(change.amount).description, id, holder, change.key.name,
                change.key.scope.rawValue, change.key.per.rawValue, change.key.start?.description ?? "",
            ])
        }
    }

    /// Takes off what a sale has added, before it is evaluated again or where it never was.
    func uncount(_ id: Int64, where isConcerned: (CounterKey) -> Bool = { _ in true }) throws {
        for row in try counted(id) where isConcerned(row.change.key) {
            try followStamps(row.change.key, of: row.holder, by: row.applied.negated())
            try books.add(row.applied.negated(), to: row.change.key, of: row.holder)
            try database.cachedStatement(
                sql: """
                    DELETE FROM sale_counter
                    WHERE sale_id = ? AND holder = ? AND name = ? AND scope = ? AND per = ? AND start = ?
                    """
            ).execute(arguments: [
                id, row.holder, row.change.key.name, row.change.key.scope.rawValue, row.change.key.per.rawValue,
                row.change.key.start?.description ?? "",
            ])
        }
    }

    /// Brings counters in line with what came back of these sales.
    func settleCounters(_ sales: Set<Int64>) throws {
        var lowered: Set<String> = []
        for id in sales.sorted() {
            let rows = try counted(id)
            guard !rows.isEmpty else { continue }
            let lines = try StoredLine.fetch(database, where: "sale_line.sale_id = ?", [id])
            let isVoided = lines.contains(where: \.isVoided)
            var returned: [String: Quantity] = [:]
            for line in lines { returned[line.id] = isVoided ? try line.whole() : line.returned }
            let record = SaleRecord(
                lines: try lines.map { try SaleRecord.Line(id: $0.id, quantity: $0.quantity.magnitude(), net: 0) },
                counterChanges: rows.map { isVoided ? $0.change.whole : $0.change })
            let all = isVoided ? rows.map(\.change.amount) : try record.takenFromCounters(returned)
            for (row, taken) in zip(rows, all) {
                let target = try row.change.amount.adding(taken.negated())
                let difference = try target.adding(row.applied.negated())
                guard !difference.isZero else { continue }
                try followStamps(row.change.key, of: row.holder, by: difference)
                try books.add(difference, to: row.change.key, of: row.holder)
                if difference.isNegative { lowered.insert(row.holder) }
                try database.cachedStatement(
                    sql: """
                        UPDATE sale_counter SET applied = ?
                        WHERE sale_id = ? AND holder = ? AND name = ? AND scope = ? AND per = ? AND start = ?
                        """
                ).execute(arguments: [
                    target.description, id, row.holder, row.change.key.name, row.change.key.scope.rawValue,
                    row.change.key.per.rawValue, row.change.key.start?.description ?? "",
                ])
            }
        }
        for key in lowered.sorted() { try lowerTier(of: key) }
    }

    /// Where the program takes a tier back with the goods that made it.
    private func lowerTier(of key: String) throws {
        guard program.tiers?.returns == .lower, let holder = Holder(key: key) else { return }
        let member = try holder.member.flatMap { try MemberCache.member(database, $0.value) }
        var state = try books.state(of: holder, member)
        let counters = try books.counters(
            program, CounterOwner(holder, member), on: accountDay, joined: state.joined)
        guard try program.lowerTier(of: &state, counters: counters, on: accountDay) else { return }
        var kept = try books.state(of: key)
        kept.tier = state.tier
        try books.store(kept, of: key)
    }

    private func counted(_ id: Int64) throws -> [(holder: String, change: CounterChange, applied: DecimalNumber)] {
        try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT holder, change, applied FROM sale_counter WHERE sale_id = ? ORDER BY name, scope, per, start
                    """), arguments: [id]
        ).map { row in
            (
                row["holder"], try JSONDecoder().decode(CounterChange.self, from: row["change"] as Data),
                try DecimalNumber(row["applied"] as String)
            )
        }
    }
}

extension StoredLine {
    /// The quantity of a complete return.
    fileprivate func whole() throws -> Quantity { quantity.isZero ? .one : try quantity.magnitude() }
}
