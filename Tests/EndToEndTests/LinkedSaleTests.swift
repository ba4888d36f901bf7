import Testing

@Suite("Returns, voids and revisions by the till protocol", .serialized)
struct LinkedSaleTests {
    private func linked(
        _ id: String, type: String, kind: String, state: String = "completed", relation: String, to number: String,
        lines: [(amount: String, more: String)] = []
    ) -> TestSale {
        var sale = TestSale(id, amount: "0.00")
        sale.type = type
        sale.kind = kind
        sale.state = state
        sale.lines = lines
        sale.sale = #""links":[{"rel":"\#(relation)","number":"\#(number)"}],"#
        return sale
    }

    @Test("end with the sums that a person works out by hand")
    func sums() async throws {
        try await Bench.run { bench in
            let backEnd = try await bench.startBackEnd()
            let record = try bench.followRecord()
            try bench.configure(upstream: backEnd)
            let daemon = try await bench.startDaemon()
            try bench.write("m.csv", "id,cards\nm-1,\(card(1))\nm-2,\(card(2))\n")
            #expect(try await bench.control("members", "import", bench.directory + "/m.csv").code == 0)
            let till = try bench.till()
            func earned(_ sale: TestSale, _ points: String?, sourceLocation: SourceLocation = #_sourceLocation)
                async throws
            {
                let answer = try await till.ask(sale.text)
                #expect(answer.result == "accepted", "\(answer)", sourceLocation: sourceLocation)
                #expect(answer.points?.earned == points, "\(answer)", sourceLocation: sourceLocation)
            }

            // A, 20.00: 10.60 + 5.30 + 4.10, 20 points; by line 11, 5, 4 (10.6 has the largest remainder).
            var first = TestSale("A", amount: "0.00", card: card(1))
            first.lines = [("10.60", ""), ("5.30", ""), ("4.10", "")]
            try await earned(first, "20")
            // Line 2 comes back, with a receipt and without the card: the five points that it gave go, and the answer,
            // which is for whoever stands there, does not tell whose they were.
            let back = #""return":{"link":{"number":"A","line":"2"},"receipt":"with"},"#
            var giveBack = TestSale("A-R", amount: "0.00")
            giveBack.type = "sale.return"
            giveBack.kind = "return"
            giveBack.lines = [("-5.30", back)]
            try await earned(giveBack, nil)
            // The whole sale is undone: what is left of it, 15, goes too.
            _ = try await till.ask(
                linked("A-V", type: "sale.void", kind: "sale", state: "voided", relation: "voids", to: "A").text)

            // B, 30.00, then sent again with 25.00: 30, and 5 less.
            try await earned(TestSale("B", amount: "30.00", card: card(1)), "30")
            var revision = TestSale("B-2", number: "B", amount: "25.00", card: card(1))
            revision.sale = #""rev":1,"#
            let revised = try await till.ask(revision.text)
            #expect(revised.result == "accepted")
            #expect(revised.code == "revised")

            // C, 12.00, undone at once.
            try await earned(TestSale("C", amount: "12.00", card: card(2)), "12")
            _ = try await till.ask(
                linked("C-V", type: "sale.void", kind: "sale", state: "voided", relation: "voids", to: "C").text)

            // D: the void is faster than its sale, which then earns nothing.
            _ = try await till.ask(
                linked("D-V", type: "sale.void", kind: "sale", state: "voided", relation: "voids", to: "D").text)
            let late = try await till.ask(TestSale("D", amount: "9.00", card: card(2)).text)
            #expect(late.result == "accepted")
            #expect(late.points?.earned ?? "0" == "0")

            // E, an exchange: an article of 8.00 for that of B, which gave 25.
            var exchange = TestSale("E", amount: "0.00", card: card(1))
            exchange.kind = "exchange"
            exchange.lines = [
                ("8.00", ""), ("-25.00", #""return":{"link":{"number":"B","line":"1"},"receipt":"with"},"#),
            ]
            #expect(try await till.ask(exchange.text).result == "accepted")

            // Every line once more, as after a power cut: nothing changes.
            for sale in [first, giveBack, revision, exchange] {
                #expect(try await till.ask(sale.text).result == "duplicate")
            }
            _ = try await bench.control("status", "--json") { try $0.status().queue.waiting == 0 }
            #expect(try await daemon.stop() == 0)
            let events = try record.events()
            func sum(_ member: String) -> Int { events.filter { $0.data.member == member }.reduce(0) { $0 + $1.total } }
            // m-1: A 20 - 5 - 15, B 30 - 5, E 8 - 25. m-2: C 12 - 12, D 0.
            #expect(sum("m-1") == 20 - 5 - 15 + 30 - 5 + 8 - 25, "\(events)")
            #expect(sum("m-2") == 0, "\(events)")
            #expect(events.filter { $0.data.kind == "void" }.map(\.total).sorted() == [-15, -12])
            let summary = try await backEnd.summary()
            #expect(summary.missing == 0)
            #expect(summary.conflicts == 0)
        }
    }
}
