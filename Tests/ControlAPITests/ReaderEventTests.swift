import ControlAPI
import LoyaltyModel
import Testing

@testable import loyaltyctl

@Suite("Reader events and signals") struct ReaderEventTests {
    private func event(_ kind: ReaderEventReport.Event, _ reader: String = "usb-1-1:0") throws -> ReaderEventReport {
        ReaderEventReport(time: try Timestamp("2024-05-14T15:07:00+01:00"), reader: ReaderID(reader), event: kind)
    }

    @Test("An event arrives while the client waits for it, with the number to go on from", .timeLimit(.minutes(5)))
    func arrives() async throws {
        let state = try StoreSample.store()
        try state.journal.note(event(.connected))
        let scan = try event(.scan)
        try await withServer(state) { server in
            let client = server.client
            let start = try await client.readerEvents(after: nil)
            #expect(start == ReaderEventPage(events: [], last: 1))
            async let waiting = client.readerEvents(after: start.last)
            state.journal.note(scan)
            let page = try await waiting
            #expect(page.last == 2)
            #expect(page.events.map(\.event) == [.scan])
            #expect(page.events.map(\.number) == [2])
            let all = try await client.readerEvents(after: 0)
            #expect(all.events.map(\.number) == [1, 2])
        }
    }

    @Test("Nothing to tell is an empty page when the time is up, and a daemon that began anew tells all that it has")
    func quiet() async throws {
        let journal = ReaderJournal { _ in }
        let empty = await journal.events(after: 0, patience: .seconds(20))
        #expect(empty == ReaderEventPage(events: [], last: 0))
        try journal.note(event(.gone))
        let after = await journal.events(after: 1, patience: .seconds(20))
        #expect(after == ReaderEventPage(events: [], last: 1))
        let restarted = await journal.events(after: 99, patience: .zero)
        #expect(restarted.events.map(\.event) == [.gone])
    }

    @Test("The oldest events go, and the numbers show it")
    func bounded() async throws {
        let journal = ReaderJournal()
        for _ in 0..<(ReaderJournal.capacity + 10) { try journal.note(event(.scan)) }
        let page = await journal.events(after: 0, patience: .zero)
        #expect(page.events.count == ReaderJournal.capacity)
        #expect(page.events.first?.number == 11)
        #expect(page.last == ReaderJournal.capacity + 10)
    }

    @Test("A signal reaches its reader; another reader is not found; a bad number is refused")
    func signals() async throws {
        let state = try StoreSample.store()
        let id = try #require(try StoreSample.readers().first).id
        try await withServer(state) { server in
            try await server.client.signal(.no, on: id)
            let missing = await #expect(throws: LoyaltyError.self) {
                try await server.client.signal(.ok, on: ReaderID("usb-9-9:0"))
            }
            #expect(missing?.code == .controlNotFound)
            let bad = await #expect(throws: LoyaltyError.self) { try await server.client.readerEvents(after: -1) }
            #expect(bad?.code == .controlBadRequest)
            let page = try await rawRequest(
                port: server.pagePort, path: "/v1/readers/events",
                headers: [("Host", "localhost:\(server.pagePort)"), ("Connection", "close")])
            #expect(page.status == 404)
        }
        #expect(await state.signals == [ReaderSignalRequest(reader: id, signal: .no)])
    }

    @Test("Each event is one line for people")
    func text() throws {
        var scan = try event(.scan)
        scan.result = "refused"
        scan.code = "payment_card"
        scan.entry = "msr"
        #expect(ReadersWatchCommand.text(scan, .plain) == "15:07:00  usb-1-1:0  refused: payment card  msr")
        scan.result = "attached"
        scan.code = nil
        scan.symbology = "ean13"
        scan.card = "…0017"
        #expect(ReadersWatchCommand.text(scan, .plain) == "15:07:00  usb-1-1:0  attached  ean13, …0017")
        var state = try event(.state)
        state.state = "no_permission"
        state.problem = "the device node may not be opened"
        state.remedy = "write this line"
        #expect(
            ReadersWatchCommand.text(state, .plain)
                == "15:07:00  usb-1-1:0  no permission: the device node may not be opened\n          write this line")
    }
}
