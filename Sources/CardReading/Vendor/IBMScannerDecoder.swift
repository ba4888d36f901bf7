import LoyaltyModel

/// Reads a scanner in IBM's USB OEM mode, hand-held or table-top.
///
/// Byte 0 is the length of the message with itself, then three bytes of status, the data, and a trailer for the symbology: one
/// byte for EAN and UPC, otherwise `00 xx 0B`. Long codes come in several reports, of which only the last has the trailer. The
/// protocol is not public; this is what the captures of pteich/usbsymbolreader show, and node-hid issue 255 for long codes.
struct IBMScannerDecoder: ReportDecoder {
    private let reportLength: Int
    private let idLength: Int
    private let stripsSuffix: Bool
    private var scan: PartialScan

    private static let headerLength = 4
    private static let longTrailerEnd: UInt8 = 0x0b
    private static let articleTrailers: [UInt8: Symbology] = [0x16: .ean13, 0x0d: .upca, 0x0c: .ean8, 0x0a: .upce]
    private static let longTrailers: [UInt8: Symbology] = [
        0x0a: .code39, 0x0d: .itf, 0x0e: .codabar, 0x18: .code128, 0x2e: .pdf417,
    ]

    /// The scanner is silent until command 11 switches it on, after each power-up and each resume.
    static let setup: [SetupRequest] = [.output(reportID: 0, [0x11] + [UInt8](repeating: 0, count: 10))]

    /// - Parameter reportLength: of a full input report, in bytes, with the report ID.
    init(reportLength: Int, hasReportID: Bool, options: ReaderOptions) {
        self.reportLength = reportLength
        idLength = hasReportID ? 1 : 0
        stripsSuffix = options.stripsSuffix
        scan = PartialScan(gap: options.continuationGap)
    }

    var deadline: MonotonicTime? { scan.deadline }
    var droppedPartialScans: Int { scan.dropped }

    mutating func receive(_ report: [UInt8], at instant: MonotonicTime) -> [DecodedScan] {
        scan.expire(at: instant)
        let message = report.dropFirst(idLength)
        guard let length = message.first.map({ Int($0) }), length >= Self.headerLength else { return [] }
        // Status alone: the answer to a command.
        guard length > Self.headerLength, !scan.isLate(at: instant) else { return [] }
        guard length <= message.count else {
            scan.fail(at: instant)
            return []
        }
        scan.append(message.prefix(length).dropFirst(Self.headerLength), at: instant)
        if let decoded = Self.decode(scan.data, stripsSuffix: stripsSuffix, at: instant) {
            scan.close()
            return [decoded]
        }
        // Only a report that is full can be followed by another. A trailer that is not known might as well be a digit.
        if scan.isOpen, length < reportLength - idLength { scan.drop() }
        return []
    }

    mutating func expire(at instant: MonotonicTime) -> [DecodedScan] {
        scan.expire(at: instant)
        return []
    }

    mutating func reset() { scan.reset() }

    /// nil where no trailer ends the data, or one that does not go with them.
    private static func decode(_ data: [UInt8], stripsSuffix: Bool, at instant: MonotonicTime) -> DecodedScan? {
        guard let last = data.last else { return nil }
        if last == longTrailerEnd {
            guard data.count > 3, data[data.count - 3] == 0 else { return nil }
            let text = Array(data.dropLast(3))
            let symbology = longTrailers[data[data.count - 2]] ?? .other
            return DecodedScan(
                data: stripsSuffix ? text.strippingSuffix() : text, aim: nil, symbology: symbology, completedAt: instant
            )
        }
        guard let symbology = articleTrailers[last], let digits = digits(data.dropLast()),
            lengths(of: symbology).contains(digits.count)
        else { return nil }
        return DecodedScan(data: digits, aim: nil, symbology: symbology, completedAt: instant)
    }

    /// Some set-ups send the digits of EAN and UPC as numbers from 0 to 9.
    private static func digits(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        if bytes.allSatisfy(\.isASCIIDigit) { return Array(bytes) }
        return bytes.allSatisfy { $0 < 10 } ? bytes.map { $0 + 0x30 } : nil
    }

    private static func lengths(of symbology: Symbology) -> Set<Int> {
        switch symbology {
        case .ean13: [13]
        case .upca: [12, 13]
        case .ean8: [8]
        default: [6, 8]
        }
    }
}
