import Testing

@Suite("A receipt that is shown later")
struct ClaimTests {
    @Test("at the desk: once, to a member, and the back end gets it")
    func atTheDesk() async throws {
        try await Bench.run { bench in
            let backEnd = try await bench.startBackEnd()
            let record = try bench.followRecord()
            try bench.configure(upstream: backEnd)
            let daemon = try await bench.startDaemon()
            try bench.write("members.csv", "id,cards,status\nm-1,\(card(1)),\nm-2,\(card(2)),blocked\n")
            _ = try await bench.control("members", "import", bench.directory + "/members.csv")
            var sale = TestSale("e-1", amount: "12.99")
            sale.sale = #""receipt":"R-77","#
            #expect(try await bench.till().ask(sale.text).result == "accepted")
            #expect(try await bench.control("sales", "claim", "R-77", "--member", "m-9").code == 65)
            #expect(try await bench.control("sales", "claim", "R-77", "--member", "m-2").code == 65)
            #expect(try await bench.control("sales", "claim", "R-77").code == 64)
            let claimed = try await bench.control("sales", "claim", "R-77", "--card", "-", input: card(1) + "\n")
            #expect(claimed.code == 0, "\(claimed)")
            #expect(claimed.output.contains("12 points") && claimed.output.contains("m-1"), "\(claimed)")
            let again = try await bench.control("sales", "claim", "R-77", "--member", "m-1")
            #expect(again.code == 65 && again.errors.contains("claim.taken"), "\(again)")
            try await record.count(1)
            #expect(try await backEnd.summary().points == "12")
            #expect(daemon.errors.text.contains("the points of a receipt were claimed"))
            #expect(!daemon.errors.text.contains(card(1)))
        }
    }
}
