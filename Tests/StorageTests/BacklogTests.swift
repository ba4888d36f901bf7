import Foundation
import GRDB
import LoyaltyModel
import Testing

@testable import Storage

/// A month without the line: the queue must stay as quick as it is when empty.
@Suite struct ALongBacklog {
    /// Rows as the ledger writes them, without the time that 100,000 sales take.
    private func fill(_ terminal: Terminal, events: Int, members: Int) async throws {
        try await terminal.importMembers([try member("anna", cards: "11111")])
        try await terminal.send(sale("1", [line("1", "A", "1", "4.00")]), id: "1", card: terminal.attachment("11111"))
        try await terminal.database.pool.write { database in
            try database.execute(
                sql: """
                    WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < \(events))
                    INSERT INTO ledger_entry (id, sequence, kind, sale_id, member_key, member_id, currency, units,
                        decimals, recorded_at, recorded_day, document)
                    SELECT 't-test.' || i, i, kind, sale_id, 'm:' || (i % \(members)),
                        'm' || (i % \(members)), currency, units, decimals, recorded_at, recorded_day, document
                    FROM n, ledger_entry WHERE sequence = 1
                    """)
            try database.execute(
                sql: """
                    INSERT INTO outbox (entry_id, sequence, member_key, state, is_head)
                    SELECT id, sequence, member_key, 'ready', sequence <= \(members) + 1 FROM ledger_entry
                    WHERE sequence > 1
                    """)
        }
    }

    @Test(arguments: [10, 100_000]) func theNextEventsAreFoundAtOnce(members: Int) async throws {
        let terminal = try Terminal()
        try await fill(terminal, events: 100_000, members: members)
        let plan = try await terminal.database.pool.read {
            try Row.fetchAll($0, sql: "EXPLAIN QUERY PLAN " + Outbox.dueQuery, arguments: [0, 100, 0]).map {
                $0["detail"] as String
            }
        }
        #expect(plan.first?.contains("outbox_head") == true, "\(plan)")
        #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)")
        for round in 0..<3 {
            let due = try await terminal.outbox.due(limit: 100, at: terminal.now)
            // anna's only one is first; each of the others has a next one.
            #expect(due.count == min(round == 0 ? members + 1 : members, 100))
            let order = try await terminal.sequences(due.map(\.id))
            #expect(order == order.sorted())
            #expect(order.count == due.count)
            try await terminal.outbox.record(
                due.map { .init(id: $0.id, outcome: .delivered(warning: nil), at: terminal.now) })
        }
    }

    @Test func whileAllHeadsWaitTheQueueSaysUntilWhen() async throws {
        let terminal = try Terminal()
        try await fill(terminal, events: 5_000, members: 10)
        let later = terminal.now.adding(seconds: 30)
        let due = try await terminal.outbox.due(limit: 100, at: terminal.now)
        try await terminal.outbox.record(
            due.map { .init(id: $0.id, outcome: .retry(notBefore: later, reason: "503"), at: terminal.now) })
        #expect(try await terminal.outbox.due(limit: 100, at: terminal.now).isEmpty)
        // Not "now", though thousands wait behind the heads.
        #expect(try await terminal.outbox.nextDue() == later)
    }

    /// A clock that was a month ahead has written waits that no clock since then comes to the end of.
    @Test func aWaitBeyondAllWaitsIsOver() async throws {
        let terminal = try Terminal()
        try await fill(terminal, events: 20, members: 10)
        func wait(_ seconds: Int64) async throws {
            let due = try await terminal.outbox.due(limit: 100, at: terminal.now)
            let later = terminal.now.adding(seconds: seconds)
            try await terminal.outbox.record(
                due.map { .init(id: $0.id, outcome: .retry(notBefore: later, reason: "503"), at: terminal.now) })
        }
        try await wait(30 * 86_400)
        #expect(try await terminal.outbox.due(limit: 100, at: terminal.now).count == 11)
        try await wait(3600)
        #expect(try await terminal.outbox.due(limit: 100, at: terminal.now).isEmpty)
    }

    @Test func aRetriedDeadLetterComesBeforeItsSuccessors() async throws {
        let terminal = try Terminal()
        try await fill(terminal, events: 30, members: 3)
        try await terminal.outbox.record([
            .init(id: try await terminal.id(2), outcome: .dead(reason: "422"), at: terminal.now)
        ])
        #expect(
            try await terminal.sequences(terminal.outbox.due(limit: 9, at: terminal.now).map(\.id)) == [1, 3, 4, 5])
        #expect(try await terminal.outbox.retry([try await terminal.id(2)]) == 1)
        #expect(
            try await terminal.sequences(terminal.outbox.due(limit: 9, at: terminal.now).map(\.id)) == [1, 2, 3, 4])
    }

    @Test func aSealThatDoesNotOpenHoldsUpNobody() async throws {
        let terminal = try Terminal()
        try await terminal.send(
            sale("1", [line("1", "A", "1", "4.00")]), id: "1", card: terminal.attachment("2984000777770"))
        try await terminal.send(
            sale("2", [line("1", "A", "1", "4.00")]), id: "2", card: terminal.attachment("2984000777787"))
        try await terminal.database.pool.write {
            try $0.execute(sql: "UPDATE outbox SET sealed_card = x'00' WHERE sequence = 1")
        }
        let due = try await terminal.outbox.due(limit: 9, at: terminal.now)
        #expect(due.map(\.card?.value) == [nil, "2984000777787"])
    }
}
