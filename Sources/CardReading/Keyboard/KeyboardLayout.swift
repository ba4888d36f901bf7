/// Which character each key of a keyboard stands for: usage of HID page 07 to character, per shift level.
///
/// A keyboard wedge sends keys, not characters, so this must be the layout that the reader is programmed for.
public struct KeyboardLayout: Sendable {
    /// `us`, `gb`, `de`, `fr`, `be`, `es`, `it`, `ch`, `pt`, `se`, `dk` or `no`.
    public let name: String
    private let plain: [Key]
    private let shifted: [Key]
    private let alternate: [Key]

    enum Level: CaseIterable { case plain, shifted, alternate }

    /// A character; a dead key waits for the key after it.
    struct Key: Sendable, Hashable {
        let scalar: Unicode.Scalar
        let isDead: Bool
        static let none = Key(scalar: "\0", isDead: false)
    }

    /// The layout of that name, nil for an unknown one.
    public init?(named name: String) {
        guard let layout = Self.all.first(where: { $0.name == name }) else { return nil }
        self = layout
    }

    /// - Parameters:
    ///   - keys: what differs from `base`: usage in hex, plain and shifted character, separated by blanks; a `*` behind a
    ///     character marks a dead key.
    ///   - alternate: usage in hex and the character with AltGr.
    init(name: String, base: KeyboardLayout?, keys: String, alternate: String) {
        var plain = base?.plain ?? Array(repeating: Key.none, count: Self.usageCount)
        var shifted = base?.shifted ?? plain
        var third = Array(repeating: Key.none, count: Self.usageCount)
        let tokens = keys.split(separator: " ")
        for start in stride(from: 0, to: tokens.count - 2, by: 3) {
            guard let usage = Int(tokens[start], radix: 16), usage < Self.usageCount else { continue }
            plain[usage] = Self.key(tokens[start + 1])
            shifted[usage] = Self.key(tokens[start + 2])
        }
        let pairs = alternate.split(separator: " ")
        for start in stride(from: 0, to: pairs.count - 1, by: 2) {
            guard let usage = Int(pairs[start], radix: 16), usage < Self.usageCount else { continue }
            third[usage] = Self.key(pairs[start + 1])
        }
        self.name = name
        self.plain = plain
        self.shifted = shifted
        self.alternate = third
    }

    static let usageCount = 0x65

    private static func key(_ token: Substring) -> Key {
        guard let scalar = token.unicodeScalars.first else { return .none }
        return Key(scalar: scalar, isDead: token.unicodeScalars.count == 2 && token.hasSuffix("*"))
    }

    /// nil where the key has no character on that level.
    func key(_ usage: UInt8, _ level: Level) -> Key? {
        // Usages 31 and 32 are one key with two names (HID Usage Tables 1.12, page 07, notes 2 and 3).
        let index = usage == 0x31 ? 0x32 : Int(usage)
        guard index < Self.usageCount else { return nil }
        let key =
            switch level {
            case .plain: plain[index]
            case .shifted: shifted[index]
            case .alternate: alternate[index]
            }
        return key == .none ? nil : key
    }

    /// Where a character stands on this layout.
    func position(of scalar: Unicode.Scalar) -> (usage: UInt8, level: Level)? {
        for level in Level.allCases {
            for usage in UInt8(4)..<UInt8(Self.usageCount) where key(usage, level)?.scalar == scalar {
                return (usage, level)
            }
        }
        return nil
    }
}

extension KeyboardLayout: Hashable, CustomStringConvertible {
    public static func == (left: KeyboardLayout, right: KeyboardLayout) -> Bool { left.name == right.name }
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
    public var description: String { name }
}

extension KeyboardLayout {
    /// The layout under which a scan that looks wrong would be an article number: the classic sign of a reader programmed
    /// for another layout is `&é"'(` in place of digits.
    ///
    /// - Returns: nil where the text is fine as it is, or no layout makes it better.
    public static func suggestion(for text: [UInt8], readWith layout: KeyboardLayout) -> KeyboardLayout? {
        guard text.count <= 64, !text.allSatisfy(\.isASCIIDigit) else { return nil }
        let positions = String(decoding: text, as: UTF8.self).unicodeScalars.map { layout.position(of: $0) }
        return all.first { candidate in
            guard candidate != layout else { return false }
            var digits: [UInt8] = []
            for position in positions {
                guard let position, let key = candidate.key(position.usage, position.level),
                    let digit = UInt8(exactly: key.scalar.value), digit.isASCIIDigit
                else { return false }
                digits.append(digit)
            }
            return ArticleNumber.isPlausible(digits)
        }
    }
}
