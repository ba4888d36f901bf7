internal import Dispatch
internal import GRDB
internal import LoyaltyModel
internal import Synchronization

/// The one writer. What arrives while a commit is on its way to the disk goes into the next one, and each ticket ends with
/// its own commit; so the cost of a durable commit (milliseconds) is shared by all who wait.
///
/// Work runs in the order of `submit`. Each piece runs in a savepoint: one that throws is undone alone. Figures of the day go
/// along with whatever is committed next, and get a commit of their own only where nothing comes for a while.
final class GroupCommitter: Sendable {
    /// Work, and the way to tell its end. Type-erased so that different results queue together.
    private struct Job: Sendable {
        let run: @Sendable (Database) throws -> @Sendable () -> Void
        let fail: @Sendable (LoyaltyError) -> Void
    }

    private struct State {
        var waiting: [Job] = []
        var draining = false
        var isClosed = false
        var figures: [DayFigure: Int] = [:]
        var willWriteFigures = false
    }

    private enum Admission { case start, wait, refuse }

    /// More in one transaction would make the first wait for the last without saving anything.
    private static let largestGroup = 512

    /// Figures wait no longer than this for a commit that takes them along.
    private static let longestWait = DispatchTimeInterval.milliseconds(1000)

    private let pool: DatabasePool
    private let path: String
    private let queue = DispatchQueue(label: "loyaltyd.writer", qos: .userInitiated)
    private let state = Mutex(State())

    init(pool: DatabasePool, path: String) {
        self.pool = pool
        self.path = path
    }

    /// Queues work, in the order of the calls, and returns at once. After `close` the ticket fails.
    func submit<Value: Sendable>(_ work: @escaping @Sendable (Database) throws -> Value) -> CommitTicket<Value> {
        let ticket = CommitTicket<Value>()
        let job = Job(
            run: { database in
                let value = try work(database)
                return { ticket.settle(.success(value)) }
            },
            fail: { ticket.settle(.failure($0)) })
        let admission = state.withLock { state -> Admission in
            if state.isClosed { return .refuse }
            state.waiting.append(job)
            defer { state.draining = true }
            return state.draining ? .wait : .start
        }
        switch admission {
        case .start: queue.async { self.drain() }
        case .wait: break
        case .refuse: job.fail(closed)
        }
        return ticket
    }

    /// Adds one to a figure of the day, and returns at once: nothing is promised, and nobody is told of its commit.
    func count(_ figure: DayFigure) {
        state.withLock { state in
            if !state.isClosed { state.figures[figure, default: 0] += 1 }
        }
        writeFiguresSoon()
    }

    private func writeFiguresSoon() {
        let isFirst = state.withLock { state -> Bool in
            guard !state.isClosed, !state.figures.isEmpty, !state.willWriteFigures else { return false }
            state.willWriteFigures = true
            return true
        }
        guard isFirst else { return }
        queue.asyncAfter(deadline: .now() + Self.longestWait) {
            let mayWrite = self.state.withLock { state in
                state.willWriteFigures = false
                return !state.isClosed && !state.figures.isEmpty
            }
            guard mayWrite else { return }
            self.commit([])
        }
    }

    /// Commits what was submitted and counted, then takes nothing more; with the log written back the connection may be closed.
    ///
    /// GRDB hands SQLite a null connection when a closed pool is written to, so nothing may get past this.
    /// - Returns: false where it was closed before.
    func close() -> Bool {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        queue.sync {
            guard isFirst else { return }
            if !state.withLock(\.figures.isEmpty) { commit([]) }
            try? pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        }
        return isFirst
    }

    /// Writes the log back and cuts it, unless readers hold it: then a later one does.
    func truncateLog() async throws(LoyaltyError) {
        let result: Result<Void, LoyaltyError> = await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: self.checkpoint()) }
        }
        try result.get()
    }

    private func checkpoint() -> Result<Void, LoyaltyError> {
        guard !state.withLock(\.isClosed) else { return .failure(closed) }
        do {
            try pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        } catch DatabaseError.SQLITE_BUSY {
            return .success(())
        } catch {
            return .failure(storageError(error, doing: "cutting the log", file: path))
        }
        return .success(())
    }

    private var closed: LoyaltyError {
        LoyaltyError(.storageFailed, "the database is closed", at: Place(file: path))
    }

    private func drain() {
        while true {
            let group = state.withLock { state -> [Job] in
                let group = Array(state.waiting.prefix(Self.largestGroup))
                state.waiting.removeFirst(group.count)
                if group.isEmpty { state.draining = false }
                return group
            }
            if group.isEmpty { return }
            commit(group)
        }
    }

    private func commit(_ group: [Job]) {
        let figures = state.withLock { state in
            defer { state.figures = [:] }
            return state.figures
        }
        commit(group, figures)
    }

    private func commit(_ group: [Job], _ figures: [DayFigure: Int]) {
        var settlements: [@Sendable () -> Void] = []
        settlements.reserveCapacity(group.count)
        do {
            try pool.writeWithoutTransaction { database in
                try database.inTransaction(.immediate) {
                    for job in group { settlements.append(try perform(job, database)) }
                    for (figure, count) in figures { try tally(database, figure.name, on: figure.day, by: count) }
                    return .commit
                }
            }
        } catch {
            state.withLock { $0.figures.merge(figures, uniquingKeysWith: +) }
            // The commit itself failed: nothing of the group is on the disk, so nobody may be told that it is. Each gets
            // a try of its own, so that one that does not fit (an import on a full disk) takes no sale with it. So do the
            // figures.
            if group.count > 1 || !figures.isEmpty {
                for job in group { commit([job], [:]) }
                writeFiguresSoon()
                return
            }
            let failure = storageError(error, doing: "committing", file: path)
            for job in group { job.fail(failure) }
            return
        }
        for settle in settlements { settle() }
    }

    private func perform(_ job: Job, _ database: Database) throws -> @Sendable () -> Void {
        do {
            var settle: (@Sendable () -> Void)?
            try database.inSavepoint {
                settle = try job.run(database)
                return .commit
            }
            return settle ?? {}
        } catch {
            // SQLite may have rolled the whole transaction back (disk full, damage); then the group fails together.
            guard database.isInsideTransaction else { throw error }
            let failure = storageError(error, doing: "writing", file: path)
            return { job.fail(failure) }
        }
    }
}

/// A name such as `scan.all`, counted per day.
struct DayFigure: Hashable, Sendable {
    var name: String
    var day: CalendarDate
}

/// The promise of one piece of work: ends after the commit that holds it.
public final class CommitTicket<Value: Sendable>: Sendable {
    private enum State {
        case open([CheckedContinuation<Result<Value, LoyaltyError>, Never>])
        case settled(Result<Value, LoyaltyError>)
    }

    private let state = Mutex<State>(.open([]))

    /// The result, once it is on the disk. - Throws: what the work threw, or `storage.*` where the commit failed.
    public var value: Value {
        get async throws(LoyaltyError) {
            let result: Result<Value, LoyaltyError> = await withCheckedContinuation { continuation in
                let settled = state.withLock { state -> Result<Value, LoyaltyError>? in
                    switch state {
                    case .settled(let result): return result
                    case .open(let waiting):
                        state = .open(waiting + [continuation])
                        return nil
                    }
                }
                if let settled { continuation.resume(returning: settled) }
            }
            return try result.get()
        }
    }

    func settle(_ result: Result<Value, LoyaltyError>) {
        let waiting = state.withLock { state -> [CheckedContinuation<Result<Value, LoyaltyError>, Never>] in
            guard case .open(let waiting) = state else { return [] }
            state = .settled(result)
            return waiting
        }
        for continuation in waiting { continuation.resume(returning: result) }
    }
}
