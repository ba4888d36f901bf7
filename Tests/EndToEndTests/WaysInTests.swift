import Foundation
import Testing

/// Every way in to the daemon, and what a till can do wrong on it.
@Suite("Ways in", .serialized)
struct WaysInTests {
    /// A document of each dialect, and how many finished sales it holds: Shopify's order has a refund.
    static let documents = [
        ("poslog", "r10-6.0.1-sale.xml", 1), ("square", "sale.json", 1), ("shopify", "order.json", 2),
        ("odoo", "paid.json", 1),
    ]

    private func document(_ dialect: String, _ name: String) throws -> String {
        try String(
            contentsOf: URL(filePath: Bench.root + "/Examples/till/documents/\(dialect)/\(name)"), encoding: .utf8)
    }

    @Test(
        "Documents of a till's own over the socket: each is answered, and known when it comes again",
        arguments: documents)
    func documentsOverTheSocket(dialect: String, name: String, count: Int) async throws {
        try await Bench.run { bench in
            try bench.configure(till: "format = \"\(dialect)\"\ncurrency = \"GBP\"")
            _ = try await bench.startDaemon()
            for result in ["accepted", "duplicate"] {
                let till = try bench.till()
                try till.send(bytes: Array(try document(dialect, name).utf8))
                till.finish()
                try await till.answers.ended()
                let answers = try till.answers.lines.map { try Answer($0) }
                #expect(answers.count { $0.result == result && $0.sale != nil } == count)
                #expect(!answers.contains { $0.result == "quarantined" })
            }
        }
    }

    @Test("The same on standard input", arguments: documents)
    func documentsOnStandardInput(dialect: String, name: String, count: Int) async throws {
        try await Bench.run { bench in
            try bench.configure(till: "format = \"\(dialect)\"\ncurrency = \"GBP\"")
            let text = try document(dialect, name)
            let run = try await bench.run(
                "loyaltyd", ["--config", bench.configurationFile, "--state-dir", bench.state, "--till", "stdin"],
                input: text)
            #expect(run.code == 0)
            let answers = try run.output.split(separator: "\n").map { try Answer(String($0)) }
            #expect(answers.count { $0.result == "accepted" && $0.sale != nil } == count)
        }
    }

    private struct Line: Decodable {
        var code: String
        var line: String
    }

    @Test("A named pipe: writers come and go, and a torn last line is kept and reported")
    func namedPipe() async throws {
        try await Bench.run { bench in
            try bench.configure(till: "pipe = \"till.pipe\"")
            let daemon = try await bench.startDaemon()
            let pipe = bench.state + "/till.pipe"
            func write(_ text: String) throws {
                let handle = try #require(FileHandle(forWritingAtPath: pipe))
                try handle.write(contentsOf: Data(text.utf8))
                try handle.close()
            }
            let whole = TestSale("e-1", amount: "5.00").text + "\n"
            try write(whole + TestSale("e-2", amount: "6.00").text.prefix(100))
            _ = try await daemon.errors.line(containing: "till.bad_json")
            try write(TestSale("e-3", amount: "7.00").text + "\n")
            // The end of the last writer is the end of the line.
            try write(TestSale("e-4", amount: "8.00").text)
            // In quotes: the terminal's random name may end in an e.
            _ = try await bench.control("sales", "list", "--json") { $0.output.contains(#""e-4""#) }
            let sales = try await bench.control("sales", "list", "--json").output
            #expect([#""e-1""#, #""e-3""#, #""e-4""#].allSatisfy(sales.contains))
            #expect(!sales.contains(#""e-2""#))
            let run = try await bench.control("till", "quarantine", "--json")
            let lines = try JSONDecoder().decode([Line].self, from: Data(run.output.utf8))
            #expect(lines.map(\.code) == ["till.bad_json"])
            #expect(lines.first?.line.contains("e-2") == true)
        }
    }

    @Test("TCP on loopback: with the token a till like any other, without it nothing")
    func tcp() async throws {
        try await Bench.run { bench in
            try bench.configure(till: "tcp = \"127.0.0.1:0\"")
            let daemon = try await bench.startDaemon()
            let ready = try await daemon.errors.line(containing: "tills over TCP")
            let port = try #require(
                ready.components(separatedBy: "port=").last.flatMap { Int($0.prefix { $0.isNumber }) })
            let token = try String(contentsOfFile: bench.state + "/till.token", encoding: .utf8)
            let sale = TestSale("e-1", amount: "5.00").text + "\n"
            let stranger = try TillClient(port: port)
            try stranger.send(bytes: Array(sale.utf8))
            #expect(try await stranger.nextAnswer().code == "till.token")
            try await stranger.answers.ended()
            let till = try TillClient(port: port)
            try till.send(bytes: Array(("token " + token + sale).utf8))
            #expect(try await till.nextAnswer().result == "accepted")
            #expect(try await bench.control("till", "quarantine").output.contains("No line is in quarantine."))
        }
    }

    @Test("An address that others can reach ends the start")
    func tcpForOthers() async throws {
        try await Bench.run { bench in
            try bench.configure(till: "tcp = \"0.0.0.0:7071\"")
            let run = try await bench.run(
                "loyaltyd", ["--config", bench.configurationFile, "--state-dir", bench.state])
            #expect(run.code == 78)
            #expect(run.errors.contains("loyaltyd.toml:6"))
        }
    }
}

/// `loyaltyctl till send`, as an integrator tries it.
@Suite("Sending a file of events", .serialized)
struct TillSendTests {
    private struct Summary: Decodable {
        var sent: Int
        var answered: Int
        var results: [String: Int]
    }

    @Test("What is sent again is not counted again, and a bad line is named by its place")
    func twice() async throws {
        try await Bench.run { bench in
            try bench.configure()
            _ = try await bench.startDaemon()
            let lines = (1...300).map { TestSale("e-\($0)", amount: "5.00").text }
            try bench.write("day.ndjson", lines.joined(separator: "\n") + "\n\n{\"v\":1\n" + lines[0])
            let file = bench.directory + "/day.ndjson"
            let first = try await bench.control("till", "send", file)
            #expect(first.code == 65)
            #expect(first.output.contains("day.ndjson:302"))
            #expect(first.errors.contains("300 accepted, 1 duplicate, 1 quarantined"))
            let second = try await bench.control("till", "send", "--json", "--quiet", file)
            let last = try #require(second.output.split(separator: "\n").last)
            let summary = try JSONDecoder().decode(Summary.self, from: Data(last.utf8))
            #expect(summary.sent == 302)
            #expect(summary.answered == 302)
            #expect(summary.results == ["duplicate": 301, "quarantined": 1])
        }
    }

    @Test("A pace is kept")
    func pace() async throws {
        try await Bench.run { bench in
            try bench.configure()
            _ = try await bench.startDaemon()
            let text = (1...6).map { TestSale("e-\($0)", amount: "5.00").text + "\n" }.joined()
            let start = ContinuousClock().now
            let run = try await bench.control("till", "send", "--pace", "10", "-", input: text)
            #expect(run.code == 0)
            // Five pauses of a tenth of a second.
            #expect(ContinuousClock().now - start >= .milliseconds(500))
        }
    }

    @Test("A daemon that is not there is exit code 69, and so is one that dies in the middle")
    func gone() async throws {
        try await Bench.run { bench in
            try bench.configure()
            try bench.write("day.ndjson", TestSale("e-1", amount: "5.00").text + "\n")
            #expect(try await bench.control("till", "send", bench.directory + "/day.ndjson").code == 69)
            let daemon = try await bench.startDaemon()
            let text = (1...2000).map { TestSale("e-\($0)", amount: "5.00").text + "\n" }.joined()
            try bench.write("long.ndjson", text)
            let sending = try bench.spawn(
                "loyaltyctl",
                ["till", "send", "--pace", "500", bench.directory + "/long.ndjson", "--state-dir", bench.state])
            _ = try await sending.output.next()
            try await daemon.kill()
            #expect(try await sending.exitCode() == 69)
            _ = try await bench.startDaemon()
            let again = try await bench.control("till", "send", "--quiet", bench.directory + "/long.ndjson")
            #expect(again.code == 0)
            let status = try await bench.control("status", "--json")
            #expect(status.output.contains("\"sales\" : 2000") || status.output.contains("\"sales\":2000"))
        }
    }
}
