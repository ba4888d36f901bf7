import EarnRules
import Foundation
import GRDB
import LoyaltyModel

@testable import Storage

/// A terminal with a real database in a directory of its own, and short ways to say what a till sends.
final class Terminal {
    let directory: String
    private(set) var database: LoyaltyDatabase
    let program: Program
    let now: Timestamp

    static let key: [UInt8] = Array(0..<32)

    init(program text: String = Terminal.onePointPerPound) throws {
        directory = NSTemporaryDirectory() + "loyaltyd-storage-" + UUID().uuidString
        now = try Timestamp("2027-03-02T10:00:00Z")
        program = try Program.load(toml: text, file: "test.toml", hash: "00")
        database = try Self.open(directory, now)
    }

    deinit {
        database.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    static let onePointPerPound = """
        schema = 1
        program = "test"
        currency = { points = { decimals = 0 } }
        rounding = { mode = "floor", scope = "basket", when = "after_multipliers" }

        [[earn]]
        id = "base"
        amount = { points = "1", per = "1.00" }
        """

    static func open(_ directory: String, _ now: Timestamp) throws -> LoyaltyDatabase {
        try LoyaltyDatabase.open(directory: directory, key: CardKey(key), now: now, terminalName: { "t-test" })
    }

    /// What a restart does.
    func reopen() throws { try restore(nil) }

    /// Starts again on a copy of the database.
    func restore(_ backup: String?) throws {
        database.close()
        if let backup {
            for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: database.path + suffix) }
            try FileManager.default.copyItem(atPath: backup, toPath: database.path)
        }
        // The lock lives as long as the database object.
        let path = directory
        database = try replaced(path)
    }

    private func replaced(_ path: String) throws -> LoyaltyDatabase {
        let other = NSTemporaryDirectory() + "loyaltyd-storage-" + UUID().uuidString
        database = try Self.open(other, now)
        defer { try? FileManager.default.removeItem(atPath: other) }
        return try Self.open(path, now)
    }

    var ledger: Ledger { Ledger(database) }
    var members: MemberCache { MemberCache(database) }
    var outbox: Outbox { Outbox(database) }

    func importMembers(_ records: [MemberRecord]) async throws {
        let generation = try await MemberImport(database).begin()
        _ = try await MemberImport(database).apply(records.map { .upsert($0) }, generation: generation, snapshot: false)
        _ = try await MemberImport(database).finish(generation: generation, snapshot: false, force: false, at: now)
    }

    func attachment(_ number: String) async throws -> CardAttachment {
        let card = try card(number)
        let finding = try await members.find(card)
        return CardAttachment(
            token: finding.token, member: finding.member?.id, number: finding.member == nil ? card : nil)
    }

    /// The id of the transaction with a sequence number.
    func id(_ sequence: Int64) async throws -> String {
        try await database.pool.read {
            try String.fetchOne($0, sql: "SELECT id FROM ledger_entry WHERE sequence = ?", arguments: [sequence]) ?? ""
        }
    }

    func sequences(_ ids: [String]) async throws -> [Int64] {
        try await database.pool.read { database in
            try ids.compactMap {
                try Int64.fetchOne(database, sql: "SELECT sequence FROM ledger_entry WHERE id = ?", arguments: [$0])
            }
        }
    }

    @discardableResult
    func send(
        _ sale: Sale, id: String, verb: TillEvent.SaleVerb = .complete, card: CardAttachment? = nil,
        at time: Timestamp? = nil, day: CalendarDate? = nil, epoch: String = "0"
    ) async throws -> LedgerOutcome {
        try await submit(sale, id: id, verb: verb, card: card, at: time, day: day, epoch: epoch).value
    }

    func submit(
        _ sale: Sale, id: String, verb: TillEvent.SaleVerb = .complete, card: CardAttachment? = nil,
        at time: Timestamp? = nil, day: CalendarDate? = nil, epoch: String = "0"
    ) -> CommitTicket<LedgerOutcome> {
        let time = time ?? now
        let event = TillEvent(
            identity: EventIdentity(source: "300/1", epoch: epoch, id: id), time: time, content: .sale(verb, sale))
        return ledger.submit(
            SaleSubmission(
                event: event, verb: verb, sale: sale, businessDay: day ?? time.date, attachment: card, program: program,
                receivedAt: time, receivedDay: time.date))
    }

    /// The net points that all transactions so far give a member.
    func points(of member: String) async throws -> String {
        var total = Points.zero(decimals: 0)
        for event in try await allEvents() where event.member?.value == member {
            for accrual in event.accruals { total = try total.adding(accrual.total) }
        }
        return total.description
    }

    /// Delivered or not, in the order of their sequence.
    func allEvents() async throws -> [LoyaltyTransaction] {
        var found: [LoyaltyTransaction] = []
        let delivered = try await outbox.list(state: .sent, limit: 100_000)
        for item in delivered + (try await outbox.list(state: nil, limit: 100_000)) {
            guard let payload = try await outbox.payload(item.id) else { continue }
            found.append(try JSONDecoder().decode(LoyaltyTransaction.self, from: Data(payload.utf8)))
        }
        return found.sorted { $0.sequence < $1.sequence }
    }
}

func card(_ number: String) throws -> CardNumber {
    guard let card = CardNumber(number) else { throw LoyaltyError(.storageFailed, "not a card number") }
    return card
}

func member(_ id: String, cards: String...) throws -> MemberRecord {
    MemberRecord(member: Member(id: MemberID(id)), cards: try cards.map { try card($0) })
}

let pounds: Currency = {
    guard let currency = try? Currency("GBP") else { preconditionFailure("GBP is a currency") }
    return currency
}()

func line(_ id: String, _ code: String, _ quantity: String, _ amount: String) throws -> SaleLine {
    var line = SaleLine(id: id, quantity: try Quantity(quantity), amount: try Money(amount, pounds))
    line.code = ProductCode(value: code, scheme: .sku)
    return line
}

func sale(_ number: String, _ lines: [SaleLine], closed: String = "2027-03-02T09:59:00Z") throws -> Sale {
    var total = Money.zero(pounds)
    for line in lines { total = try total.adding(line.amount) }
    var sale = Sale(
        store: "300", register: "1", number: number, currency: pounds, lines: lines, totals: SaleTotals(grand: total))
    sale.closedAt = try Timestamp(closed)
    return sale
}
