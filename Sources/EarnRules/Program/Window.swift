import LoyaltyModel

/// Key `window` of a rule: the times of sale, by the till's clock in the program's zone, at which it runs.
struct Window: Sendable {
    enum Bound: Sendable, CustomStringConvertible {
        /// The whole day belongs to the window.
        case day(CalendarDate)
        case instant(Timestamp)

        var description: String {
            switch self {
            case .day(let day): "\(day)"
            case .instant(let instant): "\(instant)"
            }
        }
    }

    /// From the start up to, not including, the end. An end before the start lies on the next day.
    struct Hours: Sendable, CustomStringConvertible {
        var start: TimeOfDay
        var end: TimeOfDay
        var passesMidnight: Bool { end < start }
        var description: String { "\(start)-\(end)" }

        func contains(_ time: TimeOfDay) -> Bool {
            passesMidnight ? time >= start || time < end : time >= start && time < end
        }
    }

    var from: Bound?
    var to: Bound?
    var days: Set<Weekday>?
    var hours: Hours?
    var zone: ProgramZone?

    /// Why a sale at this time is outside; nil where it is inside.
    func mismatch(at instant: Timestamp, zone programZone: ProgramZone) -> String? {
        let local = (zone ?? programZone).local(instant)
        var date = local.date
        let time = local.timeOfDay
        // What a window from 22:00 to 02:00 sees at 01:00 belongs to the day on which the window began.
        if let hours, hours.passesMidnight, time < hours.end { date = date.adding(days: -1) }
        if let from, !isReached(from, instant, date) { return "it starts on \(from); this sale was on \(date)" }
        if let to, isPassed(to, instant, date) { return "it ended on \(to); this sale was on \(date)" }
        if let days, !days.contains(date.weekday) {
            let names = Weekday.allCases.filter(days.contains).map(\.rawValue).joined(separator: ", ")
            return "it runs on \(names); this sale was on \(date.weekday.rawValue) \(date)"
        }
        if let hours, !hours.contains(time) { return "it runs from \(hours); this sale was at \(time)" }
        return nil
    }

    private func isReached(_ bound: Bound, _ instant: Timestamp, _ date: CalendarDate) -> Bool {
        switch bound {
        case .day(let day): day <= date
        case .instant(let start): start <= instant
        }
    }

    private func isPassed(_ bound: Bound, _ instant: Timestamp, _ date: CalendarDate) -> Bool {
        switch bound {
        case .day(let day): day < date
        case .instant(let end): end < instant
        }
    }
}
