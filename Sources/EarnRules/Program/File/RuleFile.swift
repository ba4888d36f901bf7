import DataFormats
import LoyaltyModel

/// Reads one `[[earn]]` table.
struct RuleFile {
    private(set) var reader: TableReader
    private let context: FileContext

    init(_ reader: TableReader, _ context: FileContext) {
        self.reader = reader
        self.context = context
    }

    mutating func read(_ names: inout Set<String>, _ days: inout [MemberDayDeclaration]) throws(LoyaltyError) -> Rule {
        let id = try reader.id(&names)
        try reader.refuseUnsupported(["where"])
        let kind = try reader.word("kind", as: Rule.Kind.self) ?? .rate
        let currency = try reader.currency(context)
        let event = try reader.string("event", length: 1...64) ?? Rule.saleEvent
        let basis = try Basis.read(from: &reader, "basis", default: context.basis)
        let effect = try effect(kind, currency)
        let match = try reader.match(context)
        var caps = try reader.caps()
        if case .bonus(let bonus) = effect {
            if let limit = try reader.limit() {
                caps.append(limit)
            } else if !bonus.repeats, event == Rule.saleEvent {
                caps.append(Cap(measure: .times(1), per: .sale, scope: .member))
            }
        }
        let rule = Rule(
            id: id, event: event, currency: currency, recipient: try reader.word("recipient") ?? .member,
            lots: try lots(kind), isQualifying: try reader.boolean("qualifying") ?? true,
            text: try reader.string("text", length: 1...128), effect: effect, match: match,
            exclude: try reader.exclude(named: match?.classes ?? [], context), tenders: try reader.tenders(),
            basis: basis, threshold: try reader.threshold(basis), member: try reader.member(context),
            memberDay: try memberDay(id, &days), window: try reader.window(), places: try reader.places(),
            stack: try stack(effect), caps: caps)
        try check(rule)
        try reader.finish()
        return rule
    }

    /// All rules of a stacking group are of one kind, mode and currency, or nobody could say which is best.
    func check(_ rule: Rule, against first: Rule) throws(LoyaltyError) {
        guard rule.kind != first.kind || rule.stack?.mode != first.stack?.mode || rule.currency != first.currency
        else { return }
        throw reader.conflict(
            "stack", "\"\(rule.id)\" and \"\(first.id)\" stand in one group but differ in kind, mode or currency")
    }

    private func check(_ rule: Rule) throws(LoyaltyError) {
        if rule.event != Rule.saleEvent {
            let ofSales = ["match", "exclude", "exclude_tender", "tender", "when", "basis", "register"]
            if let key = reader.keys.first(where: ofSales.contains) {
                throw reader.conflict(key, "an event other than a sale has no lines and tenders")
            }
        }
        if rule.kind == .multiplier, rule.recipient != .member {
            throw reader.conflict("recipient", "a multiplier goes to whoever gets the points it multiplies")
        }
        if case .bonus(let bonus) = rule.effect, bonus.repeats,
            rule.threshold?.amountAtLeast?.isZero ?? true, rule.threshold?.unitsAtLeast == nil
        {
            throw reader.conflict("repeat", "what is repeated needs \"when\" with an amount or units above zero")
        }
        for cap in rule.caps where rule.kind == .bonus || rule.kind == .periodBonus {
            switch cap.measure {
            case .points: break
            case .times:
                guard rule.kind == .periodBonus, !context.isArchived else { continue }
                throw reader.conflict("cap", "a bonus for a period is given once in each; it is limited in points")
            case .spend, .units, .pointsPerUnit:
                throw reader.conflict("cap", "a bonus is limited in points or in times")
            }
        }
    }

    // MARK: What it gives

    private mutating func effect(_ kind: Rule.Kind, _ currency: String) throws(LoyaltyError) -> Rule.Effect {
        switch kind {
        case .rate: return .rate(try rate())
        case .multiplier:
            let factor = try reader.requiredDecimal("factor")
            guard !factor.isNegative else { throw reader.error("factor", "a factor is not negative") }
            return .multiplier(factor: factor, combine: try reader.word("combine") ?? .addBonus)
        case .bonus:
            guard let points = try reader.points("points", currency, context) else {
                throw LoyaltyError(.documentMissingKey, "\"points\" is missing", at: reader.place)
            }
            return .bonus(
                Rule.Bonus(
                    points: points, returns: try reader.word("returns") ?? .prorate,
                    repeats: try reader.boolean("repeat") ?? false))
        case .periodBonus:
            let per: Period = try reader.requiredWord("per")
            guard per != .sale, per != .lifetime, per != .rollingYear else {
                throw reader.error("per", "a bonus is given at the end of a day, week, month, quarter or year")
            }
            return .periodBonus(percent: try reader.requiredAmount("percent", positive: true), per: per)
        }
    }

    private mutating func rate() throws(LoyaltyError) -> Rule.Rate {
        var amount = try reader.requiredTable("amount")
        let step = try amount.word("step", as: Rounding.Step.self)
        if let percent = try amount.amount("percent") {
            let rate = Rule.Rate(points: percent, measure: .amount(DecimalNumber(100)), step: step ?? context.step)
            try amount.finish()
            return rate
        }
        let points = try amount.requiredDecimal("points")
        guard !points.isNegative else { throw amount.error("points", "points are not negative") }
        let measure = try measure(&amount)
        let rate = Rule.Rate(points: points, measure: measure, step: step ?? usualStep(measure))
        try amount.finish()
        return rate
    }

    /// Units of goods count in whole steps, those of a unit of measure as they are.
    private func usualStep(_ measure: Rule.Rate.Measure) -> Rounding.Step {
        switch measure {
        case .amount: context.step
        case .units(let per, let unit): unit == nil && per != .one ? .whole : .linear
        case .visit: .linear
        }
    }

    private func measure(_ amount: inout TableReader) throws(LoyaltyError) -> Rule.Rate.Measure {
        let per = try amount.decimal("per")
        let units = try amount.amount("per_units", positive: true)
        let unit = try amount.string("unit", length: 1...16)
        let visit = try amount.boolean("per_visit") ?? false
        let named = [per != nil, units != nil, visit].filter(\.self).count
        guard named == 1 else {
            if named == 0 {
                throw LoyaltyError(
                    .documentMissingKey, "one of \"per\", \"per_units\", \"per_visit\" is needed", at: amount.place)
            }
            throw amount.conflict(
                per != nil ? "per" : "per_units", "points are given per amount, per unit or per visit")
        }
        if unit != nil, units == nil { throw amount.conflict("unit", "\"unit\" belongs to \"per_units\"") }
        if let per {
            guard !per.isNegative, !per.isZero else { throw amount.error("per", "the amount is more than zero") }
            return .amount(per)
        }
        return units.map { .units($0, unit: unit) } ?? .visit
    }

    private mutating func lots(_ kind: Rule.Kind) throws(LoyaltyError) -> LotTerms? {
        let terms = try reader.lots(context)
        guard terms == nil || kind != .multiplier else {
            throw reader.conflict(
                reader.keys.contains("expires") ? "expires" : "pending",
                "a multiplier's points live as long as those they multiply")
        }
        return terms
    }

    // MARK: When it holds

    /// The name of a declared day, or a declaration of its own.
    private mutating func memberDay(_ id: String, _ days: inout [MemberDayDeclaration]) throws(LoyaltyError) -> String?
    {
        guard let node = reader.node("member_day") else { return nil }
        if case .string(let name) = node.value {
            guard context.memberDays.contains(name) else {
                throw reader.unknown("member_day", "day of the member's choice", name, context.memberDays)
            }
            return name
        }
        var table = try reader.requiredTable("member_day")
        days.append(try MemberDayDeclaration.read(&table, id, context))
        return id
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
            throw reader.conflict(
                "stack", "a rate of whole steps counts the basket, so that it cannot be chosen for single lines")
        }
        return stack
    }
}
