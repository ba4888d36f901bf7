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
/// The one owner of the lanes. An `await` lets other events in, so nothing read before one may be relied on after it;
/// what must hold together (decide and queue the commit) stands without an `await` between.
actor LaneService: TillHandler {
    /// What a reload replaces.
    struct Rules: Sendable {
        var classifier: CardClassifier
        var program: Program
    }

    struct Outlets: Sendable {
        /// Pushes to all till connections.
        var notify: @Sendable (CardScannedNotice) -> Void
        /// The outbox got rows.
        var wakeUpstream: @Sendable () -> Void
    }

    struct Snapshot: Sendable {
        var program: ProgramIdentity
        var primaryCurrency: String
        var training: Bool
        var refusing: Bool
        var connections: Int
        var lastEventAt: Timestamp?
        var results: [String: Int]
        var answerTime: LatencyReport?
    }

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
    var outlets = Outlets(notify: { _ in }, wakeUpstream: {})

    var lanes: [String: Lane] = [:]
    /// The register of sources that named it in a sale, for card events, which do not.
    var registerOfSource: [String: String] = [:]
    /// Documents whose commit is on its way: a repeat of one must not touch the lane either.
    var inFlight: Set<EventIdentity> = []
    /// The cards of documents whose commit failed; the till will send them again.
    var attachmentsOfFailures: [EventIdentity: CardAttachment] = [:]
    /// Numbers of cards that the cache does not know, between scan and commit, in memory alone.
    var unknownNumbers: [String: CardNumber] = [:]

    private var training = false
    private var connections = 0
    private var lastEventAt: Timestamp?
    private var results: [String: Int] = [:]
    var answerTimes = AnswerTimes()

    init(
        settings: DaemonSettings, database: LoyaltyDatabase, rules: Rules, clock: any LoyaltyClock,
        readers: ReaderRegister, log: Logger
    ) {
        self.settings = settings
        self.database = database
        self.rules = rules
        screen = Mutex(rules.classifier)
        self.clock = clock
        self.readers = readers
        self.log = log
        ledger = Ledger(database)
        members = MemberCache(database)
    }

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
        Snapshot(
            program: rules.program.identity, primaryCurrency: rules.program.primaryCurrency, training: training,
            refusing: isOverBudget, connections: connections, lastEventAt: lastEventAt, results: results,
            answerTime: answerTimes.report)
    }

    var isOverBudget: Bool { database.sizeInBytes >= settings.storageBudget }

    var today: CalendarDate { settings.site.zone.local(clock.now).date }

    // MARK: The till's lines

    func quarantine(_ problem: TillLineProblem) async -> Task<TillAnswer, Never> {
        let ticket = ledger.quarantine(
            code: problem.error.code.name, message: problem.error.message, redactedLine: problem.redactedLine,
            at: clock.now)
        count("event.\(problem.error.code.name)")
        log.warning("a till line was put into quarantine", metadata: ["error": "\(problem.error)"])
        return Task {
            do {
                try await ticket.value
                return tallied(problem.answer(.quarantined))
            } catch { return tallied(problem.answer(.rejected)) }
        }
    }

    func submit(_ event: TillEvent) async -> Task<TillAnswer, Never> {
        lastEventAt = clock.now
        if event.training {
            training = true
            count("event.training")
            return answered(event, .ignored, code: "training")
        }
        switch event.content {
        case .control(let verb):
            if verb == .training { training.toggle() }
            if verb == .signoff, let register = register(of: event) { signOff(register) }
            return answered(event, .ignored, code: "control.\(verb.rawValue)")
        case .card(let verb, let card):
            training = false
            return await submitCard(event, verb, card)
        case .sale(let verb, let sale):
            training = false
            registerOfSource[event.identity.source] = sale.register
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

    func tallied(_ answer: TillAnswer) -> TillAnswer {
        results[answer.result.rawValue, default: 0] += 1
        return answer
    }

    func count(_ name: String) { ledger.count(name, on: today) }

    /// The register that an event without a sale is about.
    func register(of event: TillEvent) -> String? {
        registerOfSource[event.identity.source]
            ?? event.identity.source.split(separator: "/").last.map(String.init)
    }
}
