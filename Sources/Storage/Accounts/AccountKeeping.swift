public import EarnRules
internal import Foundation
internal import GRDB
public import LoyaltyModel

/// What happens to accounts by itself as days pass: points end, rewards fall due. Each holder is booked in the commit of his
/// next sale too, so that a stop of some days changes nothing but the time of the entry.
public struct AccountKeeping: Sendable {
    /// What one `settle` booked.
    public struct Settled: Sendable, Hashable {
        public var accounts = 0
        /// Entries that went to the outbox.
        public var entries = 0
    }

    /// Holders per transaction; sales wait no longer than one of these takes.
    static let batch = 100

    private let database: LoyaltyDatabase

    public init(_ database: LoyaltyDatabase) { self.database = database }

    /// Books all that fell due by the beginning of a day, in small transactions between which sales go on. Done again,
    /// it finds nothing.
    ///
    /// - Parameters:
    ///   - day: the business day; nothing of this day itself has ended yet.
    ///   - program: what rewards are given by.
    /// - Throws: `storage.*`; what was booked before stays booked.
    public func settle(
        to day: CalendarDate, program: Program, at now: Timestamp
    ) async throws(LoyaltyError) -> Settled {
        var settled = Settled()
        while !Task.isCancelled {
            let (vault, terminal) = (database.vault, database.terminal)
            let batch = try await database.writer.submit { database in
                let journal = EntryJournal(database: database, vault: vault, terminal: terminal)
                return try Self.settleBatch(database, journal, to: day, program, at: now)
            }.value
            settled.accounts += batch.accounts
            settled.entries += batch.entries
            if batch.accounts < Self.batch { break }
        }
        return settled
    }

    private static func settleBatch(
        _ database: Database, _ journal: EntryJournal, to day: CalendarDate, _ program: Program, at now: Timestamp
    ) throws -> Settled {
        let keys = try String.fetchAll(
            database.cachedStatement(sql: "SELECT holder FROM account WHERE due <= ? ORDER BY due LIMIT ?"),
            arguments: [day.description, batch])
        var settled = Settled()
        for key in keys {
            settled.accounts += 1
            guard let holder = Holder(key: key) else {
                try database.execute(sql: "UPDATE account SET due = NULL WHERE holder = ?", arguments: [key])
                continue
            }
            settled.entries += try settle(holder, database, journal, to: day, program, at: now)
        }
        return settled
    }

    private static func settle(
        _ holder: Holder, _ database: Database, _ journal: EntryJournal, to day: CalendarDate, _ program: Program,
        at now: Timestamp
    ) throws -> Int {
        let books = MemberBooks(database: database)
        let member = try holder.member.flatMap { try MemberCache.member(database, $0.value) }
        var account = try Account(database, key: holder.key, state: try books.state(of: holder, member))
        let owner = CounterOwner(holder, member)
        let booked = try account.advance(to: day, member, owner, database, program)
        let circumstances = EntryJournal.Circumstances(
            sale: nil, program: program, occurredAt: now, recordedAt: now, recordedDay: day)
        var ids = try journal.write(booked.bonuses, of: holder, owner, account.state, circumstances)
        try books.add(booked.counterChanges, of: owner)
        ids += try journal.write(booked.movements, booked.issued, of: holder, account.state, on: day, circumstances)
        try account.store(database, program)
        return ids.count
    }
}

extension Account {
    /// Takes up what the member file tells, and books what happened by itself up to the beginning of a day.
    ///
    /// Points that the file has more are there from this day on, and buy no rewards of days before; those that it has less
    /// were gone before, and end no second time.
    mutating func advance(
        to day: CalendarDate, _ member: Member?, _ owner: CounterOwner, _ database: Database, _ program: Program
    ) throws -> DaysPassed {
        let more = try takeUpLessIfItFits(member, database, program, on: day)
        let books = MemberBooks(database: database)
        let joined = state.joined
        let passed = try program.advance(&state, settled: &settled, to: day, member: member) { day in
            try books.counters(program, owner, on: day, joined: joined)
        }
        if let more { try bring(more, program, on: day) }
        return passed
    }

    /// As `takeUp`; a balance that does not fit is left alone: it is no reason to refuse a sale.
    mutating func takeUpIfItFits(
        _ member: Member?, _ database: Database, _ program: Program, on day: CalendarDate
    ) throws {
        let more = try takeUpLessIfItFits(member, database, program, on: day)
        if let more { try bring(more, program, on: day) }
    }

    /// - Returns: what is still to be brought.
    private mutating func takeUpLessIfItFits(
        _ member: Member?, _ database: Database, _ program: Program, on day: CalendarDate
    ) throws -> Points? {
        var copy = self
        let more: Points?
        do {
            more = try copy.takeUp(member, database, program, on: day)
            var trial = copy
            if let more { try trial.bring(more, program, on: day) }
        } catch let error as LoyaltyError where error.code == .numberOverflow {
            return nil
        }
        self = copy
        return more
    }
}
