import LoyaltyModel

/// Reads a magnetic stripe reader in HID mode: reports, or the packets of one, in; swipes out.
///
/// What it holds of an unfinished report is overwritten as soon as it is read or dropped.
struct StripeDecoder: ReportDecoder {
    private enum Format: Sendable {
        case raw([UInt8: HIDStripeFormat])
        case magTek(MagTekFormat)
        case idTech
    }

    let kind: ReaderProtocol
    private let format: Format
    private let usesReportIDs: Bool
    private let gap: Duration
    private(set) var droppedPartialScans = 0
    /// The packets of a report that is not whole yet.
    private var pending: [UInt8] = []
    private var lastArrival = MonotonicTime(nanoseconds: 0)
    /// Until then, what is no whole report is taken for the rest of one that timed out.
    private var lateUntil: MonotonicTime?

    /// ID TECH, and UIC, whose readers are built alike.
    private static let idTechVendors: Set<UInt16> = [0x0acd, 0x6352]
    private static let vendorPages: ClosedRange<UInt16> = 0xff00...0xffff
    /// Settings of scanners that stand beside a HID POS interface.
    private static let managementPage: UInt16 = 0xff8c

    /// - Returns: nil where the descriptor is not that of a stripe reader.
    init?(_ descriptor: ReportDescriptor, facts: InterfaceFacts, options: ReaderOptions) {
        if descriptor.applications.contains(.magneticStripeReader) {
            let formats = HIDStripeFormat.formats(descriptor)
            guard !formats.isEmpty else { return nil }
            (kind, format) = (.hidMSR, .raw(formats))
        } else if let magTek = MagTekFormat(descriptor, vendorID: facts.vendorID) {
            (kind, format) = (magTek.encrypts ? .magnesafe : .magtek, .magTek(magTek))
        } else if Self.idTechVendors.contains(facts.vendorID), Self.hasVendorReport(descriptor) {
            (kind, format) = (.idtech, .idTech)
        } else {
            return nil
        }
        usesReportIDs = descriptor.usesReportIDs
        gap = options.continuationGap
    }

    private static func hasVendorReport(_ descriptor: ReportDescriptor) -> Bool {
        descriptor.fields.contains { field in
            let page = field.application.page
            return field.kind == .input && field.size == 8 && vendorPages.contains(page) && page != managementPage
        }
    }

    var deadline: MonotonicTime? { pending.isEmpty ? nil : lastArrival.adding(gap) }

    mutating func receive(_ report: [UInt8], at instant: MonotonicTime) -> [DecodedScan] {
        _ = expire(at: instant)
        let report = withoutReportID(report)
        guard isOurs(report) else { return [] }
        if case .swipe(let swipe) = read(report, isOneReport: true) {
            if !pending.isEmpty { drop() }
            return scans(swipe, at: instant)
        }
        // Padding, or a reader that sends empty reports while it is idle.
        guard !pending.isEmpty || report.contains(where: { $0 != 0 }) else { return [] }
        if let lateUntil, instant < lateUntil, pending.isEmpty {
            self.lateUntil = instant.adding(gap)
            return []
        }
        pending += report
        lastArrival = instant
        switch read(pending, isOneReport: false) {
        case .swipe(let swipe):
            pending.wipe()
            return scans(swipe, at: instant)
        case .needsMore where pending.count < IDTechFrame.maximumLength: break
        case .needsMore, .invalid:
            drop()
            lateUntil = instant.adding(gap)
        }
        return []
    }

    /// A report without its end is a bad swipe: nothing of it counts.
    mutating func expire(at instant: MonotonicTime) -> [DecodedScan] {
        guard let deadline, instant >= deadline else { return [] }
        drop()
        lateUntil = deadline.adding(gap)
        return []
    }

    mutating func reset() {
        if !pending.isEmpty { drop() }
        lateUntil = nil
    }

    private mutating func drop() {
        droppedPartialScans += 1
        pending.wipe()
    }

    private mutating func scans(_ swipe: StripeSwipe, at instant: MonotonicTime) -> [DecodedScan] {
        lateUntil = nil
        guard !swipe.isEmpty else { return [] }
        return [
            DecodedScan(
                text: swipe.text, entry: .msr, completedAt: instant, hadEncryptedBlock: swipe.hadEncryptedBlock)
        ]
    }

    /// A frame of ID TECH's may go on in the next report, which has the ID in front again.
    private func withoutReportID(_ report: [UInt8]) -> [UInt8] {
        if case .idTech = format, usesReportIDs { Array(report.dropFirst()) } else { report }
    }

    /// A device may have other reports beside that of the tracks.
    private func isOurs(_ report: [UInt8]) -> Bool {
        guard let first = report.first else { return false }
        guard usesReportIDs, pending.isEmpty else { return true }
        switch format {
        case .raw(let formats): return formats[first] != nil
        case .magTek(let format): return first == format.reportID
        case .idTech: return true
        }
    }

    private func read(_ bytes: [UInt8], isOneReport: Bool) -> StripeReading {
        switch format {
        case .raw(let formats):
            guard let format = formats[usesReportIDs ? (bytes.first ?? 0) : 0] else { return .invalid }
            return bytes.count >= format.reportLength ? .swipe(format.read(bytes)) : .needsMore
        case .magTek(let format):
            guard !usesReportIDs || bytes.first == format.reportID else { return .invalid }
            let needed = isOneReport ? format.minimumLength : format.reportLength
            guard bytes.count >= needed else { return .needsMore }
            return bytes.count > format.reportLength && !isOneReport ? .invalid : .swipe(format.read(bytes))
        case .idTech:
            return IDTechFormat.read(bytes)
        }
    }
}
