public import LoyaltyModel

/// What one lane can see of cards that are used for somebody else's shopping: counted, flagged, never judged.
///
/// Pure: takes finished sales with their cards, gives the signs that each of them shows. Works on the business day, and on the
/// last thirty of them; `recall` brings back what a restart forgot. The signs are for the manager; the till hears of none.
public struct FraudSigns: Sendable {
    public enum Sign: String, Hashable, Sendable, CaseIterable {
        /// The card is used for the `cardUses`th time or more on one business day.
        case cardOften = "card_often"
        /// The same at `cardUsesMany`.
        case cardVeryOften = "card_very_often"
        /// The card was used on the same register a short while ago.
        case cardAgainSoon = "card_again_soon"
        /// Most sales of the card were rung up by one cashier.
        case oneCashier = "one_cashier"
        /// The cashier keys in many of the cards of the day.
        case keyedOften = "keyed_often"
        /// The cashier adds many of the cards of the day after payment has begun.
        case lateOften = "late_often"
        /// Payment had begun before the card was read.
        case afterTender = "after_tender"
        /// The card brought goods back several times.
        case returnsOften = "returns_often"
        /// The cashier's own card; it earned nothing.
        case ownSale = "own_sale"
    }

    /// Where a sign begins. Zero switches a sign off.
    public struct Limits: Hashable, Sendable {
        /// Uses of a card on one business day.
        public var cardUses = 4
        public var cardUsesMany = 8
        /// Between two sales with the same card on one register.
        public var again: Duration = .seconds(300)
        /// Percent of a card's sales in thirty days that are one cashier's, of at least `cashierSales`.
        public var cashierPercent = 60
        public var cashierSales = 10
        /// Percent of a cashier's cards of the day, of at least `dayCards`.
        public var keyedPercent = 50
        public var latePercent = 30
        public var dayCards = 10
        /// Returns of a card in thirty days.
        public var returns = 3

        public init() {}
    }

    /// A finished sale with a card.
    public struct Use: Hashable, Sendable {
        /// The member, or the token of a card that no member holds.
        public var card: String
        public var operatorID: String?
        public var register: String
        public var businessDay: CalendarDate
        /// When this machine got it.
        public var at: Timestamp
        public var isReturn: Bool
        /// Keyed in or looked up, not read.
        public var isKeyed: Bool
        /// Attached when payment had begun.
        public var isLate: Bool

        public init(
            card: String, operatorID: String?, register: String, businessDay: CalendarDate, at: Timestamp,
            isReturn: Bool = false, isKeyed: Bool = false, isLate: Bool = false
        ) {
            self.card = card
            self.operatorID = operatorID
            self.register = register
            self.businessDay = businessDay
            self.at = at
            self.isReturn = isReturn
            self.isKeyed = isKeyed
            self.isLate = isLate
        }
    }

    private struct CashierDay {
        var cards = 0
        var keyed = 0
        var late = 0
    }

    private static let span = Int64(30 * 86_400)
    /// Bounds of what is remembered; the oldest goes first.
    private static let mostUsesOfCard = 128
    private static let mostCards = 32_768
    private static let mostCashiers = 1024

    public var limits: Limits
    private var uses: [String: [Use]] = [:]
    private var day: CalendarDate?
    private var cashiers: [String: CashierDay] = [:]

    public init(limits: Limits = Limits()) { self.limits = limits }

    /// Takes up a sale of the past; looks for nothing in it.
    public mutating func recall(_ use: Use) { remember(use) }

    /// - Returns: the signs that this sale shows, in the order of their declaration.
    public mutating func note(_ use: Use) -> [Sign] {
        let last = uses[use.card]?.last { $0.register == use.register && !$0.isReturn }
        remember(use)
        let known = uses[use.card] ?? []
        var signs: Set<Sign> = []
        if use.isReturn {
            let returns = known.count { $0.isReturn && isRecent($0, at: use) }
            if reaches(returns, limits.returns) { signs.insert(.returnsOften) }
        } else {
            let today = known.count { $0.businessDay == use.businessDay && !$0.isReturn }
            if reaches(today, limits.cardUses) { signs.insert(.cardOften) }
            if reaches(today, limits.cardUsesMany) { signs.insert(.cardVeryOften) }
            if let last, isWithin(limits.again, last.at, use.at) { signs.insert(.cardAgainSoon) }
            if isOneCashier(known, use) { signs.insert(.oneCashier) }
        }
        if use.isLate { signs.insert(.afterTender) }
        signs.formUnion(cashierSigns(use))
        return Sign.allCases.filter(signs.contains)
    }

    private func reaches(_ count: Int, _ limit: Int) -> Bool { limit > 0 && count >= limit }

    private func isWithin(_ span: Duration, _ first: Timestamp, _ second: Timestamp) -> Bool {
        span > .zero && second.microseconds >= first.microseconds
            && first.adding(seconds: span.components.seconds) >= second
    }

    private func isRecent(_ use: Use, at last: Use) -> Bool { use.at.adding(seconds: Self.span) >= last.at }

    private func isOneCashier(_ known: [Use], _ use: Use) -> Bool {
        guard let cashier = use.operatorID, limits.cashierPercent > 0 else { return false }
        let sales = known.filter { !$0.isReturn && isRecent($0, at: use) }
        let own = sales.count { $0.operatorID == cashier }
        return sales.count >= limits.cashierSales && own * 100 > sales.count * limits.cashierPercent
    }

    private mutating func cashierSigns(_ use: Use) -> Set<Sign> {
        if day != use.businessDay {
            // Late documents of an earlier day do not begin it again.
            guard day.map({ use.businessDay > $0 }) ?? true else { return [] }
            (day, cashiers) = (use.businessDay, [:])
        }
        guard let cashier = use.operatorID, cashiers[cashier] != nil || cashiers.count < Self.mostCashiers else {
            return []
        }
        var figures = cashiers[cashier] ?? CashierDay()
        figures.cards += 1
        if use.isKeyed { figures.keyed += 1 }
        if use.isLate { figures.late += 1 }
        cashiers[cashier] = figures
        guard figures.cards >= limits.dayCards else { return [] }
        var signs: Set<Sign> = []
        if use.isKeyed, exceeds(figures.keyed, figures.cards, limits.keyedPercent) { signs.insert(.keyedOften) }
        if use.isLate, exceeds(figures.late, figures.cards, limits.latePercent) { signs.insert(.lateOften) }
        return signs
    }

    private func exceeds(_ part: Int, _ whole: Int, _ percent: Int) -> Bool {
        percent > 0 && part * 100 > whole * percent
    }

    private mutating func remember(_ use: Use) {
        var known = uses[use.card] ?? []
        known.removeAll { !isRecent($0, at: use) }
        known.append(use)
        uses[use.card] = known.suffix(Self.mostUsesOfCard)
        guard uses.count > Self.mostCards else { return }
        let oldest = uses.sorted { ($0.value.last?.at ?? use.at) < ($1.value.last?.at ?? use.at) }
        for (card, _) in oldest.prefix(Self.mostCards / 2) { uses[card] = nil }
    }
}
