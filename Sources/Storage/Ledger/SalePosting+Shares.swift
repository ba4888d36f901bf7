internal import EarnRules
internal import GRDB
internal import LoyaltyModel

/// Points for whoever recruited the member and for good causes, and the member's own that all goods of a sale decide together.
extension SalePosting {
    // MARK: The member's own

    /// Keeps what an evaluation gives on a condition that all goods decide, in place of what an earlier one gave.
    func replaceOwnShare(_ id: Int64, _ holder: Holder, _ result: EarnResult, _ changes: inout PointChanges) throws {
        for stored in try StoredShare.fetch(database, sale: id) where stored.share.recipient == .member {
            for (grant, parts) in zip(stored.share.grants, stored.share.taken) {
                for (line, back) in zip(grant.lines, parts) {
                    try changes.add(
                        back, qualifying: grant.isQualifying ? back : .zero(decimals: back.decimals), grant.currency,
                        line.line, holder)
                }
            }
            try database.cachedStatement(sql: "DELETE FROM sale_share WHERE id = ?").execute(arguments: [stored.id])
        }
        let grants = result.grants.filter {
            $0.recipient == .member && $0.returns == .revokeIfUnqualified && !$0.granted.isZero
        }
        if !grants.isEmpty { try SaleShare(.member, account: nil, grants).insert(database, sale: id) }
    }

    /// What the member's shares of a sale have given back so far, by currency.
    func takenFromOwnShares(_ id: Int64) throws -> [String: Points] {
        var sums: [String: Points] = [:]
        for stored in try StoredShare.fetch(database, sale: id) where stored.share.recipient == .member {
            for (currency, points) in try stored.share.sums(stored.share.taken) {
                sums[currency] = try (sums[currency] ?? .zero(decimals: points.decimals)).adding(points)
            }
        }
        return sums
    }

    /// Notes what the member's shares of these sales change, as goods came back or came back no more.
    func settleOwnShares(_ sales: Set<Int64>, _ changes: inout PointChanges) throws {
        for id in sales.sorted() {
            for var stored in try StoredShare.fetch(database, sale: id) where stored.share.recipient == .member {
                let lines = try StoredLine.fetch(database, where: "sale_line.sale_id = ?", [id])
                let target = try stored.share.target(lines, isVoided: lines.contains(where: \.isVoided))
                guard target != stored.share.taken, let holder = lines.compactMap(\.holder).first else { continue }
                for (index, grant) in stored.share.grants.enumerated() {
                    var sum = Points.zero(decimals: grant.granted.decimals)
                    for (place, line) in grant.lines.enumerated() {
                        let change = try stored.share.taken[index][place].subtracting(target[index][place])
                        try changes.add(
                            change, qualifying: grant.isQualifying ? change : .zero(decimals: change.decimals),
                            grant.currency, line.line, holder, origin: id)
                        sum = try sum.adding(change)
                    }
                    guard sum.isNegative else { continue }
                    changes.note(
                        TraceStep(
                            rule: grant.rule, matched: true,
                            reason: "the goods that are left do not come to what the bonus needs", points: "\(sum)"),
                        holder)
                }
                stored.share.taken = target
                try stored.update(database)
            }
        }
    }

    // MARK: Others

    /// Posts what an evaluation gives to others, in place of what an earlier one gave.
    mutating func replaceShares(_ kind: LoyaltyTransaction.Kind, _ id: Int64, _ result: EarnResult) throws {
        var stored = try StoredShare.fetch(database, sale: id).filter { $0.share.recipient != .member }
        var new: [SaleShare] = []
        for grant in result.grants where grant.recipient != .member && !grant.granted.isZero {
            if let index = new.firstIndex(where: { $0.recipient == grant.recipient && $0.account == grant.account }) {
                new[index] = SaleShare(grant.recipient, account: grant.account, new[index].grants + [grant])
            } else {
                new.append(SaleShare(grant.recipient, account: grant.account, [grant]))
            }
        }
        guard !stored.isEmpty || !new.isEmpty else { return }
        let lines = try StoredLine.fetch(database, where: "sale_line.sale_id = ?", [id])
        let isVoided = try isVoided(id)
        for share in new {
            var share = share
            share.taken = try share.target(lines, isVoided: isVoided)
            let place = stored.firstIndex { $0.share.recipient == share.recipient && $0.share.account == share.account }
            let old = place.map { stored.remove(at: $0) }
            try settle(kind, from: old?.share, to: &share, sale: id, document: id)
            if let old {
                try StoredShare(id: old.id, share: share).update(database)
            } else {
                try share.insert(database, sale: id)
            }
        }
        for old in stored {
            var none = SaleShare(old.share.recipient, account: old.share.account, [])
            try settle(kind, from: old.share, to: &none, sale: id, document: id)
            try database.cachedStatement(sql: "DELETE FROM sale_share WHERE id = ?").execute(arguments: [old.id])
        }
    }

    /// Brings what others got of these sales in line with what came back of them.
    ///
    /// - Parameter document: whose entry it is.
    mutating func settleShares(_ kind: LoyaltyTransaction.Kind, _ sales: Set<Int64>, document: Int64) throws {
        for id in sales.sorted() {
            for var stored in try StoredShare.fetch(database, sale: id) where stored.share.recipient != .member {
                let lines = try StoredLine.fetch(database, where: "sale_line.sale_id = ?", [id])
                let target = try stored.share.target(lines, isVoided: isVoided(id))
                guard target != stored.share.taken else { continue }
                let old = stored.share
                stored.share.taken = target
                try settle(kind, from: old, to: &stored.share, sale: id, document: document)
                try stored.update(database)
            }
        }
    }

    private mutating func settle(
        _ kind: LoyaltyTransaction.Kind, from old: SaleShare?, to new: inout SaleShare, sale id: Int64, document: Int64
    ) throws {
        guard let holder = new.holder else { return }
        var changes = PointChanges()
        try old?.add(to: &changes, holder, negated: true)
        try new.add(to: &changes, holder, negated: false)
        var movements: [LotMovement] = []
        if new.recipient == .referrer { movements = try moveLots(holder, from: old, to: &new, sale: id) }
        var draft = LoyaltyTransactionDraft(
            kind: kind, holder: holder, accruals: changes.settled(for: holder).accruals, trace: [])
        switch new.recipient {
        case .member: return
        case .referrer:
            draft.recipient = .referrer
            try draft.limit(to: movements) { keepsLots($0, holder) }
            draft.lots = self.changes(movements.filter { $0.reason != .expired }, holder)
        case .beneficiary:
            draft.recipient = .beneficiary
            draft.beneficiary = new.account
            // Behind the entries of its member: those of a cause would wait for each other, one in each delivery.
            draft.order = try self.holder(of: id)?.key
        }
        for grant in new.grants {
            draft.trace.append(
                TraceStep(
                    rule: grant.rule, matched: true,
                    reason: "\(grant.granted) \(grant.currency) for the \(grant.recipient.rawValue)",
                    points: "\(grant.granted)"))
        }
        if !draft.accruals.isEmpty { try postEntry(draft, sale: document) }
        try post(movements.filter { $0.reason == .expired }, [], of: holder)
    }

    private mutating func moveLots(
        _ holder: Holder, from old: SaleShare?, to new: inout SaleShare, sale id: Int64
    ) throws -> [LotMovement] {
        try open(holder)
        guard var account = accounts[holder.key] else { return [] }
        let reference = try reference(of: id)
        var standing = old?.standing ?? SaleStanding()
        var movements: [LotMovement] = []
        func take(_ points: [String: Points], givenBack: Bool) throws {
            for (currency, points) in points.sorted(by: { $0.key < $1.key })
            where !points.isZero && keepsLots(currency, holder) {
                movements += try account.state.settle(
                    givenBack ? points : try points.negated(), of: currency, origin: reference, &standing,
                    on: accountDay, program.returns)
            }
        }
        if let old, old.grants == new.grants {
            var rest: [String: Points] = try old.sums(old.taken)
            for (currency, points) in try new.sums(new.taken) {
                rest[currency] = try (rest[currency] ?? .zero(decimals: points.decimals)).subtracting(points)
            }
            try take(rest, givenBack: true)
        } else {
            if let old { try take(old.sums(old.taken), givenBack: true) }
            // What a recruiter gets counts by his counters alone.
            var grants = new.grants
            for index in grants.indices { grants[index].isQualifying = false }
            movements += try program.regrant(
                from: (try old?.granted() ?? [:]).filter { keepsLots($0.key, holder) }, to: grants, for: .referrer,
                origin: reference, &standing, on: accountDay, state: &account.state)
            try take(new.sums(new.taken), givenBack: false)
        }
        new.standing = standing
        accounts[holder.key] = account
        return movements
    }
}
