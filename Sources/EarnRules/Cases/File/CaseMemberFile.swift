import DataFormats
import LoyaltyModel

extension CaseFile {
    func member(_ table: inout TableReader, needsID: Bool) throws(LoyaltyError) -> ProgramCase.Person {
        var id = try table.string("id", length: 1...64)
        if needsID, id == nil { id = try table.requiredString("id") }
        var member = Member(id: MemberID(id ?? Self.usualActor))
        member.tier = try table.string("tier", length: 1...64)
        if let tier = member.tier, let tiers = names.tiers { try table.check("tier", "tier", tier, in: tiers) }
        member.segments = try table.oneOrMore("segment")?.sorted() ?? []
        member.entitlements = try entitlements(&table)
        member.birthday = try table.parsed("birthday") { text throws(LoyaltyError) in try MonthDay(text) }
        member.household = try table.string("household", length: 1...64)
        var person = ProgramCase.Person(member: member, place: table.place)
        person.card = try table.string("card", length: 1...64)
        person.tierUntil = try table.date("tier_until")
        if person.tierUntil != nil, member.tier == nil {
            throw table.conflict("tier_until", "it belongs to \"tier\"")
        }
        person.state.joined = try table.date("joined")
        person.state.referrer = try table.string("referrer", length: 1...64).map { MemberID($0) }
        person.state.beneficiary = try table.string("beneficiary")
        if let cause = person.state.beneficiary {
            try table.check("beneficiary", "good cause", cause, in: names.beneficiaries)
        }
        person.state.linked = try linked(&table)
        if var chosen = try table.table("chosen") {
            for day in chosen.keys {
                try chosen.check(day, "day of the member's choice", day, in: names.days)
                person.state.chosenDays[day] = try chosen.dates(day)
            }
            try chosen.finish()
        }
        person.points = try startingPoints(&table)
        person.counters = try startingCounters(&table)
        if var stamps = try table.table("stamps") {
            for card in stamps.keys {
                try stamps.check(card, "stamp card", card, in: names.cards)
                person.counters.append(.init(name: card, value: DecimalNumber(try stamps.count(card))))
            }
            try stamps.finish()
        }
        try table.finish()
        return person
    }

    private func entitlements(_ table: inout TableReader) throws(LoyaltyError) -> [Member.Entitlement] {
        guard let node = table.node("entitlement") else { return [] }
        if case .array(let nodes) = node.value, let first = nodes.first, case .table = first.value {
            var entitlements: [Member.Entitlement] = []
            for var entry in try table.tables("entitlement") {
                entitlements.append(
                    Member.Entitlement(
                        name: try entry.requiredString("id"), from: try entry.date("from"), to: try entry.date("to")))
                try entry.finish()
            }
            return entitlements
        }
        return try table.oneOrMore("entitlement")?.sorted().map { Member.Entitlement(name: $0) } ?? []
    }

    /// Their form is checked when the case begins.
    private func linked(_ table: inout TableReader) throws(LoyaltyError) -> [String: String] {
        guard var numbers = try table.table("linked") else { return [:] }
        var linked: [String: String] = [:]
        for partner in numbers.keys {
            try numbers.check(partner, "partner", partner, in: names.partners)
            linked[partner] = try numbers.requiredString(partner)
        }
        try numbers.finish()
        return linked
    }

    private func startingPoints(_ table: inout TableReader) throws(LoyaltyError) -> [ProgramCase.StartingPoints] {
        guard let node = table.node("points") else { return [] }
        guard case .array = node.value else {
            return try points(&table, "points").sorted { $0.key < $1.key }.map {
                ProgramCase.StartingPoints(currency: $0.key, points: $0.value)
            }
        }
        var lots: [ProgramCase.StartingPoints] = []
        for var entry in try table.tables("points") {
            let currency = try currency(&entry)
            lots.append(
                ProgramCase.StartingPoints(
                    currency: currency, points: try pointsOf(&entry, "points", currency),
                    expires: try entry.date("expires"), pendingUntil: try entry.date("pending_until"),
                    earned: try entry.date("earned")))
            try entry.finish()
        }
        return lots
    }

    private func startingCounters(_ table: inout TableReader) throws(LoyaltyError) -> [ProgramCase.StartingCounter] {
        guard let node = table.node("counters") else { return [] }
        var counters: [ProgramCase.StartingCounter] = []
        if case .array = node.value {
            for var entry in try table.tables("counters") {
                let id = try entry.requiredString("id")
                try entry.check("id", "counter", id, in: names.counters)
                counters.append(
                    .init(name: id, value: try entry.requiredDecimal("value"), day: try entry.date("on")))
                try entry.finish()
            }
        } else if var entry = try table.table("counters") {
            for id in entry.keys {
                try entry.check(id, "counter", id, in: names.counters)
                counters.append(.init(name: id, value: try entry.requiredDecimal(id)))
            }
            try entry.finish()
        }
        return counters
    }

    // MARK: Points

    /// `"12"` of the first currency, or a table by currency.
    func points(
        _ table: inout TableReader, _ key: String, withCards: Bool = false
    ) throws(LoyaltyError) -> [String: Points] {
        let node = try table.required(key)
        guard case .table = node.value else {
            return [names.primaryCurrency: try pointsOf(&table, key, names.primaryCurrency)]
        }
        var currencies = try TableReader(node, path: table.path(to: key))
        var points: [String: Points] = [:]
        for currency in currencies.keys {
            if withCards, names.cards.contains(currency) {
                points[currency] = try pointsOf(&currencies, currency, currency)
                continue
            }
            try currencies.check(currency, "currency", currency, in: Set(names.currencies.keys))
            points[currency] = try pointsOf(&currencies, currency, currency)
        }
        try currencies.finish()
        return points
    }

    func currency(_ table: inout TableReader) throws(LoyaltyError) -> String {
        guard let name = try table.string("currency") else { return names.primaryCurrency }
        try table.check("currency", "currency", name, in: Set(names.currencies.keys))
        return name
    }

    func pointsOf(_ table: inout TableReader, _ key: String, _ currency: String) throws(LoyaltyError) -> Points {
        let number = try table.requiredDecimal(key)
        let decimals = names.currencies[currency] ?? 0
        guard let units = try? number.units(scale: decimals) else {
            throw table.error(key, "\(currency) have \(decimals) decimals")
        }
        return Points(units: units, decimals: decimals)
    }
}

extension TableReader {
    fileprivate mutating func dates(_ key: String) throws(LoyaltyError) -> [CalendarDate] {
        var dates: [CalendarDate] = []
        for node in try array(key) ?? [] {
            guard case .date(let day) = node.value else {
                throw error(key, "expected a list of dates such as [2027-03-01]")
            }
            dates.append(day)
        }
        return dates
    }
}
