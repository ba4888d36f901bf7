import FoundationEssentials
import LoyaltyModel
import Testing

@testable import UpstreamSync
@testable import loyaltysim

@Suite("Formats on the wire")
struct FormatTests {
    private struct Event: Decodable {
        struct Payload: Decodable {
            struct Card: Decodable { var number: String }
            var card: Card?
            var seq: Int?
        }
        var specversion, id, source, type, time, datacontenttype: String
        var subject: String?
        var data: Payload
    }

    private func decoded(_ events: [OutboundEvent]) throws -> [Event] {
        try JSONDecoder().decode([Event].self, from: Data(CloudEventsBatch(events).encoded()))
    }

    @Test func attributesSurviveWithTheirQuotes() throws {
        var odd = event(1)
        odd.id = "a\"b\\c\u{1}\n"
        odd.source = "/store/Zürich"
        odd.subject = nil
        let events = try decoded([odd, event(2)])
        #expect(events.map(\.id) == ["a\"b\\c\u{1}\n", "t-7f.2"])
        #expect(events[0].source == "/store/Zürich")
        #expect(events[0].subject == nil)
        #expect(events[1].subject == "member/m1")
        #expect(events.allSatisfy { $0.specversion == "1.0" && $0.datacontenttype == "application/json" })
        #expect(events[1].type == "org.loyaltyd.transaction.accrual.v1")
        #expect(try Timestamp(events[1].time) == event(2).time)
    }

    @Test func dataTravelsByteForByte() {
        var exact = event(1)
        exact.data = Array(#"{ "total" : 12.340000000000000000001, "b":[1E400] }"#.utf8)
        let text = String(decoding: CloudEventsBatch([exact]).encoded(), as: UTF8.self)
        #expect(text.contains(#""data":{ "total" : 12.340000000000000000001, "b":[1E400] }}]"#))
    }

    @Test(arguments: [
        (#"{"seq":1}"#, #"{"card":{"number":"60 3\"5\\7"},"seq":1}"#), ("{}", #"{"card":{"number":"60 3\"5\\7"}}"#),
        (" { \n } ", "{\"card\":{\"number\":\"60 3\\\"5\\\\7\"} \n } "),
    ])
    func theCardComesFirstInData(_ data: String, _ expected: String) throws {
        let card = CardNumber(#"60 3"5\7"#)
        var sealed = event(1, card: card)
        sealed.data = Array(data.utf8)
        let text = String(decoding: CloudEventsBatch([sealed]).encoded(), as: UTF8.self)
        #expect(text.hasSuffix(#""data":\#(expected)}]"#))
        #expect(try decoded([sealed]).first?.data.card?.number == #"60 3"5\7"#)
    }

    @Test func noEventsAreAnEmptyArray() { #expect(CloudEventsBatch([]).encoded() == Array("[]".utf8)) }

    // RFC 9110, section 5.6.7 gives the three forms of one instant; 784111777 is its Unix time.
    @Test(arguments: [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    ])
    func httpDates(_ text: String) { #expect(HTTPDate.parse(text)?.microseconds == 784_111_777_000_000) }

    @Test(arguments: [
        "", "soon", "Sun, 31 Feb 2026 08:49:37 GMT", "Sun, 06 Nov 1994", "a b c d e", "Sun, 06 Nov 1994 8:49 GMT",
    ])
    func noHTTPDates(_ text: String) { #expect(HTTPDate.parse(text) == nil) }

    @Test(arguments: [
        "https://b.example/e", "https://b.example:8443/e?x=1", "http://127.0.0.1:8790/events", "http://[::1]:1/",
        "http://localhost/e",
    ])
    func addresses(_ text: String) throws { #expect(try UpstreamURL(text).text == text) }

    @Test(arguments: [
        "", "b.example/e", "ftp://b.example", "https://", "https://user:pw@b.example/", "https://b.example:0/",
        "https://b.example:99999/", "https://b.example:x/", "https://b .example/", "https://[::1/",
        "http://b.example/e",
        "http://127.0.0.1@evil.example/", "https://b.example/#x",
    ])
    func badAddresses(_ text: String) { #expect(throws: LoyaltyError.self) { try UpstreamURL(text) } }

    @Test func plainHTTPCanBeAllowed() throws {
        #expect(try !UpstreamURL("http://10.0.0.1/e", allowsPlainHTTP: true).isEncrypted)
    }

    @Test(arguments: [
        ("[]", [] as [String]), (" [ {\"a\" : 1} ,\n{\"b\":[2, {}]}] ", [#"{"a":1}"#, #"{"b":[2,{}]}"#]),
        (#"{"a b": "x, ]} \" y"}"#, [#"{"a b":"x, ]} \" y"}"#]),
    ])
    func theSimulatorTakesBatchesApart(_ text: String, _ parts: [String]) {
        #expect(jsonElements(text.utf8)?.map { String(decoding: $0, as: UTF8.self) } == parts)
    }

    @Test(arguments: ["", "[", "]", "[{}", "{}{}", "[{}]]", "[{},]", "[,{}]", #"["x]"#, "12", "[{}] x"])
    func theSimulatorRefusesWhatDoesNotClose(_ text: String) { #expect(jsonElements(text.utf8) == nil) }

    @Test(arguments: [
        "", "nix", "error:x", "error:-1", "reject", "reject:", "unauthorized:3", "slow:99999999999999999999",
    ])
    func theSimulatorRefusesUnknownFaults(_ text: String) {
        #expect(throws: LoyaltyError.self) { try BackEndFault(text) }
    }
}
