import ArgumentParser
import ControlAPI
import LoyaltyModel
import Testing

@testable import loyaltyctl

@Suite("loyaltyctl")
struct CommandTests {
    static let accepted: [([String], String)] = [
        (["status"], "StatusCommand"), (["status", "--json"], "StatusCommand"), (["readers"], "ReadersListCommand"),
        (["readers", "list", "--json"], "ReadersListCommand"),
        (["readers", "decode", "f.json", "--layout", "de", "--case", "a", "--json"], "ReadersDecodeCommand"),
        (["readers", "watch", "--count", "3", "--json"], "ReadersWatchCommand"),
        (["readers", "test", "usb-1-1.2:0", "--signal", "no"], "ReadersTestCommand"),
        (["readers", "test"], "ReadersTestCommand"), (["readers", "record", "--scans", "2"], "ReadersRecordCommand"),
        (["readers", "learn"], "ReadersLearnCommand"),
        (["readers", "learn", "usb-1-1.2:0", "-o", "r.toml", "--scheme", "gold"], "ReadersLearnCommand"),
        (["readers", "learn", "--from", "a.json", "b.json", "--output", "-", "--json"], "ReadersLearnCommand"),
        (["members", "import", "m.csv", "--snapshot"], "MembersImportCommand"),
        (
            ["members", "import", "-", "--delta", "--format", "ndjson", "--skip-bad-rows", "--force", "--batch", "5"],
            "MembersImportCommand"
        ),
        (["members", "count"], "MembersCountCommand"), (["members", "show", "m1"], "MembersShowCommand"),
        (["members", "show", "--card", "-"], "MembersShowCommand"), (["sales"], "SalesListCommand"),
        (["sales", "list", "--limit", "5"], "SalesListCommand"), (["sales", "show", "0422"], "SalesShowCommand"),
        (["sales", "explain", "0422"], "SalesExplainCommand"),
        (["queue", "list", "--state", "dead"], "QueueListCommand"),
        (["queue", "show", "t-1.2"], "QueueShowCommand"), (["queue", "retry", "t-1.2", "t-1.3"], "QueueRetryCommand"),
        (["queue", "retry", "--all"], "QueueRetryCommand"), (["sync", "now"], "SyncNowCommand"),
        (["config"], "ConfigShowCommand"), (["config", "show", "--effective", "--json"], "ConfigShowCommand"),
        (["rules", "check", "p.toml"], "RulesCheckCommand"),
        (["rules", "eval", "--program", "p.toml", "--sales", "-"], "RulesEvalCommand"),
        (["status", "--socket", "/tmp/x"], "StatusCommand"), (["status", "--state-dir", "/tmp"], "StatusCommand"),
    ]

    @Test("Every documented command is understood", arguments: accepted)
    func parses(_ arguments: [String], _ command: String) throws {
        #expect("\(type(of: try Loyaltyctl.parseAsRoot(arguments)))" == command)
    }

    static let refused: [[String]] = [
        ["readers", "watch", "--count", "0"], ["readers", "test", "a", "--signal", "loud"],
        ["readers", "decode"], ["readers", "decode", "f.json", "--layout", "xx"],
        ["readers", "learn", "usb-1-1.2:0", "--from", "a.json"], ["readers", "learn", "--scheme", ""],
        ["readers", "learn", "--from", "a.json", "--layout", "xx"],
        ["members", "import", "m.csv", "--snapshot", "--delta"],
        ["members", "import", "m.csv", "--snapshot", "--batch", "0"], ["members", "show"],
        ["members", "show", "m1", "--card", "-"], ["queue", "retry"], ["queue", "retry", "--all", "t-1.2"],
        ["queue", "list", "--state", "lost"], ["sales", "list", "--limit", "0"], ["sales", "show"], ["nonsense"],
    ]

    @Test("What makes no sense is a usage error, exit 64", arguments: refused)
    func refuses(_ arguments: [String]) {
        do {
            _ = try Loyaltyctl.parseAsRoot(arguments)
            Issue.record("was accepted")
        } catch {
            #expect(Loyaltyctl.exitCode(for: error).rawValue == 64)
        }
    }

    @Test("The socket is the option, the state directory, the environment, the system's, the user's own")
    func socketPath() {
        func path(
            socket: String? = nil, state: String? = nil, _ environment: [String: String], isRoot: Bool = false,
            systemExists: Bool = false
        ) -> String {
            ConnectionOptions.socketPath(
                socket: socket, stateDirectory: state, environment: { environment[$0] }, isRoot: isRoot,
                exists: { _ in systemExists })
        }
        let all = ["LOYALTYD_SOCKET": "/e", "XDG_STATE_HOME": "/x", "HOME": "/home/u"]
        #expect(path(socket: "/s", state: "/d", all) == "/s")
        #expect(path(state: "/d", all) == "/d/control.sock")
        #expect(path(all) == "/e")
        #expect(path(["HOME": "/home/u"], systemExists: true) == "/run/loyaltyd/control.sock")
        #expect(path(["HOME": "/root"], isRoot: true) == "/run/loyaltyd/control.sock")
        #expect(path(["XDG_STATE_HOME": "/x", "HOME": "/home/u"]) == "/x/loyaltyd/control.sock")
        #expect(path(["HOME": "/home/u"]) == "/home/u/.local/state/loyaltyd/control.sock")
    }

    @Test("status ends with 0, 1 or 2; a daemon that does not answer is stopped")
    func statusExit() async throws {
        #expect(StatusReport.Word.allCases.map(\.exitCode) == [0, 1, 2])
        let missing = temporaryDirectory() + "/control.sock"
        let command = try #require(try Loyaltyctl.parseAsRoot(["status", "--socket", missing]) as? StatusCommand)
        let exit = await #expect(throws: ExitCode.self) { try await command.run() }
        #expect(exit?.rawValue == 2)
    }

    @Test("The status in words says what a manager asks")
    func statusText() throws {
        let text = StatusText(report: try StoreSample.status(), style: .plain).render()
        for line in [
            "Attention  One transaction was refused by the back end.", "Since 14:52 (15 min)",
            "  Readers    1 of 2 ready", "  Till       connected, last event 11 s ago",
            "  Members    48 213 members, 51 077 cards, last feed 37 min ago",
            "  Queue      3 waiting, 1 held, 1 dead, oldest 15 min, 311 delivered today",
            "  Back end   online since 06:58, https://points.example, last answer 8 s ago",
            "  Today      412 sales, 317 with member (77 %), 6284 points given, 112 taken back, "
                + "scans refused: 2 payment card, 5 not a loyalty card",
            "! The back end refused one transaction: member is closed.",
        ] { #expect(text.split(separator: "\n").contains { $0 == line }, "\(line)") }
        #expect(!text.contains("\u{1b}"))
    }

    @Test("Columns line up, numbers to the right, colours do not shift them")
    func table() {
        var table = TextTable([("NAME", .left), ("COUNT", .right), ("STATE", .left)])
        table.add(["a", "7", .init("ok", .good)])
        table.add(["größer", "1234", .init("held", .warning)])
        #expect(table.render(.plain) == "NAME    COUNT  STATE\na           7  ok\ngrößer   1234  held")
        let coloured = table.render(Style(isColoured: true))
        #expect(coloured.split(separator: "\n").last == "größer   1234  \u{1b}[33mheld\u{1b}[0m")
    }

    @Test("explain names every rule with its result, matched or not")
    func explain() throws {
        let text = SaleText(style: .plain).explain(try StoreSample.sales()[0])
        for part in [
            "accrual t-5f3a9c.1190: 82 points", "+ base: 41", "line 2: 7.80 gives 7.80", "+ gold-double: 41",
            "- wine-weekend", "Tuesday is outside of Friday to Sunday",
        ] { #expect(text.contains(part), "\(part)") }
    }

    @Test("JSON output is the contract's own encoding, and reads back")
    func json() throws {
        let report = try StoreSample.status()
        let bytes = try ContractCoding.encode(report, pretty: true)
        let again = try ContractCoding.decode(StatusReport.self, from: bytes)
        #expect(again == report)
        let text = String(decoding: bytes, as: UTF8.self)
        for key in ["\"state\" : \"attention\"", "\"points_given\" : [", "\"oldest_at\" : \"2024-05-14T14:51:40"] {
            #expect(text.contains(key), "\(key)")
        }
    }

    @Test("Numbers and spans for people")
    func words() {
        #expect([0, 999, 1_000, -1_234_567].map(Words.grouped) == ["0", "999", "1 000", "-1 234 567"])
        #expect(
            [0, 59, 60, 3_599, 3_661, 172_800].map(Words.span(seconds:)) == [
                "0 s", "59 s", "1 min", "59 min", "1 h 1 min", "2 days",
            ])
        var today = TodayReport(sales: 3, withMember: 2)
        #expect(today.memberPercent == 67)
        today.sales = 0
        #expect(today.memberPercent == nil)
    }
}
