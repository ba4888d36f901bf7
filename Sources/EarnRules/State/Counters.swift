public import LoyaltyModel

/// Names one number that is counted for a holder: what, over which stretch of time, for whom.
///
/// Who the holder is, is known to whoever keeps the numbers: the member, his household or his card, as `scope` says.
public struct CounterKey: Hashable, Sendable, Codable {
    /// `visits`, the id of a declared counter, or `<rule>.<measure>` of a cap; `<rule>.<measure>.returned` is what goods without a
    /// receipt took of what it gave.
    public var name: String
    public var scope: CounterScope
    public var per: Period
    /// The first day of the stretch; nil for `lifetime`. For `rolling_year` the day itself.
    public var start: CalendarDate?

    public init(name: String, scope: CounterScope, per: Period, start: CalendarDate?) {
        self.name = name
        self.scope = scope
        self.per = per
        self.start = start
    }
}

extension CounterKey {
    /// Whether it counts what goods without a receipt took.
    public var countsReturns: Bool { name.hasSuffix(CounterName.returnedSuffix) }
}

/// The counters that a program looks at, with their values. What is not there is zero.
public typealias Counters = [CounterKey: DecimalNumber]

/// What an event adds to a counter, and which of its lines that came from.
public struct CounterChange: Hashable, Sendable, Codable {
    public struct LineAmount: Hashable, Sendable, Codable {
        public var line: String
        public var amount: DecimalNumber
    }

    public var key: CounterKey
    public var amount: DecimalNumber
    /// Empty for what counts the event as a whole; that goes back when all of it does.
    public var lines: [LineAmount]
    /// The part of `amount` that stays used though all goods come back, as the bonus that used it stays too.
    public var kept: DecimalNumber?

    /// The change as it is taken back where the event never was.
    public var whole: CounterChange { CounterChange(key: key, amount: amount, lines: lines) }
}

extension [CounterChange] {
    /// One change for each counter. The lines stay apart, as a return takes the part of each by itself.
    ///
    /// - Throws: `number.overflow`.
    public func merged() throws(LoyaltyError) -> [CounterChange] {
        var merged: [CounterChange] = []
        for change in self {
            guard let index = merged.firstIndex(where: { $0.key == change.key }) else {
                merged.append(change)
                continue
            }
            merged[index].amount = try merged[index].amount.adding(change.amount)
            merged[index].lines += change.lines
            if let kept = change.kept { merged[index].kept = try (merged[index].kept ?? .zero).adding(kept) }
        }
        return merged
    }
}

extension Program {
    /// The counters that an event of this day may look at. For `rolling_year` one name stands for the buckets of a year:
    /// all whose `start` is after the day a year before, up to and with the day.
    public func counterKeys(on day: CalendarDate, joined: CalendarDate?) -> [CounterKey] {
        counterNames.map { name in
            CounterKey(
                name: name.name, scope: name.scope, per: name.per,
                start: calendar.start(of: name.per, on: day, joined: joined))
        }
    }
}

/// A counter without its place in time.
struct CounterName: Hashable, Sendable {
    /// Counted by itself, so that nothing else may count under this name.
    static let visits = "visits"
    static let returnedSuffix = ".returned"

    /// Points that were earned, for bonuses at the end of a period.
    static func earned(_ currency: String, _ per: Period) -> CounterName {
        CounterName(name: "earned.\(currency)", scope: .member, per: per)
    }

    var name: String
    var scope: CounterScope
    var per: Period

    /// Of a limit: what goods without a receipt took of what it gave.
    var returned: CounterName { CounterName(name: name + Self.returnedSuffix, scope: scope, per: per) }
}

extension Cap {
    /// The counter of this cap on a rule or of a cap over several; nil for what ends with the sale.
    func counter(of owner: String) -> CounterName? {
        guard per != .sale else { return nil }
        let word: String
        switch measure {
        case .points: word = "points"
        case .spend: word = "spend"
        case .units: word = "units"
        case .times: word = "times"
        case .pointsPerUnit: return nil
        }
        return CounterName(name: "\(owner).\(word)", scope: scope, per: per)
    }
}

/// Reads counters at one moment, and collects what is added to them.
struct CounterBook {
    let calendar: ProgramCalendar
    let day: CalendarDate
    let joined: CalendarDate?
    let values: Counters
    /// For goods without a receipt: limits hold for what is taken.
    var isReversal = false
    private(set) var changes: [CounterChange] = []
    /// What limits of one sale have used, by owner: nothing counts that after the sale.
    private var ofSale: [String: DecimalNumber] = [:]

    init(calendar: ProgramCalendar, day: CalendarDate, joined: CalendarDate?, values: Counters) {
        self.calendar = calendar
        self.day = day
        self.joined = joined
        self.values = values
    }

    func key(_ name: CounterName) -> CounterKey {
        CounterKey(
            name: name.name, scope: name.scope, per: name.per,
            start: calendar.start(of: name.per, on: day, joined: joined))
    }

    /// The value before the event.
    func value(_ name: CounterName) throws(LoyaltyError) -> DecimalNumber {
        guard name.per == .rollingYear else { return values[key(name)] ?? .zero }
        let first = day.adding(months: -12)
        var sum = DecimalNumber.zero
        for (key, value) in values where key.name == name.name && key.scope == name.scope && key.per == .rollingYear {
            if let start = key.start, first < start, start <= day { sum = try sum.adding(value) }
        }
        return sum
    }

    mutating func add(
        _ name: CounterName, _ amount: DecimalNumber, lines: [CounterChange.LineAmount] = [], kept: DecimalNumber? = nil
    ) {
        guard !amount.isZero else { return }
        changes.append(CounterChange(key: key(name), amount: amount, lines: lines, kept: kept))
    }

    /// Notes the use of a limit that ends with the sale.
    mutating func use(_ owner: String, inSale amount: DecimalNumber) throws(LoyaltyError) {
        ofSale[owner] = try (ofSale[owner] ?? .zero).adding(amount)
    }

    /// What a cap leaves, zero or more; what this event has used of it is gone.
    func remaining(_ cap: Cap, of owner: String) throws(LoyaltyError) -> DecimalNumber {
        var limit: DecimalNumber
        switch cap.measure {
        case .points(let most), .spend(let most), .units(let most), .pointsPerUnit(let most): limit = most
        case .times(let most): limit = DecimalNumber(most)
        }
        var used = ofSale[owner] ?? .zero
        // How often a rule counted says nothing of a part of the goods: that limit is whole for each return.
        if let name = cap.counter(of: owner), !(isReversal && cap.isOfTimes) {
            let (given, returned) = (try value(name), try value(name.returned))
            if isReversal {
                // What the limit gave in this period can come back, or what it gave in an earlier one.
                (limit, used) = (max(limit, given), returned)
            } else {
                used = max(try given.adding(returned.negated()), .zero)
            }
            let key = key(name)
            for change in changes where change.key == key { used = try used.adding(change.amount) }
        }
        let rest = try limit.adding(used.negated())
        return rest.isNegative ? .zero : rest
    }
}
