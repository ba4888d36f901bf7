import CardReading
import ControlAPI
import LoyaltyModel
import Testing
import USBReaders
import UpstreamSync

@testable import LoyaltyDaemon

@Suite struct ReaderRegisterTests {
    private let scanner = ReaderDescription(vendorID: 1, productID: 2, portPath: "1-1", interfaceNumber: 0)
    private let time = Timestamp(microseconds: 0)

    private func day(_ text: String) throws -> CalendarDate { try CalendarDate(text) }

    @Test func aNewDayBeginsWithNewFigures() throws {
        let register = ReaderRegister { _ in "1" }
        let scan = DecodedScan(text: [0x31], completedAt: MonotonicTime(nanoseconds: 0))
        register.note(.connected(scanner), at: time, on: try day("2026-03-01"))
        register.note(.scan(scanner.id, scan), at: time, on: try day("2026-03-01"))
        #expect(register.reports.map(\.readsToday) == [1])
        register.begin(try day("2026-03-02"))
        #expect(register.reports.map(\.readsToday) == [0])
    }

    @Test func aReaderThatWasMovedToAnotherPortIsNotMissed() throws {
        let register = ReaderRegister { _ in nil }
        let today = try day("2026-03-01")
        register.note(.connected(scanner), at: time, on: today)
        register.note(.disconnected(scanner.id), at: time, on: today)
        #expect(register.reports.map(\.state) == [.gone])
        let moved = ReaderDescription(vendorID: 1, productID: 2, portPath: "1-4", interfaceNumber: 0)
        register.note(.connected(moved), at: time, on: today)
        #expect(register.reports.map(\.id) == [moved.id])
    }
}

@Suite struct BusinessDayTests {
    /// From the IANA database: London is at +00:00 on 28 March 2026 and at +01:00 from 29 March 01:00 UTC.
    @Test(arguments: [
        ("2026-03-28T12:00:00Z", "2026-03-28", "2026-03-28T04:00:00Z"),
        ("2026-03-28T03:59:59Z", "2026-03-27", "2026-03-27T04:00:00Z"),
        ("2026-03-29T12:00:00Z", "2026-03-29", "2026-03-29T03:00:00Z"),
        ("2026-07-01T02:30:00Z", "2026-06-30", "2026-06-30T03:00:00Z"),
        ("2026-10-25T12:00:00Z", "2026-10-25", "2026-10-25T04:00:00Z"),
    ])
    func theDayBeginsAtTheCutOff(_ instant: String, _ date: String, _ start: String) throws {
        let site = DaemonSettings.Site(
            store: nil, zone: try CivilZone("Europe/London"), dayCutoff: try TimeOfDay("04:00"))
        let time = try Timestamp(instant)
        #expect(site.businessDay(time) == (try CalendarDate(date)))
        #expect(site.startOfBusinessDay(time).microseconds == (try Timestamp(start)).microseconds)
    }
}

@Suite("Whether the back end is there") struct UpstreamStateTests {
    @Test("A back end that fails or rejects all is offline, also while it is tried once more")
    func failing() {
        var status = UpstreamStatus()
        status.state = .delivering
        #expect(UpstreamReport.State(status) == .unknown)
        status.lastSuccess = Timestamp(microseconds: 0)
        #expect(UpstreamReport.State(status) == .online)
        status.failuresInARow = 1
        #expect(UpstreamReport.State(status) == .offline)
        status.state = .retrying
        #expect(UpstreamReport.State(status) == .offline)
        status.failuresInARow = 0
        #expect(UpstreamReport.State(status) == .online)
    }
}
