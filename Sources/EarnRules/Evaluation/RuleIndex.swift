import LoyaltyModel

/// Finds the rules that a sale can concern, so that a program of a thousand offers costs about as much as one of ten.
///
/// Each rule stands under the keys of its most selective condition; only rules without any stand under `always`.
struct RuleIndex: Sendable {
    private enum Key: Hashable {
        case code(String), brand(String), tag(String), category(String)
        case store(String), segment(String), tier(String), entitlement(String)
        /// Months since the year 0.
        case month(Int)
        case event(String)
    }

    private var rules: [Key: [Int]] = [:]
    private var always: [Int] = []

    init(_ rules: [Rule]) {
        for (index, rule) in rules.enumerated() {
            guard let keys = Self.keys(of: rule) else {
                always.append(index)
                continue
            }
            for key in Set(keys) { self.rules[key, default: []].append(index) }
        }
    }

    /// Positions of the rules, rising.
    func candidates(for basket: Basket, _ input: EarnInput, tier: String?, on day: CalendarDate) -> [Int] {
        guard input.event == Rule.saleEvent else { return rules[.event(input.event)] ?? [] }
        var found = Set(always)
        guard !rules.isEmpty else { return always }
        func add(_ key: Key) { if let indices = rules[key] { found.formUnion(indices) } }
        for line in basket.lines where !line.isVoid {
            if let code = line.source.code?.value { add(.code(code)) }
            if let brand = line.source.brand { add(.brand(brand)) }
            for tag in line.source.tags ?? [] { add(.tag(tag)) }
            for category in line.source.department { add(.category(category)) }
        }
        add(.store(input.sale.store))
        add(.month(day.monthIndex))
        if let tier { add(.tier(tier)) }
        for segment in input.member?.segments ?? [] { add(.segment(segment)) }
        for entitlement in input.member?.entitlements ?? [] { add(.entitlement(entitlement.name)) }
        for entitlement in input.state.entitlements { add(.entitlement(entitlement.name)) }
        return found.sorted()
    }

    /// nil for a rule that any sale can concern.
    private static func keys(of rule: Rule) -> [Key]? {
        if rule.event != Rule.saleEvent { return [.event(rule.event)] }
        if let match = rule.match, let keys = keys(of: match) { return keys }
        if let stores = rule.places.stores { return stores.map(Key.store) }
        if let segments = rule.member?.segments { return segments.map(Key.segment) }
        if let months = months(of: rule.window) { return months }
        if let tiers = rule.member?.tiers { return tiers.map(Key.tier) }
        if let entitlements = rule.member?.entitlements { return entitlements.map(Key.entitlement) }
        return nil
    }

    private static func keys(of filter: LineFilter) -> [Key]? {
        if let codes = filter.codes { return codes.map(Key.code) }
        if let brands = filter.brands { return brands.map(Key.brand) }
        if let categories = filter.categories { return categories.flatMap(keys(ofCategory:)) }
        guard let tags = filter.tags else { return nil }
        var keys = tags.map(Key.tag)
        for definition in filter.declared {
            // Any of a tag's lists makes a line carry it.
            guard definition.classes == nil else { return nil }
            keys += (definition.codes ?? []).map(Key.code) + (definition.brands ?? []).map(Key.brand)
            keys += (definition.categories ?? []).flatMap(Self.keys(ofCategory:))
        }
        return keys
    }

    private static func keys(ofCategory category: String) -> [Key] {
        let first = category.split(separator: "/").first.map(String.init) ?? category
        return first == category ? [.category(category)] : [.category(category), .category(first)]
    }

    /// The months of a window that is bounded on both sides and not too long, with room for zones and night hours.
    private static func months(of window: Window?) -> [Key]? {
        guard let from = window?.from?.date, let to = window?.to?.date else { return nil }
        let (first, last) = (from.adding(days: -2).monthIndex, to.adding(days: 2).monthIndex)
        guard first <= last, last - first <= 36 else { return nil }
        return (first...last).map(Key.month)
    }
}

extension Window.Bound {
    fileprivate var date: CalendarDate {
        switch self {
        case .day(let day): day
        case .instant(let instant): instant.date
        }
    }
}

extension CalendarDate {
    fileprivate var monthIndex: Int { year * 12 + month - 1 }
}
