import LoyaltyModel

/// One `[[earn]]` table of a program. Never changes, and is one object for all that hold it: a basket passes every rule of
/// a program through several steps, and a copy of so many keys would cost more than the evaluation.
public final class Rule: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case rate, multiplier, bonus
        /// Given when a period ends, as a percentage of what was earned in it.
        case periodBonus = "period_bonus"
    }

    struct Rate: Sendable {
        enum Measure: Sendable {
            /// For each so much money, in major units.
            case amount(DecimalNumber)
            /// For each so many units of lines in this unit of measure; nil for any.
            case units(DecimalNumber, unit: String?)
            case visit
        }

        var points: DecimalNumber
        var measure: Measure
        var step: Rounding.Step
    }

    struct Bonus: Sendable {
        var points: Points
        var returns: BonusReturns
        /// Given for each time that the threshold is reached.
        var repeats: Bool
    }

    enum Effect: Sendable {
        case rate(Rate)
        case multiplier(factor: DecimalNumber, combine: Combine)
        case bonus(Bonus)
        case periodBonus(percent: DecimalNumber, per: Period)
    }

    /// The name of the event that is a sale.
    static let saleEvent = "sale"

    public let id: String
    /// `sale`, or the name of an action or partner event.
    public let event: String
    /// The points currency it gives or multiplies.
    public let currency: String
    public let recipient: Recipient
    /// What the rule says about the points' life; nil where the currency decides.
    public let lots: LotTerms?
    /// Whether its points count towards a tier.
    public let isQualifying: Bool
    /// For the receipt.
    public let text: String?

    let effect: Effect
    let match: LineFilter?
    let exclude: LineFilter
    let tenders: TenderCondition
    let basis: Basis
    let threshold: Threshold?
    let member: MemberCondition?
    let memberDay: String?
    let window: Window?
    let places: PlaceCondition
    let stack: Stack?
    let caps: [Cap]

    init(
        id: String, event: String, currency: String, recipient: Recipient, lots: LotTerms?, isQualifying: Bool,
        text: String?, effect: Effect, match: LineFilter?, exclude: LineFilter, tenders: TenderCondition, basis: Basis,
        threshold: Threshold?, member: MemberCondition?, memberDay: String?, window: Window?, places: PlaceCondition,
        stack: Stack?, caps: [Cap]
    ) {
        self.id = id
        self.event = event
        self.currency = currency
        self.recipient = recipient
        self.lots = lots
        self.isQualifying = isQualifying
        self.text = text
        self.effect = effect
        self.match = match
        self.exclude = exclude
        self.tenders = tenders
        self.basis = basis
        self.threshold = threshold
        self.member = member
        self.memberDay = memberDay
        self.window = window
        self.places = places
        self.stack = stack
        self.caps = caps
    }

    public var kind: Kind {
        switch effect {
        case .rate: .rate
        case .multiplier: .multiplier
        case .bonus: .bonus
        case .periodBonus: .periodBonus
        }
    }
}

/// Key `when` of a rule: what the sale must be.
struct Threshold: Sendable {
    enum Scope: String, Sendable, CaseIterable {
        /// The lines that the rule counts.
        case matched
        /// All lines that can earn.
        case basket
    }

    var amountAtLeast: DecimalNumber?
    var amountBelow: DecimalNumber?
    var unitsAtLeast: DecimalNumber?
    var basis: Basis
    var of = Scope.matched
    /// Whether points or rewards are spent in the sale; nil for both.
    var redeeming: Bool?
}

/// Keys `tender` and `exclude_tender`: which means of payment count.
struct TenderCondition: Hashable, Sendable {
    enum Mixed: String, Hashable, Sendable, CaseIterable {
        /// The part paid so counts.
        case prorate
        /// All counts as soon as a part was paid so.
        case any
        /// All counts, if all was paid so.
        case whole
    }

    var only: Set<Tender.Kind>?
    var named: Set<String>?
    var excluded: Set<Tender.Kind> = []
    var excludedNames: Set<String> = []
    var mixed = Mixed.prorate

    var isEmpty: Bool { self == TenderCondition() }

    func counts(_ tender: Tender) -> Bool {
        if excluded.contains(tender.kind) || tender.name.map(excludedNames.contains) ?? false { return false }
        guard only != nil || named != nil else { return true }
        return only?.contains(tender.kind) ?? false || tender.name.map { named?.contains($0) ?? false } ?? false
    }

    var words: String {
        if only == nil, named == nil {
            return (excluded.map(\.rawValue) + excludedNames).sorted().joined(separator: " or ")
        }
        let wanted = (only ?? []).map(\.rawValue) + (named ?? [])
        return "anything but " + wanted.sorted().joined(separator: " or ")
    }
}

/// Keys `store`, `exclude_store`, `register`, `channel`.
struct PlaceCondition: Sendable {
    var stores: Set<String>?
    var excludedStores: Set<String> = []
    var registers: Set<String>?
    var channels: Set<String>?

    var isEmpty: Bool { stores == nil && excludedStores.isEmpty && registers == nil && channels == nil }

    func mismatch(store: String, register: String?, channel: String?) -> String? {
        if let stores, !stores.contains(store) { return "it does not run in store \(store)" }
        if excludedStores.contains(store) { return "it does not run in store \(store)" }
        if let registers, !(register.map(registers.contains) ?? false) {
            return "it is for register \(registers.sorted().joined(separator: " or "))"
        }
        if let channels, !(channel.map(channels.contains) ?? false) {
            return
                "it is for \(channels.sorted().joined(separator: " or ")); this sale came by \(channel ?? "an unnamed channel")"
        }
        return nil
    }
}
