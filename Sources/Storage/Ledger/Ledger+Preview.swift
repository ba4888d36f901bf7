internal import EarnRules
internal import Foundation
internal import GRDB
public import LoyaltyModel

extension Ledger {
    /// What a basket would earn now.
    public struct Preview: Sendable, Hashable {
        /// Of the program's primary currency, for what is sold; goods that come back are not worked out.
        public var earned: Points
        public var balanceHint: Points?
        public var balanceAsOf: Timestamp?
        /// What the member has before the basket, as in `LedgerOutcome`.
        public var available: Points?
        public var pending: Points?
        public var owed: Points?
        public var ending: LedgerOutcome.Ending?
    }

    /// Works out what a basket would earn if it were paid now, with the member's counters as they are on disk. Writes nothing and
    /// waits for no commit: a sale that is on its way to disk does not count yet.
    ///
    /// On the caller's thread: see `LookUpConnection`.
    ///
    /// - Parameter submission: the basket; without an attachment, what any card would earn that has no counters and no tier.
    /// - Throws: `storage.*`, and what the evaluation throws (`number.overflow`).
    public func preview(_ submission: SaleSubmission) throws(LoyaltyError) -> Preview {
        let (vault, terminal) = (database.vault, database.terminal)
        do {
            return try database.lookUps.read { database in
                var posting = SalePosting(
                    database: database, vault: vault, terminal: terminal, submission: submission)
                return try posting.preview()
            }
        } catch {
            throw storageError(error, doing: "working out a basket", file: database.path)
        }
    }
}

extension SalePosting {
    fileprivate mutating func preview() throws -> Ledger.Preview {
        var input = EarnInput(sale: sale, occurredAt: closedAt, businessDay: submission.businessDay, member: nil)
        input.explanation = .candidates
        if let holder = presenter {
            input.member = try holder.member.flatMap { try MemberCache.member(database, $0.value) }
            input.state = try books.state(of: holder, input.member)
            var account = try Account(database, key: holder.key, state: input.state)
            try account.takeUpIfItFits(input.member, database, program, on: accountDay)
            accounts[holder.key] = account
            input.state.lots = account.state.lots
            input.state.owed = account.state.owed
            input.state.lastActivity = account.state.lastActivity
            input.state.linked = try PartnerNumbers(database: database, vault: vault).all(of: holder.member, program)
            input.counters = try books.counters(
                program, CounterOwner(holder, input.member), on: input.businessDay, joined: input.state.joined)
        }
        try note(try program.evaluate(input).accruals)
        try finishOutcome()
        return Ledger.Preview(
            earned: earnedByPresenter ?? .zero(decimals: primaryDecimals), balanceHint: outcome.balanceHint,
            balanceAsOf: outcome.balanceAsOf, available: outcome.available, pending: outcome.pending,
            owed: outcome.owed, ending: outcome.ending)
    }
}
