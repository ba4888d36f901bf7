/// A loyalty card's number as the member sees it, in canonical form, after the payment screen.
///
/// Its text forms show at most the last four characters; only `value` holds the number itself,
/// which goes nowhere but into the keyed token and, sealed, to the back end.
public struct CardNumber: Hashable, Sendable {
    public let value: String

    public static let maximumLength = 64

    /// Brings a number into the form that members are compared by: surrounding blanks go, and a 12-digit number with a
    /// valid check digit is read as UPC-A, the 13-digit EAN with a leading zero (GS1 General Specifications, 12-digit GTIN).
    /// The rule looks at the digits alone, so a card is the same card in the member file, on a keyboard wedge and
    /// behind an AIM identifier.
    ///
    /// - Returns: nil for nothing, for more than 64 characters, or for characters outside printable ASCII.
    public init?(_ text: some StringProtocol) {
        var bytes = Array(text.utf8)
        while let last = bytes.last, last == 0x20 { bytes.removeLast() }
        while let first = bytes.first, first == 0x20 { bytes.removeFirst() }
        guard !bytes.isEmpty, bytes.count <= Self.maximumLength, bytes.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            return nil
        }
        if bytes.count == 12, Self.hasValidCheckDigit(bytes) { bytes.insert(UInt8(ascii: "0"), at: 0) }
        value = String(decoding: bytes, as: UTF8.self)
    }

    /// Takes a number as it stands: one of another program, or one that was brought into its form before.
    ///
    /// - Returns: nil as for `init(_:)`, and for blanks at the ends.
    public init?(verbatim text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty, bytes.count <= Self.maximumLength, bytes.allSatisfy({ (0x20...0x7e).contains($0) }),
            bytes.first != 0x20, bytes.last != 0x20
        else { return nil }
        value = String(text)
    }

    /// `…0017`: the last four characters, fewer where the number is so short that they would give it away.
    public var masked: String {
        let shown = min(4, value.utf8.count / 3)
        return "…" + value.suffix(shown)
    }

    /// The GS1 mod-10 check: weights 3 and 1 from the right over all digits but the last
    /// (GS1 General Specifications 7.9.1). False where a byte is not a digit.
    @inlinable
    public static func hasValidCheckDigit(_ digits: some Collection<UInt8>) -> Bool {
        // Sums of every other digit; with each digit they change places, so that the check digit is in the first.
        var (single, triple) = (0, 0)
        for byte in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return false }
            (single, triple) = (triple + Int(byte - UInt8(ascii: "0")), single)
        }
        return !digits.isEmpty && (single + 3 * triple).isMultiple(of: 10)
    }
}

extension CardNumber: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { masked }
    public var debugDescription: String { masked }
    public var customMirror: Mirror { Mirror(self, children: ["masked": masked]) }
}

/// How a card came to be known (vocabulary of the till protocol).
public enum CardEntry: String, Sendable, Codable, CaseIterable { case scanned, msr, nfc, keyed, lookup, till }

/// What kind of identifier a card value is.
public enum CardIdentifierKind: String, Sendable, Codable, CaseIterable {
    case card, phone, email
    case appCode = "app_code"
    case receiptCode = "receipt_code"
    case memberID = "member_id"
}

/// A reader's stable name: bus port path, interface and usage page, such as `usb-1-1.2:0`.
public struct ReaderID: Hashable, Sendable, Codable, CustomStringConvertible {
    public let name: String
    public init(_ name: String) { self.name = name }
    public var description: String { name }

    public init(from decoder: any Decoder) throws { self.init(try decoder.singleValueContainer().decode(String.self)) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}
