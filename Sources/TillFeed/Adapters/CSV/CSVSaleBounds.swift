import LoyaltyModel

/// Tells where, among rows with one number, register and store that stand behind one another, another sale begins: numbers come again on
/// another day, and with another cashier.
struct CSVSaleBounds {
    /// What a row says of its sale. What is empty or cannot be read says nothing.
    struct Row {
        var businessDay: CalendarDate?
        var time: Timestamp?
        var operatorID: String?
        var member: String?
        var total: DecimalNumber?
        /// There is a time, in writing that means nothing.
        var hasUnreadableTime = false
    }

    /// Numbers begin again overnight; a sale that goes on past midnight has no such gap.
    private static let longestGap = 6 * 3600 * 1_000_000 as UInt64
    /// Operators that are told apart in one sale.
    private static let maximumOperators = 64

    /// What the rows of the sale have said so far: of all but the time, the first that said anything.
    private var said = Row()
    private var operators: Set<String> = []

    /// Whether the row is none of the sale of the rows that have been added.
    func isOfAnotherSale(_ row: Row) -> Bool { isOfAnotherDay(row) || isOfAnotherOperator(row) }

    private func isOfAnotherDay(_ row: Row) -> Bool {
        if let known = said.businessDay, let other = row.businessDay { return other != known }
        guard let known = said.time, let other = row.time, other.date != known.date else { return false }
        let (gap, overflow) = other.microseconds.subtractingReportingOverflow(known.microseconds)
        return overflow || gap.magnitude > Self.longestGap
    }

    /// Shops name whoever sold each single line. Rows of one time are one sale, then, unless they name two members or two totals as well.
    private func isOfAnotherOperator(_ row: Row) -> Bool {
        guard let other = row.operatorID, !operators.isEmpty, operators.count < Self.maximumOperators,
            !operators.contains(other)
        else { return false }
        if row.hasUnreadableTime { return true }
        if let known = said.time, let time = row.time, time != known { return true }
        if let known = said.member, let member = row.member, member != known { return true }
        if let known = said.total, let total = row.total, total != known { return true }
        return false
    }

    mutating func add(_ row: Row) {
        said.businessDay = said.businessDay ?? row.businessDay
        said.time = row.time ?? said.time
        said.member = said.member ?? row.member
        said.total = said.total ?? row.total
        if let operatorID = row.operatorID, operators.count < Self.maximumOperators { operators.insert(operatorID) }
    }
}
