/// Magnetic tracks as bits (ISO/IEC 7811-2 and 7811-6), written as strings of zeros and ones.
enum StripeBits {
    struct Alphabet {
        let dataBits: Int
        let first: UInt8
        let start: UInt8
        let end: UInt8 = UInt8(ascii: "?")
        static let numeric = Alphabet(dataBits: 4, first: 48, start: UInt8(ascii: ";"))
        static let alphanumeric = Alphabet(dataBits: 6, first: 32, start: UInt8(ascii: "%"))
    }

    private static func code(_ value: Int, _ alphabet: Alphabet) -> [Bool] {
        var bits = (0..<alphabet.dataBits).map { (value >> $0) % 2 == 1 }
        bits.append(bits.count { $0 }.isMultiple(of: 2))
        return bits
    }

    /// - Parameter characters: with sentinels.
    static func encode(_ characters: [UInt8], _ alphabet: Alphabet) -> [Bool] {
        var check = 0
        var bits: [Bool] = []
        for character in characters {
            check ^= Int(character - alphabet.first)
            bits += code(Int(character - alphabet.first), alphabet)
        }
        return bits + code(check, alphabet)
    }

    /// The first bit is the least significant one of the first byte.
    static func packed(_ bits: [Bool]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: (bits.count + 7) / 8)
        for (index, bit) in bits.enumerated() where bit { bytes[index / 8] += 1 << UInt8(index % 8) }
        return bytes
    }

    /// The characters of a track, sentinels included, whichever way it was drawn; nil unless all parity bits and the LRC are
    /// right, nothing but zeros stands around, and the other way gives nothing else.
    static func decode(_ bytes: [UInt8], track: Int) -> [UInt8]? {
        var bits = bytes.flatMap { byte -> [Bool] in (0..<8).map { (byte >> $0) % 2 == 1 } }
        var readings: Set<[UInt8]> = []
        for _ in 0..<2 {
            for alphabet in track == 1 ? [Alphabet.alphanumeric] : [.numeric, .alphanumeric] {
                if let characters = decode(bits, alphabet) { readings.insert(characters) }
            }
            bits.reverse()
        }
        return readings.count == 1 ? readings.first : nil
    }

    private static func decode(_ bits: [Bool], _ alphabet: Alphabet) -> [UInt8]? {
        guard let first = bits.firstIndex(of: true), let last = bits.lastIndex(of: true) else { return nil }
        var rest = Array(bits[first...last])
        let width = alphabet.dataBits + 1
        rest += [Bool](repeating: false, count: (width - rest.count % width) % width)
        var (check, characters): (Int, [UInt8]) = (0, [])
        for start in stride(from: 0, to: rest.count, by: width) {
            let group = rest[start..<start + width]
            guard !group.count(where: { $0 }).isMultiple(of: 2) else { return nil }
            var value = 0
            for (power, bit) in group.dropLast().enumerated() where bit { value += 1 << power }
            if characters.count > 1, characters.last == alphabet.end {
                // The longest track has 107 characters.
                return value == check && start + width == rest.count && characters.count < 128 ? characters : nil
            }
            characters.append(alphabet.first + UInt8(value))
            check ^= value
            guard characters[0] == alphabet.start else { return nil }
        }
        return nil
    }
}
