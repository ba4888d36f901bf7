public import LoyaltyModel

/// Makes a recording of the reports of one reader that holds no payment card and, unless that is asked for, no digit of any
/// other card. Pure: reports and instants in, what may be shown out.
///
/// Reports are held until the reader has been silent for so long that nothing of what it said can go on, and then judged
/// together. Only what a decoder understood leaves; everything else is told of and left out. Timing, lengths, order and
/// structure stay as they were.
public struct RecordingSession: Sendable {
    /// Longer than any gap inside of a scan, and than between the tracks or fields of a swipe that come as scans of their own.
    public static let silence = Duration.milliseconds(500)
    /// What is held at most, in bytes and in reports; a reader that babbles does not fill the memory.
    public static let mostBytes = 64 * 1024
    public static let mostReports = 4096

    private let mask: RecordingMask
    private let isFTDI: Bool
    private let start: MonotonicTime
    private var decoder: ScanDecoder
    private var groups: [RecordedGroup] = []
    private var open = RecordedGroup()
    private var heldBytes = 0
    private var heldReports = 0
    private var isTooLong = false
    private var lastArrival: MonotonicTime?
    private var drops: Int

    /// - Parameters:
    ///   - key: random, of this recording alone.
    ///   - classifier: with the card schemes of the settings, as the scan path has it.
    /// - Returns: nil where nothing reads such an interface.
    public init?(
        _ facts: InterfaceFacts, options: ReaderOptions, classifier: CardClassifier, digits: RecordedDigits,
        key: (UInt64, UInt64), startingAt start: MonotonicTime
    ) {
        guard case .reads(let decoder) = ScanDecoder.choose(for: facts, options: options),
            let mask = RecordingMask(
                facts, options: options, decoder: decoder, classifier: classifier, digits: digits, key: key)
        else { return nil }
        self.decoder = decoder
        self.mask = mask
        self.start = start
        drops = decoder.droppedPartialScans
        isFTDI = SerialChip.find(vendorID: facts.vendorID, productID: facts.productID)?.adapter == .ftdi
    }

    public var kind: ReaderProtocol { decoder.kind }

    /// When `expire` has something to do; nil where nothing is held.
    public var deadline: MonotonicTime? {
        guard let lastArrival else { return nil }
        return min(lastArrival.adding(Self.silence), decoder.deadline ?? lastArrival.adding(Self.silence))
    }

    /// Takes one report as transferred.
    public mutating func receive(_ report: [UInt8], at instant: MonotonicTime) -> [RecordedItem] {
        let items = expire(at: instant)
        // An FTDI chip tells its status sixty times a second.
        if isFTDI, report.count <= 2, open.reports.isEmpty { return items }
        lastArrival = instant
        heldBytes += report.count
        heldReports += 1
        if heldBytes > Self.mostBytes || heldReports > Self.mostReports { isTooLong = true }
        if isTooLong { forgetHeld() }
        let scans = decoder.receive(report, at: instant)
        _ = decoder.takeRequests()
        guard !isTooLong else { return items }
        open.reports.append((Int(clamping: start.milliseconds(to: instant)), report))
        take(scans)
        return items
    }

    /// Does what time has made due.
    public mutating func expire(at instant: MonotonicTime) -> [RecordedItem] {
        // A decoder asks for a few deadlines at most: half a scan, held tracks, a late rest.
        for _ in 0..<8 {
            guard let deadline = decoder.deadline, deadline <= instant else { break }
            take(decoder.expire(at: deadline))
        }
        guard let last = lastArrival, decoder.deadline == nil, instant >= last.adding(Self.silence) else { return [] }
        return release()
    }

    /// The reader went: half a scan is one that broke off.
    public mutating func finish() -> [RecordedItem] {
        guard lastArrival != nil else { return [] }
        decoder.reset()
        take([])
        return release()
    }

    private mutating func take(_ scans: [DecodedScan]) {
        open.scans += scans
        let dropped = decoder.droppedPartialScans
        open.dropped += max(0, dropped - drops)
        drops = dropped
        if decoder.deadline == nil, !open.reports.isEmpty {
            groups.append(open)
            open = RecordedGroup()
        }
    }

    private mutating func release() -> [RecordedItem] {
        defer {
            forgetHeld()
            isTooLong = false
            heldBytes = 0
            heldReports = 0
            lastArrival = nil
        }
        if isTooLong { return [.withheld(at: groups.first?.start ?? open.start, .tooLong)] }
        return mask.items(of: groups)
    }

    private mutating func forgetHeld() {
        for index in groups.indices { groups[index].wipe() }
        open.wipe()
        groups = []
        open = RecordedGroup()
    }
}

/// Reports that belong together: between two moments at which the decoder waited for nothing.
struct RecordedGroup: Sendable {
    var reports: [(at: Int, bytes: [UInt8])] = []
    var scans: [DecodedScan] = []
    var dropped = 0

    var start: Int { reports.first?.at ?? 0 }
    var end: Int { reports.last?.at ?? 0 }
    var isIdle: Bool { scans.isEmpty && dropped == 0 }

    mutating func wipe() {
        for index in reports.indices { reports[index].bytes.wipe() }
        for index in scans.indices { scans[index].text.wipe() }
    }
}

extension MonotonicTime {
    fileprivate func milliseconds(to later: MonotonicTime) -> Int64 {
        let (seconds, attoseconds) = later.since(self).components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        return overflow ? .max : whole + attoseconds / 1_000_000_000_000_000
    }
}
