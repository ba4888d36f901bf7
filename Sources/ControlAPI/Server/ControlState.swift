public import LoyaltyModel

/// What the daemon shows and does for operators. The composition root implements it; the server and nothing else calls it.
///
/// Every method may throw a `LoyaltyError`, which the caller sees with its code. A nil answer is `control.not_found`.
public protocol ControlState: Sendable {
    func status() async throws -> StatusReport
    /// What is in force, which after a failed reload is not what the files say.
    func configuration() async throws -> [ConfigurationEntry]
    func readers() async throws -> [ReaderReport]
    /// As `ReaderJournal.events(after:patience:)`.
    func readerEvents(after number: Int?, patience: Duration) async throws -> ReaderEventPage
    /// What a reader sends from now on: first a line with the device, then one for each report and scan; nil where nothing has
    /// happened for a while, so that whoever writes them notices that nobody listens any more. Never ends by itself.
    /// - Throws: `control.not_found`, `control.reader_not_ready`, `control.too_many_recordings`.
    func record(_ request: ReaderRecordingRequest) async throws -> AsyncStream<ReaderRecordingLine?>
    /// Has a reader beep or light up. That it can is not promised.
    /// - Throws: `control.not_found`, `control.reader_not_ready`.
    func signal(_ request: ReaderSignalRequest) async throws

    /// Newest first. - Parameter before: the reference of a sale; only older ones are wanted.
    func sales(limit: Int, before: String?) async throws -> [SaleSummary]
    /// - Parameter reference: the daemon's reference, or the till's number or receipt; of several the newest.
    func sale(_ reference: String) async throws -> SaleDetail?

    /// Gives a sale without a card to a member, because its receipt is shown.
    /// - Parameter user: who asks; for the log.
    /// - Throws: `claim.*`, `control.not_found` where the member is not known.
    func claim(_ request: ClaimRequest, by user: UInt32?) async throws -> ClaimResult

    /// Completed sales in the order of arrival, after a place in it; with it the members as they are now.
    func journal(after number: Int64, limit: Int) async throws -> [JournalSale]

    /// Oldest first. - Parameter state: nil is everything undelivered.
    func queue(state: DeliveryState?, limit: Int) async throws -> [QueueItem]
    /// One event with its payload.
    func queueItem(_ id: String) async throws -> QueueItem?
    /// Sends dead events out again; no ids means all of them. Ids that are not dead count for nothing.
    /// - Returns: how many.
    func retry(_ ids: [String]) async throws -> Int
    /// Delivers and fetches now instead of when it is due. Returns when it has begun.
    func syncNow() async throws

    /// Lines of tills that could not be taken, newest first. - Parameter before: only lines with a lower number.
    func quarantine(limit: Int, before: Int64?) async throws -> [QuarantinedLine]
    func quarantinedLine(_ number: Int64) async throws -> QuarantinedLine?

    func memberCount() async throws -> MemberCount
    func member(id: MemberID) async throws -> MemberReport?
    func member(card: CardNumber) async throws -> MemberReport?

    /// One import at a time. One that has had no batch for five minutes was left behind by its sender and gives way.
    /// - Throws: `import.busy`.
    func beginImport(_ begin: ImportBegin) async throws -> ImportTicket
    /// Writes the rows in one transaction. A row whose card belongs to another member comes back as an error with the
    /// row's line; the others are written.
    /// - Throws: `import.unknown_ticket`.
    func importBatch(_ ticket: ImportTicket, _ batch: ImportBatch) async throws -> ImportProgress
    /// Ends it; a snapshot now removes the members that were not in it.
    /// - Throws: `import.unknown_ticket`; `import.too_many_removals` where that is more than 20 % and force is not set.
    func finishImport(_ ticket: ImportTicket) async throws -> ImportResult
    /// Drops it: what was written stays, nobody is removed.
    func cancelImport(_ ticket: ImportTicket) async throws
}
