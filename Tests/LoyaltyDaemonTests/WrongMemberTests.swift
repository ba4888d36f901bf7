import LoyaltyModel
import Storage
import Testing
import TillFeed

@testable import LoyaltyDaemon

/// No customer gets another's points, whatever a till sends again, refuses to end or does at two registers.
@Suite struct WrongMemberTests {
    /// Check digits worked out by hand, as in CheckoutCases.
    private static let second = "2984000000032"
    private static let present = #","card":{"value":"\#(Bench.card)"}"#

    private func twoMembers(_ more: String = "") async throws -> Bench {
        let bench = try await Bench(more)
        try await bench.add(Member(id: MemberID("m2"), status: .active), card: Self.second)
        return bench
    }

    private func holder(_ answer: TillAnswer, _ bench: Bench) async throws -> String? {
        _ = try await bench.tally("test")
        return try await SalesRegister(bench.database).detail(try #require(answer.sale))?.row.member
    }

    // MARK: Sent again

    @Test func aCardThatIsSentAgainBehindItsSaleDoesNotWaitForTheNext() async throws {
        let bench = try await Bench()
        let first = try await bench.send("card.present", "c", Self.present)
        #expect(first.display == ["WELCOME BACK"])
        let sale = try await bench.sale("sale.complete", "a")
        #expect(sale.member?.id == "m1")
        let again = try await bench.send("card.present", "c", Self.present)
        #expect(again.result == .duplicate)
        #expect(again.display == first.display)
        #expect(try await bench.sale("sale.complete", "a").result == .duplicate)
        #expect(try await bench.sale("sale.complete", "b").member == nil)
    }

    @Test func aSuspensionThatIsSentAgainTakesNoCard() async throws {
        let bench = try await twoMembers()
        _ = try await bench.sale("sale.open", "a")
        await bench.scan(Bench.card)
        _ = try await bench.sale("sale.suspend", "a")
        await bench.scan(Self.second)
        #expect(try await bench.sale("sale.suspend", "a").result == .duplicate)
        #expect(try await bench.sale("sale.complete", "b").member?.id == "m2")
        _ = try await bench.sale("sale.resume", "a")
        #expect(try await bench.sale("sale.complete", "a").member?.id == "m1")
    }

    @Test func anOpeningThatIsSentAgainLeavesTheCardOnItsBasket() async throws {
        let bench = try await Bench()
        func open() async throws -> TillAnswer {
            try await bench.send("sale.open", "o", Bench.basket("7", "5.00").replacing(#""uid":"7","#, with: ""))
        }
        _ = try await open()
        await bench.scan(Bench.card)
        #expect(try await open().result == .duplicate)
        let end = Bench.basket("7", "5.00", state: "completed").replacing(#""uid":"7","#, with: "")
        #expect(try await bench.send("sale.complete", "e", end).member?.id == "m1")
    }

    @Test func aCancellationThatIsSentAgainDoesNotSendTheNextCardAway() async throws {
        let bench = try await Bench()
        _ = try await bench.sale("sale.cancel", "a")
        await bench.scan(Bench.card)
        #expect(try await bench.sale("sale.cancel", "a").result == .duplicate)
        #expect(try await bench.sale("sale.complete", "b").member?.id == "m1")
    }

    /// What has the same id and says something else is no resend.
    @Test func anIdThatIsUsedAgainForAnotherLineIsNew() async throws {
        let bench = try await Bench()
        _ = try await bench.send("sale.update", "same", Bench.basket("a", "1.00"))
        let other = try await bench.send(
            "sale.update", "same", Bench.basket("a", "2.00", more: #","members":[{"value":"\#(Bench.card)"}]"#))
        #expect(other.result == .accepted)
        #expect(other.member?.id == "m1")
    }

    // MARK: Look-ups that fail

    /// The database is not read for a task that was cancelled: the look-up fails once.
    private func failing(_ work: @escaping @Sendable () async throws -> TillAnswer) async throws -> TillAnswer {
        try await Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await work()
        }.value
    }

    @Test func aSaleThatCouldNotBeLookedUpKeepsItsCardForItsResend() async throws {
        let bench = try await twoMembers()
        await bench.scan(Bench.card)
        let refused = try await failing { try await bench.sale("sale.complete", "a") }
        #expect(refused.result == .rejected)
        #expect(refused.code?.hasPrefix("storage.") == true)
        await bench.scan(Self.second)
        #expect(try await bench.sale("sale.complete", "a").member?.id == "m1")
        #expect(try await bench.sale("sale.complete", "b").member?.id == "m2")
    }

    /// Whether it is new is not known then, and a sale that had no card takes none of another customer's.
    @Test func aCorrectionThatCouldNotBeLookedUpTakesNoCard() async throws {
        let bench = try await Bench()
        _ = try await bench.sale("sale.complete", "a")
        for number in 0..<40 { _ = try await bench.sale("sale.complete", "s\(number)") }
        await bench.scan(Bench.card)
        let fields = Bench.basket("a", "6.00", state: "completed", more: #","rev":2"#)
        #expect(try await failing { try await bench.send("sale.complete", "a2", fields) }.result == .rejected)
        let corrected = try await bench.send("sale.complete", "a2", fields)
        #expect(corrected.code == "revised")
        #expect(corrected.member == nil)
    }

    @Test func aCardThatCouldNotBeLookedUpIsTakenWhenItIsSentAgain() async throws {
        let bench = try await Bench()
        let present = #","card":{"value":"m1","scheme":"member_id"}"#
        let refused = try await failing { try await bench.send("card.present", "c", present) }
        #expect(refused.display == ["PLEASE SCAN AGAIN"])
        #expect(try await bench.send("card.present", "c", present).display == ["WELCOME BACK"])
        #expect(try await bench.sale("sale.complete", "a").member?.id == "m1")
    }

    // MARK: Documents that end a basket and are not stored

    @Test(arguments: ["layaway", "order", "no_sale"]) func aDocumentThatIsNoSaleEndsItsBasket(kind: String) async throws
    {
        let bench = try await twoMembers()
        await bench.scan(Bench.card)
        let fields = Bench.basket("a", "5.00", state: "completed").replacing(
            #""kind":"sale""#, with: #""kind":"\#(kind)""#)
        #expect(try await bench.send("sale.complete", "a", fields).result == .ignored)
        #expect(try await bench.sale("sale.complete", "b").member == nil)
        bench.clock.pass(seconds: 5)
        await bench.scan(Self.second)
        _ = try await bench.send("sale.complete", "a", fields)
        #expect(try await bench.sale("sale.complete", "c").member?.id == "m2", "sent again it ends nothing")
    }

    /// The drawer was opened to change money, while the next customer's card waits.
    @Test func aDrawerThatIsOpenedLeavesTheWaitingCard() async throws {
        let bench = try await Bench()
        await bench.scan(Bench.card)
        let empty =
            #","sale":{"store":"1","register":"1","number":"9","kind":"no_sale","state":"completed","currency":"EUR","#
            + #""lines":[],"totals":{"grand":"0"}}"#
        #expect(try await bench.send("sale.complete", "drawer", empty).result == .ignored)
        #expect(try await bench.sale("sale.complete", "a").member?.id == "m1")
    }

    @Test func aLineInQuarantineEndsItsBasket() async throws {
        let bench = try await twoMembers()
        func broken() async throws -> TillAnswer.Result {
            // A bare number with decimals is no amount.
            let fields = Bench.basket("a", "5.00", state: "completed").replacing(
                #""grand":"5.00""#, with: #""grand":5.00"#)
            let line =
                #"{"v":1,"type":"sale.complete","id":"a","source":"1/1","time":"2025-11-24T16:00:00Z"\#(fields)}"#
            do {
                _ = try TillEventDecoder(screening: bench.screening).decode(Array(line.utf8))
                return .accepted
            } catch { return await bench.lanes.quarantine(error).value.result }
        }
        _ = try await bench.sale("sale.complete", "first")
        await bench.scan(Bench.card)
        #expect(try await broken() == .quarantined)
        #expect(try await bench.sale("sale.complete", "b").member == nil)
        bench.clock.pass(seconds: 5)
        await bench.scan(Self.second)
        #expect(try await broken() == .quarantined)
        #expect(try await bench.sale("sale.complete", "c").member?.id == "m2", "sent again it ends nothing")
    }

    @Test func aDocumentUnderTheIdOfAnotherEndsItsBasket() async throws {
        let bench = try await twoMembers()
        _ = try await bench.send("sale.complete", "e", Bench.basket("a", "5.00", state: "completed"))
        await bench.scan(Bench.card)
        let other = Bench.basket("b", "6.00", state: "completed")
        #expect(try await bench.send("sale.complete", "e", other).code == "id_conflict")
        #expect(try await bench.sale("sale.complete", "c").member == nil)
        bench.clock.pass(seconds: 5)
        await bench.scan(Self.second)
        #expect(try await bench.send("sale.complete", "e", other).code == "id_conflict")
        #expect(try await bench.sale("sale.complete", "d").member?.id == "m2", "sent again it ends nothing")
    }

    /// The daemon was not there when the sale ended: the card that waits now is the next customer's. What counts is the till's clock as it was
    /// before, here an hour slow.
    @Test(arguments: ["sale.complete", "sale.open"]) func aSaleFromBeforeTheStartTakesNoCardThatWasReadSince(
        type: String
    ) async throws {
        let bench = try await Bench()
        func line(_ type: String, _ uid: String, _ seconds: Int64) throws -> TillEvent {
            let time = bench.clock.now.adding(seconds: seconds - 3600)
            let state = type == "sale.complete" ? "completed" : "open"
            let text =
                #"{"v":1,"type":"\#(type)","id":"\#(type)-\#(uid)","source":"1/1","time":"\#(time)""#
                + Bench.basket(uid, "5.00", state: state, more: #","closed_at":"\#(time)""#) + "}"
            return try TillEventDecoder(screening: bench.screening).decode(Array(text.utf8))
        }
        _ = await bench.lanes.submit(try line("sale.complete", "earlier", 0)).value
        bench.clock.pass(seconds: 60)
        let lanes = bench.anotherLaneService()
        try await lanes.loadClocks()
        bench.clock.pass(seconds: 60)
        let present =
            #"{"v":1,"type":"card.present","id":"c","source":"1/1","time":"\#(bench.clock.now)"\#(Self.present)}"#
        _ = await lanes.submit(try line("sale.complete", "other", 0)).value
        _ = await lanes.submit(try TillEventDecoder(screening: bench.screening).decode(Array(present.utf8))).value
        // Ended, or begun, ten seconds before the start.
        #expect(await lanes.submit(try line(type, "old", -70)).value.member == nil)
        if type == "sale.open" {
            #expect(await lanes.submit(try line("sale.complete", "old", -69)).value.member == nil)
        }
        bench.clock.pass(seconds: 1)
        #expect(await lanes.submit(try line("sale.complete", "new", 0)).value.member == nil, "and nobody else does")
        bench.clock.pass(seconds: 5)
        let again = present.replacing(#""id":"c""#, with: #""id":"d""#)
        _ = await lanes.submit(try TillEventDecoder(screening: bench.screening).decode(Array(again.utf8))).value
        #expect(await lanes.submit(try line("sale.complete", "last", 0)).value.member?.id == "m1")
    }

    // MARK: Documents that come late

    /// A finished sale that was closed so many seconds ago by the till's clock.
    private func line(_ uid: String, _ ago: Int64, _ bench: Bench, _ more: String = "", id: String? = nil) throws
        -> TillEvent
    {
        let time = bench.clock.now.adding(seconds: -ago)
        let text =
            #"{"v":1,"type":"sale.complete","id":"\#(id ?? uid)","source":"1/1","time":"\#(time)""#
            + Bench.basket(uid, "5.00", state: "completed", more: #","closed_at":"\#(time)""# + more) + "}"
        return try TillEventDecoder(screening: bench.screening).decode(Array(text.utf8))
    }

    /// Sales as they come every minute, from a clock that is wrong.
    private func minutes(_ count: Int, behind: Int64, _ bench: Bench, to lanes: LaneService, name: String) async throws
    {
        for number in 0..<count {
            bench.clock.pass(seconds: 60)
            _ = await lanes.submit(try line("\(name)\(number)", behind, bench)).value
        }
    }

    /// A till that shows its baskets has brought the late sale its card.
    @Test(arguments: [0, 7200, -7200], [390, 100, 50]) func aSaleThatComesLateLeavesTheCardThatWaits(
        behind: Int64, late: Int64
    )
        async throws
    {
        let bench = try await Bench()
        for type in ["sale.open", "sale.cancel"] { _ = try await bench.sale(type, "shown") }
        try await minutes(10, behind: behind, bench, to: bench.lanes, name: "s")
        bench.clock.pass(seconds: 400)
        await bench.scan(Bench.card)
        for name in ["late", "held up with it"] {
            bench.clock.pass(seconds: 1)
            #expect(await bench.lanes.submit(try line(name, behind + late, bench)).value.member == nil)
        }
        bench.clock.pass(seconds: 30)
        #expect(await bench.lanes.submit(try line("own", behind, bench)).value.member?.id == "m1")
    }

    /// Where the till sends finished sales alone, the card that the late one does not get may still be its own.
    @Test func aCardThatALateSaleLeftIsNotTheNextCustomers() async throws {
        let bench = try await Bench()
        try await minutes(10, behind: 0, bench, to: bench.lanes, name: "s")
        bench.clock.pass(seconds: 400)
        await bench.scan(Bench.card)
        bench.clock.pass(seconds: 5)
        #expect(await bench.lanes.submit(try line("late", 390, bench)).value.member == nil)
        bench.clock.pass(seconds: 30)
        #expect(await bench.lanes.submit(try line("next", 0, bench)).value.member == nil)
    }

    /// A till that tells when a sale began. The last basket took longer than the ones before, and its card was read at its end.
    @Test(arguments: [[75], [100, 160, 400], [330]] as [[Int64]]) func aLongBasketKeepsItsCard(baskets: [Int64])
        async throws
    {
        let bench = try await Bench()
        for (number, basket) in ([15, 20, 25, 20, 25, 30, 25, 35, 30, 25, 25, 20, 25] + baskets.dropLast()).enumerated()
        {
            bench.clock.pass(seconds: basket + 20)
            _ = await bench.lanes.submit(try line("s\(number)", basket, bench)).value
        }
        let last = try #require(baskets.last)
        bench.clock.pass(seconds: last)
        await bench.scan(Bench.card)
        bench.clock.pass(seconds: 10)
        #expect(await bench.lanes.submit(try line("long", last, bench)).value.member?.id == "m1")
        bench.clock.pass(seconds: 40)
        #expect(await bench.lanes.submit(try line("next", 25, bench)).value.member == nil)
    }

    /// A till that collects its sales for minutes shows nothing by being late.
    @Test func whereSalesComeUnevenlyTheCardIsTheNextSales() async throws {
        let bench = try await Bench()
        for ago in [10, 70, 130, 20, 90, 150, 40] as [Int64] {
            bench.clock.pass(seconds: 200)
            _ = await bench.lanes.submit(try line("s\(ago)", ago, bench)).value
        }
        bench.clock.pass(seconds: 5)
        await bench.scan(Bench.card)
        bench.clock.pass(seconds: 180)
        #expect(await bench.lanes.submit(try line("a", 170, bench)).value.member?.id == "m1")
    }

    /// The till's clock is set back: its sales seem to come late, and the card of the first may not wait for the second.
    @Test func aClockThatIsSetTakesNoCardToTheNextCustomer() async throws {
        let bench = try await Bench()
        try await minutes(10, behind: 0, bench, to: bench.lanes, name: "s")
        bench.clock.pass(seconds: 5)
        await bench.scan(Bench.card)
        bench.clock.pass(seconds: 30)
        #expect(await bench.lanes.submit(try line("a", 3600, bench)).value.member == nil)
        bench.clock.pass(seconds: 60)
        #expect(await bench.lanes.submit(try line("b", 3600, bench)).value.member == nil)
        bench.clock.pass(seconds: 5)
        await bench.scan(Bench.card)
        bench.clock.pass(seconds: 30)
        #expect(await bench.lanes.submit(try line("c", 3600, bench)).value.member?.id == "m1", "the clock is learnt")
    }

    /// And it costs one customer the card, however unevenly the sales come.
    @Test(arguments: [0, 15]) func aClockThatIsSetCostsOneCard(jitter: Int64) async throws {
        let bench = try await Bench()
        try await minutes(10, behind: 0, bench, to: bench.lanes, name: "s")
        for (number, holder) in [nil, "m1", "m1"].enumerated() {
            bench.clock.pass(seconds: 15)
            await bench.scan(Bench.card)
            bench.clock.pass(seconds: 15)
            let sale = try line("t\(number)", 3600 + Int64(number % 2) * jitter, bench)
            #expect(await bench.lanes.submit(sale).value.member?.id == holder)
        }
    }

    /// What says nothing of the clock: a correction in the evening, one wrong time, a till whose clock was set right,
    /// a machine that was set back.
    @Test(arguments: ["correction", "wrong time", "till set back", "machine set back"])
    func aSaleFromBehindTheStartKeepsItsCard(what: String) async throws {
        let bench = try await Bench()
        if what == "machine set back" { bench.clock.set(aheadBy: 3600) }
        let fast: Int64 = what == "till set back" ? -3600 : 0
        try await minutes(what == "correction" ? 1 : 6, behind: fast, bench, to: bench.lanes, name: "s")
        if what == "wrong time" { _ = await bench.lanes.submit(try line("w", -7200, bench)).value }
        if what == "correction" {
            bench.clock.pass(seconds: 8 * 3600)
            _ = await bench.lanes.submit(try line("s0", 0, bench, #","rev":2"#, id: "again")).value
        }
        let lanes = bench.anotherLaneService()
        try await lanes.loadClocks()
        bench.clock.set(aheadBy: 0)
        bench.clock.pass(seconds: 60)
        if what == "till set back" { try await minutes(2, behind: 0, bench, to: lanes, name: "t") }
        let present =
            #"{"v":1,"type":"card.present","id":"c","source":"1/1","time":"\#(bench.clock.now)"\#(Self.present)}"#
        _ = await lanes.submit(try line("before", 1, bench)).value
        bench.clock.pass(seconds: 5)
        _ = await lanes.submit(try TillEventDecoder(screening: bench.screening).decode(Array(present.utf8))).value
        bench.clock.pass(seconds: 10)
        #expect(await lanes.submit(try line("own", 0, bench)).value.member?.id == "m1")
    }

    // MARK: What a till kept while the daemon was down

    /// A lane that has started again, and the lines that its till kept meanwhile: each with the seconds of its time from the start.
    private func restarted(_ bench: Bench) async throws -> LaneService {
        try await minutes(10, behind: 0, bench, to: bench.lanes, name: "s")
        bench.clock.pass(seconds: 600)
        let lanes = bench.anotherLaneService()
        try await lanes.loadClocks()
        return lanes
    }

    private func kept(
        _ type: String, _ uid: String, at second: Int64, since start: Timestamp, _ bench: Bench, _ fields: String? = nil
    ) throws -> TillEvent {
        let time = start.adding(seconds: second)
        let state = type == "sale.complete" ? "completed" : "open"
        let fields = fields ?? Bench.basket(uid, "5.00", state: state, more: #","closed_at":"\#(time)""#)
        let text = #"{"v":1,"type":"\#(type)","id":"\#(type)-\#(uid)","source":"1/1","time":"\#(time)"\#(fields)}"#
        return try TillEventDecoder(screening: bench.screening).decode(Array(text.utf8))
    }

    @Test(arguments: [-20, 20]) func aCardThatTheTillKeptGoesToTheSaleItWasReadFor(end: Int64) async throws {
        let bench = try await twoMembers()
        let lanes = try await restarted(bench)
        let start = bench.clock.now
        bench.clock.pass(seconds: 30)
        // At the counter stands the next customer already.
        let card = try kept("card.present", "now", at: 30, since: start, bench, #","card":{"value":"\#(Self.second)"}"#)
        if end < 0 { _ = await lanes.submit(card).value }
        let present = try kept("card.present", "c", at: -60, since: start, bench, Self.present)
        #expect(await lanes.submit(present).value.result == .accepted)
        let sale = try kept("sale.complete", "a", at: end, since: start, bench)
        #expect(await lanes.submit(sale).value.member?.id == "m1")
        bench.clock.pass(seconds: 30)
        let next = try kept("sale.complete", "b", at: 60, since: start, bench)
        #expect(await lanes.submit(next).value.member == nil, "one card earns once")
    }

    @Test func aCardThatTheTillKeptDoesNotTouchTheBasketOnTheScreen() async throws {
        let bench = try await twoMembers()
        let lanes = try await restarted(bench)
        let start = bench.clock.now
        bench.clock.pass(seconds: 30)
        let own = #","card":{"value":"\#(Self.second)"}"#
        _ = await lanes.submit(try kept("sale.open", "now", at: 20, since: start, bench)).value
        _ = await lanes.submit(try kept("card.present", "own", at: 25, since: start, bench, own)).value
        for event in [
            try kept("sale.open", "a", at: -90, since: start, bench),
            try kept("card.present", "c", at: -80, since: start, bench, Self.present),
        ] { _ = await lanes.submit(event).value }
        let earlier = try kept("sale.complete", "a", at: -60, since: start, bench)
        #expect(await lanes.submit(earlier).value.member?.id == "m1")
        let sale = try kept("sale.complete", "now", at: 30, since: start, bench)
        #expect(await lanes.submit(sale).value.member?.id == "m2")
    }

    /// The till has shown a card before the start, and its cashier takes it off, or ends the basket, behind it.
    @Test(arguments: ["card.remove", "sale.cancel"]) func aCardThatTheTillKeptIsTakenOffBehindTheStart(type: String)
        async throws
    {
        let bench = try await Bench()
        let lanes = try await restarted(bench)
        let start = bench.clock.now
        if type == "card.remove" {
            _ = await lanes.submit(try kept("sale.open", "a", at: -90, since: start, bench)).value
        }
        _ = await lanes.submit(try kept("card.present", "c", at: -60, since: start, bench, Self.present)).value
        bench.clock.pass(seconds: 30)
        let end = try kept(type, "a", at: 20, since: start, bench, type == "card.remove" ? "" : nil)
        #expect(await lanes.submit(end).value.result == .accepted)
        let name = type == "card.remove" ? "a" : "b"
        #expect(await lanes.submit(try kept("sale.complete", name, at: 30, since: start, bench)).value.member == nil)
    }

    /// Its basket was left without a word, and its number comes again.
    @Test func aCardThatTheTillKeptIsLeftWithItsBasket() async throws {
        let bench = try await Bench()
        let lanes = try await restarted(bench)
        let start = bench.clock.now
        func numbered(_ type: String, _ number: String, _ id: String, at second: Int64) throws -> TillEvent {
            let state = type == "sale.complete" ? "completed" : "open"
            let more = #","closed_at":"\#(start.adding(seconds: second))""#
            let fields = Bench.basket(number, "5.00", state: state, more: more).replacing(
                #""uid":"\#(number)","#, with: "")
            return try kept(type, id, at: second, since: start, bench, fields)
        }
        _ = await lanes.submit(try numbered("sale.open", "7", "o", at: -90)).value
        _ = await lanes.submit(try kept("card.present", "c", at: -60, since: start, bench, Self.present)).value
        bench.clock.pass(seconds: 30)
        #expect(await lanes.submit(try numbered("sale.complete", "8", "d", at: 20)).value.member == nil)
        bench.clock.pass(seconds: 60)
        #expect(await lanes.submit(try numbered("sale.complete", "7", "e", at: 80)).value.member == nil)
    }

    /// What waits now was read when the sale was long over, and does not stand in its way.
    @Test func aSaleThatComesLateGetsTheCardThatTheTillKept() async throws {
        let bench = try await twoMembers()
        let lanes = try await restarted(bench)
        let start = bench.clock.now
        _ = await lanes.submit(try kept("sale.open", "a", at: -10, since: start, bench)).value
        _ = await lanes.submit(try kept("card.present", "c", at: -5, since: start, bench, Self.present)).value
        bench.clock.pass(seconds: 700)
        let card = #","card":{"value":"\#(Self.second)"}"#
        _ = await lanes.submit(try kept("card.present", "now", at: 700, since: start, bench, card)).value
        bench.clock.pass(seconds: 5)
        #expect(
            await lanes.submit(try kept("sale.complete", "a", at: 20, since: start, bench)).value.member?.id == "m1")
        #expect(
            await lanes.submit(try kept("sale.complete", "b", at: 705, since: start, bench)).value.member?.id == "m2")
    }

    /// By the till's own times: a card of the morning is not the evening's.
    @Test func aCardThatTheTillKeptWaitsNoLongerThanAtTheCounter() async throws {
        let bench = try await Bench()
        let lanes = try await restarted(bench)
        let start = bench.clock.now
        _ = await lanes.submit(try kept("card.present", "c", at: -800, since: start, bench, Self.present)).value
        #expect(await lanes.submit(try kept("sale.complete", "a", at: -10, since: start, bench)).value.member == nil)
    }

    // MARK: The till's own word

    /// The card that the customer shows after it stays, however often the snapshot repeats the list.
    @Test func aCardThatIsListedAsTakenOffAndPutOnIsReadOnce() async throws {
        let bench = try await twoMembers()
        let members = #","members":[{"value":"\#(Bench.card)","active":false},{"value":"\#(Bench.card)"}]"#
        func update(_ id: String) async throws {
            _ = try await bench.send("sale.update", id, Bench.basket("a", "5.00", more: members))
        }
        try await update("1")
        await bench.scan(Self.second)
        try await update("2")
        #expect(try await bench.sale("sale.complete", "a", more: members).member?.id == "m2")
    }

    @Test func aCardThatTheTillTookOffEarnsNothing() async throws {
        let bench = try await Bench()
        func members(_ active: Bool) -> String { #","members":[{"value":"\#(Bench.card)","active":\#(active)}]"# }
        _ = try await bench.sale("sale.update", "a", more: members(true))
        #expect(try await bench.sale("sale.complete", "a", more: members(false)).member == nil)
    }

    @Test func removingACardRemovesThatCard() async throws {
        let bench = try await twoMembers()
        _ = try await bench.sale("sale.open", "a")
        await bench.scan(Bench.card)
        _ = try await bench.send("card.remove", "r", #","card":{"value":"\#(Self.second)"}"#)
        #expect(try await bench.sale("sale.complete", "a").member?.id == "m1")
        _ = try await bench.sale("sale.open", "b")
        await bench.scan(Bench.card)
        _ = try await bench.send("card.remove", "r2", Self.present)
        #expect(try await bench.sale("sale.complete", "b").member == nil)
    }

    @Test func aCardForASuspendedSaleDoesNotGoToTheOpenOne() async throws {
        let bench = try await Bench()
        _ = try await bench.sale("sale.suspend", "a", more: #","members":[{"value":"\#(Self.second)"}]"#)
        _ = try await bench.sale("sale.open", "b")
        let card = #","card":{"value":"\#(Bench.card)","sale_uid":"a"}"#
        #expect(try await bench.send("card.present", "c", card).member?.id == "m1")
        #expect(try await bench.sale("sale.complete", "b").member == nil)
        _ = try await bench.sale("sale.resume", "a")
        #expect(try await bench.sale("sale.complete", "a").member?.id == "m1")
        let late = try await bench.send("card.present", "d", #","card":{"value":"\#(Bench.card)","sale_uid":"b"}"#)
        #expect(late.code == "sale_not_open")
        #expect(late.result == .rejected)
        #expect(try await bench.sale("sale.complete", "x").member == nil)
    }

    // MARK: Opened again, and at another register

    @Test func aSaleThatIsOpenedAgainGetsTheCardThatIsShownNow() async throws {
        let bench = try await twoMembers()
        _ = try await bench.sale("sale.open", "a")
        let first = try await bench.sale("sale.complete", "a")
        #expect(first.member == nil)
        _ = try await bench.sale("sale.update", "a", "6.00")
        await bench.scan(Bench.card)
        let again = try await bench.send(
            "sale.complete", "a2", Bench.basket("a", "6.00", state: "completed", more: #","rev":2"#))
        #expect(again.code == "revised")
        #expect(try await holder(first, bench) == "m1")
        await bench.scan(Self.second)
        #expect(try await bench.sale("sale.complete", "b").member?.id == "m2")
    }

    @Test(arguments: [true, false]) func aSuspendedSaleBringsItsCardToAnotherRegister(byLink: Bool) async throws {
        let bench = try await twoMembers()
        _ = try await bench.sale("sale.open", "a")
        await bench.scan(Bench.card)
        _ = try await bench.sale("sale.suspend", "a")
        let elsewhere = Bench.basket(
            byLink ? "z" : "a", "5.00", state: "completed",
            more: byLink ? #","links":[{"rel":"resumes","store":"1","register":"1","number":"a"}]"# : ""
        ).replacing(#""register":"1","number":"\#(byLink ? "z" : "a")""#, with: #""register":"2","number":"114""#)
        #expect(try await bench.send("sale.complete", "e", elsewhere).member?.id == "m1")
        #expect(try await bench.sale("sale.complete", "b").member == nil)
    }

    /// A till that is rung up again under the id of a sale that was voided sells again.
    @Test func aSaleUnderTheUidOfAVoidedOneEarns() async throws {
        let bench = try await Bench()
        func sell(_ id: String, _ amount: String, _ closed: String) async throws -> TillAnswer {
            try await bench.send(
                "sale.complete", id,
                Bench.basket(
                    "a", amount, state: "completed",
                    more: #","closed_at":"2025-11-24T16:\#(closed)Z","members":[{"value":"\#(Bench.card)"}]"#))
        }
        _ = try await sell("e1", "10.00", "00:05")
        _ = try await bench.send(
            "sale.void", "v",
            #","sale":{"store":"1","register":"1","number":"v","currency":"EUR","kind":"sale","state":"voided","lines":[],"totals":{"grand":"0"},"#
                + #""links":[{"rel":"voids","uid":"a"}]}"#)
        #expect(try await sell("e2", "12.00", "05:00").points?.earned.description == "12")
    }

    /// Under the till's own id it is one sale, however it is sent again.
    @Test func aCorrectionUnderTheSameUidIsNoSecondSale() async throws {
        let bench = try await Bench()
        await bench.scan(Bench.card)
        let first = try await bench.sale("sale.complete", "a", "10.00", more: #","closed_at":"2025-11-24T16:00:05Z""#)
        #expect(first.points?.earned.description == "10")
        let more = #","closed_at":"2025-11-24T16:03:00Z""#
        let second = try await bench.send(
            "sale.complete", "c", Bench.basket("a", "12.00", state: "completed", more: more))
        #expect(second.code == "revised")
        #expect(second.points?.earned.description == "2")
        #expect(try await SalesRegister(bench.database).recent(limit: 5).count == 1)
    }

    /// Midnight ends the business day of a till that names none, and the correction of the last sale comes behind it.
    @Test func aCorrectionBehindMidnightIsNoSecondSale() async throws {
        let bench = try await Bench()
        func sell(
            _ id: String, _ amount: String, _ closed: String, _ day: String = "", uid: String = "u-7"
        ) async throws -> TillAnswer {
            try await bench.send(
                "sale.complete", id,
                Bench.basket(uid, amount, state: "completed", more: #","closed_at":"2025-11-\#(closed)Z""#) + day)
        }
        await bench.scan(Bench.card)
        #expect(try await sell("a", "10.00", "24T23:58:00").points?.earned.description == "10")
        await bench.scan(Bench.card)
        let correction = try await sell("b", "12.00", "25T00:03:00")
        #expect(correction.code == "revised")
        #expect(correction.points?.earned.description == "2")
        #expect(try await SalesRegister(bench.database).recent(limit: 5).count == 1)
        // Three hours are the bound.
        for (uid, closed, isCorrection) in [("u-8", "25T02:57:00", true), ("u-9", "25T02:59:00", false)] {
            _ = try await sell("\(uid)a", "10.00", "24T23:58:00", uid: uid)
            let answer = try await sell("\(uid)b", "12.00", closed, uid: uid)
            #expect((answer.code == "revised") == isCorrection)
            #expect(answer.flags.contains("number_reused") != isCorrection)
        }
        // The till's own word for the day, or half a day, makes it another sale.
        #expect(try await sell("c", "8.00", "25T00:05:00", #","business_day":"2025-11-23""#).flags == ["number_reused"])
        #expect(try await sell("d", "9.00", "26T12:10:00").flags == ["number_reused"])
    }

    /// The clock of register 1 is an hour fast. That a sale was there before its return needs no clock.
    @Test(arguments: [true, false]) func aReturnAtAnotherRegisterFindsItsSaleWhateverTheClocksSay(saleFirst: Bool)
        async throws
    {
        let bench = try await Bench()
        let day = #","business_day":"2025-11-24""#
        func sell() async throws -> TillAnswer {
            try await bench.send(
                "sale.complete", "s",
                Bench.basket(
                    "a", "5.00", state: "completed",
                    more: #","closed_at":"2025-11-24T17:05:00Z","members":[{"value":"\#(Bench.card)"}]"#) + day)
        }
        func giveBack() async throws -> TillAnswer {
            let link =
                #""return":{"receipt":"with","link":{"store":"1","register":"1","business_day":"2025-11-24","number":"a"}}"#
            let line =
                #"{"id":"1","kind":"item","code":{"value":"4711","scheme":"sku"},"qty":"-1","uom":"ea","amount":"-5.00",\#(link)}"#
            return try await bench.send(
                "sale.return", "r",
                #","sale":{"uid":"r","store":"1","register":"2","number":"9","kind":"return","state":"completed","currency":"EUR","#
                    + #""closed_at":"2025-11-24T16:40:00Z","lines":[\#(line)],"totals":{"grand":"-5.00"}}"# + day)
        }
        let sale: TillAnswer
        if saleFirst {
            sale = try await sell()
            #expect(try await giveBack().flags == [])
        } else {
            _ = try await giveBack()
            sale = try await sell()
        }
        #expect(try await holder(sale, bench) == "m1")
        let statement = try await AccountRegister(bench.database).statement(
            of: MemberID("m1"), on: await bench.lanes.today, program: await bench.lanes.program)
        #expect(statement.balances.allSatisfy { $0.available.isZero })
    }

    /// A number alone may be another day's: its correction takes nothing off the basket at the counter.
    @Test func aCorrectionOfAnotherDayLeavesTheOpenBasketAlone() async throws {
        let bench = try await Bench()
        func seven(_ type: String, _ id: String, _ amount: String, _ day: String, _ more: String = "") async throws
            -> TillAnswer
        {
            let state = type == "sale.complete" ? "completed" : "open"
            let fields = Bench.basket("7", amount, state: state, more: more).replacing(#""uid":"7","#, with: "")
            return try await bench.send(type, id, fields + #","business_day":"\#(day)""#)
        }
        _ = try await seven("sale.complete", "y", "5.00", "2025-11-23")
        _ = try await seven("sale.open", "o", "9.00", "2025-11-24")
        await bench.scan(Bench.card)
        let corrected = try await seven("sale.complete", "y2", "6.00", "2025-11-23", #","rev":2"#)
        #expect(corrected.code == "revised")
        #expect(corrected.member == nil)
        #expect(try await seven("sale.complete", "t", "9.00", "2025-11-24").member?.id == "m1")
    }

    /// What is told of a sale that is over says nothing of the card that waits now.
    @Test func aLateConflictDoesNotSendTheNextCardAway() async throws {
        let bench = try await Bench()
        _ = try await bench.send("sale.complete", "e", Bench.basket("a", "5.00", state: "completed"))
        bench.clock.pass(seconds: 5)
        await bench.scan(Bench.card)
        let other = try await bench.send("sale.complete", "e", Bench.basket("a", "6.00", state: "completed"))
        #expect(other.code == "id_conflict")
        #expect(try await bench.sale("sale.complete", "b").member?.id == "m1")
    }

    // MARK: The cashier's own card

    private static func claimant(_ member: String) -> CardAttachment {
        CardAttachment(token: nil, member: MemberID(member), number: nil)
    }

    @Test func aCashiersOwnCardEarnsNothingThroughAnyDoor() async throws {
        let bench = try await twoMembers("[[signs.staff]]\noperator = \"7\"\nmember = \"m1\"")
        let cashier = #","operator":{"id":"7"}"#
        _ = try await bench.sale("sale.open", "a")
        let late = try await bench.sale("sale.complete", "a", more: cashier)
        await bench.scan(Bench.card)
        #expect(try await holder(late, bench) == nil)

        let named = cashier + #","members":[{"value":"\#(Bench.card)"}]"#
        let sale = try await bench.sale("sale.complete", "b", more: named)
        _ = try await bench.send(
            "sale.complete", "b2", Bench.basket("b", "6.00", state: "completed", more: #","rev":2"# + named))
        #expect(try await holder(sale, bench) == nil)

        let fields = Bench.basket("r", "5.00", state: "completed", more: named) + #","replay":true"#
        #expect(try await holder(try await bench.send("sale.complete", "r", fields), bench) == nil)
        #expect(try await bench.tally("sign.own_sale") == 3)
        await #expect(throws: LoyaltyError.self) {
            _ = try await bench.lanes.claim(try #require(late.sale), for: Self.claimant("m1"), by: nil)
        }
        #expect(try await holder(late, bench) == nil)
        _ = try await bench.lanes.claim(try #require(late.sale), for: Self.claimant("m2"), by: nil)
        #expect(try await holder(late, bench) == "m2")
    }

    /// A journal that is sent again, however long, does not hide who rang up the sale that the card is added to.
    @Test func aCashiersOwnCardEarnsNothingBehindALongReplay() async throws {
        let bench = try await Bench("[[signs.staff]]\noperator = \"7\"\nmember = \"m1\"")
        _ = try await bench.sale("sale.open", "a")
        let late = try await bench.sale("sale.complete", "a", more: #","operator":{"id":"7"}"#)
        let decoder = TillEventDecoder(screening: bench.screening)
        var answers: [Task<TillAnswer, Never>] = []
        for number in 0..<2100 {
            let line =
                #"{"v":1,"type":"sale.complete","id":"r\#(number)","source":"1/1","time":"2025-11-24T16:00:00Z","replay":true"#
                + Bench.basket("r\(number)", "5.00", state: "completed") + "}"
            answers.append(await bench.lanes.submit(try decoder.decode(Array(line.utf8))))
        }
        for answer in answers { #expect(await answer.value.result == .accepted) }
        await bench.scan(Bench.card)
        #expect(try await holder(late, bench) == nil)
    }

    @Test func cardsAddedBehindTheSaleAreSeenByTheSigns() async throws {
        let bench = try await Bench()
        for number in 0..<4 {
            bench.clock.pass(seconds: 600)
            _ = try await bench.sale("sale.open", "s\(number)")
            _ = try await bench.sale("sale.complete", "s\(number)", more: #","operator":{"id":"7"}"#)
            await bench.scan(Bench.card)
            _ = try await bench.tally("test")
        }
        #expect(try await bench.tally("sign.card_often") == 1)
        #expect(try await bench.tally("sign.after_tender") == 4)
    }
}
