import LoyaltyModel

/// Finds out whether a keyboard wedge is programmed for another layout than the settings say, by scans that make no sense as
/// they are and do on another layout.
struct LayoutWatch: Sendable {
    private let layout: KeyboardLayout
    /// Where each character stands.
    private let positions: [Unicode.Scalar: Position]
    private var suspect: KeyboardLayout?
    private var count = 0
    private var hasEnded = false
    private var pending: ReaderNotice?

    private struct Position: Hashable {
        var usage: UInt8
        var level: KeyboardLayout.Level
    }

    /// One may be a code that is meant to be so.
    static let threshold = 2
    /// A stripe has at most 79, 40 and 107 characters (ISO/IEC 7811-2).
    private static let mostCharacters = 256
    /// So many signs without any letter or digit among them are no number of anybody's.
    private static let leastSigns = 6

    init(_ layout: KeyboardLayout) {
        self.layout = layout
        var positions: [Unicode.Scalar: Position] = [:]
        for level in KeyboardLayout.Level.allCases {
            for usage in UInt8(4)..<UInt8(KeyboardLayout.usageCount) where !KeyboardLayout.keypad.contains(usage) {
                guard let scalar = layout.key(usage, level)?.scalar, positions[scalar] == nil else { continue }
                positions[scalar] = Position(usage: usage, level: level)
            }
        }
        self.positions = positions
    }

    /// Keeps nothing of the scan.
    mutating func note(_ scan: DecodedScan) {
        guard !hasEnded, let first = scan.text.first else { return }
        if scan.text.allSatisfy(\.isASCIIDigit) {
            count = 0
            return
        }
        // A stripe that reads as one has its sentinels where they belong.
        guard scan.entry != .msr, first != 0x20, let suggestion = suggestion(for: scan.text) else { return }
        count = suggestion == suspect ? count + 1 : 1
        suspect = suggestion
        guard count >= Self.threshold else { return }
        pending = .otherLayout(set: layout.name, suggested: suggestion.name)
        hasEnded = true
    }

    mutating func take() -> ReaderNotice? {
        defer { pending = nil }
        return pending
    }

    /// The built-in layout under which a text that looks wrong would be a number or a stripe.
    ///
    /// - Returns: nil where the text is fine as it is, or no layout makes it better.
    func suggestion(for text: [UInt8]) -> KeyboardLayout? {
        guard text.count <= Self.mostCharacters, !text.allSatisfy(\.isASCIIDigit) else { return nil }
        var keys: [Position] = []
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
            guard let position = positions[scalar] else { return nil }
            keys.append(position)
        }
        let isMadeOfSigns = keys.count >= Self.leastSigns && !text.contains { $0.isASCIIDigit || $0.isASCIILetter }
        return KeyboardLayout.all.first { candidate in
            guard candidate != layout, var characters = Self.read(keys, on: candidate) else { return false }
            if AIMIdentifier(characters.prefix(3)) != nil { characters.removeFirst(3) }
            if characters.allSatisfy(\.isASCIIDigit) { return isMadeOfSigns || ArticleNumber.isPlausible(characters) }
            guard MagneticTracks.isTrackText(characters), let tracks = MagneticTracks(characters) else { return false }
            return tracks.candidates.contains(where: \.isNumeric)
        }
    }

    /// nil where a key has no ASCII character.
    private static func read(_ keys: [Position], on layout: KeyboardLayout) -> [UInt8]? {
        var characters: [UInt8] = []
        for key in keys {
            guard let scalar = layout.key(key.usage, key.level)?.scalar, scalar.isASCII else { return nil }
            characters.append(UInt8(truncatingIfNeeded: scalar.value))
        }
        return characters
    }
}

extension KeyboardLayout {
    /// The layout under which a scan that looks wrong would be a number or a stripe: the classic sign of a reader programmed for
    /// another layout is `&é"'(` in place of digits.
    ///
    /// - Returns: nil where the text is fine as it is, or no layout makes it better.
    public static func suggestion(for text: [UInt8], readWith layout: KeyboardLayout) -> KeyboardLayout? {
        LayoutWatch(layout).suggestion(for: text)
    }
}
