internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// The points of one holder, read and written inside the writer's transaction: lots, what is owed, and how much of it the
/// back end told. The sum of all entries and of `opening` is the balance.
struct Account {
    /// The id of the lot that holds what the member file says and no sale of this terminal explains.
    static let openingLot = "opening"

    let key: String
    /// Lots, what is owed and the last activity; the rest is as `MemberBooks` has it.
    var state: MemberState
    /// The balance of the member file that the lots contain, and its time.
    private(set) var toldBalance: Points?
    private(set) var toldAsOf: Timestamp?
    /// What the member file brought or took in all.
    private(set) var opening: Points?
    /// The last day after which all was booked that happens by itself.
    var settled: CalendarDate?
    private var due: CalendarDate?
    private var storedSettled: CalendarDate?
    private var isNew: Bool
    private var numbers: [String: Int64] = [:]
    private var storedLots: [String: Lot] = [:]
    private var storedActivity: CalendarDate?
    private var storedOwed: [String: Points] = [:]
    private var isTold = false

    /// - Parameter state: what else is kept of the holder.
    init(_ database: Database, key: String, state: MemberState) throws {
        self.key = key
        self.state = state
        let row = try Row.fetchOne(
            database.cachedStatement(sql: "SELECT * FROM account WHERE holder = ?"), arguments: [key])
        isNew = row == nil
        self.state.lots = []
        self.state.owed = [:]
        self.state.lastActivity = nil
        if let row {
            self.state.lastActivity = try (row["last_activity"] as String?).map { try CalendarDate($0) }
            self.state.owed = try JSONDecoder().decode([String: Points].self, from: row["owed"] as Data)
            toldBalance = try (row["told_balance"] as String?).map { try Points($0) }
            toldAsOf = (row["told_as_of"] as Int64?).map { Timestamp(microseconds: $0) }
            opening = try (row["opening"] as String?).map { try Points($0) }
            due = try (row["due"] as String?).map { try CalendarDate($0) }
            settled = try (row["settled"] as String?).map { try CalendarDate($0) }
            for (number, lot) in try Self.lots(database, key) {
                numbers[lot.id] = number
                storedLots[lot.id] = lot
                self.state.lots.append(lot)
            }
        }
        (storedActivity, storedOwed, storedSettled) = (self.state.lastActivity, self.state.owed, settled)
    }

    /// Lots in the order in which they were given.
    private static func lots(_ database: Database, _ key: String) throws -> [(Int64, Lot)] {
        let rows = try Row.fetchCursor(
            database.cachedStatement(sql: "SELECT \(Lot.columns) FROM lot WHERE holder = ? ORDER BY number"),
            arguments: [key])
        // Few members have lots of more than one span.
        var spans: [String: CalendarSpan] = [:]
        var lots: [(Int64, Lot)] = []
        while let row = try rows.next() { lots.append((row[0], try Lot(row, &spans))) }
        return lots
    }

    /// Writes what has changed, and when something ends next.
    mutating func store(_ database: Database, _ program: Program) throws {
        var next = (numbers.values.max() ?? 0) + 1
        for lot in state.lots where storedLots[lot.id] != lot {
            if let number = numbers[lot.id] {
                try lot.update(database, key, number)
            } else {
                try lot.insert(database, key, next)
                numbers[lot.id] = next
                next += 1
            }
            storedLots[lot.id] = lot
        }
        let due = program.nextDue(state, after: settled)
        // A day that passed without anything is worth a write only where the next thing depends on it.
        let isLater = settled != storedSettled && program.givesByItself
        guard
            isNew || isTold || isLater || due != self.due || storedActivity != state.lastActivity
                || storedOwed != state.owed
        else { return }
        if isNew, !isTold, due == nil, state.lastActivity == nil, state.owed.isEmpty, state.lots.isEmpty { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try database.cachedStatement(
            sql: """
                INSERT INTO account (holder, last_activity, owed, told_balance, told_as_of, opening, settled,
                    due)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET last_activity = excluded.last_activity, owed = excluded.owed,
                    told_balance = excluded.told_balance, told_as_of = excluded.told_as_of, opening = excluded.opening,
                    settled = excluded.settled, due = excluded.due
                """
        ).execute(arguments: [
            key, state.lastActivity?.description,
            state.owed.isEmpty ? "{}" : String(decoding: try encoder.encode(state.owed), as: UTF8.self),
            toldBalance?.description, toldAsOf?.microseconds, opening?.description, settled?.description,
            due?.description,
        ])
        (isNew, isTold, self.due) = (false, false, due)
        (storedActivity, storedOwed, storedSettled) = (state.lastActivity, state.owed, settled)
    }
}

/// The balance that the back end told.
extension Account {
    /// Takes up a balance of the member file that the lots do not contain yet: the lot `opening` gets what it has more than
    /// the lots, after all entries since its time. What it has less is taken off that lot, then off those that end first.
    ///
    /// - Returns: points that it has more, for `bring`.
    mutating func takeUp(
        _ member: Member?, _ database: Database, _ program: Program, on day: CalendarDate
    ) throws -> Points? {
        guard let member, let balance = member.balance else { return nil }
        // Without its time, a balance that was told before is no news.
        guard toldBalance != balance || member.balanceAsOf.map({ $0 != toldAsOf }) ?? false else { return nil }
        let currency = program.primaryCurrency
        let decimals = program.currencies[currency] ?? 0
        guard balance.decimals <= decimals || (try? balance.ratio.rounded(.floor, scale: decimals)) != nil else {
            return nil
        }
        var wanted = Points(units: try balance.ratio.rounded(.floor, scale: decimals), decimals: decimals)
        for points in try Self.pointsUnknownToBackEnd(of: member, database) { wanted = try wanted.adding(points) }
        var held = Points.zero(decimals: decimals)
        for lot in state.lots where lot.currency == currency { held = try held.adding(lot.remaining) }
        held = try held.subtracting(state.owed[currency] ?? .zero(decimals: decimals))
        let change = try wanted.subtracting(held)
        opening = try (opening ?? .zero(decimals: decimals)).adding(change)
        (toldBalance, toldAsOf, isTold) = (balance, member.balanceAsOf, true)
        guard change.units <= 0 else { return change }
        try bring(change, program, on: day)
        return nil
    }

    /// Changes the lots by what the member file has more or less.
    mutating func bring(_ change: Points, _ program: Program, on day: CalendarDate) throws {
        try state.adjust(
            by: change, of: program.primaryCurrency, lot: Self.openingLot, program: program.identity.hash, on: day)
    }
}

extension Account {
    /// What the back end cannot have counted in the balance that it told: entries that it has not got, or that were sent to it since. Where it does not say
    /// when that was, it is taken to know all that it got.
    static func pointsUnknownToBackEnd(of member: Member, _ database: Database) throws -> [Points] {
        try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT units, decimals FROM ledger_entry LEFT JOIN outbox ON outbox.entry_id = ledger_entry.id
                    WHERE member_id = ?1 AND (outbox.state <> 'sent'
                        OR ?2 IS NOT NULL AND (recorded_at > ?2 OR outbox.settled_at > ?2))
                    """), arguments: [member.id.value, member.balanceAsOf?.microseconds]
        ).map { Points(units: $0["units"], decimals: $0["decimals"]) }
    }
}

extension Lot {
    /// In the order in which `init` reads them: by name, looking for the columns took longer than all else.
    fileprivate static let columns = """
        number, id, currency, decimals, origin, issuer, program, granted, remaining, qualifying, lapsed, earned, pending_until,
        expires, inactive
        """

    fileprivate init(_ row: Row, _ spans: inout [String: CalendarSpan]) throws {
        let decimals: Int = row[3]
        func points(_ column: Int) -> Points { Points(units: row[column], decimals: decimals) }
        func day(_ column: Int) throws -> CalendarDate? { try (row[column] as String?).map { try CalendarDate($0) } }
        let inactive = try (row[14] as String?).map { text in
            if let span = spans[text] { return span }
            let span = try JSONDecoder().decode(CalendarSpan.self, from: Data(text.utf8))
            spans[text] = span
            return span
        }
        self.init(
            id: row[1], currency: row[2], origin: row[4], issuer: row[5], program: row[6], granted: points(7),
            remaining: points(8), qualifying: points(9), earned: try CalendarDate(row[11] as String),
            pendingUntil: try day(12), expires: try day(13), inactive: inactive)
        lapsed = points(10)
    }

    fileprivate func insert(_ database: Database, _ holder: String, _ number: Int64) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO lot (holder, number, id, currency, decimals, origin, issuer, program, granted, remaining,
                    lapsed, qualifying, earned, pending_until, expires, inactive)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            holder, number, id, currency, granted.decimals, origin, issuer, program, granted.units, remaining.units,
            lapsed.units, qualifying.units, earned.description, pendingUntil?.description, expires?.description,
            try inactive.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) },
        ])
    }

    fileprivate func update(_ database: Database, _ holder: String, _ number: Int64) throws {
        try database.cachedStatement(
            sql: """
                UPDATE lot SET granted = ?, remaining = ?, lapsed = ?, qualifying = ? WHERE holder = ? AND number = ?
                """
        ).execute(arguments: [granted.units, remaining.units, lapsed.units, qualifying.units, holder, number])
    }
}
