import DataFormats
import LoyaltyModel

extension Lint {
    // MARK: Conditions that exclude each other

    mutating func conditions(_ rule: Rule, _ index: Int) {
        func never(_ what: String, _ key: String) -> LintFinding {
            LintFinding(
                code: .neverMatches, message: "rule \"\(rule.id)\" never matches: \(what)",
                place: source.place("earn", index, key))
        }
        var found: [LintFinding] = []
        if let member = rule.member {
            for (wanted, excluded, word) in [
                (member.tiers, member.excludedTiers, "tier"),
                (member.segments, member.excludedSegments ?? [], "segment"),
                (member.entitlements, member.excludedEntitlements, "entitlement"),
            ] {
                guard let wanted, wanted.isSubset(of: excluded) else { continue }
                found.append(never("it asks for a \(word) that it excludes", "member"))
            }
            if let range = member.counter, let least = range.atLeast, let below = range.below, below <= least {
                found.append(never("\(range.counter) is not both at least \(least) and below \(below)", "member"))
            }
        }
        if let match = rule.match {
            let lists: [(Set<String>?, Set<String>?, String)] = [
                (match.codes, rule.exclude.codes, "sku"), (match.categories, rule.exclude.categories, "category"),
                (match.brands, rule.exclude.brands, "brand"), (match.tags, rule.exclude.tags, "tag"),
                (
                    match.classes.map { Set($0.map(\.rawValue)) }, rule.exclude.classes.map { Set($0.map(\.rawValue)) },
                    "class"
                ),
            ]
            for (wanted, excluded, word) in lists {
                guard let wanted, let excluded, wanted.isSubset(of: excluded) else { continue }
                found.append(never("every \(word) that it matches is excluded", "match"))
            }
        }
        if let stores = rule.places.stores, stores.isSubset(of: rule.places.excludedStores) {
            found.append(never("every store is excluded", "store"))
        }
        if let only = rule.tenders.only, rule.tenders.named == nil, only.isSubset(of: rule.tenders.excluded) {
            found.append(never("every tender is excluded", "tender"))
        }
        findings += found
        window(rule, index)
    }

    private mutating func window(_ rule: Rule, _ index: Int) {
        guard let window = rule.window else { return }
        if let end = window.to?.day, let begin = program.firstDay, end < begin {
            add(
                .windowPast, "the window of rule \"\(rule.id)\" ends on \(end), the program begins on \(begin)",
                at: source.place("earn", index, "window", "to"))
        }
        guard let days = window.days, case .day(let from)? = window.from, case .day(let to)? = window.to,
            to < from.adding(days: 6)
        else { return }
        var day = from
        while day <= to {
            if days.contains(day.weekday) { return }
            day = day.adding(days: 1)
        }
        add(
            .neverMatches, "rule \"\(rule.id)\" never matches: its window has none of its days",
            at: source.place("earn", index, "window", "days"))
    }

    // MARK: Effects

    mutating func effect(_ rule: Rule, _ index: Int) {
        switch rule.effect {
        case .multiplier(let factor, _):
            if factor == .one {
                add(.noEffect, "rule \"\(rule.id)\" multiplies by 1", at: source.place("earn", index, "factor"))
            }
            joins(rule, index)
        case .rate(let rate):
            if rate.points.isZero {
                add(.noEffect, "rule \"\(rule.id)\" gives no points", at: source.place("earn", index, "amount"))
            }
        case .bonus(let bonus):
            if bonus.points.isZero {
                add(.noEffect, "rule \"\(rule.id)\" gives no points", at: source.place("earn", index, "points"))
            }
        case .periodBonus: periodBonus(rule, index)
        }
    }

    /// Keys that ask for a sale, which the end of a period is not.
    private mutating func periodBonus(_ rule: Rule, _ index: Int) {
        let ofSales = [
            "recipient", "match", "exclude", "exclude_tender", "tender", "basis", "when", "member_day", "window",
            "store",
            "exclude_store", "register", "channel", "stack",
        ]
        for key in source.table("earn", index)?.keys.filter(ofSales.contains) ?? [] {
            add(
                .unused, "rule \"\(rule.id)\" gives a bonus for a period, which looks at no \"\(key)\"",
                at: source.place("earn", index, key))
        }
    }

    private mutating func joins(_ rule: Rule, _ index: Int) {
        let rates = program.rules.filter {
            $0.kind == .rate && $0.currency == rule.currency && $0.event == rule.event && $0.recipient == .member
        }
        let place = source.place("earn", index)
        guard !rates.isEmpty else {
            return add(
                .joinsNothing, "no rate gives \(rule.currency) that rule \"\(rule.id)\" could multiply", at: place)
        }
        guard !rates.contains(where: { rule.canMeet($0) }) else { return }
        add(
            .joinsNothing,
            "no rate of \(rule.currency) counts the lines, members or days that rule \"\(rule.id)\" multiplies",
            at: place)
    }

    /// A threshold decides about everything, so whoever writes one should say what counts.
    mutating func basis(_ rule: Rule, _ index: Int) {
        guard let threshold = rule.threshold, threshold.amountAtLeast != nil || threshold.amountBelow != nil,
            rule.basis.price == .paid
        else { return }
        var head = source.root
        let declared = ((try? head.table("basis")) ?? nil)?.keys ?? []
        let silent = ["discounts", "coupons"].filter { key in
            !declared.contains(key) && !source.says("earn", index, "basis", key: key)
                && !source.says("earn", index, "when", "basis", key: key)
        }
        guard !silent.isEmpty else { return }
        add(
            .ambiguousBasis,
            "the file does not say whether the threshold of rule \"\(rule.id)\" looks at prices before or after "
                + silent.joined(separator: " and ") + "; write basis = { \(silent[0]) = \"net\" } or \"gross\"",
            at: source.place("earn", index, "when"))
    }

    // MARK: Rules of one group

    mutating func shadowed() {
        for (stack, members) in Stacking.groups(program.rules) {
            for index in members {
                let rule = program.rules[index]
                let winner = members.first { other in
                    other != index && isBroader(other, than: index) && beats(other, index, stack.mode)
                }
                guard let winner else { continue }
                add(
                    .shadowed,
                    "rule \"\(rule.id)\" never counts: \"\(program.rules[winner].id)\" of the group \"\(stack.group)\" matches whenever it does and goes before it",
                    at: source.place("earn", index))
            }
        }
    }

    private func beats(_ first: Int, _ second: Int, _ mode: Stack.Mode) -> Bool {
        let (winner, loser) = (program.rules[first], program.rules[second])
        switch mode {
        case .add: return false
        case .exclusive:
            let (left, right) = (winner.stack?.priority ?? 0, loser.stack?.priority ?? 0)
            return left > right || (left == right && first < second)
        case .bestOf:
            guard winner.caps.isEmpty || winner.kind == .bonus && winner.caps == loser.caps else { return false }
            switch (winner.effect, loser.effect) {
            case (.multiplier(let left, _), .multiplier(let right, _)):
                return right < left || (left == right && first < second)
            case (.bonus(let left), .bonus(let right)):
                guard !right.repeats else { return false }
                return right.points.ratio < left.points.ratio
                    || (left.points.ratio == right.points.ratio && first < second)
            default: return false
            }
        }
    }

    private static let conditionKeys = [
        "match", "exclude", "exclude_tender", "tender", "when", "member", "member_day", "window", "store",
        "exclude_store", "register", "channel", "event", "recipient",
    ]

    /// Whether every condition of one rule stands in the other in the same words.
    private func isBroader(_ first: Int, than second: Int) -> Bool {
        let (broad, narrow) = (program.rules[first], program.rules[second])
        if let excluded = broad.exclude.classes, !excluded.isSubset(of: narrow.exclude.classes ?? []) { return false }
        return Self.conditionKeys.allSatisfy { key in
            guard let words = source.words("earn", first, key) else { return true }
            return words == source.words("earn", second, key)
        }
    }

    // MARK: Windows of one offer

    /// Offers that differ in nothing but their days, such as a bonus of one week and of the next.
    mutating func windows() {
        let dated = program.rules.indices.filter { program.rules[$0].window?.days(in: program) != nil }
        for (place, index) in dated.enumerated() {
            for other in dated[..<place] where isSameOffer(index, other) {
                compare(other, index)
            }
        }
    }

    private func isSameOffer(_ first: Int, _ second: Int) -> Bool {
        let keys =
            Self.conditionKeys + [
                "kind", "currency", "factor", "points", "amount", "combine", "repeat", "cap", "limit",
            ]
        let sameRest = ["days", "hours", "zone"].allSatisfy { key in
            source.inner("earn", first, "window", key) == source.inner("earn", second, "window", key)
        }
        return sameRest
            && keys.filter { $0 != "window" }.allSatisfy {
                source.words("earn", first, $0) == source.words("earn", second, $0)
            }
    }

    private mutating func compare(_ first: Int, _ second: Int) {
        guard let left = program.rules[first].window?.days(in: program),
            let right = program.rules[second].window?.days(in: program)
        else { return }
        let names = "\"\(program.rules[first].id)\" and \"\(program.rules[second].id)\""
        let (early, late) = left.lowerBound <= right.lowerBound ? (left, right) : (right, left)
        if late.lowerBound <= early.upperBound {
            let group = program.rules[first].stack
            guard group == nil || group?.mode == .add || group?.group != program.rules[second].stack?.group else {
                return
            }
            add(
                .windowOverlap, "\(names) are the same offer and both run on \(late.lowerBound)",
                at: source.place("earn", second, "window"))
            return
        }
        let gap = late.lowerBound.daysSinceEpoch - early.upperBound.daysSinceEpoch - 1
        // Weeks between two campaigns are meant; a day or two is the end that somebody took for not included.
        guard (1...2).contains(gap) else { return }
        add(
            .windowGap, "between \(names) the offer does not run on \(early.upperBound.adding(days: 1))",
            at: source.place("earn", second, "window"))
    }
}

extension Program {
    /// The first day on which the program holds; nil from the beginning of time.
    var firstDay: CalendarDate? {
        switch effective {
        case nil: nil
        case .day(let day): day
        case .instant(let instant): zone.local(instant).date
        }
    }
}

extension Window.Bound {
    fileprivate var day: CalendarDate {
        switch self {
        case .day(let day): day
        case .instant(let instant): instant.date
        }
    }
}

extension Window {
    /// Its days where both ends are days.
    fileprivate func days(in program: Program) -> ClosedRange<CalendarDate>? {
        guard case .day(let from)? = from, case .day(let to)? = to, from <= to else { return nil }
        return from...to
    }
}

extension LintSource {
    /// What a key of an inner table says.
    func inner(_ array: String, _ index: Int, _ key: String, _ inner: String) -> String? {
        var copy = table(array, index)
        var table = (try? copy?.table(key)) ?? nil
        return table?.node(inner).map { "\($0.value)" }
    }
}

extension Rule {
    /// Whether a line, member and day can exist for which both rules match.
    fileprivate func canMeet(_ other: Rule) -> Bool {
        func disjoint<Element>(_ first: Set<Element>?, _ second: Set<Element>?) -> Bool {
            guard let first, let second else { return false }
            return first.isDisjoint(with: second)
        }
        if disjoint(match?.codes, other.match?.codes) || disjoint(match?.brands, other.match?.brands)
            || disjoint(match?.classes, other.match?.classes) || disjoint(member?.tiers, other.member?.tiers)
            || disjoint(places.stores, other.places.stores) || disjoint(places.channels, other.places.channels)
        {
            return false
        }
        if let codes = match?.codes, let excluded = other.exclude.codes, codes.isSubset(of: excluded) { return false }
        if let classes = match?.classes, let excluded = other.exclude.classes, classes.isSubset(of: excluded) {
            return false
        }
        if let categories = match?.categories, let excluded = other.exclude.categories,
            categories.isSubset(of: excluded)
        {
            return false
        }
        if case .day(let from)? = window?.from, case .day(let to)? = other.window?.to, to < from { return false }
        if case .day(let from)? = other.window?.from, case .day(let to)? = window?.to, to < from { return false }
        return true
    }
}
