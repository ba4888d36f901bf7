public import LoyaltyModel

/// Which card belongs to which sale, at one register: a state machine without I/O.
///
/// The rules are those of docs/till-protocol.md, "At the counter". Three things can never happen: a card moves to the next
/// customer's sale, a sale is committed with two cards, a card is taken from a basket that somebody else has open.
public struct Lane: Sendable {
    public struct Settings: Sendable, Hashable {
        /// How long a card that was scanned before the first item waits.
        public var heldCardLimit: Duration
        /// The same for a till that sends finished sales alone: it cannot say when a basket begins, so the card has to
        /// wait for the whole of it.
        public var heldCardLimitCompleteOnly: Duration
        /// How long after a sale without a card one may still be added to it; zero: never.
        public var lateScanLimit: Duration

        public init(
            heldCardLimit: Duration = .seconds(90), heldCardLimitCompleteOnly: Duration = .seconds(600),
            lateScanLimit: Duration = .seconds(60)
        ) {
            self.heldCardLimit = heldCardLimit
            self.heldCardLimitCompleteOnly = heldCardLimitCompleteOnly
            self.lateScanLimit = lateScanLimit
        }
    }

    /// A card, after the cache was asked about it.
    public struct Card: Sendable, Hashable {
        public enum Standing: Sendable, Hashable {
            case active
            /// The member's card was replaced by another; the member that took its place gets the points.
            case replaced
            /// In a valid range, but not in the cache.
            case unverified
            case blocked
        }

        /// The keyed token, which is what makes two cards the same.
        public var token: String
        public var member: MemberID?
        public var standing: Standing
        public var masked: String
        public var entry: CardEntry
        public var greeting: String?
        public var tier: String?

        public init(
            token: String, member: MemberID?, standing: Standing, masked: String, entry: CardEntry,
            greeting: String? = nil, tier: String? = nil
        ) {
            self.token = token
            self.member = member
            self.standing = standing
            self.masked = masked
            self.entry = entry
            self.greeting = greeting
            self.tier = tier
        }

        /// Two cards of one member are one customer.
        func isSameCustomer(as other: Card) -> Bool {
            token == other.token || (member != nil && member == other.member)
        }
    }

    /// What names a basket at this register: the till's unique id, else the transaction number.
    public enum SaleKey: Sendable, Hashable {
        case uid(String)
        case number(String)
    }

    /// One sale event, reduced to what matters here.
    public struct SaleStep: Sendable, Hashable {
        public var verb: TillEvent.SaleVerb
        public var key: SaleKey
        public var hasLines: Bool
        /// The document has tenders.
        public var isTendered: Bool
        /// Cards that the till itself read, none of them blocked.
        public var tillCards: [Card]
        /// The suspended basket that this one goes on with.
        public var resumes: SaleKey?

        public init(
            verb: TillEvent.SaleVerb, key: SaleKey, hasLines: Bool, isTendered: Bool = false, tillCards: [Card] = [],
            resumes: SaleKey? = nil
        ) {
            self.verb = verb
            self.key = key
            self.hasLines = hasLines
            self.isTendered = isTendered
            self.tillCards = tillCards
            self.resumes = resumes
        }
    }

    public enum Input: Sendable, Hashable {
        /// Scanned at the lane's reader, or presented by the till.
        case card(Card)
        case refused(CardScan.Refusal)
        /// The till took the card off the basket.
        case cardRemoved
        case sale(SaleStep)
        /// A completed sale is on the disk under this reference.
        case committed(reference: String, key: SaleKey, hadCard: Bool)
        case signedOff
    }

    public enum Action: Sendable, Hashable {
        case reply(Reply)
        /// Commit the sale of this step with this card. The others were shown and lost.
        case commit(Card?, others: [Card])
        /// Add the card to a sale that is stored already.
        case attachLate(Card, reference: String)
    }

    private struct Held: Sendable {
        var card: Card
        var since: MonotonicTime
    }

    private struct Basket: Sendable {
        var key: SaleKey
        var card: Card?
        var others: [Card] = []
        var isTendered = false
    }

    private struct Finished: Sendable {
        var key: SaleKey
        var reference: String?
        var hasCard: Bool
        var at: MonotonicTime
        /// Scanned while the commit was on its way.
        var lateCard: Card?
    }

    /// Baskets that are suspended for ever must not fill the memory.
    private static let mostSuspended = 64

    private let settings: Settings
    private var held: Held?
    private var basket: Basket?
    private var finished: Finished?
    private var suspended: [(key: SaleKey, card: Card)] = []
    /// The till has sent something else than finished sales.
    private var isLive = false

    public init(settings: Settings = Settings()) { self.settings = settings }

    public mutating func handle(_ input: Input, at now: MonotonicTime) -> [Action] {
        forgetHeldCard(at: now)
        switch input {
        case .refused(let refusal): return [.reply(.refused(refusal))]
        case .card(let card): return present(card, at: now)
        case .cardRemoved:
            held = nil
            if let card = basket?.card, basket?.isTendered == false {
                basket?.others.append(card)
                basket?.card = nil
            }
            return []
        case .sale(let step): return advance(step, at: now)
        case .committed(let reference, let key, let hadCard):
            return noteCommit(reference, key, hadCard)
        case .signedOff:
            (held, finished) = (nil, nil)
            return []
        }
    }

    private mutating func forgetHeldCard(at now: MonotonicTime) {
        let limit = isLive ? settings.heldCardLimit : settings.heldCardLimitCompleteOnly
        if let since = held?.since, now.since(since) > limit { held = nil }
    }

    // MARK: Cards

    private mutating func present(_ card: Card, at now: MonotonicTime) -> [Action] {
        guard card.standing != .blocked else { return [.reply(.refused(.blocked))] }
        if basket != nil { return [.reply(attach(card))] }
        if let late = addToFinished(card, at: now) { return late }
        if let held, held.card.isSameCustomer(as: card) {
            self.held?.since = now
            return [.reply(.unchanged(card))]
        }
        let result: Reply.Result = held == nil ? .held : .replaced
        held = Held(card: card, since: now)
        return [.reply(.taken(card, result))]
    }

    /// The last card wins before the tender, the first one after it.
    private mutating func attach(_ card: Card) -> Reply {
        guard var basket else { return .unchanged(card) }
        defer { self.basket = basket }
        guard let present = basket.card else {
            basket.card = card
            return .taken(card, .attached)
        }
        if present.isSameCustomer(as: card) { return .unchanged(present) }
        if basket.isTendered {
            basket.others.append(card)
            return .tooLate
        }
        basket.others.append(present)
        basket.card = card
        return .taken(card, .replaced)
    }

    /// A card after the end of a sale that had none. Only at a till that says when a sale begins: at another one this
    /// could be the next customer's card already.
    private mutating func addToFinished(_ card: Card, at now: MonotonicTime) -> [Action]? {
        guard isLive, let sale = finished, !sale.hasCard, now.since(sale.at) <= settings.lateScanLimit,
            settings.lateScanLimit > .zero
        else { return nil }
        finished?.hasCard = true
        guard let reference = sale.reference else {
            finished?.lateCard = card
            return [.reply(.taken(card, .addedToLastSale))]
        }
        return [.reply(.taken(card, .addedToLastSale)), .attachLate(card, reference: reference)]
    }

    private mutating func noteCommit(_ reference: String, _ key: SaleKey, _ hadCard: Bool) -> [Action] {
        guard finished?.key == key else { return [] }
        finished?.reference = reference
        guard let card = finished?.lateCard, !hadCard else { return [] }
        finished?.lateCard = nil
        return [.attachLate(card, reference: reference)]
    }

    // MARK: Sales

    private mutating func advance(_ step: SaleStep, at now: MonotonicTime) -> [Action] {
        switch step.verb {
        case .open, .update, .tender, .resume:
            isLive = true
            begin(step)
            let replies = step.tillCards.map { Action.reply(attach($0)) }
            if step.isTendered || step.verb == .tender { basket?.isTendered = true }
            return replies
        case .suspend:
            isLive = true
            suspend(step)
            return []
        case .cancel:
            isLive = true
            if basket?.key == step.key { basket = nil }
            suspended.removeAll { $0.key == step.key }
            held = nil
            return []
        case .complete, .return: return complete(step, at: now)
        case .void: return []
        }
    }

    /// Opens the basket of a step, if it is not open: with the card that was suspended with it, and the one that waits.
    private mutating func begin(_ step: SaleStep) {
        guard basket?.key != step.key else { return }
        // An open basket that the till speaks of no more is gone, and its card with it.
        finished = nil
        basket = Basket(key: step.key)
        if let card = takeSuspended(step) { _ = attach(card) }
        if let card = held?.card { _ = attach(card) }
        held = nil
    }

    private mutating func takeSuspended(_ step: SaleStep) -> Card? {
        guard let index = suspended.lastIndex(where: { $0.key == step.key || $0.key == step.resumes }) else { return nil }
        return suspended.remove(at: index).card
    }

    private mutating func suspend(_ step: SaleStep) {
        begin(step)
        for card in step.tillCards { _ = attach(card) }
        if let card = basket?.card {
            suspended.removeAll { $0.key == step.key }
            if suspended.count >= Self.mostSuspended { suspended.removeFirst() }
            suspended.append((step.key, card))
        }
        basket = nil
    }

    private mutating func complete(_ step: SaleStep, at now: MonotonicTime) -> [Action] {
        if let basket, basket.key != step.key {
            // Another basket is open: its card, and the one that waits, are not this sale's.
            let card = takeSuspended(step) ?? step.tillCards.last
            return [.commit(step.hasLines ? card : nil, others: [])]
        }
        begin(step)
        var card = basket?.card
        var others = basket?.others ?? []
        for tillCard in step.tillCards {
            if let present = card {
                if !present.isSameCustomer(as: tillCard) { others.append(tillCard) }
            } else {
                card = tillCard
            }
        }
        if !step.hasLines { card = nil }
        basket = nil
        finished = Finished(key: step.key, reference: nil, hasCard: card != nil || !step.hasLines, at: now)
        return [.commit(card, others: others)]
    }
}
