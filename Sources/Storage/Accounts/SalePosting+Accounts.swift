internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// What a sale gave and took back before it is evaluated again, by currency.
struct SaleStandingBefore {
    var granted: [String: Points] = [:]
    var taken: [String: Points] = [:]
}

/// The lots behind the points of a document: what it gives makes lots, what it takes comes off them, and the entry says what
/// that came to.
extension SalePosting {
    /// The day that lots are looked at. A till whose clock is ahead must not end everybody's points.
    var accountDay: CalendarDate { min(submission.businessDay, submission.receivedDay) }

    /// Loads a holder's account, and books what happened to it by itself up to this day.
    mutating func open(_ holder: Holder) throws {
        guard accounts[holder.key] == nil else { return }
        let member = try holder.member.flatMap { try MemberCache.member(database, $0.value) }
        var account = try Account(database, key: holder.key, state: try books.state(of: holder, member))
        let owner = CounterOwner(holder, member)
        let booked = try account.advance(to: accountDay, member, owner, database, program)
        accounts[holder.key] = account
        outcome.transactions += try journal.write(
            booked.bonuses, of: holder, owner, account.state, circumstancesOfDays)
        try books.add(booked.counterChanges, of: owner)
        try post(booked.movements, booked.issued, of: holder)
    }

    /// Of what no document brought about.
    private var circumstancesOfDays: EntryJournal.Circumstances {
        EntryJournal.Circumstances(
            sale: nil, program: program, occurredAt: submission.receivedAt, recordedAt: submission.receivedAt,
            recordedDay: submission.receivedDay)
    }

    func state(of holder: Holder) -> MemberState { accounts[holder.key]?.state ?? MemberState() }

    /// Books what a document changed for one holder on his lots, and writes an entry of what that came to.
    ///
    /// - Parameters:
    ///   - earned: what was booked for the sale's own points already.
    ///   - answersFor: whose points the answer states; the presenter where nothing is said.
    mutating func post(
        _ kind: LoyaltyTransaction.Kind, _ change: PointChanges.Change, of holder: Holder, sale id: Int64,
        trace: [TraceStep], _ earned: [LotMovement] = [], answersFor: Holder? = nil, isAlwaysPosted: Bool = false
    ) throws {
        try open(holder)
        var movements = earned
        for (origin, points) in change.origins.sorted(by: { $0.key < $1.key }) {
            movements += try settle(origin, points, holder)
        }
        var draft = LoyaltyTransactionDraft(kind: kind, holder: holder, accruals: change.accruals, trace: trace)
        try draft.limit(to: movements) { keepsLots($0, holder) }
        draft.lots = changes(movements.filter { $0.reason != .expired }, holder)
        if holder == answersFor ?? presenter { try note(draft.accruals) }
        if isAlwaysPosted || !draft.accruals.isEmpty { try postEntry(draft, sale: id) }
        try post(movements.filter { $0.reason == .expired }, [], of: holder)
    }

    /// Takes points of one sale back, or gives them back.
    private mutating func settle(
        _ origin: Int64, _ points: [String: Points], _ holder: Holder
    ) throws -> [LotMovement] {
        var standing = try standing(of: origin)
        let reference = try reference(of: origin)
        guard var account = accounts[holder.key] else { return [] }
        var movements: [LotMovement] = []
        for (currency, change) in points.sorted(by: { $0.key < $1.key })
        where !change.isZero && keepsLots(currency, holder) {
            movements += try account.state.settle(
                change, of: currency, origin: reference, &standing, on: accountDay, program.returns)
        }
        accounts[holder.key] = account
        standings[origin] = standing
        return movements
    }

    /// Makes lots of what a sale gives, or brings them in line with what its newer state gives.
    mutating func regrant(
        _ id: Int64, _ holder: Holder, from before: SaleStandingBefore, to grants: [Grant]
    ) throws -> [LotMovement] {
        try open(holder)
        guard var account = accounts[holder.key] else { return [] }
        var standing = try standing(of: id)
        let reference = try reference(of: id)
        var movements: [LotMovement] = []
        for (currency, points) in before.taken.sorted(by: { $0.key < $1.key })
        where !points.isZero && keepsLots(currency, holder) {
            movements += try account.state.settle(
                points, of: currency, origin: reference, &standing, on: accountDay, program.returns)
        }
        movements += try program.regrant(
            from: before.granted.filter { keepsLots($0.key, holder) }, to: grants, origin: reference, &standing,
            on: accountDay, state: &account.state)
        accounts[holder.key] = account
        standings[id] = standing
        return movements
    }

    func standingBefore(_ id: Int64) throws -> SaleStandingBefore {
        var before = SaleStandingBefore()
        for line in try StoredLine.fetch(database, where: "sale_line.sale_id = ?", [id]) {
            for points in line.points {
                let zero = Points.zero(decimals: points.granted.decimals)
                before.granted[points.currency] = try (before.granted[points.currency] ?? zero).adding(points.granted)
                before.taken[points.currency] = try (before.taken[points.currency] ?? zero).adding(points.taken)
            }
        }
        return before
    }

    /// Stamps are counted and have no lots; nor has a currency that only an older program knew.
    func keepsLots(_ currency: String, _ holder: Holder) -> Bool {
        program.currencies[currency] != nil || state(of: holder).lots.contains { $0.currency == currency }
    }

    // MARK: Entries that no line gave

    /// Writes down points that ended and rewards that were given by themselves.
    mutating func post(_ movements: [LotMovement], _ issued: [IssuedReward], of holder: Holder) throws {
        guard !movements.isEmpty || !issued.isEmpty, let account = accounts[holder.key] else { return }
        outcome.transactions += try journal.write(
            movements, issued, of: holder, account.state, on: accountDay, circumstancesOfDays)
        if holder == presenter, !issued.isEmpty {
            outcome.rewards = (outcome.rewards ?? []) + issued.map(RewardChange.init)
        }
    }

    func changes(_ movements: [LotMovement], _ holder: Holder) -> [LotChange] {
        movements.map { LotChange($0, state(of: holder)) }
    }

    // MARK: Rows

    func reference(of id: Int64) throws -> String {
        try String.fetchOne(
            database.cachedStatement(sql: "SELECT reference FROM sale WHERE id = ?"), arguments: [id]) ?? ""
    }

    mutating func standing(of id: Int64) throws -> SaleStanding {
        if let known = standings[id] { return known }
        let document = try Data.fetchOne(
            database.cachedStatement(sql: "SELECT document FROM sale_standing WHERE sale_id = ?"), arguments: [id])
        let standing = try document.map { try JSONDecoder().decode(SaleStanding.self, from: $0) } ?? SaleStanding()
        standings[id] = standing
        return standing
    }

    /// Writes the accounts that the document looked at.
    mutating func storeAccounts() throws {
        for key in accounts.keys.sorted() {
            guard var account = accounts[key] else { continue }
            try account.store(database, program)
            accounts[key] = account
        }
        for (id, standing) in standings.sorted(by: { $0.key < $1.key }) {
            if standing.isEmpty {
                try database.cachedStatement(sql: "DELETE FROM sale_standing WHERE sale_id = ?")
                    .execute(arguments: [id])
            } else {
                try database.cachedStatement(
                    sql: "INSERT OR REPLACE INTO sale_standing (sale_id, document) VALUES (?, ?)"
                ).execute(arguments: [id, try JSONEncoder().encode(standing)])
            }
        }
    }

    /// What the holder has after this document, for the answer.
    mutating func statePoints(of holder: Holder) throws {
        guard let account = accounts[holder.key],
            // A balance that does not fit is no reason to refuse a sale.
            let balance = try? account.state.balance(
                of: program.primaryCurrency, decimals: primaryDecimals, on: accountDay, floor: program.returns.floor)
        else { return }
        outcome.available = balance.available
        outcome.pending = balance.pending.isZero ? nil : balance.pending
        outcome.owed = balance.owed.isZero ? nil : balance.owed
        outcome.ending = balance.endings.first.map { .init(day: $0.day, points: $0.points) }
    }
}

extension LoyaltyTransactionDraft {
    /// Holds the accruals to what the lots could bear: what had ended before, or was forgiven, changes no balance.
    ///
    /// - Parameter keepsLots: whether a currency has lots.
    mutating func limit(to movements: [LotMovement], _ keepsLots: (String) -> Bool) throws {
        var names = Set(movements.map(\.currency))
        names.formUnion(accruals.map(\.currency))
        for currency in names.sorted() where keepsLots(currency) {
            let own = movements.filter { $0.currency == currency && $0.reason != .expired }
            let place = accruals.firstIndex { $0.currency == currency }
            let decimals = place.map { accruals[$0].total.decimals } ?? own.first?.points.decimals ?? 0
            var booked = Points.zero(decimals: decimals)
            for movement in own { booked = try booked.adding(movement.points) }
            let difference = try booked.subtracting(place.map { accruals[$0].total } ?? .zero(decimals: decimals))
            guard !difference.isZero else { continue }
            trace.append(TraceStep(own, difference))
            if let place {
                accruals[place].total = booked
                try accruals[place].share(difference)
            } else {
                accruals.append(
                    Accrual(currency: currency, total: booked, qualifying: .zero(decimals: decimals), lines: []))
            }
        }
        accruals.removeAll { $0.total.isZero && $0.qualifying.isZero && $0.lines.isEmpty }
    }
}

extension TraceStep {
    fileprivate init(_ movements: [LotMovement], _ difference: Points) {
        var reasons: [String] = []
        for (reason, words) in [
            (LotMovement.Reason.lapsed, "had ended before"), (.forgiven, "were forgiven, as there was nothing left"),
        ] {
            let sizes = movements.filter { $0.reason == reason }.map { "\($0.size)" }
            if !sizes.isEmpty { reasons.append(sizes.joined(separator: " and ") + " " + words) }
        }
        self.init(
            rule: "lots", matched: true,
            reason: reasons.isEmpty ? "the lots changed by \(difference) more" : reasons.joined(separator: "; "),
            points: "\(difference)")
    }
}

extension Accrual {
    /// Puts a difference on the shares of lines, the last first, none past zero; what is left on the last share.
    fileprivate mutating func share(_ difference: Points) throws {
        var rest = difference
        for index in lines.indices.reversed() where !rest.isZero && lines[index].points.isNegative != rest.isNegative {
            let size = try lines[index].points.negated()
            let part = abs(size.ratio) < abs(rest.ratio) ? size : rest
            lines[index].points = try lines[index].points.adding(part)
            rest = try rest.subtracting(part)
        }
        if !rest.isZero, let last = lines.indices.last { lines[last].points = try lines[last].points.adding(rest) }
        lines.removeAll { $0.points.isZero }
    }

    private func abs(_ ratio: Ratio) -> Ratio { ratio < .zero ? (try? Ratio.zero.subtracting(ratio)) ?? ratio : ratio }
}
