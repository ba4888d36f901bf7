/// The reports of a HID Point of Sale magnetic stripe reader (HID Point of Sale Usage Tables 1.02, page 8E): for each track a
/// length in bytes and the raw bits as they came from the head.
struct HIDStripeFormat: Sendable {
    private struct Track: Sendable {
        var number: Int
        var length: Range<Int>?
        var data: Range<Int>
    }

    private let tracks: [Track]
    /// In bytes, with the report ID.
    let reportLength: Int

    private static let page: UInt16 = 0x8e

    /// The formats of all reports that carry tracks, by report ID.
    static func formats(_ descriptor: ReportDescriptor) -> [UInt8: HIDStripeFormat] {
        var formats: [UInt8: HIDStripeFormat] = [:]
        for id in Set(descriptor.fields.lazy.filter { $0.kind == .input }.map(\.reportID)) {
            formats[id] = HIDStripeFormat(descriptor, reportID: id)
        }
        return formats
    }

    private init?(_ descriptor: ReportDescriptor, reportID: UInt8) {
        let fields = StripeFields(descriptor, application: .magneticStripeReader, reportID: reportID)
        tracks = (1...3).compactMap { number in
            let data = fields.bytes(of: Usage(page: Self.page, id: 0x20 + UInt16(number)))
            let length = fields.bytes(of: Usage(page: Self.page, id: 0x10 + UInt16(number)))
            return data.map { Track(number: number, length: length, data: $0) }
        }
        guard !tracks.isEmpty else { return nil }
        reportLength = descriptor.reportLength(.input, reportID: reportID)
    }

    /// - Parameter report: at least `reportLength` bytes.
    func read(_ report: [UInt8]) -> StripeSwipe {
        var swipe = StripeSwipe()
        for track in tracks {
            let length = min(track.length.map { report.value($0) } ?? track.data.count, track.data.count)
            let data = report[track.data].prefix(length)
            guard data.contains(where: { $0 != 0 }) else { continue }
            if var characters = TrackBits.characters(data, track: track.number) {
                if track.number == 3, characters[0] == UInt8(ascii: ";") { characters[0] = UInt8(ascii: "+") }
                swipe.append(.characters(characters[...]), number: track.number)
            } else {
                // Some firmware sends the characters instead of the bits. Whatever else it is, it is no track.
                let text = data.prefix { $0 != 0 }
                swipe.append(.characters(text), number: track.number)
            }
        }
        return swipe
    }

    /// The report without its tracks and without what is not known of it, and the tracks by themselves.
    ///
    /// - Parameter report: at least `reportLength` bytes.
    func takenApart(_ report: [UInt8]) -> (blank: [UInt8], tracks: [RawTrack]) {
        var blank = [UInt8](repeating: 0, count: report.count)
        var raw: [RawTrack] = []
        if let id = report.first, tracks.allSatisfy({ $0.data.lowerBound > 0 && $0.length?.lowerBound != 0 }) {
            blank[0] = id
        }
        for track in tracks {
            if let length = track.length { blank.replaceSubrange(length, with: report[length]) }
            let length = min(track.length.map { report.value($0) } ?? track.data.count, track.data.count)
            let place = track.data.prefix(length)
            guard report[place].contains(where: { $0 != 0 }) else { continue }
            raw.append(RawTrack(place: place, bits: TrackBits.reading(report[place], track: track.number)))
        }
        return (blank, raw)
    }
}
