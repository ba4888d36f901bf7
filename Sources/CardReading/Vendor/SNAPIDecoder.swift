import LoyaltyModel

/// Reads a Symbol or Zebra scanner in SNAPI mode (05e0:1900).
///
/// Scans come in packets that say how many there are, which one it is and what kind of code. There is no public
/// specification; the layout is that of Elemecca/go-zebra-scanner, found by reverse engineering.
struct SNAPIDecoder: ReportDecoder {
    private var scan: PartialScan
    private var count = 0
    private var next = 0
    private var codeType: UInt16 = 0
    private var last: [UInt8] = []
    private var requests: [SetupRequest] = []

    private enum Report {
        static let scan: UInt8 = 0x22
        static let largeScan: UInt8 = 0x26
        static let status: UInt8 = 0x21
        static let acknowledgement: UInt8 = 0x01
    }

    private struct Packet {
        var count: Int
        var index: Int
        var codeType: UInt16
        var data: ArraySlice<UInt8>

        /// nil for a packet that is short, or says it holds more than it can.
        init?(_ report: [UInt8]) {
            let isLarge = report.first == Report.largeScan
            let header = isLarge ? 8 : 6
            guard report.count >= header else { return nil }
            count = isLarge ? Int(report[1]) << 8 | Int(report[2]) : Int(report[1])
            index = isLarge ? Int(report[3]) << 8 | Int(report[4]) : Int(report[2])
            let length = Int(report[header - 3])
            codeType = UInt16(report[header - 2]) | UInt16(report[header - 1]) << 8
            guard count > 0, index < count, length <= report.count - header else { return nil }
            data = report[header..<header + length]
        }
    }

    /// More wait only where nobody takes them.
    private static let mostRequests = 64

    init(options: ReaderOptions) { scan = PartialScan(gap: options.continuationGap) }

    var deadline: MonotonicTime? { scan.deadline }
    var droppedPartialScans: Int { scan.dropped }

    mutating func receive(_ report: [UInt8], at instant: MonotonicTime) -> [DecodedScan] {
        expireScan(at: instant)
        acknowledge(report)
        guard let id = report.first, id == Report.scan || id == Report.largeScan else { return [] }
        // Sent again, because the acknowledgement came late.
        if scan.isOpen, report == last { return [] }
        defer { if !scan.isOpen { last.wipe() } }
        guard let packet = Packet(report) else {
            scan.drop()
            return []
        }
        return take(packet, report, at: instant)
    }

    private mutating func take(_ packet: Packet, _ report: [UInt8], at instant: MonotonicTime) -> [DecodedScan] {
        if scan.isOpen, packet.index == 0 { scan.drop() }
        if !scan.isOpen {
            guard packet.index == 0 else {
                scan.drop()
                return []
            }
            (count, next, codeType) = (packet.count, 0, packet.codeType)
        }
        guard packet.count == count, packet.index == next, packet.codeType == codeType else {
            scan.drop()
            return []
        }
        scan.append(packet.data, at: instant)
        next += 1
        // Only while a scan is open can a packet be one that is sent again.
        last.wipe()
        guard scan.isOpen, next == count else {
            if scan.isOpen { last = report }
            return []
        }
        var data = scan.take()
        defer { data.wipe() }
        let type = CodeType(codeType)
        let text = Array(data.dropLast(type.supplementLength))
        guard !text.isEmpty else { return [] }
        return DecodedScan(data: text, aim: nil, symbology: type.symbology, completedAt: instant).map { [$0] } ?? []
    }

    mutating func expire(at instant: MonotonicTime) -> [DecodedScan] {
        expireScan(at: instant)
        return []
    }

    private mutating func expireScan(at instant: MonotonicTime) {
        scan.expire(at: instant)
        if !scan.isOpen { last.wipe() }
    }

    mutating func reset() {
        scan.reset()
        last.wipe()
        requests = []
    }

    mutating func discard(_ report: [UInt8]) { acknowledge(report) }

    mutating func takeRequests() -> [SetupRequest] {
        guard !requests.isEmpty else { return [] }
        defer { requests = [] }
        return requests
    }

    /// The scanner sends a report again, or falls silent, until it is acknowledged. Its word on an acknowledgement is left
    /// without one, lest the two go on for ever.
    private mutating func acknowledge(_ report: [UInt8]) {
        guard let id = report.first, requests.count < Self.mostRequests else { return }
        if id == Report.status, report.count > 1, report[1] == Report.acknowledgement { return }
        requests.append(.output(reportID: Report.acknowledgement, [id, 0x01, 0x00]))
    }

    /// What kind of code it is, and what a supplement has added to its digits.
    struct CodeType: Equatable {
        /// nil for a type that is not known.
        var symbology: Symbology?
        var supplementLength = 0

        private static let articles: [UInt16: Symbology] = [8: .upca, 9: .upce, 10: .ean8, 11: .ean13, 16: .upce]
        private static let others: [UInt16: Symbology] = [
            1: .code39, 2: .codabar, 3: .code128, 6: .itf, 7: .code93, 15: .gs1128, 17: .pdf417, 27: .dataMatrix,
            28: .qr,
            45: .aztec, 48: .databar, 49: .databar, 50: .databar,
        ]

        init(_ code: UInt16) {
            if let article = Self.articles[code] {
                symbology = article
            } else if code >= 128, let article = Self.articles[code - 128] {
                (symbology, supplementLength) = (article, 5)
            } else if code >= 64, let article = Self.articles[code - 64] {
                (symbology, supplementLength) = (article, 2)
            } else {
                symbology = Self.others[code] ?? ((81...104).contains(code) ? .other : nil)
            }
        }
    }
}
