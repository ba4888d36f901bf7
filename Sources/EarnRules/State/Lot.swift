public import LoyaltyModel

/// Points that were given together and end together.
public struct Lot: Hashable, Sendable, Codable {
    /// Unique for the member.
    public var id: String
    public var currency: String
    /// The sale or action that gave them.
    public var origin: String
    /// Whose points they are where several programs share a balance; nil for this program's.
    public var issuer: String?
    /// Hash of the program file that gave them.
    public var program: String
    public var granted: Points
    /// What was neither spent nor taken back.
    public var remaining: Points
    /// What ended unspent. A return of the goods takes it first, as the member has lost it already.
    public var lapsed: Points
    /// The part of `granted` that counts towards a tier.
    public var qualifying: Points
    public var earned: CalendarDate
    /// Cannot be spent before this day.
    public var pendingUntil: CalendarDate?
    /// The last day on which they can be spent, inactivity aside.
    public var expires: CalendarDate?
    /// Without activity for so long they end.
    public var inactive: CalendarSpan?

    public init(
        id: String, currency: String, origin: String, issuer: String? = nil, program: String, granted: Points,
        remaining: Points, qualifying: Points, earned: CalendarDate, pendingUntil: CalendarDate? = nil,
        expires: CalendarDate? = nil, inactive: CalendarSpan? = nil
    ) {
        self.id = id
        self.currency = currency
        self.origin = origin
        self.issuer = issuer
        self.program = program
        self.granted = granted
        self.remaining = remaining
        lapsed = .zero(decimals: granted.decimals)
        self.qualifying = qualifying
        self.earned = earned
        self.pendingUntil = pendingUntil
        self.expires = expires
        self.inactive = inactive
    }

    /// - Parameter activity: the member's last activity; the day of earning is one.
    public func lastDay(activity: CalendarDate?) -> CalendarDate? {
        let idle = inactive.map { $0.after(max(activity ?? earned, earned)) }
        guard let idle else { return expires }
        return min(expires ?? idle, idle)
    }

    public func isPending(on day: CalendarDate) -> Bool { pendingUntil.map { day < $0 } ?? false }

    public func hasExpired(on day: CalendarDate, activity: CalendarDate?) -> Bool {
        lastDay(activity: activity).map { $0 < day } ?? false
    }
}
