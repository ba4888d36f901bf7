import Glibc
import LoyaltyModel
import Synchronization
import Testing
import TillFeed

@Suite(.timeLimit(.minutes(5))) struct TillSockets {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path + "/till.sock"
    }

    private func server(
        _ till: RecordingTill,
        drainLimit: Duration = .seconds(30),
        observe: @escaping @Sendable (TillConnectionEvent) -> Void = { _ in }
    ) -> TillSocketServer {
        TillSocketServer(
            path: path,
            drainLimit: drainLimit,
            format: TillInputFormat(decoder),
            handler: till,
            observe: observe
        )
    }

    /// Runs a server around the body, stops it, and checks that it ends without an error.
    private func serve(_ server: TillSocketServer, _ body: () async throws -> Void) async throws {
        let running = try await started(server)
        do { try await body() } catch {
            server.stop()
            throw error
        }
        server.stop()
        try await running.value
    }

    private func started(_ server: TillSocketServer) async throws -> Task<Void, any Error> {
        let ready = Gate()
        let running = Task {
            do { try await server.run { Task { await ready.open() } } } catch {
                await ready.open()
                throw error
            }
        }
        await ready.pass()
        return running
    }

    /// `printf ... | nc -U`: the client says that it is done before the first answer is there.
    @Test func aClientThatClosesItsSideGetsEveryAnswer() async throws {
        let gate = Gate()
        let till = RecordingTill(everyGate: gate)
        try await serve(server(till)) {
            let client = try TestClient(path: path)
            try await client.send((1...20).map { saleLine(id: "\($0)") + "\n" }.joined() + saleLine(id: "last"))
            client.finishSending()
            await till.submitted.reaches(21)
            await gate.open()
            #expect(try await client.remainingIDs() == (1...20).map { "\($0)" } + ["last"])
        }
    }

    @Test func answersComeInTheOrderOfTheLines() async throws {
        let first = Gate()
        let till = RecordingTill(gates: ["1": first])
        try await serve(server(till)) {
            let client = try TestClient(path: path)
            try await client.send(saleLine(id: "1") + "\nnonsense\r\n\n\r\n" + saleLine(id: "2") + "\n")
            await till.submitted.reaches(3)
            await first.open()
            #expect(try await client.answer()?.acknowledges == "1")
            let problem = try await client.answer()
            #expect(problem?.result == .quarantined)
            #expect(problem?.code == "till.bad_json")
            #expect(problem?.column == 1)
            #expect(try await client.answer()?.acknowledges == "2")
        }
    }

    /// Back-pressure: no more than 256 events are under way, and none is lost.
    @Test func eventsUnderWayAreBounded() async throws {
        let gate = Gate()
        let till = RecordingTill(everyGate: gate)
        try await serve(server(till)) {
            let client = try TestClient(path: path)
            let ids = (1...700).map { "\($0)" }
            async let sending: Void = {
                try await client.send(ids.map { saleLine(id: $0) + "\n" }.joined())
                client.finishSending()
            }()
            await till.submitted.reaches(256)
            await gate.open()
            try await sending
            #expect(try await client.remainingIDs() == ids)
            #expect(await till.mostUnderWay == 256)
        }
    }

    /// A till that sends first and reads its answers later, its lines torn anywhere. The server stops reading at one of these
    /// counts of lines beyond the 256 under way; what it finds when it goes on is half a line, and the till hears from it all the same.
    @Test(arguments: 62...68) func aTillThatReadsItsAnswersLateGetsThemAll(more: Int) async throws {
        let gate = Gate()
        let till = RecordingTill(everyGate: gate)
        try await serve(server(till)) {
            let client = try TestClient(path: path)
            let ids = (1...600).map { "\($0)" }
            let lines = ids.map { saleLine(id: $0) + "\n" }
            let torn = 256 + more
            try await client.send(lines[..<256].joined())
            await till.submitted.reaches(256)
            try await client.send(lines[256..<torn].joined())
            // So that the rest comes in a read of its own.
            try await Task.sleep(for: .milliseconds(50))
            try await client.send(String(lines[torn].prefix(100)))
            try await Task.sleep(for: .milliseconds(50))
            await gate.open()
            for id in ids[..<torn] { #expect(try await client.answer()?.acknowledges == id) }
            var rest = lines[torn...].joined().dropFirst(100)
            while !rest.isEmpty {
                try await client.send(String(rest.prefix(150)))
                rest = rest.dropFirst(150)
            }
            client.finishSending()
            #expect(try await client.remainingIDs() == Array(ids[torn...]))
        }
    }

    @Test func aLineBeyondTheLimitIsAnsweredAndTheStreamGoesOn() async throws {
        let till = RecordingTill()
        try await serve(server(till)) {
            let client = try TestClient(path: path)
            try await client.send(String(repeating: "x", count: 3 << 20) + "\n" + saleLine(id: "next") + "\n")
            client.finishSending()
            #expect(try await client.answer()?.code == "till.line_too_long")
            #expect(try await client.answer()?.acknowledges == "next")
            #expect(try await client.answer() == nil)
        }
    }

    @Test func manyTillsAreServedAtOnce() async throws {
        let till = RecordingTill()
        try await serve(server(till)) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 1...12 {
                    group.addTask {
                        let client = try TestClient(path: path)
                        let ids = (1...50).map { "\(number)-\($0)" }
                        for id in ids { try await client.send(saleLine(id: id) + "\n") }
                        client.finishSending()
                        #expect(try await client.remainingIDs() == ids)
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(await Set(till.ids).count == 600)
    }

    /// A stop answers what was read, closes, and takes the socket file away.
    @Test func aStopLosesNoAnswer() async throws {
        let gate = Gate()
        let till = RecordingTill(everyGate: gate)
        let server = server(till)
        let running = try await started(server)
        let client = try TestClient(path: path)
        try await client.send(saleLine(id: "1") + "\n" + saleLine(id: "2") + "\n" + "{\"half")
        await till.submitted.reaches(2)
        server.stop()
        await gate.open()
        #expect(try await client.remainingIDs() == ["1", "2"])
        try await running.value
        #expect(throws: TestClient.Failure.self) { try TestClient(path: path) }
        #expect(access(path, F_OK) != 0)
    }

    @Test func cancellationIsAStop() async throws {
        let till = RecordingTill()
        let running = try await started(server(till))
        let client = try TestClient(path: path)
        try await client.send(saleLine(id: "1") + "\n")
        #expect(try await client.answer()?.acknowledges == "1")
        running.cancel()
        #expect(try await client.answer() == nil)
        try await running.value
    }

    @Test func aTillThatNeverReadsCannotHoldUpTheStop() async throws {
        let till = RecordingTill(padding: 10_000)
        let server = server(till, drainLimit: .milliseconds(20))
        let running = try await started(server)
        let client = try TestClient(path: path)
        try await client.send((1...300).map { saleLine(id: "\($0)") + "\n" }.joined())
        await till.submitted.reaches(256)
        server.stop()
        try await running.value
    }

    @Test func aTillThatVanishesHarmsNobody() async throws {
        let closed = Gate()
        let gate = Gate()
        let till = RecordingTill(gates: ["lost": gate])
        let server = server(till) { event in
            if case .closed(let peer, 0, .some) = event, peer.connection == 1 { Task { await closed.open() } }
        }
        try await serve(server) {
            do {
                let client = try TestClient(path: path)
                try await client.send(saleLine(id: "lost") + "\n")
                await till.submitted.reaches(1)
            }
            await gate.open()
            await closed.pass()
            let next = try TestClient(path: path)
            try await next.send(saleLine(id: "next") + "\n")
            #expect(try await next.answer()?.acknowledges == "next")
        }
    }

    @Test func everyTillHearsOfAScan() async throws {
        let till = RecordingTill()
        let server = server(till)
        try await serve(server) {
            let clients = try [TestClient(path: path), TestClient(path: path)]
            for client in clients {
                try await client.send(saleLine(id: "1") + "\n")
                _ = try await client.answer()
            }
            var notice = CardScannedNotice(
                reader: ReaderID("usb-1"),
                register: "1",
                time: try Timestamp("2026-11-22T09:30:00Z"),
                result: "attached"
            )
            notice.member = TillAnswer.MemberSummary(card: "…8901")
            notice.display = ["WELCOME BACK"]
            server.push(.cardScanned(notice))
            let expected =
                #"{"display":["WELCOME BACK"],"member":{"card":"…8901","unverified":false},"reader":"usb-1","#
                + #""register":"1","result":"attached","time":"2026-11-22T09:30:00.000Z","type":"card.scanned","v":1}"#
            for client in clients { #expect(try await client.line() == expected) }
        }
    }

    @Test func knowsWhoIsConnected() async throws {
        let opened = Mutex<[TillPeer]>([])
        let till = RecordingTill()
        let server = server(till) { event in
            if case .opened(let peer) = event { opened.withLock { $0.append(peer) } }
        }
        try await serve(server) {
            let client = try TestClient(path: path)
            try await client.send(saleLine(id: "1") + "\n")
            _ = try await client.answer()
        }
        let peer = opened.withLock { $0.first }
        #expect(peer?.userID == getuid())
        #expect(peer?.groupID == getgid())
        #expect(peer?.processID == getpid())
    }

    @Test func theSocketFileHasItsMode() async throws {
        try await serve(server(RecordingTill())) {
            var status = stat()
            #expect(lstat(path, &status) == 0)
            #expect(status.st_mode & S_IFMT == S_IFSOCK)
            #expect(status.st_mode & 0o777 == 0o660)
        }
    }

    @Test func aSecondServerIsRefusedAndTheFirstGoesOn() async throws {
        let till = RecordingTill()
        try await serve(server(till)) {
            let error = await #expect(throws: LoyaltyError.self) { try await server(till).run() }
            #expect(error?.code == .tillSocketBusy)
            let client = try TestClient(path: path)
            try await client.send(saleLine(id: "1") + "\n")
            #expect(try await client.answer()?.acknowledges == "1")
        }
    }

    /// A daemon that was killed leaves its socket file behind.
    @Test func aStaleSocketFileIsReplaced() async throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        close(descriptor)
        try await serve(server(RecordingTill())) { _ = try TestClient(path: path) }
    }

    @Test func aFileThatIsNoSocketIsLeftAlone() async throws {
        let file = open(path, O_CREAT | O_WRONLY, 0o600)
        close(file)
        let error = await #expect(throws: LoyaltyError.self) { try await server(RecordingTill()).run() }
        #expect(error?.code == .tillSocket)
        #expect(access(path, F_OK) == 0)
    }

    @Test func aPathThatIsTooLongIsNamed() async throws {
        let long = "/tmp/" + String(repeating: "x", count: 103)
        let server = TillSocketServer(path: long, format: TillInputFormat(decoder), handler: RecordingTill())
        let error = await #expect(throws: LoyaltyError.self) { try await server.run() }
        #expect(error?.code == .tillSocket)
        #expect(error?.message.contains("108") == true)
        #expect(error?.message.contains("107") == true)
    }
}
