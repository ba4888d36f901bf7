import DataFormats
import LoyaltyModel

/// Conditions that rules, stamp cards and rewards share.
extension TableReader {
    mutating func places() throws(LoyaltyError) -> PlaceCondition {
        PlaceCondition(
            stores: try strings("store").map(Set.init), excludedStores: Set(try strings("exclude_store") ?? []),
            registers: try strings("register").map(Set.init), channels: try strings("channel").map(Set.init))
    }

    mutating func tenders() throws(LoyaltyError) -> TenderCondition {
        var condition = TenderCondition()
        condition.excluded = try words("exclude_tender") ?? []
        guard var table = try table("tender") else { return condition }
        condition.only = try table.words("only")
        condition.named = try table.strings("named").map(Set.init)
        condition.excluded.formUnion(try table.words("exclude") ?? [])
        condition.excludedNames = Set(try table.strings("exclude_named") ?? [])
        condition.mixed = try table.word("mixed") ?? .prorate
        let names = ["only", "named", "exclude", "exclude_named"]
        guard table.keys.contains(where: names.contains) else {
            throw LoyaltyError(
                .documentBadValue, "one of \"only\", \"named\", \"exclude\", \"exclude_named\" is needed",
                at: table.place)
        }
        try table.finish()
        return condition
    }

    mutating func threshold(_ basis: Basis) throws(LoyaltyError) -> Threshold? {
        guard var table = try table("when") else { return nil }
        let threshold = Threshold(
            amountAtLeast: try table.amount("basket_at_least"), amountBelow: try table.amount("basket_below"),
            unitsAtLeast: try table.amount("units_at_least", positive: true),
            basis: try Basis.read(from: &table, "basis", default: basis), of: try table.word("of") ?? .matched,
            redeeming: try table.boolean("redeeming"))
        guard
            threshold.amountAtLeast != nil || threshold.amountBelow != nil || threshold.unitsAtLeast != nil
                || threshold.redeeming != nil
        else {
            throw LoyaltyError(
                .documentMissingKey,
                "one of \"basket_at_least\", \"basket_below\", \"units_at_least\", \"redeeming\" is needed",
                at: table.place)
        }
        if let least = threshold.amountAtLeast, let below = threshold.amountBelow, below <= least {
            throw table.error("basket_below", "no basket is both")
        }
        try table.finish()
        return threshold
    }

    mutating func member(_ context: FileContext) throws(LoyaltyError) -> MemberCondition? {
        guard var table = try table("member") else { return nil }
        var condition = MemberCondition()
        condition.tiers = try table.oneOrMore("tier")
        condition.excludedTiers = try table.oneOrMore("exclude_tier") ?? []
        condition.segments = try table.oneOrMore("segment")
        condition.excludedSegments = try table.oneOrMore("exclude_segment")
        condition.entitlements = try table.oneOrMore("entitlement")
        condition.excludedEntitlements = try table.oneOrMore("exclude_entitlement") ?? []
        condition.birthdayMonth = try table.boolean("birthday_month") ?? false
        condition.birthday = try table.birthday()
        condition.linked = try table.oneOrMore("linked")
        condition.nthVisit = try table.nthVisit()
        condition.visitsAtLeast = try table.visitCount()
        condition.counter = try table.counterRange(context)
        condition.joinedWithin = try table.span("joined_within")
        condition.isReferred = try table.boolean("referred")
        condition.isKnown = try table.boolean("known") ?? false
        try MemberCondition.check(condition.tiers ?? [], "tier", context, table)
        try MemberCondition.check(condition.excludedTiers, "exclude_tier", context, table)
        if let partner = condition.linked?.first(where: { !context.partners.contains($0) }) {
            throw table.unknown("linked", "partner", partner, context.partners)
        }
        try table.finish()
        return condition
    }

    private mutating func birthday() throws(LoyaltyError) -> MemberCondition.Birthday? {
        guard var table = try table("birthday") else { return nil }
        let birthday = MemberCondition.Birthday(
            before: Int(try table.integer("before", 0...180) ?? 0), after: Int(try table.integer("after", 0...180) ?? 0)
        )
        try table.finish()
        return birthday
    }

    private mutating func nthVisit() throws(LoyaltyError) -> MemberCondition.NthVisit? {
        guard var table = try table("nth_visit") else { return nil }
        guard let number = try table.integer("n", 1...1_000_000) else {
            throw LoyaltyError(.documentMissingKey, "\"n\" is missing", at: table.place)
        }
        let visit = MemberCondition.NthVisit(
            number: number, per: try table.requiredWord("per"), every: try table.boolean("every") ?? false)
        if visit.per == .sale { throw table.error("per", "a sale is one visit") }
        try table.finish()
        return visit
    }

    private mutating func visitCount() throws(LoyaltyError) -> MemberCondition.VisitCount? {
        guard var table = try table("visits_at_least") else { return nil }
        guard let number = try table.integer("n", 1...1_000_000) else {
            throw LoyaltyError(.documentMissingKey, "\"n\" is missing", at: table.place)
        }
        let count = MemberCondition.VisitCount(number: number, per: try table.requiredWord("per"))
        if count.per == .sale { throw table.error("per", "a sale is one visit") }
        try table.finish()
        return count
    }

    private mutating func counterRange(_ context: FileContext) throws(LoyaltyError) -> MemberCondition.CounterRange? {
        guard var table = try table("counter") else { return nil }
        let range = MemberCondition.CounterRange(
            counter: try table.requiredString("id"), atLeast: try table.decimal("at_least"),
            below: try table.decimal("below"))
        guard context.counters.contains(range.counter) else {
            throw table.unknown("id", "counter", range.counter, context.counters)
        }
        guard range.atLeast != nil || range.below != nil else {
            throw LoyaltyError(.documentMissingKey, "\"at_least\" or \"below\" is needed", at: table.place)
        }
        try table.finish()
        return range
    }

    mutating func window() throws(LoyaltyError) -> Window? {
        guard var table = try table("window") else { return nil }
        var window = Window()
        window.from = try table.bound("from")
        window.to = try table.bound("to")
        window.days = try table.words("days")
        window.hours = try table.hours()
        window.zone = try ProgramZone.read(from: &table)
        // Sales are always placed by the time of the event; the key may say so.
        guard try table.string("clock") ?? "event" == "event" else {
            throw LoyaltyError(
                .programUnsupported, "windows look at the time of the event", at: table.place(of: "clock"))
        }
        if case .day(let from) = window.from, case .day(let to) = window.to, to < from {
            throw table.error("to", "the window ends before it starts")
        }
        if case .instant(let from) = window.from, case .instant(let to) = window.to, to < from {
            throw table.error("to", "the window ends before it starts")
        }
        try table.finish()
        return window
    }

    private mutating func bound(_ key: String) throws(LoyaltyError) -> Window.Bound? {
        switch node(key)?.value {
        case nil: return nil
        case .date(let day): return .day(day)
        case .timestamp(let instant): return .instant(instant)
        default:
            throw error(key, "expected a date such as 2027-01-04, without quotes, or a time with its offset")
        }
    }

    private mutating func hours() throws(LoyaltyError) -> Window.Hours? {
        guard let text = try string("hours") else { return nil }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let start = try? TimeOfDay(parts[0]), let end = try? TimeOfDay(parts[1]), start != end
        else { throw error("hours", "expected hours such as \"15:00-18:00\"") }
        return Window.Hours(start: start, end: end)
    }
}

extension MemberCondition {
    /// Where a program declares tiers, a name that is none of them is a mistake.
    static func check(
        _ names: Set<String>, _ key: String, _ context: FileContext, _ table: TableReader
    ) throws(LoyaltyError) {
        guard let tiers = context.tiers, let stray = names.subtracting(tiers).min() else { return }
        throw table.unknown(key, "tier", stray, tiers)
    }
}
