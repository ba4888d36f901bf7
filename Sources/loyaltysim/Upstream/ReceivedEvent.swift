import FoundationEssentials
import LoyaltyModel

/// One CloudEvent as it came in: the parts that the back end reads, and its text.
struct ReceivedEvent: Sendable {
    /// What counts of `data`. Everything else in it is kept in the text and not looked at.
    struct Payload: Decodable, Sendable {
        struct Accrual: Decodable, Sendable {
            var currency: String?
            var total: DecimalNumber
        }

        var kind: String?
        var seq: Int64?
        var member: String?
        var cardToken: String?
        var points: [Accrual]?

        private enum CodingKeys: String, CodingKey {
            case kind, seq, member, points
            case cardToken = "card_token"
        }
    }

    private struct Envelope: Decodable {
        var specversion: String?
        var id: String?
        var source: String?
        var type: String?
        var subject: String?
        var time: String?
        var datacontenttype: String?
        var data: Payload?
    }

    struct Identity: Hashable, Sendable {
        var source: String
        var id: String
    }

    var identity: Identity
    var subject: String?
    var payload: Payload
    /// The event as one line of JSON, blanks outside strings removed.
    var text: [UInt8]

    /// Whose order it belongs to.
    var member: String { payload.member ?? payload.cardToken ?? subject ?? "" }

    /// Checks the required attributes (CloudEvents 1.0, "Required attributes") and what loyaltyd promises beyond them.
    ///
    /// - Throws: `sim.event` with a sentence about what is missing.
    init(text: [UInt8]) throws(LoyaltyError) {
        let envelope: Envelope
        do { envelope = try JSONDecoder().decode(Envelope.self, from: Data(text)) } catch {
            throw LoyaltyError(.simulatorEvent, "not a JSON object of the right shape: \(Self.words(error))")
        }
        func required(_ value: String?, _ name: String) throws(LoyaltyError) -> String {
            guard let value, !value.isEmpty else { throw LoyaltyError(.simulatorEvent, "\(name) is missing") }
            return value
        }
        guard envelope.specversion == "1.0" else { throw LoyaltyError(.simulatorEvent, "specversion is not 1.0") }
        identity = Identity(
            source: try required(envelope.source, "source"), id: try required(envelope.id, "id"))
        _ = try required(envelope.type, "type")
        _ = try Timestamp(required(envelope.time, "time"))
        guard envelope.datacontenttype == "application/json" else {
            throw LoyaltyError(.simulatorEvent, "datacontenttype is not application/json")
        }
        guard let data = envelope.data else { throw LoyaltyError(.simulatorEvent, "data is missing") }
        subject = envelope.subject
        payload = data
        self.text = text
    }

    /// The id of an event that may be wrong otherwise, so that the answer can name it.
    static func id(in text: [UInt8]) -> String? {
        struct Named: Decodable { var id: String }
        return (try? JSONDecoder().decode(Named.self, from: Data(text)))?.id
    }

    /// Where decoding stopped. The standard description would repeat values, among them a card number.
    private static func words(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "unreadable" }
        let context: DecodingError.Context
        switch error {
        case .typeMismatch(_, let found), .valueNotFound(_, let found), .keyNotFound(_, let found),
            .dataCorrupted(let found):
            context = found
        @unknown default: return "unreadable"
        }
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return path.isEmpty ? "unreadable" : "wrong value at \(path)"
    }
}

extension LoyaltyError.Code {
    static let simulatorEvent = Self("sim.event", kind: .badData)
}

/// Takes a JSON array apart, or a single object, without reading the elements: bytes between strings lose their blanks,
/// all else stays as it came, so that no figure passes through a number type.
///
/// - Returns: nil where brackets or quotes do not close.
func jsonElements(_ bytes: some Sequence<UInt8>) -> [[UInt8]]? {
    var elements: [[UInt8]] = []
    var element: [UInt8] = []
    var depth = 0
    var isArray = false
    var inString = false
    var escaped = false
    var ended = false
    for byte in bytes {
        if inString {
            element.append(byte)
            if escaped {
                escaped = false
            } else if byte == UInt8(ascii: "\\") {
                escaped = true
            } else if byte == UInt8(ascii: "\"") {
                inString = false
            }
            continue
        }
        if byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { continue }
        guard !ended else { return nil }
        switch byte {
        case UInt8(ascii: "[") where depth == 0:
            isArray = true
            depth = 1
            continue
        case UInt8(ascii: ",") where depth == 1 && isArray:
            guard !element.isEmpty else { return nil }
            elements.append(element)
            element = []
            continue
        case UInt8(ascii: "]") where depth == 1 && isArray:
            guard !element.isEmpty || elements.isEmpty else { return nil }
            ended = true
            depth = 0
            continue
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            depth -= 1
            if depth < 0 { return nil }
            if depth == 0 { ended = true }
        case UInt8(ascii: "\""): inString = true
        default: break
        }
        guard depth > 0 || ended else { return nil }
        element.append(byte)
    }
    guard ended, !inString else { return nil }
    if !element.isEmpty { elements.append(element) }
    return elements
}
