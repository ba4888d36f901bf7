public import LoyaltyModel

/// What points are good for. Array `reward`.
public struct RewardDeclaration: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case money, percent, item, donation
    }

    /// One price of a table that is not linear: so many points, so much money.
    public struct Step: Sendable, Hashable {
        public let points: Points
        public let money: DecimalNumber
    }

    /// When it is given by itself.
    public enum Issue: String, Sendable, CaseIterable {
        case onRequest = "on_request"
        /// As soon as the balance reaches the price.
        case atOnce = "at_once"
        case monthEnd = "month_end"
        case quarterEnd = "quarter_end"
        case yearEnd = "year_end"
        case membershipYearEnd = "membership_year_end"
        /// Only by a stamp card.
        case byStamps = "by_stamps"
    }

    /// What the basket must allow.
    struct Limits: Sendable {
        var atLeast: DecimalNumber?
        /// So much must be left to pay.
        var leave: DecimalNumber?
        /// The most of the basket that may be paid so, in percent.
        var share: DecimalNumber?
        var match: LineFilter?
        var exclude: LineFilter
    }

    public let id: String
    public let text: String?
    public let kind: Kind
    public let currency: String
    /// The price of one step, or the steps of the table.
    public let steps: [Step]
    /// False where only the steps of a table can be had; true where one step can be had several times.
    public let isLinear: Bool
    /// For kind `percent`.
    public let percent: DecimalNumber?
    /// For kind `item`.
    public let item: String?
    /// The balance from which it is offered.
    public let threshold: Points?
    /// Of points in one sale.
    public let minimum: Points?
    public let maximum: Points?
    public let issue: Issue
    /// Of what was issued.
    public let expiry: Expiry?
    let limits: Limits
    let member: MemberCondition?
    let window: Window?
    let places: PlaceCondition
    let caps: [Cap]
}

/// How points are spent. Table `redemption`.
public struct RedemptionTerms: Sendable {
    public enum Order: String, Sendable, CaseIterable {
        case earliestExpiry = "earliest_expiry"
        case oldest
    }

    public enum EarningSale: String, Sendable, CaseIterable { case allowed, blocked }

    public var order = Order.earliestExpiry
    /// How far the local balance may fall below zero, by currency.
    public var overdraw: [String: Points] = [:]
    /// Whether a sale in which points are spent earns.
    public var earning = EarningSale.allowed

    public init() {}
}
