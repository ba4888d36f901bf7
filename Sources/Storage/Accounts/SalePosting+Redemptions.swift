internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// Points that a sale spends, what comes back of them with the goods, and rewards that a sale brings.
extension SalePosting {
    /// Spends points on the rewards that the till has given, before the sale earns. For a revision, what its earlier state
    /// spent comes back first; the entry holds the difference.
    ///
    /// The customer has the reward, so nothing is refused: what the balance does not hold falls below zero, and flags
    /// say what should not have been.
    mutating func spend(_ id: Int64, _ holder: Holder) throws {
        var standing = try standing(of: id)
        guard !sale.spentOn.isEmpty || !standing.spendings.isEmpty else { return }
        try open(holder)
        let reference = try reference(of: id)
        var movements: [LotMovement] = []
        var state = state(of: holder)
        for (spending, restored) in zip(standing.spendings, standing.restored) {
            movements += try program.restore(
                spending, from: restored, to: spending.points, on: accountDay, state: &state)
        }
        (standing.spendings, standing.restored, standing.lines) = ([], [], [])
        let member = try holder.member.flatMap { try MemberCache.member(database, $0.value) }
        let owner = CounterOwner(holder, member)
        var input = EarnInput(
            sale: sale, occurredAt: closedAt, businessDay: accountDay, member: member, state: state,
            counters: try books.counters(program, owner, on: accountDay, joined: state.joined))
        var counted: [CounterChange] = []
        var trace: [TraceStep] = []
        var rewards: [RewardChange] = []
        let entries = try entryCount(id)
        for (index, given) in sale.spentOn.enumerated() {
            var after = input.state
            let (redemption, problems) = try program.take(
                given, id: "\(reference)/r\(entries).\(index + 1)", input, state: &after)
            input.state = after
            try input.counters.apply(redemption.counterChanges)
            counted += redemption.counterChanges
            movements += redemption.movements
            standing.spendings.append(redemption.spending)
            standing.restored.append(.zero(decimals: redemption.spending.points.decimals))
            for problem in problems { raise(problem.kind.rawValue) }
            trace.append(TraceStep(given, redemption.spending, problems))
            rewards.append(RewardChange(redemption.spending))
        }
        if !standing.spendings.isEmpty {
            standing.lines = try program.record(
                input, EarnResult(accruals: [], trace: [], flags: []), origin: reference
            ).lines
        }
        standings[id] = standing
        accounts[holder.key]?.state = input.state
        try count(id, counted.merged(), owner)
        try noteSpent(movements)
        let accruals = try Accrual.sums(of: movements.filter { $0.reason != .expired })
        if !accruals.isEmpty {
            let isSpent = accruals.contains { $0.total.isNegative }
            try postEntry(
                LoyaltyTransactionDraft(
                    kind: isSpent ? .redemption : .restoration, holder: holder, accruals: accruals, trace: trace,
                    lots: changes(movements.filter { $0.reason != .expired }, holder), rewards: rewards),
                sale: id)
        }
        if holder == presenter { outcome.rewards = (outcome.rewards ?? []) + rewards }
        try post(movements.filter { $0.reason == .expired }, [], of: holder)
    }

    /// Brings what was spent in these sales in line with what came back of them.
    ///
    /// - Parameter document: whose entry it is.
    mutating func restoreSpendings(_ sales: Set<Int64>, document: Int64) throws {
        for id in sales.sorted() {
            var standing = try standing(of: id)
            guard !standing.spendings.isEmpty else { continue }
            let lines = try StoredLine.fetch(database, where: "sale_line.sale_id = ?", [id])
            guard let holder = try holder(of: id) else { continue }
            let isVoided = try isVoided(id)
            var returned: [String: Quantity] = [:]
            for line in lines { returned[line.id] = line.returned }
            let target = try standing.restored(after: returned, isVoided: isVoided)
            try open(holder)
            guard var account = accounts[holder.key] else { continue }
            var movements: [LotMovement] = []
            var trace: [TraceStep] = []
            for (index, spending) in standing.spendings.enumerated() where target[index] != standing.restored[index] {
                movements += try program.restore(
                    spending, from: standing.restored[index], to: target[index], on: accountDay, state: &account.state)
                trace.append(
                    TraceStep(
                        rule: spending.reward, matched: true,
                        reason:
                            "\(target[index]) of \(spending.points) \(spending.currency) are back that the sale had spent"
                    ))
            }
            standing.restored = target
            standings[id] = standing
            accounts[holder.key] = account
            let booked = movements.filter { $0.reason != .expired }
            let accruals = try Accrual.sums(of: booked)
            if !accruals.isEmpty {
                try postEntry(
                    LoyaltyTransactionDraft(
                        kind: .restoration, holder: holder, accruals: accruals, trace: trace,
                        lots: changes(booked, holder)), sale: document)
            }
            if holder == presenter { try noteSpent(booked) }
            try post(movements.filter { $0.reason == .expired }, [], of: holder)
        }
    }

    /// Keeps the rewards of stamp cards that a sale brought, and gives those that the balance now reaches.
    mutating func issue(_ stamped: [IssuedReward], _ id: Int64, _ holder: Holder) throws {
        for reward in stamped where reward.count > 0 {
            try journal.insert(reward, of: holder, on: accountDay, sale: id)
        }
        if holder == presenter, !stamped.isEmpty {
            outcome.rewards = (outcome.rewards ?? []) + stamped.map(RewardChange.init)
        }
        guard program.issuesRewards else { return }
        try open(holder)
        guard var account = accounts[holder.key] else { return }
        let member = try holder.member.flatMap { try MemberCache.member(database, $0.value) }
        let owner = CounterOwner(holder, member)
        let counters = try books.counters(program, owner, on: accountDay, joined: account.state.joined)
        let given = try program.issueRewards(
            on: accountDay, after: (sale, closedAt), member: member, counters: counters, state: &account.state,
            atOnceAlone: true)
        accounts[holder.key] = account
        try books.add(given.counterChanges, of: owner)
        try post(given.movements, given.issued, of: holder)
    }

    /// Rewards of a stamp card follow its count, also down.
    func followStamps(_ key: CounterKey, of holder: String, by change: DecimalNumber) throws {
        guard program.stampCards.contains(where: { $0.id == key.name }), key.per == .lifetime else { return }
        let before = try books.value(of: key, holder)
        for reward in try program.stampRewards(key.name, from: before, to: try before.adding(change), on: accountDay) {
            if reward.count < 0 {
                try journal.remove(reward.reward, count: -reward.count, of: holder)
            } else if let owner = Holder(key: holder) {
                try journal.insert(reward, of: owner, on: accountDay, sale: nil)
            }
        }
    }

    private func entryCount(_ id: Int64) throws -> Int {
        try Int.fetchOne(
            database.cachedStatement(sql: "SELECT count(*) FROM ledger_entry WHERE sale_id = ?"), arguments: [id]) ?? 0
    }

    func holder(of id: Int64) throws -> Holder? {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT member_id, card_token FROM sale WHERE id = ?"), arguments: [id]
        ).flatMap { Holder($0) }
    }

    /// Counts points of the primary currency for the answer.
    private mutating func noteSpent(_ movements: [LotMovement]) throws {
        for movement in movements where movement.currency == program.primaryCurrency && movement.reason != .expired {
            outcome.spent = try (outcome.spent ?? .zero(decimals: primaryDecimals)).subtracting(movement.points)
        }
    }
}

extension TraceStep {
    fileprivate init(_ given: RedeemedReward, _ spending: Spending, _ problems: [GivenRewardProblem]) {
        var reason = "\(spending.points) \(spending.currency) spent"
        if let money = spending.money { reason += " for \(money)" }
        for problem in problems { reason += "; \(problem.reason)" }
        self.init(rule: given.reward, matched: problems.isEmpty, reason: reason, points: "-\(spending.points)")
    }
}

extension RewardChange {
    fileprivate init(_ spending: Spending) {
        self.init(
            reward: spending.reward, points: spending.points, currency: spending.currency, value: spending.money)
    }
}
