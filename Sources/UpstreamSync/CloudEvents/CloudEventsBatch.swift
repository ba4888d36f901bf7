public import LoyaltyModel

/// Events on their way to the back end in one request: the batched content mode of the CloudEvents HTTP protocol binding 1.0,
/// section 3.3.
public struct CloudEventsBatch: Hashable, Sendable {
    public static let contentType = "application/cloudevents-batch+json; charset=utf-8"

    public var events: [OutboundEvent]

    public init(_ events: [OutboundEvent]) { self.events = events }

    /// The request body, UTF-8. The bytes of each event's `data` stand in it as they are; where an event carries a card, its
    /// number comes first in `data` as `"card":{"number":"…"}`.
    public func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(2 + events.reduce(0) { $0 + Self.encodedSize($1) })
        bytes.append(UInt8(ascii: "["))
        for (index, event) in events.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            Self.append(event, to: &bytes)
        }
        bytes.append(UInt8(ascii: "]"))
        return bytes
    }

    /// About how many bytes an event takes.
    static func encodedSize(_ event: OutboundEvent) -> Int { event.data.count + 512 }

    /// Whether `data` looks like the JSON object that it must be; anything else would make the whole batch unreadable.
    static func canEncode(_ event: OutboundEvent) -> Bool {
        let isBlank = { (byte: UInt8) in byte == 0x20 || (0x09...0x0d).contains(byte) }
        return event.data.first { !isBlank($0) } == UInt8(ascii: "{")
            && event.data.last { !isBlank($0) } == UInt8(ascii: "}")
    }

    private static func append(_ event: OutboundEvent, to bytes: inout [UInt8]) {
        bytes += Array(#"{"specversion":"1.0","id":"#.utf8)
        appendString(event.id, to: &bytes)
        bytes += Array(#","source":"#.utf8)
        appendString(event.source, to: &bytes)
        bytes += Array(#","type":"#.utf8)
        appendString(event.type, to: &bytes)
        if let subject = event.subject {
            bytes += Array(#","subject":"#.utf8)
            appendString(subject, to: &bytes)
        }
        bytes += Array(#","time":"#.utf8)
        appendString(event.time.description, to: &bytes)
        bytes += Array(#","datacontenttype":"application/json","data":"#.utf8)
        appendData(of: event, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }

    private static func appendData(of event: OutboundEvent, to bytes: inout [UInt8]) {
        guard let card = event.card, let brace = event.data.firstIndex(of: UInt8(ascii: "{")) else {
            bytes += event.data
            return
        }
        let members = event.data[(brace + 1)...]
        bytes += Array(#"{"card":{"number":"#.utf8)
        appendString(card.value, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
        let next = members.first { $0 != 0x20 && !(0x09...0x0d).contains($0) }
        if next != UInt8(ascii: "}") { bytes.append(UInt8(ascii: ",")) }
        bytes += members
    }

    /// A JSON string with its quotes (RFC 8259, section 7).
    private static func appendString(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20:
                let hex = String(byte, radix: 16)
                bytes += Array("\\u00\(hex.utf8.count < 2 ? "0" : "")\(hex)".utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
