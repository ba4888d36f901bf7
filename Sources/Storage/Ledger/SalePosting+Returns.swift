internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// Goods that come back. Each return is kept with the stored line it was set against (`sale_return`), so that it can be
/// undone with its document and survives a revision of the sale it came from.
extension SalePosting {
    private enum Source {
        case sale(Int64, SaleLink)
        /// Named, but not stored: it may arrive later.
        case unknown(SaleLink)
        /// Several stored sales of different people fit the link.
        case ambiguous
        case unlinked
    }

    /// Takes back what returned goods once gave, from whoever got it, in the points of that time.
    mutating func postReturns(_ id: Int64) throws {
        var changes = PointChanges()
        try takeReturns(id, &changes)
        try settleOwnShares(changes.sales, &changes)
        try settleCounters(changes.sales)
        for (holder, change) in changes.settled() {
            try post(.returned, change, of: holder, sale: id, trace: change.trace)
        }
        try settleShares(.returned, changes.sales, document: id)
        try settleForwards(changes.sales, document: id)
        try settleEntitlements(changes.sales)
        try restoreSpendings(changes.sales, document: id)
    }

    /// Sets the returned lines of a document against stored lines, as far as that has not been done.
    mutating func takeReturns(_ id: Int64, _ changes: inout PointChanges) throws {
        var unexplained: [SaleLine] = []
        for (line, open) in try openReturns(of: id) {
            if !open.isZero && !open.isNegative {
                try take(line, open, id, &changes, &unexplained)
            } else if line.quantity.isZero {
                raise("unmatched_return")
            }
        }
        if let holder = presenter, !unexplained.isEmpty { try takeByRate(unexplained, id, holder, &changes) }
    }

    /// The returned lines of a document, with what of each is not yet set against a stored line.
    private func openReturns(of id: Int64) throws -> [(line: SaleLine, open: Quantity)] {
        let lines = program.returnLines(of: sale)
        guard !lines.isEmpty else { return [] }
        var placed: [String: Quantity] = [:]
        for row in try Row.fetchAll(
            database.cachedStatement(sql: "SELECT line_id, quantity FROM sale_return WHERE sale_id = ?"),
            arguments: [id])
        {
            let line: String = row["line_id"]
            placed[line] = try placed[line, default: .zero].adding(Quantity(row["quantity"] as String))
        }
        return try lines.map { line in
            (line, try line.quantity.magnitude().adding((placed[line.id] ?? .zero).negated()))
        }
    }

    private mutating func take(
        _ line: SaleLine, _ wanted: Quantity, _ id: Int64, _ changes: inout PointChanges,
        _ unexplained: inout [SaleLine]
    ) throws {
        let source = try source(of: line, id)
        var open = wanted
        for var origin in try origins(of: line, source, id) {
            let part = try origin.room(for: open)
            guard !part.isZero else { continue }
            origin.returned = try origin.returned.adding(part)
            try origin.settle(as: line.id, into: &changes)
            try origin.store(database)
            var kept = ReturnRow(document: id, line: line, quantity: part)
            (kept.origin, kept.originLine) = (origin.saleID, origin.id)
            try kept.insert(database)
            if let holder = origin.holder {
                changes.note(
                    TraceStep(
                        rule: "return", matched: true,
                        reason: "\(part) of line \(origin.id) of the original sale came back"), holder)
            }
            open = try open.adding(part.negated())
        }
        guard !open.isZero else { return }
        try leave(line, open, of: wanted, source, id, &unexplained)
    }

    /// Goods came back that no stored line explains.
    ///
    /// - Parameter unexplained: those of which points are taken by rate, once all of them are known.
    private mutating func leave(
        _ line: SaleLine, _ open: Quantity, of wanted: Quantity, _ source: Source, _ id: Int64,
        _ unexplained: inout [SaleLine]
    ) throws {
        switch source {
        case .ambiguous: raise("ambiguous_return")
        case .sale: raise("unmatched_return")
        case .unknown, .unlinked:
            if program.returns.unlinked == .reverseByRate, open == wanted, presenter != nil {
                return unexplained.append(line)
            }
            if case .unknown(let link) = source {
                var kept = ReturnRow(document: id, line: line, quantity: open)
                kept.link = resolved(link)
                kept.epoch = submission.event.identity.epoch
                try kept.insert(database)
            } else if presenter == nil, line.returned?.link == nil {
                // Nobody's goods; with a link they are somebody's, whom it does not lead to.
                return
            }
            raise("unmatched_return")
        }
    }

    /// What goods that no stored line explains would earn the holder now: together, as limits and steps are of the document and
    /// not of a line, and before what the document sells is evaluated, as what they take of limits can be earned again.
    mutating func reverse(
        _ id: Int64, _ holder: Holder, _ member: Member?, _ state: MemberState, _ owner: CounterOwner
    ) throws {
        guard program.returns.unlinked == .reverseByRate else { return }
        let lines = try openReturns(of: id).filter { line, open in
            guard !open.isZero, !open.isNegative else { return false }
            switch try source(of: line, id) {
            case .unknown, .unlinked: return true
            case .sale, .ambiguous: return false
            }
        }
        guard !lines.isEmpty else { return }
        let counters = try books.counters(program, owner, on: submission.businessDay, joined: state.joined)
        let reversal = try program.evaluateReversal(
            EarnInput(
                sale: sale, occurredAt: closedAt, businessDay: submission.businessDay, member: member, state: state,
                counters: counters), of: lines.map(\.line))
        try count(id, reversal.counterChanges, owner)
        self.reversal = reversal
    }

    private mutating func takeByRate(
        _ lines: [SaleLine], _ id: Int64, _ holder: Holder, _ changes: inout PointChanges
    ) throws {
        if reversal == nil {
            let member = try holder.member.flatMap { try MemberCache.member(database, $0.value) }
            try reverse(id, holder, member, stateForRules(of: holder, member), CounterOwner(holder, member))
        }
        guard let reversal else { return }
        var rows: [ReturnRow] = []
        for line in lines {
            var row = ReturnRow(document: id, line: line, quantity: try line.quantity.magnitude())
            row.holder = holder
            rows.append(row)
        }
        for accrual in reversal.accruals {
            for (name, points) in try Self.linePoints(accrual) {
                guard let place = rows.firstIndex(where: { $0.line == name }) else { continue }
                try changes.add(
                    points.granted.negated(), qualifying: points.qualifying.negated(), points.currency, name, holder,
                    origin: id)
                rows[place].points.append(points)
            }
        }
        for row in rows { try row.insert(database) }
        for step in reversal.trace { changes.note(step, holder) }
    }

    /// Undoes what a document took back, because it is voided or revised.
    func releaseReturns(of id: Int64, _ changes: inout PointChanges) throws {
        for row in try ReturnRow.fetch(database, where: "sale_id = ?", [id]) {
            if let origin = row.origin, let line = row.originLine {
                for var stored in try StoredLine.fetch(
                    database, where: "sale_line.sale_id = ? AND sale_line.line_id = ?", [origin, line])
                {
                    let rest = try stored.returned.adding(row.quantity.negated())
                    stored.returned = rest.isNegative ? .zero : rest
                    try stored.settle(as: row.line, into: &changes)
                    try stored.store(database)
                }
            }
            guard let holder = row.holder else { continue }
            for points in row.points {
                try changes.add(
                    points.granted, qualifying: points.qualifying, points.currency, row.line, holder, origin: id)
            }
        }
        try database.execute(sql: "DELETE FROM sale_return WHERE sale_id = ?", arguments: [id])
        try uncount(id) { $0.countsReturns }
    }

    /// Returns that named this sale before it arrived are set against it.
    func adoptReturns(_ id: Int64) throws {
        let identity = submission.event.identity
        try database.cachedStatement(
            sql: """
                UPDATE sale_return SET origin_id = :id
                WHERE origin_id IS NULL AND sale_id <> :id AND points = '[]'
                    AND (link_uid = :uid OR (link_number = :number AND (link_uid IS NULL OR :uid IS NULL)))
                    AND (link_number IS NULL OR link_number = :number)
                    AND (link_register IS NULL OR link_register = :register)
                    AND (link_store IS NULL OR link_store = :store)
                    AND (link_day IS NULL OR link_day = :day) AND (link_uid IS NOT NULL OR link_epoch = :epoch)
                    AND (SELECT closed_at >= :closed
                            OR (register <> :register AND (link_uid IS NOT NULL OR link_day IS NOT NULL))
                        FROM sale WHERE sale.id = sale_return.sale_id)
                """
        ).execute(arguments: [
            "id": id, "uid": sale.uid, "number": sale.number, "register": sale.register, "store": sale.store,
            "day": submission.businessDay.description, "epoch": identity.epoch, "closed": closedAt.microseconds,
        ])
    }

    /// Sets what came back of a sale against its lines: the line that was named if it is still the same product, else
    /// lines of that product. What finds no room waits for a revision that brings the line back.
    func placeReturns(on id: Int64, _ lines: inout [StoredLine]) throws {
        let rows = try ReturnRow.fetch(database, where: "origin_id = ?", [id])
        guard !rows.isEmpty else { return }
        try database.execute(sql: "DELETE FROM sale_return WHERE origin_id = ?", arguments: [id])
        for row in rows {
            var rest = row
            for index in Self.order(lines, line: row.wantedLine, code: row.code) {
                let part = try lines[index].room(for: rest.quantity)
                guard !part.isZero else { continue }
                lines[index].returned = try lines[index].returned.adding(part)
                var piece = row
                (piece.quantity, piece.originLine) = (part, lines[index].id)
                try piece.insert(database)
                rest.quantity = try rest.quantity.adding(part.negated())
            }
            guard !rest.quantity.isZero else { continue }
            rest.originLine = nil
            try rest.insert(database)
        }
    }

    /// Where a return belongs, the best first: the named line if it is that product, then lines of the product; those
    /// without a quantity last, as they take everything.
    private static func order(_ lines: [StoredLine], line: String?, code: String?) -> [Int] {
        let named = lines.indices.filter { lines[$0].id == line && (code == nil || lines[$0].code == code) }
        let others = lines.indices.filter {
            lines[$0].code == code && lines[$0].id != line && (code != nil || line == nil)
        }
        return named + others.filter { !lines[$0].quantity.isZero } + others.filter { lines[$0].quantity.isZero }
    }

    private func source(of line: SaleLine, _ id: Int64) throws -> Source {
        let stated = line.returned?.link ?? sale.links.first { $0.relation == .returns || $0.relation == .exchanges }
        guard let link = stated, link.number != nil || link.uid != nil else { return .unlinked }
        let named = try sales(named: link).filter { $0.id != id }
        let earlier = named.filter { $0.closedAt <= closedAt }
        // Another register's clock may be fast: a sale that is named without doubt was there before its return, whatever it says.
        let isOtherClock = link.register.map { $0 != sale.register } ?? (link.uid != nil)
        let isCertain = isOtherClock && (link.uid != nil || link.businessDay != nil)
        let candidates = earlier.isEmpty && isCertain ? named : earlier
        guard candidates.count > 1 else { return candidates.first.map { .sale($0.id, link) } ?? .unknown(link) }
        let sold = try candidates.filter { try !self.lines(of: $0.id, line, link).isEmpty }
        let own = sold.filter { $0.holder != nil && $0.holder == presenter }
        let fitting = own.isEmpty ? sold : own
        guard let newest = fitting.first ?? candidates.first else { return .unknown(link) }
        // Points may come off one person only where there is no doubt whose sale it was.
        guard fitting.allSatisfy({ $0.holder == newest.holder }) else { return .ambiguous }
        return .sale(newest.id, link)
    }

    private func lines(of id: Int64, _ line: SaleLine, _ link: SaleLink) throws -> [StoredLine] {
        let lines = try StoredLine.fetch(database, where: "sale_line.sale_id = ? ORDER BY sale_line.line_id", [id])
        return Self.order(lines, line: link.line, code: line.code?.value).map { lines[$0] }
    }

    /// The stored lines that a returned line may be set against, the best first.
    private func origins(of line: SaleLine, _ source: Source, _ id: Int64) throws -> [StoredLine] {
        switch source {
        case .ambiguous, .unknown: return []
        case .sale(let original, let link): return try lines(of: original, line, link)
        case .unlinked:
            guard program.returns.unlinked == .matchLastPurchase, let code = line.code?.value, let holder = presenter
            else { return [] }
            // What the card bought before the cache knew its member belongs to the same person.
            return try StoredLine.fetch(
                database,
                where: """
                    sale_line.member_key IN (?, ?) AND sale_line.code = ? AND sale.closed_at <= ? AND sale.id <> ?
                        AND sale.state = 'completed' AND sale_line.returned <> sale_line.quantity
                    ORDER BY sale.closed_at DESC, sale_line.sale_id DESC, sale_line.line_id LIMIT 100
                    """,
                [
                    holder.key, holder.token.map(Holder.key) ?? holder.key, code, closedAt.microseconds, id,
                ])
        }
    }
}
