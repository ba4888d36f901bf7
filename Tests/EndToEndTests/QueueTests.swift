import Glibc
import Testing

/// What `loyaltyctl status --json` says, as far as it matters here.
struct StatusDocument: Decodable {
    struct Queue: Decodable {
        var waiting: Int
        var dead: Int
    }
    struct Upstream: Decodable { var state: String }
    struct Attention: Decodable { var code: String }
    struct Readers: Decodable {
        var id: String
        var state: String
    }

    struct Program: Decodable { var version: String? }

    var program: Program?
    var state: String
    var reason: String
    var terminal: String?
    var queue: Queue
    var upstream: Upstream
    var attention: [Attention]
    var readers: [Readers]
}

extension Bench.Run {
    func status() throws -> StatusDocument { try decoded(output) }
}

@Suite("A back end with bad days", .serialized)
struct QueueTests {
    private struct Item: Decodable {
        var id: String
        var state: String
        var attempts: Int
        var sale: String?
    }

    @Test("down: sales go on, the queue says how many wait, and all arrive when it is back")
    func down() async throws {
        try await Bench.run { bench in
            let backEnd = try await bench.startBackEnd()
            let record = try bench.followRecord()
            try bench.configure(upstream: backEnd)
            let daemon = try await bench.startDaemon()
            #expect(try await backEnd.process.stop() == 0)
            let till = try bench.till()
            for number in 1...5 {
                let answer = try await till.ask(TestSale("e-\(number)", amount: "2.00", card: card(number)).text)
                #expect(answer.result == "accepted")
            }
            let run = try await bench.control("status", "--json") { try $0.status().upstream.state == "offline" }
            #expect(run.code == 0, "five sales in a second are no reason to bother anybody")
            #expect(try run.status().queue.waiting == 5)
            let list = try await bench.control("queue", "list", "--json")
            #expect(try decoded(list.output, as: [Item].self).count { $0.state == "waiting" } == 5)

            let again = try await bench.startBackEnd(port: backEnd.port)
            #expect(try await bench.control("sync", "now").code == 0)
            try await record.count(5)
            let after = try await bench.control("status", "--json") { try $0.status().queue.waiting == 0 }
            #expect(after.code == 0)
            #expect(try after.status().upstream.state == "online")
            #expect(try await daemon.stop() == 0)
            #expect(try await again.summary().points == "10")
        }
    }

    @Test("401: status asks for a person with exit code 1, and goes on by itself once the token is right")
    func unauthorized() async throws {
        try await Bench.run { bench in
            try bench.write("right", "letmein\n")
            try bench.write("token", "wrong\n")
            let backEnd = try await bench.startBackEnd(token: bench.directory + "/right")
            let record = try bench.followRecord()
            try bench.configure(upstream: backEnd, more: "token_file = \"token\"")
            _ = try await bench.startDaemon()
            let till = try bench.till()
            #expect(try await till.ask(TestSale("e-1", amount: "2.00", card: card(1)).text).result == "accepted")
            let run = try await bench.control("status", "--json") { $0.code == 1 }
            #expect(try run.status().attention.map(\.code) == ["upstream.unauthorized"])
            #expect(try run.status().upstream.state == "unauthorized")
            #expect(!run.output.contains("wrong"))
            try bench.write("token", "letmein\n")
            #expect(try await bench.control("sync", "now").code == 0)
            try await record.count(1)
            _ = try await bench.control("status", "--json") { $0.code == 0 }
        }
    }

    @Test("an event whose member is gone is set aside, holds up nobody else, and goes out again by hand")
    func dead() async throws {
        try await Bench.run { bench in
            let backEnd = try await bench.startBackEnd()
            let record = try bench.followRecord()
            try bench.configure(upstream: backEnd)
            _ = try await bench.startDaemon()
            let terminal = try #require(try await bench.control("status", "--json").status().terminal)
            try await backEnd.setFaults(["gone:#1"])
            let till = try bench.till()
            #expect(try await till.ask(TestSale("e-1", amount: "2.00", card: card(1)).text).result == "accepted")
            #expect(try await till.ask(TestSale("e-2", amount: "3.00", card: card(2)).text).result == "accepted")
            try await record.count(1)
            let status = try await bench.control("status", "--json") { $0.code == 1 }
            #expect(try status.status().attention.map(\.code) == ["queue.dead"])
            #expect(try status.status().queue.dead == 1)
            let list = try await bench.control("queue", "list", "--state", "dead", "--json")
            let items = try decoded(list.output, as: [Item].self)
            #expect(items.count == 1)
            #expect(items.first?.id.hasPrefix("\(terminal).") == true)

            try await backEnd.setFaults([])
            let retry = try await bench.control("queue", "retry", "--all", "--json")
            #expect(retry.code == 0)
            #expect(retry.output.contains(#""retried" : 1"#))
            try await record.count(2)
            _ = try await bench.control("status", "--json") { $0.code == 0 }
            #expect(try await backEnd.summary().points == "5")
        }
    }

    @Test("a rejected event is tried again much later, and holds up nobody else meanwhile")
    func rejected() async throws {
        try await Bench.run { bench in
            let backEnd = try await bench.startBackEnd(faults: ["reject:#1"])
            let record = try bench.followRecord()
            try bench.configure(upstream: backEnd)
            _ = try await bench.startDaemon()
            let till = try bench.till()
            for number in 1...3 {
                let sale = TestSale("e-\(number)", amount: "\(number).00", card: card(number)).text
                #expect(try await till.ask(sale).result == "accepted")
            }
            try await record.count(2)
            let list = try await bench.control("queue", "list", "--json") { run in
                try decoded(run.output, as: [Item].self).map(\.attempts) == [1]
            }
            #expect(try decoded(list.output, as: [Item].self).first?.state == "waiting")
            try await backEnd.setFaults([])
            #expect(try await bench.control("sync", "now").code == 0)
            try await record.count(3)
            #expect(try await backEnd.summary().points == "6")
        }
    }

    @Test("500 for a while: tried again without a person")
    func errors() async throws {
        try await Bench.run { bench in
            let backEnd = try await bench.startBackEnd(faults: ["error:2"])
            let record = try bench.followRecord()
            try bench.configure(upstream: backEnd)
            _ = try await bench.startDaemon()
            let till = try bench.till()
            #expect(try await till.ask(TestSale("e-1", amount: "2.00", card: card(1)).text).result == "accepted")
            try await record.count(1)
            #expect(try await backEnd.summary().faultsInjected["error"] == 2)
        }
    }

    @Test("without a daemon, status exits 2 and the others 69; without a back end, sync exits 78")
    func stopped() async throws {
        try await Bench.run { bench in
            let status = try await bench.control("status", "--json")
            #expect(status.code == 2)
            #expect(try status.status().state == "stopped")
            #expect(try await bench.control("queue", "list").code == 69)
            try bench.configure()
            _ = try await bench.startDaemon()
            let run = try await bench.control("status", "--json")
            #expect(run.code == 0)
            #expect(try run.status().upstream.state == "off")
            #expect(try await bench.control("sync", "now").code == 78)
            #expect(try await bench.control("queue", "retry").code == 64)
        }
    }
}
