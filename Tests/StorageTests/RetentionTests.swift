import Foundation
import GRDB
import LoyaltyModel
import Testing

@testable import Storage

@Suite struct Forgetting {
    private func count(_ table: String, _ terminal: Terminal) async throws -> Int? {
        try await terminal.database.pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") }
    }

    private func deliver(_ terminal: Terminal, at time: Timestamp) async throws {
        while true {
            let due = try await terminal.outbox.due(limit: 100, at: time)
            if due.isEmpty { return }
            try await terminal.outbox.record(due.map { .init(id: $0.id, outcome: .delivered(warning: nil), at: time) })
        }
    }

    @Test func deliveredSalesGoAfterNinetyDaysAndNotBefore() async throws {
        let terminal = try Terminal()
        try await terminal.importMembers([try member("anna", cards: "11111")])
        for number in 1...3 {
            try await terminal.send(
                sale("\(number)", [line("1", "A", "1", "\(number).00")]), id: "\(number)",
                card: terminal.attachment("11111"))
        }
        try await deliver(terminal, at: terminal.now)
        let day: Int64 = 86_400
        #expect(try await Retention().purge(terminal.database, at: terminal.now.adding(seconds: 89 * day)).isEmpty)
        let removed = try await Retention(saleDays: 1).purge(
            terminal.database, at: terminal.now.adding(seconds: 89 * day))
        #expect(removed.isEmpty, "90 days is the least")
        let gone = try await Retention().purge(terminal.database, at: terminal.now.adding(seconds: 91 * day))
        #expect(gone.sales == 3)
        #expect(gone.events == 3)
        for table in ["sale", "sale_line", "ledger_entry", "outbox", "till_event"] {
            #expect(try await count(table, terminal) == 0, "\(table)")
        }
        // Names and numbers go on: nothing is ever called what something else was called.
        let next = try await terminal.send(
            sale("1", [line("1", "A", "1", "1.00")], closed: "2027-06-02T09:00:00Z"), id: "1",
            card: terminal.attachment("11111"), at: terminal.now.adding(seconds: 92 * day))
        #expect(next.sale == "s-t-test-4")
        #expect(try await terminal.sequences(next.transactions) == [4])
    }

    /// A member who buys every day would else carry a row of each of those days for ever.
    @Test func lotsThatEndedLongAgoGo() async throws {
        let terminal = try Terminal()
        func lot(_ number: Int, remaining: Int, expires: String?, origin: String) async throws {
            try await terminal.database.pool.write { database in
                try database.execute(
                    sql: """
                        INSERT INTO lot (holder, number, id, currency, decimals, origin, program, granted, remaining, lapsed,
                            qualifying, earned, expires)
                        VALUES ('anna', ?, ?, 'points', 0, ?, 'p', 5, ?, 5, 0, '2025-01-01', ?)
                        """, arguments: [number, "l\(number)", origin, remaining, expires])
            }
        }
        let kept = try await terminal.send(sale("1", [line("1", "A", "1", "1.00")]), id: "1")
        let today = terminal.now.date
        try await lot(1, remaining: 0, expires: today.adding(days: -91).description, origin: "forgotten")
        try await lot(2, remaining: 0, expires: today.adding(days: -89).description, origin: "forgotten")
        try await lot(3, remaining: 5, expires: today.adding(days: -91).description, origin: "forgotten")
        try await lot(4, remaining: 0, expires: nil, origin: "opening")
        try await lot(5, remaining: 0, expires: today.adding(days: -91).description, origin: try #require(kept.sale))
        #expect(try await Retention().purge(terminal.database, at: terminal.now).lots == 1)
        let left = try await terminal.database.pool.read {
            try Int.fetchAll($0, sql: "SELECT number FROM lot ORDER BY 1")
        }
        #expect(left == [2, 3, 4, 5])
    }

    @Test func whatIsUnderWayStays() async throws {
        let terminal = try Terminal()
        try await terminal.importMembers([try member("anna", cards: "11111"), try member("ben", cards: "22222")])
        for (number, card) in [("1", "11111"), ("2", "22222")] {
            try await terminal.send(
                sale(number, [line("1", "A", "2", "8.00")]), id: number, card: terminal.attachment(card))
        }
        try await terminal.outbox.record([
            .init(id: try await terminal.id(1), outcome: .dead(reason: "422"), at: terminal.now)
        ])
        let old = terminal.now.adding(seconds: 200 * 86_400)
        #expect(try await Retention().purge(terminal.database, at: old).sales == 0)
        #expect(try await terminal.outbox.depth() == .init(ready: 1, dead: 1, sent: 0, oldestReady: terminal.now))
    }

    @Test func aRecentReturnKeepsItsSale() async throws {
        let terminal = try Terminal()
        try await terminal.importMembers([try member("anna", cards: "11111")])
        try await terminal.send(sale("1", [line("1", "A", "2", "8.00")]), id: "1", card: terminal.attachment("11111"))
        try await deliver(terminal, at: terminal.now)
        let later = terminal.now.adding(seconds: 80 * 86_400)
        var back = try line("1", "A", "-1", "-4.00")
        back.returned = ReturnReference(link: SaleLink(relation: .returns, number: "1"))
        try await terminal.send(sale("2", [back], closed: later.description), id: "2", at: later)
        try await deliver(terminal, at: later)
        #expect(try await Retention().purge(terminal.database, at: later.adding(seconds: 20 * 86_400)).sales == 0)
        #expect(try await Retention().purge(terminal.database, at: later.adding(seconds: 91 * 86_400)).sales == 2)
    }

    @Test func quarantineFiguresAndVoidsGoInBatches() async throws {
        let terminal = try Terminal()
        for index in 0..<1200 {
            _ = terminal.ledger.quarantine(code: "c", message: "m", redactedLine: "\(index)", at: terminal.now)
        }
        terminal.ledger.count("scan", on: terminal.now.date)
        try await terminal.send(sale("9", [line("1", "A", "1", "1.00")]), id: "v", verb: .void)
        let old = terminal.now.adding(seconds: 401 * 86_400)
        let first = try await Retention().purge(terminal.database, at: old, limit: 700)
        #expect(first.quarantined == 700)
        let second = try await Retention().purge(terminal.database, at: old)
        #expect(second == .init(sales: 0, events: 0, voids: 0, quarantined: 500, tallies: 0))
        #expect(first.tallies == 1 && first.voids == 1 && first.events == 1)
    }
}
