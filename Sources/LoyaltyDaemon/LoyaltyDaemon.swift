internal import CardReading
internal import ControlAPI
internal import EarnRules
internal import Logging
public import LoyaltyModel
internal import ServiceLifecycle
internal import Storage
internal import TillFeed
internal import USBReaders
internal import UnixSignals
internal import UpstreamSync

#if canImport(Glibc)
internal import Glibc
#endif

/// The composition root: makes the rooms out of the settings, joins them, starts them in order and drains them in reverse.
public struct LoyaltyDaemon: Sendable {
    public static let version = "0.1.0"

    /// Shutdown must end before systemd's `TimeoutStopSec` (30 s in the unit).
    private static let longestShutdown = Duration.seconds(20)

    private let settings: DaemonSettings
    private let process: ProcessSetting
    private let readsStandardInput: Bool
    private let clock = SystemClock()
    private let log: Logger

    /// - Parameter readsStandardInput: sale events come from standard input, and its end ends the daemon.
    public init(settings: DaemonSettings, process: ProcessSetting, readsStandardInput: Bool) {
        self.settings = settings
        self.process = process
        self.readsStandardInput = readsStandardInput
        let level = Logger.Level(rawValue: settings.logLevel) ?? .info
        let environment = process.environment
        log = Logger(label: "loyaltyd") { label in
            StandardErrorLog(label: label, level: level, environment: environment)
        }
    }

    public struct CheckReport: Sendable {
        public var program: String
        /// Files with a time of their own.
        public var versions: Int
        public var schemes: Int
        public var warnings: [String]
    }

    /// Reads all that a start would read, and changes nothing. - Throws: what a start would throw about it.
    public static func check(_ settings: DaemonSettings) throws(LoyaltyError) -> CheckReport {
        let rules = try RulesLoader(settings).load()
        let readers = try ReaderRules(settings.readers)
        if settings.readers.backend == .capture { _ = try readers.player() }
        if let upstream = settings.upstream { _ = try UpstreamURL(upstream.url) }
        return CheckReport(
            program: rules.programs.versions[0].identity.name, versions: rules.programs.versions.count,
            schemes: settings.schemes.count, warnings: rules.classifier.warnings)
    }

    /// Runs until SIGTERM, SIGINT or the end of standard input. - Throws: `LoyaltyError` where it cannot start or go on.
    public func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        // A reload that comes before its service listens must not end the start.
        signal(SIGHUP, SIG_IGN)
        let loader = RulesLoader(settings)
        var rules = try loader.load()
        for warning in rules.classifier.warnings { log.warning("\(warning)") }
        let readerRules = try ReaderRules(settings.readers)
        let database = try openDatabase()
        defer { database.close() }
        rules = try await loader.completed(rules, ProgramArchive(database), at: clock.now, log: log)
        let input = try ReaderInput(settings.readers.backend, readerRules, clock: clock)
        let register = input.register
        let lanes = LaneService(
            settings: settings, database: database, rules: rules, clock: clock, readers: register, log: log)
        let upstream = try settings.upstream.map { try upstreamService($0, database) }
        let concerns = Concerns()
        let gate = StartGate()
        let backend = input.backend
        let signal: @Sendable (ReaderID, TillAnswer.Signal) -> Void = {
            backend?.signal(ScanDecoder.Signal($1), on: $0)
        }
        let recorder = backend.map {
            ReaderRecorder($0.tap, classifier: { lanes.classifier }, clock: clock, log: log)
        }
        let state = DaemonState(
            DaemonState.Parts(
                version: Self.version, settings: settings, database: database, clock: clock,
                startedAt: clock.monotonic, lanes: lanes, readers: register, upstream: upstream, concerns: concerns,
                signal: signal, recorder: recorder))
        let feed = try TillService(
            settings: settings, lanes: lanes, readsStandardInput: readsStandardInput,
            decoder: TillEventDecoder(screening: screening(lanes)), gate: gate, log: log)
        await lanes.connect(
            LaneService.Outlets(
                notify: { feed.push(.cardScanned($0)) }, signal: signal,
                wakeUpstream: { upstream?.notify() }, tellReaderState: { feed.push(.readerState($0)) }))
        let readers = backend.map {
            ReaderService(backend: $0, lanes: lanes, concerns: concerns, clock: clock, log: log)
        }
        let control = ControlService(
            settings: settings, state: state, gate: gate, concerns: concerns, clock: clock, log: log)
        let notifier = ServiceNotifier(environment: process.environment)
        let health = HealthMonitor(
            state: state, database: database, readers: readers, gate: gate, concerns: concerns, clock: clock,
            notifier: notifier, interval: watchdogInterval, log: log)
        let reload = ReloadService(
            process: process, lanes: lanes, readers: input, state: state, concerns: concerns, notifier: notifier,
            clock: clock,
            log: log)

        let program = await lanes.program.identity
        log.notice("starting", metadata: ["terminal": "\(database.terminal)", "program": "\(program.name)"])
        // Shutdown goes from the last to the first: first nothing new comes in, at last what is stored is sent.
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = []
        if let upstream { services.append(.init(service: DeliveryService(upstream: upstream, log: log))) }
        services.append(.init(service: control))
        services.append(.init(service: health))
        services.append(
            .init(service: RetentionService(settings: settings, database: database, gate: gate, clock: clock, log: log))
        )
        services.append(
            .init(
                service: AccountService(
                    database: database, lanes: lanes, gate: gate, clock: clock, log: log,
                    wakeUpstream: { upstream?.notify() }))
        )
        services.append(.init(service: reload))
        if let readers { services.append(.init(service: readers)) }
        services.append(
            .init(service: feed, successTerminationBehavior: .gracefullyShutdownGroup))
        // At debug level it writes down all that the services hold, the environment with its secrets too.
        var lifecycleLog = log
        lifecycleLog.logLevel = max(log.logLevel, .info)
        var configuration = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: lifecycleLog)
        configuration.maximumGracefulShutdownDuration = Self.longestShutdown
        try await ServiceGroup(configuration: configuration).run()
        log.notice("stopped")
    }

    private func openDatabase() throws(LoyaltyError) -> LoyaltyDatabase {
        let directory = settings.stateDirectory
        try LoyaltyDatabase.prepare(directory: directory)
        let credential = process.environment["CREDENTIALS_DIRECTORY"].map { $0 + "/card-key" }
        let key: CardKey
        if let credential, access(credential, R_OK) == 0 {
            key = try CardKey.load(credential)
        } else {
            key = try CardKey.loadOrCreate(directory + "/card.key")
        }
        return try LoyaltyDatabase.open(directory: directory, key: key, now: clock.now) {
            "t" + String(UInt32.random(in: .min ... .max), radix: 36)
        }
    }

    private func upstreamService(
        _ upstream: DaemonSettings.Upstream, _ database: LoyaltyDatabase
    ) throws(LoyaltyError) -> UpstreamService {
        var transport = HTTPTransport.Settings(url: try UpstreamURL(upstream.url))
        transport.userAgent = "loyaltyd/\(Self.version)"
        transport.requestTimeout = upstream.timeout
        transport.connectTimeout = min(transport.connectTimeout, upstream.timeout)
        transport.readTimeout = min(transport.readTimeout, upstream.timeout)
        var delivery = UpstreamSettings()
        delivery.batchSize = upstream.batch
        // On top of what `DeliveryService` waits: five seconds together.
        delivery.drainDeadline = .seconds(1)
        let file = upstream.tokenFile
        return UpstreamService(
            queue: Outbox(database),
            transport: HTTPTransport(settings: transport) { () throws(LoyaltyError) in
                // Read for every batch, so that a renewed token needs no restart.
                try file.map { path throws(LoyaltyError) in
                    try readText(path).split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
                }
            },
            settings: delivery, clock: clock)
    }

    /// The payment screen that all lines of a till pass. It asks for the schemes at every line, so a reload reaches it.
    private func screening(_ lanes: LaneService) -> CardScreening {
        CardScreening(
            classify: { text, kind, entry in
                switch lanes.classifier.classify(text: text, kind: kind, entry: entry) {
                case .loyalty(let number, _): .number(number)
                case .unclassified(let number): kind == .card ? .unclassified(number) : .number(number)
                case .refused(let refusal): .refused(refusal)
                }
            },
            containsPaymentCard: PaymentScreen.containsPaymentCard, redacted: PaymentScreen.redacted)
    }

    private var watchdogInterval: Duration {
        guard let text = process.environment["WATCHDOG_USEC"], let microseconds = Int64(text), microseconds > 0 else {
            return .seconds(10)
        }
        return .microseconds(microseconds / 3)
    }
}
