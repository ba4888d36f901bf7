public import LoyaltyModel

/// One change of a balance. The points of all movements of a member sum to the balance: what is left in lots, less what
/// is owed.
public struct LotMovement: Hashable, Sendable, Codable {
    public enum Reason: String, Hashable, Sendable, Codable, CaseIterable {
        case earned, spent, expired
        /// Taken back for returned goods.
        case returned
        /// Spent points that came back.
        case restored
        /// Taken back, but they had ended unspent: changes nothing.
        case lapsed
        /// To be taken back, but there was nothing left: changes nothing.
        case forgiven
        /// New points that paid what was owed: changes nothing.
        case repaid
    }

    public var reason: Reason
    public var currency: String
    /// nil for what is owed.
    public var lot: String?
    /// The size that was moved, zero or more.
    public var size: Points
    /// The change of the balance.
    public var points: Points

    init(_ reason: Reason, _ currency: String, _ lot: String?, size: Points, sign: Int) throws(LoyaltyError) {
        self.reason = reason
        self.currency = currency
        self.lot = lot
        self.size = size
        points = sign == 0 ? .zero(decimals: size.decimals) : sign < 0 ? try size.negated() : size
    }
}

/// What a member has of one currency on a day.
public struct PointsBalance: Hashable, Sendable {
    public struct Ending: Hashable, Sendable {
        /// The last day on which they can be spent.
        public var day: CalendarDate
        public var points: Points
    }

    /// Can be spent. Below zero where more was taken than there was and the program lets it.
    public var available: Points
    public var pending: Points
    /// Owed, where the program keeps debts apart.
    public var owed: Points
    /// What ends when, the next first.
    public var endings: [Ending]
}

extension MemberState {
    /// - Throws: `number.overflow`.
    public func balance(
        of currency: String, decimals: Int, on day: CalendarDate, floor: ReturnsPolicy.Floor
    ) throws(LoyaltyError) -> PointsBalance {
        let zero = Points.zero(decimals: decimals)
        var balance = PointsBalance(available: zero, pending: zero, owed: zero, endings: [])
        var endings: [CalendarDate: Points] = [:]
        for lot in lots where lot.currency == currency && !lot.hasExpired(on: day, activity: lastActivity) {
            if let last = lot.lastDay(activity: lastActivity), !lot.remaining.isZero {
                endings[last] = try (endings[last] ?? zero).adding(lot.remaining)
            }
            if lot.isPending(on: day) {
                balance.pending = try balance.pending.adding(lot.remaining)
            } else {
                balance.available = try balance.available.adding(lot.remaining)
            }
        }
        let owed = self.owed[currency] ?? zero
        if floor == .debt { balance.owed = owed } else { balance.available = try balance.available.subtracting(owed) }
        balance.endings = endings.sorted { $0.key < $1.key }.map { .init(day: $0.key, points: $0.value) }
        return balance
    }

    /// Books lots that have ended. - Throws: `number.overflow`.
    public mutating func expire(on day: CalendarDate) throws(LoyaltyError) -> [LotMovement] {
        var movements: [LotMovement] = []
        for index in lots.indices
        where !lots[index].remaining.isZero && lots[index].hasExpired(on: day, activity: lastActivity) {
            let rest = lots[index].remaining
            lots[index].lapsed = try lots[index].lapsed.adding(rest)
            lots[index].remaining = .zero(decimals: rest.decimals)
            movements.append(try LotMovement(.expired, lots[index].currency, lots[index].id, size: rest, sign: -1))
        }
        return movements
    }

    mutating func owe(_ points: Points, _ currency: String) throws(LoyaltyError) {
        guard !points.isZero else { return }
        let sum = try (owed[currency] ?? .zero(decimals: points.decimals)).adding(points)
        owed[currency] = sum.isZero ? nil : sum
    }

    /// Moves points into or out of a lot.
    mutating func move(_ index: Int, _ points: Points) throws(LoyaltyError) {
        lots[index].remaining = try lots[index].remaining.adding(points)
    }
}
