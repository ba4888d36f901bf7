public import LoyaltyModel

/// The application identifiers of one code with their values: out of an element string or of a GS1 Digital Link URI.
///
/// It may hold anything a code may hold, so its text forms show no value.
public struct GS1Message: Sendable, Hashable {
    public struct Element: Sendable, Hashable {
        /// `01`, `8018`.
        public let identifier: String
        /// Checked against the table: characters, length, check digit.
        public let value: [UInt8]
        /// Whether the value is a GS1 key of digits alone that proves itself by its check digit.
        let isCheckedKey: Bool
    }

    /// In the order of the code.
    public let elements: [Element]
    public let isDigitalLink: Bool

    /// The value of an identifier, the first where it stands twice.
    public func value(of identifier: String) -> [UInt8]? { element(identifier)?.value }

    func element(_ identifier: String) -> Element? { elements.first { $0.identifier == identifier } }

    /// The identifier of a Global Service Relation Number of a recipient: membership cards.
    public static let membership = "8018"

    static let separator: UInt8 = 0x1d

    /// Reads the content of a scan the way its carrier is meant: an element string where FNC1 says so, a Digital Link where a
    /// two-dimensional code holds a URL. Readers that do not tell the carrier get the benefit of the doubt.
    ///
    /// - Throws: `cards.gs1_syntax` where the carrier promises GS1 data and they are none; the message quotes no value.
    /// - Returns: nil where the scan is no GS1 message and does not claim to be one.
    public static func read(_ scan: DecodedScan) throws(LoyaltyError) -> GS1Message? {
        guard scan.entry != .msr else { return nil }
        switch scan.gs1Carrier {
        case .elementString: return try GS1Message(elementString: scan.text)
        case .perhapsLink: return GS1Message.looksLikeLink(scan.text) ? try? GS1Message(digitalLink: scan.text) : nil
        case .unknown:
            if GS1Message.looksLikeLink(scan.text) { return try? GS1Message(digitalLink: scan.text) }
            return try? GS1Message(elementString: scan.text)
        case .none: return nil
        }
    }

    /// Reads element strings: identifiers with values of predefined length, or ended by GS or the data (General Specifications
    /// 7.8). One GS in front, as scanners send for the first FNC1, is skipped.
    ///
    /// - Throws: `cards.gs1_syntax`
    public init(elementString bytes: [UInt8]) throws(LoyaltyError) {
        var rest = bytes[...]
        if rest.first == Self.separator { rest = rest.dropFirst() }
        guard !rest.isEmpty else { throw Self.flaw("there are no GS1 data") }
        var elements: [Element] = []
        while !rest.isEmpty {
            guard let identifier = Self.identifier(rest) else {
                throw Self.flaw("the data do not go on with an application identifier")
            }
            rest = rest.dropFirst(identifier.code.utf8.count)
            let value: ArraySlice<UInt8>
            if let length = ApplicationIdentifier.predefinedLength(identifier.code) {
                value = rest.prefix(length)
                rest = rest.dropFirst(length)
                // Not needed here, and sent by some printers all the same.
                if rest.first == Self.separator { rest = rest.dropFirst() }
            } else {
                value = rest.prefix { $0 != Self.separator }
                rest = rest.dropFirst(value.count + 1)
            }
            elements.append(try Self.element(identifier, value))
        }
        self.elements = elements
        isDigitalLink = false
    }

    private static func identifier(_ bytes: ArraySlice<UInt8>) -> ApplicationIdentifier? {
        for length in 2...4 {
            let code = bytes.prefix(length)
            guard code.count == length, code.allSatisfy(\.isASCIIDigit) else { return nil }
            if let identifier = ApplicationIdentifier.of(String(decoding: code, as: UTF8.self)) { return identifier }
        }
        return nil
    }

    static func element(_ identifier: ApplicationIdentifier, _ value: ArraySlice<UInt8>) throws(LoyaltyError) -> Element
    {
        guard identifier.accepts(value) else {
            throw flaw("the value of application identifier (\(identifier.code)) is not of its form")
        }
        return Element(identifier: identifier.code, value: Array(value), isCheckedKey: identifier.isCheckedKey)
    }

    init(linked elements: [Element]) {
        self.elements = elements
        isDigitalLink = true
    }

    static func flaw(_ message: String) -> LoyaltyError { LoyaltyError(.gs1Syntax, message) }
}

extension GS1Message: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { elements.map { "(\($0.identifier))…" }.joined() }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["identifiers": elements.map(\.identifier)]) }
}

extension GS1Message.Element: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "(\(identifier))…" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["identifier": identifier]) }
}

extension DecodedScan {
    enum GS1Carrier { case elementString, perhapsLink, unknown, none }

    /// What the symbology says about the content (General Specifications 5.1.3): ]C1, ]e0, ]d2, ]Q3, ]J1 hold element strings,
    /// the other two-dimensional codes may hold a Digital Link.
    var gs1Carrier: GS1Carrier {
        guard let aim else {
            switch symbology {
            case nil: return .unknown
            case .gs1128?, .databar?: return .elementString
            case .qr?, .dataMatrix?, .dotCode?: return .unknown
            default: return .none
            }
        }
        switch aim.description {
        case "]C1", "]e0", "]d2", "]Q3", "]J1": return .elementString
        default: return aim.symbology == .qr || aim.symbology == .dataMatrix ? .perhapsLink : .none
        }
    }
}

extension LoyaltyError.Code {
    /// A code that promises GS1 data holds none, or damaged ones.
    public static let gs1Syntax = Self("cards.gs1_syntax", kind: .badData)
}
