import Testing

@Suite("Members", .serialized)
struct MemberTests {
    private struct Result: Decodable, Equatable {
        var rows = 0
        var added = 0
        var changed = 0
        var removed = 0
        var skipped = 0
        var members = 0
    }

    @Test("a snapshot in CSV, a delta in NDJSON, and a sale that earns by tier, whichever card was read")
    func importAndEarn() async throws {
        try await Bench.run { bench in
            let backEnd = try await bench.startBackEnd()
            let record = try bench.followRecord()
            try bench.configure(upstream: backEnd)
            _ = try await bench.startDaemon()
            try bench.write(
                "members.csv",
                """
                id,cards,tier,greeting,balance,as_of
                m-1,\(card(1));\(card(101)),gold,ANNA,340,2026-11-22T08:00:00Z
                m-2,\(card(2)),,,,
                m-3,\(card(3)),,,,
                m-4,\(card(4)),,,,
                m-5,\(card(5)),,,,

                """)
            let file = bench.directory + "/members.csv"
            let run = try await bench.control("members", "import", "--snapshot", "--json", file)
            #expect(run.code == 0, "\(run)")
            #expect(try decoded(run.output) == Result(rows: 5, added: 5, members: 5))

            let show = try await bench.control("members", "show", "--card", "-", input: card(101) + "\n")
            #expect(show.code == 0, "\(show)")
            #expect(show.output.contains("m-1"))
            #expect(show.output.contains("gold"))
            #expect(try await bench.control("members", "show", "m-9").code == 65)

            let till = try bench.till()
            // 10.60 at gold is 21.2 points, rounded down once; rounding before the tier would give 20.
            let gold = try await till.ask(TestSale("e-1", amount: "10.60", card: card(101)).text)
            #expect(gold.points?.earned == "21")
            #expect(gold.member?.id == "m-1")
            #expect(gold.member?.tier == "gold")
            let plain = try await till.ask(TestSale("e-2", amount: "10.60", card: card(2)).text)
            #expect(plain.points?.earned == "10")
            #expect(plain.member?.id == "m-2")

            try bench.write(
                "delta.ndjson",
                """
                {"id":"m-2","cards":["\(card(2))"],"tier":"gold"}
                {"id":"m-3","op":"delete"}
                {"id":"m-6","cards":["\(card(6))"]}

                """)
            let delta = try await bench.control(
                "members", "import", "--delta", "--json", bench.directory + "/delta.ndjson")
            #expect(delta.code == 0, "\(delta)")
            #expect(try decoded(delta.output) == Result(rows: 3, added: 1, changed: 1, removed: 1, members: 5))
            #expect(try await till.ask(TestSale("e-3", amount: "10.60", card: card(2)).text).points?.earned == "21")
            let gone = try await till.ask(TestSale("e-4", amount: "10.60", card: card(3)).text)
            #expect(gone.member?.unverified == true)
            #expect(gone.member?.id == nil)
            try await record.count(4)
            let events = try record.events()
            #expect(events.map(\.data.member) == ["m-1", "m-2", "m-2", nil])
            // Of the card that nobody knows, and of no other, the back end gets the number.
            #expect(events.map { $0.data.card?.number } == [nil, nil, nil, card(3)])
        }
    }

    @Test("a file with bad rows names each line, imports nothing, and exits 65")
    func badRows() async throws {
        try await Bench.run { bench in
            try bench.configure()
            _ = try await bench.startDaemon()
            try bench.write(
                "bad.csv",
                "id,cards,status\nm-1,\(card(1)),active\nm-2,\(card(2)),asleep\nm-3,4111111111111111,active\n")
            let file = bench.directory + "/bad.csv"
            let run = try await bench.control("members", "import", "--snapshot", file)
            #expect(run.code == 65)
            #expect(run.errors.contains("bad.csv:3"))
            #expect(run.errors.contains("bad.csv:4"))
            #expect(!run.errors.contains("4111111111111111"))
            #expect(try await bench.control("members", "show", "m-1").code == 65)
            let rest = try await bench.control("members", "import", "--snapshot", "--skip-bad-rows", "--json", file)
            #expect(rest.code == 0, "\(rest)")
            #expect(try decoded(rest.output) == Result(rows: 3, added: 1, skipped: 2, members: 1))
            #expect(try await bench.control("members", "show", "m-1").code == 0)
            #expect(try await bench.control("members", "import", "--snapshot", "/no/such/file").code == 74)
            #expect(try await bench.control("members", "import").code == 64)
        }
    }

    @Test("a snapshot that would remove half of the members is refused without --force")
    func shrinking() async throws {
        try await Bench.run { bench in
            try bench.configure()
            _ = try await bench.startDaemon()
            try bench.write(
                "all.ndjson", (1...10).map { "{\"id\":\"m-\($0)\",\"cards\":[\"\(card($0))\"]}\n" }.joined())
            try bench.write(
                "half.ndjson", (1...5).map { "{\"id\":\"m-\($0)\",\"cards\":[\"\(card($0))\"]}\n" }.joined())
            let all = bench.directory + "/all.ndjson"
            let half = bench.directory + "/half.ndjson"
            #expect(try await bench.control("members", "import", "--snapshot", all).code == 0)
            #expect(try await bench.control("members", "import", "--snapshot", half).code == 65)
            #expect(try await bench.control("members", "show", "m-10").code == 0)
            #expect(try await bench.control("members", "import", "--snapshot", "--force", half).code == 0)
            #expect(try await bench.control("members", "show", "m-10").code == 65)
            #expect(try await bench.control("members", "show", "m-5").code == 0)
        }
    }
}
