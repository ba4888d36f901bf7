internal import Logging
package import LoyaltyModel
internal import Storage
package import USBReaders

/// The lane of one register over a state directory, fed by a reader backend of the caller's: the daemon's own way from a scan
/// to the matched member, without till and back end. `Tests/bench/scan-path` measures it.
package struct LaneTrial: Sendable {
    private let database: LoyaltyDatabase
    private let lanes: LaneService
    private let readers: ReaderService

    /// - Parameters:
    ///   - configurationFile: with the card schemes; its readers do not count.
    ///   - decided: gets the member of each scan as soon as the lane has decided about it, nil where there is none.
    /// - Throws: what a start of the daemon throws.
    package init(
        configurationFile: String, stateDirectory: String, backend: any ReaderBackend,
        decided: @escaping @Sendable (MemberID?) -> Void
    ) async throws {
        let clock = SystemClock()
        let log = Logger(label: "trial") { _ in SwiftLogNoOpLogHandler() }
        let settings = try SettingsLoader(
            ProcessSetting(
                configurationFile: configurationFile, stateDirectory: stateDirectory, environment: [:], isRoot: false)
        ).load()
        try LoyaltyDatabase.prepare(directory: stateDirectory)
        database = try LoyaltyDatabase.open(
            directory: stateDirectory, key: try CardKey.loadOrCreate(stateDirectory + "/card.key"), now: clock.now
        ) { "trial" }
        lanes = LaneService(
            settings: settings, database: database, rules: try RulesLoader(settings).load(), clock: clock,
            readers: ReaderRegister { _ in nil }, log: log)
        await lanes.connect(
            LaneService.Outlets(
                notify: { notice in decided(notice.member?.id.map { MemberID($0) }) }, signal: { _, _ in },
                wakeUpstream: {}))
        readers = ReaderService(backend: backend, lanes: lanes, concerns: Concerns(), clock: clock, log: log)
    }

    /// Brings one batch of new members into the cache. - Throws: `storage.*`.
    package func add(_ members: [MemberRecord]) async throws {
        _ = try await MemberImport(database).apply(members.map { .upsert($0) }, generation: 1, snapshot: false)
    }

    /// How many members the cache holds. - Throws: `storage.*`.
    package func memberCount() async throws -> Int { try await MemberCache(database).count().members }

    /// Serves the backend's scans until the task is cancelled.
    package func run() async throws { try await readers.run() }

    package func close() { database.close() }
}
