import LoyaltyModel

extension ProgramCase {
    /// Runs the case, and compares.
    ///
    /// Pure: nothing but the case and the program decides.
    public func run(_ versions: ProgramVersions) -> CaseOutcome {
        var outcome = CaseOutcome(name: name, place: place, failures: [])
        var books: CaseBooks
        do throws(LoyaltyError) { books = try CaseBooks(self, versions) } catch {
            outcome.failures = [
                .init(
                    step: "", what: "the members", place: place, expected: "can be set up", got: "\(error)", trace: [])
            ]
            return outcome
        }
        for step in steps {
            let before = books
            let actor = actor(of: step)
            books.effect = CaseEffect()
            var thrown: LoyaltyError?
            do throws(LoyaltyError) { try books.apply(step, by: actor) } catch {
                thrown = error
                books = before
                books.effect = CaseEffect()
            }
            let wanted = step.expectedError
            if wanted?.code != thrown?.code.name {
                outcome.failures.append(
                    .init(
                        step: step.id, what: "error", place: wanted?.place ?? step.place,
                        expected: wanted?.code ?? "none",
                        got: thrown.map { "\($0.code.name): \($0.message)" } ?? "none",
                        trace: books.effect.trace))
                if thrown != nil { return outcome }
            }
            let view = CaseView(books: books, program: versions.program(at: step.time), actor: actor, day: books.day)
            for expectation in step.expectations {
                let failed: [CaseView.Difference]
                do throws(LoyaltyError) { failed = try view.differences(expectation) } catch {
                    failed = [.init(what: expectation.key, expected: "a value", got: "\(error)")]
                }
                for difference in failed {
                    outcome.failures.append(
                        .init(
                            step: step.id, what: difference.what, place: expectation.place,
                            expected: difference.expected, got: difference.got, trace: books.effect.trace))
                }
            }
        }
        return outcome
    }

    private func actor(of step: Step) -> String {
        switch step.actor {
        case .usual: actor ?? CaseBooks.nobody
        case .nobody: CaseBooks.nobody
        case .person(let id): id
        }
    }
}

extension ProgramCase.Step {
    fileprivate var expectedError: (code: String, place: Place)? {
        for expectation in expectations {
            if case .error(let code) = expectation.value { return (code, expectation.place) }
        }
        return nil
    }
}

/// What a case sees after a step.
struct CaseView {
    struct Difference {
        var what: String
        var expected: String
        var got: String
    }

    let books: CaseBooks
    let program: Program
    let actor: String
    let day: CalendarDate

    /// What is not as an expectation says.
    func differences(_ expectation: ProgramCase.Expectation) throws(LoyaltyError) -> [Difference] {
        let effect = books.effect
        let key = expectation.key
        switch expectation.value {
        case .earns(let wanted): return compare(key, wanted) { effect.earned[$0] }
        case .balance(let wanted): return try compareBalance(key, wanted, \.available)
        case .pending(let wanted): return try compareBalance(key, wanted, \.pending)
        case .owed(let wanted):
            let state = try books.account(actor).state
            return compare(key, wanted) { state.owed[$0] }
        case .rules(let wanted): return try numbers(key, wanted, granted)
        case .wanted(let wanted): return texts(key, wanted.mapValues(\.description), self.wanted)
        case .gives(let wanted):
            var found: [Difference] = []
            for (account, points) in wanted.sorted(by: { $0.key < $1.key }) {
                found += compare("\(key) \(account)", points) { effect.others[account]?[$0] }
            }
            return found
        case .expiring(let currency, let wanted):
            let got = try balance(of: currency).endings
            return texts(key, [currency: list(wanted)], [currency: list(got)])
        case .tier(let wanted): return one(key, wanted ?? "none", try tierName() ?? "none")
        case .tierUntil(let wanted):
            return one(
                key, wanted.map { "\($0)" } ?? "none", try tier()?.validThrough.map { "\($0)" } ?? "none")
        case .stamps(let wanted): return try numbers(key, wanted.mapValues { DecimalNumber($0) }, stamps())
        case .issued(let wanted):
            return one(key, list(wanted), list((effect.issued[actor] ?? [:]).filter { $0.value != 0 }))
        case .entitlements(let wanted):
            return texts(key, wanted.mapValues(\.description), try rights(wanted.keys.sorted()))
        case .counters(let wanted): return try numbers(key, wanted, counters())
        case .forwards(let wanted): return one(key, list(wanted), list(effect.forwards))
        case .offers(let wanted):
            var got: [String: String] = [:]
            for offer in effect.offers {
                got[offer.reward] =
                    offer.steps.isEmpty
                    ? "none, as \(offer.reason ?? "it is not offered")"
                    : offer.steps.map { "\($0.points)" }.joined(separator: ", ")
            }
            return texts(
                key, wanted.mapValues { $0.isEmpty ? "none" : $0.map(\.description).joined(separator: ", ") }, got
            ).filter { $0.expected != "none" || !$0.got.hasPrefix("none") }
        case .worth(let wanted): return one(key, "\(wanted)", effect.worth.map { "\($0)" } ?? "nothing")
        case .flags(let wanted):
            return one(
                key, wanted.isEmpty ? "none" : wanted.sorted().joined(separator: ", "),
                effect.flags.isEmpty ? "none" : effect.flags.sorted().joined(separator: ", "))
        case .version(let wanted): return one(key, wanted, program.identity.version ?? "none")
        case .error: return []
        }
    }

    // MARK: Values

    func balance(of currency: String) throws(LoyaltyError) -> PointsBalance {
        try books.account(actor).state.balance(
            of: currency, decimals: program.currencies[currency] ?? 0, on: day, floor: program.returns.floor)
    }

    private func tier() throws(LoyaltyError) -> TierStanding? {
        try program.tier(of: books.account(actor).state, counters: books.counters(of: actor), on: day)
    }

    private func tierName() throws(LoyaltyError) -> String? {
        let account = try books.account(actor)
        return try program.tierName(
            of: account.state, counters: books.counters(of: actor), member: account.member, on: day)
    }

    private var granted: [String: DecimalNumber] {
        get throws(LoyaltyError) {
            var sums: [String: DecimalNumber] = [:]
            for grant in books.effect.grants {
                sums[grant.rule] = try (sums[grant.rule] ?? .zero).adding(grant.granted.decimal)
            }
            return sums
        }
    }

    private var wanted: [String: String] {
        var wanted: [String: String] = [:]
        for grant in books.effect.grants { wanted[grant.rule] = grant.wanted }
        return wanted
    }

    private func stamps() throws(LoyaltyError) -> [String: DecimalNumber] {
        var stamps: [String: DecimalNumber] = [:]
        let values = try books.counters(of: actor)
        for card in program.stampCards {
            let key = CounterKey(name: card.id, scope: .member, per: .lifetime, start: nil)
            let count = Int64(try (values[key] ?? .zero).ratio.rounded(.floor))
            stamps[card.id] = DecimalNumber(count % max(card.length, 1))
        }
        return stamps
    }

    private func counters() throws(LoyaltyError) -> [String: DecimalNumber] {
        let account = try books.account(actor)
        let book = CounterBook(
            calendar: program.calendar, day: day, joined: account.state.joined, values: try books.counters(of: actor))
        var values: [String: DecimalNumber] = [:]
        for name in program.counterNames where values[name.name] == nil {
            values[name.name] = try book.value(name)
        }
        return values
    }

    private func rights(_ names: [String]) throws(LoyaltyError) -> [String: String] {
        let account = try books.account(actor)
        var rights: [String: String] = [:]
        for name in names {
            let held = ((account.member?.entitlements ?? []) + account.state.entitlements)
                .filter { $0.name == name && (($0.to.map { day <= $0 }) ?? true) }
            let right: ProgramCase.Expectation.Right
            if held.isEmpty {
                right = .none
            } else if held.contains(where: { $0.to == nil }) {
                right = .open
            } else {
                right = held.compactMap(\.to).max().map { .until($0) } ?? .open
            }
            rights[name] = right.description
        }
        return rights
    }

    // MARK: Comparing

    private func compare(
        _ key: String, _ wanted: [String: Points], _ got: (String) -> Points?
    ) -> [Difference] {
        wanted.sorted { $0.key < $1.key }.compactMap { currency, points in
            let value = got(currency) ?? .zero(decimals: points.decimals)
            return value.ratio == points.ratio
                ? nil : Difference(what: "\(key) \(currency)", expected: "\(points)", got: "\(value)")
        }
    }

    private func compareBalance(
        _ key: String, _ wanted: [String: Points], _ part: KeyPath<PointsBalance, Points>
    ) throws(LoyaltyError) -> [Difference] {
        var values: [String: Points] = [:]
        for currency in wanted.keys { values[currency] = try balance(of: currency)[keyPath: part] }
        return compare(key, wanted) { values[$0] }
    }

    private func numbers(
        _ key: String, _ wanted: [String: DecimalNumber], _ got: [String: DecimalNumber]
    ) throws(LoyaltyError) -> [Difference] {
        wanted.sorted { $0.key < $1.key }.compactMap { name, number in
            let value = got[name] ?? .zero
            return value == number ? nil : Difference(what: "\(key) \(name)", expected: "\(number)", got: "\(value)")
        }
    }

    private func texts(_ key: String, _ wanted: [String: String], _ got: [String: String]) -> [Difference] {
        wanted.sorted { $0.key < $1.key }.compactMap { name, text in
            let value = got[name] ?? "none"
            return value == text ? nil : Difference(what: "\(key) \(name)", expected: text, got: value)
        }
    }

    private func one(_ key: String, _ wanted: String, _ got: String) -> [Difference] {
        wanted == got ? [] : [Difference(what: key, expected: wanted, got: got)]
    }

    private func list(_ endings: [PointsBalance.Ending]) -> String {
        endings.isEmpty ? "none" : endings.map { "\($0.points) on \($0.day)" }.joined(separator: ", ")
    }

    private func list(_ values: [String: some CustomStringConvertible]) -> String {
        let sorted = values.sorted { $0.key < $1.key }
        return sorted.isEmpty ? "none" : sorted.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }
}
