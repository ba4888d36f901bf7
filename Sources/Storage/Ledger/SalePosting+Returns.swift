internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

extension SalePosting {
    /// One stored line that returned goods are set against.
    private struct Origin {
        var saleID: Int64
        var line: String
        var memberID: MemberID?
        var token: CardToken?
        var quantity: Quantity
        var returned: Quantity
        var points: [LinePoints]

        var remaining: Quantity { get throws { try quantity.adding(returned.negated()) } }
    }

    /// Takes back what returned goods once gave, from whoever got it, in the points of that time.
    mutating func takeBack(_ id: Int64) throws {
        var taken: [Holder: [Accrual]] = [:]
        var steps: [Holder: [TraceStep]] = [:]
        for line in program.returnLines(of: sale) {
            var open = try line.quantity.magnitude()
            let origins = try origins(of: line)
            for origin in origins {
                guard !open.isZero, !open.isNegative,
                    let holder = Holder(member: origin.memberID, token: origin.token)
                else { continue }
                let part = min(open, try origin.remaining)
                guard !part.isZero, !part.isNegative else { continue }
                let shares = try takeBack(part, from: origin)
                open = try open.adding(part.negated())
                for (currency, points) in shares {
                    add(points, currency, line.id, to: &taken[holder, default: []])
                    steps[holder, default: []].append(
                        TraceStep(
                            rule: "return", matched: true,
                            reason: "\(part) of line \(origin.line) of the original sale came back",
                            points: points.description))
                }
            }
            if !open.isZero { try returnWithoutOrigin(line, open, &taken, &steps) }
        }
        for (holder, accruals) in taken.sorted(by: { $0.key.key < $1.key.key }) {
            guard accruals.contains(where: { !$0.total.isZero }) else { continue }
            if holder == Holder(member: submission.attachment?.member, token: submission.attachment?.token) {
                try note(accruals)
            }
            try postEntry(
                LoyaltyTransactionDraft(
                    kind: .returned, holder: holder, accruals: accruals, trace: steps[holder] ?? [],
                    flags: outcome.flags),
                sale: id, card: nil)
        }
        try updateFlags(id)
    }

    /// Voids a finished sale: takes back all that is left of it. One that has not arrived yet will earn nothing.
    mutating func void() throws {
        outcome = LedgerOutcome(decision: .voided, flags: submission.flags)
        let link = sale.links.first { $0.relation == .voids }
        let target = link ?? SaleLink(relation: .voids, number: sale.number, uid: sale.uid)
        guard let (id, reference) = try find(target) else {
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO void_tombstone (epoch, store, register, number, uid, received_at)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    submission.event.identity.epoch, target.store ?? sale.store, target.register ?? sale.register,
                    target.number ?? sale.number, target.uid, submission.receivedAt.microseconds,
                ])
            outcome.flags.append("voids_unknown_sale")
            return
        }
        outcome.sale = reference
        try database.execute(sql: "UPDATE sale SET state = 'voided' WHERE id = ?", arguments: [id])
        var taken: [Holder: [Accrual]] = [:]
        for origin in try origins(where: "sale_line.sale_id = ?", [id]) {
            guard let holder = Holder(member: origin.memberID, token: origin.token) else { continue }
            for (currency, points) in try takeBackRest(of: origin) {
                add(points, currency, origin.line, to: &taken[holder, default: []])
            }
        }
        for (holder, accruals) in taken where accruals.contains(where: { !$0.total.isZero }) {
            try note(accruals)
            try postEntry(
                LoyaltyTransactionDraft(
                    kind: .void, holder: holder, accruals: accruals,
                    trace: [TraceStep(rule: "void", matched: true, reason: "the sale was voided")], flags: outcome.flags
                ),
                sale: id, card: nil)
            outcome.member = holder.member
            outcome.unverified = holder.member == nil
        }
        outcome.earned = earnedByPresenter
    }

    func isTombstoned() throws -> Bool {
        try Bool.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT 1 FROM void_tombstone WHERE number = ? AND register = ? AND store = ? AND epoch = ?
                        AND (uid IS NULL OR ? IS NULL OR uid = ?)
                    """),
            arguments: [
                sale.number, sale.register, sale.store, submission.event.identity.epoch, sale.uid, sale.uid,
            ]) ?? false
    }

    /// Goods come back that no stored sale of a card explains.
    private mutating func returnWithoutOrigin(
        _ line: SaleLine, _ open: Quantity, _ taken: inout [Holder: [Accrual]], _ steps: inout [Holder: [TraceStep]]
    ) throws {
        guard let attachment = submission.attachment,
            let holder = Holder(member: attachment.member, token: attachment.token)
        else { return }
        guard program.returns.unlinked == .reverseByRate, open == (try line.quantity.magnitude()) else {
            outcome.flags.append("unmatched_return")
            return
        }
        let member = try attachment.member.flatMap { try MemberCache.member(database, $0.value) }
        let reversal = try program.evaluateReversal(
            EarnInput(sale: sale, occurredAt: closedAt, businessDay: submission.businessDay, member: member), of: [line]
        )
        for accrual in reversal.accruals {
            for share in accrual.lines {
                add(share.points, accrual.currency, share.line, to: &taken[holder, default: []])
            }
        }
        steps[holder, default: []] += reversal.trace
    }

    /// The stored lines that a returned line may be set against, the best first.
    private func origins(of line: SaleLine) throws -> [Origin] {
        let link = line.returned?.link ?? sale.links.first { $0.relation == .returns || $0.relation == .exchanges }
        if let link {
            guard let (id, _) = try find(link) else { return [] }
            if let original = link.line {
                return try origins(where: "sale_line.sale_id = ? AND sale_line.line_id = ?", [id, original])
            }
            return try origins(
                where: "sale_line.sale_id = ? AND sale_line.code IS ? ORDER BY sale_line.line_id",
                [id, line.code?.value])
        }
        guard program.returns.unlinked == .matchLastPurchase, let code = line.code?.value,
            let holder = Holder(member: submission.attachment?.member, token: submission.attachment?.token)
        else { return [] }
        return try origins(
            where: """
                sale_line.member_key = ? AND sale_line.code = ? AND sale.closed_at <= ?
                ORDER BY sale.closed_at DESC, sale_line.sale_id DESC, sale_line.line_id LIMIT 100
                """, [holder.key, code, closedAt.microseconds])
    }

    private func origins(where condition: String, _ arguments: StatementArguments) throws -> [Origin] {
        try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT sale_line.*, sale.member_id, sale.card_token FROM sale_line
                    JOIN sale ON sale.id = sale_line.sale_id AND sale.state IN ('completed', 'voided') WHERE \(condition)
                    """), arguments: arguments
        ).map { row in
            Origin(
                saleID: row["sale_id"], line: row["line_id"],
                memberID: (row["member_id"] as String?).map { MemberID($0) },
                token: (row["card_token"] as Data?).map { CardToken(bytes: $0) },
                quantity: try Quantity(row["quantity"] as String), returned: try Quantity(row["returned"] as String),
                points: try JSONDecoder().decode([LinePoints].self, from: row["points"] as Data))
        }
    }

    /// Takes the share of a returned quantity off a stored line; answers the points as negative amounts.
    private func takeBack(_ part: Quantity, from origin: Origin) throws -> [(currency: String, points: Points)] {
        var points = origin.points
        var result: [(String, Points)] = []
        for index in points.indices {
            let share = try Clawback.points(
                granted: points[index].granted, quantity: origin.quantity, returnedBefore: origin.returned,
                takenBefore: points[index].taken, returning: part)
            points[index].taken = try points[index].taken.adding(share)
            result.append((points[index].currency, try share.negated()))
        }
        try store(points, returned: origin.returned.adding(part), of: origin)
        return result
    }

    /// Takes all that a line still holds. Not by quantity: a line of quantity 0 can have given points for its amount.
    private func takeBackRest(of origin: Origin) throws -> [(currency: String, points: Points)] {
        var points = origin.points
        var result: [(String, Points)] = []
        for index in points.indices {
            result.append((points[index].currency, try points[index].taken.subtracting(points[index].granted)))
            points[index].taken = points[index].granted
        }
        try store(points, returned: origin.quantity, of: origin)
        return result
    }

    private func store(_ points: [LinePoints], returned: Quantity, of origin: Origin) throws {
        try database.cachedStatement(
            sql: "UPDATE sale_line SET returned = ?, points = ? WHERE sale_id = ? AND line_id = ?"
        ).execute(arguments: [
            returned.description, String(decoding: try JSONEncoder().encode(points), as: UTF8.self), origin.saleID,
            origin.line,
        ])
    }

    private func add(_ points: Points, _ currency: String, _ line: String, to accruals: inout [Accrual]) {
        guard !points.isZero else { return }
        let share = Accrual.LineShare(line: line, points: points)
        if let index = accruals.firstIndex(where: { $0.currency == currency }),
            let total = try? accruals[index].total.adding(points),
            let qualifying = try? accruals[index].qualifying.adding(points)
        {
            accruals[index].total = total
            accruals[index].qualifying = qualifying
            accruals[index].lines.append(share)
        } else {
            accruals.append(Accrual(currency: currency, total: points, qualifying: points, lines: [share]))
        }
    }

    /// The stored sale that a link names. What the link leaves out is taken from this document.
    private func find(_ link: SaleLink) throws -> (Int64, String)? {
        if let uid = link.uid,
            let row = try Row.fetchOne(
                database.cachedStatement(sql: "SELECT id, reference FROM sale WHERE uid = ? ORDER BY id DESC LIMIT 1"),
                arguments: [uid])
        {
            return (row["id"], row["reference"])
        }
        guard let number = link.number else { return nil }
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT id, reference FROM sale
                    WHERE number = ? AND register = ? AND store = ? AND (? IS NULL OR business_day = ?)
                    ORDER BY epoch = ? DESC, id DESC LIMIT 1
                    """),
            arguments: [
                number, link.register ?? sale.register, link.store ?? sale.store, link.businessDay?.description,
                link.businessDay?.description, submission.event.identity.epoch,
            ])
        return row.map { ($0["id"], $0["reference"]) }
    }
}
