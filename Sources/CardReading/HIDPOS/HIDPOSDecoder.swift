import LoyaltyModel

/// Reads a HID Point of Sale bar code scanner: scanned-data reports in, scans out.
struct HIDPOSDecoder: ReportDecoder {
    private let formats: [UInt8: HIDPOSReportFormat]
    private let usesReportIDs: Bool
    private let options: ReaderOptions
    private(set) var droppedPartialScans = 0
    private var open: OpenScan?
    /// The rest of a scan that timed out must not pass for a scan of its own, until the reader has been silent again.
    private var lateTail: LateTail?

    private struct LateTail {
        var aim: AIMIdentifier?
        /// Nothing of the scan could be read, so its identifier is not known.
        var isAnyAim = false
        var until: MonotonicTime
    }

    private struct OpenScan {
        var aim: AIMIdentifier?
        var vendorSymbology: UInt8
        var data: [UInt8]
        /// Whether every report so far was filled to the last byte.
        var isFull: Bool
        var isDamaged = false
        var lastArrival: MonotonicTime
    }

    /// - Returns: nil where no report carries decoded data.
    init?(_ descriptor: ReportDescriptor, options: ReaderOptions) {
        let formats = HIDPOSReportFormat.formats(descriptor)
        guard !formats.isEmpty else { return nil }
        self.formats = Dictionary(formats.map { ($0.reportID, $0) }) { first, _ in first }
        usesReportIDs = descriptor.usesReportIDs
        self.options = options
    }

    var deadline: MonotonicTime? { open?.lastArrival.adding(options.continuationGap) }

    mutating func receive(_ report: [UInt8], at instant: MonotonicTime) -> [DecodedScan] {
        var scans = expire(at: instant)
        guard let format = formats[usesReportIDs ? (report.first ?? 0) : 0] else { return scans }
        guard let chunk = format.read(report) else {
            droppedPartialScans += 1
            // What follows is the rest of the code that this report belonged to, or began.
            lateTail = LateTail(
                aim: open?.aim, isAnyAim: open == nil, until: instant.adding(options.continuationGap))
            close()
            return scans
        }
        if let aim = chunk.aim, aim.isManagement { return scans }
        if isLate(chunk, at: instant) { return scans }
        guard open != nil || !chunk.data.isEmpty else { return scans }
        append(chunk, at: instant)
        if !chunk.isContinued, let scan = finish() { scans.append(scan) }
        return scans
    }

    /// Firmware that sets "continued" on every full report leaves the host waiting where the code fills its last report: what
    /// came in full reports is whole. Anything else is half a scan.
    mutating func expire(at instant: MonotonicTime) -> [DecodedScan] {
        guard let deadline, instant >= deadline else { return [] }
        lateTail = LateTail(aim: open?.aim, until: deadline.adding(options.continuationGap))
        if open?.isFull == true { return finish().map { [$0] } ?? [] }
        droppedPartialScans += 1
        close()
        return []
    }

    mutating func reset() {
        if open != nil { droppedPartialScans += 1 }
        close()
        lateTail = nil
    }

    /// Changed in place, as in `extend`: a copy would leave the digits behind where they were.
    private mutating func close() {
        open?.data.wipe()
        open = nil
    }

    /// Whether a report belongs to a scan that has been given up; it is counted.
    private mutating func isLate(_ chunk: HIDPOSReportFormat.Chunk, at instant: MonotonicTime) -> Bool {
        guard open == nil, !chunk.data.isEmpty, let tail = lateTail, instant < tail.until,
            tail.isAnyAim || chunk.aim == tail.aim
        else { return false }
        droppedPartialScans += 1
        lateTail?.until = instant.adding(options.continuationGap)
        return true
    }

    private mutating func append(_ chunk: HIDPOSReportFormat.Chunk, at instant: MonotonicTime) {
        lateTail = nil
        if open != nil, open?.aim == chunk.aim, open?.vendorSymbology == chunk.vendorSymbology {
            return extend(by: chunk, at: instant)
        }
        // The identifier is repeated in every report of one scan; another one means that the end of the scan before was lost.
        if open != nil { droppedPartialScans += 1 }
        close()
        open = OpenScan(
            aim: chunk.aim, vendorSymbology: chunk.vendorSymbology, data: Array(chunk.data), isFull: chunk.isFull,
            lastArrival: instant)
    }

    private mutating func extend(by chunk: HIDPOSReportFormat.Chunk, at instant: MonotonicTime) {
        open?.data += chunk.data
        if !chunk.isFull { open?.isFull = false }
        open?.lastArrival = instant
        guard let length = open?.data.count, length > ScanAssembler.maximumLength else { return }
        open?.data.wipe()
        open?.isDamaged = true
    }

    private mutating func finish() -> DecodedScan? {
        guard var scan = open else { return nil }
        open = nil
        defer { scan.data.wipe() }
        guard !scan.isDamaged else {
            droppedPartialScans += 1
            return nil
        }
        var data = scan.data
        while data.last == 0 { data.removeLast() }
        if options.stripsSuffix { data = data.strippingSuffix() }
        guard scan.aim != nil else {
            return DecodedScan(characters: data, completedAt: scan.lastArrival, vendorSymbology: scan.vendorSymbology)
        }
        if let aim = scan.aim, data.count > 3, AIMIdentifier(data.prefix(3)) == aim { data.removeFirst(3) }
        guard !data.isEmpty else { return nil }
        return DecodedScan(
            data: data, aim: scan.aim, symbology: Self.symbology(scan.vendorSymbology, scan.aim),
            completedAt: scan.lastArrival)
    }

    /// The vendor's letter where it says more than the identifier, which has one word for EAN-13, UPC-A and UPC-E.
    fileprivate static func symbology(_ letter: UInt8, _ aim: AIMIdentifier?) -> Symbology? {
        guard let aim, let symbology = aim.symbology else { return vendorSymbologies[letter] }
        guard symbology == .ean13, aim.modifier == UInt8(ascii: "0"), let other = vendorSymbologies[letter],
            other.isArticleNumber
        else { return symbology }
        return other
    }

    /// Honeywell's letters.
    private static let vendorSymbologies: [UInt8: Symbology] = [
        UInt8(ascii: "d"): .ean13, UInt8(ascii: "c"): .upca, UInt8(ascii: "D"): .ean8, UInt8(ascii: "E"): .upce,
        UInt8(ascii: "j"): .code128, UInt8(ascii: "|"): .gs1128, UInt8(ascii: "b"): .code39, UInt8(ascii: "<"): .code39,
        UInt8(ascii: "i"): .code93, UInt8(ascii: "a"): .codabar, UInt8(ascii: "e"): .itf,
        UInt8(ascii: "f"): .industrial2of5, UInt8(ascii: "m"): .industrial2of5, UInt8(ascii: "h"): .code11,
        UInt8(ascii: "g"): .msi, UInt8(ascii: "s"): .qr, UInt8(ascii: "w"): .dataMatrix, UInt8(ascii: "r"): .pdf417,
        UInt8(ascii: "R"): .pdf417, UInt8(ascii: "z"): .aztec, UInt8(ascii: "x"): .maxicode,
        UInt8(ascii: "y"): .databar,
        UInt8(ascii: "{"): .databar, UInt8(ascii: "}"): .databar,
    ]
}

extension DecodedScan {
    /// Data without an identifier beside them may have one in front.
    fileprivate init?(characters: [UInt8], completedAt: MonotonicTime, vendorSymbology: UInt8) {
        guard !characters.isEmpty else { return nil }
        if let symbology = HIDPOSDecoder.symbology(vendorSymbology, nil) {
            self.init(data: characters, aim: nil, symbology: symbology, completedAt: completedAt)
        } else {
            self.init(characters: characters, completedAt: completedAt)
        }
    }
}
