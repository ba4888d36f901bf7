/// A report of a HID POS stripe reader: the bits of its tracks are taken apart and put together again, with parity and LRC.
/// Whatever else is in the report is left out; a track that could not be read becomes noise of the same length.
struct StripeEditor: ReportEditor {
    private let report: [UInt8]
    private let tracks: [HIDStripeFormat.RawTrack]
    private let places: [(track: Int, character: Int)]
    let slots: [RecordedSlot]

    /// - Returns: nil where the reports are not one report of tracks.
    init?(_ reports: [[UInt8]], formats: [UInt8: HIDStripeFormat], usesReportIDs: Bool) {
        let full = reports.filter { $0.dropFirst(usesReportIDs ? 1 : 0).contains { $0 != 0 } }
        guard full.count == 1, reports.count == 1, let report = full.first,
            let format = formats[usesReportIDs ? (report.first ?? 0) : 0], report.count >= format.reportLength
        else { return nil }
        let (blank, tracks) = format.takenApart(report)
        self.report = blank
        self.tracks = tracks
        var places: [(track: Int, character: Int)] = []
        var slots: [RecordedSlot] = []
        for (index, track) in tracks.enumerated() {
            for (position, character) in (track.bits?.characters ?? []).enumerated()
            where character.isASCIIDigit || character.isASCIILetter {
                places.append((index, position))
                slots.append(RecordedSlot(symbol: character))
            }
        }
        self.places = places
        self.slots = slots
    }

    func replacing(_ symbols: [Int: UInt8]) -> [[UInt8]] {
        var tracks = tracks
        for (slot, symbol) in symbols {
            tracks[places[slot].track].bits?.characters[places[slot].character] = symbol
        }
        var result = report
        for track in tracks { result.replaceSubrange(track.place, with: track.bytes) }
        return [result]
    }
}

extension HIDStripeFormat {
    /// A track as it stands in a report.
    struct RawTrack: Sendable {
        var place: Range<Int>
        /// Nil where it could not be read.
        var bits: TrackBits.Reading?

        /// Bits without any sentinel in place of what could not be read.
        var bytes: [UInt8] { bits?.bytes(count: place.count) ?? Array(repeating: 0x55, count: place.count) }
    }
}

extension TrackBits {
    /// A track that was read, with all that is needed to write it again.
    struct Reading: Sendable {
        var characters: [UInt8]
        let isReversed: Bool
        let isAlphanumeric: Bool
        /// The first bit of the start sentinel, in the direction of reading.
        let start: Int

        /// - Parameter count: of the bytes that the bits were read from.
        func bytes(count: Int) -> [UInt8] {
            let zero: UInt8 = isAlphanumeric ? 0x20 : 0x30
            let dataBits = isAlphanumeric ? 6 : 4
            var codes = characters.map { $0 &- zero }
            codes.append(codes.reduce(0, ^))
            var bytes = [UInt8](repeating: 0, count: count)
            var position = start
            func set(_ index: Int) {
                let place = isReversed ? 8 * count - 1 - index : index
                if (0..<8 * count).contains(place) { bytes[place / 8] |= 1 << UInt8(place % 8) }
            }
            for code in codes {
                for bit in 0..<dataBits where code >> UInt8(bit) & 1 == 1 { set(position + bit) }
                if code.nonzeroBitCount.isMultiple(of: 2) { set(position + dataBits) }
                position += dataBits + 1
            }
            return bytes
        }
    }
}
