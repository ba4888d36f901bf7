/// The tracks of a stripe as a reader sends them in characters: `%track 1?;track 2?+track 3?` (ISO/IEC 7811-2, 7813, 4909;
/// MagTek manual 99875206). A track that could not be read arrives as start sentinel, `E`, `?`.
struct MagneticTracks {
    struct Track {
        /// 1, 2 or 3.
        let number: Int
        /// Without sentinels.
        let data: [UInt8]
        var isUnreadable: Bool { data == [UInt8(ascii: "E")] }
    }

    let tracks: [Track]

    /// Readers that encrypt put `|` between the clear or masked tracks and the encrypted data.
    static let encryptedBlockSeparator = UInt8(ascii: "|")
    private static let end = UInt8(ascii: "?")

    /// Whether characters begin and end like tracks. What stands behind the first `|` does not count.
    static func isTrackText(_ characters: some BidirectionalCollection<UInt8>) -> Bool {
        let clear = characters.prefix { $0 != encryptedBlockSeparator }
        guard let first = clear.first, clear.count >= 3 else { return false }
        return [UInt8(ascii: "%"), UInt8(ascii: ";"), UInt8(ascii: "+")].contains(first) && clear.last == end
    }

    /// - Returns: nil where an end sentinel is missing.
    init?(_ characters: some Collection<UInt8>) {
        var found: [Track] = []
        var rest = Array(characters.prefix { $0 != Self.encryptedBlockSeparator })[...]
        // Between tracks there may be a line end, a field separator or an LRC character.
        while let start = rest.firstIndex(where: { Self.isStartSentinel($0) }) {
            guard let stop = rest[start...].firstIndex(of: Self.end) else { return nil }
            let number =
                switch rest[start] {
                case UInt8(ascii: "%"): 1
                case UInt8(ascii: ";"), UInt8(ascii: "@"): found.contains { $0.number == 2 } ? 3 : 2
                default: 3
                }
            found.append(Track(number: number, data: Array(rest[(start + 1)..<stop])))
            rest = rest[(stop + 1)...]
        }
        guard !found.isEmpty else { return nil }
        tracks = found
    }

    static func isStartSentinel(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "%"), UInt8(ascii: ";"), UInt8(ascii: "+"), UInt8(ascii: "#"), UInt8(ascii: "@"),
            UInt8(ascii: "&"):
            true
        default: false
        }
    }

    /// A number that a track carries, with what the layout says about it.
    struct Candidate {
        /// What stands before the first separator, blanks taken out.
        var characters: [UInt8]
        /// Format code B, or an expiry date behind the number.
        var isFinancial: Bool
        /// Another reading of a number already listed.
        var isAlternative = false

        var isNumeric: Bool { characters.allSatisfy(\.isASCIIDigit) }

        /// Whether the head wrote over the middle of the number. Others write `*`; MagTek's write zeros, all but one where the number
        /// shall pass Luhn, or another character that was set. They leave four digits at both ends, of bank cards perhaps six
        /// in front.
        func isMasked(hadEncryptedBlock: Bool) -> Bool {
            if characters.contains(UInt8(ascii: "*")) { return true }
            guard hadEncryptedBlock, characters.count >= 12 else { return false }
            let middle = characters.dropFirst(isFinancial && characters.count >= 15 ? 6 : 4).dropLast(4)
            // A number of a shop's own may well have a middle such as 0070.
            func covers(_ mask: UInt8) -> Bool {
                let others = middle.count { $0 != mask }
                return others == 0 || (others == 1 && (!mask.isASCIIDigit || (isNumeric && Luhn.isValid(characters))))
            }
            return covers(0x30) || middle.prefix(2).contains { covers($0) && (middle.count >= 6 || !$0.isASCIIDigit) }
        }
    }

    /// The numbers of all readable tracks, the most trustworthy first: track 2, 1, 3.
    var candidates: [Candidate] {
        [2, 1, 3].flatMap { number in
            tracks.filter { $0.number == number && !$0.isUnreadable && !$0.data.isEmpty }.flatMap(Self.candidates)
        }
    }

    private static func candidates(of track: Track) -> [Candidate] {
        let separator = UInt8(ascii: track.number == 1 ? "^" : "=")
        let fields = track.data.split(separator: separator, omittingEmptySubsequences: false)
        let number = fields[0].filter { $0 != 0x20 }
        let expiry = track.number == 1 ? (fields.count > 2 ? fields[2] : []) : (fields.count > 1 ? fields[1] : [])
        let hasExpiry =
            expiry.count >= 4 && expiry.prefix(4).allSatisfy(\.isASCIIDigit)
            && PaymentScreen.isMonth(expiry.dropFirst(2).prefix(2))
        var candidates = [Candidate(characters: number, isFinancial: hasExpiry)]
        if track.number == 1, let code = number.first, code.isASCIILetter {
            let isBank = code == UInt8(ascii: "B")
            let inner = Candidate(characters: Array(number.dropFirst()), isFinancial: hasExpiry || isBank)
            candidates =
                isBank ? [inner] : [inner, Candidate(characters: number, isFinancial: false, isAlternative: true)]
        }
        if track.number == 3, number.count > 2 {
            // ISO/IEC 4909 puts a two-digit format code before the number; many readers and cards leave it out.
            candidates.append(
                Candidate(characters: Array(number.dropFirst(2)), isFinancial: hasExpiry, isAlternative: true))
        }
        return candidates.filter { !$0.characters.isEmpty }
    }
}
