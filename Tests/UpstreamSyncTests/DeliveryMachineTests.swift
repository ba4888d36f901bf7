import LoyaltyModel
import Synchronization
import Testing
import UpstreamSync

/// A machine, its clock, and what it decided so far.
private struct Bench {
    let clock = HandClock()
    var machine: DeliveryMachine

    init(_ settings: UpstreamSettings = UpstreamSettings(), jitter: @escaping Jitter = { $0.upperBound }) {
        machine = DeliveryMachine(settings: settings, jitter: jitter)
    }

    mutating func handle(_ input: DeliveryMachine.Input) -> DeliveryMachine.Step {
        machine.handle(input, at: clock.moment)
    }

    mutating func fetch(_ events: [OutboundEvent]) -> DeliveryMachine.Step {
        handle(.fetched(events, nextDue: nil))
    }

    mutating func answer(_ status: Int, _ body: String = "", retryAfter: String? = nil, date: String? = nil)
        -> DeliveryMachine.Step
    {
        handle(.answered(UpstreamResponse(status: status, retryAfter: retryAfter, date: date, body: Array(body.utf8))))
    }

    /// One event sent, answered with this status.
    mutating func single(_ status: Int, _ event: OutboundEvent, retryAfter: String? = nil, date: String? = nil)
        -> DeliveryMachine.Step
    {
        _ = fetch([event])
        return answer(status, retryAfter: retryAfter, date: date)
    }

    func seconds(until record: DeliveryRecord?) -> Double? {
        guard case .retry(let notBefore, _) = record?.outcome else { return nil }
        return Double(notBefore.microseconds - clock.now.microseconds) / 1e6
    }
}

private func isDelivered(_ record: DeliveryRecord?) -> Bool {
    if case .delivered = record?.outcome { true } else { false }
}

private func isDead(_ record: DeliveryRecord?) -> Bool { if case .dead = record?.outcome { true } else { false } }

@Suite("What an answer means")
struct DeliveryMachineTests {
    @Test(arguments: [200, 201, 202, 204, 409])
    func taken(_ status: Int) {
        var bench = Bench()
        let step = bench.single(status, event(1))
        #expect(step.records.map(\.id) == ["t-7f.1"])
        #expect(isDelivered(step.records.first))
        #expect(step.next == .fetch(limit: 100, at: bench.clock.now), "goes on without waiting")
    }

    /// The back end books between the request and its answer: a balance that it tells of that moment counts the event.
    @Test func anEventIsDeliveredAtTheTimeOfItsRequest() {
        var bench = Bench()
        _ = bench.fetch([event(1)])
        let sent = bench.clock.now
        bench.clock.advance(.seconds(1))
        #expect(bench.answer(200).records.map(\.at) == [sent])
    }

    @Test(arguments: [408, 425, 429, 500, 502, 503, 504, 599])
    func notReadyWaitsAndTriesAgain(_ status: Int) {
        var bench = Bench()
        let step = bench.single(status, event(1))
        #expect(bench.seconds(until: step.records.first) == 1)
        #expect(step.next == .sleep(.seconds(1)))
        #expect(bench.machine.condition == .retrying)
        #expect(step.failure?.code == "upstream.http_\(status)")
    }

    @Test func noAnswerWaitsAndTriesAgain() {
        var bench = Bench()
        _ = bench.fetch([event(1)])
        let step = bench.handle(.failed(LoyaltyError(.upstreamConnect, "cannot connect")))
        #expect(bench.seconds(until: step.records.first) == 1)
        #expect(step.next == .sleep(.seconds(1)))
    }

    @Test func ceilingDoublesToFifteenMinutesAndNeverEnds() {
        var bench = Bench()
        var waits: [Double?] = []
        for _ in 0..<14 {
            waits.append(bench.seconds(until: bench.single(503, event(1)).records.first))
            bench.clock.advance(.seconds(900))
        }
        #expect(waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900])
        let step = bench.single(200, event(1))
        #expect(isDelivered(step.records.first))
        #expect(bench.seconds(until: bench.single(503, event(2)).records.first) == 1, "a success begins anew")
    }

    @Test func jitterMayBeAnythingDownToNothing() {
        var bench = Bench(jitter: { $0.lowerBound })
        #expect(bench.seconds(until: bench.single(503, event(1)).records.first) == 0)
        var wild = Bench(jitter: { _ in .max })
        #expect(wild.seconds(until: wild.single(503, event(1)).records.first) == 1, "held to the ceiling")
    }

    @Test(arguments: [
        (429, "120", nil as String?, 120.0), (503, "7", nil, 7), (429, "86400", nil, 3600), (429, "soon", nil, 1),
        (429, "-5", nil, 1), (429, "0", nil, 1),
        // The back end's own clock counts, an hour or ten years off as it may be.
        (429, "Sun, 06 Nov 1994 08:51:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 120),
        (429, "Sun, 06 Nov 1994 08:49:30 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 1),
    ])
    func retryAfterIsKept(_ status: Int, _ retryAfter: String, _ date: String?, _ seconds: Double) {
        var bench = Bench()
        let step = bench.single(status, event(1), retryAfter: retryAfter, date: date)
        #expect(bench.seconds(until: step.records.first) == seconds)
    }

    @Test(arguments: [401, 403, 407, 301, 302, 307, 308, 405, 415])
    func aPersonIsNeeded(_ status: Int) {
        var bench = Bench()
        let step = bench.single(status, event(1))
        #expect(step.records.isEmpty, "no try is held against the event")
        #expect(step.next == .sleep(.seconds(60)))
        guard case .paused = bench.machine.condition else {
            Issue.record("not paused")
            return
        }
        bench.clock.advance(.seconds(20))
        #expect(bench.handle(.woken).next == .sleep(.seconds(40)), "new sales do not shorten the wait")
        bench.clock.advance(.seconds(40))
        // Of two, so that another can try it where the first is what is refused.
        #expect(bench.handle(.woken).next == .fetch(limit: 2, at: bench.clock.now), "one event tries it")
        #expect(bench.fetch([event(1)]).next == .send([event(1)]))
        #expect(bench.answer(200).next == .fetch(limit: 100, at: bench.clock.now), "then all go on")
    }

    @Test func anUnreadableTokenNeedsAPerson() {
        var bench = Bench()
        _ = bench.fetch([event(1)])
        let step = bench.handle(.failed(LoyaltyError(.upstreamToken, "the token is empty")))
        #expect(step.records.isEmpty)
        #expect(bench.machine.condition == .paused(reason: "the token is empty"))
    }

    @Test(arguments: [400, 404, 413, 422])
    func halvesFindTheBadEvent(_ status: Int) {
        var bench = Bench()
        let events = (1...5).map { event($0, member: "m\($0)") }
        #expect(bench.fetch(events).next == .send(events))
        #expect(bench.answer(status).next == .send(Array(events[0...1])))
        let first = bench.answer(200)
        #expect(first.records.map(\.id) == ["t-7f.1", "t-7f.2"])
        #expect(first.records.allSatisfy(isDelivered))
        #expect(first.next == .send(Array(events[2...4])))
        #expect(bench.answer(status).next == .send([events[2]]))
        let bad = bench.answer(status)
        #expect(bad.records.map(\.id) == ["t-7f.3"])
        #expect(bench.seconds(until: bad.records.first) == 600)
        #expect(bad.next == .send(Array(events[3...4])))
        #expect(bench.answer(200).records.map(\.id) == ["t-7f.4", "t-7f.5"])
    }

    @Test func goneIsDeadAtOnceButNotForItsBatch() {
        var bench = Bench()
        let events = [event(1, member: "a"), event(2, member: "b")]
        _ = bench.fetch(events)
        let step = bench.answer(207, #"[{"id":"t-7f.1","status":410},{"id":"t-7f.2","status":200}]"#)
        #expect(isDead(step.records.first))
        #expect(isDelivered(step.records.last))
    }

    @Test func goneWithoutAResultIsDeadOnceAnotherWasTaken() {
        var bench = Bench()
        let events = [event(1, member: "a"), event(2, member: "b")]
        _ = bench.fetch(events)
        #expect(bench.answer(410).next == .send([events[0]]))
        #expect(bench.seconds(until: bench.answer(410).records.first) == 600, "it may be the address that is gone")
        #expect(isDelivered(bench.answer(200).records.first))
        bench.clock.advance(.seconds(600))
        #expect(isDead(bench.single(410, events[0]).records.first))
    }

    @Test func anAddressThatIsGoneKillsNothing() {
        var bench = Bench()
        _ = bench.single(200, event(9, member: "m9"))
        for number in 1...5 { #expect(!isDead(bench.single(410, event(number)).records.first)) }
        bench.clock.advance(.seconds(7200))
        for number in 1...5 { #expect(!isDead(bench.single(410, event(number)).records.first)) }
    }

    @Test func threeTriesOverAnHourThenDead() {
        var bench = Bench()
        let bad = event(1)
        #expect(bench.seconds(until: bench.single(422, bad).records.first) == 600)
        #expect(isDelivered(bench.single(200, event(2, member: "m2")).records.first))
        bench.clock.advance(.seconds(600))
        #expect(bench.seconds(until: bench.single(422, bad).records.first) == 3000)
        bench.clock.advance(.seconds(3000))
        #expect(isDead(bench.single(422, bad).records.first))
    }

    @Test func aDeadEventEnlargesNoFetch() {
        for status in [422, 410] {
            var settings = UpstreamSettings()
            settings.batchSize = 1
            var bench = benchWithSuspect(settings)
            var last: DeliveryMachine.Step?
            for number in 2...4 where !isDead(last?.records.first) {
                last = bench.single(status, event(1))
                bench.clock.advance(.seconds(3600))
                _ = bench.single(200, event(number, member: "m2"))
            }
            #expect(isDead(last?.records.first))
            _ = bench.fetch([])
            #expect(bench.handle(.woken).next == .fetch(limit: 1, at: bench.clock.now))
        }
    }

    @Test func manyTriesWithinTheHourDoNotKill() {
        var bench = Bench()
        for _ in 0..<5 { #expect(!isDead(bench.single(422, event(1)).records.first)) }
        _ = bench.single(200, event(2, member: "m2"))
        #expect(!isDead(bench.single(422, event(1)).records.first))
    }

    @Test func aBackEndThatTakesNothingKillsNothing() {
        var bench = Bench()
        for _ in 0..<10 {
            #expect(bench.seconds(until: bench.single(404, event(1)).records.first) != nil)
            bench.clock.advance(.seconds(3000))
        }
    }

    @Test func aBackEndThatTookNothingForHoursAndFaltersOnceMoreKillsNothing() {
        var bench = Bench()
        for _ in 0..<5 {
            _ = bench.single(404, event(1))
            bench.clock.advance(.seconds(3000))
        }
        _ = bench.single(404, event(1))
        bench.clock.advance(.seconds(60))
        _ = bench.single(200, event(2, member: "m2"))
        #expect(bench.seconds(until: bench.single(404, event(1)).records.first) == 3000)
        bench.clock.advance(.seconds(3600))
        #expect(isDead(bench.single(404, event(1)).records.first), "an hour after it, with others taken between")
    }

    @Test func aBackEndThatRejectsEverythingIsAtFaultItself() {
        var bench = Bench()
        #expect(bench.single(404, event(1)).isLineFailure, "it never took anything")
        _ = bench.single(200, event(2))
        #expect(!bench.single(422, event(3)).isLineFailure, "one event says little")
        #expect(bench.single(404, event(4)).isLineFailure)
        _ = bench.fetch([event(5)])
        let step = bench.answer(207, #"[{"id":"t-7f.5","status":422}]"#)
        #expect(step.isLineFailure)
        #expect(step.failure?.message.contains("422") == true)
        _ = bench.single(200, event(6))
        #expect(!bench.single(422, event(7)).isLineFailure)
    }

    /// A bench where event 1 failed alone and others were taken since.
    private func benchWithSuspect(_ settings: UpstreamSettings = UpstreamSettings()) -> Bench {
        var bench = Bench(settings)
        for _ in 0..<3 { _ = bench.single(503, event(1)) }
        bench.clock.advance(.seconds(900))
        _ = bench.single(200, event(2, member: "m2"))
        return bench
    }

    @Test func retryAfterHoldsTheLineWhateverEventIsAnswered() {
        var bench = benchWithSuspect()
        let step = bench.single(429, event(1), retryAfter: "3600")
        #expect(step.next == .sleep(.seconds(3600)))
        #expect(bench.seconds(until: step.records.first) == 3600)
        bench.clock.advance(.seconds(3599))
        #expect(bench.handle(.woken).next == .sleep(.seconds(1)))
    }

    @Test func aShortRetryAfterDoesNotShortenTheWaitOfABadEvent() {
        var bench = benchWithSuspect()
        var bad = event(1)
        bad.attempts = 10
        let step = bench.single(503, bad, retryAfter: "5")
        #expect(step.next == .sleep(.seconds(5)))
        #expect(bench.seconds(until: step.records.first) == 900)
    }

    @Test func aRejectedEventTravelsAloneFromThenOn() {
        var bench = Bench()
        _ = bench.single(422, event(1))
        bench.clock.advance(.seconds(600))
        let others = [event(2, member: "m2"), event(3, member: "m3")]
        #expect(bench.fetch([event(1)] + others).next == .send(others))
        #expect(bench.answer(200).next == .send([event(1)]))
    }

    @Test func eachEventGetsItsOwnResult() {
        var bench = Bench()
        let events = (1...8).map { event($0, member: "m\($0)") }
        _ = bench.fetch(events)
        let step = bench.answer(
            207,
            """
            [{"id":"t-7f.1","status":200},{"id":"t-7f.2","status":200,"reason":"duplicate"},
             {"id":"t-7f.3","status":202,"reason":"stored but not matched"},{"id":"t-7f.4","status":503},
             {"id":"t-7f.5","status":422,"reason":"unknown store"},{"id":"t-7f.6","status":410},
             {"id":"t-7f.7","status":409},{"id":"someone else's","status":200}]
            """)
        let outcomes = step.records.map(\.outcome)
        #expect(step.records.map(\.id) == events.map(\.id))
        #expect(outcomes[0] == .delivered(warning: nil))
        #expect(outcomes[1] == .delivered(warning: nil))
        #expect(outcomes[2] == .delivered(warning: "stored but not matched"))
        #expect(outcomes[3] == .retry(notBefore: bench.clock.now.adding(seconds: 1), reason: "503"))
        #expect(outcomes[4] == .retry(notBefore: bench.clock.now.adding(seconds: 600), reason: "422: unknown store"))
        #expect(outcomes[5] == .dead(reason: "410"))
        #expect(outcomes[6] == .delivered(warning: nil))
        #expect(bench.seconds(until: step.records[7]) == 1, "an event that is not named is sent again")
        #expect(step.next == .fetch(limit: 100, at: bench.clock.now))
    }

    @Test func resultsCountInAPlain200Too() {
        var bench = Bench()
        _ = bench.fetch([event(1, member: "a"), event(2, member: "b")])
        let step = bench.answer(200, #"[{"id":"t-7f.1","status":200},{"id":"t-7f.2","status":503}]"#)
        #expect(isDelivered(step.records.first))
        #expect(bench.seconds(until: step.records.last) == 1)
    }

    @Test(arguments: ["", "OK", "{}", "[]", #"{"stored":2}"#])
    func aPlain200TakesAll(_ body: String) {
        var bench = Bench()
        _ = bench.fetch([event(1, member: "a"), event(2, member: "b")])
        let step = bench.answer(200, body)
        #expect(step.records.count == 2)
        #expect(step.records.allSatisfy(isDelivered))
    }

    @Test(arguments: ["", "nonsense", "[]", #"[{"id":"t-7f.99","status":200}]"#, #"[{"id":"t-7f.1","status":503}]"#])
    func a207ThatSaysNothingGoodHoldsTheLine(_ body: String) {
        var bench = Bench()
        let step = bench.fetch([event(1)])
        #expect(step.next == .send([event(1)]))
        let answer = bench.answer(207, body)
        #expect(bench.seconds(until: answer.records.first) == 1)
        #expect(answer.next == .sleep(.seconds(1)), "no storm of requests at a back end that takes nothing")
    }

    @Test func contradictionSendsAgain() {
        var bench = Bench()
        _ = bench.fetch([event(1, member: "a"), event(2, member: "b")])
        let step = bench.answer(
            207,
            #"[{"id":"t-7f.1","status":200},{"id":"t-7f.1","status":500},{"id":"t-7f.2","status":200}]"#)
        #expect(bench.seconds(until: step.records.first) == 1)
        #expect(isDelivered(step.records.last))
    }

    @Test func syncNowIgnoresAllWaitsOnce() {
        var bench = Bench()
        _ = bench.single(503, event(1))
        guard case .fetch(_, let time) = bench.handle(.syncRequested).next else {
            Issue.record("no fetch")
            return
        }
        #expect(time >= bench.clock.now.adding(seconds: 3600), "also those that wait for the longest")
        _ = bench.fetch([event(1)])
        #expect(bench.answer(200).next == .fetch(limit: 100, at: bench.clock.now))
    }

    @Test func restsUntilTheNextIsDue() {
        var bench = Bench()
        #expect(bench.fetch([]).next == .sleep(nil))
        #expect(bench.machine.condition == .idle)
        let due = bench.clock.now.adding(seconds: 20)
        #expect(bench.handle(.fetched([], nextDue: due)).next == .sleep(.seconds(20)))
        #expect(bench.machine.condition == .retrying)
        let far = bench.clock.now.adding(seconds: 86_400)
        #expect(bench.handle(.fetched([], nextDue: far)).next == .sleep(.seconds(60)), "the wall clock may be set")
        let past = bench.clock.now.adding(seconds: -5)
        #expect(bench.handle(.fetched([], nextDue: past)).next == .sleep(.milliseconds(50)), "never spins")
    }

    @Test func batchesAreHeldToTheirByteLimit() {
        var settings = UpstreamSettings()
        settings.batchBytes = 2000
        var bench = Bench(settings)
        let events = (1...4).map { event($0, member: "m\($0)") }
        #expect(bench.fetch(events).next == .send(Array(events[0...2])))
        #expect(bench.answer(200).next == .send([events[3]]))
    }

    @Test func aDamagedPayloadIsDeadAndSpoilsNoBatch() {
        var bench = Bench()
        var damaged = event(1, member: "a")
        damaged.data = Array("garbage".utf8)
        let step = bench.fetch([damaged, event(2, member: "b")])
        #expect(step.records.map(\.id) == ["t-7f.1"])
        #expect(isDead(step.records.first))
        #expect(step.next == .send([event(2, member: "b")]))
    }

    @Test func aChainDoesNotComeBackAllAtOnce() {
        var settings = UpstreamSettings()
        settings.reconnectSpread = .seconds(60)
        var bench = Bench(settings)
        _ = bench.single(503, event(1))
        bench.clock.advance(.seconds(10))
        #expect(bench.single(200, event(1)).next == .fetch(limit: 100, at: bench.clock.now), "a hiccup is no outage")
        _ = bench.single(503, event(2))
        bench.clock.advance(.seconds(301))
        let step = bench.single(200, event(2))
        #expect(isDelivered(step.records.first))
        #expect(step.next == .sleep(.seconds(60)))
    }

    @Test func noCardNumberComesBackOutOfAnAnswer() throws {
        var bench = Bench()
        let card = CardNumber("6035700017")
        _ = bench.fetch([event(1, card: card)])
        let step = bench.answer(422, "card 6035700017 and 4111111111111111 unknown\u{1b}[2J")
        let text = "\(step)"
        #expect(!text.contains("6035700017"))
        #expect(!text.contains("4111111111111111"))
        #expect(!text.contains("\u{1b}"))
        #expect(text.contains("unknown"))
    }

    @Test func aFullDiskWaits() {
        var bench = Bench()
        let step = bench.handle(.queueFailed(LoyaltyError(.upstreamQueue, "full")))
        #expect(step.next == .sleep(.seconds(1)))
        #expect(step.failure?.code == "upstream.queue")
    }
}

/// A back end that does not like one event, or so many: the others arrive all the same.
@Suite("One bad event holds up one member")
struct OneBadEventTests {
    /// What the queue and the back end would do, each event of a member of its own, until all but the bad ones are delivered, or
    /// else until the time is over.
    ///
    /// - Parameter timeout: how long a request takes that gets no answer.
    private func deliver(
        _ count: Int, within limit: Duration, bad: Set<String> = [], arrivals: [Int: Duration] = [:],
        timeout: Duration = .zero, jitter: @escaping Jitter = { $0.upperBound },
        answer: (_ batch: [OutboundEvent], _ elapsed: Duration) -> DeliveryMachine.Input
    ) -> (left: Set<String>, dead: Set<String>, machine: DeliveryMachine) {
        var bench = Bench(jitter: jitter)
        var events = (1...count).map { event($0) }
        var due: [String: Timestamp] = [:]
        for (index, event) in events.enumerated() {
            due[event.id] = bench.clock.now.adding(seconds: arrivals[index + 1]?.components.seconds ?? 0)
        }
        var dead: Set<String> = []
        let end = bench.clock.now.adding(microseconds: Int64(limit.components.seconds) * 1_000_000)
        var next = bench.handle(.woken).next
        var fetched = bench.clock.now
        while bench.clock.now < end, !Set(due.keys).subtracting(bad).isEmpty {
            let step: DeliveryMachine.Step
            switch next {
            case .fetch(let most, let time):
                fetched = bench.clock.now
                let ready = events.filter { due[$0.id].map { $0 <= time } ?? false }.prefix(most)
                step = bench.handle(.fetched(Array(ready), nextDue: due.values.min()))
            case .send(let batch):
                let elapsed = bench.clock.now.microseconds - bench.clock.start.microseconds
                let input = answer(batch, .microseconds(elapsed))
                if case .failed = input { bench.clock.advance(timeout) }
                step = bench.handle(input)
            case .sleep(let wait):
                // A new sale wakes the delivery, also one that came during a request.
                let arrival = due.values.filter { $0 > fetched }.min().map {
                    Duration.microseconds(max($0.microseconds - bench.clock.now.microseconds, 0))
                }
                fetched = bench.clock.now
                bench.clock.advance(min(wait ?? .seconds(60), arrival ?? .seconds(60)))
                step = bench.handle(.woken)
            }
            for record in step.records {
                if let index = events.firstIndex(where: { $0.id == record.id }) { events[index].attempts += 1 }
                switch record.outcome {
                case .delivered: due[record.id] = nil
                case .retry(let notBefore, _): due[record.id] = notBefore
                case .dead:
                    due[record.id] = nil
                    dead.insert(record.id)
                }
            }
            next = step.next
        }
        return (Set(due.keys), dead, bench.machine)
    }

    private let taken = DeliveryMachine.Input.answered(UpstreamResponse(status: 200, body: []))

    /// So many bad ones among a thousand: in front, at the end, or one after each few good ones.
    enum Place: CaseIterable {
        case front, end, between

        func bad(_ count: Int) -> Set<String> {
            let numbers =
                switch self {
                case .front: (0..<count).map { $0 + 1 }
                case .end: (0..<count).map { 1000 - $0 }
                case .between: (0..<count).map { $0 * 1000 / max(count, 1) + 1 }
                }
            return Set(numbers.map { event($0).id })
        }
    }

    /// No answer, or one that could be the line's, from a back end that does not bear these events.
    enum Answer: CaseIterable {
        case none, serverError, forbidden

        var input: DeliveryMachine.Input {
            switch self {
            case .none: .failed(LoyaltyError(.upstreamConnect, "reset"))
            case .serverError: .answered(UpstreamResponse(status: 500, body: []))
            case .forbidden: .answered(UpstreamResponse(status: 403, body: []))
            }
        }
    }

    @Test("Any number of bad events holds up no other", arguments: Answer.allCases, [0, 1, 16, 17, 40, 200])
    func many(_ answer: Answer, _ count: Int) {
        let bad = Place.front.bad(count)
        let (left, dead, _) = deliver(1000, within: .seconds(2 * 3600 + count * 180), bad: bad) { batch, _ in
            batch.contains { bad.contains($0.id) } ? answer.input : taken
        }
        #expect(left.subtracting(bad).count == 0, "they wait, and nobody else does")
        #expect(dead.subtracting(bad).isEmpty)
    }

    @Test("Bad events may stand anywhere", arguments: Place.allCases, [17, 40, 200])
    func anywhere(_ place: Place, _ count: Int) {
        for answer in Answer.allCases {
            let bad = place.bad(count)
            // After a 403 the line waits for a minute, as it may be the token.
            let hours = answer == .forbidden && count == 200 ? 24 : 6
            let (left, dead, _) = deliver(1000, within: .seconds(hours * 3600), bad: bad) { batch, _ in
                batch.contains { bad.contains($0.id) } ? answer.input : taken
            }
            #expect(left.subtracting(bad).count == 0, "\(answer)")
            #expect(dead.isSubset(of: answer == .forbidden ? bad : []))
        }
    }

    @Test("Events that hang may stand anywhere", arguments: Place.allCases, [17, 40])
    func hanging(_ place: Place, _ count: Int) {
        let bad = place.bad(count)
        let (left, dead, _) = deliver(1000, within: .seconds(6 * 3600), bad: bad, timeout: .seconds(30)) { batch, _ in
            batch.contains { bad.contains($0.id) } ? .failed(LoyaltyError(.upstreamTimeout, "no answer")) : taken
        }
        #expect(left.count == bad.count)
        #expect(dead.isEmpty)
    }

    @Test("During trade an event that hangs holds up no sale, however often one comes", arguments: [1, 5], 1...8)
    func trade(_ count: Int, _ seed: UInt64) {
        let random = Mutex(seed)
        let next: Jitter = { range in
            random.withLock { state in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int64(state >> 33) % (range.upperBound + 1)
            }
        }
        var arrivals: [Int: Duration] = [:]
        var time: Int64 = 0
        for number in 1...1500 {
            time += next(0...40)
            arrivals[number] = .seconds(time)
        }
        let bad = Set((0..<count).map { event(50 + $0 * 7).id })
        let numbers = Dictionary(uniqueKeysWithValues: (1...1500).map { (event($0).id, $0) })
        var waits: [String: Duration] = [:]
        _ = deliver(
            1500, within: .seconds(24 * 3600), bad: bad, arrivals: arrivals, timeout: .seconds(30),
            jitter: next
        ) { batch, elapsed in
            if batch.contains(where: { bad.contains($0.id) }) {
                return .failed(LoyaltyError(.upstreamTimeout, "no answer"))
            }
            for event in batch {
                waits[event.id] = numbers[event.id].flatMap { arrivals[$0] }.map { elapsed - $0 }
            }
            return taken
        }
        #expect(waits.count == 1500 - bad.count)
        let late = waits.filter { $0.value > .seconds(1800) }
        #expect(late.isEmpty, "\(late.count), for \(late.values.max() ?? .zero)")
    }

    @Test("Where everything is rejected, requests are few, nothing is set aside, and afterwards all goes out")
    func allRejected() {
        var requests = 0
        let day = Duration.seconds(24 * 3600)
        let (left, dead, _) = deliver(1000, within: .seconds(27 * 3600)) { _, elapsed in
            guard elapsed < day else { return taken }
            requests += 1
            return .answered(UpstreamResponse(status: 404, body: []))
        }
        #expect(left.isEmpty && dead.isEmpty)
        #expect(requests < 1500, "a few in a quarter of an hour, and not all of them each hour")
    }

    @Test("Rejected events hold up nobody else", arguments: Place.allCases, [17, 200])
    func rejected(_ place: Place, _ count: Int) {
        let bad = place.bad(count)
        let (left, dead, _) = deliver(1000, within: .seconds(2 * 3600), bad: bad) { batch, _ in
            batch.contains { bad.contains($0.id) } ? .answered(UpstreamResponse(status: 422, body: [])) : taken
        }
        #expect(left.subtracting(bad).count == 0)
        #expect(dead.subtracting(bad).isEmpty)
    }

    @Test(
        "A new sale goes out soon, however many bad events wait", arguments: [1, 17, 40], [Duration.zero, .seconds(30)])
    func newSale(_ count: Int, _ timeout: Duration) {
        let bad = Set((1...count).map { event($0).id })
        let late = event(count + 2).id
        var delivered: Duration?
        // Known as bad, as one was taken after them; then none is sold for a night.
        let night: Duration = .seconds(12 * 3600)
        _ = deliver(
            count + 2, within: .seconds(14 * 3600), bad: bad, arrivals: [count + 2: night], timeout: timeout
        ) { batch, elapsed in
            guard !batch.contains(where: { bad.contains($0.id) }) else {
                return .failed(LoyaltyError(.upstreamConnect, "reset"))
            }
            if batch.contains(where: { $0.id == late }) { delivered = elapsed }
            return taken
        }
        #expect(delivered.map { $0 <= night + .seconds(900) } == true)
    }

    @Test("Victims of an outage go out behind a bad one that stands in front of all") func victims() {
        let bad: Set = [event(1).id]
        let (left, _, _) = deliver(5, within: .seconds(26 * 3600), bad: bad) { batch, elapsed in
            elapsed < .seconds(24 * 3600) || batch.contains { bad.contains($0.id) }
                ? .failed(LoyaltyError(.upstreamConnect, "reset")) : taken
        }
        #expect(left.count == bad.count)
    }

    @Test("While everything fails, requests are few; afterwards all goes out at once", arguments: [0, 40, 200])
    func downForADay(_ count: Int) {
        // Bad events that are known by then, and then an outage.
        let bad = Place.front.bad(count)
        let down = Duration.seconds(4 * 3600)...Duration.seconds(28 * 3600)
        var requests = 0
        var last: Duration = .zero
        let arrivals = Dictionary(uniqueKeysWithValues: (901...1000).map { ($0, down.lowerBound + .seconds(60)) })
        let (left, dead, _) = deliver(1000, within: .seconds(48 * 3600), bad: bad, arrivals: arrivals) {
            batch, elapsed in
            if down.contains(elapsed) {
                requests += 1
                return .failed(LoyaltyError(.upstreamConnect, "cannot connect"))
            }
            if batch.contains(where: { bad.contains($0.id) }) {
                return .failed(LoyaltyError(.upstreamConnect, "reset"))
            }
            last = elapsed
            return taken
        }
        #expect(left.count == bad.count)
        #expect(dead.isEmpty)
        #expect(requests < 400, "one in a minute at first, then in a quarter of an hour")
        // Some stand among bad ones that are not yet known as such.
        #expect(last < down.upperBound + .seconds(count == 0 ? 1800 : 4 * 3600))
    }

    @Test("The back end's server fails on it") func poison() {
        let bad: Set = [event(1).id]
        let (left, dead, _) = deliver(1000, within: .seconds(3600), bad: bad) { batch, _ in
            batch.contains { bad.contains($0.id) } ? .failed(LoyaltyError(.upstreamConnect, "reset")) : taken
        }
        #expect(left == bad, "it waits, and nobody else does")
        #expect(dead.isEmpty)
    }

    @Test("Requests of so many take longer than there is time") func tooManyAtOnce() {
        let (left, _, _) = deliver(500, within: .seconds(3600)) { batch, _ in
            batch.count > 12 ? .failed(LoyaltyError(.upstreamTimeout, "no answer")) : taken
        }
        #expect(left.isEmpty)
    }

    @Test("Something on the way refuses one event as if the token were wrong") func oneForbidden() {
        let bad: Set = [event(1).id]
        let (left, _, machine) = deliver(300, within: .seconds(3600), bad: bad) { batch, _ in
            batch.contains { bad.contains($0.id) } ? .answered(UpstreamResponse(status: 403, body: [])) : taken
        }
        #expect(left.count == bad.count)
        if case .paused = machine.condition { Issue.record("still paused") }
    }

    @Test("A long outage is no fault of the events: all go out when it ends") func outage() {
        var requests = 0
        let (left, dead, _) = deliver(2000, within: .seconds(8 * 3600)) { _, _ in
            requests += 1
            return requests < 20 ? .failed(LoyaltyError(.upstreamConnect, "cannot connect")) : taken
        }
        #expect(left.isEmpty)
        #expect(dead.isEmpty)
        #expect(requests < 120, "requests grow again")
    }
}
