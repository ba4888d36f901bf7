import FoundationEssentials
public import LoyaltyModel

/// Writes what goes to the till: one JSON object per line, keys sorted, ended by a line feed.
public struct AnswerLine: Sendable {
    /// UTF-8 with the line feed.
    public let bytes: [UInt8]

    public init(_ answer: TillAnswer) {
        bytes =
            Self.encode(answer)
            ?? Array(#"{"ack":"","code":"till.internal","result":"rejected","v":1}"#.utf8) + [UInt8(ascii: "\n")]
    }

    /// Nil only where the notice cannot be written as JSON, which its types rule out.
    public init?(_ notice: TillNotice) {
        let bytes =
            switch notice {
            case .cardScanned(let notice): Self.encode(notice)
            case .readerState(let notice): Self.encode(notice)
            }
        guard let bytes else { return nil }
        self.bytes = bytes
    }

    private static func encode(_ value: some Encodable) -> [UInt8]? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return nil }
        return Array(data) + [UInt8(ascii: "\n")]
    }
}
