internal import CardReading
internal import ControlAPI
internal import EarnRules
internal import Logging
internal import LoyaltyModel
internal import ServiceLifecycle
internal import Storage
internal import Synchronization
internal import TillFeed
internal import USBReaders
internal import UnixSignals
internal import UpstreamSync

#if canImport(Glibc)
internal import Glibc
#endif

/// Sale events: the socket, and standard input where that was asked for.
final class TillService: Service {
    private let server: TillSocketServer
    private let tcpServer: TillSocketServer?
    private let pipe: TillPipe?
    private let drop: DropFolder?
    private let namedPipe: NamedPipe?
    private let lanes: LaneService
    private let path: String
    private let gate: StartGate
    private let log: Logger

    init(
        settings: DaemonSettings, lanes: LaneService, readsStandardInput: Bool, decoder: TillEventDecoder,
        gate: StartGate, log: Logger
    ) throws(LoyaltyError) {
        var group: UInt32?
        if let name = settings.till.socketGroup {
            guard let entry = getgrnam(name) else {
                throw LoyaltyError(
                    .configurationInvalid, "there is no group \"\(name)\"", at: Place(path: "till.socket_group"),
                    remedy: "Make it with: groupadd --system \(name)")
            }
            group = entry.pointee.gr_gid
        }
        self.lanes = lanes
        self.gate = gate
        self.log = log
        path = settings.till.socketPath
        let events = AsyncStream.makeStream(of: TillConnectionEvent.self)
        Task { for await event in events.stream { await lanes.note(event) } }
        let format = try settings.inputFormat(settings.till.format, decoder)
        let observe: @Sendable (TillConnectionEvent) -> Void = { event in
            events.continuation.yield(event)
            if case .opened(let peer) = event {
                log.info("till connected", metadata: ["uid": "\(peer.userID.map(String.init) ?? "over TCP")"])
            }
        }
        server = TillSocketServer(path: path, group: group, format: format, handler: lanes, observe: observe)
        tcpServer = try settings.till.tcp.map { address throws(LoyaltyError) in
            let token = try TillToken.loadOrCreate(settings.till.tokenFile, group: group) {
                var generator = SystemRandomNumberGenerator()
                return (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            }
            return TillSocketServer(.loopback(address, token), format: format, handler: lanes, observe: observe)
        }
        drop = try settings.till.drop.map { drop throws(LoyaltyError) in
            try DropFolder(
                directory: drop.directory, format: try settings.inputFormat(drop.format, decoder), handler: lanes
            ) { report in
                log.log(
                    level: report.outcome == .processed ? .info : .warning, "a file of the drop folder",
                    metadata: [
                        "file": "\(report.file)", "outcome": "\(report.outcome)", "answered": "\(report.answered)",
                        "reason": "\(report.reasons.first ?? "")",
                    ])
            }
        }
        namedPipe = try settings.till.pipe.map { path throws(LoyaltyError) in
            try NamedPipe(path: path, group: group, format: format, handler: lanes) { answer in
                guard answer.result == .quarantined || answer.result == .rejected else { return }
                // The till cannot be told.
                log.warning(
                    "a line of the till's pipe was not taken",
                    metadata: [
                        "event": "\(answer.acknowledges)", "result": "\(answer.result.rawValue)",
                        "code": "\(answer.code ?? "-")", "reason": "\(answer.message ?? "-")",
                    ])
            }
        }
        pipe = readsStandardInput ? try TillPipe(format: format, handler: lanes) : nil
    }

    func push(_ notice: TillNotice) {
        server.push(notice)
        tcpServer?.push(notice)
        pipe?.push(notice)
    }

    /// Ends at graceful shutdown, or with standard input.
    func run() async throws {
        do { try await lanes.loadSequences() } catch {
            log.error("the tills' event numbers could not be read", metadata: ["error": "\(error)"])
        }
        do {
            try await lanes.loadClocks()
            try await lanes.loadSigns()
        } catch {
            log.error("the sales of the last month could not be read", metadata: ["error": "\(error)"])
        }
        try await serve()
        do { try await lanes.keepSequences() } catch {
            log.error("the tills' event numbers could not be kept", metadata: ["error": "\(error)"])
        }
    }

    private func serve() async throws {
        let (server, path, gate, log) = (server, path, gate, log)
        try await cancelWhenGracefulShutdown {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    try await server.run {
                        log.notice("waiting for tills", metadata: ["socket": "\(path)"])
                        gate.open(.tillSocket)
                    }
                }
                if let tcpServer = self.tcpServer {
                    tasks.addTask {
                        try await tcpServer.run {
                            log.notice(
                                "waiting for tills over TCP",
                                metadata: ["port": "\(tcpServer.port.map(String.init) ?? "?")"])
                        }
                    }
                }
                if let drop = self.drop { tasks.addTask { try await drop.run() } }
                if let namedPipe = self.namedPipe { tasks.addTask { try await namedPipe.run() } }
                if let pipe = self.pipe {
                    tasks.addTask { _ = try await pipe.run() }
                }
                // With a pipe, whichever ends first ends the service.
                try await tasks.next()
                tasks.cancelAll()
                try await tasks.waitForAll()
            }
        }
    }
}

extension DaemonSettings {
    /// How the documents of a till are read, with what the settings say where they leave something open.
    ///
    /// - Throws: `adapter.missing` where CSV has no columns.
    func inputFormat(_ dialect: TillDialect, _ decoder: TillEventDecoder) throws(LoyaltyError) -> TillInputFormat {
        let zone = site.zone
        let adapter = AdapterSettings(
            source: till.source, epoch: till.epoch, store: site.store, register: till.register, currency: till.currency,
            columns: till.columns
        ) { zone.local($0).offsetMinutes }
        return try TillInputFormat(dialect, adapter, decoder: decoder)
    }
}

/// Delivery to the back end, ended last: it gets the chance to send what the others have stored.
struct DeliveryService: Service {
    let upstream: UpstreamService
    let log: Logger

    /// How long what is queued may still be sent at the end, by a back end that takes it.
    private static let longestDrain = Duration.seconds(4)

    func run() async throws {
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                do { try await upstream.run() } catch { log.error("delivery ended", metadata: ["error": "\(error)"]) }
            }
            tasks.addTask {
                do { try await gracefulShutdown() } catch { return }
                await withTaskGroup(of: Void.self) { drain in
                    drain.addTask { await upstream.settled() }
                    drain.addTask { try? await Task.sleep(for: Self.longestDrain) }
                    await drain.next()
                    drain.cancelAll()
                }
            }
            await tasks.next()
            tasks.cancelAll()
        }
    }
}

/// The control socket and the status page.
struct ControlService: Service {
    let settings: DaemonSettings
    let state: DaemonState
    let gate: StartGate
    let concerns: Concerns
    let clock: SystemClock
    let log: Logger

    func run() async throws {
        let page = settings.page.map { ControlServer.PageAddress(host: $0.host, port: $0.port) }
        let server = ControlServer(
            state: state, socketPath: settings.controlSocketPath, page: page, logger: Self.quiet,
            onListening: note)
        try await cancelWhenGracefulShutdown { try await server.run() }
    }

    private func note(_ listening: ControlServer.Listening) {
        switch listening {
        case .socket(let path):
            log.notice("control socket", metadata: ["socket": "\(path)"])
            gate.open(.controlSocket)
        case .page(let url):
            log.notice("status page", metadata: ["url": "\(url)"])
            concerns.clear(Self.pageUnavailable)
        case .pageUnavailable(let error):
            log.warning("no status page for now", metadata: ["error": "\(error)"])
            concerns.raise(
                Self.pageUnavailable, "there is no status page: \(error.message)",
                remedy: "Free the address, or write another one into page.listen", at: clock.now)
        }
    }

    private static let pageUnavailable = "page.unavailable"

    /// The web framework's own lines are of no use to an operator.
    private static let quiet: Logger = {
        var logger = Logger(label: "control") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        return logger
    }()
}

/// SIGHUP: reads the configuration again. A bad one leaves the old in force.
struct ReloadService: Service {
    let process: ProcessSetting
    let lanes: LaneService
    let readers: ReaderInput
    let state: DaemonState
    let concerns: Concerns
    let notifier: ServiceNotifier
    let clock: SystemClock
    let log: Logger

    private static let rejected = "config.rejected"

    func run() async throws {
        // Ignored until here, see `LoyaltyDaemon.run`; an ignored signal would not reach the sequence.
        signal(SIGHUP, SIG_DFL)
        let signals = await UnixSignalsSequence(trapping: .sighup)
        await cancelWhenGracefulShutdown {
            for await _ in signals { await reload() }
        }
    }

    private func reload() async {
        notifier.reloading(at: clock.monotonic)
        do {
            let fresh = try SettingsLoader(process).load()
            // All of it, although not all is used now: the next start must not be the one that fails.
            _ = try LoyaltyDaemon.check(fresh)
            let loader = RulesLoader(fresh)
            let rules = try await loader.completed(
                loader.load(), ProgramArchive(lanes.database), at: clock.now, log: log)
            let change = try readers.change(to: fresh.readers)
            for warning in rules.classifier.warnings { log.warning("\(warning)") }
            await lanes.replace(rules)
            readers.apply(change)
            state.reloaded(fresh.listing, readersApply: !change.takesRestart)
            let program = await lanes.program.identity
            concerns.clear(Self.rejected)
            if change.takesRestart {
                log.warning("another readers.backend applies at the next start, and its reader settings with it")
            }
            log.notice(
                "reloaded the program, the card schemes and the readers; other settings apply at the next start",
                metadata: ["program": "\(program.name)"])
        } catch {
            log.error("the new configuration is not used", metadata: ["error": "\(error)"])
            concerns.raise(
                Self.rejected, "the new configuration has an error, so the old one is in force: \(error)",
                remedy: "Correct it, then: systemctl reload loyaltyd", at: clock.now)
        }
        notifier.ready("reloaded")
    }
}
