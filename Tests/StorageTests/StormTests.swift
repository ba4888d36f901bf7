import Foundation
import GRDB
import LoyaltyModel
import Testing

@testable import Storage

/// What tills do on a bad day: everything is sent again and again, under old and new ids, late, in any order, after numbers
/// began again. The ledger must be the one that each document once, in its order, gives.
///
/// `STORM_SALES` and `STORM_SEED` in the environment choose another size and another storm.
@Suite struct TillStorm {
    private struct Document {
        var verb = TillEvent.SaleVerb.complete
        var sale: Sale
        var id: String
        var card: Int?
        var epoch = "0"
    }

    private static let members = 40
    private static let perDay = 400

    private static var size: Int {
        ProcessInfo.processInfo.environment["STORM_SALES"].flatMap { Int($0) } ?? 400
    }
    private static var seed: UInt64 {
        ProcessInfo.processInfo.environment["STORM_SEED"].flatMap { UInt64($0) } ?? 20_261_122
    }

    @Test func aStormEndsInTheLedgerOfTheCleanSequence() async throws {
        var random = SeededGenerator(seed: Self.seed)
        let documents = try Self.documents(Self.size, &random)
        let clean = try await Self.ledger(of: documents)
        let stormy = try await Self.ledger(of: Self.storm(documents, &random))
        #expect(clean.count > Self.size / 2)
        let different = Set(clean.keys).union(stormy.keys).filter { clean[$0] != stormy[$0] }.sorted()
        for key in different.prefix(10) {
            Issue.record("\(key): \(stormy[key] ?? 0) in place of \(clean[key] ?? 0); seed \(Self.seed)")
        }
        #expect(different.isEmpty)
    }

    // MARK: The documents

    /// Sales of 1 to 5 lines, of which some are corrected, voided, or come back in parts; numbers begin again now and then.
    private static func documents(_ count: Int, _ random: inout SeededGenerator) throws -> [Document] {
        var documents: [Document] = []
        var number = 0
        for index in 0..<count {
            number = index % 97 == 0 ? 1 : number + 1
            var first = Document(sale: try basket(index, number, &random), id: "e-\(index)")
            first.card = Int.random(in: 0..<members + 5, using: &random)
            if first.card ?? 0 >= members { first.card = nil }
            documents.append(first)
            switch Int.random(in: 0..<20, using: &random) {
            case 0...2:
                var corrected = try basket(index, number, &random)
                corrected.revision = 1
                documents.append(Document(sale: corrected, id: "c-\(index)", card: first.card))
            case 3, 4: documents.append(try void(of: first.sale, number: 50_000 + index))
            case 5...8: documents += try returns(of: first, index, &random)
            default: break
            }
        }
        return documents
    }

    private static func basket(_ index: Int, _ number: Int, _ random: inout SeededGenerator) throws -> Sale {
        let lines = try (1...Int.random(in: 1...5, using: &random)).map { position in
            let quantity = Int.random(in: 1...4, using: &random)
            let cents = quantity * Int.random(in: 40...1999, using: &random)
            return try line("\(position)", "P\(position)", "\(quantity)", amount(cents))
        }
        var sale = try sale("\(number)", lines, closed: time(index))
        sale.uid = "u-\(index)"
        return sale
    }

    private static func void(of sale: Sale, number: Int) throws -> Document {
        var document = sale
        document.state = .voided
        document.number = "\(number)"
        document.uid = nil
        document.links = [SaleLink(relation: .voids, uid: sale.uid)]
        return Document(verb: .void, sale: document, id: "v-\(number)")
    }

    /// The units of one line, one at a time, some of them.
    private static func returns(
        of first: Document, _ index: Int, _ random: inout SeededGenerator
    ) throws -> [Document] {
        guard let sold = first.sale.lines.randomElement(using: &random), let units = Int(sold.quantity.description)
        else { return [] }
        let each = Int(sold.amount.minorUnits) / units
        return try (0..<Int.random(in: 1...units, using: &random)).map { part in
            var back = try line("1", sold.code?.value ?? "", "-1", "-" + amount(each))
            back.returned = ReturnReference(link: SaleLink(relation: .returns, uid: first.sale.uid, line: sold.id))
            var sale = try sale("\(60_000 + index * 10 + part)", [back], closed: time(index, after: 60 * (part + 1)))
            sale.uid = "r-\(index)-\(part)"
            return Document(verb: .complete, sale: sale, id: "r-\(index)-\(part)", card: first.card)
        }
    }

    private static func amount(_ cents: Int) -> String {
        "\(cents / 100)." + String(String(100 + cents % 100).dropFirst())
    }

    private static func time(_ index: Int, after seconds: Int = 0) throws -> String {
        let day = Int64(index / perDay) * 86_400
        return try Timestamp("2027-03-02T06:00:00Z").adding(
            seconds: day + Int64(index % perDay) * 100 + Int64(seconds)
        ).description
    }

    // MARK: The storm

    private static func storm(_ documents: [Document], _ random: inout SeededGenerator) -> [Document] {
        var placed: [(at: Int, document: Document)] = []
        for (index, document) in documents.enumerated() {
            placed.append((index * 8 + delay(&random), document))
            while Int.random(in: 0..<10, using: &random) < 4 {
                var again = document
                switch Int.random(in: 0..<4, using: &random) {
                case 0, 1: break
                case 2: again.id += "-again-\(placed.count)"
                default:
                    // A till that was set up anew sends its journal.
                    guard again.sale.uid != nil else { break }
                    again.id += "-journal-\(placed.count)"
                    again.epoch = "1"
                }
                placed.append((index * 8 + delay(&random), again))
            }
        }
        return placed.sorted { $0.at < $1.at }.map(\.document)
    }

    /// Mostly in order, sometimes some documents late, now and then hours.
    private static func delay(_ random: inout SeededGenerator) -> Int {
        switch Int.random(in: 0..<20, using: &random) {
        case 0...11: Int.random(in: 0..<8, using: &random)
        case 12...18: Int.random(in: 0..<200, using: &random)
        default: Int.random(in: 0..<4000, using: &random)
        }
    }

    // MARK: The ledger

    /// Points by member and sale, with what came back of it: how odd points fall on parts of a line is a matter of order.
    private static func ledger(of documents: [Document]) async throws -> [String: Int] {
        let terminal = try Terminal()
        let numbers = (0..<members).map { "29840000\(10_000 + $0)" }
        try await terminal.importMembers(
            numbers.enumerated().map { index, number in try member("m-\(index)", cards: number) })
        var attachments: [CardAttachment] = []
        for number in numbers { attachments.append(try await terminal.attachment(number)) }
        for start in stride(from: 0, to: documents.count, by: 256) {
            let tickets = documents[start..<min(start + 256, documents.count)].map { document in
                terminal.submit(
                    document.sale, id: document.id, verb: document.verb, card: document.card.map { attachments[$0] },
                    at: terminal.now.adding(seconds: Int64(start)), day: document.sale.closedAt?.date,
                    epoch: document.epoch)
            }
            for ticket in tickets { _ = try await ticket.value }
        }
        return try await terminal.database.pool.read { database in
            var sums: [String: Int] = [:]
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT ledger_entry.member_key || ' ' || coalesce(sale.uid, sale.number) AS name,
                        sum(ledger_entry.units) AS units
                    FROM ledger_entry JOIN sale ON sale.id = ledger_entry.sale_id GROUP BY 1
                    """)
            for row in rows {
                let parts = (row["name"] as String).split(separator: "-")
                // m:m-3 r-61-1 counts with m:m-3 u-61.
                let name = parts.prefix(3).joined(separator: "-").replacing(" r-", with: " u-")
                sums[name, default: 0] += row["units"]
            }
            return sums.filter { $0.value != 0 }
        }
    }
}
