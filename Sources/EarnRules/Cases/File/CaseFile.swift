import DataFormats
public import LoyaltyModel

extension ProgramCase {
    /// Reads the `[[case]]` tables of a program file, or of a file of cases.
    ///
    /// - Parameters:
    ///   - inProgram: the file is a program, whose other keys are checked elsewhere.
    ///   - versions: the program that the cases are about; names are looked up in all versions.
    /// - Throws: `document.*`, `program.unknown_name`, `case.conflict`, each with line and column.
    public static func load(
        toml: String, file: String?, inProgram: Bool, for versions: ProgramVersions
    ) throws(LoyaltyError) -> [ProgramCase] {
        var reader = try TableReader(TOMLDocument.parse(toml, file: file))
        let tables = try reader.tables("case")
        if !inProgram {
            _ = try reader.integer("schema", 1...1)
            try reader.finish()
        }
        let names = CaseNames(versions)
        var cases: [ProgramCase] = []
        for table in tables {
            var file = CaseFile(table, names, versions)
            let read = try file.read()
            if let twin = cases.first(where: { $0.name == read.name }) {
                throw LoyaltyError(
                    .caseConflict, "there is another case \"\(read.name)\" in line \(twin.place.line ?? 0)",
                    at: read.place)
            }
            cases.append(read)
        }
        return cases
    }
}

/// What the versions of a program declare, for names in cases.
struct CaseNames {
    var currencies: [String: Int] = [:]
    let primaryCurrency: String
    let money: Currency?
    let rules: Set<String>
    let rewards: Set<String>
    let cards: Set<String>
    let counters: Set<String>
    let partners: Set<String>
    let days: Set<String>
    let beneficiaries: Set<String>
    /// nil where no version keeps tiers.
    let tiers: Set<String>?

    init(_ versions: ProgramVersions) {
        let programs = versions.versions
        for program in programs { currencies.merge(program.currencies) { max($0, $1) } }
        primaryCurrency = programs.last?.primaryCurrency ?? ""
        money = programs.lazy.flatMap(\.currencyTerms).sorted { $0.key < $1.key }.compactMap(\.value.money).first
        rules = Set(programs.flatMap { $0.rules.map(\.id) + $0.caps.map(\.id) })
        rewards = Set(programs.flatMap { $0.rewards.map(\.id) })
        cards = Set(programs.flatMap { $0.stampCards.map(\.id) })
        counters = Set(programs.flatMap { $0.counterNames.map(\.name) })
        partners = Set(programs.flatMap { $0.partners.map(\.id) })
        days = Set(programs.flatMap { $0.memberDays.map(\.id) })
        beneficiaries = Set(programs.flatMap { $0.beneficiaries.map(\.id) })
        let ladders = programs.compactMap(\.tiers)
        tiers = ladders.isEmpty ? nil : Set(ladders.flatMap { $0.levels.map(\.id) })
    }
}

/// Reads one `[[case]]` table.
struct CaseFile {
    static let usualActor = "member"
    /// Tuesday 2027-01-05.
    private static let firstDay = CalendarDate(daysSinceEpoch: 20_823)

    private var reader: TableReader
    let names: CaseNames
    private let versions: ProgramVersions
    private(set) var money: Currency?
    private(set) var people: [ProgramCase.Person] = []
    private(set) var stepNames: [String] = []

    init(_ reader: TableReader, _ names: CaseNames, _ versions: ProgramVersions) {
        self.reader = reader
        self.names = names
        self.versions = versions
    }

    mutating func read() throws(LoyaltyError) -> ProgramCase {
        let name = try reader.requiredString("name", length: 1...200)
        let named = try reader.parsed("money") { text throws(LoyaltyError) in try Currency(text) }
        let money: Currency
        if let found = named ?? names.money { money = found } else { money = try Currency("GBP") }
        self.money = money
        var actor: String? = Self.usualActor
        if let node = reader.node("member") {
            if node.value == .boolean(false) {
                actor = nil
            } else {
                var table = try TableReader(node, path: reader.path(to: "member"))
                people.append(try member(&table, needsID: false))
                actor = people.last?.member.id.value
            }
        } else {
            people.append(ProgramCase.Person(member: Member(id: MemberID(Self.usualActor)), place: reader.place))
        }
        for var table in try reader.tables("other") { people.append(try member(&table, needsID: true)) }
        try checkPeople()
        let tables = try reader.tables("step")
        var steps: [ProgramCase.Step] = []
        if tables.isEmpty {
            var own = reader
            steps = [try step(&own, after: nil, money)]
            reader = own
        } else {
            for var table in tables {
                let step = try step(&table, after: steps.last, money)
                try table.finish()
                steps.append(step)
            }
        }
        try reader.finish()
        guard steps.contains(where: { !$0.expectations.isEmpty }) else {
            throw LoyaltyError(
                .documentMissingKey, "the case expects nothing", at: reader.place, remedy: "Write earns = \"...\"")
        }
        return ProgramCase(
            name: name, place: reader.place, money: money, people: people, actor: actor, steps: steps)
    }

    private func checkPeople() throws(LoyaltyError) {
        let ids = people.map(\.member.id)
        for (index, person) in people.enumerated() {
            if ids[..<index].contains(person.member.id) {
                throw LoyaltyError(
                    .caseConflict, "there is another member \"\(person.member.id)\" in the case", at: person.place)
            }
        }
    }

    /// - Throws: `case.conflict` for a name that is no member of the case.
    func checkPerson(_ id: String, _ table: TableReader, _ key: String) throws(LoyaltyError) {
        guard people.contains(where: { $0.member.id.value == id }) else {
            throw LoyaltyError(
                .caseConflict, "the case has no member \"\(id)\"", at: table.place(of: key),
                remedy: "Members of the case: "
                    + people.map(\.member.id.value).joined(separator: ", ") + "; others are a [[case.other]] each")
        }
    }

    private mutating func step(
        _ table: inout TableReader, after last: ProgramCase.Step?, _ money: Currency
    ) throws(LoyaltyError) -> ProgramCase.Step {
        let id = try table.string("id", length: 1...64) ?? "\(stepNames.count + 1)"
        guard !stepNames.contains(id) else {
            throw LoyaltyError(.caseConflict, "there is another step \"\(id)\"", at: table.place(of: "id"))
        }
        let time = try time(&table) ?? last?.time ?? noon(of: Self.firstDay)
        if let last, time < last.time {
            throw LoyaltyError(
                .caseConflict, "the step is before the one above it, at \(last.time)", at: table.place(of: "at"))
        }
        var actor = ProgramCase.Step.Actor.usual
        // In a case of one step the key says who the member is, and has been read.
        if let node = table.place == reader.place ? nil : table.node("member") {
            if node.value == .boolean(false) {
                actor = .nobody
            } else if let id = try table.string("member") {
                try checkPerson(id, table, "member")
                actor = .person(id)
            }
        }
        let event = try event(&table, id, time, money)
        let expectations = try expectations(&table, money)
        stepNames.append(id)
        return ProgramCase.Step(
            id: id, place: table.place, time: time, actor: actor, event: event, expectations: expectations)
    }

    // MARK: Times

    private func time(_ table: inout TableReader) throws(LoyaltyError) -> Timestamp? {
        guard let node = table.node("at") else { return nil }
        switch node.value {
        case .date(let day): return noon(of: day)
        case .timestamp(let instant): return instant
        case .string(let text):
            let parts = text.split(separator: " ", omittingEmptySubsequences: false)
            if parts.count == 2, let day = try? CalendarDate(parts[0]), let time = try? TimeOfDay(parts[1]) {
                return instant(day, time.secondsSinceMidnight)
            }
        default: break
        }
        throw table.error(
            "at", "expected a date, a time with its offset, both without quotes, or text such as \"2027-01-05 15:30\"")
    }

    private func noon(of day: CalendarDate) -> Timestamp { instant(day, 43_200) }

    /// A time of the clock in the zone of the version that holds then.
    private func instant(_ day: CalendarDate, _ seconds: Int) -> Timestamp {
        let plain = Timestamp(microseconds: (day.daysSinceEpoch * 86_400 + Int64(seconds)) * 1_000_000)
        let zone = versions.program(at: plain).zone
        // The offset that holds at the time itself, not at the first guess, which can lie beyond a change of the clock.
        let guess = plain.adding(seconds: -60 * Int64(zone.local(plain).offsetMinutes))
        let exact = plain.adding(seconds: -60 * Int64(zone.local(guess).offsetMinutes))
        return zone.local(exact)
    }
}

extension TableReader {
    /// - Throws: `program.unknown_name` for a name that no version declares.
    func check(_ key: String, _ what: String, _ name: String, in declared: Set<String>) throws(LoyaltyError) {
        guard declared.contains(name) else { throw unknown(key, what, name, declared) }
    }

    /// A whole number that may be written as text, or as it is.
    mutating func count(_ key: String) throws(LoyaltyError) -> Int64 {
        let number = try requiredDecimal(key)
        guard let count = try? number.units(scale: 0) else { throw error(key, "expected a whole number") }
        return count
    }
}
