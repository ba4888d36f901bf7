public import LoyaltyModel

/// A number of calendar units: `14 days`.
public struct CalendarSpan: Hashable, Sendable, Codable, CustomStringConvertible {
    public enum Unit: String, Sendable, Codable, CaseIterable { case days, weeks, months, years }

    public var count: Int
    public var unit: Unit

    public init(count: Int, unit: Unit) {
        self.count = count
        self.unit = unit
    }

    public var description: String { count == 1 ? "1 \(unit.rawValue.dropLast())" : "\(count) \(unit.rawValue)" }

    public func after(_ day: CalendarDate) -> CalendarDate {
        switch unit {
        case .days: day.adding(days: count)
        case .weeks: day.adding(days: 7 * count)
        case .months: day.adding(months: count)
        case .years: day.adding(months: 12 * count)
        }
    }
}

/// When something ends. Key `expires` of rules, currencies and rewards, `valid` of tiers, `lasts` of entitlements.
///
/// A fixed day, or a span after the day it was given, moved on to the end of a period or to a day of that month. What
/// `inactive` says may end it earlier.
public struct Expiry: Hashable, Sendable {
    public enum End: String, Sendable, CaseIterable {
        case weekEnd = "week_end"
        case monthEnd = "month_end"
        case quarterEnd = "quarter_end"
        case yearEnd = "year_end"
        case fiscalQuarterEnd = "fiscal_quarter_end"
        case fiscalYearEnd = "fiscal_year_end"
        case membershipYearEnd = "membership_year_end"

        var period: Period {
            switch self {
            case .weekEnd: .week
            case .monthEnd: .month
            case .quarterEnd: .quarter
            case .yearEnd: .calendarYear
            case .fiscalQuarterEnd: .fiscalQuarter
            case .fiscalYearEnd: .fiscalYear
            case .membershipYearEnd: .membershipYear
            }
        }
    }

    /// Only members of these tiers; nil for all.
    public var tiers: Set<String>?
    public var never = false
    public var on: CalendarDate?
    public var after: CalendarSpan?
    public var to: End?
    /// The day of the month that `after` leads to, 1...31; the month's last day where it is shorter.
    public var day: Int?
    /// Without activity for so long, everything ends.
    public var inactive: CalendarSpan?

    public init() {}

    /// The last day on which it holds; nil where only inactivity ends it, or nothing.
    public func lastDay(from day: CalendarDate, calendar: ProgramCalendar, joined: CalendarDate?) -> CalendarDate? {
        if let on { return on }
        guard !never, after != nil || to != nil || self.day != nil else { return nil }
        let moved = after?.after(day) ?? day
        if let wanted = self.day {
            let length = CalendarDate.daysIn(month: moved.month, year: moved.year)
            return moved.firstOfMonth.adding(days: min(wanted, length) - 1)
        }
        guard let to else { return moved }
        return calendar.end(of: to.period, on: moved, joined: joined)
    }

    var words: String {
        if never { return "never expire" }
        var words: [String] = []
        if let on { words.append("expire on \(on)") }
        if let after { words.append("expire after \(after)") }
        if let day { words.append("on day \(day) of the month") }
        if let to { words.append("at \(to.rawValue)") }
        if let inactive { words.append("after \(inactive) without activity") }
        return words.joined(separator: ", ")
    }
}

/// When points can be spent and until when: `expires = { after = "12 months", to = "month_end" }`, `pending = "14 days"`.
public struct LotTerms: Hashable, Sendable {
    /// The first that fits the member's tier counts.
    public var expiries: [Expiry] = []
    public var pending: CalendarSpan?

    public init() {}

    public func expiry(tier: String?) -> Expiry? {
        expiries.first { expiry in expiry.tiers.map { tiers in tier.map(tiers.contains) ?? false } ?? true }
    }

    var words: String {
        var words: [String] = []
        if let pending { words.append("pending for \(pending)") }
        for expiry in expiries {
            let whom = expiry.tiers.map { " (tier \($0.sorted().joined(separator: " or ")))" } ?? ""
            words.append(expiry.words + whom)
        }
        return words.joined(separator: ", ")
    }
}

/// Whose counters a cap or counter looks at. Key `scope`.
public enum CounterScope: String, Hashable, Sendable, Codable, CaseIterable { case member, household, card }

/// Who gets what a rule gives. Key `recipient`.
public enum Recipient: String, Hashable, Sendable, Codable, CaseIterable {
    case member
    /// Who recruited the member of the event.
    case referrer
    /// The account of the good cause that the member chose.
    case beneficiary
}

/// The most that a rule, or several together, may give in a period. Key `cap` of a rule, array `cap` of the file.
struct Cap: Hashable, Sendable {
    enum Measure: Hashable, Sendable {
        case points(DecimalNumber)
        /// Of the money that counts, in major units.
        case spend(DecimalNumber)
        case units(DecimalNumber)
        /// Events in which the rule gave something; for a bonus also within one event.
        case times(Int64)
        /// For each 1.00 of the money that counts.
        case pointsPerUnit(DecimalNumber)
    }

    var measure: Measure
    var per: Period
    var scope: CounterScope

    var isOfTimes: Bool {
        if case .times = measure { true } else { false }
    }
}

/// One cap over several rules of a currency. Array `cap` of the file.
struct ProgramCap: Sendable {
    var id: String
    var currency: String
    var cap: Cap
    /// nil for all of the currency.
    var rules: Set<String>?
}
