internal import CardReading
internal import Checkout
internal import ControlAPI
internal import EarnRules
internal import Logging
internal import LoyaltyModel
internal import Storage
internal import Synchronization
internal import TillFeed
internal import USBReaders

/// Drives the lanes: asks the cache who holds a card, lets the lane's state machine decide, commits to the ledger, answers.
///
/// The one owner of the lanes. Events pass one after the other in the order of their arrival (`inTurn`), whatever they wait
/// for on their way; what must hold together with a commit (decide and queue) stands without an `await` between, since commits
/// end, and reloads happen, at any time.
actor LaneService: TillHandler {
    /// What a reload replaces.
    struct Rules: Sendable {
        var classifier: CardClassifier
        var programs: ProgramVersions
        /// The files that `programs` were read from.
        var copies: [ProgramArchive.Copy] = []
    }

    struct Outlets: Sendable {
        /// Pushes to all till connections.
        var notify: @Sendable (CardScannedNotice) -> Void
        /// Beeps or lights up at the reader; returns at once.
        var signal: @Sendable (ReaderID, TillAnswer.Signal) -> Void
        /// The outbox got rows.
        var wakeUpstream: @Sendable () -> Void
        /// Pushes to the connections that asked for it.
        var tellReaderState: @Sendable (ReaderStateNotice) -> Void = { _ in }
    }

    struct Snapshot: Sendable {
        /// In force now.
        var program: ProgramIdentity
        /// Begins next, and when.
        var nextProgram: (identity: ProgramIdentity, effective: Effective)?
        var primaryCurrency: String
        var training: Bool
        var refusing: Bool
        var connections: Int
        /// The registers of the sales since the start.
        var registers: Set<String>
        var lastEventAt: Timestamp?
        var results: [String: Int]
        var answerTime: LatencyReport?
        /// By source and epoch.
        var sequences: [SequenceKey: SequenceGaps]
    }

    nonisolated let thread = LaneThread()
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    let settings: DaemonSettings
    let database: LoyaltyDatabase
    let ledger: Ledger
    let members: MemberCache
    let clock: any LoyaltyClock
    let readers: ReaderRegister
    let log: Logger
    private(set) var rules: Rules {
        didSet { screen.withLock { $0 = rules.classifier } }
    }
    /// The classifier again, for the till feed's threads, which must not wait for this actor.
    private let screen: Mutex<CardClassifier>
    var outlets = Outlets(notify: { _ in }, signal: { _, _ in }, wakeUpstream: {})

    var lanes: [String: Lane] = [:]
    /// Of what the tills kept from before the start.
    var earlierLanes: [String: Lane] = [:]
    /// The register of sources that named it in a sale, for card events, which do not.
    var registerOfSource: [String: String] = [:]
    /// The last snapshot of the basket at each register, for questions about it.
    var baskets: [String: Sale] = [:]
    /// Documents whose commit is on its way: a repeat of one must not touch the lane either.
    var inFlight: Set<EventIdentity> = []
    var keptCards = KeptCards()
    var recentEvents = RecentEvents()
    /// Of sales that are on disk and may still get a card.
    var rungUp = RungUpSales()
    var unknownNumbers = UnknownNumbers()
    var sequences: [SequenceKey: SequenceGaps] = [:]
    var signs: FraudSigns
    var sourcesOfToday = SourceTally()
    private var turnstile = Turnstile()
    private let usedBytes: @Sendable () -> Int64
    /// Wall time may be set after the start.
    let started: MonotonicTime
    private(set) var lags: [String: RegisterLag] = [:]

    private var training = false
    private var connections = 0
    private var lastEventAt: Timestamp?
    private var results: [String: Int] = [:]
    private var resultsDay: CalendarDate?
    var answerTimes = AnswerTimes()

    /// - Parameter usedBytes: what the database takes of its budget; nil asks the file system.
    init(
        settings: DaemonSettings, database: LoyaltyDatabase, rules: Rules, clock: any LoyaltyClock,
        readers: ReaderRegister, log: Logger, usedBytes: (@Sendable () -> Int64)? = nil
    ) {
        self.settings = settings
        self.database = database
        self.rules = rules
        screen = Mutex(rules.classifier)
        self.clock = clock
        started = clock.monotonic
        self.readers = readers
        self.log = log
        self.usedBytes = usedBytes ?? { database.sizeInBytes }
        signs = FraudSigns(limits: settings.signs.limits)
        ledger = Ledger(database)
        members = MemberCache(database)
    }

    /// The version of the program that is in force now.
    var program: Program { rules.programs.program(at: clock.now) }

    nonisolated var classifier: CardClassifier { screen.withLock { $0 } }

    func connect(_ outlets: Outlets) { self.outlets = outlets }

    /// Later events use these rules; documents already queued keep theirs.
    func replace(_ rules: Rules) { self.rules = rules }

    func note(_ event: TillConnectionEvent) {
        switch event {
        case .opened: connections += 1
        case .closed: connections = max(0, connections - 1)
        case .turnedAway: break
        }
    }

    func snapshot() -> Snapshot {
        let (program, next) = (program, rules.programs.next(after: clock.now))
        return Snapshot(
            program: program.identity,
            nextProgram: next.flatMap { next in next.effective.map { (next.identity, $0) } },
            primaryCurrency: program.primaryCurrency, training: training,
            refusing: isOverBudget, connections: connections, registers: Set(registerOfSource.values),
            lastEventAt: lastEventAt, results: resultsDay == today ? results : [:], answerTime: answerTimes.report,
            sequences: sequences)
    }

    var isOverBudget: Bool { usedBytes() >= settings.storage.budget }

    var today: CalendarDate { settings.site.businessDay(clock.now) }

    /// Does the work when everything that came before is done.
    func inTurn<Value: Sendable>(_ work: () async -> Value) async -> Value {
        if !turnstile.enter() { await withCheckedContinuation { turnstile.wait($0) } }
        defer { turnstile.leave() }
        return await work()
    }

    // MARK: The till's lines

    func quarantine(_ problem: TillLineProblem) async -> Task<TillAnswer, Never> {
        // In front, so that they go along with the line.
        count("event.\(problem.error.code.name)")
        count("event.quarantined")
        await inTurn { end(problem) }
        let ticket = ledger.quarantine(
            code: problem.error.code.name, message: problem.error.message, redactedLine: problem.redactedLine,
            at: clock.now)
        log.warning("a till line was put into quarantine", metadata: ["error": "\(problem.error)"])
        return Task {
            do {
                try await ticket.value
                return tallied(problem.answer(.quarantined))
            } catch { return tallied(problem.answer(.rejected)) }
        }
    }

    /// The basket is over at the counter, and the card that was read for it must not wait for the next customer.
    private func end(_ problem: TillLineProblem) {
        if let ended = problem.endedSale {
            guard !recentEvents.isRepeat(problem) else { return }
            end(Lane.SaleKey(uid: ended.uid, register: ended.register, number: ended.number))
        } else if problem.isDocument, lanes.count == 1, let register = lanes.keys.first,
            !recentEvents.isRepeat(problem)
        {
            signOff(register)
        }
    }

    /// A basket is over at the counter that no document is stored of.
    func end(_ key: Lane.SaleKey, closedAt: Timestamp? = nil) {
        adoptEarlyLane(key.register)
        let step = Lane.SaleStep(.cancel, key, closedAt: closedAt)
        _ = lanes[key.register]?.handle(.sale(step), at: clock.monotonic)
        tellEarlier(.sale(step), key.register)
    }

    func submit(_ event: TillEvent) async -> Task<TillAnswer, Never> { await inTurn { await take(event) } }

    private func take(_ event: TillEvent) async -> Task<TillAnswer, Never> {
        lastEventAt = clock.now
        noteSequence(of: event)
        if let answer = recentEvents.answer(to: event) {
            let final = tallied(answer)
            return Task { final }
        }
        if event.training {
            training = true
            count("event.training")
            endTraining(event)
            return remembered(event, .ignored, code: "training")
        }
        switch event.content {
        case .control(let verb):
            if verb == .training { training.toggle() }
            if verb == .signoff, let register = register(of: event) {
                signOff(register)
                return remembered(event, .ignored, code: "control.\(verb.rawValue)")
            }
            if verb == .subscribe { return answered(event, .accepted, code: "live") }
            return answered(event, .ignored, code: "control.\(verb.rawValue)")
        case .card(let verb, let card):
            training = false
            return await submitCard(event, verb, card)
        case .rewards(let card, let basket):
            training = false
            return await submitRewardQuery(event, card, basket)
        case .action(let verb, let action, let card):
            training = false
            return await submitAction(event, verb, action, card)
        case .member(let update, let card):
            training = false
            return await submitUpdate(event, update, card)
        case .sale(let verb, let sale):
            training = false
            learn(sale.register, of: event.identity.source)
            return await submitSale(event, verb, sale)
        }
    }

    func answered(
        _ event: TillEvent, _ result: TillAnswer.Result, code: String? = nil, message: String? = nil
    ) -> Task<TillAnswer, Never> {
        let answer = tallied(
            TillAnswer(acknowledges: event.identity.id, result: result, code: code, message: message))
        return Task { answer }
    }

    /// The same for an event that has moved a lane: sent again it moves nothing.
    func remembered(
        _ event: TillEvent, _ result: TillAnswer.Result, code: String? = nil, message: String? = nil
    ) -> Task<TillAnswer, Never> {
        remembered(
            event, TillAnswer(acknowledges: event.identity.id, result: result, code: code, message: message))
    }

    func remembered(_ event: TillEvent, _ answer: TillAnswer) -> Task<TillAnswer, Never> {
        recentEvents.remember(event, answer)
        let final = tallied(answer)
        return Task { final }
    }

    /// A card that was read for a training sale must not wait for the next customer.
    private func endTraining(_ event: TillEvent) {
        guard case .sale(_, let sale) = event.content, !event.replay else { return }
        adoptEarlyLane(sale.register)
        signOff(sale.register)
    }

    private static let clockDays = Int64(7)

    /// Learns the clocks of the registers from the latest sales. - Throws: `storage.*`.
    func loadClocks() async throws(LoyaltyError) {
        lags = try await ledger.registerLags(since: clock.now.adding(seconds: -Self.clockDays * 86_400))
            .mapValues { RegisterLag($0) }
    }

    /// Takes up when a finished sale came that is new.
    ///
    /// - Returns: how long ago it was closed, counted from the longest way that its register's latest sales took, where these come at an
    ///   even pace and it clearly comes as they do, or clearly late.
    func noteLag(_ closed: Timestamp, _ register: String) -> Duration? {
        if lags.count >= Self.mostRegisters, lags[register] == nil { lags = [:] }
        let (lag, isBeyond) = clock.now.microseconds.subtractingReportingOverflow(closed.microseconds)
        return isBeyond ? nil : lags[register, default: RegisterLag()].note(lag, at: clock.monotonic)
    }

    func tallied(_ answer: TillAnswer) -> TillAnswer {
        let day = today
        if resultsDay != day {
            resultsDay = day
            results = [:]
        }
        results[answer.result.rawValue, default: 0] += 1
        return answer
    }

    func count(_ name: String) { ledger.count(name, on: today) }

    /// A till that names sources or registers without end must not take all memory.
    private static let mostRegisters = 1024

    private func learn(_ register: String, of source: String) {
        if registerOfSource.count >= Self.mostRegisters, registerOfSource[source] == nil { registerOfSource = [:] }
        registerOfSource[source] = register
        if lanes.count >= Self.mostRegisters, lanes[register] == nil {
            (lanes, earlierLanes, baskets) = ([:], [:], [:])
        }
    }

    /// The register that an event without a sale is about.
    func register(of event: TillEvent) -> String? {
        registerOfSource[event.identity.source]
            ?? event.identity.source.split(separator: "/").last.map(String.init)
    }
}
