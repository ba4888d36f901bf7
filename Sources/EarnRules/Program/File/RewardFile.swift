import DataFormats
import LoyaltyModel

/// Reads one `[[reward]]` table.
struct RewardFile {
    private var reader: TableReader
    private let context: FileContext

    init(_ reader: TableReader, _ context: FileContext) {
        self.reader = reader
        self.context = context
    }

    mutating func read(_ names: inout Set<String>) throws(LoyaltyError) -> RewardDeclaration {
        let id = try reader.id(&names)
        let kind = try reader.word("kind", as: RewardDeclaration.Kind.self) ?? .money
        let issue = try reader.word("issue", as: RewardDeclaration.Issue.self) ?? .onRequest
        let currency = try reader.currency(context)
        let isTable = reader.keys.contains("table")
        let steps = try isTable ? table(kind, currency) : price(kind, currency, issue)
        var caps = try reader.caps()
        if let limit = try reader.limit() { caps.append(limit) }
        try reader.check(caps)
        let reward = RewardDeclaration(
            id: id, text: try reader.string("text", length: 1...128), kind: kind, currency: currency, steps: steps,
            isLinear: !isTable, percent: try percent(kind), item: try item(kind),
            threshold: try reader.points("threshold", currency, context),
            minimum: try reader.points("minimum", currency, context),
            maximum: try reader.points("maximum", currency, context), issue: issue,
            expiry: try reader.expiry("expires", context), limits: try limits(), member: try reader.member(context),
            window: try reader.window(), places: try reader.places(), caps: caps)
        if let least = reward.minimum, let most = reward.maximum, most.ratio < least.ratio {
            throw reader.error("maximum", "it is below the minimum")
        }
        if !context.isArchived { try checkIssue(reward) }
        try reader.finish()
        return reward
    }

    /// What is given by itself has no till that asks, and not always a sale: keys that nothing could look at are refused.
    private func checkIssue(_ reward: RewardDeclaration) throws(LoyaltyError) {
        let places = ["store", "exclude_store", "register", "channel"]
        var refused = ["minimum", "maximum", "basket"]
        switch reward.issue {
        case .onRequest: return
        case .atOnce: break
        case .monthEnd, .quarterEnd, .yearEnd, .membershipYearEnd: refused += places
        case .byStamps: refused += places + ["threshold", "limit", "cap", "member", "window"]
        }
        for key in refused where reader.keys.contains(key) {
            throw reader.conflict(
                key,
                reward.issue == .byStamps
                    ? "the stamp card decides when it is given"
                    : "it is for rewards that are asked for in a sale; this one is given \(reward.issue.rawValue)")
        }
        if reward.issue.period != nil, reward.window?.hours != nil {
            throw reader.conflict("window", "what is given at the end of a period has no hours")
        }
        if reward.issue == .atOnce, let cap = reward.caps.first(where: { $0.per == .rollingYear }) {
            throw reader.conflict(
                reward.caps.last == cap && reader.keys.contains("limit") ? "limit" : "cap",
                "what is given at once is limited for a day, week, month, quarter or year of the calendar")
        }
    }

    private mutating func price(
        _ kind: RewardDeclaration.Kind, _ currency: String, _ issue: RewardDeclaration.Issue
    ) throws(LoyaltyError) -> [RewardDeclaration.Step] {
        let points = try reader.points("points", currency, context)
        let money = try reader.amount("money", positive: true)
        let hasMoney = kind == .money || kind == .donation
        if hasMoney, money == nil {
            throw LoyaltyError(.documentMissingKey, "\"money\" is missing: what one step is worth", at: reader.place)
        }
        if !hasMoney, money != nil { throw reader.conflict("money", "a \(kind.rawValue) is not worth money") }
        guard let points else {
            if issue == .byStamps {
                let none = Points.zero(decimals: context.decimals(currency))
                return [RewardDeclaration.Step(points: none, money: money ?? .zero)]
            }
            throw LoyaltyError(.documentMissingKey, "\"points\" is missing: the price of one step", at: reader.place)
        }
        if points.isZero, issue != .byStamps { throw reader.error("points", "it is more than zero") }
        return [RewardDeclaration.Step(points: points, money: money ?? .zero)]
    }

    private mutating func table(
        _ kind: RewardDeclaration.Kind, _ currency: String
    ) throws(LoyaltyError) -> [RewardDeclaration.Step] {
        guard kind == .money || kind == .donation else {
            throw reader.conflict("table", "only money has a table of values")
        }
        var steps: [RewardDeclaration.Step] = []
        for var entry in try reader.tables("table") {
            guard let points = try entry.points("points", currency, context), !points.isZero else {
                throw LoyaltyError(.documentMissingKey, "\"points\" above zero is missing", at: entry.place)
            }
            let money = try entry.requiredAmount("money", positive: true)
            if let last = steps.last, points.ratio <= last.points.ratio || money <= last.money {
                throw entry.error("points", "steps stand from the smallest to the largest")
            }
            try entry.finish()
            steps.append(RewardDeclaration.Step(points: points, money: money))
        }
        guard !steps.isEmpty else { throw reader.error("table", "at least one step is needed") }
        return steps
    }

    private mutating func percent(_ kind: RewardDeclaration.Kind) throws(LoyaltyError) -> DecimalNumber? {
        guard kind == .percent else { return nil }
        let percent = try reader.requiredAmount("percent", positive: true)
        guard percent <= DecimalNumber(100) else { throw reader.error("percent", "it is at most 100") }
        return percent
    }

    private mutating func item(_ kind: RewardDeclaration.Kind) throws(LoyaltyError) -> String? {
        guard kind == .item else { return nil }
        return try reader.requiredString("item", length: 1...128)
    }

    private mutating func limits() throws(LoyaltyError) -> RewardDeclaration.Limits {
        guard var table = try reader.table("basket") else {
            return RewardDeclaration.Limits(exclude: LineFilter(classes: []))
        }
        let limits = RewardDeclaration.Limits(
            atLeast: try table.amount("at_least"), leave: try table.amount("leave"),
            share: try table.amount("share", positive: true), match: try table.match(context),
            exclude: try table.filter("exclude", context) ?? LineFilter(classes: []))
        if let share = limits.share, DecimalNumber(100) < share {
            throw table.error("share", "it is a percentage, at most 100")
        }
        try table.finish()
        return limits
    }
}

/// Reads one `[[stamps]]` table.
struct StampCardFile {
    private var reader: TableReader
    private let context: FileContext

    init(_ reader: TableReader, _ context: FileContext) {
        self.reader = reader
        self.context = context
    }

    mutating func read(_ names: inout Set<String>, _ days: inout [MemberDayDeclaration]) throws(LoyaltyError)
        -> StampCard
    {
        let id = try reader.id(&names)
        guard context.currencies[id] == nil else {
            throw reader.error("id", "a currency has this name; stamps are a currency of their own")
        }
        let basis = try Basis.read(from: &reader, "basis", default: context.basis)
        let match = try reader.match(context)
        let text = try reader.string("text", length: 1...128)
        var caps = try reader.caps()
        if let limit = try limit() { caps.append(limit) }
        try reader.check(caps)
        let give = try give()
        let rule = Rule(
            id: id, event: Rule.saleEvent, currency: id, recipient: .member, lots: nil, isQualifying: false, text: text,
            effect: .bonus(Rule.Bonus(points: .zero(decimals: 0), returns: .prorate, repeats: false)), match: match,
            exclude: try reader.exclude(named: match?.classes ?? [], context), tenders: try reader.tenders(),
            basis: basis, threshold: try reader.threshold(basis), member: try reader.member(context), memberDay: nil,
            window: try reader.window(), places: try reader.places(), stack: nil, caps: caps)
        let card = StampCard(
            id: id, text: text, prizes: try prizes(), carriesOver: try reader.boolean("carry_over") ?? true, give: give,
            rule: rule)
        try reader.finish()
        return card
    }

    private mutating func give() throws(LoyaltyError) -> StampCard.Give {
        var table = try reader.requiredTable("give")
        let stamps = try table.integer("stamps", 1...1_000) ?? 1
        let units = try table.amount("per_units", positive: true)
        let amount = try table.amount("per", positive: true)
        let visit = try table.boolean("per_visit") ?? false
        guard [units != nil, amount != nil, visit].filter(\.self).count == 1 else {
            throw LoyaltyError(
                .documentMissingKey, "one of \"per\", \"per_units\", \"per_visit\" is needed", at: table.place)
        }
        try table.finish()
        if let units { return .units(stamps: stamps, per: units) }
        return amount.map { .amount(stamps: stamps, per: $0) } ?? .visit(stamps: stamps)
    }

    /// `limit = { stamps = 4, per = "day" }`.
    private mutating func limit() throws(LoyaltyError) -> Cap? {
        guard var table = try reader.table("limit") else { return nil }
        guard let stamps = try table.integer("stamps", 1...1_000_000) else {
            throw LoyaltyError(.documentMissingKey, "\"stamps\" is missing", at: table.place)
        }
        let cap = Cap(
            measure: .points(DecimalNumber(stamps)), per: try table.word("per") ?? .sale,
            scope: try table.word("scope") ?? .member)
        try table.finish()
        return cap
    }

    /// `reward`: a table, or an array of tables.
    private mutating func prizes() throws(LoyaltyError) -> [StampCard.Prize] {
        guard let node = reader.node("reward") else {
            throw LoyaltyError(.documentMissingKey, "\"reward\" is missing", at: reader.place)
        }
        var tables: [TableReader] = []
        if case .array = node.value {
            tables = try reader.tables("reward")
        } else {
            tables = [try reader.requiredTable("reward")]
        }
        var prizes: [StampCard.Prize] = []
        for var table in tables {
            guard let stamps = try table.integer("at", 1...1_000) else {
                throw LoyaltyError(.documentMissingKey, "\"at\" is missing", at: table.place)
            }
            let issue = try table.requiredString("issue", length: 1...64)
            guard context.rewards.contains(issue) else {
                throw table.unknown("issue", "reward", issue, context.rewards)
            }
            if let last = prizes.last, stamps <= last.at {
                throw table.error("at", "rewards stand from the first to the last")
            }
            prizes.append(StampCard.Prize(at: stamps, issue: issue, expiry: try expiry(&table)))
            try table.finish()
        }
        guard !prizes.isEmpty else { throw reader.error("reward", "at least one reward is needed") }
        return prizes
    }

    private func expiry(_ table: inout TableReader) throws(LoyaltyError) -> Expiry? {
        guard let node = table.node("expires") else { return nil }
        guard case .string = node.value else { return try table.expiry("expires", context) }
        var expiry = Expiry()
        expiry.after = try table.span("expires")
        return expiry
    }
}

extension TableReader {
    /// Stamps and rewards count no money.
    fileprivate func check(_ caps: [Cap]) throws(LoyaltyError) {
        for cap in caps {
            switch cap.measure {
            case .points, .times: break
            case .spend, .units, .pointsPerUnit: throw conflict("cap", "it is limited in points or in times")
            }
        }
    }
}
