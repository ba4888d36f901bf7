import LoyaltyModel

/// What a line of a sale is to a program. Words of `match.class` and `exclude.class`.
enum LineClass: String, Hashable, Sendable, CaseIterable {
    case goods, fuel, service, other, deposit, fee, donation, shipping
    case giftCardSale = "gift_card_sale"
    case topUp = "top_up"
    case reward, coupon, rounding, tip

    /// Nothing was sold by such a line, so that no program can let it earn.
    var neverEarns: Bool {
        switch self {
        case .reward, .coupon, .rounding, .tip: true
        default: false
        }
    }

    /// Basket discounts and coupons are shared over such lines.
    var isMerchandise: Bool {
        switch self {
        case .goods, .fuel, .service, .other: true
        default: false
        }
    }

    /// Excluded by every rule that does not say otherwise with `exclude.class`.
    static let excludedByDefault: Set<LineClass> = [
        .giftCardSale, .topUp, .deposit, .fee, .donation, .shipping, .other,
    ]

    init(_ kind: SaleLine.Kind) {
        switch kind {
        case .item, .weighted: self = .goods
        case .fuel: self = .fuel
        case .service: self = .service
        case .deposit, .depositReturn: self = .deposit
        case .giftCard: self = .giftCardSale
        case .fee: self = .fee
        case .donation: self = .donation
        case .coupon: self = .coupon
        case .reward: self = .reward
        case .rounding: self = .rounding
        case .tip: self = .tip
        case .other: self = .other
        }
    }
}

/// Which money counts. Key `basis` of a program, a rule or a threshold.
struct Basis: Hashable, Sendable {
    enum Tax: String, Hashable, Sendable, CaseIterable {
        /// Line amounts as the till writes them.
        case asPriced = "as_priced"
        case include, exclude
    }

    enum Price: String, Hashable, Sendable, CaseIterable {
        /// After the reduction.
        case net
        /// As if there had been no reduction.
        case gross
    }

    enum Origin: String, Hashable, Sendable, CaseIterable {
        /// What the customer pays.
        case paid
        /// The list price of the product times its quantity, where the till sends it.
        case list
    }

    var tax = Tax.asPriced
    /// Discounts of lines and basket, rewards.
    var discounts = Price.net
    var coupons = Price.net
    var price = Origin.paid
}

/// How exact points become points that can be booked. Key `rounding` of a program.
struct Rounding: Hashable, Sendable {
    enum Mode: String, Sendable, CaseIterable {
        case floor, ceil, none
        case halfUp = "half_up"
        case halfEven = "half_even"
        case halfDown = "half_down"

        /// `none` keeps what the currency's decimals can hold; what is beyond them is dropped.
        var arithmetic: RoundingMode {
            switch self {
            case .floor, .none: .floor
            case .ceil: .ceiling
            case .halfUp: .halfUp
            case .halfEven: .halfEven
            case .halfDown: .halfDown
            }
        }

        var words: String {
            switch self {
            case .floor: "rounded down"
            case .ceil: "rounded up"
            case .none: "not rounded"
            case .halfUp: "rounded, half up"
            case .halfEven: "rounded, half to even"
            case .halfDown: "rounded, half down"
            }
        }
    }

    /// What is rounded by itself and then added up; each rule is rounded by itself except for `basket`.
    enum Scope: String, Sendable, CaseIterable {
        case unit, line, rule, basket

        var words: String {
            switch self {
            case .unit: "for each unit"
            case .line: "for each line"
            case .rule: "for each rule"
            case .basket: "once for the basket"
            }
        }
    }

    enum Moment: String, Sendable, CaseIterable {
        case before = "before_multipliers"
        case after = "after_multipliers"
    }

    enum Step: String, Sendable, CaseIterable {
        /// Every minor unit counts.
        case linear
        /// Only whole `per` amounts count.
        case whole
    }

    var mode = Mode.floor
    var scope = Scope.basket
    var moment = Moment.after
    var step = Step.linear
}

/// How the factor of a multiplier joins those of others on one line. Key `combine`.
enum Combine: String, Sendable, CaseIterable {
    /// The parts above one are added: 2 and 3 give 4.
    case addBonus = "add_bonus"
    /// 2 and 3 give 6.
    case multiply
    /// The multiplier stands against all others joined; the higher counts.
    case bestOf = "best_of"
}

/// Which rules of one group may count together. Key `stack`.
struct Stack: Hashable, Sendable {
    enum Mode: String, Sendable, CaseIterable {
        case add
        /// The one that gives the customer most; the earlier rule of two equal ones.
        case bestOf = "best_of"
        /// The one with the highest priority.
        case exclusive
    }

    var group: String
    var mode: Mode
    var priority: Int64
}

/// What a return does to a bonus. Key `returns` of a rule.
public enum BonusReturns: String, Hashable, Sendable, Codable, CaseIterable {
    case keep
    /// Goods that come back take their share along.
    case prorate
    /// It goes as a whole when what is left would not have reached the threshold.
    case revokeIfUnqualified = "revoke_if_unqualified"
}

/// How the last character of a foreign number is made. Key `number.check` of a partner.
public enum CheckDigitRule: String, Hashable, Sendable, CaseIterable {
    case none
    /// ISO/IEC 7812-1 annex B.
    case luhn
    /// GS1 General Specifications, weights 3 and 1 from the right.
    case gs1
    /// ISO 7064 MOD 11-2; the last may be X.
    case mod11 = "mod11_2"
    /// The number before the last digit, modulo 7; airline documents.
    case mod7
    /// ISO 7064 MOD 97-10, two check digits; letters count from A = 10.
    case mod97 = "mod97_10"
}
