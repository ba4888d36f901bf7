import FoundationEssentials
import LoyaltyModel

/// The answer for one event of a batch.
struct EventResult: Decodable, Hashable, Sendable {
    var id: String
    var status: Int
    var reason: String?

    var isSuccess: Bool { (200..<300).contains(status) || status == 409 }

    /// The results of an answer's body by event id.
    ///
    /// - Returns: nil where the body is no JSON array of `{"id", "status", "reason"}`. Where an event is named twice, the
    ///   result that is no success counts: to send once more is safe, to leave out is not.
    static func read(_ body: [UInt8]) -> [String: EventResult]? {
        guard let results = try? JSONDecoder().decode([EventResult].self, from: Data(body)), !results.isEmpty else {
            return nil
        }
        return Dictionary(results.map { ($0.id, $0) }) { first, second in first.isSuccess ? second : first }
    }
}

/// Text from the back end, made fit for logs and for the outbox.
enum AnswerText {
    static let limit = 200

    /// One line of at most 200 characters. Card numbers that were sent come back masked, and so does any run of 12 digits or more.
    static func cleaned(_ text: String, cards: [CardNumber]) -> String {
        var line = String(text.prefix(4 * limit).map { $0.isNewline || $0.isWhitespace ? " " : $0 })
        line.unicodeScalars.removeAll { $0.properties.generalCategory == .control }
        for card in cards { line = replacing(card.value, with: card.masked, in: line) }
        return String(maskingDigits(line).prefix(limit))
    }

    static func cleaned(_ body: [UInt8], cards: [CardNumber]) -> String? {
        guard let text = String(validating: body.prefix(4096), as: UTF8.self) else { return nil }
        let line = cleaned(text, cards: cards)
        return line.allSatisfy { $0 == " " } ? nil : line
    }

    private static func replacing(_ part: String, with replacement: String, in text: String) -> String {
        guard !part.isEmpty else { return text }
        return text.split(separator: part, omittingEmptySubsequences: false).joined(separator: replacement)
    }

    private static func maskingDigits(_ text: String) -> String {
        var masked = ""
        var run = ""
        func flush() {
            masked += run.utf8.count >= 12 ? "…" + run.suffix(4) : run
            run = ""
        }
        for character in text {
            if character.isASCII, character.isNumber {
                run.append(character)
            } else {
                flush()
                masked.append(character)
            }
        }
        flush()
        return masked
    }
}
