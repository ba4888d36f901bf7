import LoyaltyModel

extension CounterName {
    /// What limits count that goods which come back make free, in parts.
    static func limits(_ rules: [Rule], _ caps: [ProgramCap]) -> Set<CounterName> {
        var names: Set<CounterName> = []
        for rule in rules {
            names.formUnion(rule.caps.filter { !$0.isOfTimes }.compactMap { $0.counter(of: rule.id) })
        }
        names.formUnion(caps.filter { !$0.cap.isOfTimes }.compactMap { $0.cap.counter(of: $0.id) })
        return names
    }

    /// Everything that an evaluation may look up.
    static func all(
        _ rules: [Rule], _ cards: [StampCard], _ rewards: [RewardDeclaration], _ caps: [ProgramCap],
        _ counters: [CounterDeclaration]
    ) -> [CounterName] {
        var names: Set<CounterName> = []
        func add(_ caps: [Cap], _ owner: String) {
            for cap in caps { if let name = cap.counter(of: owner) { names.insert(name) } }
        }
        for rule in rules + cards.map(\.rule) { add(rule.caps, rule.id) }
        for reward in rewards { add(reward.caps, reward.id) }
        for cap in caps { add([cap.cap], cap.id) }
        for card in cards { names.insert(card.counter) }
        for counter in counters {
            names.insert(CounterName(name: counter.id, scope: counter.scope, per: counter.per))
        }
        names.formUnion(visits(rules, cards, rewards))
        for (currency, per) in rules.compactMap(\.periodBonus) { names.insert(earned(currency, per)) }
        return names.sorted {
            ($0.name, $0.per.rawValue, $0.scope.rawValue) < ($1.name, $1.per.rawValue, $1.scope.rawValue)
        }
    }
}

extension CounterName {
    /// The visits that conditions look at.
    static func visits(_ rules: [Rule], _ cards: [StampCard], _ rewards: [RewardDeclaration]) -> [CounterName] {
        var names: [CounterName] = []
        for condition in rules.map(\.member) + cards.map(\.rule.member) + rewards.map(\.member) {
            for per in [condition?.nthVisit?.per, condition?.visitsAtLeast?.per].compactMap(\.self) {
                let name = CounterName(name: visits, scope: .member, per: per)
                if !names.contains(name) { names.append(name) }
            }
        }
        return names
    }
}

extension StampCard {
    /// Counts the stamps of a lifetime.
    var counter: CounterName { CounterName(name: id, scope: .member, per: .lifetime) }
}

extension Rule {
    /// What a `period_bonus` looks back at.
    var periodBonus: (currency: String, per: Period)? {
        guard case .periodBonus(_, let per) = effect else { return nil }
        return (currency, per)
    }
}
