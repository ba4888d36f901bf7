public import LoyaltyModel

/// A member and sales in the vocabulary of a program, made up by a generator.
public struct TrialScenario: Sendable {
    public struct Line: Sendable {
        /// In minor units.
        public var amount: Int64
        public var quantity: Int64
        public var kind: SaleLine.Kind
        public var sku: String?
        public var category: String?
        public var brand: String?
        public var tag: String?
    }

    public struct Basket: Sendable {
        public var time: Timestamp
        public var lines: [Line]
        public var tender: Tender.Kind
        public var tenderName: String?
        public var store: String?
        public var channel: String?
    }

    public var tier: String?
    public var segment: String?
    public var entitlement: String?
    public var baskets: [Basket]
    let money: Currency

    // MARK: For the runner

    func books(_ versions: ProgramVersions) throws(LoyaltyError) -> CaseBooks {
        var member = Member(id: MemberID(CaseFile.usualActor))
        member.tier = tier
        member.segments = segment.map { [$0] } ?? []
        member.entitlements = entitlement.map { [Member.Entitlement(name: $0)] } ?? []
        let definition = ProgramCase(
            name: "", place: Place(), money: money, people: [ProgramCase.Person(member: member, place: Place())],
            actor: CaseFile.usualActor, steps: try baskets.indices.map { index throws(LoyaltyError) in try sale(index) }
        )
        return try CaseBooks(definition, versions)
    }

    func sale(_ index: Int) throws(LoyaltyError) -> ProgramCase.Step {
        let basket = baskets[index]
        var total = Money.zero(money)
        var sale = Sale(
            store: basket.store ?? "1", register: "1", number: "\(index + 1)", currency: money,
            totals: SaleTotals(grand: total))
        sale.channel = basket.channel
        for (place, line) in basket.lines.enumerated() {
            var read = SaleLine(
                id: "\(place + 1)", kind: line.kind, quantity: DecimalNumber(line.quantity),
                amount: Money(minorUnits: line.amount, money))
            read.code = line.sku.map { ProductCode(value: $0, scheme: .sku) }
            read.department = line.category?.split(separator: "/").map(String.init) ?? []
            read.brand = line.brand
            read.tags = line.tag.map { [$0] }
            total = try total.adding(read.amount)
            sale.lines.append(read)
        }
        sale.totals.grand = total
        sale.tenders = [Tender(kind: basket.tender, amount: total)]
        sale.tenders[0].name = basket.tenderName
        return step("\(index + 1)", basket.time, .sale(CaseSale(sale: sale)))
    }

    func step(_ id: String, _ time: Timestamp, _ event: ProgramCase.Event) -> ProgramCase.Step {
        ProgramCase.Step(id: id, place: Place(), time: time, actor: .usual, event: event, expectations: [])
    }

    // MARK: For people

    /// The scenario as a `[[case]]` to paste beside the program.
    ///
    /// - Parameter steps: what follows the sales, as lines of TOML.
    public func text(name: String, then steps: [String]) -> String {
        var lines = ["[[case]]", "name = \(Self.quoted(name))"]
        let traits = [("tier", tier), ("segment", segment), ("entitlement", entitlement)].compactMap { key, value in
            value.map { "\(key) = \(Self.quoted($0))" }
        }
        if !traits.isEmpty { lines.append("member = { \(traits.joined(separator: ", ")) }") }
        for basket in baskets {
            lines += ["[[case.step]]", "at = \(basket.time)", "sale.lines = ["]
            for line in basket.lines {
                var keys = ["amount = \"\(Money(minorUnits: line.amount, money).amountText)\""]
                if line.quantity != 1 { keys.append("qty = \"\(line.quantity)\"") }
                if line.kind != .item { keys.append("kind = \"\(line.kind.rawValue)\"") }
                for (key, value) in [
                    ("sku", line.sku), ("category", line.category), ("brand", line.brand), ("tag", line.tag),
                ] {
                    if let value { keys.append("\(key) = \(Self.quoted(value))") }
                }
                lines.append("    { \(keys.joined(separator: ", ")) },")
            }
            lines.append("]")
            if let name = basket.tenderName {
                let total = basket.lines.reduce(Int64(0)) { $0 &+ $1.amount }
                lines.append(
                    "sale.tender = [ { kind = \"\(basket.tender.rawValue)\", name = \(Self.quoted(name)), amount = \"\(Money(minorUnits: total, money).amountText)\" } ]"
                )
            } else {
                lines.append("sale.tender = \"\(basket.tender.rawValue)\"")
            }
            if let store = basket.store { lines.append("sale.store = \(Self.quoted(store))") }
            if let channel = basket.channel { lines.append("sale.channel = \(Self.quoted(channel))") }
        }
        return (lines + steps).joined(separator: "\n") + "\n"
    }

    private static func quoted(_ text: String) -> String {
        // By scalars: with an accent behind it, a quotation mark is another character.
        var quoted = String.UnicodeScalarView("\"".unicodeScalars)
        for scalar in text.unicodeScalars {
            if scalar == "\\" || scalar == "\"" { quoted.append("\\") }
            quoted.append(scalar)
        }
        return String(quoted) + "\""
    }

    // MARK: Smaller ones

    /// Scenarios that are one step simpler, the simplest first.
    var simpler: [TrialScenario] {
        var found: [TrialScenario] = []
        func add(_ change: (inout TrialScenario) -> Void) {
            var copy = self
            change(&copy)
            found.append(copy)
        }
        if baskets.count > 1 { for index in baskets.indices { add { $0.baskets.remove(at: index) } } }
        for (index, basket) in baskets.enumerated() where basket.lines.count > 1 {
            for line in basket.lines.indices { add { $0.baskets[index].lines.remove(at: line) } }
        }
        if tier != nil { add { $0.tier = nil } }
        if segment != nil { add { $0.segment = nil } }
        if entitlement != nil { add { $0.entitlement = nil } }
        let one = (0..<money.decimals).reduce(Int64(1)) { unit, _ in unit &* 10 }
        for (index, basket) in baskets.enumerated() {
            if basket.tenderName != nil { add { $0.baskets[index].tenderName = nil } }
            if basket.tender != .cash { add { $0.baskets[index].tender = .cash } }
            if basket.store != nil { add { $0.baskets[index].store = nil } }
            if basket.channel != nil { add { $0.baskets[index].channel = nil } }
            for (place, line) in basket.lines.enumerated() {
                if line.quantity > 1 { add { $0.baskets[index].lines[place].quantity = 1 } }
                if line.quantity > 2 { add { $0.baskets[index].lines[place].quantity -= 1 } }
                if line.kind != .item { add { $0.baskets[index].lines[place].kind = .item } }
                if line.sku != nil { add { $0.baskets[index].lines[place].sku = nil } }
                if line.category != nil { add { $0.baskets[index].lines[place].category = nil } }
                if line.brand != nil { add { $0.baskets[index].lines[place].brand = nil } }
                if line.tag != nil { add { $0.baskets[index].lines[place].tag = nil } }
                for amount in [one, line.amount / 2, line.amount / one * one, line.amount - 1]
                where amount > 0 && amount < line.amount {
                    add { $0.baskets[index].lines[place].amount = amount }
                }
            }
        }
        return found
    }
}
