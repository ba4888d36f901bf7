import Foundation
import Testing

@Suite("What members do besides buying")
struct MemberActionTests {
    private static let program = """
        schema = 1
        program = "actions"
        zone = "Europe/London"
        currency = { points = { decimals = 0 } }
        rounding = { mode = "floor", scope = "basket" }

        [[beneficiary]]
        id = "hospice"
        name = "Hospice"

        [[partner]]
        id = "airline"
        number = { length = [9], check = "mod7" }
        forward = true

        [[earn]]
        id = "base"
        amount = { points = "1", per = "1.00" }

        [[earn]]
        id = "charity"
        amount = { points = "1", per = "10.00" }
        recipient = "beneficiary"

        [[earn]]
        id = "survey"
        event = "survey.completed"
        kind = "bonus"
        points = "40"

        [[earn]]
        id = "survey-recruiter"
        event = "survey.completed"
        kind = "bonus"
        points = "7"
        recipient = "referrer"
        """

    private func event(_ type: String, _ id: String, _ fields: String) -> String {
        #"{"v":1,"type":"\#(type)","id":"\#(id)","source":"1/1","time":"2026-11-22T09:30:00Z",\#(fields)}"#
    }

    @Test(
        "an action, its repeat and its void; a cause and a partner's number told at the till; all of it at the back end"
    )
    func actions() async throws {
        try await Bench.run { bench in
            let backEnd = try await bench.startBackEnd()
            let record = try bench.followRecord()
            try bench.write("program.toml", Self.program)
            try bench.configure(upstream: backEnd)
            _ = try await bench.startDaemon()
            try bench.write(
                "members.csv", "id,cards,referrer,joined\nm-1,\(card(1)),m-2,2026-01-05\nm-2,\(card(2)),,\n")
            let run = try await bench.control("members", "import", "--snapshot", bench.directory + "/members.csv")
            #expect(run.code == 0, "\(run)")
            let till = try bench.till()
            let who = #""card":{"value":"\#(card(1))"}"#
            let survey = #"\#(who),"action":{"name":"survey.completed","key":"s/1"}"#
            let first = try await till.ask(event("member.action", "a-1", survey))
            #expect(first.result == "accepted" && first.points?.earned == "40" && first.member?.id == "m-1")
            #expect(try await till.ask(event("member.action", "a-1", survey)).result == "duplicate")
            #expect(try await till.ask(event("member.action", "a-2", survey)).result == "duplicate")
            let refused = try await till.ask(event("member.update", "u-0", #"\#(who),"member":{"beneficiary":"zoo"}"#))
            #expect(refused.result == "rejected" && refused.code == "beneficiary.unknown")
            let told = #"\#(who),"member":{"beneficiary":"hospice","partner":{"id":"airline","value":"123 456 782"}}"#
            #expect(try await till.ask(event("member.update", "u-1", told)).result == "accepted")
            let sale = try await till.ask(TestSale("e-1", amount: "30.00", card: card(1)).text)
            #expect(sale.points?.earned == "30")
            let void = try await till.ask(event("member.action_void", "a-3", #""action":{"key":"s/1"}"#))
            #expect(void.result == "accepted" && void.code == "voided" && void.sale == first.sale)

            // Survey, its recruiter, sale, cause, airline, and the two of the void.
            try await record.count(7)
            let lines = record.lines.joined(separator: "\n")
            #expect(lines.contains(#""key":"s/1""#) || lines.contains(#""key":"s\/1""#))
            #expect(lines.contains(#""recipient":"referrer""#) && lines.contains(#""recipient":"beneficiary""#))
            #expect(lines.contains(#""number":"123456782""#), "the partner needs the number")
            // 40 + 7 - 40 - 7 + 30 + 3
            #expect(try await backEnd.summary().points == "33")
            let sales = try await bench.control("sales", "list")
            #expect(!sales.output.contains(" a-"), "an action is no sale: \(sales.output)")
        }
    }

    @Test("what is not of its form is kept for a person, and no number of a partner with it")
    func wrong() async throws {
        try await Bench.run { bench in
            try bench.write("program.toml", Self.program)
            try bench.configure()
            _ = try await bench.startDaemon()
            let till = try bench.till()
            let who = #""card":{"value":"\#(card(1))"}"#
            for (index, fields) in [
                #"\#(who),"action":{"key":"k"}"#, #"\#(who),"action":{"name":"a"}"#,
                #""action":{"name":"a","key":"k"}"#, #"\#(who),"action":{"name":"a","key":"k","amount":"5.00"}"#,
                #"\#(who),"action":{"name":"a","key":"k","qty":"0"}"#,
            ].enumerated() {
                #expect(try await till.ask(event("member.action", "b-\(index)", fields)).result == "quarantined")
            }
            let update = #"\#(who),"member":{"partner":{"id":"airline","value":"AB765.4321"},"day":{"id":"x"}}"#
            #expect(try await till.ask(event("member.update", "b-9", update)).result == "quarantined")
            // Nobody is known by this card.
            let told = #"\#(who),"member":{"beneficiary":"hospice"}"#
            let answer = try await till.ask(event("member.update", "b-10", told))
            #expect(answer.result == "rejected" && answer.code == "not_known")
            let kept = try await bench.control("till", "quarantine")
            #expect(!kept.output.contains("4321"), "\(kept.output)")
        }
    }
}
