import DataFormats
import LoyaltyModel

extension CaseFile {
    private static let eventKeys = ["sale", "return", "void", "action", "book", "link", "choose"]

    func event(
        _ table: inout TableReader, _ step: String, _ time: Timestamp, _ money: Currency
    ) throws(LoyaltyError) -> ProgramCase.Event? {
        let named = table.keys.filter(Self.eventKeys.contains)
        guard named.count < 2 else {
            throw LoyaltyError(
                .caseConflict, "\"\(named[0])\" and \"\(named[1])\" are two events", at: table.place(of: named[1]),
                remedy: "Write a [[case.step]] for each")
        }
        // Asked for all of them, so that a misspelt key finds its neighbour.
        for key in Self.eventKeys where key != named.first { _ = table.node(key) }
        switch named.first {
        case "sale": return .sale(try sale(&table, step, money))
        case "return": return try returned(&table, money)
        case "void":
            let target = try table.requiredString("void")
            try checkStep(target, table, "void")
            return .void(target)
        case "action": return .action(try action(&table, step, time, money))
        case "book":
            var book = try table.requiredTable("book")
            let day = try book.requiredString("day")
            try book.check("day", "day of the member's choice", day, in: names.days)
            guard let date = try book.date("on") else {
                throw LoyaltyError(.documentMissingKey, "\"on\" is missing", at: book.place)
            }
            let atTill = try book.boolean("at_till") ?? false
            try book.finish()
            return .book(day: day, on: date, atTill: atTill)
        case "link":
            var link = try table.requiredTable("link")
            let partner = try link.requiredString("partner")
            try link.check("partner", "partner", partner, in: names.partners)
            let number = try link.requiredString("number")
            try link.finish()
            return .link(partner: partner, number: number)
        case "choose":
            let cause = try table.requiredString("choose")
            try table.check("choose", "good cause", cause, in: names.beneficiaries)
            return .choose(cause)
        default: return nil
        }
    }

    func checkStep(_ id: String, _ table: TableReader, _ key: String) throws(LoyaltyError) {
        guard stepNames.contains(id) else {
            throw LoyaltyError(
                .caseConflict, "no step before this one is \"\(id)\"", at: table.place(of: key),
                remedy: stepNames.isEmpty ? nil : "Steps before: " + stepNames.joined(separator: ", "))
        }
    }

    private func action(
        _ table: inout TableReader, _ step: String, _ time: Timestamp, _ money: Currency
    ) throws(LoyaltyError) -> LoyaltyAction {
        // The day follows from the zone of the version that holds; the runner sets it.
        if case .string(let name)? = table.node("action")?.value {
            return LoyaltyAction(name: name, key: "step \(step)", occurredAt: time, businessDay: time.date)
        }
        var entry = try table.requiredTable("action")
        let action = LoyaltyAction(
            name: try entry.requiredString("name", length: 1...64),
            key: try entry.string("key", length: 1...128) ?? "step \(step)", occurredAt: time, businessDay: time.date,
            amount: try entry.money("amount", money), quantity: try entry.decimal("quantity") ?? .one,
            store: try entry.string("store"), channel: try entry.string("channel"))
        try entry.finish()
        return action
    }

    private func returned(_ table: inout TableReader, _ money: Currency) throws(LoyaltyError) -> ProgramCase.Event {
        if case .string(let step)? = table.node("return")?.value {
            try checkStep(step, table, "return")
            return .returned(of: step, lines: nil)
        }
        var entry = try table.requiredTable("return")
        guard let step = try entry.string("of") else {
            var lines: [SaleLine] = []
            for (index, var line) in try entry.tables("lines").enumerated() {
                lines.append(try self.line(&line, index, money).line)
            }
            guard !lines.isEmpty else {
                throw LoyaltyError(.documentMissingKey, "\"of\" or \"lines\" is needed", at: entry.place)
            }
            try entry.finish()
            return .returnedUnlinked(lines)
        }
        try checkStep(step, entry, "of")
        var lines: [ProgramCase.ReturnedLine]?
        for (index, node) in (try entry.array("lines") ?? []).enumerated() {
            if case .string(let id) = node.value {
                lines = (lines ?? []) + [.init(line: id)]
                continue
            }
            var part = try TableReader(node, path: entry.path(to: "lines[\(index)]"))
            lines =
                (lines ?? []) + [
                    .init(line: try part.requiredString("id"), quantity: try part.amount("qty", positive: true))
                ]
            try part.finish()
        }
        try entry.finish()
        return .returned(of: step, lines: lines)
    }

    // MARK: Sales

    private func sale(_ table: inout TableReader, _ step: String, _ money: Currency) throws(LoyaltyError) -> CaseSale {
        if case .string? = table.node("sale")?.value {
            let amount = try table.requiredMoney("sale", money)
            var sale = Sale(
                store: "1", register: "1", number: step, currency: money, totals: SaleTotals(grand: amount))
            sale.lines = [SaleLine(id: "1", amount: amount)]
            return CaseSale(sale: sale)
        }
        var entry = try table.requiredTable("sale")
        var sale = Sale(
            store: try entry.string("store", length: 1...64) ?? "1",
            register: try entry.string("register", length: 1...64) ?? "1", number: step, currency: money,
            totals: SaleTotals(grand: .zero(money)))
        sale.channel = try entry.string("channel", length: 1...64)
        var origins: [String: CaseSale.Origin] = [:]
        for (index, var table) in try entry.tables("lines").enumerated() {
            let (line, origin) = try line(&table, index, money)
            guard !sale.lines.contains(where: { $0.id == line.id }) else {
                throw LoyaltyError(.caseConflict, "there is another line \"\(line.id)\"", at: table.place)
            }
            sale.lines.append(line)
            if let origin { origins[line.id] = origin }
        }
        if let amount = try entry.money("amount", money) {
            guard sale.lines.isEmpty else {
                throw LoyaltyError(
                    .caseConflict, "it is the amount of a sale without \"lines\"", at: entry.place(of: "amount"))
            }
            sale.lines = [SaleLine(id: "1", amount: amount)]
        }
        guard !sale.lines.isEmpty else {
            throw LoyaltyError(.documentMissingKey, "\"amount\" or \"lines\" is needed", at: entry.place)
        }
        try totals(&entry, &sale, money)
        var read = CaseSale(sale: sale, origins: origins)
        try tenders(&entry, &read, money)
        read.redeeming = try redeeming(&entry)
        try entry.finish()
        return read
    }

    private func totals(_ entry: inout TableReader, _ sale: inout Sale, _ money: Currency) throws(LoyaltyError) {
        for (key, source) in [("discount", SaleDiscount.Source.till), ("coupon", .coupon)] {
            if let amount = try entry.money(key, money) {
                sale.discounts.append(SaleDiscount(amount: amount, source: source))
            }
        }
        sale.pricesIncludeTax = try entry.boolean("tax_included")
        var tax = try entry.money("tax", money)
        sale.totals.tax = tax
        if tax == nil {
            var sum = Money.zero(money)
            for line in sale.lines { for part in line.taxes { sum = try sum.adding(part.amount) } }
            tax = sum
        }
        if let total = try entry.money("total", money) {
            sale.totals.grand = total
            return
        }
        var sum = Money.zero(money)
        for line in sale.lines where !line.voided { sum = try sum.adding(line.amount) }
        for discount in sale.discounts { sum = try sum.adding(discount.amount.negated()) }
        if sale.pricesIncludeTax == false, let tax { sum = try sum.adding(tax) }
        sale.totals.grand = sum
    }

    private func tenders(_ entry: inout TableReader, _ sale: inout CaseSale, _ money: Currency) throws(LoyaltyError) {
        guard let node = entry.node("tender") else { return }
        if case .string = node.value {
            sale.rest = try entry.requiredWord("tender")
            return
        }
        for var tender in try entry.tables("tender") {
            var read = Tender(kind: try tender.requiredWord("kind"), amount: try tender.requiredMoney("amount", money))
            read.name = try tender.string("name", length: 1...64)
            sale.sale.tenders.append(read)
            try tender.finish()
        }
    }

    private func redeeming(_ entry: inout TableReader) throws(LoyaltyError) -> [CaseSale.Redeeming] {
        guard let node = entry.node("redeem") else { return [] }
        var tables: [TableReader] = []
        if case .array = node.value {
            tables = try entry.tables("redeem")
        } else {
            tables = [try TableReader(node, path: entry.path(to: "redeem"))]
        }
        var redeeming: [CaseSale.Redeeming] = []
        for var table in tables {
            let reward = try table.requiredString("reward")
            try table.check("reward", "reward", reward, in: names.rewards)
            redeeming.append(
                CaseSale.Redeeming(
                    reward: reward, points: try table.requiredAmount("points"), form: try table.word("as") ?? .tender,
                    place: table.place))
            try table.finish()
        }
        return redeeming
    }

    private func line(
        _ table: inout TableReader, _ index: Int, _ money: Currency
    ) throws(LoyaltyError) -> (line: SaleLine, origin: CaseSale.Origin?) {
        var line = SaleLine(
            id: try table.string("id", length: 1...64) ?? "\(index + 1)", kind: try table.word("kind") ?? .item,
            quantity: try table.decimal("qty") ?? .one, unitOfMeasure: try table.string("unit", length: 1...16) ?? "ea",
            amount: try table.requiredMoney("amount", money))
        line.code = try table.string("sku", length: 1...64).map { ProductCode(value: $0, scheme: .sku) }
        line.brand = try table.string("brand")
        line.department =
            try table.string("category")?.split(separator: "/").map(String.init) ?? []
        line.tags = try table.oneOrMore("tag")?.sorted()
        line.listPrice = try table.amount("list")
        for (key, source) in [("discount", SaleDiscount.Source.till), ("coupon", .coupon)] {
            if let amount = try table.money(key, money) {
                line.discounts.append(SaleDiscount(amount: amount, source: source))
            }
        }
        line.taxes = try table.money("tax", money).map { [SaleTax(amount: $0)] } ?? []
        line.earn = try earnHint(&table)
        line.voids = try table.string("voids")
        line.voided = try table.boolean("voided") ?? false
        var origin: CaseSale.Origin?
        if var back = try table.table("returned") {
            let step = try back.requiredString("of")
            try checkStep(step, back, "of")
            origin = CaseSale.Origin(step: step, line: try back.string("line") ?? line.id)
            try back.finish()
            line.returned = ReturnReference(receipt: .with)
            line.amount = try line.amount.negated()
            line.quantity = try line.quantity.negated()
        }
        try table.finish()
        return (line, origin)
    }

    private func earnHint(_ table: inout TableReader) throws(LoyaltyError) -> SaleLine.EarnHint {
        try table.word("earn") ?? .default
    }
}

extension TableReader {
    mutating func money(_ key: String, _ currency: Currency) throws(LoyaltyError) -> Money? {
        guard let number = try decimal(key) else { return nil }
        guard let units = try? number.units(scale: currency.decimals) else {
            throw error(key, "\(currency) has \(currency.decimals) decimals")
        }
        return Money(minorUnits: units, currency)
    }

    mutating func requiredMoney(_ key: String, _ currency: Currency) throws(LoyaltyError) -> Money {
        guard let money = try money(key, currency) else {
            throw LoyaltyError(.documentMissingKey, "\"\(key)\" is missing", at: place)
        }
        return money
    }
}
