import ControlAPI
import Glibc
import Logging
import LoyaltyModel
import ServiceLifecycle
import Testing

@Suite("Control API over a real socket")
struct ServerTests {
    @Test("Everything that the daemon tells arrives as it was told")
    func reports() async throws {
        let state = try StoreSample.store()
        let sales = try StoreSample.sales()
        let events = try StoreSample.events()
        try await withServer(state) { server in
            let client = server.client
            let status = try await client.status()
            #expect(try status == StoreSample.status())
            let readers = try await client.readers()
            #expect(try readers == StoreSample.readers())
            let newest = try await client.sales()
            #expect(newest == sales.map(\.summary))
            let older = try await client.sales(limit: 2, before: sales[0].summary.reference)
            #expect(older == sales[1...2].map(\.summary))
            let detail = try await client.sale("s-5f3a9c.0422")
            #expect(detail == sales[0])
            let byNumber = try await client.sale("0418")
            #expect(byNumber == sales[4])
            let queue = try await client.queue()
            #expect(queue == events)
            let dead = try await client.queue(state: .dead)
            #expect(dead == [events[0]])
            let payload = try await client.queueItem("t-5f3a9c.1187").payload
            #expect(payload == #"{"id":"t-5f3a9c.1187"}"#)
        }
    }

    @Test("Names with blanks, slashes and letters outside ASCII survive the way into a URL")
    func awkwardNames() async throws {
        let state = try StoreSample.store()
        let awkward = ["300/3 1&x=y+z", "Größe%2F#1", "a?b"]
        for name in awkward { await state.put(MemberRecord(member: Member(id: MemberID(name)), cards: [])) }
        try await withServer(state) { server in
            for name in awkward {
                let found = try await server.client.member(id: MemberID(name))
                #expect(found.id.value == name)
            }
        }
    }

    @Test("Retry and sync do what they say")
    func actions() async throws {
        let state = try StoreSample.store()
        try await withServer(state) { server in
            let retriedNone = try await server.client.retry(["t-5f3a9c.1190", "no such"]).retried
            #expect(retriedNone == 0)
            let retriedAll = try await server.client.retry([]).retried
            #expect(retriedAll == 1)
            let deadLeft = try await server.client.queue(state: .dead)
            #expect(deadLeft.isEmpty)
            try await server.client.syncNow()
        }
        #expect(await state.synchronized == 1)
    }

    @Test("A member is found by name and by card, and a card that nobody has is not found")
    func members() async throws {
        let state = try StoreSample.store()
        var member = Member(id: MemberID("m1"), status: .replaced(by: MemberID("m2")), tier: "gold")
        member.balance = try Points("120.5")
        member.birthday = try MonthDay("02-29")
        let card = try #require(CardNumber("2650000012345"))
        await state.put(MemberRecord(member: member, cards: [card]))
        let expected = MemberReport(member, cards: 1)
        try await withServer(state) { server in
            let byName = try await server.client.member(id: MemberID("m1"))
            #expect(byName == expected)
            let byCard = try await server.client.member(card: card)
            #expect(byCard == expected)
            let count = try await server.client.memberCount()
            #expect(count == MemberCount(members: 1, cards: 1))
            let other = try #require(CardNumber("2650000099999"))
            let error = await #expect(throws: LoyaltyError.self) { try await server.client.member(card: other) }
            #expect(error?.code == .controlNotFound)
            #expect(error?.description.contains("9999") == false)
        }
    }

    @Test("An import begins, writes batches, reports conflicts by line, and ends")
    func importing() async throws {
        let state = try StoreSample.store()
        try await withServer(state) { server in
            let client = server.client
            let ticket = try await client.beginImport(ImportBegin(kind: .snapshot, source: "members.csv"))
            let busy = await #expect(throws: LoyaltyError.self) {
                try await client.beginImport(ImportBegin(kind: .delta))
            }
            #expect(busy?.code == .importBusy)
            let rows = [
                ImportBatch.Row(line: 2, row: MemberRow(id: "a", cards: ["2650000000011"])),
                ImportBatch.Row(line: 3, row: MemberRow(id: "b", cards: ["2650000000011"])),
                ImportBatch.Row(line: 4, row: MemberRow(id: "c", cards: ["4111111111111111"])),
            ]
            let progress = try await client.importBatch(ticket, ImportBatch(rows: rows))
            #expect(progress.added == 1)
            #expect(progress.errors.map(\.line).sorted() == [3, 4])
            #expect(Set(progress.errors.map(\.code)) == ["member.card_conflict", "member.payment_card"])
            let result = try await client.finishImport(ticket)
            #expect((result.rows, result.added, result.skipped, result.members) == (3, 1, 2, 1))
            let late = await #expect(throws: LoyaltyError.self) { try await client.finishImport(ticket) }
            #expect(late?.code == .importUnknownTicket)
        }
    }

    @Test("The socket is for owner and group only, and is gone after the stop")
    func permissions() async throws {
        let path = try await withServer(try StoreSample.store()) { server in
            var entry = stat()
            #expect(stat(server.socketPath, &entry) == 0)
            #expect(entry.st_mode & 0o777 == 0o660)
            return server.socketPath
        }
        #expect(access(path, F_OK) != 0)
    }

    @Test("A second daemon does not take the socket away from the first; a socket left by a crash is replaced")
    func socketInUse() async throws {
        try await withServer(try StoreSample.store()) { first in
            let error = await #expect(throws: LoyaltyError.self) {
                let second = try StoreSample.store()
                try await withServer(second, socketPath: first.socketPath) { _ in }
            }
            #expect(error?.code == .controlAddressInUse)
            let members = try await first.client.memberCount().members
            #expect(members == 0)
        }
        let path = temporaryDirectory() + "/control.sock"
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        close(descriptor)
        #expect(bound == 0)
        let client = ControlClient(socketPath: path)
        let refused = await #expect(throws: LoyaltyError.self) { try await client.status() }
        #expect(refused?.code == .controlUnavailable)
        try await withServer(try StoreSample.store(), socketPath: path) { server in
            let word = try await server.client.status().state
            #expect(word == .attention)
        }
    }

    @Test("A page port that somebody else has is named, stops nothing, and is taken when it is free")
    func portInUse() async throws {
        let (listening, told) = AsyncStream<ControlServer.Listening>.makeStream()
        let (free, portIsFree) = AsyncStream<Void>.makeStream()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let path = temporaryDirectory() + "/control.sock"
        let second = try await withServer(try StoreSample.store()) { [logger] first in
            let server = ControlServer(
                state: try StoreSample.store(), socketPath: path, page: .init(port: first.pagePort), logger: logger,
                onListening: { told.yield($0) }, sleep: { _ in for await _ in free { return } })
            let group = ServiceGroup(configuration: .init(services: [server], logger: logger))
            Task { try await group.run() }
            var failure: LoyaltyError?
            var hasSocket = false
            for await event in listening {
                if case .pageUnavailable(let error) = event { failure = error }
                if case .socket = event { hasSocket = true }
                if hasSocket, failure != nil { break }
            }
            #expect(failure?.code == .controlAddressInUse)
            #expect(failure?.message.contains("\(first.pagePort)") == true)
            _ = try await ControlClient(socketPath: path, timeout: .seconds(20)).status()
            return group
        }
        portIsFree.yield()
        for await event in listening { if case .page = event { break } }
        await second.triggerGracefulShutdown()
    }

    @Test("The page has no login, so it is served on loopback or not at all")
    func loopbackOnly() async throws {
        let elsewhere = ControlServer(
            state: try StoreSample.store(),
            socketPath: temporaryDirectory() + "/control.sock",
            page: .init(host: "0.0.0.0", port: 0),
            logger: Logger(label: "test")
        )
        let error = await #expect(throws: LoyaltyError.self) { try await elsewhere.run() }
        #expect(error?.code == .controlCannotListen)
    }

    @Test("Without a daemon the error says so, with the exit code for unavailable")
    func notRunning() async throws {
        let client = ControlClient(socketPath: temporaryDirectory() + "/control.sock")
        let error = await #expect(throws: LoyaltyError.self) { try await client.status() }
        #expect(error?.code == .controlUnavailable)
        #expect(error?.code.kind.rawValue == 69)
    }
}

@Suite("Errors on the wire")
struct ErrorMappingTests {
    static let kinds: [LoyaltyError.Kind] = [
        .usage, .badData, .unavailable, .internal, .cannotCreate, .inputOutput, .temporary, .permission, .configuration,
    ]

    @Test("An error of the daemon arrives whole", arguments: kinds)
    func roundTrip(_ kind: LoyaltyError.Kind) async throws {
        let state = try StoreSample.store()
        let thrown = LoyaltyError(
            LoyaltyError.Code("storage.example", kind: kind), "the disk is full",
            at: Place(file: "members.csv", line: 3, column: 7, path: "cards[1]"), remedy: "Make room")
        await state.fail(with: thrown)
        try await withServer(state) { server in
            let error = await #expect(throws: LoyaltyError.self) { try await server.client.status() }
            #expect(error == thrown)
            #expect(error?.code.kind == kind)
        }
    }

    @Test("Of an error that the daemon does not know nothing is shown")
    func unknownError() async throws {
        struct Secret: Error { let text = "4111111111111111" }
        let state = try StoreSample.store()
        await state.fail(with: Secret())
        try await withServer(state) { server in
            let error = await #expect(throws: LoyaltyError.self) { try await server.client.status() }
            #expect(error?.code == .controlInternal)
            let page = try await rawRequest(
                port: server.pagePort, path: "/v1/status",
                headers: [("Host", "127.0.0.1:\(server.pagePort)"), ("Connection", "close")])
            #expect(page.status == 500)
            #expect(!page.body.contains("4111"))
        }
    }
}
