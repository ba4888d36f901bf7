internal import CardReading
internal import ControlAPI
internal import LoyaltyModel
internal import Storage
internal import Synchronization
internal import TillFeed
internal import UpstreamSync

/// Answers the control API out of the rooms' own figures. Holds nothing but the running import and when the word changed.
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
    }

    private struct RunningImport {
        var begin: ImportBegin
        var generation: Int64
        var result: ImportResult
    }

    private struct WordSince {
        var word: StatusReport.Word
        var reason: String
        var since: Timestamp
    }

    let parts: Parts
    private let imports = Mutex<[String: RunningImport]>([:])
    private let word = Mutex<WordSince?>(nil)

    init(_ parts: Parts) { self.parts = parts }

    var cache: MemberCache { MemberCache(parts.database) }
    var register: SalesRegister { SalesRegister(parts.database) }
    var outbox: Outbox { Outbox(parts.database) }
    var today: CalendarDate { parts.settings.site.zone.local(parts.clock.now).date }

    // MARK: Readers and members

    func readers() async throws -> [ReaderReport] { parts.readers.reports }

    func memberCount() async throws -> MemberCount {
        let count = try await cache.count()
        return MemberCount(members: count.members, cards: count.cards, asOf: count.completeAt)
    }

    func member(id: MemberID) async throws -> MemberReport? {
        guard let member = try await cache.member(id) else { return nil }
        return MemberReport(member, cards: try await cache.cardCount(of: id))
    }

    func member(card: CardNumber) async throws -> MemberReport? {
        guard let member = try await cache.find(card).member else { return nil }
        return MemberReport(member, cards: try await cache.cardCount(of: member.id))
    }

    // MARK: Import

    func beginImport(_ begin: ImportBegin) async throws -> ImportTicket {
        guard imports.withLock({ $0.isEmpty }) else {
            throw LoyaltyError(
                .importBusy, "another member import is running", remedy: "Wait for its end, or restart the daemon")
        }
        let generation = try await MemberImport(parts.database).begin()
        let ticket = "import-\(generation)"
        imports.withLock { imports in
            imports[ticket] = RunningImport(
                begin: begin, generation: generation, result: ImportResult(kind: begin.kind))
        }
        return ImportTicket(ticket: ticket)
    }

    func importBatch(_ ticket: ImportTicket, _ batch: ImportBatch) async throws -> ImportProgress {
        let running = try runningImport(ticket)
        let checked = batch.changes(isPaymentCard: PaymentScreen.containsPaymentCard)
        var errors = checked.errors
        let result = try await MemberImport(parts.database).apply(
            checked.changes.map(\.change), generation: running.generation, snapshot: running.begin.kind == .snapshot)
        for index in result.conflicts where checked.changes.indices.contains(index) {
            errors.append(
                ImportRowError(
                    line: checked.changes[index].line, field: "cards", code: LoyaltyError.Code.memberCardConflict.name,
                    message: "a card of this row belongs to another member of this file"))
        }
        let skipped = errors.count
        imports.withLock { imports in
            imports[ticket.ticket]?.result.rows += batch.rows.count
            imports[ticket.ticket]?.result.added += result.added
            imports[ticket.ticket]?.result.changed += result.changed
            imports[ticket.ticket]?.result.removed += result.deleted
            imports[ticket.ticket]?.result.skipped += skipped
        }
        return ImportProgress(
            added: result.added, changed: result.changed, removed: result.deleted,
            errors: errors.sorted { $0.line < $1.line })
    }

    func finishImport(_ ticket: ImportTicket) async throws -> ImportResult {
        let running = try runningImport(ticket)
        imports.withLock { $0[ticket.ticket] = nil }
        let removed = try await MemberImport(parts.database).finish(
            generation: running.generation, snapshot: running.begin.kind == .snapshot, force: running.begin.force,
            at: parts.clock.now)
        var result = running.result
        result.removed += removed
        result.members = try await cache.count().members
        return result
    }

    func cancelImport(_ ticket: ImportTicket) async throws {
        _ = try runningImport(ticket)
        imports.withLock { $0[ticket.ticket] = nil }
    }

    private func runningImport(_ ticket: ImportTicket) throws(LoyaltyError) -> RunningImport {
        guard let running = imports.withLock({ $0[ticket.ticket] }) else {
            throw LoyaltyError(
                .importUnknownTicket, "there is no such import",
                remedy: "The daemon was restarted; import the file again")
        }
        return running
    }

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
