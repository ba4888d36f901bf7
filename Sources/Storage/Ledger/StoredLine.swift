internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// Whose points an entry changes: a member of the cache, a card that only the back end can know, or a good cause.
struct Holder: Hashable {
    var member: MemberID?
    var token: CardToken?
    /// Keeps the events of one holder in order in the outbox.
    var key: String

    init?(member: MemberID?, token: CardToken?) {
        if let member {
            key = "m:\(member.value)"
        } else if let token {
            key = Self.key(of: token)
        } else {
            return nil
        }
        self.member = member
        self.token = token
    }

    init?(_ attachment: CardAttachment?) {
        self.init(member: attachment?.member, token: attachment?.token)
    }

    /// Reads `member_id` and `card_token`.
    init?(_ row: Row) {
        self.init(
            member: (row["member_id"] as String?).map { MemberID($0) },
            token: (row["card_token"] as Data?).map { CardToken(bytes: $0) })
    }

    static func key(of token: CardToken) -> String { "c:\(token.text)" }

    /// The account of a good cause. It has no lots: what it does with its points is the back end's business.
    init(cause: String) { key = "b:\(cause)" }

    /// From a key that was stored.
    init?(key: String) {
        let name = String(key.dropFirst(2))
        switch key.prefix(2) {
        case "m:": self.init(member: MemberID(name), token: nil)
        case "c:": self.init(member: nil, token: CardToken(text: name))
        case "b:": self.init(cause: name)
        default: return nil
        }
    }

    static func == (left: Holder, right: Holder) -> Bool { left.key == right.key }
    func hash(into hasher: inout Hasher) { hasher.combine(key) }
}

/// What one line of a stored sale gave in one currency, and how much of it was taken back.
struct LinePoints: Codable {
    var currency: String
    var granted: Points
    var taken: Points
    /// The parts of both that count towards a tier.
    var qualifying: Points
    var qualifyingTaken: Points
    /// The parts that stay when goods come back; a void takes them too. Absent in rows of older versions.
    var kept: Points?
    var qualifyingKept: Points?
}

/// A sold line of a stored sale. What it has taken back is a function of what came back, never a running sum: so no order
/// of returns, revisions and voids can take more than was granted, or leave something when all is back.
struct StoredLine {
    var saleID: Int64
    var id: String
    var code: String?
    var holder: Holder?
    var quantity: Quantity
    /// The quantity that came back, zero or more.
    var returned: Quantity
    var points: [LinePoints]
    var isVoided: Bool

    /// How much of an open return fits here. A line of quantity zero, priced by its amount, goes back as a whole.
    func room(for open: Quantity) throws -> Quantity {
        if quantity.isZero { return returned.isZero ? open : .zero }
        let rest = try quantity.adding(returned.negated())
        return rest.isNegative ? .zero : min(open, rest)
    }

    /// Brings what was taken in line with what came back, and notes the difference under a line of the document.
    mutating func settle(as line: String, into changes: inout PointChanges) throws {
        changes.sales.insert(saleID)
        for index in points.indices {
            let old = points[index]
            points[index].taken = try target(old.granted, kept: old.kept)
            points[index].qualifyingTaken = try target(old.qualifying, kept: old.qualifyingKept)
            guard let holder else { continue }
            try changes.add(
                old.taken.subtracting(points[index].taken),
                qualifying: old.qualifyingTaken.subtracting(points[index].qualifyingTaken),
                old.currency, line, holder, origin: saleID)
        }
    }

    private func target(_ granted: Points, kept: Points?) throws -> Points {
        if isVoided { return granted }
        let open = try kept.map { try granted.subtracting($0) } ?? granted
        return try Clawback.points(
            granted: open, quantity: quantity, returnedBefore: .zero, takenBefore: .zero(decimals: granted.decimals),
            returning: returned)
    }
}

extension StoredLine {
    /// Reads lines in the order of a condition on `sale_line` and `sale`.
    static func fetch(
        _ database: Database, where condition: String, _ arguments: StatementArguments
    ) throws -> [StoredLine] {
        try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT sale_line.*, sale.member_id, sale.card_token, sale.state FROM sale_line
                    JOIN sale ON sale.id = sale_line.sale_id WHERE \(condition)
                    """), arguments: arguments
        ).map { row in
            StoredLine(
                saleID: row["sale_id"], id: row["line_id"], code: row["code"], holder: Holder(row),
                quantity: try Quantity(row["quantity"] as String), returned: try Quantity(row["returned"] as String),
                points: try JSONDecoder().decode([LinePoints].self, from: row["points"] as Data),
                isVoided: row["state"] == "voided")
        }
    }

    func store(_ database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO sale_line (sale_id, line_id, member_key, code, quantity, returned, points)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (sale_id, line_id) DO UPDATE SET member_key = excluded.member_key, code = excluded.code,
                    quantity = excluded.quantity, returned = excluded.returned, points = excluded.points
                """
        ).execute(arguments: [
            saleID, id, holder?.key ?? "", code, quantity.description, returned.description,
            points.isEmpty ? "[]" : String(decoding: try JSONEncoder().encode(points), as: UTF8.self),
        ])
    }
}

/// What a document changes for each holder, netted by currency and line.
struct PointChanges {
    struct Change {
        var accruals: [Accrual] = []
        var trace: [TraceStep] = []
        /// What returned goods change, by the sale that gave the points and their currency.
        var origins: [Int64: [String: Points]] = [:]
    }

    private var changes: [Holder: Change] = [:]
    /// Sales of which goods came back, or came back no more.
    var sales: Set<Int64> = []

    /// - Parameter origin: the sale whose goods came back, or came back no more; nil for what a sale gives.
    /// - Throws: `number.overflow`.
    mutating func add(
        _ points: Points, qualifying: Points, _ currency: String, _ line: String, _ holder: Holder,
        origin: Int64? = nil
    ) throws(LoyaltyError) {
        guard !points.isZero || !qualifying.isZero else { return }
        if let origin {
            let known = changes[holder]?.origins[origin]?[currency] ?? .zero(decimals: points.decimals)
            changes[holder, default: Change()].origins[origin, default: [:]][currency] = try known.adding(points)
        }
        var accruals = changes[holder]?.accruals ?? []
        let zero = Points.zero(decimals: points.decimals)
        let index =
            accruals.firstIndex { $0.currency == currency }
            ?? {
                accruals.append(Accrual(currency: currency, total: zero, qualifying: zero, lines: []))
                return accruals.count - 1
            }()
        accruals[index].total = try accruals[index].total.adding(points)
        accruals[index].qualifying = try accruals[index].qualifying.adding(qualifying)
        if let share = accruals[index].lines.lastIndex(where: { $0.line == line }) {
            accruals[index].lines[share].points = try accruals[index].lines[share].points.adding(points)
        } else {
            accruals[index].lines.append(Accrual.LineShare(line: line, points: points))
        }
        changes[holder, default: Change()].accruals = accruals
    }

    /// Looks at a holder even if none of his lines changed.
    mutating func touch(_ holder: Holder) { changes[holder, default: Change()].trace += [] }

    mutating func note(_ step: TraceStep, _ holder: Holder) { changes[holder, default: Change()].trace.append(step) }

    /// What is left after netting, in a fixed order; some of it may come to nothing.
    func settled() -> [(holder: Holder, change: Change)] {
        changes.sorted { $0.key.key < $1.key.key }.map { ($0.key, Self.netted($0.value)) }
    }

    /// What is left for one holder.
    func settled(for holder: Holder) -> Change { changes[holder].map(Self.netted) ?? Change() }

    private static func netted(_ change: Change) -> Change {
        var change = change
        for index in change.accruals.indices { change.accruals[index].lines.removeAll { $0.points.isZero } }
        change.accruals.removeAll { $0.total.isZero && $0.qualifying.isZero && $0.lines.isEmpty }
        return change
    }
}
