import Foundation
import GRDB
import LoyaltyModel
import Testing

@testable import EarnRules
@testable import Storage

/// The cases of every example program, once by the engine alone and once as a till's documents through the ledger: after each
/// step all members have the same points, tiers, counters and rewards, and good causes and partners got the same.
@Suite struct StoredCases {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Examples/programs")

    static let files: [String] = {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return all.filter { $0.hasSuffix(".toml") && !$0.hasSuffix(".cases.toml") }.sorted()
    }()

    private static func text(_ file: String) throws -> String {
        try String(contentsOf: folder.appending(path: file), encoding: .utf8)
    }

    private static func program(_ file: String) throws -> Program {
        try Program.load(toml: text(file), file: file, hash: file)
    }

    @Test(arguments: files) func theLedgerGivesWhatTheCaseSays(file: String) async throws {
        let program = try Self.program(file)
        let versions = try ProgramVersions(
            Self.files.map(Self.program).filter { $0.identity.name == program.identity.name })
        let cases = try ProgramCase.load(toml: Self.text(file), file: file, inProgram: true, for: versions)
        for test in cases {
            let till = try await CaseTill(test, versions)
            try await till.play()
        }
    }
}

/// Plays a case twice, and compares after each step.
private final class CaseTill {
    private let test: ProgramCase
    private let versions: ProgramVersions
    private let terminal: Terminal
    private var books: CaseBooks
    private var attachments: [String: CardAttachment] = [:]
    /// By step: what a void of it is.
    private var actions: [String: LoyaltyAction] = [:]
    private var causes: [String: Points] = [:]
    private var forwards: [String: Int64] = [:]

    init(_ test: ProgramCase, _ versions: ProgramVersions) async throws {
        (self.test, self.versions) = (test, versions)
        books = try CaseBooks(test, versions)
        terminal = try Terminal()
        try await setUp()
    }

    /// Members with what they begin with.
    private func setUp() async throws {
        let records = test.people.enumerated().map { index, person in
            MemberRecord(
                member: self.books.accounts[person.member.id.value]?.member ?? person.member,
                cards: [CardNumber("29840000\(10_000 + index)")].compactMap(\.self))
        }
        try await terminal.importMembers(records)
        for record in records {
            guard let number = record.cards.first?.value else { continue }
            attachments[record.member.id.value] = try await terminal.attachment(number)
        }
        let (books, attachments, vault) = (self.books, self.attachments, terminal.database.vault)
        let program = versions.program(at: test.steps[0].time)
        try await terminal.database.writer.submit { database in
            let kept = MemberBooks(database: database)
            for (id, account) in books.accounts {
                guard let member = account.member, let holder = Holder(attachments[id]) else { continue }
                var state = account.state
                (state.lots, state.owed, state.lastActivity, state.linked) = ([], [:], nil, [:])
                try kept.store(state, of: holder.key)
                for (partner, number) in account.state.linked {
                    try PartnerNumbers(database: database, vault: vault)
                        .keep(CardNumber(verbatim: number), of: member.id, at: partner, by: .till)
                }
                var stored = try Account(database, key: holder.key, state: state)
                stored.state.lots = account.state.lots
                stored.state.owed = account.state.owed
                stored.state.lastActivity = account.state.lastActivity
                stored.settled = books.day.adding(days: -1)
                try stored.store(database, program)
                let owner = CounterOwner(holder, member)
                for (key, value) in try books.counters(of: id) {
                    let name = owner.holder(key.scope)
                    if try kept.value(of: key, name).isZero { try kept.add(value, to: key, of: name) }
                }
            }
        }.value
    }

    func play() async throws {
        for step in test.steps {
            let before = books
            let actor: String
            switch step.actor {
            case .usual: actor = test.actor ?? CaseBooks.nobody
            case .nobody: actor = CaseBooks.nobody
            case .person(let id): actor = id
            }
            books.effect = CaseEffect()
            do { try books.apply(step, by: actor) } catch {
                // What the program refuses a till cannot undo: it is another case, of the flags.
                books = before
                try await settle(step)
                continue
            }
            try await settle(step)
            try await send(step, actor, before)
            try await compare(step)
        }
    }

    private var day: CalendarDate { books.day }

    private func settle(_ step: ProgramCase.Step) async throws {
        let program = versions.program(at: step.time)
        _ = try await AccountKeeping(terminal.database).settle(
            to: program.zone.local(step.time).date, program: program, at: step.time)
    }

    // MARK: Documents

    private func send(_ step: ProgramCase.Step, _ actor: String, _ before: CaseBooks) async throws {
        switch step.event {
        case nil: return
        case .sale(let sold): try await submit(try document(of: sold, step), step, actor)
        case .returned(let origin, let lines):
            guard case .posted(let sale)? = before.done[origin] else { return }
            var document = empty(step, .return, of: origin)
            for line in sale.record.lines {
                let asked = lines?.first { $0.line == line.id }
                guard lines == nil || asked != nil else { continue }
                let open = try line.quantity.adding((sale.returned[line.id] ?? .zero).negated())
                var back = SaleLine(
                    id: line.id, quantity: try (asked?.quantity ?? open).negated(), amount: .zero(test.money))
                back.returned = ReturnReference(
                    link: SaleLink(relation: .returns, number: origin, line: line.id))
                if !back.quantity.isZero { document.lines.append(back) }
            }
            if !document.lines.isEmpty { try await submit(document, step, actor) }
        case .returnedUnlinked(let lines):
            var document = empty(step, .return)
            document.lines = lines
            for line in lines { document.totals.grand = try document.totals.grand.adding(line.amount) }
            try await submit(document, step, actor)
        case .void(let target):
            if let action = actions[target] { return try await submit(action, step, actor, verb: .void) }
            var document = empty(step, .sale, of: target)
            document.state = .voided
            document.links = [SaleLink(relation: .voids, number: target)]
            try await submit(document, step, CaseBooks.nobody, verb: .void)
        case .action(var action):
            action.businessDay = day
            if actions.values.allSatisfy({ $0.key != action.key }) { actions[step.id] = action }
            try await submit(action, step, actor)
        case .book(let name, let date, let atTill):
            try await keep(MemberUpdate(day: .init(day: name, date: date, isAtTill: atTill)), step, actor)
        case .link(let partner, let number):
            try await keep(
                MemberUpdate(partner: .init(partner: partner, number: CardNumber(verbatim: number))), step, actor)
        case .choose(let cause): try await keep(MemberUpdate(beneficiary: cause), step, actor)
        }
    }

    /// A document of the store that an earlier step was in: a number means nothing without it.
    private func empty(_ step: ProgramCase.Step, _ kind: Sale.Kind, of origin: String? = nil) -> Sale {
        var store = "1"
        if case .sale(let sold)? = test.steps.first(where: { $0.id == origin })?.event { store = sold.sale.store }
        var sale = Sale(
            store: store, register: "1", number: step.id, kind: kind, currency: test.money,
            totals: SaleTotals(grand: .zero(test.money)))
        sale.closedAt = step.time
        return sale
    }

    /// The sale as the till closes it: with the rewards that it gave, and how they were paid with.
    private func document(of sold: CaseSale, _ step: ProgramCase.Step) throws -> Sale {
        var sale = sold.sale
        (sale.number, sale.closedAt) = (step.id, step.time)
        for (line, origin) in sold.origins {
            guard let index = sale.lines.firstIndex(where: { $0.id == line }) else { continue }
            sale.lines[index].returned = ReturnReference(
                link: SaleLink(relation: .returns, number: origin.step, line: origin.line))
        }
        guard case .posted(let posted)? = books.done[step.id] else { return sale }
        let kinds = Dictionary(uniqueKeysWithValues: posted.program.rewards.map { ($0.id, $0.kind) })
        for (wish, spending) in zip(sold.redeeming, posted.record.spendings) {
            sale.redeem =
                (sale.redeem ?? [])
                + [RedeemedReward(reward: wish.reward, points: wish.points, amount: spending.money)]
            guard let money = spending.money, kinds[wish.reward] == .money || kinds[wish.reward] == .percent else {
                continue
            }
            switch wish.form {
            case .tender: sale.tenders.append(Tender(kind: .points, amount: money))
            case .discount:
                sale.discounts.append(SaleDiscount(amount: money, source: .loyalty))
                sale.totals.grand = try sale.totals.grand.adding(money.negated())
            }
        }
        guard let rest = sold.rest ?? (sale.tenders.isEmpty ? nil : .cash) else { return sale }
        var open = sale.totals.grand
        for tender in sale.tenders { open = try open.adding(tender.amount.negated()) }
        if open.minorUnits > 0 { sale.tenders.append(Tender(kind: rest, amount: open)) }
        return sale
    }

    private func submit(
        _ sale: Sale, _ step: ProgramCase.Step, _ actor: String, verb: TillEvent.SaleVerb = .complete
    ) async throws {
        _ = try await terminal.ledger.submit(
            SaleSubmission(
                event: TillEvent(
                    identity: EventIdentity(source: "1/1", id: step.id), time: step.time, content: .sale(verb, sale)),
                verb: verb, sale: sale, businessDay: day, attachment: attachments[actor],
                program: versions.program(at: step.time), programs: versions, receivedAt: step.time, receivedDay: day)
        ).value
    }

    private func submit(
        _ action: LoyaltyAction, _ step: ProgramCase.Step, _ actor: String, verb: TillEvent.SaleVerb = .complete
    ) async throws {
        let program = versions.program(at: step.time)
        _ = try await terminal.ledger.submit(
            SaleSubmission(
                event: TillEvent(
                    identity: EventIdentity(source: "app", id: step.id), time: step.time,
                    content: .action(verb == .void ? .void : .take, action, nil)),
                verb: verb, sale: program.document(of: action), businessDay: day,
                attachment: verb == .void ? nil : attachments[actor], program: program, programs: versions,
                receivedAt: step.time, receivedDay: day, action: action)
        ).value
    }

    private func keep(_ update: MemberUpdate, _ step: ProgramCase.Step, _ actor: String) async throws {
        _ = try await MemberRegister(terminal.database).keep(
            update, of: MemberID(actor), event: EventIdentity(source: "app", id: step.id),
            program: versions.program(at: step.time), on: day, at: step.time
        ).value
    }

    // MARK: Comparing

    private func compare(_ step: ProgramCase.Step) async throws {
        let program = versions.program(at: step.time)
        let place = "\(test.name), step \(step.id)"
        let (books, attachments, day) = (self.books, self.attachments, self.day)
        for (id, account) in books.accounts.sorted(by: { $0.key < $1.key }) {
            guard let member = account.member, let holder = Holder(attachments[id]) else { continue }
            let (state, counters) = try await terminal.database.pool.read { database in
                let kept = MemberBooks(database: database)
                let state = try kept.state(of: holder, member)
                return (
                    try Account(database, key: holder.key, state: state).state,
                    try kept.counters(program, CounterOwner(holder, member), on: day, joined: state.joined)
                )
            }
            for (currency, decimals) in program.currencies {
                let stored = try state.balance(
                    of: currency, decimals: decimals, on: day, floor: program.returns.floor)
                let pure = try account.state.balance(
                    of: currency, decimals: decimals, on: day, floor: program.returns.floor)
                #expect(stored == pure, "\(place): \(currency) of \(id)")
            }
            let pure = try books.counters(of: id)
            #expect(
                try program.tier(of: state, counters: counters, on: day)
                    == program.tier(of: account.state, counters: pure, on: day), "\(place): tier of \(id)")
            for key in Set(program.counterKeys(on: day, joined: state.joined)) where key.per != .rollingYear {
                #expect(counters[key] ?? .zero == pure[key] ?? .zero, "\(place): \(key.name) of \(id)")
            }
            #expect(
                Set(state.entitlements) == Set(account.state.entitlements), "\(place): rights of \(id)")
            #expect(state.chosenDays == account.state.chosenDays, "\(place): days of \(id)")
        }
        try await compareOthers(step, place)
    }

    private func compareOthers(_ step: ProgramCase.Step, _ place: String) async throws {
        for (account, points) in books.effect.others where books.accounts[account] == nil {
            for (_, amount) in points { causes[account] = try causes[account].map { try $0.adding(amount) } ?? amount }
        }
        if case .sale? = step.event {
            for (partner, amount) in books.effect.forwards { forwards[partner, default: 0] += amount.minorUnits }
        }
        var given: [String: Points] = [:]
        var told: [String: Int64] = [:]
        for entry in try await terminal.allEvents() {
            for accrual in entry.accruals {
                guard let cause = entry.beneficiary else { continue }
                given[cause] = try given[cause].map { try $0.adding(accrual.total) } ?? accrual.total
            }
            if let forward = entry.forward { told[forward.partner, default: 0] += forward.amount.minorUnits }
        }
        #expect(given.filter { !$0.value.isZero } == causes.filter { !$0.value.isZero }, "\(place): good causes")
        #expect(told == forwards, "\(place): partners")
    }
}
