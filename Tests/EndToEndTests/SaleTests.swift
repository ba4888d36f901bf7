import Testing

@Suite("A sale")
struct SaleTests {
    @Test("by standard input: accepted, and a repeat changes nothing at the back end")
    func standardInput() async throws {
        try await Bench.run { bench in
            let backEnd = try await bench.startBackEnd()
            let record = try bench.followRecord()
            try bench.configure(upstream: backEnd)
            let daemon = try bench.spawnDaemon(["--till", "stdin"])
            let sale = TestSale("e-1", amount: "12.99", card: card(1)).text
            try daemon.write(sale + "\n")
            let first = try Answer(try await daemon.output.next())
            #expect(first.ack == "e-1")
            #expect(first.result == "accepted")
            #expect(first.points?.earned == "12")
            try daemon.write(sale + "\n")
            let second = try Answer(try await daemon.output.next())
            #expect(second.result == "duplicate")
            #expect(second.sale == first.sale)
            #expect(second.points?.earned == "12")
            try await record.count(1)
            daemon.closeInput()
            #expect(try await daemon.exitCode() == 0)
            let summary = try await backEnd.summary()
            #expect(summary.events == 1)
            #expect(summary.points == "12")
        }
    }

    @Test("the same by a pipe that is closed at once: both answers come before the end")
    func pipe() async throws {
        try await Bench.run { bench in
            try bench.configure()
            let sale = TestSale("e-1", amount: "5.00").text
            let run = try await bench.run(
                "loyaltyd", ["--config", bench.configurationFile, "--state-dir", bench.state, "--till", "stdin"],
                input: sale + "\n" + sale + "\n")
            #expect(run.code == 0)
            let answers = try run.output.split(separator: "\n").map { try Answer(String($0)) }
            #expect(answers.map(\.result) == ["accepted", "duplicate"])
        }
    }
}
