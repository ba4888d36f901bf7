import FoundationEssentials
import Glibc
import Testing

/// Finds digits in files however they are written: plain, in groups, in base64 at any of its three alignments.
struct DigitSearch {
    let patterns: [[UInt8]]

    init(_ numbers: [String]) {
        patterns = numbers.flatMap { number -> [[UInt8]] in
            let groups = stride(from: 0, to: number.utf8.count, by: 4).map { start in
                String(number.dropFirst(start).prefix(4))
            }
            let amex = [number.prefix(4), number.dropFirst(4).prefix(6), number.dropFirst(10)].map(String.init)
            let written =
                [number] + [" ", "-", "."].flatMap { [groups.joined(separator: $0), amex.joined(separator: $0)] }
            // Bytes before the number shift it; what depends on the neighbours is cut off.
            let encoded = (0...2).map { shift -> String in
                let text = Data(repeating: 0, count: shift) + Data(number.utf8)
                let whole = String(text.base64EncodedString().dropFirst(shift == 0 ? 0 : shift + 1))
                return String(whole.prefix(whole.utf8.count / 4 * 4 - 4))
            }
            return (written + encoded).map { Array($0.utf8) }
        }
    }

    /// What stands around the first hit, to find the door that let it in.
    func context(_ place: (name: String, bytes: [UInt8])) -> String {
        let text = String(decoding: place.bytes.map { (0x20..<0x7f).contains($0) ? $0 : 0x2e }, as: UTF8.self)
        for pattern in patterns {
            guard let hit = text.firstRange(of: String(decoding: pattern, as: UTF8.self)) else { continue }
            return place.name + ": " + text[..<hit.lowerBound].suffix(300) + "[HERE]"
                + text[hit.lowerBound...].prefix(100)
        }
        return place.name
    }

    /// The names of what holds one of the numbers.
    func hits(_ places: [(name: String, bytes: [UInt8])]) -> [String] {
        places.filter { place in
            // strstr is quick, but ends at a zero byte.
            let text = place.bytes.map { CChar(bitPattern: $0 == 0 ? 1 : $0) } + [0]
            return patterns.contains { strstr(text, $0.map { CChar(bitPattern: $0) } + [0]) != nil }
        }.map(\.name)
    }
}

extension Bench {
    /// Every file of the state directory.
    func stateFiles() throws -> [(name: String, bytes: [UInt8])] {
        try FileManager.default.contentsOfDirectory(atPath: state).compactMap { name in
            guard !name.hasSuffix(".sock") else { return nil }
            return (name, Array(try Data(contentsOf: URL(filePath: state + "/" + name))))
        }
    }
}

@Suite("Payment cards never get in", .serialized)
struct PaymentCardTests {
    /// Test numbers that the networks and the processors publish; no account stands behind them.
    static let numbers = [
        "4111111111111111", "4012888888881881", "4222222222222", "5555555555554444", "5105105105105100",
        "2223003122003222", "378282246310005", "371449635398431", "6011111111111117", "3530111333300000",
        "30569309025904", "38520000023237", "6200000000000005", "6759649826438453", "2201382000000013",
    ]

    /// One line through every place of the protocol where a till could write a number.
    private func lines(_ number: String, _ index: Int) -> [String] {
        let grouped = stride(from: 0, to: number.utf8.count, by: 4).map { String(number.dropFirst($0).prefix(4)) }
            .joined(separator: " ")
        let track = ";\(number)=29122010000012345678?"
        func sale(_ door: String, _ change: (inout TestSale) -> Void) -> String {
            var sale = TestSale("e-\(index)-\(door)", amount: "1.00")
            change(&sale)
            return sale.text
        }
        func present(_ door: String, _ value: String, _ more: String = "") -> String {
            #"{"v":1,"type":"card.present","id":"c-\#(index)-\#(door)","source":"1/1","time":"2026-11-22T09:30:00Z","#
                + #""card":{"value":"\#(value)"\#(more)}}"#
        }
        return [
            present("plain", number), present("groups", grouped), present("track2", track),
            present("track1", "%B\(number)^DOE/JOHN^29122010000?"), present("msr", track, #","entry":"msr""#),
            present("phone", number, #","scheme":"phone""#), present("member", number, #","scheme":"member_id""#),
            present("symbology", card(1), #","symbology":"\#(number)""#),
            present("token", card(1), #","token":"\#(number)""#),
            sale("card") { $0.cards = [number] }, sale("track") { $0.cards = [track] },
            sale("name") { $0.lines = [("1.00", #""name":"PAID \#(grouped) THANK YOU","dept":["\#(number)"],"#)] },
            sale("uom") { $0.lines = [("1.00", #""name":"x","tax":[{"code":"\#(number)","amount":"0.10"}],"#)] },
            sale("tender") { $0.sale = #""tenders":[{"kind":"card","amount":"1.00","id":"\#(number)"}],"# },
            sale("discount") {
                $0.sale = #""discounts":[{"source":"coupon","amount":"0.10","code":"\#(number)","id":"\#(grouped)"}],"#
            },
            sale("channel") { $0.sale = #""channel":"\#(number)","# },
            sale("operator") { $0.sale = #""operator":{"id":"\#(number)"},"# },
            sale("receipt") { $0.sale = #""receipt":"\#(number)","# },
            sale("uid") { $0.sale = #""uid":"u\#(number)","# },
            sale("revision") { $0.sale = #""rev":\#(number),"# },
            sale("link") { $0.sale = #""links":[{"rel":"returns","number":"\#(number)"}],"# },
            sale("reason") { $0.lines = [("-1.00", #""return":{"reason":"\#(grouped)","receipt":"without"},"#)] },
            sale("sequence") { $0.event = #""seq":\#(number),"# },
            sale("extension") { $0.event = #""ext":{"pan":"\#(number)","track":"\#(track)"},"# },
            sale("epoch") { $0.event = #""epoch":"\#(number)","# },
            sale("qty") { $0.lines = [("1.00", #""unit_price":\#(number),"gross":"-\#(number)","#)] },
            sale("amount") { $0.lines = [("\(number).00", "")] },
            sale("cents") { $0.lines = [("\(number.dropLast(2)).\(number.suffix(2))", "")] },
            sale("percent") { $0.lines = [("1.00", #""tax":[{"percent":"\#(number)","amount":"0.10"}],"#)] },
            sale("totals") { $0.sale = #""tenders":[{"kind":"cash","amount":"\#(number)"}],"# },
            sale("quantity") { $0.lines = [("1.00", #""list_price":"\#(number)","#)] },
            TestSale("e\(number)", amount: "1.00").text, TestSale("x\(index)", number: number, amount: "1.00").text,
            sale("key") { $0.event = #""\#(number)":true,"# },
            #"{"v":\#(number),"type":"sale.complete","id":"v-\#(index)"}"#,
            #"{"v":1,"type":"\#(number)","id":"t-\#(index)","source":"1/1","time":"2026-11-22T09:30:00Z"}"#,
            #"{"v":1,"type":"sale.complete","id":"b-\#(index)","sale":{"pan":"\#(grouped)"#, track, number,
            #"{"v":1,"time":"\#(number)","type":"control.heartbeat","id":"d-\#(index)","source":"1/1"}"#,
        ]
    }

    @Test("the search finds a number however it is written")
    func search() {
        let search = DigitSearch(["4111111111111111", "378282246310005"])
        let texts = [
            "x4111111111111111x", "4111 1111 1111 1111", "4111-1111-1111-1111", "3782 822463 10005",
            Data("4111111111111111".utf8).base64EncodedString(),
            Data("{\"a\":\"4111111111111111\"}".utf8).base64EncodedString(),
            Data(" {\"a\":\"4111111111111111\"}".utf8).base64EncodedString(),
            Data("  {\"a\":\"378282246310005\"}".utf8).base64EncodedString(),
        ]
        #expect(search.hits(texts.map { ($0, Array($0.utf8)) }) == texts)
        #expect(search.hits([("other", Array("4111111111111112".utf8))]).isEmpty)
    }

    @Test("the networks' test numbers, through every door, leave no trace in any file, log, answer or page")
    func doors() async throws {
        try await Bench.run { bench in
            let backEnd = try await bench.startBackEnd()
            let record = try bench.followRecord()
            try bench.configure(upstream: backEnd, page: true)
            let daemon = try await bench.startDaemon()
            let pageLine = try await daemon.errors.line(containing: "status page")
            let digits = pageLine.split(separator: "127.0.0.1:").last?.prefix { $0.isNumber } ?? ""
            let port = try #require(UInt16(digits))
            let till = try bench.till()
            var sent = 0
            for (index, number) in Self.numbers.enumerated() {
                for line in lines(number, index) {
                    try till.send(line)
                    sent += 1
                }
            }
            // The proof that the doors are open: this one is a card, and is found where it belongs.
            try till.send(TestSale("last", amount: "7.00", card: card(9)).text)
            try await till.answers.count(sent + 1, within: .seconds(40))
            _ = try await record.line(containing: #""last""#)

            var seen: [(name: String, bytes: [UInt8])] = []
            func look(_ name: String, _ text: String) { seen.append((name, Array(text.utf8))) }
            for (index, number) in Self.numbers.enumerated() {
                try bench.write(
                    "m.csv", "id,cards,greeting\nm-\(index),\(number),HELLO\nm\(number),,\nm-x\(index),,\(number)\n")
                for flags in [[], ["--skip-bad-rows"]] {
                    let run = try await bench.run(
                        "loyaltyctl",
                        ["members", "import", "--delta", bench.directory + "/m.csv", "--state-dir", bench.state] + flags
                    )
                    look("import", run.output + run.errors)
                }
                let ask = try await bench.control("members", "show", "--card", "-", input: number)
                look("members show", ask.output + ask.errors)
                let page = try await http("GET", port: port, "/v1/sale?ref=\(number)")
                look("page", page.text)
            }
            for path in ["/", "/v1/status", "/v1/sales?limit=1000"] {
                let page = try await http("GET", port: port, path)
                #expect(page.status == 200, "\(path): \(page.text)")
                look(path, page.text)
            }
            for words in [
                ["status"], ["sales", "list"], ["queue", "list", "--state", "delivered"], ["readers", "list"],
            ] {
                let run = try await bench.run(
                    "loyaltyctl", words + ["--json", "--state-dir", bench.state])
                look(words.joined(separator: " "), run.output + run.errors)
            }
            let metrics = try await bench.run(
                "loyaltyctl", ["sales", "list", "--limit", "1000", "--state-dir", bench.state])
            look("sales list", metrics.output + metrics.errors)
            // Before the WAL is written back, and after.
            seen += try bench.stateFiles().map { ("running " + $0.name, $0.bytes) }
            #expect(seen.contains { $0.name == "running loyaltyd.sqlite-wal" && !$0.bytes.isEmpty })
            #expect(try await daemon.stop() == 0)
            seen += try bench.stateFiles()
            for line in till.answers.lines { look("answer " + line, line) }
            look("log", daemon.errors.text)
            look("record", record.text)
            let search = DigitSearch(Self.numbers)
            let hits = search.hits(seen)
            #expect(hits == [], "\(seen.first { hits.contains($0.name) }.map(search.context) ?? "")")

            #expect(DigitSearch(["last"]).hits(seen).contains("loyaltyd.sqlite"))
            #expect(
                DigitSearch([card(9)]).hits(seen) == ["record"], "the card that nobody knows goes to the back end alone"
            )
        }
    }

    @Test("the number of a member's card is nowhere: not in the database, the log, an answer, or at the back end")
    func loyaltyNumbers() async throws {
        try await Bench.run { bench in
            let backEnd = try await bench.startBackEnd()
            let record = try bench.followRecord()
            try bench.configure(upstream: backEnd)
            let daemon = try await bench.startDaemon()
            try bench.write("m.csv", "id,cards\n" + (1...50).map { "m-\($0),\(card($0 * 7919))\n" }.joined())
            #expect(try await bench.control("members", "import", "--snapshot", bench.directory + "/m.csv").code == 0)
            let till = try bench.till()
            for number in 1...50 {
                #expect(
                    try await till.ask(TestSale("e-\(number)", amount: "1.00", card: card(number * 7919)).text).member?
                        .id
                        == "m-\(number)")
            }
            try await record.count(50)
            var seen = try bench.stateFiles()
            #expect(try await daemon.stop() == 0)
            seen += try bench.stateFiles()
            seen.append(("log", Array(daemon.errors.text.utf8)))
            seen.append(("answers", Array(till.answers.text.utf8)))
            seen.append(("record", Array(record.text.utf8)))
            #expect(DigitSearch((1...50).map { card($0 * 7919) }).hits(seen) == [])
            #expect(DigitSearch(["m-50"]).hits(seen).contains("loyaltyd.sqlite"))
        }
    }
}
