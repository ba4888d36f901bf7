public import LoyaltyModel

/// Which card belongs to which sale, at one register.
///
/// Pure: takes what happened and when, gives what to do. The rules are those of docs/till-protocol.md, "Cards at the counter"; the
/// one that outranks all others is that no card moves to the next customer's sale. Re-sent journals (`replay`) and
/// training never come here.
public struct Lane: Sendable {
    public var settings: Settings

    /// The basket on the screen.
    private var basket: Basket?
    /// Cards that wait for the next basket; none while a basket is open.
    private var held: WaitingCards?
    /// The only sale that the held card may go to, where the till has named one.
    private var heldFor: String?
    /// Baskets that were left and may come back.
    private var parked: [Baggage] = []
    /// Sales that are over, newest last.
    private var finished: [Finished] = []
    /// When the newest finished sale ended, while a card may still be added to it.
    private var lateSince: MonotonicTime?
    /// False while the till has sent nothing but finished sales.
    private var sendsLiveEvents = false
    /// The till finished its last basket under the number that it had shown for it. Others number only finished sales.
    private var numbersHold = false

    private static let maximumParked = 64
    private static let maximumFinished = 32

    private struct Basket {
        var key: SaleKey
        var cards: PresentedCards
        /// When the till last said something of it. A card may be of a customer who came behind it.
        var heardAt: MonotonicTime
        var isTendered = false
        /// The first card came when payment had begun.
        var isCardLate = false
    }

    private struct Finished {
        var key: SaleKey
        var closedAt: Timestamp?
        var cards: PresentedCards
        var lateCard: Card?
        /// Nil until the sale is on disk.
        var reference: String?

        /// By the till's own id; a number alone may be yesterday's, unless the closing time is the same as well.
        func isSale(of step: SaleStep) -> Bool {
            if let uid = step.key.uid, let ownUID = key.uid { return uid == ownUID }
            return key.names(step.key) && step.closedAt != nil && step.closedAt == closedAt
        }
    }

    public init(settings: Settings = Settings()) { self.settings = settings }

    /// The card on the basket that is open now.
    public var basketCard: Card? { basket?.cards.current }

    /// The card that a basket would have if it were shown now: the open one's, the one that waits for it, or the one it was left
    /// with; of a finished sale the one that it would be committed with. Changes nothing.
    ///
    /// - Parameter step: nil asks for the basket at the counter.
    public func card(for step: SaleStep?, at now: MonotonicTime) -> Card? {
        var trial = self
        trial.forgetOld(now)
        guard let step else { return trial.basket.map(\.cards.current) ?? trial.held?.current }
        for case .commit(let commit) in trial.take(step, now) { return commit.card }
        return trial.basketCard
    }

    /// The card on this basket, where it is the one that is open now.
    public func card(on key: SaleKey) -> Card? {
        guard let basket, basket.key.names(key) else { return nil }
        return basket.cards.current
    }

    /// Whether this is the basket that is open now.
    public func isOpen(_ key: SaleKey) -> Bool { basket?.key.names(key) == true }

    /// Whether the sale of this id is open here, or was put aside here.
    public func knows(uid: String) -> Bool { basket?.key.uid == uid || parked.contains { $0.key.uid == uid } }

    /// Whether the step goes on with a basket that was put aside here.
    public func hasParked(for step: SaleStep) -> Bool { parkedIndex(for: step) != nil }

    /// Whether it goes on with one that was suspended here, so that it may do so at another register.
    public func hasSuspended(for step: SaleStep) -> Bool {
        parkedIndex(for: step).map { parked[$0].isSuspended } ?? false
    }

    /// Gives up the basket that was suspended here and goes on at another register with this step.
    public mutating func surrender(to step: SaleStep) -> Baggage? {
        guard let index = parkedIndex(for: step), parked[index].isSuspended else { return nil }
        return parked.remove(at: index)
    }

    /// Takes over what another register gave up.
    public mutating func takeOver(_ baggage: Baggage) {
        if parked.count >= Self.maximumParked { parked.removeFirst() }
        parked.append(baggage)
    }

    /// - Parameter now: never earlier than in the call before.
    public mutating func handle(_ input: Input, at now: MonotonicTime) -> [Action] {
        forgetOld(now)
        switch input {
        case .card(let card): return present(card, now)
        case .cardOf(let card, let uid): return present(card, of: uid, now)
        case .refused(let refusal): return [.notice(.refused(refusal))]
        case .cardRemoved(let token): remove(token)
        case .sale(let step): return take(step, now)
        case .committed(let reference, let key, let hadCard): return commit(reference, key, hadCard)
        case .signoff:
            held = nil
            lateSince = nil
        }
        return []
    }

    private mutating func forgetOld(_ now: MonotonicTime) {
        parked.removeAll { now.since($0.since) > settings.suspendedLimit }
        let lateLimit = sendsLiveEvents ? settings.lateScanLimit : settings.lateScanLimitCompleteOnly
        if let lateSince, now.since(lateSince) > lateLimit { self.lateSince = nil }
        // For a till whose first live event is still to come the longer limit holds until then.
        let heldLimit = sendsLiveEvents ? settings.heldCardLimit : settings.heldCardLimitCompleteOnly
        if let since = held?.since, now.since(since) > heldLimit { held = nil }
    }
}

// Cards.
extension Lane {
    private mutating func present(_ card: Card, _ now: MonotonicTime) -> [Action] {
        switch card.standing {
        case .blocked: return [.notice(.refused(.blocked, card))]
        case .notKnown: return [.notice(.refused(.notALoyaltyCard, card))]
        case .active, .unverified, .replaced: break
        }
        if basket != nil {
            let notice = offer(card)
            if notice.result == .attached, basket?.isTendered == true { basket?.isCardLate = true }
            return [.notice(notice)]
        }
        guard lateSince != nil, let last = finished.indices.last else { return [.notice(hold(card, now))] }
        if let lateCard = finished[last].lateCard {
            return [.notice(lateCard.token == card.token ? .alreadyAttached(card) : hold(card, now))]
        }
        finished[last].lateCard = card
        let notice = Action.notice(.addedToLastSale(card))
        // Where the sale is still on its way to disk, its commit brings the action.
        guard let reference = finished[last].reference else { return [notice] }
        return [notice, .attachToFinished(reference: reference, card: card)]
    }

    /// The sale that the till names is the only one that the card may go to.
    private mutating func present(_ card: Card, of uid: String, _ now: MonotonicTime) -> [Action] {
        if let basket, (basket.key.uid ?? uid) == uid { return present(card, now) }
        if let index = parked.lastIndex(where: { $0.key.uid == uid }) {
            switch card.standing {
            case .blocked: return [.notice(.refused(.blocked, card))]
            case .notKnown: return [.notice(.refused(.notALoyaltyCard, card))]
            case .active, .unverified, .replaced: break
            }
            switch parked[index].cards.offer(card, isTendered: false) {
            case .attached: return [.notice(.accepted(.attached, card))]
            case .same, .firstKept: return [.notice(.alreadyAttached(card))]
            case .replaced: return [.notice(.replaced(by: card))]
            }
        }
        let isOver = finished.contains { $0.key.uid == uid }
        guard basket == nil, !isOver || lateSince != nil && finished.last?.key.uid == uid else {
            return [.notice(.saleNotOpen(card))]
        }
        // Of a sale whose first event is still to come; it cannot be the last one's.
        guard !isOver else { return present(card, now) }
        lateSince = nil
        if heldFor != uid { held = nil }
        let actions = present(card, now)
        heldFor = held == nil ? nil : uid
        return actions
    }

    private mutating func offer(_ card: Card, isTendered: Bool? = nil) -> Notice {
        guard let isTendered = isTendered ?? basket?.isTendered,
            let outcome = basket?.cards.offer(card, isTendered: isTendered)
        else { return .alreadyAttached(card) }
        switch outcome {
        case .attached: return .accepted(.attached, card)
        case .same: return .alreadyAttached(card)
        case .replaced: return .replaced(by: card)
        case .firstKept: return .firstKept(card)
        }
    }

    private mutating func hold(_ card: Card, _ now: MonotonicTime) -> Notice {
        heldFor = nil
        var waiting = held ?? WaitingCards()
        let outcome = waiting.offer(card, at: now)
        held = waiting
        switch outcome {
        case .attached: return .accepted(.held, card)
        case .same, .firstKept: return .alreadyAttached(card)
        case .replaced: return .replaced(by: card)
        }
    }

    private mutating func remove(_ token: String?) {
        if basket != nil {
            basket?.cards.remove(token: token)
        } else if token == nil || held?.current?.token == token {
            held = nil
        }
    }

    /// The cards that the till read itself, each one once, behind those that it took off.
    ///
    /// - Parameter isUnseen: the basket is this document alone. What it names then outranks a card that only waited, although
    ///   a tender stands beside it: nobody knows which came first.
    private mutating func offerTillCards(_ step: SaleStep, isUnseen: Bool = false) -> [Action] {
        for token in step.removedTokens { basket?.cards.removeFromTill(token: token) }
        var actions: [Action] = []
        var isFirst = isUnseen
        for card in step.tillCards where basket?.cards.isNewFromTill(card) == true {
            var notice: Notice
            switch card.standing {
            case .blocked: notice = .refused(.blocked, card)
            case .notKnown: notice = .refused(.notALoyaltyCard, card)
            case .active, .unverified, .replaced:
                notice = offer(card, isTendered: isFirst ? false : nil)
                isFirst = false
            }
            notice.isFromTill = true
            actions.append(.notice(notice))
        }
        return actions
    }
}

// Sales.
extension Lane {
    private mutating func take(_ step: SaleStep, _ now: MonotonicTime) -> [Action] {
        switch step.verb {
        case .open, .update, .tender, .resume:
            guard !step.isRepeat else { return [] }
            enter(step, now)
            let actions = offerTillCards(step)
            if step.isTendered || step.verb == .tender { basket?.isTendered = true }
            return actions
        case .suspend:
            guard !step.isRepeat else { return [] }
            enter(step, now)
            let actions = offerTillCards(step)
            leave(isSuspended: true, now)
            return actions
        case .complete, .return: return finish(step, now)
        case .cancel: cancel(step)
        case .void:
            if basket?.key.names(step.key) == true { basket = nil }
            lateSince = nil
        }
        return []
    }

    /// Makes the step's basket the open one.
    private mutating func enter(_ step: SaleStep, _ now: MonotonicTime, readUntil limit: MonotonicTime? = nil) {
        if step.verb.isLive, !sendsLiveEvents {
            sendsLiveEvents = true
            forgetOld(now)
        }
        if let key = basket?.key, key.names(step.key) {
            // A number alone that opens again is another basket: some tills number only finished sales, and show one and the same
            // before.
            if step.verb != .open || key.uid != nil || step.key.uid != nil {
                basket?.key.uid = key.uid ?? step.key.uid
                basket?.heardAt = now
                return
            }
        }
        if step.verb == .open, step.key.uid == nil, finished.contains(where: { $0.key.names(step.key) }) {
            numbersHold = false
        }
        leave(isSuspended: false, now)
        lateSince = nil
        if let earlier = step.key.uid.flatMap({ uid in finished.last { $0.key.uid == uid } }) {
            // A finished sale is opened again. The waiting card is the next customer's.
            basket = Basket(
                key: step.key, cards: PresentedCards(earlier.lateCard ?? earlier.cards.current), heardAt: now)
            return
        }
        var cards = comeBack(step) ?? PresentedCards()
        let isMeant = heldFor == nil || heldFor == step.key.uid
        // What the till meant for another sale goes on waiting for that one.
        if isMeant { for card in takeWaiting(readUntil: limit) { _ = cards.offer(card, isTendered: false) } }
        basket = Basket(key: step.key, cards: cards, heardAt: now)
    }

    private mutating func takeWaiting(readUntil limit: MonotonicTime?) -> [Card] {
        defer { if held?.isEmpty == true { held = nil } }
        return held?.take(readUntil: limit) ?? []
    }

    /// Until when a card was read that may be this sale's; nil where its document does not come late.
    private func readingLimit(_ step: SaleStep, _ now: MonotonicTime) -> MonotonicTime? {
        guard let ago = step.closedAgo, ago >= settings.closingTolerance else { return nil }
        return now.adding(settings.closingTolerance - ago)
    }

    /// Puts the open basket aside. Without `uid` only the till's own word makes it come back: numbers are used again.
    private mutating func leave(isSuspended: Bool, _ now: MonotonicTime) {
        guard let left = basket else { return }
        basket = nil
        // A suspended one is kept without a card as well, where the till may name it for one.
        guard left.key.uid != nil ? isSuspended || !left.cards.isEmpty : isSuspended && !left.cards.isEmpty else {
            return
        }
        parked.removeAll { $0.key.names(left.key) }
        if parked.count >= Self.maximumParked { parked.removeFirst() }
        parked.append(Baggage(key: left.key, cards: left.cards, isSuspended: isSuspended, since: now))
    }

    /// The cards of a basket that was put aside and now goes on.
    private mutating func comeBack(_ step: SaleStep) -> PresentedCards? {
        parkedIndex(for: step).map { parked.remove(at: $0).cards }
    }

    private func parkedIndex(for step: SaleStep) -> Int? {
        parked.lastIndex { parked in
            if let uid = step.key.uid, parked.key.uid == uid { return true }
            if let link = step.resumes, parked.key.names(link) { return true }
            return step.verb == .resume && parked.isSuspended && parked.key.names(step.key)
        }
    }

    private mutating func finish(_ step: SaleStep, _ now: MonotonicTime) -> [Action] {
        if let action = repeated(step) { return [action] }
        let limit = readingLimit(step, now)
        if !step.hasLines { _ = takeWaiting(readUntil: limit) }
        if let shown = basket?.key, shown.names(step.key), shown.number != nil {
            numbersHold = shown.number == step.key.number
        }
        let isUnseen = !isOpen(step.key) && !hasParked(for: step)
        // Of the sale that ended last at the counter, which this one is not where it comes late.
        let window = limit == nil ? nil : lateSince
        let shown = basketBehind(step, now)
        if shown != nil { basket = nil }
        enter(step, now, readUntil: limit)
        if step.isTendered { basket?.isTendered = true }
        var actions = offerTillCards(step, isUnseen: isUnseen)
        let cards = basket?.cards ?? PresentedCards()
        let key = basket?.key ?? step.key
        let isCardLate = basket?.isCardLate ?? false
        basket = shown
        // It may have been this sale's after all, where its time was the beginning of a long basket or the clock was set. A till that
        // shows its baskets would have brought it the card.
        if limit != nil, step.hasLines, cards.current == nil, !sendsLiveEvents, heldFor == nil { held = nil }
        if finished.count >= Self.maximumFinished { finished.removeFirst() }
        finished.insert(
            Finished(key: key, closedAt: step.closedAt, cards: cards),
            at: max(0, finished.count - (window == nil ? 0 : 1)))
        let mayGetCard =
            step.verb == .complete && step.hasLines && cards.current == nil && shown == nil && limit == nil
        lateSince = mayGetCard ? now : window
        actions.append(
            .commit(
                Commit(
                    key: step.key, card: cards.current, others: cards.others, isRepeat: false, isCardLate: isCardLate))
        )
        return actions
    }

    /// The basket on the screen, where the finished sale is another one whose document comes late: its customer stands there
    /// still. Not where it may be the same basket, numbered at its end, or one that the till has not spoken of for long: less long
    /// where the sale comes as they usually do.
    private mutating func basketBehind(_ step: SaleStep, _ now: MonotonicTime) -> Basket? {
        guard let basket, !basket.key.names(step.key), basket.key.uid != nil && step.key.uid != nil || numbersHold
        else { return nil }
        let isUsual = step.closedAgo.map { $0 < settings.closingTolerance } ?? false
        let limit = isUsual ? settings.heldCardLimit : settings.heldCardLimitCompleteOnly
        guard now.since(basket.heardAt) > limit else { return basket }
        // The till has gone over to sending finished sales alone, as far as anybody can tell.
        sendsLiveEvents = false
        return nil
    }

    /// The answer to a document that the lane, or the caller, has seen before: the card that was decided then. Nothing else
    /// changes, since the next customer may stand there already.
    private mutating func repeated(_ step: SaleStep) -> Action? {
        let index = finished.lastIndex { $0.isSale(of: step) || step.isRepeat && $0.key.names(step.key) }
        guard step.isRepeat || index != nil else { return nil }
        var open: PresentedCards?
        if let basket, basket.key.names(step.key) {
            _ = offerTillCards(step)
            open = self.basket?.cards
            self.basket = nil
            if let index, let open {
                finished[index].cards = open
                finished[index].lateCard = nil
            }
        }
        let earlier = index.map { finished[$0] }
        let card = earlier?.lateCard ?? earlier?.cards.current ?? open?.current
        let commit = Commit(
            key: step.key, card: card, others: earlier?.cards.others ?? open?.others ?? [], isRepeat: true)
        return .commit(commit)
    }

    private mutating func cancel(_ step: SaleStep) {
        if let open = basket {
            if open.key.names(step.key) { basket = nil }
            parked.removeAll { $0.key.names(step.key) }
            return
        }
        let count = parked.count
        parked.removeAll { $0.key.names(step.key) }
        // What is told late of a sale that is over says nothing of the card that waits now.
        guard count == parked.count, !step.isRepeat, !finished.contains(where: { $0.isSale(of: step) }) else {
            return
        }
        // A basket that nobody told of has come and gone, and the waiting card with it.
        held = nil
        lateSince = nil
    }

    private mutating func commit(_ reference: String, _ key: SaleKey, _ hadCard: Bool) -> [Action] {
        guard let index = finished.lastIndex(where: { $0.reference == nil && $0.key.names(key) }) else { return [] }
        finished[index].reference = reference
        guard let card = finished[index].lateCard else {
            if hadCard, index == finished.count - 1 { lateSince = nil }
            return []
        }
        if hadCard { return [] }
        return [.attachToFinished(reference: reference, card: card)]
    }
}

extension TillEvent.SaleVerb {
    /// Tells of a basket while it is rung up. A till that only sends documents suspends and voids baskets as well.
    fileprivate var isLive: Bool {
        switch self {
        case .open, .update, .tender, .resume: true
        case .suspend, .complete, .return, .cancel, .void: false
        }
    }
}
