import EarnRules
import Foundation
import GRDB
import LoyaltyModel
import Testing

@testable import Storage

/// Random sales, redemptions, partial returns, revisions and voids over many days, against sums over the list of documents.
/// `STORM_HISTORIES` sets how many; the default is small.
@Suite struct AccountHistories {
    static let seeds = 1...(UInt64(ProcessInfo.processInfo.environment["STORM_HISTORIES"] ?? "") ?? 8)

    /// Without an end of points a balance is what the documents say, in whatever order they came.
    @Test(arguments: Array(seeds)) func theBooksAgreeWithTheDocuments(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var terms = ["", "pending = \"3 days\""].randomElement(using: &random) ?? ""
        if !terms.isEmpty { terms = ", " + terms }
        let returns =
            "clawback = \"\(["lot_of_origin_first", "pending_first"].randomElement(using: &random) ?? "")\", "
            + "floor = \"\(["negative", "debt"].randomElement(using: &random) ?? "")\", "
            + "restore_redeemed = \"\(["same_lot", "new_lot"].randomElement(using: &random) ?? "")\""
        let terminal = try Terminal(program: Self.program(terms: terms, returns: returns))
        var till = AccountTill(try await Self.ready(terminal))
        for step in 0..<30 {
            try await till.step(&random)
            if step % 10 == 9 { try terminal.reopen() }
            let (booked, held) = try await (till.booked(), till.held())
            #expect(booked == till.expected, "seed \(seed), step \(step): entries")
            #expect(held == till.expected, "seed \(seed), step \(step): lots")
        }
        // All of it undone, in any order, is the state before.
        for number in till.documents.map(\.number).shuffled(using: &random) { try await till.void(number) }
        #expect(try await till.booked() == 0)
        #expect(try await till.held() == 0)
    }

    /// With an end of points and debts that are forgiven the order counts; the books must still balance.
    @Test(arguments: Array(seeds)) func theEntriesAddUpToTheLots(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed &* 7919)
        let floor = ["clamp", "negative", "debt"].randomElement(using: &random) ?? ""
        let grace = ["", ", expired_grace = \"5 days\""].randomElement(using: &random) ?? ""
        let expiry = ["{ after = \"6 days\" }", "{ inactive = \"4 days\" }"].randomElement(using: &random) ?? ""
        let terminal = try Terminal(
            program: Self.program(
                terms: ", pending = \"2 days\", expires = \(expiry)", returns: "floor = \"\(floor)\"\(grace)"))
        var till = AccountTill(try await Self.ready(terminal))
        for step in 0..<30 {
            try await till.step(&random)
            if Bool.random(using: &random) {
                let first = try await till.settle()
                let again = try await till.settle()
                #expect(again.entries == 0, "what was booked is not booked again (\(first))")
                #expect(try await till.overdue() == 0, "seed \(seed), step \(step)")
            }
            if step % 10 == 9 { try terminal.reopen() }
            let (booked, held) = try await (till.booked(), till.held())
            #expect(booked == held, "seed \(seed), step \(step)")
        }
    }

    private static func ready(_ terminal: Terminal) async throws -> Terminal {
        try await terminal.importMembers([try member("anna", cards: "2984000000011")])
        return terminal
    }

    private static func program(terms: String, returns: String) -> String {
        """
        schema = 1
        program = "lots"
        currency = { points = { decimals = 0\(terms) } }
        rounding = { mode = "floor", scope = "basket", when = "after_multipliers" }
        returns = { \(returns) }
        redemption = { overdraw = { points = "1000000" } }

        [[earn]]
        id = "base"
        amount = { points = "1", per = "1.00" }

        [[reward]]
        id = "voucher"
        points = "10"
        money = "0.10"
        """
    }
}

/// A till that makes things up, and what its documents come to.
private struct AccountTill {
    struct Document {
        var number: String
        var revision = 1
        var closed: Timestamp
        /// Pieces and pounds of each line; nothing for a return.
        var lines: [(pieces: Int, pounds: Int)] = []
        var spent = 0
        /// A return: which document, which line, how many pieces.
        var back: (number: String, line: Int, pieces: Int)?
        var isVoided = false
    }

    let terminal: Terminal
    private(set) var documents: [Document] = []
    private var now: Timestamp

    init(_ terminal: Terminal) {
        self.terminal = terminal
        now = terminal.now
    }

    mutating func step(_ random: inout SeededGenerator) async throws {
        now = now.adding(seconds: Int64.random(in: 60...150_000, using: &random))
        let sales = documents.indices.filter { documents[$0].back == nil && !documents[$0].isVoided }
        switch Int.random(in: 0..<10, using: &random) {
        case 0...3: try await send(newSale(&random))
        case 4...6:
            guard let index = sales.randomElement(using: &random),
                let line = documents[index].lines.indices.randomElement(using: &random)
            else { return try await send(newSale(&random)) }
            let room = documents[index].lines[line].pieces - returned(documents[index].number, line)
            guard room > 0 else { return }
            var document = Document(number: "\(documents.count)", closed: now)
            document.back = (documents[index].number, line, Int.random(in: 1...room, using: &random))
            try await send(document)
        case 7:
            guard let index = sales.randomElement(using: &random) else { return }
            documents[index].revision += 1
            documents[index].spent = Self.spent(&random)
            for line in documents[index].lines.indices {
                documents[index].lines[line].pounds = Int.random(in: 1...40, using: &random)
            }
            try await transmit(documents[index])
        default:
            guard let document = documents.randomElement(using: &random) else { return }
            try await void(document.number)
        }
        // Every document may come again.
        if Int.random(in: 0..<4, using: &random) == 0, let again = documents.randomElement(using: &random) {
            try await transmit(again)
        }
    }

    private func newSale(_ random: inout SeededGenerator) -> Document {
        var document = Document(number: "\(documents.count)", closed: now)
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            document.lines.append((Int.random(in: 1...3, using: &random), Int.random(in: 1...40, using: &random)))
        }
        document.spent = Self.spent(&random)
        return document
    }

    private static func spent(_ random: inout SeededGenerator) -> Int {
        Int.random(in: 0..<3, using: &random) == 0 ? 10 * Int.random(in: 1...6, using: &random) : 0
    }

    private mutating func send(_ document: Document) async throws {
        documents.append(document)
        try await transmit(document)
    }

    private func transmit(_ document: Document) async throws {
        let card = try await terminal.attachment("2984000000011")
        try await terminal.send(
            Self.sale(document), id: "\(document.number)/\(document.revision)/\(now.microseconds)", card: card, at: now,
            day: document.closed.date)
    }

    mutating func void(_ number: String) async throws {
        guard let index = documents.firstIndex(where: { $0.number == number }) else { return }
        now = now.adding(seconds: 60)
        documents[index].isVoided = true
        var sale = try Self.sale(documents[index])
        sale.state = .voided
        sale.number = "v\(number)"
        sale.redeem = nil
        sale.links = [
            SaleLink(relation: .voids, businessDay: documents[index].closed.date, number: number)
        ]
        try await terminal.send(sale, id: "v\(number)/\(now.microseconds)", verb: .void, at: now)
    }

    private static func sale(_ document: Document) throws -> Sale {
        var lines: [SaleLine] = []
        for (index, sold) in document.lines.enumerated() {
            lines.append(try line("\(index)", "\(document.number).\(index)", "\(sold.pieces)", "\(sold.pounds).00"))
        }
        if let back = document.back {
            var line = try line("r", "\(back.number).\(back.line)", "-\(back.pieces)", "-1.00")
            line.returned = ReturnReference(
                link: SaleLink(relation: .returns, number: back.number, line: "\(back.line)"))
            lines.append(line)
        }
        var sale = try StorageTests.sale(document.number, lines, closed: document.closed.description)
        sale.revision = Int64(document.revision)
        if document.spent > 0 {
            sale.redeem = [
                RedeemedReward(reward: "voucher", points: try DecimalNumber("\(document.spent)"))
            ]
        }
        return sale
    }

    // MARK: What the documents come to

    private func returned(_ number: String, _ line: Int) -> Int {
        documents.compactMap { document in
            guard let back = document.back, back.number == number, back.line == line, !document.isVoided else {
                return nil
            }
            return back.pieces
        }.reduce(0, +)
    }

    /// One point a pound less the share of what came back, rounded down; what was spent comes back by the value of goods.
    var expected: Int {
        var sum = 0
        for document in documents where document.back == nil && !document.isVoided {
            // Over a common denominator, as pieces are 1 to 3.
            var value = 0
            var all = 0
            for (index, line) in document.lines.enumerated() {
                let back = returned(document.number, index)
                sum += line.pounds - line.pounds * back / line.pieces
                value += line.pounds * back * 6 / line.pieces
                all += line.pounds * 6
            }
            sum -= document.spent - document.spent * value / all
        }
        return sum
    }

    // MARK: What the ledger has

    func settle() async throws -> AccountKeeping.Settled {
        try await AccountKeeping(terminal.database).settle(to: now.date, program: terminal.program, at: now)
    }

    func booked() async throws -> Int {
        try await terminal.allEvents().flatMap(\.accruals).reduce(0) { $0 + Int($1.total.units) }
    }

    func held() async throws -> Int {
        try await terminal.database.pool.read { database in
            let lots = try Int.fetchOne(database, sql: "SELECT total(remaining) FROM lot") ?? 0
            let owed = try Data.fetchAll(database, sql: "SELECT owed FROM account").map {
                try JSONDecoder().decode([String: Points].self, from: $0)
            }
            return lots - owed.reduce(0) { $0 + Int($1["points"]?.units ?? 0) }
        }
    }

    /// Lots that should have ended and hold something.
    func overdue() async throws -> Int {
        let day = now.date.description
        return try await terminal.database.pool.read { database in
            try Int.fetchOne(
                database, sql: "SELECT count(*) FROM lot WHERE expires < ? AND remaining > 0", arguments: [day]) ?? 0
        }
    }
}
