/// A day of the proleptic Gregorian calendar, years 0...9999.
public struct CalendarDate: Hashable, Sendable {
    public let year: Int
    public let month: Int
    public let day: Int

    /// - Throws: `time.syntax` for a day that does not exist.
    public init(year: Int, month: Int, day: Int) throws(LoyaltyError) {
        guard (0...9999).contains(year), (1...12).contains(month),
            (1...Self.daysIn(month: month, year: year)).contains(day)
        else { throw LoyaltyError(.timeSyntax, "there is no such day") }
        self.year = year
        self.month = month
        self.day = day
    }

    /// Reads `2026-11-22`. - Throws: `time.syntax`.
    public init(_ text: some StringProtocol) throws(LoyaltyError) {
        var reader = DigitReader(text)
        try self.init(&reader)
        guard reader.isAtEnd else { throw LoyaltyError(.timeSyntax, "expected a date such as 2026-11-22") }
    }

    init(_ reader: inout DigitReader) throws(LoyaltyError) {
        let year = try reader.number(digits: 4, 0...9999)
        try reader.expect("-")
        let month = try reader.number(digits: 2, 1...12)
        try reader.expect("-")
        try self.init(year: year, month: month, day: try reader.number(digits: 2, 1...31))
    }

    /// Days since 1970-01-01 (the "days from civil" algorithm of H. Hinnant); years outside 0...9999 are held to that range.
    public init(daysSinceEpoch: Int64) {
        let shifted = min(max(daysSinceEpoch, -719_528), 2_932_896) + 719_468
        let era = shifted.flooredQuotientAndRemainder(by: 146_097)
        let dayOfEra = era.remainder
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * monthIndex + 2) / 5 + 1)
        month = Int(monthIndex < 10 ? monthIndex + 3 : monthIndex - 9)
        year = Int(yearOfEra + era.quotient * 400) + (month <= 2 ? 1 : 0)
    }

    public var daysSinceEpoch: Int64 {
        let shiftedYear = Int64(month <= 2 ? year - 1 : year)
        let era = shiftedYear.flooredQuotientAndRemainder(by: 400)
        let monthIndex = Int64(month > 2 ? month - 3 : month + 9)
        let dayOfYear = (153 * monthIndex + 2) / 5 + Int64(day) - 1
        let dayOfEra = era.remainder * 365 + era.remainder / 4 - era.remainder / 100 + dayOfYear
        return era.quotient * 146_097 + dayOfEra - 719_468
    }

    public func adding(days: Int) -> CalendarDate { CalendarDate(daysSinceEpoch: daysSinceEpoch + Int64(days)) }

    public var weekday: Weekday {
        // 1970-01-01 was a Thursday.
        Weekday.allCases[Int((daysSinceEpoch + 3).flooredQuotientAndRemainder(by: 7).remainder)]
    }

    public static func daysIn(month: Int, year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

extension CalendarDate: Comparable, CustomStringConvertible, Codable {
    public static func < (left: CalendarDate, right: CalendarDate) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }

    public var description: String { "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))" }

    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Monday first, as ISO 8601 counts.
public enum Weekday: String, Sendable, Codable, CaseIterable { case mon, tue, wed, thu, fri, sat, sun }

/// Seconds since midnight, 0...86,400; 24:00 is the end of the day.
public struct TimeOfDay: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let secondsSinceMidnight: Int

    public init(secondsSinceMidnight: Int) { self.secondsSinceMidnight = min(max(secondsSinceMidnight, 0), 86_400) }

    /// Reads `15:00` or `15:00:30`. - Throws: `time.syntax`.
    public init(_ text: some StringProtocol) throws(LoyaltyError) {
        var reader = DigitReader(text)
        let hour = try reader.number(digits: 2, 0...24)
        try reader.expect(":")
        let minute = try reader.number(digits: 2, 0...59)
        let second = reader.accept(":") ? try reader.number(digits: 2, 0...59) : 0
        let total = hour * 3600 + minute * 60 + second
        guard reader.isAtEnd, total <= 86_400 else {
            throw LoyaltyError(.timeSyntax, "expected a time of day such as 15:00")
        }
        secondsSinceMidnight = total
    }

    public static func < (left: TimeOfDay, right: TimeOfDay) -> Bool {
        left.secondsSinceMidnight < right.secondsSinceMidnight
    }

    public var description: String {
        "\(padded(secondsSinceMidnight / 3600, 2)):\(padded(secondsSinceMidnight / 60 % 60, 2))"
            + (secondsSinceMidnight % 60 == 0 ? "" : ":\(padded(secondsSinceMidnight % 60, 2))")
    }
}

/// A birthday without its year.
public struct MonthDay: Hashable, Sendable, CustomStringConvertible, Codable {
    public let month: Int
    public let day: Int

    /// - Throws: `time.syntax` for a day that exists in no year.
    public init(month: Int, day: Int) throws(LoyaltyError) {
        guard (1...12).contains(month), (1...CalendarDate.daysIn(month: month, year: 2000)).contains(day) else {
            throw LoyaltyError(.timeSyntax, "there is no such day of a year")
        }
        self.month = month
        self.day = day
    }

    /// Reads `11-22`. - Throws: `time.syntax`.
    public init(_ text: some StringProtocol) throws(LoyaltyError) {
        var reader = DigitReader(text)
        let month = try reader.number(digits: 2, 1...12)
        try reader.expect("-")
        let day = try reader.number(digits: 2, 1...31)
        guard reader.isAtEnd else { throw LoyaltyError(.timeSyntax, "expected month and day such as 11-22") }
        try self.init(month: month, day: day)
    }

    public var description: String { "\(padded(month, 2))-\(padded(day, 2))" }

    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
