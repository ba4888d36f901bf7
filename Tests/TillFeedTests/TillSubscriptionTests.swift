import LoyaltyModel
import Testing
import TillFeed

/// What a connection is told of without asking each time.
@Suite(.timeLimit(.minutes(5))) struct TillSubscriptions {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path + "/till.sock"
    }

    private static func line(_ events: String) -> String {
        #"{"v":1,"type":"control.subscribe","id":"s","source":"1/1","time":"2026-11-22T09:30:00Z","events":\#(events)}"#
            + "\n"
    }

    private func serve(_ body: (TillSocketServer) async throws -> Void) async throws {
        let server = TillSocketServer(path: path, format: TillInputFormat(decoder), handler: SubscribedTill())
        let ready = Gate()
        let running = Task { try await server.run { Task { await ready.open() } } }
        await ready.pass()
        do { try await body(server) } catch {
            server.stop()
            throw error
        }
        server.stop()
        try await running.value
    }

    private static func notices() throws -> [TillNotice] {
        let time = try Timestamp("2026-11-22T09:30:00Z")
        return [
            .cardScanned(CardScannedNotice(reader: ReaderID("usb-1"), register: "1", time: time, result: "attached")),
            .readerState(
                ReaderStateNotice(reader: ReaderID("usb-1"), register: "1", time: time, state: "busy", reason: "held")),
        ]
    }

    /// The types of what is pushed, after a connection has subscribed to `events`; nil subscribes to nothing and says so not.
    @Test(arguments: [
        (nil, ["card.scanned"]), ("[]", []), (#"["card.scanned"]"#, ["card.scanned"]),
        (#"["reader.state"]"#, ["reader.state"]),
        (#"["card.scanned","reader.state","card.scanned"]"#, ["card.scanned", "reader.state"]),
    ])
    func aConnectionGetsWhatItAskedFor(_ events: String?, _ expected: [String]) async throws {
        try await serve { server in
            let client = try TestClient(path: path)
            if let events { try await client.send(Self.line(events)) }
            try await client.send(saleLine(id: "1") + "\n")
            var lines: [String] = []
            while let line = try await client.line(), !line.contains(#""ack":"1""#) { lines.append(line) }
            for notice in try Self.notices() { server.push(notice) }
            try await client.send(saleLine(id: "2") + "\n")
            lines = []
            while let line = try await client.line(), !line.contains(#""ack":"2""#) { lines.append(line) }
            #expect(lines.map { $0.contains("reader.state") ? "reader.state" : "card.scanned" } == expected)
        }
    }

    /// A till that starts after its readers would else never hear of them.
    @Test func aSubscriptionBeginsWithHowThingsAre() async throws {
        try await serve { _ in
            let client = try TestClient(path: path)
            try await client.send(Self.line(#"["reader.state"]"#))
            let first = try await client.line()
            #expect(
                first
                    == #"{"reader":"usb-1","register":"1","state":"ready","time":"2026-11-22T09:30:00.000Z","type":"reader.state","v":1}"#
            )
            #expect(try await client.answer()?.acknowledges == "s")
        }
    }

    @Test(arguments: [#"["card.read"]"#, #""card.scanned""#, "[1]", "null"])
    func whatCannotBeSubscribedToIsAnError(_ events: String) async throws {
        try await serve { server in
            let client = try TestClient(path: path)
            try await client.send(Self.line(events))
            let answer = try await client.answer()
            #expect(answer?.result == .quarantined)
            // And the subscription is what it was.
            for notice in try Self.notices() { server.push(notice) }
            #expect(try await client.line()?.contains("card.scanned") == true)
        }
    }
}

/// Has one reader.
private struct SubscribedTill: TillHandler {
    func submit(_ event: TillEvent) async -> Task<TillAnswer, Never> {
        Task { TillAnswer(acknowledges: event.identity.id, result: .accepted) }
    }

    func quarantine(_ problem: TillLineProblem) async -> Task<TillAnswer, Never> {
        Task { problem.answer(.quarantined) }
    }

    func presentNotices() async -> [TillNotice] {
        guard let time = try? Timestamp("2026-11-22T09:30:00Z") else { return [] }
        return [.readerState(ReaderStateNotice(reader: ReaderID("usb-1"), register: "1", time: time, state: "ready"))]
    }
}
