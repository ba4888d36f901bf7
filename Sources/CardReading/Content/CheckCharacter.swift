import LoyaltyModel

/// What a reader did with the optional check character of a code, by the modifier of its symbology identifier
/// (ISO/IEC 15424 table 1, for Code 39, Codabar and ITF).
enum CheckCharacter: Sendable, Hashable {
    /// None was verified: if there is one, it is part of the data.
    case notVerified
    /// Verified, and sent as the last character of the data.
    case sent
    /// Verified, and taken away.
    case stripped

    init(_ aim: AIMIdentifier) {
        switch (aim.code, aim.modifier) {
        case (UInt8(ascii: "A"), UInt8(ascii: "1")), (UInt8(ascii: "A"), UInt8(ascii: "5")),
            (UInt8(ascii: "F"), UInt8(ascii: "2")), (UInt8(ascii: "I"), UInt8(ascii: "1")):
            self = .sent
        case (UInt8(ascii: "A"), UInt8(ascii: "3")), (UInt8(ascii: "A"), UInt8(ascii: "7")),
            (UInt8(ascii: "F"), UInt8(ascii: "4")), (UInt8(ascii: "I"), UInt8(ascii: "3")):
            self = .stripped
        default: self = .notVerified
        }
    }
}

/// The forms in which one and the same number may stand in a linear code, whatever options the reader has.
enum LinearCode {
    /// The text as read first, then without check character, without the start and stop letters of Codabar, and with the check
    /// digit that the reader took from an ITF. The member's number is the form that a scheme describes.
    ///
    /// - Returns: nil where the reader says that it sent a verified check character and that one is wrong.
    static func forms(_ text: [UInt8], aim: AIMIdentifier?) -> [[UInt8]]? {
        guard let aim, let symbology = aim.symbology, !text.isEmpty else { return [text] }
        let check = CheckCharacter(aim)
        switch symbology {
        case .code39:
            guard check == .sent else { return [text] }
            // In full ASCII the pairs of characters that the check counted are gone.
            guard aim.modifier != UInt8(ascii: "1") || hasMod43(text) else { return nil }
            return [text, Array(text.dropLast())]
        case .codabar: return codabar(text, check)
        case .itf:
            switch check {
            case .notVerified: return [text]
            case .sent: return hasMod10(text) ? [text, Array(text.dropLast())] : nil
            case .stripped: return [text, mod10Digit(of: text).map { text + [$0] }].compactMap(\.self)
            }
        default: return [text]
        }
    }

    private static func codabar(_ text: [UInt8], _ check: CheckCharacter) -> [[UInt8]]? {
        let letters = UInt8(ascii: "A")...UInt8(ascii: "D")
        let isFramed =
            text.count > 2 && letters.contains(text[0] & 0xdf) && letters.contains(text[text.count - 1] & 0xdf)
        let inner = isFramed ? Array(text.dropFirst().dropLast()) : text
        var forms = isFramed ? [text, inner] : [text]
        guard check == .sent else { return forms }
        // Without start and stop letters there is nothing to verify it by.
        if isFramed, !hasMod16(text) { return nil }
        forms.append(Array(inner.dropLast()))
        return forms
    }

    /// ISO/IEC 16388 annex A.
    private static func hasMod43(_ text: [UInt8]) -> Bool {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%".utf8)
        let values = text.compactMap(alphabet.firstIndex)
        guard values.count == text.count, values.count > 1, let last = values.last else { return false }
        return values.dropLast().reduce(0, +) % 43 == last
    }

    /// EN 798 annex A: the values of all characters, start and stop included, add up to a multiple of 16.
    private static func hasMod16(_ text: [UInt8]) -> Bool {
        let alphabet = Array("0123456789-$:/.+ABCD".utf8)
        let values = text.compactMap { alphabet.firstIndex(of: $0 >= 0x60 ? $0 & 0xdf : $0) }
        return values.count == text.count && values.reduce(0, +).isMultiple(of: 16)
    }

    /// ISO/IEC 16390 annex A: weights 3 and 1 from the right.
    private static func hasMod10(_ text: [UInt8]) -> Bool { text.count > 1 && CardNumber.hasValidCheckDigit(text) }

    private static func mod10Digit(of text: [UInt8]) -> UInt8? {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).first { CardNumber.hasValidCheckDigit(text + [$0]) }
    }
}
