/// What one swipe brought, put together track by track in the form that `MagneticTracks` reads.
struct StripeSwipe: Sendable, Hashable {
    enum Track {
        case absent
        /// The head saw a track but could not read it. Says nothing about the other tracks.
        case unreadable
        /// Sentinels included; one more character behind the end sentinel is its LRC.
        case characters(ArraySlice<UInt8>)
    }

    private(set) var text: [UInt8] = []
    /// Whether the reader sent encrypted data beside the tracks.
    var hadEncryptedBlock = false

    private static let end = UInt8(ascii: "?")
    private static let usualSentinels = [UInt8(ascii: "%"), UInt8(ascii: ";"), UInt8(ascii: "+")]

    /// Whether there is anything to tell of.
    var isEmpty: Bool { text.isEmpty && !hadEncryptedBlock }

    /// - Parameter number: 1 to 3, in ascending order.
    mutating func append(_ track: Track, number: Int) {
        switch track {
        case .absent: return
        case .unreadable: text += [Self.usualSentinels[number - 1], UInt8(ascii: "E"), Self.end]
        case .characters(let characters):
            guard let body = Self.body(of: characters) else { return append(.unreadable, number: number) }
            let hasSecondTrack = text.contains(UInt8(ascii: ";")) || text.contains(UInt8(ascii: "@"))
            switch body.first {
            // Alone it would pass for track 2.
            case UInt8(ascii: ";") where number == 3 && !hasSecondTrack: text.append(UInt8(ascii: "+"))
            // AAMVA track 3; the sentinel is that of track 1.
            case UInt8(ascii: "%") where number == 3: text.append(UInt8(ascii: "#"))
            case let sentinel?: text.append(sentinel)
            case nil: return
            }
            text += body.dropFirst()
        }
    }

    /// Whether characters are a whole track.
    static func isTrack(_ characters: ArraySlice<UInt8>) -> Bool { body(of: characters) != nil }

    /// From the start to the end sentinel; nil where either is missing or where there are characters that no track has.
    private static func body(of characters: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let first = characters.first, MagneticTracks.isStartSentinel(first),
            let stop = characters.firstIndex(of: end), characters.endIndex - stop <= 2
        else { return nil }
        let body = characters[...stop]
        let isPrintable = body.allSatisfy {
            (0x20...0x7e).contains($0) && $0 != MagneticTracks.encryptedBlockSeparator
        }
        return isPrintable ? body : nil
    }
}
