/// Cuts the raw bits of a track into characters (ISO/IEC 7811-2 and 7811-6).
///
/// Each character has its data bits, least significant first, and one bit that makes the number of ones odd. Behind the end
/// sentinel stands the LRC: the exclusive or of all data bits, sentinels included, with a parity bit of its own.
struct TrackBits {
    private enum Alphabet {
        /// Six data bits: track 1, and tracks 2 and 3 of AAMVA cards.
        case alphanumeric
        /// Four data bits: tracks 2 and 3.
        case numeric

        var dataBits: Int { self == .alphanumeric ? 6 : 4 }
        var zero: UInt8 { self == .alphanumeric ? 0x20 : 0x30 }
        /// `%` and `;`.
        var startSentinel: UInt8 { self == .alphanumeric ? 0x05 : 0x0b }
        /// `?` in both.
        var endSentinel: UInt8 { self == .alphanumeric ? 0x1f : 0x0f }
    }

    private let bytes: ArraySlice<UInt8>
    private let isReversed: Bool
    private var count: Int { 8 * bytes.count }

    /// Track 3 holds 107 characters, the most of all (ISO/IEC 4909); a reader may leave the LRC in.
    private static let maximumCharacters = 128
    private static let maximumBytes = maximumCharacters * 7 / 8 + 1

    /// The characters of a track from start to end sentinel.
    ///
    /// Only zeros, the clocking bits, may stand around the track: otherwise noise would now and then make a short number. A card
    /// drawn the other way gives all bits in reverse.
    ///
    /// - Parameters:
    ///   - bytes: the first bit that was read is the least significant one of the first byte.
    ///   - number: 1 to 3.
    /// - Returns: nil where a sentinel is missing, where a parity bit or the LRC is wrong, and where the bits say one thing forwards
    ///   and another one backwards.
    static func characters(_ bytes: ArraySlice<UInt8>, track number: Int) -> [UInt8]? {
        reading(bytes, track: number)?.characters
    }

    /// As `characters`, with the place at which they stand.
    static func reading(_ bytes: ArraySlice<UInt8>, track number: Int) -> Reading? {
        guard let first = bytes.firstIndex(where: { $0 != 0 }), let last = bytes.lastIndex(where: { $0 != 0 }) else {
            return nil
        }
        let used = bytes[first...last]
        guard used.count <= maximumBytes else { return nil }
        var found: Reading?
        for isReversed in [false, true] {
            let bits = TrackBits(bytes: used, isReversed: isReversed)
            for alphabet in number == 1 ? [Alphabet.alphanumeric] : [.numeric, .alphanumeric] {
                guard let characters = bits.characters(alphabet) else { continue }
                // Reversed bits are counted from the end of all bytes, of which the last may have been left out.
                let skipped = isReversed ? bytes.endIndex - 1 - last : first - bytes.startIndex
                guard found == nil || found?.characters == characters else { return nil }
                found =
                    found
                    ?? Reading(
                        characters: characters, isReversed: isReversed, isAlphanumeric: alphabet == .alphanumeric,
                        start: 8 * skipped + bits.firstOne)
            }
        }
        return found
    }

    /// Beyond the end there are zeros: the last character may end in zero bits that were cut with the bytes behind them.
    private subscript(index: Int) -> UInt8 {
        guard index < count else { return 0 }
        let position = isReversed ? count - 1 - index : index
        return (bytes[bytes.startIndex + position / 8] >> UInt8(position % 8)) & 1
    }

    private var firstOne: Int { (0..<count).first { self[$0] == 1 } ?? count }

    private func characters(_ alphabet: Alphabet) -> [UInt8]? {
        var position = firstOne
        var characters: [UInt8] = []
        var check: UInt8 = 0
        while position < count, characters.count < Self.maximumCharacters {
            guard let code = code(at: position, alphabet) else { return nil }
            position += alphabet.dataBits + 1
            if characters.count > 1, characters.last == alphabet.zero + alphabet.endSentinel {
                let isAlone = (position..<max(position, count)).allSatisfy { self[$0] == 0 }
                return code == check && isAlone ? characters : nil
            }
            guard !characters.isEmpty || code == alphabet.startSentinel else { return nil }
            check ^= code
            characters.append(alphabet.zero + code)
        }
        return nil
    }

    /// nil where the parity is wrong.
    private func code(at position: Int, _ alphabet: Alphabet) -> UInt8? {
        var code: UInt8 = 0
        for bit in 0..<alphabet.dataBits { code |= self[position + bit] << UInt8(bit) }
        let ones = code.nonzeroBitCount + Int(self[position + alphabet.dataBits])
        return ones.isMultiple(of: 2) ? nil : code
    }
}
