import LoyaltyModel

/// Reads vendor HID reports of a length and data: Symbol's simple COM (05e0:0600), Microscan's HID (with a report ID).
///
/// A report that is full is continued by the next, unless it ends with a line end; what is left over in a report is NUL.
struct LengthDataDecoder: ReportDecoder {
    private let idLength: Int
    /// The most data that a report holds, in bytes.
    private let room: Int
    private let stripsSuffix: Bool
    private var scan: PartialScan

    /// - Parameter reportLength: of a full input report, in bytes, with the report ID.
    init(reportLength: Int, hasReportID: Bool, options: ReaderOptions) {
        idLength = hasReportID ? 1 : 0
        room = max(reportLength - idLength - 1, 1)
        stripsSuffix = options.stripsSuffix
        scan = PartialScan(gap: options.continuationGap)
    }

    var deadline: MonotonicTime? { scan.deadline }
    var droppedPartialScans: Int { scan.dropped }

    mutating func receive(_ report: [UInt8], at instant: MonotonicTime) -> [DecodedScan] {
        scan.expire(at: instant)
        let message = report.dropFirst(idLength)
        guard let length = message.first.map({ Int($0) }), length > 0, !scan.isLate(at: instant) else { return [] }
        guard length <= room, length < message.count else {
            scan.fail(at: instant)
            return []
        }
        scan.append(message.dropFirst().prefix(length), at: instant)
        let isFull = length == room
        guard scan.isOpen, !isFull || scan.data.last == 0x0d || scan.data.last == 0x0a else { return [] }
        var text = scan.take()
        while text.last == 0 { text.removeLast() }
        if stripsSuffix { text = text.strippingSuffix() }
        guard !text.isEmpty, !Self.isAnswer(text) else { return [] }
        return DecodedScan(characters: text, completedAt: instant).map { [$0] } ?? []
    }

    /// What filled its last report and came without a line end is not known to be whole: it is dropped.
    mutating func expire(at instant: MonotonicTime) -> [DecodedScan] {
        scan.expire(at: instant)
        return []
    }

    mutating func reset() { scan.reset() }

    /// Microscan answers commands in angle brackets; the end of one is an answer, too.
    private static func isAnswer(_ text: [UInt8]) -> Bool { text.last == UInt8(ascii: ">") }
}
