import LoyaltyModel

/// Reads vendor HID reports of a length and data: Symbol's simple COM (05e0:0600), Microscan's HID (with a report ID).
///
/// A report that is full is continued by the next. A line end in its last byte says that it is whole only where nothing follows
/// at once: it may stand inside of a code. What is left over in a report is NUL.
struct LengthDataDecoder: ReportDecoder {
    private let idLength: Int
    /// The most data that a report holds, in bytes.
    private let room: Int
    private let stripsSuffix: Bool
    private let lineGap: Duration
    private var scan: PartialScan

    /// Longer than any pause between two reports of one code.
    private static let longestPause = Duration.milliseconds(100)

    /// - Parameter reportLength: of a full input report, in bytes, with the report ID.
    init(reportLength: Int, hasReportID: Bool, options: ReaderOptions) {
        idLength = hasReportID ? 1 : 0
        room = max(reportLength - idLength - 1, 1)
        stripsSuffix = options.stripsSuffix
        scan = PartialScan(gap: options.continuationGap)
        lineGap = min(Self.longestPause, options.continuationGap)
    }

    var deadline: MonotonicTime? { endsLine ? scan.lastArrival.adding(lineGap) : scan.deadline }
    var droppedPartialScans: Int { scan.dropped }

    private var endsLine: Bool { scan.isOpen && (scan.data.last == 0x0d || scan.data.last == 0x0a) }

    mutating func receive(_ report: [UInt8], at instant: MonotonicTime) -> [DecodedScan] {
        let scans = expire(at: instant)
        let message = report.dropFirst(idLength)
        guard let length = message.first.map({ Int($0) }), length > 0, !scan.isLate(at: instant) else { return scans }
        guard length <= room, length < message.count else {
            scan.fail(at: instant)
            return scans
        }
        scan.append(message.dropFirst().prefix(length), at: instant)
        guard scan.isOpen, length < room else { return scans }
        var whole = scan.take()
        return scans + decoded(&whole, at: instant)
    }

    /// What filled its last report and came without a line end is not known to be whole: it is dropped.
    mutating func expire(at instant: MonotonicTime) -> [DecodedScan] {
        guard endsLine else {
            scan.expire(at: instant)
            return []
        }
        guard let deadline, instant >= deadline else { return [] }
        var whole = scan.takeAfterSilence()
        return decoded(&whole, at: scan.lastArrival)
    }

    private func decoded(_ whole: inout [UInt8], at instant: MonotonicTime) -> [DecodedScan] {
        defer { whole.wipe() }
        while whole.last == 0 { whole.removeLast() }
        let text = stripsSuffix ? whole.strippingSuffix() : whole
        guard !text.isEmpty, !Self.isAnswer(text) else { return [] }
        return DecodedScan(characters: text, completedAt: instant).map { [$0] } ?? []
    }

    mutating func reset() { scan.reset() }

    /// Microscan answers commands in angle brackets; the end of one is an answer, too.
    private static func isAnswer(_ text: [UInt8]) -> Bool { text.last == UInt8(ascii: ">") }
}
