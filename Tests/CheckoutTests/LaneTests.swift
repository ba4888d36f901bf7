import Checkout
import LoyaltyModel
import Testing

func card(_ token: String, _ standing: Lane.Card.Standing = .active, greeting: String? = nil) -> Lane.Card {
    Lane.Card(token: token, standing: standing, masked: "…" + token, entry: .scanned, greeting: greeting)
}

func key(_ uid: String) -> Lane.SaleKey { Lane.SaleKey(uid: uid, register: "1") }
func number(_ number: String) -> Lane.SaleKey { Lane.SaleKey(register: "1", number: number) }

/// A lane at a till that sends live events, with a clock that the test moves.
struct Counter {
    var lane = Lane()
    var seconds = 1000

    @discardableResult
    mutating func handle(_ input: Lane.Input) -> [Lane.Action] {
        lane.handle(input, at: MonotonicTime(nanoseconds: UInt64(seconds) * 1_000_000_000))
    }

    mutating func wait(_ seconds: Int) { self.seconds += seconds }

    /// What the cashier learns of a card.
    @discardableResult
    mutating func scan(_ card: Lane.Card) -> Lane.Notice? { notices(handle(.card(card))).first }

    @discardableResult
    mutating func sale(
        _ verb: TillEvent.SaleVerb,
        _ key: Lane.SaleKey,
        hasLines: Bool = true,
        isTendered: Bool = false,
        tillCards: [Lane.Card] = [],
        resumes: Lane.SaleKey? = nil,
        closedAt: Timestamp? = nil,
        closedAgo: Duration? = nil,
        isRepeat: Bool = false
    ) -> [Lane.Action] {
        var step = Lane.SaleStep(
            verb, key, hasLines: hasLines, isTendered: isTendered, tillCards: tillCards, resumes: resumes,
            closedAt: closedAt, isRepeat: isRepeat)
        step.closedAgo = closedAgo
        return handle(.sale(step))
    }

    /// The token that a completed sale is committed with.
    mutating func complete(_ key: Lane.SaleKey) -> String? {
        commit(sale(.complete, key, isTendered: true))?.card?.token
    }
}

func notices(_ actions: [Lane.Action]) -> [Lane.Notice] {
    actions.compactMap { if case .notice(let notice) = $0 { notice } else { nil } }
}

func commit(_ actions: [Lane.Action]) -> Lane.Commit? {
    actions.compactMap { if case .commit(let commit) = $0 { commit } else { nil } }.first
}

func late(_ actions: [Lane.Action]) -> [String] {
    actions.compactMap {
        if case .attachToFinished(let reference, let card) = $0 { "\(reference):\(card.token)" } else { nil }
    }
}

@Suite struct CardsAtTheCounter {
    private var counter = Counter()

    init() {
        counter.sale(.open, key("before"))
        counter.sale(.cancel, key("before"))
    }

    /// The table of docs/till-protocol.md: what each kind of card shows and sounds like.
    @Test(arguments: [
        (
            Lane.Card.Standing.active, Lane.Notice.Result.attached, ["WELCOME BACK", "Hello"], TillAnswer.Signal.ok,
            true
        ),
        (.unverified, .attached, ["CARD NOT KNOWN", "POINTS WILL BE KEPT"], .ask, true),
        (.replaced, .attached, ["NEW CARD: ASK STAFF"], .ask, true),
        (.blocked, .refused, ["PLEASE ASK STAFF"], .no, false),
        (.notKnown, .refused, ["NOT A LOYALTY CARD"], .no, false),
    ])
    func aCardOnAnOpenBasket(
        standing: Lane.Card.Standing, result: Lane.Notice.Result, display: [String], signal: TillAnswer.Signal,
        isAttached: Bool
    ) {
        var counter = counter
        counter.sale(.open, key("a"))
        let notice = counter.scan(card("x", standing, greeting: "Hello"))
        #expect(notice?.result == result)
        #expect(notice?.display == display)
        #expect(notice?.signal == signal)
        #expect(notice?.isFromTill == false)
        #expect(counter.complete(key("a")) == (isAttached ? "x" : nil))
    }

    @Test(arguments: [
        (CardScan.Refusal.paymentCard, ["PLEASE USE THE", "PAYMENT TERMINAL"]),
        (.encryptedCard, ["PLEASE USE THE", "PAYMENT TERMINAL"]), (.notALoyaltyCard, ["NOT A LOYALTY CARD"]),
        (.unreadable, ["PLEASE SCAN AGAIN"]), (.blocked, ["PLEASE ASK STAFF"]),
    ])
    func aRefusedScanChangesNothing(refusal: CardScan.Refusal, display: [String]) {
        var counter = counter
        counter.sale(.open, key("a"))
        counter.scan(card("x"))
        let notice = notices(counter.handle(.refused(refusal))).first
        #expect(notice?.result == .refused)
        #expect(notice?.code == refusal.rawValue)
        #expect(notice?.display == display)
        #expect(notice?.signal == .no)
        #expect(counter.complete(key("a")) == "x")
    }

    @Test func everyLineFitsTheDisplay() {
        var counter = counter
        counter.sale(.open, key("a"))
        let long = String(repeating: "W", count: 50)
        let shown = counter.scan(card("x", greeting: long))?.display ?? []
        #expect(shown.last?.count == 20)
        var stale = card("y")
        stale.isStale = true
        counter.sale(.open, key("b"))
        #expect(counter.scan(stale)?.display == ["CARD ACCEPTED"])
    }

    @Test func theSameCardAgainIsSilent() {
        var counter = counter
        counter.sale(.open, key("a"))
        counter.scan(card("x"))
        let again = counter.scan(card("x"))
        #expect(again?.result == .alreadyAttached)
        #expect(again?.display == [])
        #expect(again?.signal == nil)
        #expect(counter.complete(key("a")) == "x")
    }

    @Test func theLastCardWinsBeforeTenderTheFirstAfter() {
        var counter = counter
        counter.sale(.open, key("a"))
        counter.scan(card("x"))
        let second = counter.scan(card("y"))
        #expect(second?.result == .replaced)
        #expect(second?.display == ["REPLACE CARD?"])
        #expect(second?.signal == .ask)
        counter.sale(.tender, key("a"))
        let third = counter.scan(card("z"))
        #expect(third?.result == .refused)
        #expect(third?.code == "first_card_kept")
        let commit = commit(counter.sale(.complete, key("a"), isTendered: true))
        #expect(commit?.card?.token == "y")
        #expect(commit?.others.map(\.token) == ["x", "z"])
    }

    @Test func aCardMayComeAfterTheTender() {
        var counter = counter
        counter.sale(.tender, key("a"))
        #expect(counter.scan(card("x"))?.result == .attached)
        #expect(counter.complete(key("a")) == "x")
    }

    @Test func aCardBeforeTheFirstItemWaitsNinetySeconds() {
        for (seconds, expected) in [(90, "x"), (91, nil)] as [(Int, String?)] {
            var counter = counter
            #expect(counter.scan(card("x"))?.result == .held)
            counter.wait(seconds)
            counter.sale(.open, key("a"), hasLines: false)
            #expect(counter.complete(key("a")) == expected)
        }
    }

    @Test func aWaitingCardIsReplacedByTheNextOne() {
        var counter = counter
        counter.scan(card("x"))
        #expect(counter.scan(card("x"))?.result == .alreadyAttached)
        #expect(counter.scan(card("y"))?.result == .replaced)
        counter.sale(.open, key("a"))
        let commit = commit(counter.sale(.complete, key("a")))
        #expect(commit?.card?.token == "y")
        #expect(commit?.others.map(\.token) == ["x"])
    }

    @Test func aSaleOfNoLinesSendsTheWaitingCardAway() {
        var counter = counter
        counter.scan(card("x"))
        #expect(commit(counter.sale(.complete, key("drawer"), hasLines: false))?.card == nil)
        counter.sale(.open, key("a"))
        #expect(counter.complete(key("a")) == nil)
    }

    /// Such a till says nothing while the basket grows, so the card may wait longer; one live event ends that.
    @Test func aTillThatOnlySendsFinishedSalesKeepsACardTenMinutes() {
        for (seconds, expected) in [(600, "x"), (601, nil)] as [(Int, String?)] {
            var counter = Counter()
            counter.scan(card("x"))
            counter.wait(seconds)
            #expect(counter.complete(key("a")) == expected)
            #expect(counter.complete(key("b")) == nil)
        }
        var live = Counter()
        live.scan(card("x"))
        live.wait(100)
        live.sale(.open, key("a"))
        #expect(live.complete(key("a")) == nil)
    }

    /// A till that only sends documents suspends and voids baskets as well, and the next customer's card still waits for his sale.
    @Test(arguments: [TillEvent.SaleVerb.suspend, .cancel, .void]) func aDocumentShowsNoBasket(verb: TillEvent.SaleVerb)
    {
        var counter = Counter()
        counter.sale(verb, key("s"))
        #expect(counter.complete(key("a")) == nil)
        counter.wait(20)
        counter.scan(card("b"))
        #expect(counter.complete(key("b")) == "b")
    }

    @Test func theTillTakesACardOff() {
        var counter = counter
        counter.sale(.open, key("a"))
        counter.scan(card("x"))
        counter.handle(.cardRemoved(token: "other"))
        #expect(counter.lane.basketCard?.token == "x")
        counter.handle(.cardRemoved(token: nil))
        #expect(counter.lane.basketCard == nil)
        #expect(counter.scan(card("x"))?.result == .attached)
        counter.handle(.cardRemoved(token: "x"))
        #expect(counter.complete(key("a")) == nil)
        counter.scan(card("y"))
        counter.handle(.cardRemoved(token: nil))
        #expect(counter.complete(key("b")) == nil)
    }

    @Test func signingOffSendsTheWaitingCardAway() {
        var counter = counter
        counter.scan(card("x"))
        counter.handle(.signoff)
        counter.sale(.open, key("a"))
        #expect(counter.complete(key("a")) == nil)
        counter.handle(.signoff)
        #expect(counter.scan(card("y"))?.result == .held)
    }

    @Test func theLaneTellsTheCardOfABasket() {
        var counter = counter
        counter.sale(.open, key("a"))
        counter.scan(card("x"))
        #expect(counter.lane.card(on: key("a"))?.token == "x")
        #expect(counter.lane.card(on: key("b")) == nil)
    }
}

@Suite struct CardsOfTheTill {
    @Test func aSnapshotThatRepeatsItsCardDoesNotUndoALaterScan() {
        var counter = Counter()
        counter.sale(.open, key("a"))
        let first = notices(counter.sale(.update, key("a"), tillCards: [card("till")]))
        #expect(first.map(\.result) == [.attached])
        #expect(first.first?.isFromTill == true)
        counter.scan(card("x"))
        #expect(counter.sale(.update, key("a"), tillCards: [card("till")]).isEmpty)
        let commit = commit(counter.sale(.complete, key("a"), isTendered: true, tillCards: [card("till")]))
        #expect(commit?.card?.token == "x")
        #expect(commit?.others.map(\.token) == ["till"])
    }

    /// Of a card that waited nobody knows whose sale it was read for; the document says whose sale it is.
    @Test func inASaleThatCameUnseenTheTillsCardOutranksOneThatWaited() {
        var counter = Counter()
        counter.scan(card("x"))
        let both = commit(
            counter.sale(.complete, key("a"), isTendered: true, tillCards: [card("till"), card("other")]))
        #expect(both?.card?.token == "till")
        #expect(both?.others.map(\.token) == ["x", "other"])
        counter.sale(.open, key("c"))
        counter.scan(card("x"))
        let seen = commit(counter.sale(.complete, key("c"), isTendered: true, tillCards: [card("till")]))
        #expect(seen?.card?.token == "x")
        let alone = commit(counter.sale(.complete, key("b"), isTendered: true, tillCards: [card("till")]))
        #expect(alone?.card?.token == "till")
    }

    /// The till's snapshots repeat that a card is off; one that is read again since then counts.
    @Test func aCardThatTheTillTookOffIsOffOnce() {
        func off(_ verb: TillEvent.SaleVerb) -> Lane.Input {
            .sale(Lane.SaleStep(verb, key("a"), removedTokens: ["x"]))
        }
        var counter = Counter()
        counter.sale(.update, key("a"), tillCards: [card("x")])
        counter.handle(off(.update))
        #expect(counter.lane.basketCard == nil)
        var again = counter
        #expect(commit(counter.handle(off(.complete)))?.card == nil)
        again.scan(card("x"))
        again.handle(off(.update))
        #expect(commit(again.handle(off(.complete)))?.card?.token == "x")
    }

    /// A card that the till reads for a sale goes to no other.
    @Test func aCardGoesToTheSaleThatTheTillNames() {
        func sale(_ uid: String) -> Lane.SaleKey { Lane.SaleKey(uid: uid, register: "1", number: uid) }
        var counter = Counter()
        counter.sale(.suspend, sale("a"), tillCards: [card("y")])
        counter.sale(.open, sale("b"))
        #expect(notices(counter.handle(.cardOf(card("x"), uid: "a"))).map(\.result) == [.replaced])
        #expect(counter.lane.basketCard == nil)
        #expect(notices(counter.handle(.cardOf(card("z"), uid: "c"))).map(\.code) == ["sale_not_open"])
        #expect(notices(counter.handle(.cardOf(card("z"), uid: "b"))).map(\.result) == [.attached])
        #expect(counter.complete(sale("b")) == "z")
        counter.sale(.resume, sale("a"))
        #expect(counter.complete(sale("a")) == "x")
        // Behind the end of a sale without a card, one for the next sale is not added to it.
        #expect(counter.complete(sale("d")) == nil)
        #expect(notices(counter.handle(.cardOf(card("w"), uid: "e"))).map(\.result) == [.held])
        // And it waits for that sale alone.
        #expect(counter.complete(sale("f")) == nil)
        #expect(counter.complete(sale("e")) == "w")
        counter.sale(.open, sale("g"))
        counter.sale(.suspend, sale("g"))
        #expect(notices(counter.handle(.cardOf(card("v"), uid: "g"))).map(\.result) == [.attached])
        #expect(counter.complete(sale("h")) == nil)
        #expect(counter.complete(sale("g")) == "v")
    }

    @Test func aBlockedCardOfTheTillIsNotAttached() {
        var counter = Counter()
        let actions = counter.sale(.complete, key("a"), tillCards: [card("till", .blocked)])
        #expect(notices(actions).map(\.display) == [["PLEASE ASK STAFF"]])
        #expect(commit(actions)?.card == nil)
    }
}
