public import LoyaltyModel

/// Something that holds for every program, whatever is sold.
public struct ProgramProperty: Sendable {
    /// How a scenario breaks it.
    public struct Breach: Sendable {
        /// A sentence.
        public var message: String
        /// What must follow the sales in a case to see it, as lines of TOML.
        public var steps: [String]

        public init(message: String, steps: [String] = []) {
            self.message = message
            self.steps = steps
        }
    }

    /// A scenario that breaks a property, made as small as possible.
    public struct Counterexample: Sendable {
        public var property: String
        public var message: String
        public var scenario: TrialScenario
        /// A `[[case]]` to paste.
        public var text: String
    }

    public let name: String
    let check: @Sendable (TrialScenario, ProgramVersions) throws(LoyaltyError) -> Breach?

    public init(
        name: String, check: @escaping @Sendable (TrialScenario, ProgramVersions) throws(LoyaltyError) -> Breach?
    ) {
        self.name = name
        self.check = check
    }

    /// Those that every program has.
    public static let all = [neverMoreThanTheCap, fullReturn, returnOrder, notNegative, sameAgain]

    /// Tries properties on generated scenarios; of each the first breach counts.
    ///
    /// - Throws: `money.currency_syntax` where the program's currency cannot be read.
    public static func `try`(
        _ properties: [ProgramProperty] = all, on versions: ProgramVersions, count: Int, seed: UInt64
    ) throws(LoyaltyError) -> [Counterexample] {
        var generator = try TrialGenerator(versions, seed: seed)
        var open = properties
        var found: [Counterexample] = []
        for number in 0..<max(count, 0) where !open.isEmpty {
            let scenario = generator.next()
            var rest: [ProgramProperty] = []
            for property in open {
                guard let breach = property.breach(scenario, versions) else {
                    rest.append(property)
                    continue
                }
                found.append(property.shrunk(scenario, breach, versions, "seed \(seed), scenario \(number + 1)"))
            }
            open = rest
        }
        return found
    }

    /// An error of the engine on a sale that can happen is a breach as well.
    private func breach(_ scenario: TrialScenario, _ versions: ProgramVersions) -> Breach? {
        do throws(LoyaltyError) { return try check(scenario, versions) } catch {
            return Breach(message: "\(error)")
        }
    }

    private func shrunk(
        _ scenario: TrialScenario, _ breach: Breach, _ versions: ProgramVersions, _ origin: String
    ) -> Counterexample {
        var (best, reason) = (scenario, breach)
        var isSmaller = true
        var tries = 0
        while isSmaller, tries < 5_000 {
            isSmaller = false
            for candidate in best.simpler {
                tries += 1
                guard let breach = self.breach(candidate, versions) else { continue }
                (best, reason) = (candidate, breach)
                isSmaller = true
                break
            }
        }
        return Counterexample(
            property: name, message: reason.message, scenario: best,
            text: best.text(name: "\(name): \(reason.message) (\(origin))", then: reason.steps))
    }
}

extension ProgramProperty {
    /// What rules gave in a period, summed up from what was granted, against their caps.
    static let neverMoreThanTheCap = ProgramProperty(name: "never more than the cap") {
        scenario, versions throws(LoyaltyError) in
        var books = try scenario.books(versions)
        var given: [String: Points] = [:]
        for index in scenario.baskets.indices {
            let step = try scenario.sale(index)
            books.effect = CaseEffect()
            try books.apply(step, by: CaseFile.usualActor)
            let program = versions.program(at: step.time)
            let day = program.zone.local(step.time).date
            for (owner, cap, rules) in program.pointCaps {
                let start = program.calendar.start(of: cap.per, on: day, joined: nil)
                let place = cap.per == .sale ? "sale \(index)" : start.map { "\($0)" } ?? "ever"
                let key = "\(program.identity.hash) \(owner) \(cap.per) \(place)"
                for grant in books.effect.grants where rules.contains(grant.rule) && grant.recipient == .member {
                    given[key] = try (given[key] ?? .zero(decimals: grant.granted.decimals)).adding(grant.granted)
                }
                guard case .points(let most) = cap.measure, let sum = given[key], most.ratio < sum.ratio else {
                    continue
                }
                return Breach(
                    message: "\"\(owner)\" gave \(sum) in a \(cap.per.words), its cap is \(most)",
                    steps: ["wanted = { \"\(owner)\" = \"\(most)\" }"])
            }
        }
        return nil
    }

    static let fullReturn = ProgramProperty(name: "a full return restores everything") {
        scenario, versions throws(LoyaltyError) in
        var books = try scenario.books(versions)
        for index in scenario.baskets.indices {
            let step = try scenario.sale(index)
            try books.pass(to: versions.program(at: step.time).zone.local(step.time).date)
            let before = try books.standing(versions, step.time)
            var copy = books
            copy.effect = CaseEffect()
            try copy.apply(step, by: CaseFile.usualActor)
            try books.apply(step, by: CaseFile.usualActor)
            // What a program keeps on purpose, or turns into a reward at once, does not come back.
            guard !copy.effect.grants.contains(where: { $0.returns == .keep && !$0.granted.isZero }),
                !copy.effect.movements.contains(where: { $0.reason == .spent })
            else { continue }
            try copy.apply(
                scenario.step("back", step.time, .returned(of: step.id, lines: nil)), by: CaseFile.usualActor)
            let after = try copy.standing(versions, step.time)
            guard before != after else { continue }
            let difference = after.first { before[$0.key] != $0.value } ?? before.first { after[$0.key] != $0.value }
            let name = difference?.key ?? ""
            let isPoints = versions.program(at: step.time).currencies[name] != nil
            let expected =
                isPoints
                ? "balance = { \"\(name)\" = \"\(before[name] ?? "0")\" }" : "# \(name): \(before[name] ?? "0")"
            return Breach(
                message: "\(name) is \(after[name] ?? "0") after the return, not \(before[name] ?? "0")",
                steps: ["[[case.step]]", "return = \"\(step.id)\"", expected])
        }
        return nil
    }

    static let returnOrder = ProgramProperty(name: "the order of partial returns does not matter") {
        scenario, versions throws(LoyaltyError) in
        let step = try scenario.sale(0)
        var results: [[String: String]] = []
        let pieces = scenario.baskets[0].lines.enumerated().flatMap { index, line in
            [String](repeating: "\(index + 1)", count: Int(clamping: min(max(line.quantity, 0), 100)))
        }
        // The last piece stays, so that the return is a partial one.
        let part = Array(pieces.dropLast())
        for order in [part, part.reversed()] {
            var books = try scenario.books(versions)
            try books.apply(step, by: CaseFile.usualActor)
            for (number, line) in order.enumerated() where books.canReturn(line, of: step.id) {
                let event = ProgramCase.Event.returned(of: step.id, lines: [.init(line: line, quantity: .one)])
                try books.apply(scenario.step("back \(number)", step.time, event), by: CaseFile.usualActor)
            }
            results.append(try books.standing(versions, step.time))
        }
        guard results[0] != results[1] else { return nil }
        return Breach(
            message: "another order of the same returns leaves another balance",
            steps: part.flatMap {
                ["[[case.step]]", "return = { of = \"1\", lines = [ { id = \"\($0)\", qty = \"1\" } ] }"]
            })
    }

    static let notNegative = ProgramProperty(name: "points are never below zero where nothing was spent") {
        scenario, versions throws(LoyaltyError) in
        var books = try scenario.books(versions)
        for index in scenario.baskets.indices {
            let step = try scenario.sale(index)
            books.effect = CaseEffect()
            try books.apply(step, by: CaseFile.usualActor)
            if books.effect.movements.contains(where: { $0.reason == .spent }) { return nil }
            for line in scenario.baskets[index].lines.indices where index % 2 == 0 {
                let id = "\(line + 1)"
                guard books.canReturn(id, of: step.id) else { continue }
                let event = ProgramCase.Event.returned(of: step.id, lines: [.init(line: id, quantity: .one)])
                try books.apply(scenario.step("\(step.id) \(id)", step.time, event), by: CaseFile.usualActor)
            }
            let program = versions.program(at: step.time)
            let state = try books.account(CaseFile.usualActor).state
            for (currency, decimals) in program.currencies.sorted(by: { $0.key < $1.key }) {
                let balance = try state.balance(of: currency, decimals: decimals, on: books.day, floor: .negative)
                guard balance.available.isNegative else { continue }
                return Breach(
                    message: "\(balance.available) \(currency) after sale \(index + 1) and returns of its lines",
                    steps: ["balance = { \"\(currency)\" = \"0\" }"])
            }
        }
        return nil
    }

    /// The same sale again, and with only the rules that can concern it, works out the same.
    static let sameAgain = ProgramProperty(name: "the same sale sent again works out the same") {
        scenario, versions throws(LoyaltyError) in
        var books = try scenario.books(versions)
        for index in scenario.baskets.indices {
            let step = try scenario.sale(index)
            guard case .sale(let sold)? = step.event else { continue }
            let program = versions.program(at: step.time)
            try books.pass(to: program.zone.local(step.time).date)
            let account = try books.account(CaseFile.usualActor)
            var input = EarnInput(
                sale: sold.sale, occurredAt: step.time, businessDay: books.day, member: account.member,
                state: account.state, counters: try books.counters(of: CaseFile.usualActor), explanation: .everyRule)
            let first = try program.evaluate(input)
            let second = try program.evaluate(input)
            input.explanation = .candidates
            let indexed = try program.evaluate(input)
            guard first == second, first.accruals == indexed.accruals, first.counterChanges == indexed.counterChanges
            else { return Breach(message: "sale \(index + 1) earns differently when it is worked out again") }
            try books.apply(step, by: CaseFile.usualActor)
        }
        return nil
    }
}

extension CaseBooks {
    /// What the member has, in all that a return must restore.
    fileprivate func standing(_ versions: ProgramVersions, _ time: Timestamp) throws(LoyaltyError) -> [String: String] {
        let program = versions.program(at: time)
        let state = try account(CaseFile.usualActor).state
        var standing: [String: String] = [:]
        for (currency, decimals) in program.currencies {
            let balance = try state.balance(of: currency, decimals: decimals, on: day, floor: .negative)
            let sum = try balance.available.adding(balance.pending)
            if !sum.isZero { standing[currency] = "\(sum)" }
        }
        for (key, value) in try counters(of: CaseFile.usualActor) where !value.isZero {
            let start = key.start.map { " from \($0)" } ?? ""
            standing["\(key.name) per \(key.per.words)\(start)"] = value.ratio.pointsText
        }
        for entitlement in state.entitlements {
            standing[entitlement.name] = entitlement.to.map { "\($0)" } ?? "open"
        }
        return standing
    }

    fileprivate func canReturn(_ line: String, of step: String) -> Bool {
        guard case .posted(let sale)? = done[step] else { return false }
        return sale.record.lines.contains { $0.id == line }
    }
}

extension Program {
    /// Caps in points of the member, with the rules that they are for.
    fileprivate var pointCaps: [(owner: String, cap: Cap, rules: Set<String>)] {
        var found: [(owner: String, cap: Cap, rules: Set<String>)] = []
        for rule in rules where rule.recipient == .member {
            for cap in rule.caps { found.append((rule.id, cap, [rule.id])) }
        }
        for cap in caps {
            let all = Set(rules.filter { $0.currency == cap.currency }.map(\.id))
            found.append((cap.id, cap.cap, cap.rules ?? all))
        }
        return found.filter { entry in
            guard case .points = entry.cap.measure else { return false }
            return entry.cap.per != .rollingYear
        }
    }
}
