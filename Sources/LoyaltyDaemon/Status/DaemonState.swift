internal import CardReading
internal import ControlAPI
internal import LoyaltyModel
internal import Storage
internal import Synchronization
internal import TillFeed
internal import UpstreamSync

/// Answers the control API out of the rooms' own figures. Holds nothing but when the word changed.
final class DaemonState: ControlState {
    struct Parts: Sendable {
        var version: String
        var settings: DaemonSettings
        var database: LoyaltyDatabase
        var clock: any LoyaltyClock
        var startedAt: MonotonicTime
        var lanes: LaneService
        var readers: ReaderRegister
        var upstream: UpstreamService?
        var concerns: Concerns
        /// Has a reader beep or light up.
        var signal: @Sendable (ReaderID, TillAnswer.Signal) -> Void
        var recorder: ReaderRecorder?
    }

    private struct WordSince {
        var word: StatusReport.Word
        var reason: String
        var since: Timestamp
    }

    let parts: Parts
    private let imports: MemberImports
    private let word = Mutex<WordSince?>(nil)
    private let listing: Mutex<SettingsListing>

    init(_ parts: Parts) {
        self.parts = parts
        imports = MemberImports(parts.database, clock: parts.clock)
        listing = Mutex(parts.settings.listing)
    }

    var cache: MemberCache { MemberCache(parts.database) }
    var register: SalesRegister { SalesRegister(parts.database) }
    var outbox: Outbox { Outbox(parts.database) }
    var today: CalendarDate { parts.settings.site.businessDay(parts.clock.now) }

    // MARK: Configuration

    func configuration() async throws -> [ConfigurationEntry] { listing.withLock { $0.entries } }

    /// What a reload has read and put into force.
    func reloaded(_ fresh: SettingsListing, readersApply: Bool) {
        listing.withLock { $0 = $0.reloaded(fresh, readersApply: readersApply) }
    }

    // MARK: Readers and members

    func readers() async throws -> [ReaderReport] { readerReports }

    func readerEvents(after number: Int?, patience: Duration) async throws -> ReaderEventPage {
        await parts.readers.journal.events(after: number, patience: patience)
    }

    func record(_ request: ReaderRecordingRequest) async throws -> AsyncStream<ReaderRecordingLine?> {
        let reader = try report(of: request.reader)
        guard let lines = try parts.recorder?.record(request, name: reader.name) else {
            throw LoyaltyError(
                .readerNotReady,
                "nothing can be recorded, for the reader is \(reader.state.rawValue)"
                    + (reader.problem.map { ": \($0)" } ?? ""), remedy: reader.remedy)
        }
        return lines
    }

    private func report(of id: ReaderID) throws(LoyaltyError) -> ReaderReport {
        guard let reader = readerReports.first(where: { $0.id == id }) else {
            throw LoyaltyError(
                .controlNotFound, "there is no such reader", remedy: "loyaltyctl readers list names them all")
        }
        return reader
    }

    func signal(_ request: ReaderSignalRequest) async throws {
        let reader = try report(of: request.reader)
        guard reader.state == .ready else {
            throw LoyaltyError(
                .readerNotReady,
                "the reader is \(reader.state.rawValue)"
                    + (reader.problem.map { ": \($0)" } ?? ""), remedy: reader.remedy)
        }
        parts.signal(request.reader, request.signal)
    }

    func memberCount() async throws -> MemberCount {
        let count = try await cache.count()
        return MemberCount(members: count.members, cards: count.cards, asOf: count.completeAt)
    }

    func member(id: MemberID) async throws -> MemberReport? {
        guard let member = try await cache.member(id) else { return nil }
        return try await report(of: member)
    }

    private func report(of member: Member) async throws -> MemberReport {
        var report = MemberReport(member, cards: try await cache.cardCount(of: member.id))
        let program = await parts.lanes.program
        report.state(try await AccountRegister(parts.database).statement(of: member.id, on: today, program: program))
        return report
    }

    func member(card: CardNumber) async throws -> MemberReport? {
        guard let member = try await cache.find(card).member else { return nil }
        return try await report(of: member)
    }

    // MARK: Import

    func beginImport(_ begin: ImportBegin) async throws -> ImportTicket { try await imports.begin(begin) }

    func importBatch(_ ticket: ImportTicket, _ batch: ImportBatch) async throws -> ImportProgress {
        try await imports.batch(ticket, batch)
    }

    func finishImport(_ ticket: ImportTicket) async throws -> ImportResult { try await imports.finish(ticket) }

    func cancelImport(_ ticket: ImportTicket) async throws { try imports.cancel(ticket) }

    // MARK: Queue

    func queue(state: DeliveryState?, limit: Int) async throws -> [QueueItem] {
        let wanted: Outbox.State?
        switch state {
        case nil: wanted = nil
        case .waiting?: wanted = .ready
        case .dead?: wanted = .dead
        case .delivered?: wanted = .sent
        // Nothing is stored as held: an event behind an earlier one of its member is simply waiting.
        case .held?, DeliveryState.none?: return []
        }
        return try await outbox.list(state: wanted, limit: limit).map(item)
    }

    func queueItem(_ id: String) async throws -> QueueItem? {
        guard let found = try await outbox.item(id) else { return nil }
        var item = item(found)
        item.payload = try await outbox.payload(id)
        return item
    }

    func retry(_ ids: [String]) async throws -> Int {
        let count = try await outbox.retry(ids)
        parts.upstream?.notify()
        return count
    }

    func syncNow() async throws {
        guard let upstream = parts.upstream else {
            throw LoyaltyError(
                .upstreamURL, "no back end is configured", remedy: "Write upstream.url into the configuration")
        }
        upstream.syncNow()
    }

    private func item(_ item: Outbox.Item) -> QueueItem {
        var result = QueueItem(
            id: item.id, state: DeliveryState(item.state), createdAt: item.recordedAt, attempts: item.attempts)
        result.kind = LoyaltyTransaction.Kind(rawValue: item.kind)
        result.member = item.member.map { MemberID($0) }
        result.sale = item.sale
        result.nextTryAt = item.state == .ready ? item.notBefore : nil
        result.reason = item.lastError ?? item.warning
        result.points = [PointsAmount(currency: item.currency, points: item.points)]
        return result
    }

    /// Keeps since when the word has been what it is.
    func since(_ new: StatusReport.Word, _ reason: String) -> Timestamp {
        word.withLock { word in
            if let word, word.word == new { return word.since }
            let since = parts.clock.now
            word = WordSince(word: new, reason: reason, since: since)
            return since
        }
    }
}

extension DeliveryState {
    init(_ state: Outbox.State) {
        switch state {
        case .ready: self = .waiting
        case .sent: self = .delivered
        case .dead: self = .dead
        }
    }
}
