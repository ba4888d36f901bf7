import LoyaltyModel

/// One GS1 application identifier: what its value may look like (GS1 General Specifications 3.2, release 25.0).
struct ApplicationIdentifier: Sendable, Hashable {
    /// A run of characters in a value.
    struct Component: Sendable, Hashable {
        enum CharacterSet: Character, Sendable { case digits = "N", set82 = "X", set39 = "Y", set64 = "Z" }

        var characters: CharacterSet
        var lengths: ClosedRange<Int>
        /// Whether its last digit is a GS1 mod-10 check digit.
        var hasCheckDigit: Bool
    }

    let code: String
    let components: [Component]

    /// Whether the value is a GS1 key of digits alone that proves itself by its check digit, such as SSCC, GTIN, GSRN.
    var isCheckedKey: Bool { components.count == 1 && components[0].hasCheckDigit }

    var lengths: ClosedRange<Int> {
        components.reduce(0) { $0 + $1.lengths.lowerBound }...components.reduce(0) { $0 + $1.lengths.upperBound }
    }

    static func of(_ code: String) -> ApplicationIdentifier? { table[code] }

    /// The length of value where no separator follows (General Specifications 7.8.5, predefined lengths), by the first two
    /// digits of the identifier; nil: the value ends with a separator or with the data.
    static func predefinedLength(_ code: String) -> Int? {
        guard let whole = predefined[String(code.prefix(2))] else { return nil }
        return whole - code.utf8.count
    }

    /// Lengths with the identifier.
    private static let predefined: [String: Int] = [
        "00": 20, "01": 16, "02": 16, "03": 16, "04": 18, "11": 8, "12": 8, "13": 8, "14": 8, "15": 8, "16": 8, "17": 8,
        "18": 8, "19": 8, "20": 4, "31": 10, "32": 10, "33": 10, "34": 10, "35": 10, "36": 10, "41": 16,
    ]

    func accepts(_ value: ArraySlice<UInt8>) -> Bool {
        guard lengths.contains(value.count) else { return false }
        var rest = value
        for component in components {
            let part = rest.prefix(component.lengths.upperBound)
            guard component.lengths.contains(part.count), part.allSatisfy(component.characters.contains) else {
                return false
            }
            if component.hasCheckDigit, !CardNumber.hasValidCheckDigit(part) { return false }
            rest = rest.dropFirst(part.count)
        }
        return rest.isEmpty
    }

    // MARK: The table

    private static let table: [String: ApplicationIdentifier] = {
        var table: [String: ApplicationIdentifier] = [:]
        for row in rows.split(separator: "\n") {
            let words = row.split(separator: " ")
            let components = words.dropFirst().compactMap(component)
            guard let names = words.first else { continue }
            for code in codes(names) { table[code] = ApplicationIdentifier(code: code, components: components) }
        }
        return table
    }()

    /// `01`, `11-13`, or `310-316/5`: each with one more digit from 0 to 5.
    private static func codes(_ text: Substring) -> [String] {
        let parts = text.split(separator: "/")
        let ends = parts[0].split(separator: "-")
        guard let first = Int(ends[0]), let last = Int(ends[ends.count - 1]), first <= last else { return [] }
        let width = ends[0].utf8.count
        return (first...last).flatMap { number -> [String] in
            let digits = String(number)
            let code = String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
            guard parts.count == 2, let highest = Int(parts[1]) else { return [code] }
            return (0...highest).map { code + String($0) }
        }
    }

    /// `N13` exactly, `X..20` 1 to 20, `[N4]` 0 or 4 as 0 to 4, `N18!` with a check digit.
    private static func component(_ text: Substring) -> Component? {
        let isOptional = text.hasPrefix("[")
        var body = text.filter { $0 != "[" && $0 != "]" }
        let hasCheckDigit = body.hasSuffix("!")
        if hasCheckDigit { body.removeLast() }
        guard let letter = body.first, let characters = Component.CharacterSet(rawValue: letter),
            let length = Int(body.dropFirst().filter { $0 != "." })
        else { return nil }
        let lowest = isOptional ? 0 : body.contains(".") ? 1 : length
        return Component(characters: characters, lengths: lowest...length, hasCheckDigit: hasCheckDigit)
    }

    private static let rows = """
        00 N18!
        01-03 N14!
        10 X..20
        11-13 N6
        15-17 N6
        20 N2
        21-22 X..20
        235 X..28
        240-241 X..30
        242 N..6
        243 X..20
        250-251 X..30
        253 N13! [X..17]
        254 X..20
        255 N13! [N..12]
        30 N..8
        310-316/5 N6
        320-337/5 N6
        340-357/5 N6
        360-369/5 N6
        37 N..8
        390/9 N..15
        391/9 N3 N..15
        392/9 N..15
        393/9 N3 N..15
        394/3 N4
        395/5 N6
        400-401 X..30
        402 N17!
        403 X..30
        410-417 N13!
        420 X..20
        421 N3 X..9
        422 N3
        423 N3 [N..12]
        424 N3
        425 N3 [N..12]
        426 N3
        427 X..3
        4300-4301 X..35
        4302-4306 X..70
        4307 X2
        4308 X..30
        4309 N20
        4310-4311 X..35
        4312-4316 X..70
        4317 X2
        4318 X..20
        4319 X..30
        4320 X..35
        4321-4323 N1
        4324-4325 N10
        4326 N6
        4330-4333 N6 [X1]
        7001 N13
        7002 X..30
        7003 N10
        7004 N..4
        7005 X..12
        7006 N6
        7007 N6 [N6]
        7008 X..3
        7009 X..10
        7010 X..2
        7011 N6 [N4]
        7020-7022 X..20
        7023 X..30
        703/9 N3 X..27
        7040 N1 X3
        7041 X..4
        710-717 X..20
        723/9 X2 X..28
        7240 X..20
        7241 N2
        7242 X..25
        7250 N8
        7251 N12
        7252 N1
        7253-7254 X..40
        7255 X..10
        7256 X..90
        7257 X..70
        7258 X3
        7259 X..40
        8001 N14
        8002 X..20
        8003 N14! [X..16]
        8004 X..30
        8005 N6
        8006 N14! N4
        8007 X..34
        8008 N8 [N..4]
        8009 X..50
        8010 Y..30
        8011 N..12
        8012 X..20
        8013 X..25
        8014 X..25
        8017-8018 N18!
        8019 N..10
        8020 X..25
        8026 N14! N4
        8030 Z..90
        8110 X..70
        8111 N4
        8112 X..70
        8200 X..70
        90 X..30
        91-99 X..90
        """
}

extension ApplicationIdentifier.Component.CharacterSet {
    /// The sets of General Specifications 7.11. None holds the caret, which some programs print where FNC1 stands.
    func contains(_ byte: UInt8) -> Bool {
        switch self {
        case .digits: byte.isASCIIDigit
        case .set82: byte.isASCIIDigit || byte.isASCIILetter || Self.punctuation82.contains(byte)
        case .set39:
            byte.isASCIIDigit || (0x41...0x5a).contains(byte)
                || [UInt8(ascii: "#"), UInt8(ascii: "-"), UInt8(ascii: "/")].contains(byte)
        case .set64:
            byte.isASCIIDigit || byte.isASCIILetter
                || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "=")].contains(byte)
        }
    }

    private static let punctuation82 = Set(#"!"%&'()*+,-./_:;<=>?"#.utf8)
}
