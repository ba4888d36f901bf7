import FoundationEssentials
import LoyaltyModel
import Testing
import TillFeed

/// The contract in docs/till-protocol.md is what integrators copy from.
@Suite struct ProtocolDocument {
    private let text: String

    init() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        text = try String(contentsOf: root.appending(path: "docs/till-protocol.md"), encoding: .utf8)
    }

    @Test func everyExampleIsAnEvent() throws {
        let examples = text.split(separator: "\n").compactMap { line -> Substring? in
            if line.hasPrefix("sale='"), line.hasSuffix("'") { return line.dropFirst(6).dropLast() }
            return line.hasPrefix(#"{"v":1,"type""#) ? line : nil
        }
        #expect(examples.count >= 10)
        for example in examples { #expect(throws: Never.self) { try decoder.decode(Array(example.utf8)) } }
    }

    /// The answer shown has the very keys and spelling of the encoder.
    @Test func theAnswerIsWhatIsSent() throws {
        let lines = text.split(separator: "\n")
        let answer = try #require(lines.first { $0.hasPrefix(#"{"ack""#) })
        let read = try JSONDecoder().decode(TillAnswer.self, from: Data(answer.utf8))
        #expect(String(decoding: AnswerLine(read).bytes, as: UTF8.self) == answer + "\n")
    }

    @Test func everyTypeAndCodeIsListed() {
        let codes: [LoyaltyError.Code] = [
            .tillBadJSON, .tillVersion, .tillUnknownType, .tillMissingField, .tillBadField, .tillTooLong,
            .tillLineTooLong, .tillPaymentCard,
        ]
        for code in codes { #expect(text.contains("`\(code.name)`"), "\(code.name)") }
        for verb in TillEvent.SaleVerb.allCases { #expect(text.contains("`sale.\(verb.rawValue)`"), "\(verb)") }
        for verb in TillEvent.CardVerb.allCases { #expect(text.contains("`\(verb.rawValue)`"), "\(verb)") }
        for verb in TillEvent.ControlVerb.allCases { #expect(text.contains(".\(verb.rawValue)`"), "\(verb)") }
        for kind in SaleLine.Kind.allCases { #expect(text.contains("`\(kind.rawValue)`"), "\(kind)") }
        for relation in SaleLink.Relation.allCases { #expect(text.contains("`\(relation.rawValue)`"), "\(relation)") }
    }
}
