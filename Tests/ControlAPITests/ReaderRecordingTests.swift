import ControlAPI
import Foundation
import LoyaltyModel
import ReaderCaptures
import Testing

@testable import loyaltyctl

@Suite("Recordings of readers over the control socket") struct ReaderRecordingTests {
    private func device(_ reader: ReaderID) -> ReaderRecordingLine {
        var device = ReaderRecordingLine.Device(
            reader: reader, name: "Scanner", kind: "serial", driver: "serial", digits: "replaced")
        (device.vid, device.pid, device.adapter) = ("10c4", "ea60", "cp210x")
        device.setup.terminators = ["cr"]
        var line = ReaderRecordingLine()
        line.device = device
        return line
    }

    private func report(_ text: String, at time: Int) -> ReaderRecordingLine {
        var line = ReaderRecordingLine(atMilliseconds: time)
        line.hex = text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return line
    }

    private func scan(_ text: String, at time: Int) -> ReaderRecordingLine {
        var line = ReaderRecordingLine(atMilliseconds: time)
        line.scan = .init(text: text, entry: "scanned", outcome: "number", real: false)
        line.scan?.number = text
        return line
    }

    @Test(
        "Lines come as they are made, the peer's uid with the request; the recording ends when the client goes",
        .timeLimit(.minutes(5)))
    func stream() async throws {
        let state = try StoreSample.store()
        let id = try #require(try StoreSample.readers().first).id
        let sent = [device(id), nil, report("4006381333931\r", at: 20), scan("4006381333931", at: 20)]
        await state.setRecording(sent)
        try await withServer(state) { server in
            do {
                var lines = try await server.client.readerReports(of: id, keepsDigits: true).makeAsyncIterator()
                for line in sent.compactMap(\.self) { #expect(try await lines.next() == line) }
            }
            // Nobody reads any more.
            for await _ in state.endedRecordings.stream { break }
        }
        #expect(await state.recordings == [ReaderRecordingRequest(reader: id, keepsDigits: true, userID: getuid())])
    }

    @Test("An unknown reader and a bad parameter are refused with their code, and the page has no such address")
    func refused() async throws {
        try await withServer(try StoreSample.store()) { server in
            let lines = try await server.client.readerReports(of: ReaderID("usb-9-9:0"))
            let missing = await #expect(throws: LoyaltyError.self) { for try await _ in lines {} }
            #expect(missing?.code == .controlNotFound)
            let page = try await rawRequest(
                port: server.pagePort, path: "/v1/readers/reports?reader=usb-1-1:0",
                headers: [("Host", "localhost:\(server.pagePort)"), ("Connection", "close")])
            #expect(page.status == 404)
        }
        let nobody = ControlClient(socketPath: temporaryDirectory() + "/none.sock")
        let error = await #expect(throws: LoyaltyError.self) {
            _ = try await nobody.readerReports(of: ReaderID("usb-1-1:0"))
        }
        #expect(error?.code == .controlUnavailable)
    }

    @Test("The lines become a capture file that decodes to what it expects")
    func file() throws {
        let head = try #require(device(ReaderID("usb-1-1:0")).device)
        var capture = RecordedCapture(head)
        var left = ReaderRecordingLine(atMilliseconds: 900)
        left.withheld = "payment_card"
        var half = ReaderRecordingLine(atMilliseconds: 5_000)
        half.half = true
        for line in [
            report("40063", at: 20), report("81333931\r", at: 30), scan("4006381333931", at: 30), left,
            report("123", at: 4_000), half,
        ] { capture.add(line) }
        let read = try Capture(json: ContractCoding.encode(capture, pretty: true))
        #expect(read.cases.map(\.id) == ["scan-1", "scan-2"])
        #expect(read.cases.first?.times == [.zero, .milliseconds(10)])
        let decoded = try CaptureReport(read, options: try #require(read.setup))
        #expect(decoded.cases.map(\.agrees) == [true, nil])
        #expect(decoded.cases.map(\.dropped) == [0, 1])
        #expect(capture.withheld == ["payment_card": 1])
    }

    @Test("The file is for its owner alone, and never takes the place of another")
    func privateFile() throws {
        let path = temporaryDirectory() + "/capture.json"
        try PrivateFile(creating: path).finish(Array("{}".utf8))
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let error = #expect(throws: LoyaltyError.self) { _ = try PrivateFile(creating: path) }
        #expect(error?.code == .fileExists)
        #expect(ReadersRecordCommand.fileName(of: "usb-1-1.2:0/../x") == "usb-1-1.2_0_.._x.json")
    }
}
