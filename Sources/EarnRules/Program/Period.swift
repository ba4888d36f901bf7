public import LoyaltyModel

/// A stretch of time that caps, limits, quotas and counters count over. Key `per`.
public enum Period: String, Hashable, Sendable, Codable, CaseIterable {
    case sale, day, week, month, quarter, lifetime
    case fiscalQuarter = "fiscal_quarter"
    case calendarYear = "calendar_year"
    case fiscalYear = "fiscal_year"
    /// From the day on which the member joined, and from that day of each later year.
    case membershipYear = "membership_year"
    /// The twelve months up to and with the day of the event; counted in buckets of a day.
    case rollingYear = "rolling_year"
}

/// How a program divides time. Table `calendar` of the file.
public struct ProgramCalendar: Hashable, Sendable {
    /// The month in which the fiscal year begins, 1...12, on its first day.
    public var fiscalYearStartMonth = 1
    public var weekStart = Weekday.mon

    public init() {}

    /// The first day of the stretch that holds a day; nil for `sale` and `lifetime`, which have none.
    ///
    /// - Parameter joined: the day on which the member joined; without it the membership year is the calendar year.
    public func start(of period: Period, on day: CalendarDate, joined: CalendarDate?) -> CalendarDate? {
        switch period {
        case .sale, .lifetime: return nil
        case .day, .rollingYear: return day
        case .week:
            let names = Weekday.allCases
            let back = (names.firstIndex(of: day.weekday) ?? 0) - (names.firstIndex(of: weekStart) ?? 0)
            return day.adding(days: -((back + 7) % 7))
        case .month: return day.firstOfMonth
        case .quarter: return day.firstOfMonth.adding(months: -((day.month - 1) % 3))
        case .fiscalQuarter: return day.firstOfMonth.adding(months: -(fiscalMonth(day) % 3))
        case .calendarYear: return day.firstOfMonth.adding(months: -(day.month - 1))
        case .fiscalYear: return day.firstOfMonth.adding(months: -fiscalMonth(day))
        case .membershipYear:
            guard let joined else { return start(of: .calendarYear, on: day, joined: nil) }
            let thisYear = joined.adding(months: (day.year - joined.year) * 12)
            return thisYear <= day ? thisYear : joined.adding(months: (day.year - joined.year - 1) * 12)
        }
    }

    /// The last day of the stretch that holds a day; nil for `sale`, `lifetime` and `rolling_year`.
    public func end(of period: Period, on day: CalendarDate, joined: CalendarDate?) -> CalendarDate? {
        guard let start = start(of: period, on: day, joined: joined) else { return nil }
        switch period {
        case .sale, .lifetime, .rollingYear: return nil
        case .day: return start
        case .week: return start.adding(days: 6)
        case .month: return start.adding(months: 1).adding(days: -1)
        case .quarter, .fiscalQuarter: return start.adding(months: 3).adding(days: -1)
        case .calendarYear, .fiscalYear: return start.adding(months: 12).adding(days: -1)
        case .membershipYear:
            guard let joined else { return start.adding(months: 12).adding(days: -1) }
            return joined.adding(months: (start.year - joined.year + 1) * 12).adding(days: -1)
        }
    }

    /// Months since the fiscal year began, 0...11.
    private func fiscalMonth(_ day: CalendarDate) -> Int { (day.month - fiscalYearStartMonth + 12) % 12 }
}

extension CalendarDate {
    var firstOfMonth: CalendarDate { adding(days: 1 - day) }

    /// The same day of a later month, or the last day of a month that is too short. Held to the years 0...9999.
    func adding(months: Int) -> CalendarDate {
        let index = min(max(year * 12 + (month - 1) + months, 0), 9999 * 12 + 11)
        let (year, month) = (index / 12, index % 12 + 1)
        let last = CalendarDate.daysIn(month: month, year: year)
        return (try? CalendarDate(year: year, month: month, day: min(day, last))) ?? self
    }
}
