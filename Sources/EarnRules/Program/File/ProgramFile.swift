import DataFormats
public import LoyaltyModel

extension Program {
    /// Reads a program file (docs/program-files.md): TOML, `schema = 1`.
    ///
    /// `[[case]]` tables are left to the tools that run them.
    ///
    /// - Parameters:
    ///   - file: the name that errors show.
    ///   - hash: SHA-256 of the file, lower-case hex; it names the program's version in every transaction.
    ///   - isArchived: the file was in force once. It is read for the sales that it gave points for, so what a new file may
    ///     not say for its own good is taken as it was.
    /// - Throws: `document.*` and `program.*`, each with line and column.
    public static func load(
        toml: String, file: String?, hash: String, isArchived: Bool = false
    ) throws(LoyaltyError) -> Program {
        var reader = try ProgramFile(TableReader(TOMLDocument.parse(toml, file: file)), isArchived: isArchived)
        return try reader.read(hash)
    }
}

/// Reads a whole file. What other tables refer to comes first, wherever it stands.
private struct ProgramFile {
    private var reader: TableReader
    private var context = FileContext()
    private var names: Set<String> = []
    private var days: [MemberDayDeclaration] = []

    init(_ reader: TableReader, isArchived: Bool) {
        self.reader = reader
        context.isArchived = isArchived
    }

    mutating func read(_ hash: String) throws(LoyaltyError) -> Program {
        try checkSchema()
        try reader.refuseUnsupported(["where"])
        let identity = ProgramIdentity(
            name: try reader.requiredString("program", length: 1...64),
            version: try reader.string("version", length: 1...64), hash: hash)
        var terms: [String: CurrencyTerms] = [:]
        let tiers = try reader.table("tiers")
        context.tiers = try TierLadder.names(tiers)
        let currencies = try currencies(&terms)
        let rounding = try rounding(currencies)
        context.step = rounding.step
        context.basis = try Basis.read(from: &reader, "basis", default: Basis())
        for var table in try reader.tables("tag") {
            let id = try table.requiredString("id", length: 1...64)
            guard context.tags[id] == nil else {
                throw LoyaltyError(.programDuplicateRule, "there is another tag \"\(id)\"", at: table.place(of: "id"))
            }
            context.tags[id] = try LineFilter.readTag(&table, context)
        }
        return try read(identity, terms, currencies, rounding, tiers)
    }

    private mutating func read(
        _ identity: ProgramIdentity, _ terms: [String: CurrencyTerms], _ currencies: [String], _ rounding: Rounding,
        _ tierTable: TableReader?
    ) throws(LoyaltyError) -> Program {
        let effectivePlace = effectivePlace
        let effective = try effective()
        let calendar = try calendar()
        let zone = try ProgramZone.read(from: &reader) ?? .ofTheTill
        let (partners, counters) = (try partners(), try counters())
        var tiers: TierLadder?
        if var table = tierTable { tiers = try TierLadder.read(&table, context) }
        var entitlements: [EntitlementDeclaration] = []
        var (entitlementNames, dayNames, beneficiaryNames) = (Set<String>(), Set<String>(), Set<String>())
        for var table in try reader.tables("entitlement") {
            entitlements.append(try EntitlementDeclaration.read(&table, &entitlementNames, context))
        }
        for var table in try reader.tables("member_day") {
            let id = try table.id(&dayNames)
            days.append(try MemberDayDeclaration.read(&table, id, context))
            context.memberDays.insert(id)
        }
        var beneficiaries: [BeneficiaryDeclaration] = []
        for var table in try reader.tables("beneficiary") {
            beneficiaries.append(try BeneficiaryDeclaration.read(&table, &beneficiaryNames))
        }
        let rewards = try rewards()
        let cards = try stampCards()
        let rules = try rules(hasBeneficiaries: !beneficiaries.isEmpty)
        let caps = try caps(rules)
        if !context.isArchived {
            try refuseSharedNames(
                counters, cards, CounterName.all(rules + cards.map(\.rule), [], rewards, caps, []))
        }
        let returns = try returns()
        var names = CounterName.all(rules, cards, rewards, caps, counters)
        if returns.unlinked == .reverseByRate {
            names += CounterName.limits(rules, caps).map(\.returned).sorted {
                ($0.name, $0.per.rawValue, $0.scope.rawValue) < ($1.name, $1.per.rawValue, $1.scope.rawValue)
            }
        }
        let program = Program(
            identity: identity, currencies: context.currencies, primaryCurrency: context.primaryCurrency, zone: zone,
            returns: returns, rules: rules, effective: effective,
            effectivePlace: effectivePlace, calendar: calendar,
            counters: counters, tiers: tiers, entitlements: entitlements, memberDays: days,
            beneficiaries: beneficiaries, partners: partners, stampCards: cards, rewards: rewards,
            redemption: try redemption(), currencyOrder: currencies, currencyTerms: terms, rounding: rounding,
            caps: caps, index: RuleIndex(rules),
            counterNames: names, visitNames: CounterName.visits(rules, cards, rewards),
            periodBonuses: rules.compactMap(\.periodBonus))
        _ = try reader.tables("case")
        try reader.finish()
        return program
    }

    /// A limit counts under the id of its rule, a dot and what it limits, visits under their own name: what is declared
    /// under such a name would count for both.
    private func refuseSharedNames(
        _ counters: [CounterDeclaration], _ cards: [StampCard], _ limits: [CounterName]
    ) throws(LoyaltyError) {
        let declared =
            counters.map { CounterName(name: $0.id, scope: $0.scope, per: $0.per) } + cards.map(\.counter)
        for name in declared where limits.contains(name) {
            let what =
                name.name == CounterName.visits ? "the visits of members are" : "a limit or a bonus of a period is"
            throw LoyaltyError(
                .programConflict, "\(what) counted under \"\(name.name)\" as well", at: reader.place,
                remedy: "Write another id for this counter or card")
        }
    }

    // MARK: The head

    private mutating func checkSchema() throws(LoyaltyError) {
        guard let schema = reader.node("schema") else {
            throw LoyaltyError(
                .programSchema, "\"schema\" is missing", at: reader.place, remedy: "Begin the file with schema = 1")
        }
        guard schema.value == .integer(1) else {
            throw LoyaltyError(
                .programSchema, "this version reads program files of schema 1", at: reader.place(of: "schema"))
        }
    }

    private var effectivePlace: Place {
        reader.keys.contains("effective") ? reader.place(of: "effective") : reader.place
    }

    private mutating func effective() throws(LoyaltyError) -> Effective? {
        switch reader.node("effective")?.value {
        case nil: return nil
        case .date(let day): return .day(day)
        case .timestamp(let instant): return .instant(instant)
        default:
            throw reader.error(
                "effective", "expected a date such as 2027-01-04, without quotes, or a time with its offset")
        }
    }

    private mutating func calendar() throws(LoyaltyError) -> ProgramCalendar {
        var calendar = ProgramCalendar()
        guard var table = try reader.table("calendar") else { return calendar }
        calendar.fiscalYearStartMonth = try table.integer("fiscal_year_starts_in", 1...12).map(Int.init) ?? 1
        calendar.weekStart = try table.word("week_starts_on") ?? .mon
        try table.finish()
        return calendar
    }

    private mutating func currencies(_ terms: inout [String: CurrencyTerms]) throws(LoyaltyError) -> [String] {
        guard var table = try reader.table("currency") else {
            (context.currencies, context.primaryCurrency) = (["points": 0], "points")
            return ["points"]
        }
        for name in table.keys {
            guard (1...32).contains(name.utf8.count) else {
                throw table.error(name, "the name of a currency has 1 to 32 bytes")
            }
            var currency = try table.requiredTable(name)
            let money = try currency.parsed("money") { text throws(LoyaltyError) in try Currency(text) }
            let decimals = try currency.integer("decimals", 0...Int64(Points.maximumDecimals)).map(Int.init)
            context.currencies[name] = decimals ?? money?.decimals ?? 0
            terms[name] = CurrencyTerms(lots: try currency.lots(context), money: money)
            try currency.finish()
        }
        guard let primary = table.keys.first else {
            throw reader.error("currency", "at least one currency is needed")
        }
        context.primaryCurrency = primary
        return table.keys
    }

    private mutating func rounding(_ currencies: [String]) throws(LoyaltyError) -> Rounding {
        var rounding = Rounding()
        guard var table = try reader.table("rounding") else { return rounding }
        rounding.mode = try table.word("mode") ?? rounding.mode
        rounding.scope = try table.word("scope") ?? rounding.scope
        rounding.moment = try table.word("when") ?? rounding.moment
        rounding.step = try table.word("step") ?? rounding.step
        if rounding.mode == .none, let whole = currencies.first(where: { context.decimals($0) == 0 }) {
            throw table.conflict(
                "mode", "without rounding, \(whole) need decimals",
                remedy: "Write currency = { \(whole) = { decimals = 2 } } or another mode")
        }
        try table.finish()
        return rounding
    }

    private mutating func returns() throws(LoyaltyError) -> ReturnsPolicy {
        var returns = ReturnsPolicy()
        guard var table = try reader.table("returns") else { return returns }
        returns.unlinked = try table.word("unlinked") ?? returns.unlinked
        returns.clawback = try table.word("clawback") ?? returns.clawback
        returns.floor = try table.word("floor") ?? returns.floor
        returns.restoring = try table.word("restore_redeemed") ?? returns.restoring
        returns.expiredGrace = try table.span("expired_grace")
        try table.finish()
        return returns
    }

    private mutating func redemption() throws(LoyaltyError) -> RedemptionTerms {
        var terms = RedemptionTerms()
        guard var table = try reader.table("redemption") else { return terms }
        terms.order = try table.word("order") ?? terms.order
        terms.earning = try table.word("earning") ?? terms.earning
        if var overdraw = try table.table("overdraw") {
            for currency in overdraw.keys {
                guard context.currencies[currency] != nil else {
                    throw overdraw.unknown(currency, "currency", currency, Set(context.currencies.keys))
                }
                terms.overdraw[currency] = try overdraw.points(currency, currency, context)
            }
            try overdraw.finish()
        }
        try table.finish()
        return terms
    }

    // MARK: Lists

    private mutating func partners() throws(LoyaltyError) -> [PartnerDeclaration] {
        var partners: [PartnerDeclaration] = []
        var names: Set<String> = []
        for var table in try reader.tables("partner") {
            partners.append(try PartnerDeclaration.read(&table, &names, context))
        }
        context.partners = Set(partners.map(\.id))
        return partners
    }

    private mutating func counters() throws(LoyaltyError) -> [CounterDeclaration] {
        var counters: [CounterDeclaration] = []
        for var table in try reader.tables("counter") {
            counters.append(try CounterDeclaration.read(&table, &names, context))
        }
        context.counters = Set(counters.map(\.id))
        return counters
    }

    private mutating func rewards() throws(LoyaltyError) -> [RewardDeclaration] {
        var rewards: [RewardDeclaration] = []
        for table in try reader.tables("reward") {
            var file = RewardFile(table, context)
            rewards.append(try file.read(&names))
        }
        context.rewards = Set(rewards.map(\.id))
        return rewards
    }

    private mutating func stampCards() throws(LoyaltyError) -> [StampCard] {
        var cards: [StampCard] = []
        for table in try reader.tables("stamps") {
            var file = StampCardFile(table, context)
            cards.append(try file.read(&names, &days))
        }
        return cards
    }

    private mutating func rules(hasBeneficiaries: Bool) throws(LoyaltyError) -> [Rule] {
        var rules: [Rule] = []
        var groups: [String: Rule] = [:]
        for table in try reader.tables("earn") {
            var file = RuleFile(table, context)
            let rule = try file.read(&names, &days)
            if rule.recipient == .beneficiary, !hasBeneficiaries {
                throw file.reader.conflict("recipient", "the program declares no beneficiary")
            }
            if let group = rule.stack?.group {
                if let first = groups[group] { try file.check(rule, against: first) } else { groups[group] = rule }
            }
            rules.append(rule)
        }
        return rules
    }

    private mutating func caps(_ rules: [Rule]) throws(LoyaltyError) -> [ProgramCap] {
        var caps: [ProgramCap] = []
        for var table in try reader.tables("cap") {
            let id = try table.id(&names)
            let currency = try table.currency(context)
            let named = try table.strings("rules").map(Set.init)
            let cap = try Cap.readKeys(&table)
            switch cap.measure {
            case .points: break
            default:
                throw LoyaltyError(.programConflict, "a cap over several rules limits points", at: table.place)
            }
            for name in (named ?? []).sorted() {
                guard let rule = rules.first(where: { $0.id == name }) else {
                    throw table.unknown("rules", "rule", name, Set(rules.map(\.id)))
                }
                guard rule.currency == currency else {
                    throw table.conflict("rules", "\"\(name)\" gives \(rule.currency), the cap is for \(currency)")
                }
            }
            try table.finish()
            caps.append(ProgramCap(id: id, currency: currency, cap: cap, rules: named))
        }
        return caps
    }
}
