import DataFormats
import LoyaltyModel

extension CaseFile {
    func expectations(
        _ table: inout TableReader, _ money: Currency
    ) throws(LoyaltyError) -> [ProgramCase.Expectation] {
        var found: [ProgramCase.Expectation] = []
        for key in Self.expectationKeys {
            guard table.node(key) != nil else { continue }
            found.append(.init(key: key, place: table.place(of: key), value: try value(&table, key, money)))
        }
        let order = table.keys
        return found.sorted {
            (order.firstIndex(of: $0.key) ?? 0) < (order.firstIndex(of: $1.key) ?? 0)
        }
    }

    private static let expectationKeys = [
        "earns", "balance", "pending", "owed", "rules", "wanted", "gives", "expiring", "tier", "tier_until", "stamps",
        "issued", "entitlements", "counters", "forwards", "offers", "worth", "flags", "version", "error",
    ]

    private func value(
        _ table: inout TableReader, _ key: String, _ money: Currency
    ) throws(LoyaltyError) -> ProgramCase.Expectation.Value {
        switch key {
        case "earns": .earns(try points(&table, key, withCards: true))
        case "balance": .balance(try points(&table, key))
        case "pending": .pending(try points(&table, key))
        case "owed": .owed(try points(&table, key))
        case "rules": .rules(try decimals(&table, key, "rule", names.rules.union(names.cards)))
        case "wanted": .wanted(try decimals(&table, key, "rule", names.rules.union(names.cards)))
        case "counters": .counters(try decimals(&table, key, "counter", names.counters))
        case "gives": .gives(try gives(&table))
        case "expiring": try expiring(&table)
        case "tier": .tier(try tier(&table))
        case "tier_until": .tierUntil(table.node(key)?.value == .boolean(false) ? nil : try table.date(key))
        case "stamps": .stamps(try stamps(&table))
        case "issued": .issued(try issued(&table))
        case "entitlements": .entitlements(try entitlements(&table))
        case "forwards": .forwards(try forwards(&table, money))
        case "offers": .offers(try offers(&table))
        case "worth": .worth(try table.requiredMoney(key, money))
        case "flags": .flags(try table.strings(key) ?? [])
        case "version": .version(try table.requiredString(key))
        default: .error(try table.requiredString(key))
        }
    }

    private func decimals(
        _ table: inout TableReader, _ key: String, _ what: String, _ declared: Set<String>
    ) throws(LoyaltyError) -> [String: DecimalNumber] {
        var entries = try table.requiredTable(key)
        var values: [String: DecimalNumber] = [:]
        for name in entries.keys {
            try entries.check(name, what, name, in: declared)
            values[name] = try entries.requiredDecimal(name)
        }
        try entries.finish()
        return values
    }

    private func gives(_ table: inout TableReader) throws(LoyaltyError) -> [String: [String: Points]] {
        var accounts = try table.requiredTable("gives")
        var given: [String: [String: Points]] = [:]
        let known = names.beneficiaries.union(people.compactMap(\.state.referrer?.value))
        for account in accounts.keys {
            try accounts.check(account, "good cause or referrer", account, in: known)
            given[account] = try points(&accounts, account)
        }
        try accounts.finish()
        return given
    }

    private func expiring(_ table: inout TableReader) throws(LoyaltyError) -> ProgramCase.Expectation.Value {
        var currency: String?
        var endings: [PointsBalance.Ending] = []
        for var entry in try table.tables("expiring") {
            let name = try self.currency(&entry)
            guard name == currency ?? name else { throw entry.error("currency", "the entries are of one currency") }
            currency = name
            guard let day = try entry.date("on") else {
                throw LoyaltyError(.documentMissingKey, "\"on\" is missing", at: entry.place)
            }
            endings.append(.init(day: day, points: try pointsOf(&entry, "points", name)))
            try entry.finish()
        }
        return .expiring(currency: currency ?? names.primaryCurrency, endings.sorted { $0.day < $1.day })
    }

    private func tier(_ table: inout TableReader) throws(LoyaltyError) -> String? {
        if table.node("tier")?.value == .boolean(false) { return nil }
        let tier = try table.requiredString("tier")
        if let tiers = names.tiers { try table.check("tier", "tier", tier, in: tiers) }
        return tier
    }

    private func stamps(_ table: inout TableReader) throws(LoyaltyError) -> [String: Int64] {
        var cards = try table.requiredTable("stamps")
        var stamps: [String: Int64] = [:]
        for card in cards.keys {
            try cards.check(card, "stamp card", card, in: names.cards)
            stamps[card] = try cards.count(card)
        }
        try cards.finish()
        return stamps
    }

    private func issued(_ table: inout TableReader) throws(LoyaltyError) -> [String: Int64] {
        var issued: [String: Int64] = [:]
        if case .array? = table.node("issued")?.value {
            for reward in try table.strings("issued") ?? [] {
                try table.check("issued", "reward", reward, in: names.rewards)
                issued[reward, default: 0] += 1
            }
            return issued
        }
        var rewards = try table.requiredTable("issued")
        for reward in rewards.keys {
            try rewards.check(reward, "reward", reward, in: names.rewards)
            issued[reward] = try rewards.count(reward)
        }
        try rewards.finish()
        return issued
    }

    private func entitlements(
        _ table: inout TableReader
    ) throws(LoyaltyError) -> [String: ProgramCase.Expectation.Right] {
        var entries = try table.requiredTable("entitlements")
        var rights: [String: ProgramCase.Expectation.Right] = [:]
        for name in entries.keys {
            switch entries.node(name)?.value {
            case .boolean(let isHeld): rights[name] = isHeld ? .open : ProgramCase.Expectation.Right.none
            case .date(let day): rights[name] = .until(day)
            default: throw entries.error(name, "expected its last day, true or false")
            }
        }
        try entries.finish()
        return rights
    }

    private func forwards(_ table: inout TableReader, _ money: Currency) throws(LoyaltyError) -> [String: Money] {
        var entries = try table.requiredTable("forwards")
        var forwards: [String: Money] = [:]
        for partner in entries.keys {
            try entries.check(partner, "partner", partner, in: names.partners)
            forwards[partner] = try entries.requiredMoney(partner, money)
        }
        try entries.finish()
        return forwards
    }

    private func offers(_ table: inout TableReader) throws(LoyaltyError) -> [String: [DecimalNumber]] {
        var entries = try table.requiredTable("offers")
        var offers: [String: [DecimalNumber]] = [:]
        for reward in entries.keys {
            try entries.check(reward, "reward", reward, in: names.rewards)
            var steps: [DecimalNumber] = []
            for text in try entries.strings(reward) ?? [] {
                guard let number = try? DecimalNumber(text) else { throw entries.error(reward, "expected points") }
                steps.append(number)
            }
            offers[reward] = steps
        }
        try entries.finish()
        return offers
    }
}
