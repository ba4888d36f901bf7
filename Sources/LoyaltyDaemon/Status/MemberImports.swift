internal import CardReading
internal import ControlAPI
internal import LoyaltyModel
internal import Storage
internal import Synchronization

/// The one member import that may run, and what becomes of one that nobody ends.
///
/// An import that was begun and left lapses: after a minute where the next one wants to begin, else after five.
final class MemberImports: Sendable {
    private static let lapsesForNext = Duration.seconds(60)
    private static let lapses = Duration.seconds(5 * 60)

    private struct Running {
        var begin: ImportBegin
        /// Nil until the database has given one.
        var generation: Int64?
        var result: ImportResult
        var lastUsed: MonotonicTime
        /// Calls that are being worked on; such an import is never idle.
        var calls = 0
    }

    private struct State {
        var ticket = 0
        var running: Running?
    }

    private let database: LoyaltyDatabase
    private let clock: any LoyaltyClock
    private let state = Mutex(State())

    init(_ database: LoyaltyDatabase, clock: any LoyaltyClock) {
        self.database = database
        self.clock = clock
    }

    /// - Throws: `import.busy`, `storage.*`.
    func begin(_ begin: ImportBegin) async throws -> ImportTicket {
        let now = clock.monotonic
        let number = state.withLock { state -> Int? in
            if let running = state.running, running.calls > 0 || now.since(running.lastUsed) <= Self.lapsesForNext {
                return nil
            }
            state.ticket += 1
            state.running = Running(begin: begin, result: ImportResult(kind: begin.kind), lastUsed: now, calls: 1)
            return state.ticket
        }
        guard let number else {
            throw LoyaltyError(
                .importBusy, "another member import is running",
                remedy: "Wait for its end; one that was broken off lapses after a minute")
        }
        do {
            let generation = try await MemberImport(database).begin()
            done(number) { $0.generation = generation }
            return ImportTicket(ticket: Self.name(number))
        } catch {
            state.withLock { $0.running = nil }
            throw error
        }
    }

    /// - Throws: `import.unknown_ticket`, `storage.*`.
    func batch(_ ticket: ImportTicket, _ batch: ImportBatch) async throws -> ImportProgress {
        let (number, begin, generation) = try use(ticket)
        do {
            let checked = batch.changes(isPaymentCard: PaymentScreen.containsPaymentCard)
            var errors = checked.errors
            let result = try await MemberImport(database).apply(
                checked.changes.map(\.change), generation: generation, snapshot: begin.kind == .snapshot)
            for index in result.conflicts where checked.changes.indices.contains(index) {
                errors.append(
                    ImportRowError(
                        line: checked.changes[index].line, field: "cards",
                        code: LoyaltyError.Code.memberCardConflict.name,
                        message: "a card of this row belongs to another member of this file"))
            }
            let skipped = errors.count
            done(number) { running in
                running.result.rows += batch.rows.count
                running.result.added += result.added
                running.result.changed += result.changed
                running.result.removed += result.deleted
                running.result.skipped += skipped
            }
            return ImportProgress(
                added: result.added, changed: result.changed, removed: result.deleted,
                errors: errors.sorted { $0.line < $1.line })
        } catch {
            done(number) { _ in }
            throw error
        }
    }

    /// - Throws: `import.unknown_ticket`, `import.too_many_removals`, `storage.*`; the import is over in any case.
    func finish(_ ticket: ImportTicket) async throws -> ImportResult {
        let (number, begin, generation) = try use(ticket)
        defer { end(number) }
        let removed = try await MemberImport(database).finish(
            generation: generation, snapshot: begin.kind == .snapshot, force: begin.force, at: clock.now)
        var result = state.withLock { $0.running?.result } ?? ImportResult(kind: begin.kind)
        result.removed += removed
        result.members = try await MemberCache(database).count().members
        return result
    }

    /// - Throws: `import.unknown_ticket`.
    func cancel(_ ticket: ImportTicket) throws(LoyaltyError) { end(try use(ticket).number) }

    private static func name(_ number: Int) -> String { "import-\(number)" }

    private func use(_ ticket: ImportTicket) throws(LoyaltyError) -> (
        number: Int, begin: ImportBegin, generation: Int64
    ) {
        let now = clock.monotonic
        let found = state.withLock { state -> (Int, ImportBegin, Int64)? in
            guard let running = state.running, ticket.ticket == Self.name(state.ticket),
                let generation = running.generation
            else { return nil }
            guard running.calls > 0 || now.since(running.lastUsed) <= Self.lapses else {
                state.running = nil
                return nil
            }
            state.running?.calls += 1
            return (state.ticket, running.begin, generation)
        }
        guard let found else {
            throw LoyaltyError(
                .importUnknownTicket, "there is no such import",
                remedy: "It has lapsed, or the daemon was restarted; import the file again")
        }
        return found
    }

    private func done(_ number: Int, _ change: (inout Running) -> Void) {
        let now = clock.monotonic
        state.withLock { state in
            guard state.ticket == number, var running = state.running else { return }
            running.calls -= 1
            running.lastUsed = now
            change(&running)
            state.running = running
        }
    }

    private func end(_ number: Int) {
        state.withLock { if $0.ticket == number { $0.running = nil } }
    }
}
