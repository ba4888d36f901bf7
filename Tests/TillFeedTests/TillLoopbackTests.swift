import Glibc
import LoyaltyModel
import Testing

@testable import TillFeed

/// Tills that connect over TCP, from this machine and with the token only.
@Suite(.timeLimit(.minutes(5))) struct TillLoopback {
    private static let word = "0123456789abcdef0123456789abcdef"

    private func serve(
        _ till: RecordingTill, _ address: String = "127.0.0.1:0", _ body: (TillSocketServer, Int) async throws -> Void
    ) async throws {
        let server = TillSocketServer(
            .loopback(try LoopbackAddress(address), try TillToken(Self.word)), format: TillInputFormat(decoder),
            handler: till)
        let ready = Gate()
        let running = Task {
            do { try await server.run { Task { await ready.open() } } } catch {
                await ready.open()
                throw error
            }
        }
        await ready.pass()
        do { try await body(server, try #require(server.port)) } catch {
            server.stop()
            throw error
        }
        server.stop()
        try await running.value
    }

    @Test func aTillWithTheTokenIsAnswered() async throws {
        try await serve(RecordingTill()) { _, port in
            let client = try TestClient(port: port)
            try await client.send("token \(Self.word)\r\n" + saleLine(id: "1") + "\n")
            try await client.send(saleLine(id: "2") + "\n")
            client.finishSending()
            #expect(try await client.remainingIDs() == ["1", "2"])
        }
    }

    @Test func theTokenMayComeInPieces() async throws {
        try await serve(RecordingTill()) { _, port in
            let client = try TestClient(port: port)
            for piece in ["tok", "en \(Self.word.prefix(10))", String(Self.word.dropFirst(10)), "\n"] {
                try await client.send(piece)
            }
            try await client.send(saleLine(id: "1") + "\n")
            #expect(try await client.answer()?.acknowledges == "1")
        }
    }

    /// What a page in a browser can make come, and what another user of the machine can guess.
    @Test(arguments: [
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\n", "token \n", "token \(word)x\n",
        "token \(word.dropLast())\n", "token \(word.uppercased())\n", word + "\n", String(repeating: "t", count: 4096),
    ])
    func nobodyElseGetsALineIn(_ start: String) async throws {
        let till = RecordingTill()
        try await serve(till) { _, port in
            let client = try TestClient(port: port)
            try? await client.send(start + saleLine(id: "1") + "\n")
            let answer = try? await client.answer()
            if let answer { #expect(answer.code == "till.token") }
            #expect((try? await client.line()) == nil)
        }
        #expect(await till.ids.isEmpty)
        // Nor is anything kept: a page in a browser could fill the disk.
        #expect(await till.problems.isEmpty)
    }

    @Test func oneThatSaysNothingIsToldNothing() async throws {
        try await serve(RecordingTill()) { server, port in
            let silent = try TestClient(port: port)
            let till = try TestClient(port: port)
            try await till.send("token \(Self.word)\n" + saleLine(id: "1") + "\n")
            _ = try await till.answer()
            server.push(
                .cardScanned(
                    CardScannedNotice(
                        reader: ReaderID("usb-1"), register: nil, time: try Timestamp("2026-11-22T09:30:00Z"),
                        result: "attached")))
            #expect(try await till.line()?.contains("card.scanned") == true)
            silent.finishSending()
            #expect(try await silent.line() == nil)
        }
    }

    @Test(arguments: [
        "0.0.0.0:7000", "192.168.1.10:7000", "127.0.0.2:7000", "example.org:7000", ":7000", "127.0.0.1", "127.0.0.1:",
        "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:7000x", "[::]:7000",
    ])
    func anAddressThatOthersCanReachIsRefused(_ text: String) {
        #expect(throws: LoyaltyError.self) { try LoopbackAddress(text) }
    }

    @Test func aPortInUseIsNamed() async throws {
        try await serve(RecordingTill()) { _, port in
            let second = TillSocketServer(
                .loopback(try LoopbackAddress("127.0.0.1:\(port)"), try TillToken(Self.word)),
                format: TillInputFormat(decoder), handler: RecordingTill())
            let error = await #expect(throws: LoyaltyError.self) { try await second.run() }
            #expect(error?.code == .tillSocketBusy)
            #expect(error?.message.contains("\(port)") == true)
        }
    }
}

@Suite struct TillTokens {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test func aMissingFileIsMadeOnceAndOnlyTheGroupMayReadIt() throws {
        let path = directory.path + "/till.token"
        _ = try TillToken.loadOrCreate(path, group: nil) { Array(0..<32) }
        // 0x00, 0x01, ... 0x1f as hexadecimal digits, and a second start takes the same.
        let text = (0..<32).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(try TillToken.loadOrCreate(path, group: nil) { [1] }.matches(Array(text.utf8)))
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o640)
    }

    @Test func aFileThatEverybodyMayReadIsRefused() throws {
        let path = directory.path + "/till.token"
        _ = try TillToken.loadOrCreate(path, group: nil) { Array(0..<32) }
        chmod(path, 0o644)
        let error = #expect(throws: LoyaltyError.self) { try TillToken.load(path) }
        #expect(error?.remedy == "chmod 640 \(path)")
    }

    @Test(arguments: ["", "short", "with a space in it", String(repeating: "x", count: 257)])
    func aTokenIsLongEnoughAndOneWord(_ text: String) {
        #expect(throws: LoyaltyError.self) { try TillToken(text) }
    }
}
