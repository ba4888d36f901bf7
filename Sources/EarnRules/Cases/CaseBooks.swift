import LoyaltyModel

/// The members of a case with their points and counters: changed by the same functions that a store's ledger calls.
struct CaseBooks {
    struct Account {
        /// nil for a sale in which nobody is known.
        var member: Member?
        var card: String
        var state: MemberState
    }

    /// Something that an earlier step did, for returns and voids.
    enum Done {
        case posted(Posted)
        case returned([Piece])
        /// Points of goods without a receipt, at the rate of the day.
        case reversed([LotMovement], counted: [CounterChange])
    }

    /// A sale or action with what came back of it.
    struct Posted {
        var account: String
        var program: Program
        var record: SaleRecord
        /// Products of the lines, for goods without a receipt.
        var codes: [String: String]
        var returned: [String: Quantity] = [:]
        var isVoid = false

        func taken() throws(LoyaltyError) -> SaleRecord.Taken {
            isVoid ? record.takenWhole : try record.taken(returned)
        }
    }

    /// A part of an earlier sale that came back.
    struct Piece {
        var step: String
        var line: String
        var quantity: Quantity
    }

    static let nobody = ""

    let versions: ProgramVersions
    var accounts: [String: Account] = [:]
    var done: [String: Done] = [:]
    /// In the order of the steps.
    var posted: [String] = []
    private(set) var counters: [String: Counters] = [:]
    private(set) var keys: Set<String> = []
    /// The day of the latest step.
    private(set) var day: CalendarDate
    var effect = CaseEffect()

    init(_ definition: ProgramCase, _ versions: ProgramVersions) throws(LoyaltyError) {
        self.versions = versions
        let time = definition.steps.first?.time ?? Timestamp(microseconds: 0)
        let program = versions.program(at: time)
        day = program.zone.local(time).date
        accounts[Self.nobody] = Account(member: nil, card: Self.nobody, state: MemberState())
        for person in definition.people { try add(person, program) }
    }

    private mutating func add(_ person: ProgramCase.Person, _ program: Program) throws(LoyaltyError) {
        let id = person.member.id.value
        var state = person.state
        for (partner, number) in person.state.linked { try program.link(partner, number: number, state: &state) }
        for (index, start) in person.points.enumerated() {
            let decimals = start.points.decimals
            let earned = start.earned ?? day
            if start.points.isNegative {
                try state.owe(start.points.negated(), start.currency)
                continue
            }
            state.lots.append(
                Lot(
                    id: "start/\(index + 1)", currency: start.currency, origin: "start", program: program.identity.hash,
                    granted: start.points, remaining: start.points, qualifying: .zero(decimals: decimals),
                    earned: earned, pendingUntil: start.pendingUntil, expires: start.expires))
            state.lastActivity = max(state.lastActivity ?? earned, earned)
        }
        accounts[id] = Account(member: person.member, card: person.card ?? id, state: state)
        var values = try self.counters(of: id)
        for counter in person.counters {
            for name in program.counterNames where name.name == counter.name {
                values[key(name, on: counter.day ?? day, state.joined, program)] = counter.value
            }
        }
        // A tier with an end is one that was reached here; without, it is the member file's.
        if let tier = person.member.tier, let until = person.tierUntil, program.tiers?.validity != nil {
            accounts[id]?.member?.tier = nil
            accounts[id]?.state.tier = TierStanding(id: tier, validThrough: until)
        }
        setCounters(values, of: id)
    }

    private func key(
        _ name: CounterName, on day: CalendarDate, _ joined: CalendarDate?, _ program: Program
    ) -> CounterKey {
        CounterKey(
            name: name.name, scope: name.scope, per: name.per,
            start: program.calendar.start(of: name.per, on: day, joined: joined))
    }

    // MARK: Accounts

    func account(_ id: String) throws(LoyaltyError) -> Account {
        guard let account = accounts[id] else {
            throw LoyaltyError(.caseConflict, "the case has no member \"\(id)\"")
        }
        return account
    }

    /// What is counted for a member, his household and his card.
    func counters(of id: String) throws(LoyaltyError) -> Counters {
        var all: Counters = [:]
        for holder in holders(try account(id), id) { all.merge(counters[holder.name] ?? [:]) { _, new in new } }
        return all
    }

    mutating func setCounters(_ values: Counters, of id: String) {
        guard let account = accounts[id] else { return }
        for holder in holders(account, id) {
            counters[holder.name] = values.filter { $0.key.scope == holder.scope }
        }
    }

    /// Where two members count for one holder.
    func sharedScopes(_ first: String, _ second: String) throws(LoyaltyError) -> Set<CounterScope> {
        let (one, other) = (holders(try account(first), first), holders(try account(second), second))
        return Set(zip(one, other).filter { $0.name == $1.name }.map(\.0.scope))
    }

    private func holders(_ account: Account, _ id: String) -> [(scope: CounterScope, name: String)] {
        [
            (.member, "member \(id)"), (.household, "household \(account.member?.household ?? "of \(id)")"),
            (.card, "card \(account.card)"),
        ]
    }

    /// False for a key that was seen before.
    mutating func note(key: String) -> Bool { keys.insert(key).inserted }

    // MARK: Days

    /// Ends every day before this one: bonuses of periods, rewards.
    mutating func pass(to next: CalendarDate) throws(LoyaltyError) {
        while day < next {
            let noon = Timestamp(microseconds: (day.daysSinceEpoch * 86_400 + 43_200) * 1_000_000)
            let program = versions.program(at: noon)
            guard versions.versions.contains(where: \.endsDays) else {
                day = next
                return
            }
            for id in accounts.keys.sorted() {
                guard let member = accounts[id]?.member else { continue }
                try end(day, id, member, program)
            }
            day = day.adding(days: 1)
            // Points that can be spent from today on, and limits that are free again.
            for id in accounts.keys.sorted() { try issueAtOnce(id, program) }
        }
    }

    private mutating func end(
        _ day: CalendarDate, _ id: String, _ member: Member, _ program: Program
    ) throws(LoyaltyError) {
        var account = try account(id)
        var values = try counters(of: id)
        let result = try program.closePeriods(on: day, member: member, state: account.state, counters: values)
        try values.apply(result.counterChanges)
        let movements = try program.credit(result, origin: "end of \(day)", on: day, to: &account.state)
        account.state.tier = result.tier ?? account.state.tier
        let given = try program.issueRewards(on: day, member: member, counters: values, state: &account.state)
        try values.apply(given.counterChanges)
        accounts[id] = account
        setCounters(values, of: id)
        effect.add(given.issued, to: id)
        effect.movements += movements + given.movements
        if result.trace.contains(where: \.matched) { effect.trace += result.trace }
        for accrual in result.accruals { try effect.earn(accrual.total, accrual.currency) }
    }

    /// Rewards that are given as soon as the balance reaches their price.
    mutating func issueAtOnce(
        _ id: String, _ program: Program, after sale: (sale: Sale, time: Timestamp)? = nil
    ) throws(LoyaltyError) {
        guard var account = accounts[id], let member = account.member else { return }
        var values = try counters(of: id)
        let given = try program.issueRewards(
            on: day, after: sale, member: member, counters: values, state: &account.state, atOnceAlone: true)
        try values.apply(given.counterChanges)
        accounts[id] = account
        setCounters(values, of: id)
        effect.add(given.issued, to: id)
        effect.movements += given.movements
    }
}

/// What a step changed, beside the balances.
struct CaseEffect {
    /// What the acting member got, by currency or stamp card; less than zero for what was taken back.
    var earned: [String: Points] = [:]
    var grants: [Grant] = []
    /// By account, then by currency.
    var others: [String: [String: Points]] = [:]
    /// By member, then by reward.
    var issued: [String: [String: Int64]] = [:]
    var forwards: [String: Money] = [:]
    var offers: [RewardOffer] = []
    var worth: Money?
    var flags: [String] = []
    var trace: [TraceStep] = []
    var movements: [LotMovement] = []

    mutating func earn(_ points: Points, _ currency: String) throws(LoyaltyError) {
        earned[currency] = try (earned[currency] ?? .zero(decimals: points.decimals)).adding(points)
    }

    mutating func give(_ points: Points, _ currency: String, to account: String) throws(LoyaltyError) {
        let before = others[account]?[currency] ?? .zero(decimals: points.decimals)
        others[account, default: [:]][currency] = try before.adding(points)
    }

    mutating func add(_ rewards: [IssuedReward], to account: String) {
        for reward in rewards { issued[account, default: [:]][reward.reward, default: 0] += reward.count }
    }

    mutating func note(_ rule: String, _ reason: String) {
        trace.append(TraceStep(rule: rule, matched: true, reason: reason))
    }
}

extension Program {
    /// Whether anything happens at the end of a day.
    fileprivate var endsDays: Bool {
        !periodBonuses.isEmpty || rewards.contains { $0.issue != .onRequest && $0.issue != .byStamps }
    }
}
