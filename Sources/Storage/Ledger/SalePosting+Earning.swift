internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// Points for sold goods.
extension SalePosting {
    /// Stores the lines of a new sale, or of one that now has a card, and posts what they earn. Goods that came back
    /// already earn nothing.
    mutating func earn(_ id: Int64) throws {
        var changes = PointChanges()
        guard let holder = presenter, try !isVoided(id) else {
            if presenter == nil, !sale.spentOn.isEmpty { raise("redeemed_without_card") }
            return try grant(id, nil, [], &changes)
        }
        try spend(id, holder)
        let result = try evaluate(holder, id, isNew: true)
        for flag in result.flags { raise(flag) }
        kept = KeptPoints(result)
        try grant(id, holder, result.accruals, &changes)
        try replaceOwnShare(id, holder, result, &changes)
        try settleOwnShares([id], &changes)
        try settleCounters(changes.sales)
        let change = changes.settled(for: holder)
        let lots = try regrant(id, holder, from: SaleStandingBefore(), to: result.grants)
        try post(
            .accrual, change, of: holder, sale: id, trace: result.trace + change.trace, lots, isAlwaysPosted: true)
        try replaceShares(.accrual, id, result)
        try replaceForwards(id, holder, result.forwards)
        try settleEntitlements([id])
        try restoreSpendings([id], document: id)
        try issue(result.issued, id, holder)
    }

    func isVoided(_ id: Int64) throws -> Bool {
        try String.fetchOne(
            database.cachedStatement(sql: "SELECT state FROM sale WHERE id = ?"), arguments: [id]) == "voided"
    }

    /// What the sale earns, with the member's counters and state, and what it adds to them.
    ///
    /// - Parameter isNew: false for a revision, which sells no line's entitlement a second time.
    private mutating func evaluate(_ holder: Holder, _ id: Int64, isNew: Bool) throws -> EarnResult {
        let member = try holder.member.flatMap { try MemberCache.member(database, $0.value) }
        let owner = CounterOwner(holder, member)
        var state = try stateForRules(of: holder, member)
        try leaveOut(id, of: &state)
        let before = state.tier
        try reverse(id, holder, member, state, owner)
        // A correction does not move what others got to somebody else.
        for stored in isNew ? [] : try StoredShare.fetch(database, sale: id) {
            switch stored.share.recipient {
            case .member: break
            case .referrer: state.referrer = stored.share.account.map { MemberID($0) }
            case .beneficiary: state.beneficiary = stored.share.account
            }
        }
        let recruiter = try recruiter(&state)
        let (result, tier) = try evaluate(
            member, state, owner, recruiter, corrected: isNew ? nil : standing(of: id).earnedTier)
        try count(id, result.counterChanges, owner)
        if let recruiter { try count(id, result.referrerCounterChanges, recruiter) }
        try keep(result, before, tier, id, holder)
        return result
    }

    /// What rules look at of a holder beside his counters.
    mutating func stateForRules(of holder: Holder, _ member: Member?) throws -> MemberState {
        try open(holder)
        var state = try books.state(of: holder, member)
        let account = self.state(of: holder)
        (state.lots, state.owed, state.lastActivity) = (account.lots, account.owed, account.lastActivity)
        state.linked = try PartnerNumbers(database: database, vault: vault).all(of: holder.member, program)
        return state
    }

    /// A sale that is corrected earns as if it had been so from the start: without the tier and rights that it brought.
    private mutating func leaveOut(_ id: Int64, of state: inout MemberState) throws {
        let standing = try standing(of: id)
        if let tier = standing.tier { state.tier = tier.before }
        for right in standing.entitlements ?? [] where !(standing.lostEntitlements ?? []).contains(right.line) {
            if let index = state.entitlements.lastIndex(of: right.entitlement) { state.entitlements.remove(at: index) }
        }
    }

    /// Keeps the tier and the rights that a sale brought, in place of what an earlier state of it brought.
    private mutating func keep(
        _ result: EarnResult, _ before: TierStanding?, _ earned: EarnedTier?, _ id: Int64, _ holder: Holder
    ) throws {
        let bought = try noteBought(result.entitlements, id)
        var standing = try standing(of: id)
        let change = TierChange(before: before, after: result.tier ?? before, day: submission.businessDay)
        var kept = try books.state(of: holder.key)
        let old = kept.tier
        kept.tier = program.tier(after: change, insteadOf: standing.tier, standing: old)
        if kept.tier != old || !bought.isEmpty {
            kept.entitlements += bought
            try books.store(kept, of: holder.key)
        }
        let own = holder.member.flatMap { _ in program.tierChange(from: before, result, on: submission.businessDay) }
        let noted = own ?? standing.tier.map { _ in change }
        if noted != standing.tier || earned != standing.earnedTier {
            (standing.tier, standing.earnedTier) = (noted, earned)
            standings[id] = standing
        }
    }

    /// Takes back the tier that a voided sale alone brought.
    mutating func withdrawTier(of id: Int64, _ holder: Holder?) throws {
        guard let holder, let change = try standing(of: id).tier else { return }
        let member = try holder.member.flatMap { try MemberCache.member(database, $0.value) }
        var state = try books.state(of: holder, member)
        let owner = CounterOwner(holder, member)
        var counters = try books.counters(program, owner, on: accountDay, joined: state.joined)
        let renewal = state.tier == change.after ? nil : try self.renewal(of: state.tier, holder, besides: id)
        for day in [change.day, renewal].compactMap(\.self) {
            counters.merge(try books.counters(program, owner, on: day, joined: state.joined)) { value, _ in value }
        }
        guard try program.withdraw(change, from: &state, counters: counters, on: accountDay, renewal: renewal)
        else { return }
        var kept = try books.state(of: holder.key)
        kept.tier = state.tier
        try books.store(kept, of: holder.key)
    }

    /// The day of the last sale that brought this tier, other than `id`.
    private func renewal(of tier: TierStanding?, _ holder: Holder, besides id: Int64) throws -> CalendarDate? {
        guard let tier, let member = holder.member else { return nil }
        let day = try String.fetchOne(
            database,
            sql: """
                SELECT json_extract(CAST(sale_standing.document AS TEXT), '$.tier.day') FROM ledger_entry
                JOIN sale ON sale.id = ledger_entry.sale_id JOIN sale_standing ON sale_standing.sale_id = sale.id
                WHERE ledger_entry.member_id = ? AND sale.id <> ? AND sale.state = 'completed'
                    AND json_extract(CAST(sale_standing.document AS TEXT), '$.tier.after.id') = ?
                    AND json_extract(CAST(sale_standing.document AS TEXT), '$.tier.after.validThrough') IS ?
                    AND (json_extract(CAST(sale_standing.document AS TEXT), '$.tier.before.id') IS NOT ?
                        OR json_extract(CAST(sale_standing.document AS TEXT), '$.tier.before.validThrough') IS NOT ?)
                ORDER BY sale.id DESC LIMIT 1
                """,
            arguments: [
                member.value, id, tier.id, tier.validThrough?.description, tier.id, tier.validThrough?.description,
            ])
        return try day.map { try CalendarDate($0) }
    }

    /// - Parameter corrected: the tier that the sale earned with before; nil for a new one.
    /// - Returns: also the tier that it earns with.
    private func evaluate(
        _ member: Member?, _ state: MemberState, _ owner: CounterOwner, _ recruiter: CounterOwner?,
        corrected: EarnedTier?
    ) throws -> (result: EarnResult, tier: EarnedTier?) {
        let counters = try books.counters(program, owner, on: submission.businessDay, joined: state.joined)
        let others = try recruiter.map {
            try books.counters(program, $0, on: submission.businessDay, joined: nil)
        }
        let shared = Set(CounterScope.allCases.filter { recruiter?.holder($0) == owner.holder($0) })
        if let action = submission.action {
            let result = try program.evaluate(
                action, member: member, state: state, counters: counters, referrerCounters: others ?? [:],
                sharedScopes: shared)
            return (result, nil)
        }
        var input = EarnInput(
            sale: sale, occurredAt: closedAt, businessDay: submission.businessDay, member: member, state: state,
            counters: counters, referrerCounters: others ?? [:])
        input.sharedScopes = shared
        input.earnedTier = corrected
        return (try program.evaluate(input), try program.earnedTier(input))
    }

    /// Whose counters rules for the referrer look at. A member that was replaced has a successor.
    private func recruiter(_ state: inout MemberState) throws -> CounterOwner? {
        guard let referrer = state.referrer else { return nil }
        let member = try MemberCache.current(database, MemberCache.member(database, referrer.value))
        if let member { state.referrer = member.id }
        return Holder(member: member?.id ?? referrer, token: nil).map { CounterOwner($0, member) }
    }

    /// Adds a card to a finished sale.
    mutating func attach(to id: Int64) throws -> LedgerOutcome {
        outcome.flags = submission.flags
        outcome.sale = try String.fetchOne(database, sql: "SELECT reference FROM sale WHERE id = ?", arguments: [id])
        try setHolder(id)
        try earn(id)
        try postReturns(id)
        try storeAccounts()
        try updateFlags(id)
        try tally(database, "sale.matched", on: submission.receivedDay)
        let isClaim = submission.flags.contains("claimed")
        try tally(database, isClaim ? "sale.claimed" : "sale.late_card", on: submission.receivedDay)
        outcome.earned = earnedByPresenter ?? .zero(decimals: primaryDecimals)
        try finishOutcome()
        return outcome
    }

    private func setHolder(_ id: Int64) throws {
        try database.execute(
            sql: "UPDATE sale SET member_id = ?, card_token = ? WHERE id = ?",
            arguments: [submission.attachment?.member?.value, submission.attachment?.token?.bytes, id])
    }

    /// A newer state of a sale replaces the snapshot; the difference of points is posted. Goods that were returned in the
    /// meantime stay returned, and the points stay with the card that the sale had.
    mutating func revise(_ id: Int64, _ fingerprint: Data, implicit: Bool) throws {
        outcome.decision = .revised
        outcome.flags = submission.flags + (implicit ? ["implicit_revision"] : [])
        guard
            let row = try Row.fetchOne(
                database,
                sql: """
                    SELECT reference, state, member_id, card_token, fingerprint, superseded, revision FROM sale
                    WHERE id = ?
                    """, arguments: [id])
        else { throw LoyaltyError(.storageDamaged, "a sale vanished while it was revised") }
        outcome.sale = row["reference"]
        try replaceDocument(id, fingerprint, row)
        let first = Holder(row)
        if let first, let presenter, first != presenter { raise("card_changed") }
        defer { presenter = first ?? presenter }
        guard row["state"] == "completed" else {
            presenter = first
            return try updateFlags(id)
        }
        if first == nil { try setHolder(id) }
        try useRules(of: id)
        try postDifference(id, first ?? presenter)
        try updateFlags(id)
    }

    private mutating func postDifference(_ id: Int64, _ holder: Holder?) throws {
        var changes = PointChanges()
        try releaseReturns(of: id, &changes)
        try uncount(id)
        var trace: [TraceStep] = []
        var result = EarnResult(accruals: [], trace: [], flags: [])
        var before = SaleStandingBefore()
        if let holder {
            before = try standingBefore(id)
            for (currency, points) in try takenFromOwnShares(id) {
                before.taken[currency] = try (before.taken[currency] ?? .zero(decimals: points.decimals)).adding(points)
            }
            try spend(id, holder)
            result = try evaluate(holder, id, isNew: false)
            for flag in result.flags { raise(flag) }
            trace = result.trace
            kept = KeptPoints(result)
        }
        try grant(id, holder, result.accruals, &changes)
        presenter = holder
        try takeReturns(id, &changes)
        if let holder { try replaceOwnShare(id, holder, result, &changes) }
        try settleOwnShares(changes.sales.union([id]), &changes)
        try settleCounters(changes.sales)
        var lots: [LotMovement] = []
        if let holder {
            lots = try regrant(id, holder, from: before, to: result.grants)
            changes.touch(holder)
        }
        for (changed, change) in changes.settled() {
            try post(
                .adjustment, change, of: changed, sale: id, trace: (changed == holder ? trace : []) + change.trace,
                changed == holder ? lots : [], answersFor: holder)
        }
        if let holder {
            try replaceShares(.adjustment, id, result)
            try replaceForwards(id, holder, result.forwards)
        }
        try settleShares(.adjustment, changes.sales.subtracting([id]), document: id)
        try settleForwards(changes.sales.subtracting([id]), document: id)
        changes.sales.insert(id)
        try settleEntitlements(changes.sales)
        try restoreSpendings(changes.sales, document: id)
        if let holder { try issue(result.issued, id, holder) }
    }

    /// A revision is evaluated under the version that gave the sale its points; where that is not kept, under the one of
    /// its time, with a flag.
    private mutating func useRules(of id: Int64) throws {
        let hash = try String.fetchOne(
            database,
            sql: """
                SELECT json_extract(CAST(document AS TEXT), '$.program.hash') FROM ledger_entry
                WHERE sale_id = ? ORDER BY sequence DESC LIMIT 1
                """, arguments: [id])
        guard let hash, hash != program.identity.hash else { return }
        if let own = submission.programs?.program(hash: hash) { program = own } else { raise("rules_changed") }
    }

    /// Writes a sale's lines with their points, sets what came back against them, and notes the difference to before.
    private func grant(
        _ id: Int64, _ holder: Holder?, _ accruals: [Accrual], _ changes: inout PointChanges
    ) throws {
        for line in try StoredLine.fetch(database, where: "sale_line.sale_id = ?", [id]) {
            guard let holder = line.holder else { continue }
            for points in line.points {
                try changes.add(
                    points.taken.subtracting(points.granted),
                    qualifying: points.qualifyingTaken.subtracting(points.qualifying), points.currency, line.id, holder)
            }
        }
        try database.cachedStatement(sql: "DELETE FROM sale_line WHERE sale_id = ?").execute(arguments: [id])
        var lines = try soldLines(id, holder, accruals)
        try placeReturns(on: id, &lines)
        for index in lines.indices {
            if let holder {
                for points in lines[index].points {
                    try changes.add(
                        points.granted, qualifying: points.qualifying, points.currency, lines[index].id, holder)
                }
            }
            if !lines[index].returned.isZero { try lines[index].settle(as: lines[index].id, into: &changes) }
            try lines[index].store(database)
        }
    }

    private func soldLines(_ id: Int64, _ holder: Holder?, _ accruals: [Accrual]) throws -> [StoredLine] {
        var lines: [StoredLine] = []
        var places: [String: Int] = [:]
        for line in program.soldLines(of: sale) {
            if let place = places[line.id] {
                lines[place].quantity = try lines[place].quantity.adding(line.quantity)
                continue
            }
            places[line.id] = lines.count
            lines.append(
                StoredLine(
                    saleID: id, id: line.id, code: line.code?.value, holder: holder, quantity: line.quantity,
                    returned: .zero, points: [], isVoided: false))
        }
        for accrual in accruals {
            for points in try Self.linePoints(accrual) {
                // A share without a line could never be taken back.
                guard let place = places[points.line] else {
                    throw LoyaltyError(.storageFailed, "points were shared to a line that sells nothing")
                }
                lines[place].points.append(kept.marked(points.points, line: points.line))
            }
        }
        return lines
    }

    /// The points of each line; the part that counts towards a tier is shared in the same proportion, exactly.
    static func linePoints(_ accrual: Accrual) throws -> [(line: String, points: LinePoints)] {
        var byLine: [String: Int] = [:]
        var result: [(line: String, points: LinePoints)] = []
        let decimals = accrual.total.decimals
        var sum = Points.zero(decimals: decimals)
        var shared = Points.zero(decimals: decimals)
        for share in accrual.lines {
            sum = try sum.adding(share.points)
            var part = share.points
            if accrual.qualifying != accrual.total {
                let wide = Int128(accrual.qualifying.units) * Int128(sum.units)
                let reached = accrual.total.units == 0 ? 0 : wide / Int128(accrual.total.units)
                part = try Points(units: Int64(clamping: reached), decimals: decimals).subtracting(shared)
                shared = try shared.adding(part)
            }
            if let place = byLine[share.line] {
                result[place].points.granted = try result[place].points.granted.adding(share.points)
                result[place].points.qualifying = try result[place].points.qualifying.adding(part)
            } else {
                byLine[share.line] = result.count
                let zero = Points.zero(decimals: decimals)
                result.append(
                    (
                        share.line,
                        LinePoints(
                            currency: accrual.currency, granted: share.points, taken: zero, qualifying: part,
                            qualifyingTaken: zero)
                    ))
            }
        }
        return result
    }

    /// Counts points of the primary currency for the answer.
    mutating func note(_ accruals: [Accrual]) throws {
        for accrual in accruals where accrual.currency == program.primaryCurrency {
            earnedByPresenter = try (earnedByPresenter ?? .zero(decimals: primaryDecimals)).adding(accrual.total)
        }
    }
}
