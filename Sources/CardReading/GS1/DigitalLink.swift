public import LoyaltyModel

extension GS1Message {
    /// Reads a GS1 Digital Link URI (GS1 Digital Link Standard: URI Syntax 1.4, section 4), uncompressed and with numeric keys:
    /// `https://example.com/some/stem/01/09521234543213/10/ABC?99=X`.
    ///
    /// The scheme is all lower or all upper case. The last primary key that the path can be read from counts; its qualifiers
    /// follow in their order. Of the query, only keys of digits belong to the message.
    ///
    /// - Throws: `cards.gs1_syntax`
    public init(digitalLink bytes: [UInt8]) throws(LoyaltyError) {
        guard Self.looksLikeLink(bytes), bytes.allSatisfy({ (0x21...0x7e).contains($0) }),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
        else { throw Self.flaw("it is no web address") }
        let address = bytes[(colon + 3)...].prefix { $0 != UInt8(ascii: "#") }
        let path = address.prefix { $0 != UInt8(ascii: "?") }
        var elements = try Self.elements(path: path)
        elements += try Self.elements(query: address.dropFirst(path.count + 1))
        self.init(linked: elements)
    }

    static func looksLikeLink(_ bytes: [UInt8]) -> Bool {
        let schemes = ["https://", "HTTPS://", "http://", "HTTP://"]
        return schemes.contains { bytes.starts(with: $0.utf8) }
    }

    private static func elements(path: ArraySlice<UInt8>) throws(LoyaltyError) -> [Element] {
        var segments = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst()
        if segments.last?.isEmpty == true { segments = segments.dropLast() }
        let texts = segments.map { String(decoding: $0, as: UTF8.self) }
        // From the end in pairs, since a stem may look like a key.
        var start = texts.count - 2
        while start >= 0, qualifiers[texts[start]] == nil { start -= 2 }
        guard start >= 0, let allowed = qualifiers[texts[start]] else { throw flaw("the address holds no GS1 key") }
        var elements: [Element] = []
        var order = allowed[...]
        for index in stride(from: start, to: texts.count - 1, by: 2) {
            let code = texts[index]
            if index > start {
                guard let place = order.firstIndex(of: code) else {
                    throw flaw("(\(code)) does not belong behind its key in the address")
                }
                order = order[(place + 1)...]
            }
            elements.append(try linked(code, segments[segments.startIndex + index + 1]))
        }
        return elements
    }

    private static func elements(query: ArraySlice<UInt8>) throws(LoyaltyError) -> [Element] {
        var elements: [Element] = []
        for part in query.split(whereSeparator: { $0 == UInt8(ascii: "&") || $0 == UInt8(ascii: ";") }) {
            let key = part.prefix { $0 != UInt8(ascii: "=") }
            guard key.count < part.count, key.allSatisfy(\.isASCIIDigit) else { continue }
            elements.append(try linked(String(decoding: key, as: UTF8.self), part.dropFirst(key.count + 1)))
        }
        return elements
    }

    private static func linked(_ code: String, _ encoded: ArraySlice<UInt8>) throws(LoyaltyError) -> Element {
        guard let identifier = ApplicationIdentifier.of(code) else {
            throw flaw("there is no application identifier (\(code))")
        }
        guard var value = percentDecoded(encoded) else {
            throw flaw("the value of (\(code)) is not encoded as in a web address")
        }
        // A GTIN may stand there in its short forms.
        if code == "01", [8, 12, 13].contains(value.count) {
            value = [UInt8](repeating: UInt8(ascii: "0"), count: 14 - value.count) + value
        }
        return try element(identifier, value[...])
    }

    /// RFC 3986 2.1. Nil for `%` without two hexadecimal digits.
    private static func percentDecoded(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        var decoded: [UInt8] = []
        var index = bytes.startIndex
        while index < bytes.endIndex {
            guard bytes[index] == UInt8(ascii: "%") else {
                decoded.append(bytes[index])
                index += 1
                continue
            }
            let digits = bytes[(index + 1)...].prefix(2)
            guard digits.count == 2, digits.allSatisfy({ $0.isASCIIDigit || $0.isASCIILetter }),
                let byte = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            else { return nil }
            decoded.append(byte)
            index += 3
        }
        return decoded
    }

    /// Primary keys, each with its qualifiers in the order in which they may follow.
    private static let qualifiers: [String: [String]] = [
        "00": [], "01": ["22", "10", "21", "235"], "253": [], "255": [], "401": [], "402": [], "414": ["254", "7040"],
        "417": ["7040"], "8003": [], "8004": ["7040"], "8006": ["22", "10", "21"], "8010": ["8011"], "8013": [],
        "8017": ["8019"], "8018": ["8019"],
    ]
}
