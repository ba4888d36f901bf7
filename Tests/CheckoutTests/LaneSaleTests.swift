import Checkout
import LoyaltyModel
import Testing

@Suite struct NeverTheNextCustomer {
    private var counter = Counter()

    init() {
        counter.sale(.open, key("before"))
        counter.sale(.cancel, key("before"))
    }

    /// Every way a sale can end without a word about the card.
    @Test(arguments: [TillEvent.SaleVerb.complete, .cancel, .suspend, .return, .void])
    func theCardEndsWithTheSale(verb: TillEvent.SaleVerb) {
        for (first, second) in [(key("a"), key("b")), (number("1"), number("2")), (number("1"), number("1"))] {
            var counter = counter
            counter.sale(.open, first)
            counter.scan(card("x"))
            counter.sale(verb, first)
            counter.sale(.open, second)
            #expect(counter.complete(second) == nil)
        }
    }

    @Test func aBasketThatIsLeftWithoutAWordKeepsItsCard() {
        var counter = counter
        counter.sale(.open, key("a"))
        counter.scan(card("x"))
        counter.sale(.open, key("b"))
        #expect(counter.complete(key("b")) == nil)
        counter.sale(.update, key("a"))
        #expect(counter.complete(key("a")) == "x")
        #expect(counter.complete(key("c")) == nil)
    }

    /// Some tills give the number at the end and show the same one on every open basket.
    @Test func aNumberThatOpensAgainIsAnotherBasket() {
        var counter = counter
        counter.sale(.open, number("0"))
        counter.scan(card("x"))
        counter.sale(.open, number("0"))
        #expect(counter.complete(number("0")) == nil)
        counter.sale(.open, number("0"))
        counter.scan(card("y"))
        #expect(counter.complete(number("17")) == nil)
        counter.sale(.update, number("0"))
        #expect(counter.complete(number("0")) == nil)
    }

    /// The next customer's basket is on the screen when the document of the one before comes.
    @Test(arguments: [false, true]) func aDocumentThatComesLateLeavesTheBasketOnTheScreen(hasUID: Bool) {
        func name(_ name: String) -> Lane.SaleKey { hasUID ? key(name) : number(name) }
        // So that the lane knows that this till's numbers hold.
        var counter = counter
        counter.sale(.open, name("1"))
        _ = counter.complete(name("1"))
        for isEarly in [false, true] {
            let (late, shown) = (name("late\(isEarly)"), name("shown\(isEarly)"))
            counter.sale(.open, late)
            counter.sale(.open, shown)
            if isEarly { counter.scan(card("x")) }
            #expect(counter.complete(late) == nil)
            counter.handle(.committed(reference: "r", key: late, hadCard: false))
            if !isEarly { #expect(counter.scan(card("x"))?.result == .attached) }
            #expect(counter.complete(shown) == "x")
        }
    }

    /// A till that sends finished sales alone has stalled, and two customers' cards have been read by the time that the first sale comes.
    @Test func aDocumentThatComesLateTakesNoCardThatWasReadBehindItsEnd() {
        var counter = Counter()
        counter.scan(card("x"))
        counter.wait(60)
        counter.scan(card("y"))
        counter.wait(120)
        let first = commit(counter.sale(.complete, key("a"), isTendered: true, closedAgo: .seconds(155)))
        #expect(first?.card?.token == "x")
        #expect(first?.others.isEmpty == true)
        counter.sale(.complete, key("no lines"), hasLines: false, closedAgo: .seconds(155))
        #expect(commit(counter.sale(.complete, key("b"), closedAgo: .seconds(1)))?.card?.token == "y")
    }

    /// The first sale may have been no late one, but a long one, and the card its own.
    @Test func aCardThatALateDocumentDoesNotGetGoesToNobody() {
        var counter = Counter()
        counter.scan(card("x"))
        #expect(commit(counter.sale(.complete, key("a"), closedAgo: .seconds(600)))?.card == nil)
        #expect(counter.complete(key("b")) == nil)
    }

    /// As it may where it comes at its usual time, or where nobody can tell.
    @Test(arguments: [nil, Duration.seconds(29)]) func aDocumentThatComesInTimeTakesTheCardThatWaits(age: Duration?) {
        var counter = Counter()
        counter.scan(card("x"))
        #expect(commit(counter.sale(.complete, key("a"), closedAgo: age))?.card?.token == "x")
    }

    @Test func noCardIsAddedToASaleThatComesLate() {
        var counter = counter
        counter.sale(.complete, key("a"), closedAgo: .seconds(3600))
        #expect(counter.scan(card("x"))?.result == .held)
        #expect(counter.complete(key("b")) == "x")
    }

    /// A till that has gone over to sending finished sales alone takes the basket off that nobody ended.
    @Test func aBasketThatNobodyHeardOfForLongIsNotOnTheScreen() {
        var counter = counter
        counter.sale(.open, key("left"))
        counter.wait(601)
        _ = counter.complete(key("a"))
        counter.wait(61)
        #expect(counter.scan(card("x"))?.result == .held)
        #expect(counter.complete(key("b")) == "x")
    }

    /// Whose cards are no word of the till about that basket: only the first customer's goes with it, where sales come as usual, and none
    /// is added to the sale before.
    @Test(arguments: [nil, Duration.seconds(1)]) func aBasketThatTheTillLeftSwallowsNoCardForLong(age: Duration?) {
        var counter = counter
        counter.sale(.open, key("left"))
        var earned: [String?] = []
        for minute in 0..<12 {
            counter.wait(60)
            counter.scan(card("c\(minute)"))
            counter.wait(40)
            earned.append(commit(counter.sale(.complete, key("a\(minute)"), closedAgo: age))?.card?.token)
        }
        let swallowed = age == nil ? 7 : 1
        #expect(earned == (0..<12).map { $0 < swallowed ? nil : "c\($0)" })
    }

    /// A moment ago the till spoke of it: the other sale is the one before, as its documents take a while.
    @Test func aDocumentThatComesAsUsualLeavesTheBasketOnTheScreen() {
        var counter = counter
        counter.sale(.open, key("shown"))
        counter.wait(90)
        counter.sale(.complete, key("before it"), closedAgo: .seconds(1))
        #expect(counter.scan(card("x"))?.result == .attached)
        #expect(counter.complete(key("shown")) == "x")
    }

    /// The customer of the sale that has just ended still stands there, whatever document is sent late.
    @Test func aDocumentThatComesLateLeavesTheCardOfTheLastSaleToIt() {
        var counter = counter
        counter.sale(.open, key("a"))
        counter.sale(.complete, key("a"))
        counter.handle(.committed(reference: "a", key: key("a"), hadCard: false))
        counter.sale(.complete, key("late"), closedAgo: .seconds(600))
        counter.handle(.committed(reference: "late", key: key("late"), hadCard: false))
        #expect(late(counter.handle(.card(card("x")))) == ["a:x"])
        counter.sale(.open, key("b"))
        #expect(counter.complete(key("b")) == nil)
    }

    @Test func anUnseenCancelledBasketTakesTheWaitingCardWithIt() {
        var counter = counter
        counter.scan(card("x"))
        counter.sale(.cancel, key("unseen"))
        counter.sale(.open, key("a"))
        #expect(counter.complete(key("a")) == nil)
    }

    /// Numbers begin again every day: yesterday's sale of this one says nothing of the basket that was cancelled today.
    @Test func anUnseenCancelledBasketOfAUsedNumberTakesTheWaitingCardWithIt() {
        var counter = counter
        let closed = Timestamp(microseconds: 0)
        counter.sale(.complete, number("5"), isTendered: true, closedAt: closed)
        counter.wait(36_000)
        counter.scan(card("x"))
        counter.sale(.cancel, number("5"), closedAt: closed)
        #expect(
            counter.lane.card(for: nil, at: MonotonicTime(nanoseconds: UInt64(counter.seconds) * 1_000_000_000)) != nil)
        counter.sale(.cancel, number("5"))
        #expect(counter.complete(number("6")) == nil)
    }

    @Test func cancellingASuspendedBasketLeavesTheWaitingCard() {
        var counter = counter
        counter.sale(.open, key("a"))
        counter.scan(card("x"))
        counter.sale(.suspend, key("a"))
        counter.scan(card("y"))
        counter.sale(.cancel, key("a"))
        counter.sale(.open, key("b"))
        #expect(counter.complete(key("b")) == "y")
        counter.sale(.resume, key("a"))
        #expect(counter.complete(key("a")) == nil)
    }

    /// A till that sends a sale again must not use up the card of the customer who stands there now.
    @Test func aRepeatedSaleKeepsItsCardAndTakesNoOther() throws {
        let time = try Timestamp("2026-11-22T09:30:00Z")
        for first in [key("a"), number("1")] {
            var counter = counter
            counter.sale(.open, first)
            counter.scan(card("x"))
            counter.sale(.complete, first, isTendered: true, closedAt: time)
            counter.scan(card("y"))
            let again = commit(counter.sale(.complete, first, isTendered: true, closedAt: time))
            #expect(again?.card?.token == "x")
            #expect(again?.isRepeat == true)
            counter.sale(.open, key("b"))
            #expect(counter.complete(key("b")) == "y")
        }
    }

    @Test func theCallerKnowsARepeatThatTheLaneForgot() {
        var counter = counter
        counter.scan(card("y"))
        let again = commit(counter.sale(.complete, key("old"), isRepeat: true))
        #expect(again?.isRepeat == true)
        #expect(again?.card == nil)
        counter.sale(.update, key("old"), isRepeat: true)
        counter.sale(.open, key("b"))
        #expect(counter.complete(key("b")) == "y")
    }

    /// Numbers come back after a change of operator or day: without `uid` and at another time it is a new sale.
    @Test func aReusedNumberIsANewSale() throws {
        var counter = counter
        counter.sale(.open, number("1"))
        counter.scan(card("x"))
        counter.sale(.complete, number("1"), closedAt: try Timestamp("2026-11-22T09:30:00Z"))
        let next = commit(counter.sale(.complete, number("1"), closedAt: try Timestamp("2026-11-22T09:45:00Z")))
        #expect(next?.card == nil)
        #expect(next?.isRepeat == false)
    }

    @Test func aFinishedSaleThatIsOpenedAgainHasItsOwnCard() {
        var counter = counter
        counter.sale(.open, key("a"))
        counter.scan(card("x"))
        #expect(counter.complete(key("a")) == "x")
        counter.scan(card("y"))
        counter.sale(.open, key("a"))
        #expect(counter.lane.basketCard?.token == "x")
        #expect(counter.complete(key("a")) == "x")
        counter.sale(.open, key("b"))
        #expect(counter.complete(key("b")) == "y")
    }
}

@Suite struct SuspendedBaskets {
    private func suspended(_ key: Lane.SaleKey) -> Counter {
        var counter = Counter()
        counter.sale(.open, key)
        counter.scan(card("x"))
        counter.sale(.suspend, key)
        counter.sale(.open, Lane.SaleKey(uid: "between", register: "1", number: "99"))
        counter.sale(.complete, Lane.SaleKey(uid: "between", register: "1", number: "99"))
        return counter
    }

    @Test func comeBackWithTheirCard() {
        for first in [key("a"), number("1")] {
            var counter = suspended(first)
            counter.sale(.resume, first)
            #expect(counter.complete(first) == "x")
            counter.sale(.resume, first, isRepeat: true)
            #expect(counter.complete(key("next")) == nil)
        }
    }

    /// A real one: suspended as number 111, finished as number 114 with a link.
    @Test func comeBackUnderAnotherNumberOverALink() {
        for first in [key("a"), number("111")] {
            var counter = suspended(first)
            #expect(commit(counter.sale(.complete, number("114"), resumes: first))?.card?.token == "x")
            #expect(commit(counter.sale(.complete, number("115"), resumes: first))?.card == nil)
        }
    }

    @Test func byNumberAloneOnlyTheTillsWordBringsTheCardBack() {
        var counter = suspended(number("1"))
        counter.sale(.open, number("1"))
        #expect(counter.complete(number("1")) == nil)
    }

    @Test func forgetTheirCardAfterADay() {
        for (seconds, expected) in [(86_400, "x"), (86_401, nil)] as [(Int, String?)] {
            var counter = suspended(key("a"))
            counter.wait(seconds)
            counter.sale(.resume, key("a"))
            #expect(counter.complete(key("a")) == expected)
        }
    }

    @Test func aCardScannedBeforeTheResumeIsTheLastOne() {
        var counter = suspended(key("a"))
        counter.wait(120)
        counter.scan(card("y"))
        counter.sale(.resume, key("a"))
        let commit = commit(counter.sale(.complete, key("a")))
        #expect(commit?.card?.token == "y")
        #expect(commit?.others.map(\.token) == ["x"])
    }

    @Test func thatNeverComeBackDoNotFillTheMemory() {
        var counter = Counter()
        for index in 0..<500 {
            counter.sale(.open, key("\(index)"))
            counter.scan(card("\(index)"))
            counter.sale(.suspend, key("\(index)"))
        }
        counter.sale(.resume, key("0"))
        #expect(counter.complete(key("0")) == nil)
        counter.sale(.resume, key("499"))
        #expect(counter.complete(key("499")) == "499")
    }
}

@Suite struct LateScans {
    private func finished(_ hadCard: Bool = false) -> Counter {
        var counter = Counter()
        counter.sale(.open, key("a"))
        if hadCard { counter.scan(card("first")) }
        counter.sale(.complete, key("a"), isTendered: true)
        return counter
    }

    @Test func areAddedToASaleWithoutACard() {
        var counter = finished()
        counter.handle(.committed(reference: "S1", key: key("a"), hadCard: false))
        counter.wait(60)
        let actions = counter.handle(.card(card("x")))
        #expect(late(actions) == ["S1:x"])
        #expect(notices(actions).first?.display == ["ADDED TO LAST SALE"])
        #expect(notices(actions).first?.result == .addedToLastSale)
        #expect(counter.scan(card("x"))?.result == .alreadyAttached)
        #expect(late(counter.handle(.card(card("y")))).isEmpty)
        counter.sale(.open, key("b"))
        #expect(counter.complete(key("b")) == "y")
    }

    @Test func waitForTheSaleToReachTheDisk() {
        var counter = finished()
        #expect(late(counter.handle(.card(card("x")))).isEmpty)
        counter.sale(.open, key("b"))
        #expect(late(counter.handle(.committed(reference: "S1", key: key("a"), hadCard: false))) == ["S1:x"])
        #expect(late(counter.handle(.committed(reference: "S1", key: key("a"), hadCard: false))).isEmpty)
        #expect(counter.complete(key("b")) == nil)
    }

    @Test func areHeldWhereTheyCannotBeLate() {
        var tooLate = finished()
        tooLate.wait(61)
        #expect(tooLate.scan(card("x"))?.result == .held)
        var hadCard = finished(true)
        #expect(hadCard.scan(card("x"))?.result == .held)
        var stored = finished()
        stored.handle(.committed(reference: "S1", key: key("a"), hadCard: true))
        #expect(stored.scan(card("x"))?.result == .held)
        var noLines = Counter()
        noLines.sale(.open, key("a"))
        noLines.sale(.complete, key("a"), hasLines: false)
        #expect(noLines.scan(card("x"))?.result == .held)
        var returned = Counter()
        returned.sale(.return, key("a"))
        #expect(returned.scan(card("x"))?.result == .held)
        var voided = finished()
        voided.sale(.void, key("v"))
        #expect(voided.scan(card("x"))?.result == .held)
    }

    @Test func endWithTheNextSale() {
        var counter = finished()
        counter.sale(.open, key("b"))
        #expect(counter.scan(card("x"))?.result == .attached)
        #expect(counter.complete(key("b")) == "x")
        #expect(late(counter.handle(.committed(reference: "S1", key: key("a"), hadCard: false))).isEmpty)
    }

    @Test func neverTakeABlockedCard() {
        var counter = finished()
        #expect(counter.scan(card("x", .blocked))?.result == .refused)
        #expect(counter.scan(card("y", .unverified))?.result == .addedToLastSale)
    }

    /// Where the next basket begins unseen, the card may be the next customer's.
    @Test func neverHappenAtATillThatOnlySendsFinishedSales() {
        var counter = Counter()
        counter.sale(.complete, key("a"))
        counter.wait(1)
        #expect(counter.scan(card("x"))?.result == .held)
    }

    @Test func stayWithTheSaleWhenItIsSentAgain() {
        var counter = finished()
        counter.scan(card("x"))
        #expect(commit(counter.sale(.complete, key("a")))?.card?.token == "x")
    }
}
