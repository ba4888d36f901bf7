import LoyaltyModel
import Testing

@testable import TillFeed

/// Times as tills write them; the site is an hour ahead of UTC.
@Suite struct TillTimes {
    @Test(arguments: [
        ("2026-11-22T09:30:00+02:00", "2026-11-22T09:30:00+02:00", false),
        ("2026-11-22T09:30:00.123456789+02:00", "2026-11-22T09:30:00.123456+02:00", false),
        ("2026-11-22T09:30:00+0200", "2026-11-22T09:30:00+02:00", false),
        ("2026-11-22T09:30:00-05", "2026-11-22T09:30:00-05:00", false),
        ("2026-11-22T09:30:00Z", "2026-11-22T09:30:00Z", false), ("2026-11-22T09:30Z", "2026-11-22T09:30:00Z", false),
        ("2026-11-22T09:30+01:00", "2026-11-22T09:30:00+01:00", false),
        ("2026-11-22T09:30-0500", "2026-11-22T09:30:00-05:00", false),
        ("2026-11-22 09:30:00", "2026-11-22T09:30:00+01:00", true),
        ("2026-11-22 09:30", "2026-11-22T09:30:00+01:00", true),
        ("2026-11-22T09:30:00.5", "2026-11-22T09:30:00.5+01:00", true),
        ("2026-11-22", "2026-11-22T00:00:00+01:00", true),
    ])
    func areReadAsTheyAreMeant(text: String, time: String, isAssumed: Bool) throws {
        let read = try TillTime.parse(text, try documentSettings())
        #expect(read.time == (try Timestamp(time)))
        #expect(read.isAssumed == isAssumed)
    }

    @Test(arguments: [
        "", "T", "+", "2026-11-22T", "2026-11-22T-05:00", "2026-11-22T9:30", "2026-11-22T09:30:00+2",
        "2026-11-22T09:30:00+020",
        "2026-11-22T09:30:00+02000", "2026-11-32", "22.11.2026", "2026-11-22T09:30:00ZZ", "2026-11-22T25:00:00",
    ])
    func otherwiseAreErrors(text: String) throws {
        let settings = try documentSettings()
        #expect(throws: LoyaltyError.self) { try TillTime.parse(text, settings) }
    }

    @Test func aDayMayHaveItsMidnight() throws {
        for text in ["2026-11-22", "2026-11-22T00:00:00", "2026-11-22 00:00:00", "2026-11-22Z", "2026-11-22+01:00"] {
            #expect(try TillTime.day(text).description == "2026-11-22")
        }
        for text in ["2026-11-225", "2026-11-2", "2026-11-22.", ""] {
            #expect(throws: LoyaltyError.self) { try TillTime.day(text) }
        }
    }
}
