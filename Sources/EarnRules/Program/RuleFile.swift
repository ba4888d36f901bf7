import DataFormats
import LoyaltyModel

/// Reads one `[[earn]]` table.
struct RuleFile {
    struct Defaults {
        var currencies: [String: Int]
        var primaryCurrency: String
        var basis: Basis
        var step: Rounding.Step
    }

    private enum Keys {
        static let unsupported = [
            "event", "tender", "cap", "member_day", "where", "stamps", "give", "carry_over", "reward", "birthday",
            "tag", "brand",
        ]
        static let unsupportedMatches = ["tag", "brand", "supplier"]
    }

    private(set) var reader: TableReader
    private(set) var notices: [Program.Notice] = []
    private let defaults: Defaults

    init(_ reader: TableReader, _ defaults: Defaults) {
        self.reader = reader
        self.defaults = defaults
    }

    mutating func read() throws(LoyaltyError) -> Rule {
        let id = try reader.requiredString("id", length: 1...64)
        guard id != Evaluation.basketStep, id != Evaluation.totalStep else {
            throw reader.error("id", "\"\(id)\" is a name that the trace uses itself")
        }
        try reader.refuseUnsupported(Keys.unsupported)
        let kind = try reader.word("kind", as: Rule.Kind.self) ?? .rate
        let currency = try currency()
        let basis = try Basis.read(from: &reader, "basis", default: defaults.basis)
        let effect = try effect(kind, currency)
        let match = try match()
        let rule = Rule(
            id: id,
            currency: currency,
            lots: try lots(kind),
            isQualifying: try reader.boolean("qualifying") ?? true,
            effect: effect,
            match: match,
            exclude: try exclude(named: match?.classes ?? []),
            excludedTenders: try reader.words("exclude_tender") ?? [],
            basis: basis,
            minimum: try minimum(basis),
            member: try member(),
            window: try window(),
            stores: try reader.strings("store").map(Set.init),
            channels: try reader.strings("channel").map(Set.init),
            stack: try stack(effect)
        )
        try reader.finish()
        return rule
    }

    /// All rules of a stacking group are of one kind, mode and currency, or nobody could say which is best.
    func check(_ rule: Rule, against first: Rule) throws(LoyaltyError) {
        guard rule.kind != first.kind || rule.stack?.mode != first.stack?.mode || rule.currency != first.currency
        else { return }
        throw LoyaltyError(
            .programConflict,
            "\"\(rule.id)\" and \"\(first.id)\" stand in one group but differ in kind, mode or currency",
            at: reader.place(of: "stack")
        )
    }

    // MARK: What it gives

    private mutating func currency() throws(LoyaltyError) -> String {
        guard let name = try reader.string("currency") else { return defaults.primaryCurrency }
        guard defaults.currencies[name] != nil else {
            throw LoyaltyError(
                .programUnknownCurrency,
                "the program declares no currency \"\(name)\"",
                at: reader.place(of: "currency"),
                remedy: "Declared: " + defaults.currencies.keys.sorted().joined(separator: ", ")
            )
        }
        return name
    }

    private mutating func effect(_ kind: Rule.Kind, _ currency: String) throws(LoyaltyError) -> Rule.Effect {
        switch kind {
        case .rate: return .rate(try rate())
        case .multiplier:
            let factor = try reader.requiredDecimal("factor")
            guard !factor.isNegative else { throw reader.error("factor", "a factor is not negative") }
            return .multiplier(factor: factor, combine: try reader.word("combine") ?? .addBonus)
        case .bonus:
            let points = try reader.requiredDecimal("points")
            let decimals = defaults.currencies[currency] ?? 0
            guard !points.isNegative, let units = try? points.units(scale: decimals) else {
                throw reader.error("points", "\(currency) have \(decimals) decimals and are not negative")
            }
            try limit()
            return .bonus(Points(units: units, decimals: decimals), returns: try bonusReturns())
        }
    }

    private mutating func rate() throws(LoyaltyError) -> Rule.Rate {
        var amount = try reader.requiredTable("amount")
        try amount.refuseUnsupported(["per_unit", "per_units", "per_visit", "percent", "money"])
        let rate = Rule.Rate(
            points: try amount.requiredDecimal("points"),
            per: try amount.requiredDecimal("per"),
            step: try amount.word("step") ?? defaults.step
        )
        guard !rate.points.isNegative else { throw amount.error("points", "points are not negative") }
        guard !rate.per.isNegative, !rate.per.isZero else { throw amount.error("per", "the amount is more than zero") }
        try amount.finish()
        return rate
    }

    /// A bonus is given once in a sale; the key may say so.
    private mutating func limit() throws(LoyaltyError) {
        guard var table = try reader.table("limit") else { return }
        guard try table.integer("times", 1...1_000_000) ?? 1 == 1 else { throw table.unsupported("times") }
        guard try table.string("per") ?? "sale" == "sale" else { throw table.unsupported("per") }
        try table.finish()
    }

    private mutating func bonusReturns() throws(LoyaltyError) -> BonusReturns {
        let returns = try reader.word("returns", as: BonusReturns.self) ?? .prorate
        if returns != .prorate {
            note("returns", "returned goods take their share of the bonus back; \"\(returns.rawValue)\" is not applied")
        }
        return returns
    }

    private mutating func lots(_ kind: Rule.Kind) throws(LoyaltyError) -> LotTerms? {
        var terms = LotTerms()
        if var table = try reader.table("expires") {
            try table.refuseUnsupported(["on", "inactive", "tier", "day"])
            terms.expiresAfter = try span(&table, "after")
            terms.expiresTo = try table.word("to")
            guard terms.expiresAfter != nil || terms.expiresTo != nil else {
                throw reader.error("expires", "\"after\" or \"to\" is needed")
            }
            try table.finish()
            note("expires", "declared for the back end, which keeps the lots")
        }
        terms.pending = try span(&reader, "pending")
        if terms.pending != nil { note("pending", "declared for the back end, which keeps the lots") }
        guard terms != LotTerms() else { return nil }
        guard kind != .multiplier else {
            throw LoyaltyError(
                .programConflict,
                "a multiplier's points live as long as those they multiply",
                at: reader.place(of: reader.keys.contains("expires") ? "expires" : "pending")
            )
        }
        return terms
    }

    /// `14 days`.
    private func span(_ table: inout TableReader, _ key: String) throws(LoyaltyError) -> LotTerms.Span? {
        guard let text = try table.string(key) else { return nil }
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(parts[0]), (1...10_000).contains(count) else {
            throw table.error(key, "expected a number and a unit such as \"14 days\"")
        }
        let word = parts[1].hasSuffix("s") ? String(parts[1]) : parts[1] + "s"
        guard let unit = LotTerms.Unit(rawValue: word) else {
            throw table.error(key, "the unit is days, weeks, months or years")
        }
        return LotTerms.Span(count: count, unit: unit)
    }

    private mutating func note(_ key: String, _ message: String) {
        notices.append(Program.Notice(message: message, place: reader.place(of: key)))
    }

    // MARK: When it holds

    private mutating func match() throws(LoyaltyError) -> LineFilter? {
        guard var table = try reader.table("match") else { return nil }
        try table.refuseUnsupported(Keys.unsupportedMatches)
        let filter = try lineFilter(&table)
        if let deaf = filter.classes?.first(where: \.neverEarns) {
            throw table.error("class", "a line of class \"\(deaf.rawValue)\" never earns")
        }
        try table.finish()
        return filter
    }

    /// - Parameter named: classes that the rule matches by name, which its default cannot mean to exclude.
    private mutating func exclude(named: Set<LineClass>) throws(LoyaltyError) -> LineFilter {
        var filter = LineFilter()
        if var table = try reader.table("exclude") {
            try table.refuseUnsupported(Keys.unsupportedMatches)
            filter = try lineFilter(&table)
            try table.finish()
        }
        filter.classes = filter.classes ?? LineClass.excludedByDefault.subtracting(named)
        return filter
    }

    private func lineFilter(_ table: inout TableReader) throws(LoyaltyError) -> LineFilter {
        LineFilter(
            classes: try table.words("class"),
            categories: try table.strings("category").map(Set.init),
            codes: try table.strings("sku").map { codes in Set(codes.flatMap(Self.spellings)) }
        )
    }

    /// Sales carry GTINs without leading zeros (8 digits and more are one).
    private static func spellings(of code: String) -> [String] {
        guard code.utf8.count >= 8, code.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return [code] }
        return [code, String(code.drop { $0 == "0" })]
    }

    private mutating func minimum(_ basis: Basis) throws(LoyaltyError) -> Rule.Minimum? {
        guard var table = try reader.table("when") else { return nil }
        try table.refuseUnsupported(["units_at_least", "nth_visit", "visits"])
        let minimum = Rule.Minimum(
            amount: try table.requiredDecimal("basket_at_least"),
            basis: try Basis.read(from: &table, "basis", default: basis)
        )
        guard !minimum.amount.isNegative else { throw table.error("basket_at_least", "the amount is not negative") }
        try table.finish()
        return minimum
    }

    private mutating func member() throws(LoyaltyError) -> MemberCondition? {
        guard var table = try reader.table("member") else { return nil }
        try table.refuseUnsupported(["linked", "visits_at_least", "nth_visit", "joined", "birthday"])
        let condition = MemberCondition(
            tiers: try table.strings("tier").map(Set.init),
            segments: try table.strings("segment").map(Set.init),
            excludedSegments: try table.strings("exclude_segment").map(Set.init),
            entitlements: try table.strings("entitlement").map(Set.init),
            birthdayMonth: try table.boolean("birthday_month") ?? false
        )
        try table.finish()
        return condition
    }

    private mutating func window() throws(LoyaltyError) -> Window? {
        guard var table = try reader.table("window") else { return nil }
        var window = Window()
        window.from = try bound(&table, "from")
        window.to = try bound(&table, "to")
        window.days = try table.words("days")
        window.hours = try hours(&table)
        window.zone = try ProgramZone.read(from: &table)
        // Sales are always placed by the time of the event; the key may say so.
        guard try table.string("clock") ?? "event" == "event" else { throw table.unsupported("clock") }
        if case .day(let from) = window.from, case .day(let to) = window.to, to < from {
            throw table.error("to", "the window ends before it starts")
        }
        if case .instant(let from) = window.from, case .instant(let to) = window.to, to < from {
            throw table.error("to", "the window ends before it starts")
        }
        try table.finish()
        return window
    }

    private func bound(_ table: inout TableReader, _ key: String) throws(LoyaltyError) -> Window.Bound? {
        switch table.node(key)?.value {
        case nil: return nil
        case .date(let day): return .day(day)
        case .timestamp(let instant): return .instant(instant)
        default:
            throw table.error(
                key,
                "expected a date such as 2027-01-04, without quotes, or a time with its offset"
            )
        }
    }

    private func hours(_ table: inout TableReader) throws(LoyaltyError) -> Window.Hours? {
        guard let text = try table.string("hours") else { return nil }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let start = try? TimeOfDay(parts[0]), let end = try? TimeOfDay(parts[1]), start != end
        else { throw table.error("hours", "expected hours such as \"15:00-18:00\"") }
        return Window.Hours(start: start, end: end)
    }

    private mutating func stack(_ effect: Rule.Effect) throws(LoyaltyError) -> Stack? {
        guard var table = try reader.table("stack") else { return nil }
        let stack = Stack(
            group: try table.requiredString("group", length: 1...64),
            mode: try table.word("mode") ?? .bestOf,
            priority: try table.integer("priority", -1_000_000...1_000_000) ?? 0
        )
        try table.finish()
        if case .rate(let rate) = effect, rate.step == .whole, stack.mode != .add {
            throw LoyaltyError(
                .programConflict,
                "a rate of whole steps counts the basket, so that it cannot be chosen for single lines",
                at: reader.place(of: "stack")
            )
        }
        return stack
    }
}
