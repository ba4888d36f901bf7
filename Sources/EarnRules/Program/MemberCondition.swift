import LoyaltyModel

/// Key `member` of a rule or reward.
struct MemberCondition: Sendable {
    /// Days before and after the birthday.
    struct Birthday: Hashable, Sendable {
        var before: Int
        var after: Int
    }

    /// The n-th visit of a period, or every n-th. The sale itself counts.
    struct NthVisit: Hashable, Sendable {
        var number: Int64
        var per: Period
        var every: Bool
    }

    /// So many visits before this one.
    struct VisitCount: Hashable, Sendable {
        var number: Int64
        var per: Period
    }

    /// The value of a declared counter, without the sale itself.
    struct CounterRange: Hashable, Sendable {
        var counter: String
        var atLeast: DecimalNumber?
        var below: DecimalNumber?
    }

    var tiers: Set<String>?
    var excludedTiers: Set<String> = []
    var segments: Set<String>?
    var excludedSegments: Set<String>?
    var entitlements: Set<String>?
    var excludedEntitlements: Set<String> = []
    var birthdayMonth = false
    var birthday: Birthday?
    /// Partners whose number the member has given; any of them does.
    var linked: Set<String>?
    var nthVisit: NthVisit?
    var visitsAtLeast: VisitCount?
    var counter: CounterRange?
    var joinedWithin: CalendarSpan?
    /// Whether somebody recruited the member.
    var isReferred: Bool?
    /// A member must be known.
    var isKnown = false

    /// Whether the rule can hold where no member is known: a card that nobody knows is not known to be an employee's.
    var asksForMember: Bool {
        tiers != nil || segments != nil || entitlements != nil || birthdayMonth || birthday != nil || linked != nil
            || nthVisit != nil || visitsAtLeast != nil || counter != nil || joinedWithin != nil || isReferred == true
            || isKnown
    }
}
