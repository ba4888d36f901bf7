import Glibc
import LoyaltyModel
import Testing
import TillFeed

@Suite(.timeLimit(.minutes(5))) struct TillPipes {
    /// Two pipes with the daemon's ends, which the tests close, and the till's.
    private final class Pipes {
        let input: Int32
        let output: Int32
        var till: TestClient?
        var answers: TestClient?

        init() {
            var toDaemon: [Int32] = [-1, -1]
            var fromDaemon: [Int32] = [-1, -1]
            #expect(pipe(&toDaemon) == 0)
            #expect(pipe(&fromDaemon) == 0)
            (input, till) = (toDaemon[0], TestClient(descriptor: toDaemon[1]))
            (output, answers) = (fromDaemon[1], TestClient(descriptor: fromDaemon[0]))
        }

        func closeOutput() { close(output) }

        deinit { close(input) }
    }

    @Test func answersEveryLineAndEndsWithTheInput() async throws {
        let pipes = Pipes()
        let gate = Gate()
        let till = RecordingTill(everyGate: gate)
        let pipe = try TillPipe(
            input: pipes.input, output: pipes.output, format: TillInputFormat(decoder), handler: till)
        let running = Task { try await pipe.run() }
        let ids = (1...150).map { "\($0)" }
        try await pipes.till?.send(ids.map { saleLine(id: $0) + "\r\n" }.joined() + "\n{}\n" + saleLine(id: "last"))
        pipes.till = nil
        await till.submitted.reaches(152)
        await gate.open()
        #expect(try await running.value == 152)
        pipes.closeOutput()
        #expect(try await pipes.answers?.remainingIDs() == ids + ["", "last"])
    }

    @Test func cancellationAnswersWhatWasReadAndLeavesHalfALine() async throws {
        let pipes = Pipes()
        let gate = Gate()
        let till = RecordingTill(everyGate: gate)
        let pipe = try TillPipe(
            input: pipes.input, output: pipes.output, format: TillInputFormat(decoder), handler: till)
        let running = Task { try await pipe.run() }
        try await pipes.till?.send(saleLine(id: "1") + "\n" + saleLine(id: "half"))
        await till.submitted.reaches(1)
        running.cancel()
        await gate.open()
        #expect(try await running.value == 1)
        pipes.closeOutput()
        #expect(try await pipes.answers?.remainingIDs() == ["1"])
        #expect(await till.ids == ["1"])
    }

    @Test func aTillThatIsGoneIsAnErrorAndNotTheEndOfTheProcess() async throws {
        let pipes = Pipes()
        let till = RecordingTill()
        let pipe = try TillPipe(
            input: pipes.input, output: pipes.output, format: TillInputFormat(decoder), handler: till)
        pipes.answers = nil
        let running = Task { try await pipe.run() }
        try await pipes.till?.send(saleLine(id: "1") + "\n")
        let error = await #expect(throws: LoyaltyError.self) { try await running.value }
        #expect(error?.code == .tillOutput)
        #expect(await till.ids == ["1"])
        pipes.closeOutput()
    }

    @Test func anInputThatCannotBeReadIsAnError() async throws {
        let pipes = Pipes()
        let directory = open("/", O_RDONLY)
        let pipe = try TillPipe(
            input: directory, output: pipes.output, format: TillInputFormat(decoder), handler: RecordingTill())
        let error = await #expect(throws: LoyaltyError.self) { try await pipe.run() }
        #expect(error?.code == .tillInput)
        close(directory)
        pipes.closeOutput()
    }

    @Test func hearsOfAScanBetweenTheAnswers() async throws {
        let pipes = Pipes()
        let till = RecordingTill()
        let pipe = try TillPipe(
            input: pipes.input, output: pipes.output, format: TillInputFormat(decoder), handler: till)
        let running = Task { try await pipe.run() }
        try await pipes.till?.send(saleLine(id: "1") + "\n")
        #expect(try await pipes.answers?.answer()?.acknowledges == "1")
        let time = try Timestamp("2026-11-22T09:30:00Z")
        pipe.push(.cardScanned(CardScannedNotice(reader: ReaderID("usb-1"), register: nil, time: time, result: "held")))
        #expect(try await pipes.answers?.line()?.contains(#""type":"card.scanned""#) == true)
        pipes.till = nil
        #expect(try await running.value == 1)
        pipes.closeOutput()
    }

    @Test func documentsOfADialectAreAnsweredOneByOne() async throws {
        let pipes = Pipes()
        let till = RecordingTill()
        let format = try TillInputFormat(.square, try documentSettings(), decoder: decoder)
        let pipe = try TillPipe(input: pipes.input, output: pipes.output, format: format, handler: till)
        let running = Task { try await pipe.run() }
        let order =
            #"{"id":"O1","location_id":"L","state":"COMPLETED","created_at":"2024-03-01T10:00:00Z","#
            + "\n" + #""total_money":{"amount":0,"currency":"USD"}}"#
        try await pipes.till?.send(order + order.replacing("COMPLETED", with: "LOST") + "\n" + order)
        pipes.till = nil
        #expect(try await running.value == 3)
        pipes.closeOutput()
        let ids = try await pipes.answers?.remainingIDs() ?? []
        #expect(ids.count == 3)
        #expect(ids[0] == ids[2])
        #expect(ids[1].isEmpty)
        #expect(await till.problems.first?.error.code.name == "adapter.unknown_status")
    }
}
