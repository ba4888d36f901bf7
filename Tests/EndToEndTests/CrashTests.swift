import Glibc
import Testing

@Suite("accepted means on disk", .serialized)
struct CrashTests {
    /// Sends lines until the daemon is gone, and returns the ids it answered for.
    private func answered(_ till: TillClient) async throws -> Set<String> {
        try await till.answers.ended()
        var ids: Set<String> = []
        // The last line may be cut; only whole ones are answers, and only those end with a line feed.
        for line in till.answers.lines {
            let answer = try Answer(line)
            #expect(["accepted", "duplicate"].contains(answer.result), "\(line)")
            if let id = answer.ack { ids.insert(id) }
        }
        return ids
    }

    @Test(
        "killed again and again, with a backlog and a back end that fails: every answered sale arrives exactly once",
        arguments: [[], ["error:2", "drop-answer:2"], ["drop-answer:1", "half:3", "refuse:1"]])
    func killed(faults: [String]) async throws {
        try await Bench.run { bench in
            let backEnd = try await bench.startBackEnd()
            let record = try bench.followRecord()
            try bench.configure(upstream: backEnd)
            // Five customers, so that there is an order to keep and there are batches to lose.
            let sales = (1...200).map { TestSale("e-\($0)", amount: "\($0).50", card: card($0 % 5)) }
            var answered: Set<String> = []
            // Each round is killed at another point: right behind the first answer, the tenth, the fortieth.
            for patience in [1, 10, 40] {
                let daemon = try await bench.startDaemon()
                try await backEnd.setFaults(faults)
                let till = try bench.till()
                for sale in sales where !answered.contains(sale.id) { try till.send(sale.text) }
                try await till.answers.count(patience)
                try await daemon.kill()
                answered.formUnion(try await self.answered(till))
                #expect(answered.count >= patience)
            }
            let before = answered
            try await backEnd.setFaults([])
            let daemon = try await bench.startDaemon()
            #expect(try await bench.control("sync", "now").code == 0)
            // A till repeats what was not answered for; what was is the daemon's to deliver.
            let till = try bench.till()
            for sale in sales where !before.contains(sale.id) { try till.send(sale.text) }
            try await till.answers.count(sales.count - before.count)
            try await record.count(200)
            _ = try await bench.control("status", "--json") { $0.output.contains(#""waiting" : 0"#) }
            #expect(try await daemon.stop() == 0)

            let events = try record.events()
            #expect(events.count == 200)
            #expect(Set(events.map(\.id)).count == 200)
            #expect(Set(events.compactMap { $0.data.sale?.number }) == Set(sales.map(\.number)))
            #expect(events.allSatisfy { "e-\($0.total)" == $0.data.sale?.number })
            let summary = try await backEnd.summary()
            // 1 + 2 + ... + 200, each half a pound giving nothing.
            #expect(summary.points == "20100")
            #expect(summary.conflicts == 0)
            #expect(summary.missing == 0)
            #expect(summary.outOfOrder == 0)
        }
    }

    @Test("a stop answers what it read, and what it answered is not lost")
    func stop() async throws {
        try await Bench.run { bench in
            let backEnd = try await bench.startBackEnd()
            let record = try bench.followRecord()
            try bench.configure(upstream: backEnd)
            let first = try await bench.startDaemon()
            let idle = try bench.till()
            let till = try bench.till()
            let sales = (1...100).map { TestSale("e-\($0)", amount: "1.00", card: card($0)) }
            for sale in sales { try till.send(sale.text) }
            try await till.answers.count(1)
            #expect(try await first.stop() == 0)
            try await idle.answers.ended()
            let answered = try await self.answered(till)
            #expect(Set(sales.prefix(answered.count).map(\.id)) == answered)

            let second = try await bench.startDaemon()
            let again = try bench.till()
            for sale in sales { try again.send(sale.text) }
            again.finish()
            #expect(try await self.answered(again).count == 100)
            let results = try again.answers.lines.map { try Answer($0).result }
            #expect(results.prefix(answered.count).allSatisfy { $0 == "duplicate" })
            try await record.count(100)
            #expect(try await second.stop() == 0)
            #expect(try await backEnd.summary().points == "100")
            #expect(access(bench.tillSocket, F_OK) != 0)
        }
    }
}
