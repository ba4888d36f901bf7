import EarnRules
import Foundation
import GRDB
import LoyaltyModel
import Testing

@testable import Storage

/// Random histories of sales, revisions, returns, exchanges, voids, late cards, resends and restarts in any order, against
/// a naive model of the same documents.
@Suite struct RandomHistories {
    /// One thing that the till or the cashier does.
    private enum Step {
        case document(HistoryModel.Document, holder: String?)
        case void(HistoryModel.Document, isLinked: Bool)
        case late(String, holder: String)
    }

    private static let cards = ["anna": "2984000000011", "ben": "2984000000028", "unknown": "2984000777770"]

    @Test(arguments: Array(UInt64(1)...20)) func theLedgerAgreesWithTheModel(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let terminal = try Terminal()
        try await terminal.importMembers([
            try member("anna", cards: "2984000000011"), try member("ben", cards: "2984000000028"),
        ])
        var model = HistoryModel()
        var sent: [Step] = []
        for (index, step) in Self.history(&random).enumerated() {
            try await perform(step, "e\(index)", terminal)
            switch step {
            case .document(let document, let holder): model.complete(document, holder)
            case .void(let document, _): model.void(document.number)
            case .late(let number, let holder): model.attachLate(number, holder)
            }
            sent.append(step)
            if Int.random(in: 0..<3, using: &random) == 0 {
                // The till sends something again: under its old id, or under a new one.
                let again = Int.random(in: 0..<sent.count, using: &random)
                let id = Bool.random(using: &random) ? "e\(again)" : "again\(index)"
                if case .late = sent[again] {} else { try await perform(sent[again], id, terminal) }
            }
            if Int.random(in: 0..<20, using: &random) == 0 { try terminal.reopen() }
            #expect(try await balances(terminal) == model.balances, "seed \(seed) after step \(index): \(step)")
        }
        try await checkTheBooks(terminal)
    }

    // MARK: Making up a history

    private static func history(_ random: inout SeededGenerator) -> [Step] {
        var latest: [HistoryModel.Document] = []
        var steps: [Step] = []
        for index in 0..<40 {
            let holder = [nil, "anna", "anna", "ben", "unknown"].randomElement(using: &random) ?? nil
            switch Int.random(in: 0..<10, using: &random) {
            case 0...4:
                latest.append(document("\(index)", 1, index, latest, &random))
                steps.append(.document(latest[latest.count - 1], holder: holder))
            case 5, 6:
                guard let old = latest.indices.randomElement(using: &random) else { continue }
                latest[old] = document(
                    latest[old].number, latest[old].revision + 1, latest[old].closed, Array(latest[..<old]), &random)
                steps.append(.document(latest[old], holder: holder))
            case 7:
                guard let old = latest.randomElement(using: &random) else { continue }
                steps.append(.void(old, isLinked: Bool.random(using: &random)))
            default:
                guard let old = latest.randomElement(using: &random) else { continue }
                steps.append(.late(old.number, holder: holder ?? "ben"))
            }
        }
        // The line was down: some arrive late.
        for _ in 0..<6 where steps.count > 8 {
            let from = Int.random(in: 0..<(steps.count - 6), using: &random)
            steps.insert(steps.remove(at: from), at: from + Int.random(in: 1..<6, using: &random))
        }
        return steps
    }

    private static func document(
        _ number: String, _ revision: Int, _ closed: Int, _ earlier: [HistoryModel.Document],
        _ random: inout SeededGenerator
    ) -> HistoryModel.Document {
        let codes = ["A", "B", "C", "D"].shuffled(using: &random)
        let kind = Int.random(in: 0..<3, using: &random)
        var sold: [HistoryModel.Line] = []
        if kind != 1 {
            for code in codes.prefix(Int.random(in: 0...3, using: &random)) {
                let quantity = [1000, 2000, 3000, 7000, 1270].randomElement(using: &random) ?? 1000
                sold.append(.init(code: code, quantity: quantity, pounds: Int.random(in: 0...20, using: &random)))
            }
        }
        var returns: [HistoryModel.Return] = []
        if kind != 0 {
            for code in codes.suffix(Int.random(in: 1...2, using: &random)) {
                let quantity = [1000, 1000, 2000, 500, 635].randomElement(using: &random) ?? 1000
                let origin = Bool.random(using: &random) ? earlier.randomElement(using: &random)?.number : nil
                returns.append(.init(code: code, quantity: quantity, sale: origin))
            }
        }
        return .init(number: number, revision: revision, closed: closed, sold: sold, returns: returns)
    }

    // MARK: Performing it

    private func perform(_ step: Step, _ id: String, _ terminal: Terminal) async throws {
        switch step {
        case .document(let document, let holder):
            var card: CardAttachment?
            if let number = holder.flatMap({ Self.cards[$0] }) { card = try await terminal.attachment(number) }
            try await terminal.send(Self.sale(document), id: id, card: card)
        case .void(let document, let isLinked):
            var sale = try Self.sale(document)
            sale.state = .voided
            if isLinked {
                sale.links = [SaleLink(relation: .voids, number: document.number)]
                sale.number = "v\(document.number)"
            }
            try await terminal.send(sale, id: id, verb: .void)
        case .late(let number, let holder):
            let register = SalesRegister(terminal.database)
            guard let reference = try await register.detail(number)?.row.reference, let card = Self.cards[holder] else {
                return
            }
            _ = try await terminal.ledger.attachLate(
                terminal.attachment(card), to: reference, programs: ProgramVersions([terminal.program]),
                receivedAt: terminal.now,
                receivedDay: terminal.now.date
            ).value
        }
    }

    private static func sale(_ document: HistoryModel.Document) throws -> Sale {
        var lines: [SaleLine] = []
        for (index, sold) in document.sold.enumerated() {
            lines.append(try line("s\(index)", sold.code, thousandths(sold.quantity), "\(sold.pounds).00"))
        }
        for (index, back) in document.returns.enumerated() {
            var line = try line("r\(index)", back.code, "-\(thousandths(back.quantity))", "-1.00")
            if let number = back.sale {
                line.returned = ReturnReference(link: SaleLink(relation: .returns, number: number))
            }
            lines.append(line)
        }
        let base = try Timestamp("2027-03-02T06:00:00Z").adding(seconds: Int64(document.closed) * 61)
        var sale = try StorageTests.sale(document.number, lines, closed: base.description)
        sale.revision = Int64(document.revision)
        return sale
    }

    private static func thousandths(_ quantity: Int) -> String {
        let fraction = String(String(1000 + quantity % 1000).dropFirst())
        return "\(quantity / 1000).\(fraction)"
    }

    // MARK: Asking

    private func balances(_ terminal: Terminal) async throws -> [String: Int] {
        var sums: [String: Int] = [:]
        for event in try await terminal.allEvents() {
            for accrual in event.accruals {
                sums[event.member?.value ?? "unknown", default: 0] += Int(accrual.total.units)
                let shares = accrual.lines.reduce(0) { $0 + $1.points.units }
                #expect(shares == accrual.total.units, "the shares of \(event.id) sum to its total")
            }
        }
        return sums.filter { $0.value != 0 }
    }

    private func checkTheBooks(_ terminal: Terminal) async throws {
        let events = try await terminal.allEvents()
        #expect(events.map(\.sequence) == Array(1..<Int64(events.count + 1)), "no gap, none twice")
        #expect(Set(events.map(\.id)).count == events.count)
        let lines = try await terminal.database.pool.read { try StoredLine.fetch($0, where: "1", []) }
        for line in lines {
            for points in line.points {
                #expect(points.taken.units >= 0 && points.taken.units <= points.granted.units)
                if line.isVoided { #expect(points.taken == points.granted) }
            }
        }
    }
}
