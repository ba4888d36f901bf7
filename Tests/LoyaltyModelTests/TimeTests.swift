import LoyaltyModel
import Testing

@Suite struct Times {
    /// Examples of RFC 3339 section 5.8, with the instants of date(1).
    @Test(arguments: [
        ("1985-04-12T23:20:50.52Z", 482_196_050_520_000), ("1996-12-19T16:39:57-08:00", 851_042_397_000_000),
        ("1937-01-01T12:00:27.87+00:20", -1_041_337_172_130_000), ("1970-01-01T00:00:00Z", 0),
        ("2026-11-22T09:30:00+01:00", 1_795_336_200_000_000), ("0000-01-01T00:00:00Z", -62_167_219_200_000_000),
    ])
    func readsRFC3339(text: String, microseconds: Int64) throws {
        #expect(try Timestamp(text).microseconds == microseconds)
    }

    @Test func writesTheOffsetItWasGiven() throws {
        #expect(try Timestamp("1996-12-19T16:39:57-08:00").description == "1996-12-19T16:39:57.000-08:00")
        #expect(try Timestamp("1985-04-12T23:20:50.520001Z").description == "1985-04-12T23:20:50.520001Z")
        #expect(try Timestamp("1960-01-01T00:00:00.5Z").description == "1960-01-01T00:00:00.500Z")
    }

    @Test(arguments: [
        "2026-11-22", "2026-11-22T09:30:00", "2026-02-30T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T09:30Z",
        "2026-11-22T09:30:00.Z", "2026-11-22T09:30:00Zx", "", "2026-13-01T00:00:00Z",
    ])
    func refusesOtherTimes(text: String) {
        let error = #expect(throws: LoyaltyError.self) { try Timestamp(text) }
        #expect(error?.code == .timeSyntax)
    }

    @Test func knowsTheCalendar() throws {
        #expect(try CalendarDate("2026-11-22").weekday == .sun)
        #expect(try CalendarDate("2000-02-29").adding(days: 366) == CalendarDate("2001-03-01"))
        #expect(throws: LoyaltyError.self) { try CalendarDate("1900-02-29") }
        for day in stride(from: Int64(-719_528), through: 2_932_896, by: 997) {
            #expect(CalendarDate(daysSinceEpoch: day).daysSinceEpoch == day)
        }
        let instant = try Timestamp("2026-11-22T23:30:00Z").at(offsetMinutes: 60)
        #expect(instant.date == (try CalendarDate("2026-11-23")))
        #expect(instant.timeOfDay == (try TimeOfDay("00:30")))
    }

    @Test func theEndsOfTheRangeHold() {
        let far = Timestamp(microseconds: .max)
        #expect(far.adding(seconds: .max).microseconds == .max)
        #expect(far.date.year == 9999)
        #expect(MonotonicTime(nanoseconds: 5).adding(.seconds(-1)).nanoseconds == 0)
        #expect(MonotonicTime(nanoseconds: 5).since(MonotonicTime(nanoseconds: 9)) == .zero)
    }
}
