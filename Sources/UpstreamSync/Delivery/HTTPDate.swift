import LoyaltyModel

/// Dates and waits of HTTP headers (RFC 9110, sections 5.6.7 and 10.2.3).
enum HTTPDate {
    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]

    /// Reads the three forms that a receiver must know:
    /// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
    static func parse(_ text: String) -> Timestamp? {
        let words = text.split { $0 == " " || $0 == "," || $0 == "-" }
        guard words.count >= 5 else { return nil }
        // The third form is the only one with the month's name in front of the day.
        let month = months.firstIndex(of: words[1].lowercased())
        let fields =
            month == nil
            ? (day: words[1], month: words[2], year: words[3], time: words[4])
            : (day: words[2], month: words[1], year: words[4], time: words[3])
        guard let day = Int(fields.day), var year = Int(fields.year),
            let number = month ?? months.firstIndex(of: fields.month.lowercased()),
            let time = try? TimeOfDay(fields.time)
        else { return nil }
        // Two-digit years: the century that puts them nearest, good until 2070.
        if fields.year.utf8.count == 2 { year += year < 70 ? 2000 : 1900 }
        guard let date = try? CalendarDate(year: year, month: number + 1, day: day) else { return nil }
        let seconds = date.daysSinceEpoch * 86_400 + Int64(time.secondsSinceMidnight)
        return Timestamp(microseconds: seconds * 1_000_000)
    }

    /// How long a `Retry-After` asks to wait, at most `limit`. A date counts from the answer's own `Date`, so that the
    /// clocks need not agree.
    static func wait(_ retryAfter: String?, date: String?, now: Timestamp, limit: Duration) -> Duration? {
        guard let retryAfter else { return nil }
        if let seconds = Int64(retryAfter) {
            return min(max(.seconds(min(seconds, 1_000_000_000)), .zero), limit)
        }
        guard let until = parse(retryAfter) else { return nil }
        let from = date.flatMap(parse) ?? now
        let (microseconds, overflow) = until.microseconds.subtractingReportingOverflow(from.microseconds)
        guard !overflow else { return nil }
        return min(max(.microseconds(microseconds), .zero), limit)
    }
}
