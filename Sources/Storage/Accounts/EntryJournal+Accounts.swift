internal import EarnRules
internal import GRDB
internal import LoyaltyModel

extension EntryJournal {
    /// Writes what happened to an account by itself: points that ended, and rewards that were given for points.
    ///
    /// - Parameter state: after the movements.
    /// - Returns: the ids of the entries.
    func write(
        _ movements: [LotMovement], _ issued: [IssuedReward], of holder: Holder, _ state: MemberState,
        on day: CalendarDate, _ circumstances: Circumstances
    ) throws -> [String] {
        var ids: [String] = []
        let expired = movements.filter { $0.reason == .expired }
        if !expired.isEmpty {
            let names = expired.map { movement in
                let lapsed = state.lots.first { $0.id == movement.lot }?.lapsed
                return "\(movement.lot ?? "")|\(movement.size)|\(lapsed ?? movement.size)"
            }
            let id = try unused(.expiry, holder, names)
            try write(
                LoyaltyTransactionDraft(
                    kind: .expiry, holder: holder, accruals: try Accrual.sums(of: expired), trace: [],
                    lots: expired.map { LotChange($0, state) }), id: id, circumstances)
            ids.append(id)
        }
        guard !issued.isEmpty else { return ids }
        let spent = movements.filter { $0.reason == .spent }
        for reward in issued { try insert(reward, of: holder, on: day, sale: circumstances.sale?.id) }
        let id = try unused(
            .issue, holder,
            ["\(day)", circumstances.sale?.reference?.reference ?? ""] + issued.map { "\($0.reward)|\($0.count)" }
                + spent.map { "\($0.lot ?? "")|\($0.size)" })
        try write(
            LoyaltyTransactionDraft(
                kind: .issue, holder: holder, accruals: try Accrual.sums(of: spent), trace: [],
                lots: spent.map { LotChange($0, state) }, rewards: issued.map(RewardChange.init)), id: id,
            circumstances)
        return ids + [id]
    }

    /// Writes what a period brought at its end, with what it adds to counters.
    ///
    /// - Parameter state: after the movements.
    /// - Returns: the ids of the entries.
    func write(
        _ bonuses: [DaysPassed.Bonus], of holder: Holder, _ owner: CounterOwner, _ state: MemberState,
        _ circumstances: Circumstances
    ) throws -> [String] {
        let books = MemberBooks(database: database)
        var ids: [String] = []
        for bonus in bonuses {
            try books.add(bonus.result.counterChanges, of: owner)
            // The tier that the bonus reached holds though its period is over.
            var kept = try books.state(of: holder.key)
            if let tier = bonus.result.tier, tier != kept.tier {
                kept.tier = tier
                try books.store(kept, of: holder.key)
            }
            guard !bonus.result.accruals.isEmpty else { continue }
            let id = try unused(
                .bonus, holder, ["\(bonus.day)"] + bonus.result.grants.map { "\($0.rule)|\($0.granted)" })
            try write(
                LoyaltyTransactionDraft(
                    kind: .bonus, holder: holder, accruals: bonus.result.accruals, trace: bonus.result.trace,
                    lots: bonus.movements.map { LotChange($0, state) }), id: id, circumstances)
            ids.append(id)
        }
        return ids
    }

    private func unused(_ kind: LoyaltyTransaction.Kind, _ holder: Holder, _ parts: [String]) throws -> String {
        var parts = parts
        while true {
            let id = identifier(kind, holder, parts)
            let isUsed = try Bool.fetchOne(
                database.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM ledger_entry WHERE id = ?)"),
                arguments: [id])
            guard isUsed == true else { return id }
            parts.append("again")
        }
    }

    /// Keeps a reward that the member can use.
    func insert(_ reward: IssuedReward, of holder: Holder, on day: CalendarDate, sale: Int64?) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO issued_reward (holder, sale_id, reward, count, issued, expires, cost, decimals, currency)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            holder.key, sale, reward.reward, reward.count, day.description, reward.expires?.description,
            reward.cost?.units, reward.cost?.decimals, reward.currency,
        ])
    }

    /// Takes rewards back, the latest first. Those that were used are beyond this machine's knowledge.
    func remove(_ reward: String, count: Int64, of holder: String) throws {
        var rest = count
        for row in try Row.fetchAll(
            database.cachedStatement(
                sql: "SELECT id, count FROM issued_reward WHERE holder = ? AND reward = ? ORDER BY id DESC"),
            arguments: [holder, reward])
        {
            guard rest > 0 else { return }
            let (id, known): (Int64, Int64) = (row["id"], row["count"])
            if known <= rest {
                try database.cachedStatement(sql: "DELETE FROM issued_reward WHERE id = ?").execute(arguments: [id])
            } else {
                try database.cachedStatement(sql: "UPDATE issued_reward SET count = ? WHERE id = ?")
                    .execute(arguments: [known - rest, id])
            }
            rest -= min(known, rest)
        }
    }
}

extension Accrual {
    /// What movements come to, by currency; no line gave or took them.
    static func sums(of movements: [LotMovement]) throws(LoyaltyError) -> [Accrual] {
        var sums: [Accrual] = []
        for movement in movements {
            let zero = Points.zero(decimals: movement.points.decimals)
            var index = sums.firstIndex { $0.currency == movement.currency }
            if index == nil {
                sums.append(Accrual(currency: movement.currency, total: zero, qualifying: zero, lines: []))
                index = sums.count - 1
            }
            if let index { sums[index].total = try sums[index].total.adding(movement.points) }
        }
        return sums.filter { !$0.total.isZero }
    }
}

extension LotChange {
    /// - Parameter state: holds the lots.
    init(_ movement: LotMovement, _ state: MemberState) {
        self.init(
            reason: movement.reason.rawValue, currency: movement.currency, lot: movement.lot, size: movement.size,
            points: movement.points)
        guard movement.reason == .earned, let lot = state.lots.first(where: { $0.id == movement.lot }) else { return }
        (pendingUntil, expires) = (lot.pendingUntil, lot.expires)
    }
}

extension RewardChange {
    init(_ issued: IssuedReward) {
        self.init(
            reward: issued.reward, count: issued.count, points: issued.cost, currency: issued.currency,
            expires: issued.expires)
    }
}
