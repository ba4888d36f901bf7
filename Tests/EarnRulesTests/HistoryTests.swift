import EarnRules
import Foundation
import LoyaltyModel
import Testing

/// Random histories of members: sales, exchanges, redemptions, returns in parts and in any order, returns that are
/// voided, voided sales. `LOYALTYD_HISTORIES` says how many (each test runs half of them); `make sequences` runs 100,000.
@Suite struct Histories {
    private static let count =
        ProcessInfo.processInfo.environment["LOYALTYD_HISTORIES"].flatMap(Int.init) ?? 400
    private static let firstSeed =
        ProcessInfo.processInfo.environment["LOYALTYD_SEED"].flatMap(Int.init) ?? 1

    @Test func generatedProgramsKeepTheBooks() throws {
        var progress = Progress("generated programs", of: Self.count / 2)
        for seed in Self.firstSeed..<(Self.firstSeed + Self.count / 2) {
            var generator = Generator(seed: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15)
            let generated = GeneratedProgram(&generator)
            let program = try Program.load(toml: generated.text, file: nil, hash: "00")
            var history = try History(program, generated, generator)
            try history.run()
            progress.add(history.steps)
            guard history.problems.isEmpty else {
                Issue.record("seed \(seed): \(history.problems.joined(separator: "; "))\n\(generated.text)")
                return
            }
        }
    }

    @Test func exampleProgramsKeepTheBooks() throws {
        var progress = Progress("example programs", of: Self.count / 2)
        let programs = try ExamplePrograms.files.map(ExamplePrograms.program)
        for seed in Self.firstSeed..<(Self.firstSeed + Self.count / 2) {
            let program = programs[seed % programs.count]
            let generator = Generator(seed: UInt64(seed) &* 0xD134_2543_DE82_EF95)
            var history = try History(program, nil, generator)
            try history.run()
            progress.add(history.steps)
            guard history.problems.isEmpty else {
                Issue.record("seed \(seed), \(program.identity.name): \(history.problems.joined(separator: "; "))")
                return
            }
        }
    }
}

/// Tells a long run how far it is, and at its end what it held. A short one is silent.
private struct Progress {
    private let name: String
    private let all: Int
    private var done = 0
    private var steps: [String: Int] = [:]

    init(_ name: String, of all: Int) { (self.name, self.all) = (name, all) }

    mutating func add(_ more: [String: Int]) {
        done += 1
        steps.merge(more, uniquingKeysWith: +)
        guard all >= 5000, done % max(all / 20, 1) == 0 else { return }
        var line = "\(name): \(done) of \(all) histories without a fault"
        if done == all {
            line += "; " + steps.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)s" }.joined(separator: ", ")
        }
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }
}

/// One member's history under one program: every event goes to the engine and to `PlainBooks`, and both must agree.
private struct History {
    private struct Sold {
        var record: SaleRecord
        var returned: [String: Quantity] = [:]
    }

    private let program: Program
    private let generated: GeneratedProgram?
    private var generator: Generator
    private let money: Currency
    private let member: Member
    private var day: CalendarDate
    private var state = MemberState()
    private var counters: Counters = [:]
    private var sold: [Sold] = []
    private var plain = PlainBooks()
    /// Of all movements, by currency.
    private var ledger: [String: Int64] = [:]
    private var redemptions = 0
    private(set) var problems: [String] = []
    /// How often each kind of event happened.
    private(set) var steps: [String: Int] = [:]

    init(_ program: Program, _ generated: GeneratedProgram?, _ generator: Generator) throws {
        self.program = program
        self.generated = generated
        self.generator = generator
        let codes = generated != nil ? ["GBP"] : ["USD", "EUR", "GBP", "ZAR"]
        let code = codes.randomElement(using: &self.generator) ?? "GBP"
        money = try Currency(code)
        day = try CalendarDate("2027-01-20")
        var member = Member(id: MemberID("m-1"))
        if generated == nil {
            let tiers = ["gold", "vib", "rouge", "plus", "luxe", "ambassador", "green", "reserve"]
            member.tier = tiers.randomElement(using: &self.generator)
            if Int.random(in: 0...4, using: &self.generator) == 0 { member.segments = ["employee"] }
            if Bool.random(using: &self.generator) {
                member.entitlements = ["prime", "card", "plus"].map { Member.Entitlement(name: $0) }
            }
            state.referrer = MemberID("m-2")
            state.joined = try CalendarDate("2025-01-15")
        }
        self.member = member
    }

    mutating func run() throws {
        for _ in 0..<Int.random(in: 4...12, using: &generator) {
            day = day.adding(days: Int.random(in: 0...4, using: &generator))
            switch Int.random(in: 0...11, using: &generator) {
            case 0...3: try sell(with: nil)
            case 4: try sellAndBringAllBack()
            case 5: if !sold.isEmpty { try exchange() }
            case 6...7: if !sold.isEmpty { try bringBackAPiece(of: sold.indices.randomElement(using: &generator) ?? 0) }
            case 8: if !sold.isEmpty { try bringBackAndUndo(sold.indices.randomElement(using: &generator) ?? 0) }
            case 9: if !sold.isEmpty { try void(sold.indices.randomElement(using: &generator) ?? 0) }
            case 10: try sellAndVoid()
            default: try give()
            }
            try check("after event of \(day)")
            if !problems.isEmpty { return }
        }
        for index in sold.indices.shuffled(using: &generator) {
            try bringAllBack(index)
            try check("at the end")
        }
    }

    // MARK: Events

    /// - Parameter back: a line that takes goods back, as in an exchange.
    private mutating func sell(with back: SaleLine?) throws {
        let (sale, lines) = try randomSale(with: back)
        let input = try program.input(sale, at: "\(day)T12:00:00Z", member: member, state: state, counters: counters)
        let result = try program.evaluate(input)
        if let generated {
            let month = "\(day)".prefix(7)
            let room = generated.cap.map { $0 - plain.used("points", in: String(month)) }
            let wanted = generated.points(lines.map(\.goods), room: room)
            let got = result.accruals.first { $0.currency == "points" }?.total.units ?? 0
            if Int64(wanted) != got { problems.append("a sale of \(lines) gives \(got), not \(wanted)") }
        }
        var spendings: [Spending] = []
        if Bool.random(using: &generator), let spending = try spend(input) { spendings.append(spending) }
        try counters.apply(result.counterChanges)
        let origin = "s\(sold.count)"
        try add(program.credit(result, origin: origin, on: day, to: &state))
        sold.append(Sold(record: try program.record(input, result, origin: origin, spendings: spendings)))
        note(result, lines, spendings)
        steps[back == nil ? "sale" : "exchange", default: 0] += 1
    }

    private mutating func spend(_ input: EarnInput) throws -> Spending? {
        let offers = try program.offers(input).filter { !$0.steps.isEmpty }
        guard let offer = offers.randomElement(using: &generator),
            let step = offer.steps.randomElement(using: &generator)
        else { return nil }
        redemptions += 1
        steps["redemption", default: 0] += 1
        let redemption = try program.redeem(
            offer.reward, points: step.points, id: "r\(redemptions)", input, state: &state)
        try add(redemption.movements)
        try counters.apply(redemption.counterChanges)
        return redemption.spending
    }

    /// Rewards that are given by themselves.
    private mutating func give() throws {
        let given = try program.issueRewards(on: day, member: member, counters: counters, state: &state)
        try add(given.movements)
        try counters.apply(given.counterChanges)
        for reward in given.issued {
            guard let cost = reward.cost, let currency = reward.currency else { continue }
            plain.costs[currency, default: 0] += Int(cost.units)
        }
    }

    private mutating func exchange() throws {
        let index = sold.indices.randomElement(using: &generator) ?? 0
        guard let line = openLine(of: index) else { return }
        var back = SaleLine(
            id: "back", quantity: try Quantity("-1"),
            amount: Money(minorUnits: -Int64(plain.sales[index].lines[line].cents) / 6, money))
        back.department = ["a"]
        try sell(with: back)
        try bringBack(index, line)
    }

    private mutating func sellAndBringAllBack() throws {
        let before = (try balances(), counters, state.entitlements)
        try sell(with: nil)
        guard problems.isEmpty, let generous = plain.sales.last?.grants.contains(where: { $0.returning.isKept }),
            !generous
        else { return }
        let index = sold.count - 1
        // One of the returns in between is voided.
        if Bool.random(using: &generator) { try bringBackAndUndo(index) }
        try bringAllBack(index)
        let after = (try balances(), counters, state.entitlements)
        if before.0 != after.0 { problems.append("balances \(before.0) became \(after.0)") }
        if before.1 != after.1 { problems.append("counters \(before.1) became \(after.1)") }
        if before.2 != after.2 { problems.append("rights \(before.2) became \(after.2)") }
    }

    /// A void leaves nothing, whatever came back before and whatever bonuses stay with returns.
    private mutating func void(_ index: Int) throws {
        guard !plain.sales[index].isVoid else { return }
        plain.sales[index].isVoid = true
        let before = try sold[index].record.taken(sold[index].returned)
        let (_, movements) = try program.take(
            sold[index].record, from: before, to: sold[index].record.takenWhole, on: day, state: &state,
            counters: &counters)
        try add(movements)
        steps["void", default: 0] += 1
    }

    private mutating func sellAndVoid() throws {
        let before = (try balances(), counters, state.entitlements)
        try sell(with: nil)
        guard problems.isEmpty else { return }
        let index = sold.count - 1
        if Bool.random(using: &generator) { try bringBackAPiece(of: index) }
        try void(index)
        let after = (try balances(), counters, state.entitlements)
        if before != after { problems.append("a void left \(before) as \(after)") }
    }

    private func openLine(of index: Int) -> Int? {
        guard !plain.sales[index].isVoid else { return nil }
        let open = plain.sales[index].lines.indices.filter {
            plain.sales[index].lines[$0].back < plain.sales[index].lines[$0].quantity
        }
        var copy = generator
        return open.randomElement(using: &copy)
    }

    private mutating func bringBackAPiece(of index: Int) throws {
        guard let line = openLine(of: index) else { return }
        _ = generator.next()
        try bringBack(index, line)
    }

    private mutating func bringAllBack(_ index: Int) throws {
        while let line = openLine(of: index) {
            _ = generator.next()
            try bringBack(index, line)
            try check("while all of \(index) comes back")
        }
    }

    private mutating func bringBackAndUndo(_ index: Int) throws {
        guard let line = openLine(of: index) else { return }
        try bringBack(index, line)
        try check("after a return")
        try bringBack(index, line, by: -1)
        try check("after a voided return")
    }

    private mutating func bringBack(_ index: Int, _ line: Int, by count: Int = 1) throws {
        let before = try sold[index].record.taken(sold[index].returned)
        let back = plain.sales[index].lines[line].back + count
        plain.sales[index].lines[line].back = back
        sold[index].returned["\(line)"] = try Quantity("\(back)")
        let after = try sold[index].record.taken(sold[index].returned)
        steps[count < 0 ? "voided return" : "return", default: 0] += 1
        let (_, movements) = try program.take(
            sold[index].record, from: before, to: after, on: day, state: &state, counters: &counters)
        try add(movements)
    }

    // MARK: Books

    private mutating func note(_ result: EarnResult, _ lines: [RandomLine], _ spendings: [Spending]) {
        var sale = PlainBooks.Sale(
            month: String("\(day)".prefix(7)),
            lines: lines.map { PlainBooks.Line(cents: $0.goods.cents, quantity: $0.goods.quantity) }, grants: [])
        for grant in result.grants where grant.recipient == .member && program.currencies[grant.currency] != nil {
            let shares = grant.lines.compactMap { share in
                Int(share.line).map { PlainBooks.Share(line: $0, points: Int(share.points.units)) }
            }
            if shares.reduce(0, { $0 + Int64($1.points) }) != grant.granted.units {
                problems.append("\(grant.rule) gives \(grant.granted), its lines do not sum to it")
            }
            let returning = grant.rule == "bonus" ? generated?.bonusReturning ?? .prorate : .prorate
            sale.grants.append(.init(currency: grant.currency, returning: returning, shares: shares))
        }
        sale.spent = spendings.map { .init(currency: $0.currency, points: Int($0.points.units)) }
        plain.sales.append(sale)
    }

    private mutating func add(_ movements: [LotMovement]) throws {
        for movement in movements { ledger[movement.currency, default: 0] += movement.points.units }
    }

    /// The ledger, the lots and the plain books say the same.
    private mutating func check(_ moment: String) throws {
        for (currency, decimals) in program.currencies {
            let balance = try state.balance(of: currency, decimals: decimals, on: day, floor: .negative)
            let total = balance.available.units + balance.pending.units
            if total != ledger[currency] ?? 0 {
                problems.append("\(moment): \(currency) \(total), the ledger says \(ledger[currency] ?? 0)")
            }
            if total != Int64(plain.balance(currency)) {
                problems.append("\(moment): \(currency) \(total), by hand \(plain.balance(currency))")
            }
            if let owed = state.owed[currency], owed.isNegative { problems.append("\(moment): \(owed) are owed") }
            for lot in state.lots where lot.remaining.isNegative {
                problems.append("\(moment): lot \(lot.id) has \(lot.remaining)")
            }
        }
        for (currency, cap) in [("points", generated?.cap)] {
            guard let cap else { continue }
            let kept = plain.kept(currency, in: String("\(day)".prefix(7)))
            if kept > cap { problems.append("\(moment): \(kept) in a month of at most \(cap)") }
        }
    }

    private func balances() throws -> [String] {
        try program.currencies.keys.sorted().map { currency in
            let balance = try state.balance(
                of: currency, decimals: program.currencies[currency] ?? 0, on: day, floor: .negative)
            return "\(currency) \(balance.available.units + balance.pending.units)"
        }
    }

    // MARK: Sales

    private struct RandomLine: CustomStringConvertible {
        var goods: GeneratedProgram.Goods
        var description: String { "\(goods.quantity) \(goods.category) for \(goods.cents)" }
    }

    private mutating func randomSale(with back: SaleLine?) throws -> (Sale, [RandomLine]) {
        let categories =
            generated != nil
            ? ["a", "b", "c"]
            : [
                "bakery", "restaurants", "digital", "cartridge", "coffee", "fresh", "fare", "prescription", "alcohol",
                "c", "c",
            ]
        var lines: [SaleLine] = []
        var goods: [RandomLine] = []
        for index in 0..<Int.random(in: 1...5, using: &generator) {
            let quantity = Int.random(in: 1...6, using: &generator)
            let cents = Int.random(in: 0...3_999, using: &generator)
            let category = categories.randomElement(using: &generator) ?? "a"
            var line = SaleLine(
                id: "\(index)", quantity: try Quantity("\(quantity)"), amount: Money(minorUnits: Int64(cents), money))
            line.department = [category]
            if generated == nil {
                line.tags = Bool.random(using: &generator) ? ["conscious"] : nil
            }
            lines.append(line)
            goods.append(RandomLine(goods: .init(cents: cents, quantity: quantity, category: category)))
        }
        if let back { lines.insert(back, at: Int.random(in: 0...lines.count, using: &generator)) }
        var sum = Money.zero(money)
        for line in lines { sum = try sum.adding(line.amount) }
        var sale = Sale(
            store: ["100", "900", "amazon", "whole-foods"].randomElement(using: &generator) ?? "1", register: "1",
            number: "\(sold.count)", currency: money, lines: lines, totals: SaleTotals(grand: sum))
        if generated == nil {
            let names = [
                "prime_visa", "starbucks_card", "nordstrom_card", "banana_republic_card", "other",
            ]
            let part = sum.minorUnits > 0 ? Int64.random(in: 0...sum.minorUnits, using: &generator) : sum.minorUnits
            var card = Tender(kind: .card, amount: Money(minorUnits: part, money))
            card.name = names.randomElement(using: &generator)
            sale.tenders = [card, Tender(kind: .cash, amount: Money(minorUnits: sum.minorUnits - part, money))]
        }
        return (sale, goods)
    }
}
