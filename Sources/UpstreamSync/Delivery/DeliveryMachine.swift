public import LoyaltyModel

/// Decides what happens to events on their way to the back end. No I/O: takes what happened, says what to do next.
///
/// One request is in flight at a time, and the queue hands out at most one event per member, so order per member holds
/// whatever becomes of a batch. The retry classes are those of docs/upstream-protocol.md.
public struct DeliveryMachine: Sendable {
    /// A point in time on both clocks: waits of the line are monotonic, those that the queue stores are wall time.
    public struct Moment: Hashable, Sendable {
        public var wall: Timestamp
        public var monotonic: MonotonicTime

        public init(wall: Timestamp, monotonic: MonotonicTime) {
            self.wall = wall
            self.monotonic = monotonic
        }
    }

    public enum Input: Sendable {
        /// A wait ended, or the outbox got rows.
        case woken
        /// A person wants delivery now: waits are ignored once.
        case syncRequested
        /// The queue's answer to `fetch`; `nextDue` counts only where there are no events.
        case fetched([OutboundEvent], nextDue: Timestamp?)
        case answered(UpstreamResponse)
        /// No answer came.
        case failed(LoyaltyError)
        /// The queue could not be read or written.
        case queueFailed(LoyaltyError)
    }

    public enum Next: Hashable, Sendable {
        /// Ask the queue for events that are due at this time.
        case fetch(limit: Int, at: Timestamp)
        case send([OutboundEvent])
        /// Wait so long, or until `woken` for another reason; nil waits for that alone.
        case sleep(Duration?)
    }

    /// What to do: write the records down, then go on with `next`.
    public struct Step: Hashable, Sendable {
        public var records: [DeliveryRecord] = []
        /// What to tell a person about this step.
        public var failure: UpstreamFailure?
        /// The failure is the line's or the back end's, not that of an event.
        public var isLineFailure = false
        public var next: Next
    }

    public enum Condition: Hashable, Sendable {
        case idle
        case delivering
        case retrying
        /// Nothing is delivered until a person acts; one event is tried now and then.
        case paused(reason: String)
    }

    /// An event that the back end rejected, and whether it was the event's fault.
    struct Rejection: Hashable, Sendable {
        var tries = 0
        var first: MonotonicTime
        /// `acceptances` at the first rejection.
        var acceptances: UInt64
    }

    /// An event that failed alone.
    private struct Suspicion {
        /// `acceptances` of that time.
        var acceptances: UInt64
        /// Who failed longest ago is tried first.
        var turn: UInt64
    }

    public internal(set) var condition = Condition.idle
    /// How long the line still waits by itself, on the monotonic clock.
    public internal(set) var holdUntil: MonotonicTime?

    let settings: UpstreamSettings
    let jitter: Jitter
    var work: [[OutboundEvent]] = []
    var inFlight: [OutboundEvent] = []
    /// When they were sent: the back end has what it takes of them from then on, not from its answer on.
    var sentAt: Timestamp?
    var failures = 0
    var failingSince: MonotonicTime?
    var rejections: [String: Rejection] = [:]
    /// Events in one request: fewer where requests fail again and again, since one event, or their number, may be why.
    var limit: Int
    /// Events that failed alone. They are sent alone, behind all others.
    private var suspects: [String: Suspicion] = [:]
    private var turns: UInt64 = 0
    private static let mostSuspects = 4096
    /// How many due events may be passed over. Grows with each request that fails, so that those behind any number of bad ones
    /// are found after a few tries; 0 once nothing is due.
    private(set) var reach = 0 { didSet { if reach == 0 { reachedAt = nil } } }
    /// When the back end took one of those farther behind, which shows that it fails on some only.
    var reachedAt: MonotonicTime?
    /// How often it looked farther.
    private var looks: UInt64 = 0
    private static let longestReach = 4096
    /// How long the back end is thought to fail on some events only, where it takes none.
    private static let sortingTime = Duration.seconds(4 * 3600)
    /// From so many failures in a row on, requests become smaller.
    private static let patience = 3
    /// How many events the back end took so far. Only a back end that takes some can show that another is bad.
    var acceptances: UInt64 = 0
    /// How many requests in a row failed because of their event, as it seemed.
    var setbacks = 0
    /// From so many rejections in a row on, each holds the line.
    static let mostSetbacks = 16

    public init(settings: UpstreamSettings, jitter: @escaping Jitter) {
        self.settings = settings
        self.jitter = jitter
        limit = max(1, settings.batchSize)
    }

    public mutating func handle(_ input: Input, at now: Moment) -> Step {
        switch input {
        case .woken: Step(next: wakeUp(now))
        case .syncRequested: sync(now)
        case .fetched(let events, let nextDue): take(events, nextDue: nextDue, now)
        case .answered(let response): answer(response, now)
        case .failed(let error): lineFailed(UpstreamFailure(error, at: now.wall), wait: nil, now)
        case .queueFailed(let error): queueFailed(error, now)
        }
    }

    private func wakeUp(_ now: Moment) -> Next {
        if let holdUntil, holdUntil > now.monotonic { return .sleep(holdUntil.since(now.monotonic)) }
        return fetch(now)
    }

    func fetch(_ now: Moment) -> Next {
        // One, where a person has to act; of several, as the first may be what is refused.
        let most = if case .paused = condition { 1 } else { limit }
        // Suspects do not count, or they alone would fill a small request.
        return .fetch(limit: most + suspects.count + reach, at: now.wall)
    }

    private mutating func sync(_ now: Moment) -> Step {
        holdUntil = nil
        if case .paused = condition { return Step(next: fetch(now)) }
        // All of them are sent, not only those far behind.
        reach = 0
        // No wait is longer than an hour or what Retry-After may ask for; a week is past all of them.
        return Step(next: .fetch(limit: max(1000, settings.batchSize), at: now.wall.adding(seconds: 7 * 86_400)))
    }

    private mutating func take(_ events: [OutboundEvent], nextDue: Timestamp?, _ now: Moment) -> Step {
        guard !events.isEmpty else { return Step(next: rest(nextDue, now)) }
        let events = chosen(events)
        var records: [DeliveryRecord] = []
        var batch: [OutboundEvent] = []
        var bytes = 0
        var most = limit
        var alone: [[OutboundEvent]] = []
        for event in events {
            if !CloudEventsBatch.canEncode(event) {
                records.append(
                    DeliveryRecord(id: event.id, outcome: .dead(reason: "the payload is no JSON object"), at: now.wall))
            } else if rejections[event.id] != nil || suspects[event.id] != nil {
                // Alone, so that a batch need not be halved again to find it.
                if event.id == events.first?.id, suspects[event.id] != nil {
                    work.append([event])
                } else {
                    alone.append([event])
                }
            } else {
                let size = CloudEventsBatch.encodedSize(event)
                most = min(most, company(of: event))
                if !batch.isEmpty, batch.count >= most || bytes + size > settings.batchBytes {
                    work.append(batch)
                    batch = []
                    bytes = 0
                    most = company(of: event)
                }
                batch.append(event)
                bytes += size
            }
        }
        if !batch.isEmpty { work.append(batch) }
        work += alone
        return Step(records: records, next: sendNext(now))
    }

    /// In how large a request an event may travel: the more often it failed, the fewer share its fate, whatever else was taken
    /// meanwhile.
    private func company(of event: OutboundEvent) -> Int {
        let quarterings = min(max(event.attempts, 1), 32) - 1
        return min(limit, max(1, settings.batchSize >> (2 * quarterings)))
    }

    /// Others before suspects. After failures the others come from anywhere, as those in front may all be what fails, and before
    /// all come new ones. Now and then a suspect goes first, as it may have failed for no reason of its own.
    private func chosen(_ events: [OutboundEvent]) -> [OutboundEvent] {
        var late = events.filter { suspects[$0.id] != nil }.sorted { turn(of: $0) < turn(of: $1) }
        var others = events.filter { suspects[$0.id] == nil }
        if case .paused = condition {
            // One that is at fault would say nothing about the line.
            let suspect = others.isEmpty ? late.first : late.first { !isAtFault($0) }
            return (others.isEmpty || turns.isMultiple(of: 2) ? suspect : nil).map { [$0] } ?? slice(of: others, 1)
        }
        // By turns, those that failed least: after an outage they are its victims rather than bad.
        if (failures + setbacks).isMultiple(of: 2) {
            late.sort { ($0.attempts, turn(of: $0)) < ($1.attempts, turn(of: $1)) }
        }
        let fresh = others.filter { $0.attempts == 0 }
        if reach > 0 { others = slice(of: fresh.isEmpty ? others : fresh, limit) }
        guard fresh.isEmpty, failures >= Self.patience, !failures.isMultiple(of: 2), let first = late.first else {
            return others + late
        }
        return [first] + others + late.dropFirst()
    }

    /// So many that follow each other, each time elsewhere: multiples of the golden ratio spread evenly (Knuth, TAOCP 6.4).
    private func slice(of events: [OutboundEvent], _ count: Int) -> [OutboundEvent] {
        guard events.count > count else { return events }
        let places = UInt64(events.count - count + 1)
        let start = Int(((looks &* 40_503 & 0xffff) * places) >> 16)
        return Array(events[start..<start + count])
    }

    /// A suspect's place among the others.
    private func turn(of event: OutboundEvent) -> UInt64 { suspects[event.id]?.turn ?? 0 }

    private mutating func rest(_ nextDue: Timestamp?, _ now: Moment) -> Next {
        reach = 0
        if case .paused = condition {} else { condition = nextDue == nil ? .idle : .retrying }
        guard let nextDue else { return .sleep(nil) }
        let (gap, overflow) = nextDue.microseconds.subtractingReportingOverflow(now.wall.microseconds)
        // Looks again every minute, as the wall clock may be set; never at once, as a queue may say "due" and have nothing.
        let wait: Duration = overflow ? .seconds(60) : .microseconds(gap)
        return .sleep(min(max(wait, .milliseconds(50)), .seconds(60)))
    }

    mutating func sendNext(_ now: Moment) -> Next {
        guard !work.isEmpty else { return fetch(now) }
        inFlight = work.removeFirst()
        sentAt = now.wall
        if case .paused = condition {} else { condition = .delivering }
        return .send(inFlight)
    }

    /// The line, not an event, is at fault: everything waits.
    mutating func lineFailed(_ failure: UpstreamFailure, wait: Duration?, _ now: Moment) -> Step {
        if failure.needsPerson { return pause(failure, now) }
        // Who is told when to come again is not told that the event is bad.
        if (wait ?? .zero) == .zero, inFlight.count == 1, let event = inFlight.first, isAtFault(event) {
            return eventFailed(event, failure, now)
        }
        let delay = max(backoff(failures: failures, longest: longestBackoff(now)), wait ?? .zero)
        let own = inFlight.filter(isAtFault).map { backoff(failures: $0.attempts) }.max() ?? .zero
        failures += 1
        if failures >= Self.patience {
            lookFarther()
            limit = max(1, limit / 2)
        } else if inFlight.count == 1, let event = inFlight.first, event.attempts >= Self.patience {
            // New events that are taken between its failures end those of the line in a row, and clear the line, not it.
            suspect(event)
        }
        failingSince = failingSince ?? now.monotonic
        condition = .retrying
        let notBefore = now.wall.adding(max(delay, own))
        let records = inFlight.map {
            DeliveryRecord(id: $0.id, outcome: .retry(notBefore: notBefore, reason: failure.message), at: now.wall)
        }
        return hold(delay, records: records, failure: failure, now)
    }

    /// Others were taken since the event failed alone, so it waits by itself and holds up nobody else. Where one after the other
    /// fails so and nothing is taken, the next waits, too; but a new event is sent at once.
    private mutating func eventFailed(_ event: OutboundEvent, _ failure: UpstreamFailure, _ now: Moment) -> Step {
        let records = [retry(event, failure.message, now)]
        turns &+= 1
        suspects[event.id]?.turn = turns
        inFlight = []
        let isLineFailure = noteSetback()
        if setbacks > Self.patience { work.removeAll { $0.allSatisfy { suspects[$0.id] != nil } } }
        guard setbacks > Self.patience, work.isEmpty else {
            return Step(records: records, failure: failure, isLineFailure: isLineFailure, next: sendNext(now))
        }
        condition = .retrying
        let delay = backoff(failures: setbacks - Self.patience - 1)
        return Step(records: records, failure: failure, isLineFailure: isLineFailure, next: .sleep(delay))
    }

    /// One event after the other is rejected and none is taken: the line waits, rather than ask for each of them.
    mutating func rejectedAgain(_ records: [DeliveryRecord], _ failure: UpstreamFailure, _ now: Moment) -> Step {
        looks &+= 1
        reach = min(max(1, reach * 4), Self.longestReach)
        condition = .retrying
        let delay = backoff(failures: setbacks - Self.mostSetbacks - 1, longest: longestBackoff(now))
        return hold(delay, records: records, failure: failure, now)
    }

    /// The bad events are told from the others by and by, which is not to take days.
    private func longestBackoff(_ now: Moment) -> Duration {
        let isSorting = reachedAt.map { now.monotonic.since($0) < Self.sortingTime } ?? false
        return isSorting ? settings.probeInterval : settings.maximumBackoff
    }

    /// Whether the back end and not the event is to blame, as it takes nothing.
    mutating func noteSetback() -> Bool {
        setbacks += 1
        return setbacks > 1 || acceptances == 0
    }

    /// Others were taken since it failed alone: the line works, and the event holds up nobody else.
    func isAtFault(_ event: OutboundEvent) -> Bool {
        suspects[event.id].map { $0.acceptances != acceptances } ?? false
    }

    /// Lets others go before those in flight.
    private mutating func lookFarther() {
        looks &+= 1
        var passedOver = inFlight.count
        if inFlight.count == 1, let event = inFlight.first {
            suspect(event)
            // The first of them is passed over as it is.
            passedOver = suspects.count - 1
        }
        reach = min(max(passedOver, reach * 4), Self.longestReach)
    }

    private mutating func suspect(_ event: OutboundEvent) {
        turns &+= 1
        suspects[event.id] = Suspicion(acceptances: acceptances, turn: turns)
        guard suspects.count > Self.mostSuspects,
            let oldest = suspects.min(by: { $0.value.turn < $1.value.turn })
        else { return }
        suspects[oldest.key] = nil
    }

    /// The event is not sent again. A suspect that is gone would enlarge every fetch.
    mutating func forget(_ event: OutboundEvent) {
        rejections[event.id] = nil
        suspects[event.id] = nil
    }

    mutating func pause(_ failure: UpstreamFailure, _ now: Moment) -> Step {
        lookFarther()
        if inFlight.count > 1 { limit = max(1, limit / 2) }
        condition = .paused(reason: failure.message)
        failingSince = failingSince ?? now.monotonic
        return hold(settings.probeInterval, records: [], failure: failure, now)
    }

    private mutating func queueFailed(_ error: LoyaltyError, _ now: Moment) -> Step {
        let delay = max(backoff(), settings.minimumBackoff)
        failures += 1
        return hold(delay, records: [], failure: UpstreamFailure(error, at: now.wall), now)
    }

    private mutating func hold(
        _ delay: Duration, records: [DeliveryRecord], failure: UpstreamFailure, _ now: Moment
    ) -> Step {
        inFlight = []
        work = []
        holdUntil = now.monotonic.adding(delay)
        return Step(records: records, failure: failure, isLineFailure: true, next: .sleep(delay))
    }

    /// Full jitter: anything from nothing to a ceiling that doubles (M. Brooker, "Exponential Backoff And Jitter", 2015).
    private func backoff() -> Duration { backoff(failures: failures) }

    func backoff(failures: Int, longest: Duration? = nil) -> Duration {
        let ceiling = min(
            settings.minimumBackoff * (1 << min(max(failures, 0), 30)), longest ?? settings.maximumBackoff)
        return random(upTo: ceiling)
    }

    func random(upTo ceiling: Duration) -> Duration {
        let top = max(0, ceiling.microseconds)
        return .microseconds(min(max(jitter(0...top), 0), top))
    }
}

extension Duration {
    /// Whole microseconds, held at the ends of the range.
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        let (wide, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, carry) = wide.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        return overflow || carry ? (seconds < 0 ? .min : .max) : sum
    }
}

extension Timestamp {
    func adding(_ duration: Duration) -> Timestamp { adding(microseconds: duration.microseconds) }
}
