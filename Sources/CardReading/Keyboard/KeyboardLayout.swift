/// Which character each key of a keyboard stands for: usage of HID page 07 to character, per shift level.
///
/// A keyboard wedge sends keys, not characters, so this must be the layout that the reader is programmed for.
public struct KeyboardLayout: Sendable {
    /// `us`, `gb`, `de`, `fr`, `be`, `es`, `it`, `ch`, `pt`, `se`, `dk` or `no`; of XKB's layouts the name that XKB gives them,
    /// such as `pl` or `us(dvorak)`.
    public let name: String
    /// By level.
    private let tables: [[Key]]
    /// What Caps Lock makes of them.
    private let capsLockedTables: [[Key]]

    /// The keys held down with a key: Shift, AltGr, both or none.
    public enum Level: Int, Sendable, CaseIterable { case plain, shifted, alternate, shiftedAlternate }

    /// A character; a dead key waits for the key after it.
    public struct Key: Sendable, Hashable {
        public let scalar: Unicode.Scalar
        public let isDead: Bool
        static let none = Key(scalar: "\0", isDead: false)

        public init(_ scalar: Unicode.Scalar, isDead: Bool = false) {
            self.init(scalar: scalar, isDead: isDead)
        }

        fileprivate init(scalar: Unicode.Scalar, isDead: Bool) {
            self.scalar = scalar
            self.isDead = isDead
        }
    }

    /// The layout of that name, nil where this module has none.
    public init?(named name: String) {
        guard let layout = Self.all.first(where: { $0.name == name }) else { return nil }
        self = layout
    }

    /// A layout out of the characters of its keys.
    ///
    /// - Parameters:
    ///   - keys: usages of page 07 from 04 to 8B; what is not named has no character. Of the keypad the plain
    ///     level counts, with NumLock on.
    ///   - capsLockedKeys: the same with Caps Lock on.
    public init(name: String, keys: [Level: [UInt8: Key]], capsLockedKeys: [Level: [UInt8: Key]]) {
        func tables(_ keys: [Level: [UInt8: Key]]) -> [[Key]] {
            Level.allCases.map { level in
                var table = Array(repeating: Key.none, count: Self.usageCount)
                for (usage, key) in keys[level] ?? [:] where table.indices.contains(Int(usage)) {
                    table[Int(usage)] = key
                }
                return table
            }
        }
        self.name = name
        self.tables = tables(keys)
        capsLockedTables = tables(capsLockedKeys)
    }

    /// - Parameters:
    ///   - keys: what differs from `base`: usage in hex, plain and shifted character, separated by blanks; a `*` behind a
    ///     character marks a dead key.
    ///   - alternate: usage in hex and the character with AltGr, with Shift and without.
    init(name: String, base: KeyboardLayout?, keys: String, alternate: String) {
        let none = Array(repeating: Key.none, count: Self.usageCount)
        var plain = base?.tables[Level.plain.rawValue] ?? none
        var shifted = base?.tables[Level.shifted.rawValue] ?? none
        var third = none
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
        tables = [plain, shifted, third, third]
        // Caps Lock turns the case of letters.
        var locked = (plain: plain, shifted: shifted)
        for usage in plain.indices where plain[usage].scalar.properties.isLowercase {
            (locked.plain[usage], locked.shifted[usage]) = (shifted[usage], plain[usage])
        }
        capsLockedTables = [locked.plain, locked.shifted, third, third]
    }

    /// The last with a character is 89, Yen on Japanese keyboards; 8A and 8B shift between scripts.
    static let usageCount = 0x8c

    private static func key(_ token: Substring) -> Key {
        guard let scalar = token.unicodeScalars.first else { return .none }
        return Key(scalar: scalar, isDead: token.unicodeScalars.count == 2 && token.hasSuffix("*"))
    }

    /// nil where the key has no character on that level.
    public func key(_ usage: UInt8, _ level: Level, isCapsLocked: Bool = false) -> Key? {
        // Usages 31 and 32 are one key with two names (HID Usage Tables 1.12, page 07, notes 2 and 3).
        let index = usage == 0x31 ? 0x32 : Int(usage)
        guard index < Self.usageCount else { return nil }
        let key = (isCapsLocked ? capsLockedTables : tables)[level.rawValue][index]
        return key == .none ? nil : key
    }

    /// Whether both have the same characters on the same keys, whatever they are called.
    public func hasSameKeys(as other: KeyboardLayout) -> Bool {
        tables == other.tables && capsLockedTables == other.capsLockedTables
    }

    /// `/ * - +`, digits, decimal, `=` and the Brazilian comma of the keypad.
    static let keypad = Set(UInt8(0x54)...0x63).subtracting([0x58]).union([0x67, 0x85])

    /// Where a character stands on this layout, the keypad apart.
    func position(of scalar: Unicode.Scalar) -> (usage: UInt8, level: Level)? {
        for level in Level.allCases {
            for usage in UInt8(4)..<UInt8(Self.usageCount)
            where !Self.keypad.contains(usage) && key(usage, level)?.scalar == scalar {
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
