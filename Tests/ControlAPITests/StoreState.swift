import ControlAPI
import LoyaltyModel

/// A small daemon for the tests: a store's afternoon, held in memory, with the import rules of the contract.
actor StoreState: ControlState {
    var report: StatusReport
    var sales: [SaleDetail]
    var takenSales: [JournalSale] = []
    var events: [QueueItem]
    var members: [MemberID: MemberRecord] = [:]
    var synchronized = 0
    /// Thrown by `status`, where a test wants to see an error travel.
    var failure: (any Error)?
    private var begun: ImportBegin?
    private var named: Set<MemberID> = []
    private var result = ImportResult(kind: .delta)
    private var batches = 0

    init(report: StatusReport, sales: [SaleDetail] = [], events: [QueueItem] = []) {
        self.report = report
        self.sales = sales
        self.events = events
    }

    private var entries: [ConfigurationEntry] = []
    func configure(_ entries: [ConfigurationEntry]) { self.entries = entries }

    var quarantined: [QuarantinedLine] = []
    func putIntoQuarantine(_ line: QuarantinedLine) { quarantined.append(line) }

    func quarantine(limit: Int, before: Int64?) async throws -> [QuarantinedLine] {
        Array(quarantined.reversed().filter { $0.number < before ?? .max }.prefix(limit))
    }

    func quarantinedLine(_ number: Int64) async throws -> QuarantinedLine? {
        quarantined.first { $0.number == number }
    }

    func fail(with error: (any Error)?) { failure = error }
    func put(_ record: MemberRecord) { members[record.member.id] = record }

    func status() async throws -> StatusReport {
        if let failure { throw failure }
        return report
    }

    func configuration() async throws -> [ConfigurationEntry] { entries }

    func readers() async throws -> [ReaderReport] { report.readers }

    nonisolated let journal = ReaderJournal()
    private(set) var signals: [ReaderSignalRequest] = []

    func readerEvents(after number: Int?, patience: Duration) async throws -> ReaderEventPage {
        await journal.events(after: number, patience: patience)
    }

    private(set) var recordings: [ReaderRecordingRequest] = []
    /// What a recording tells before it goes on without an end.
    var recordingLines: [ReaderRecordingLine?] = []
    func setRecording(_ lines: [ReaderRecordingLine?]) { recordingLines = lines }
    nonisolated let endedRecordings = AsyncStream.makeStream(of: Void.self)

    func record(_ request: ReaderRecordingRequest) async throws -> AsyncStream<ReaderRecordingLine?> {
        guard report.readers.contains(where: { $0.id == request.reader }) else {
            throw LoyaltyError(.controlNotFound, "there is no such reader")
        }
        recordings.append(request)
        let (lines, continuation) = AsyncStream.makeStream(of: ReaderRecordingLine?.self)
        for line in recordingLines { continuation.yield(line) }
        let heart = Task { while (try? await Task.sleep(for: .milliseconds(20))) != nil { continuation.yield(nil) } }
        continuation.onTermination = { [endedRecordings] _ in
            heart.cancel()
            endedRecordings.continuation.yield()
        }
        return lines
    }

    func signal(_ request: ReaderSignalRequest) async throws {
        guard report.readers.contains(where: { $0.id == request.reader }) else {
            throw LoyaltyError(.controlNotFound, "there is no such reader")
        }
        signals.append(request)
    }

    func sales(limit: Int, before: String?) async throws -> [SaleSummary] {
        let start = before.flatMap { name in sales.firstIndex { $0.summary.reference == name }.map { $0 + 1 } } ?? 0
        return sales.dropFirst(start).prefix(limit).map(\.summary)
    }

    func claim(_ request: ClaimRequest, by user: UInt32?) async throws -> ClaimResult {
        throw LoyaltyError(.controlNotFound, "this store gives nothing away")
    }

    func journal(after number: Int64, limit: Int) async throws -> [JournalSale] {
        Array(takenSales.filter { $0.number > number }.prefix(limit))
    }

    func sale(_ reference: String) async throws -> SaleDetail? {
        sales.first { [$0.summary.reference, $0.summary.number].contains(reference) }
    }

    func queue(state: DeliveryState?, limit: Int) async throws -> [QueueItem] {
        Array(events.filter { state == nil || $0.state == state }.prefix(limit))
    }

    func queueItem(_ id: String) async throws -> QueueItem? { events.first { $0.id == id } }

    func retry(_ ids: [String]) async throws -> Int {
        var count = 0
        for index in events.indices where events[index].state == .dead {
            guard ids.isEmpty || ids.contains(events[index].id) else { continue }
            events[index].state = .waiting
            count += 1
        }
        return count
    }

    func syncNow() async throws { synchronized += 1 }

    func memberCount() async throws -> MemberCount {
        MemberCount(members: members.count, cards: members.values.reduce(0) { $0 + $1.cards.count })
    }

    func member(id: MemberID) async throws -> MemberReport? {
        members[id].map { MemberReport($0.member, cards: $0.cards.count) }
    }

    func member(card: CardNumber) async throws -> MemberReport? {
        members.values.first { $0.cards.contains(card) }.map { MemberReport($0.member, cards: $0.cards.count) }
    }

    func beginImport(_ begin: ImportBegin) async throws -> ImportTicket {
        guard begun == nil else { throw LoyaltyError(.importBusy, "another import is under way") }
        begun = begin
        named = []
        result = ImportResult(kind: begin.kind)
        return ImportTicket(ticket: "1")
    }

    func importBatch(_ ticket: ImportTicket, _ batch: ImportBatch) async throws -> ImportProgress {
        guard begun != nil, ticket.ticket == "1" else { throw LoyaltyError(.importUnknownTicket, "no such import") }
        batches += 1
        let (changes, errors) = batch.changes { $0 == "4111111111111111" }
        var progress = ImportProgress(errors: errors)
        for (line, change) in changes {
            switch change {
            case .delete(let id):
                if members.removeValue(forKey: id) != nil { progress.removed += 1 }
            case .upsert(let record): apply(record, line, &progress)
            }
        }
        result.rows += batch.rows.count
        result.added += progress.added
        result.changed += progress.changed
        result.unchanged += progress.unchanged
        result.removed += progress.removed
        result.skipped += progress.errors.count
        return progress
    }

    private func apply(_ record: MemberRecord, _ line: Int, _ progress: inout ImportProgress) {
        let id = record.member.id
        let isTaken = members.values.contains { other in
            other.member.id != id && record.cards.contains { other.cards.contains($0) }
        }
        if isTaken {
            let message = "the card belongs to another member"
            progress.errors.append(
                ImportRowError(line: line, field: "cards", code: "member.card_conflict", message: message))
            return
        }
        named.insert(id)
        switch members.updateValue(record, forKey: id) {
        case nil: progress.added += 1
        case record?: progress.unchanged += 1
        default: progress.changed += 1
        }
    }

    func finishImport(_ ticket: ImportTicket) async throws -> ImportResult {
        guard let begin = begun else { throw LoyaltyError(.importUnknownTicket, "no such import") }
        begun = nil
        if begin.kind == .snapshot {
            let gone = members.keys.filter { !named.contains($0) }
            guard begin.force || gone.count * 5 <= members.count else {
                throw LoyaltyError(.importTooManyRemovals, "\(gone.count) of \(members.count) members would go")
            }
            for id in gone { members[id] = nil }
            result.removed += gone.count
        }
        result.members = members.count
        return result
    }

    func cancelImport(_ ticket: ImportTicket) async throws { begun = nil }

    var isImporting: Bool { begun != nil }
    var batchCount: Int { batches }
}
