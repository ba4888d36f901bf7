/// The reports of an ID TECH reader in HID mode, and of the UIC MSR213U, whose header has one byte more in front.
///
/// The report descriptor says nothing about the layout and the reader's settings choose it, so the content decides: an
/// encrypting reader's frame begins with STX; else a layout counts when every track that it promises is a track.
enum IDTechFormat {
    private enum Layout: CaseIterable {
        /// Status 3, lengths 3, encode type, total length of 2, tracks one behind the other.
        case native
        /// Without the total length.
        case short
        /// MagTek's 337 bytes, the "other mode".
        case fixed

        func places(_ lengths: [Int]) -> [Int] {
            switch self {
            case .native: [9, 9 + lengths[0], 9 + lengths[0] + lengths[1]]
            case .short: [7, 7 + lengths[0], 7 + lengths[0] + lengths[1]]
            case .fixed: [7, 117, 227]
            }
        }
    }

    private static let room = 110
    private static let lengthsOffset = 3
    private static let encodeTypeOffset = 6
    private static let headerLength = 7
    /// Without any prefix; MagTek's layout is the longest.
    private static let longest = 338

    /// - Parameter report: the report ID taken off.
    static func read(_ report: [UInt8]) -> StripeReading {
        if report.first == IDTechFrame.startOfText { return IDTechFrame.read(report) }
        guard report.count > headerLength else { return .needsMore }
        for prefix in 0...1 {
            let body = Array(report.dropFirst(prefix))
            guard let header = Header(body) else { continue }
            for layout in Layout.allCases {
                if let swipe = read(body, header, layout) { return .swipe(swipe) }
            }
        }
        return report.count < longest ? .needsMore : .invalid
    }

    private struct Header {
        var isFailed: [Bool]
        var lengths: [Int]

        init?(_ body: [UInt8]) {
            guard body.count > headerLength, body.prefix(3).allSatisfy({ $0 <= 1 }), body[encodeTypeOffset] <= 6 else {
                return nil
            }
            isFailed = body.prefix(3).map { $0 == 1 }
            lengths = body[lengthsOffset..<lengthsOffset + 3].map(Int.init)
            guard lengths.allSatisfy({ $0 <= room }) else { return nil }
        }
    }

    private static func read(_ body: [UInt8], _ header: Header, _ layout: Layout) -> StripeSwipe? {
        var swipe = StripeSwipe()
        let places = layout.places(header.lengths)
        var hasTrack = false
        for index in 0..<3 {
            let length = header.lengths[index]
            guard !header.isFailed[index] else {
                // Failed with length 0 is how a card without that track looks.
                swipe.append(.unreadable, number: index + 1)
                continue
            }
            guard length > 0 else { continue }
            guard places[index] + length <= body.count else { return nil }
            let track = body[places[index]..<places[index] + length]
            guard StripeSwipe.isTrack(track) else { return nil }
            swipe.append(.characters(track), number: index + 1)
            hasTrack = true
        }
        let hasNothingElse = body.dropFirst(headerLength).allSatisfy { $0 == 0 }
        return hasTrack || (!swipe.isEmpty && hasNothingElse) ? swipe : nil
    }
}
