import DataFormats
import LoyaltyModel

extension Lint {
    /// Whether a rule gives this currency to the member.
    private func isEarned(_ currency: String) -> Bool {
        program.rules.contains { $0.currency == currency && $0.kind != .multiplier }
    }

    /// Names that are declared and that nothing uses.
    mutating func declarations() {
        var head = source.root
        let currencies = (try? head.table("currency")) ?? nil
        // The usual currency of a file that declares none may stay unused, as beside a punch card.
        for currency in program.currencyOrder where currencies != nil && !isEarned(currency) {
            add(
                .currencyUnearned, "no rule gives \(currency)",
                at: currencies?.place(of: currency) ?? source.root.place(of: "currency"))
        }
        let tags = source.texts(under: "tag")
        for (index, name) in ids("tag") where !tags.contains(name) { unused("tag", name, index) }
        for (index, counter) in program.counters.enumerated() {
            let isUsed =
                program.tiers?.counter == counter.id
                || conditions.contains { $0.counter?.counter == counter.id }
            if !isUsed { unused("counter", counter.id, index) }
        }
        let days = Set(program.rules.compactMap(\.memberDay) + program.stampCards.compactMap(\.rule.memberDay))
        for (index, name) in ids("member_day") where !days.contains(name) { unused("member_day", name, index) }
        let linked = Set(conditions.flatMap { $0.linked ?? [] })
        for (index, partner) in program.partners.enumerated() where !partner.forwards && !linked.contains(partner.id) {
            unused("partner", partner.id, index)
        }
        let isGiving =
            program.rules.contains { $0.recipient == .beneficiary } || program.rewards.contains { $0.kind == .donation }
        if !isGiving, let first = program.beneficiaries.first { unused("beneficiary", first.id, 0) }
    }

    private var conditions: [MemberCondition] {
        (program.rules + program.stampCards.map(\.rule)).compactMap(\.member) + program.rewards.compactMap(\.member)
    }

    private func ids(_ array: String) -> [(Int, String)] {
        source.tables(array).enumerated().compactMap { index, table in
            var copy = table
            return ((try? copy.string("id")) ?? nil).map { (index, $0) }
        }
    }

    private mutating func unused(_ array: String, _ name: String, _ index: Int) {
        add(.unused, "nothing uses the \(array) \"\(name)\"", at: source.place(array, index))
    }

    mutating func rewards() {
        let prizes = Set(program.stampCards.flatMap { $0.prizes.map(\.issue) })
        for (index, reward) in program.rewards.enumerated() {
            let place = source.place("reward", index)
            if reward.issue == .byStamps {
                if !prizes.contains(reward.id) {
                    add(.rewardUnreachable, "no stamp card gives the reward \"\(reward.id)\"", at: place)
                }
                continue
            }
            if !isEarned(reward.currency) {
                add(
                    .rewardUnreachable, "no rule gives the \(reward.currency) that the reward \"\(reward.id)\" costs",
                    at: place)
            }
            guard let cheapest = reward.steps.map(\.points.ratio).min() else { continue }
            if let maximum = reward.maximum, maximum.ratio < max(cheapest, reward.minimum?.ratio ?? .zero) {
                add(
                    .rewardUnreachable,
                    "the reward \"\(reward.id)\" cannot be had: at most \(maximum) may be spent on it",
                    at: source.place("reward", index, "maximum"))
            }
            if !reward.isLinear, let minimum = reward.minimum, let dearest = reward.steps.map(\.points.ratio).max(),
                dearest < minimum.ratio
            {
                add(
                    .rewardUnreachable,
                    "the reward \"\(reward.id)\" cannot be had: every price is below its minimum of \(minimum)",
                    at: source.place("reward", index, "minimum"))
            }
        }
    }

    mutating func tiers() {
        guard let tiers = program.tiers, let counter = program.counters.first(where: { $0.id == tiers.counter }) else {
            return
        }
        let givers = program.rules.filter {
            $0.currency == counter.currency && $0.kind != .multiplier && $0.recipient == .member
        }
        let isFed: Bool
        switch counter.counts {
        case .points: isFed = !givers.isEmpty
        case .qualifying: isFed = givers.contains(where: \.isQualifying)
        case .spend, .units: isFed = !counter.isEmptySelection
        case .visits: isFed = true
        }
        guard !isFed else { return }
        var head = source.root
        let place = ((try? head.table("tiers")) ?? nil)?.place(of: "counter") ?? source.root.place
        add(.tierUnfed, "nothing feeds the counter \"\(counter.id)\" that tiers look at", at: place)
    }
}

extension CounterDeclaration {
    /// What it matches is excluded again.
    fileprivate var isEmptySelection: Bool {
        guard let match else { return false }
        if let wanted = match.classes, let out = exclude.classes, wanted.isSubset(of: out) { return true }
        if let wanted = match.codes, let out = exclude.codes, wanted.isSubset(of: out) { return true }
        if let wanted = match.categories, let out = exclude.categories, wanted.isSubset(of: out) { return true }
        return false
    }
}
