public import LoyaltyModel
import Synchronization

/// Delivers the outbox: asks the queue, sends, writes down what became of each event, waits, and begins again.
///
/// One instance per back end. `run` may be called once.
public final class UpstreamService: Sendable {
    /// Waits for a duration; injected, so that tests need not.
    public typealias Sleeper = @Sendable (Duration) async throws -> Void

    private struct Shared {
        var status = UpstreamStatus()
        var today: CalendarDate?
        var syncRequested = false
        var stopping = false
        var hasEnded = false
        var drainTimer: Task<Void, Never>?
        /// How often the delivery was woken.
        var wakes = 0
        var waiting: [Int: Waiting] = [:]
        var lastWaiting = 0
    }

    /// Somebody who waits for the end of what the wake after `wakes` began.
    private struct Waiting {
        var wakes: Int
        var continuation: CheckedContinuation<Void, Never>
    }

    private let queue: any OutboundQueue
    private let transport: any UpstreamTransport
    private let settings: UpstreamSettings
    private let clock: any LoyaltyClock
    private let jitter: Jitter
    private let sleeper: Sleeper
    private let shared = Mutex(Shared())
    /// One pending wake-up is enough: whoever wakes looks at everything.
    private let bell = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    public init(
        queue: any OutboundQueue,
        transport: any UpstreamTransport,
        settings: UpstreamSettings = UpstreamSettings(),
        clock: any LoyaltyClock,
        jitter: @escaping Jitter = { Int64.random(in: $0) },
        sleeper: @escaping Sleeper = { try await Task.sleep(for: $0) }
    ) {
        self.queue = queue
        self.transport = transport
        self.settings = settings
        self.clock = clock
        self.jitter = jitter
        self.sleeper = sleeper
    }

    /// The outbox got rows. Costs next to nothing; call it after every commit.
    public func notify() { bell.continuation.yield() }

    /// Ignores all waits once, those of the line and those of single events.
    public func syncNow() {
        shared.withLock { $0.syncRequested = true }
        bell.continuation.yield()
    }

    /// Returns when all that is queued now was delivered, or when there is nothing to do but wait: the back end cannot be
    /// reached, or has said when to come again. Returns at cancellation, and where delivery has ended.
    public func settled() async {
        let id = shared.withLock {
            $0.lastWaiting += 1
            return $0.lastWaiting
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = shared.withLock { state in
                    if state.hasEnded || Task.isCancelled { return true }
                    state.waiting[id] = Waiting(wakes: state.wakes, continuation: continuation)
                    return false
                }
                if isOver { continuation.resume() } else { notify() }
            }
        } onCancel: {
            shared.withLock { $0.waiting.removeValue(forKey: id) }?.continuation.resume()
        }
    }

    public var status: UpstreamStatus {
        let today = clock.now.date
        return shared.withLock {
            var status = $0.status
            if $0.today != today { status.deliveredToday = 0 }
            return status
        }
    }

    /// Delivers until the task is cancelled; then lets the batch in flight finish, and its results be written down, within
    /// `settings.drainDeadline`.
    public func run() async throws {
        // The work is not a child of this task: a cancelled database call would lose the results of a batch that arrived.
        let work = Task { await deliver() }
        await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            let timer = Task { [sleeper, settings] in
                do { try await sleeper(settings.drainDeadline) } catch { return }
                work.cancel()
            }
            shared.withLock {
                $0.stopping = true
                $0.drainTimer = timer
            }
            bell.continuation.yield()
        }
        await transport.shutdown()
        let left = shared.withLock { state in
            state.drainTimer?.cancel()
            state.status.state = .off
            state.status.nextAttempt = nil
            state.hasEnded = true
            defer { state.waiting = [:] }
            return state.waiting.values.map(\.continuation)
        }
        for waiting in left { waiting.resume() }
    }

    private func deliver() async {
        var machine = DeliveryMachine(settings: settings, jitter: jitter)
        var unwritten: [DeliveryRecord] = []
        var input = DeliveryMachine.Input.woken
        while true {
            let moment = moment
            let step = machine.handle(input, at: moment)
            unwritten += step.records
            report(step, machine, moment)
            var next = step.next
            do {
                // Before anything else: `due` must not hand out again what was answered.
                if !unwritten.isEmpty { try await queue.record(unwritten) }
                unwritten = []
            } catch {
                // A repeat is safe, so the records wait in memory for the queue.
                input = .queueFailed(Self.queueError(error))
                let step = machine.handle(input, at: moment)
                report(step, machine, moment)
                next = step.next
            }
            guard !isStopping, !Task.isCancelled else { return }
            input = await perform(next)
        }
    }

    private func perform(_ next: DeliveryMachine.Next) async -> DeliveryMachine.Input {
        switch next {
        case .fetch(let limit, let time):
            do {
                let events = try await queue.due(limit: limit, at: time)
                return .fetched(events, nextDue: events.isEmpty ? try await queue.nextDue() : nil)
            } catch { return .queueFailed(Self.queueError(error)) }
        case .send(let events):
            do {
                let response = try await transport.send(CloudEventsBatch(events))
                noteAnswer(response)
                return .answered(response)
            } catch { return .failed(error) }
        case .sleep(let duration): return await sleep(duration)
        }
    }

    private func sleep(_ duration: Duration?) async -> DeliveryMachine.Input {
        let settled = shared.withLock { state in
            let settled = state.waiting.filter { $0.value.wakes < state.wakes }
            for id in settled.keys { state.waiting[id] = nil }
            return settled.values.map(\.continuation)
        }
        for waiting in settled { waiting.resume() }
        let timer = duration.map { duration in
            Task { [sleeper, bell] in
                try await sleeper(duration)
                bell.continuation.yield()
            }
        }
        defer { timer?.cancel() }
        // A ring that comes from an older timer does no harm: the machine looks at the clock.
        for await _ in bell.stream { break }
        let isSync = shared.withLock { state in
            state.wakes += 1
            defer { state.syncRequested = false }
            return state.syncRequested
        }
        return isSync ? .syncRequested : .woken
    }

    private var isStopping: Bool { shared.withLock { $0.stopping } }

    private var moment: DeliveryMachine.Moment {
        DeliveryMachine.Moment(wall: clock.now, monotonic: clock.monotonic)
    }

    private static func queueError(_ error: any Error) -> LoyaltyError {
        (error as? LoyaltyError) ?? LoyaltyError(.upstreamQueue, "the outbox cannot be read or written")
    }
}

// Status, kept up to date as things happen.
extension UpstreamService {
    private func noteAnswer(_ response: UpstreamResponse) {
        let now = clock.now
        guard let date = response.date.flatMap(HTTPDate.parse) else { return }
        let (difference, overflow) = date.microseconds.subtractingReportingOverflow(now.microseconds)
        shared.withLock { $0.status.clockSkewSeconds = overflow ? nil : difference / 1_000_000 }
    }

    private func report(_ step: DeliveryMachine.Step, _ machine: DeliveryMachine, _ moment: DeliveryMachine.Moment) {
        shared.withLock { state in
            state.status.state = UpstreamStatus.State(machine.condition)
            state.status.reason = nil
            if case .paused(let reason) = machine.condition { state.status.reason = reason }
            if let failure = step.failure {
                state.status.lastFailure = failure
                // That the back end rejects an event says that it is there.
                if step.isLineFailure { state.status.failuresInARow += 1 }
            }
            switch step.next {
            case .send:
                state.status.lastAttempt = moment.wall
                state.status.nextAttempt = nil
            case .fetch: state.status.nextAttempt = nil
            case .sleep(let duration): state.status.nextAttempt = duration.map { moment.wall.adding($0) }
            }
            Self.count(step.records, &state, moment.wall)
        }
    }

    private static func count(_ records: [DeliveryRecord], _ state: inout Shared, _ now: Timestamp) {
        if state.today != now.date {
            state.today = now.date
            state.status.deliveredToday = 0
        }
        for record in records {
            switch record.outcome {
            case .delivered:
                state.status.deliveredToday += 1
                state.status.deliveredTotal += 1
                state.status.lastSuccess = now
                state.status.failuresInARow = 0
            case .retry: break
            case .dead: state.status.deadTotal += 1
            }
        }
    }
}

extension UpstreamStatus.State {
    init(_ condition: DeliveryMachine.Condition) {
        switch condition {
        case .idle: self = .idle
        case .delivering: self = .delivering
        case .retrying: self = .retrying
        case .paused: self = .paused
        }
    }
}

extension LoyaltyError.Code {
    /// The outbox cannot be read or written.
    public static let upstreamQueue = Self("upstream.queue", kind: .inputOutput)
}
