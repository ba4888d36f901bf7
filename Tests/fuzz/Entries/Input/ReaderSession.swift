import CardReading
import LoyaltyModel

/// A decoder as it is right after it was chosen. Choosing means reading a descriptor, which most entries need once and not for
/// every input; the copy of a decoder costs next to nothing.
struct ReaderStart: Sendable {
    let decoder: ScanDecoder
    let options: ReaderOptions

    /// - Returns: nil where no decoder reads the interface.
    init?(_ facts: InterfaceFacts, _ options: ReaderOptions = .init()) {
        guard case .reads(let decoder) = ScanDecoder.choose(for: facts, options: options) else { return nil }
        self.decoder = decoder
        self.options = options
    }
}

/// Plays reports into a decoder as the driver does, and watches what holds for every protocol.
struct ReaderSession {
    /// A scan with the report that it came with; nil where silence ended it.
    struct Delivery {
        var scan: DecodedScan
        var report: Int?
        /// Reports that had been played since the last reset.
        var played: Range<Int>
    }

    private let fresh: ScanDecoder
    private var decoder: ScanDecoder
    /// Knows nothing of what was before the last reset, and must give the same all the same.
    private var shadow: ScanDecoder?
    private(set) var now = MonotonicTime(nanoseconds: 1_000_000_000)
    private(set) var times: [MonotonicTime] = []
    private(set) var deliveries: [Delivery] = []
    private var start = 0

    /// A decoder asks for a few deadlines at most: half a scan, held tracks, a late rest.
    private static let mostDeadlines = 8

    init(_ start: ReaderStart) {
        fresh = start.decoder
        decoder = start.decoder
    }

    /// - Throws: where no decoder reads an interface that one must read.
    init(_ start: ReaderStart?) throws(BrokenPromise) {
        guard let start else { throw BrokenPromise(description: "no decoder for the interface") }
        self.init(start)
    }

    var kind: ReaderProtocol { decoder.kind }
    var reportLength: Int { decoder.inputReportLength }

    mutating func play(_ reports: [TimedReport]) throws(BrokenPromise) {
        times.reserveCapacity(reports.count)
        for report in reports {
            now = now.adding(report.delay)
            if report.followsReset { reset() }
            try expire(until: now)
            times.append(now)
            let dropped = decoder.droppedPartialScans
            let scans = decoder.receive(report.bytes, at: now)
            let shadowed = shadow?.receive(report.bytes, at: now)
            try note(scans, shadowed, report: times.count - 1)
            try expect(decoder.droppedPartialScans >= dropped, "the count of dropped scans went back")
            try expect(decoder.takeRequests().count <= 1, "more than one answer to one report")
        }
        try finish()
    }

    /// Lets so much time pass that nothing waits any more.
    private mutating func finish() throws(BrokenPromise) {
        now = now.adding(.seconds(60))
        try expire(until: now)
        try expect(decoder.deadline == nil, "something waits after a minute of silence")
    }

    private mutating func reset() {
        decoder.reset()
        start = times.count
        shadow = fresh
    }

    private mutating func expire(until instant: MonotonicTime) throws(BrokenPromise) {
        for _ in 0..<Self.mostDeadlines {
            guard let deadline = decoder.deadline, deadline <= instant else { return }
            let scans = decoder.expire(at: deadline)
            let shadowed = shadow?.expire(at: deadline)
            try note(scans, shadowed, report: nil)
        }
        throw BrokenPromise(description: "deadlines without end")
    }

    private mutating func note(
        _ scans: [DecodedScan], _ shadowed: [DecodedScan]?, report: Int?
    ) throws(BrokenPromise) {
        if let shadowed {
            try expect(
                scans.count == shadowed.count && zip(scans, shadowed).allSatisfy { $0.text == $1.text },
                "after a reset, what was before it changed a scan")
        }
        for scan in scans {
            try expect(scan.completedAt <= now, "a scan from the future")
            try expect(scan.text.count <= 3 * 8192, "a scan longer than any code or card")
            try expect(!scan.text.isEmpty || scan.hadEncryptedBlock, "an empty scan")
            deliveries.append(Delivery(scan: scan, report: report, played: start..<times.count))
        }
    }

    /// Walks over the reports once, and judges each delivery by what an oracle has made of those since the last reset.
    func judge<Oracle>(
        by fresh: Oracle, taking take: (inout Oracle, _ report: Int) -> Void,
        _ judge: (Oracle, Delivery) throws(BrokenPromise) -> Void
    ) throws(BrokenPromise) {
        var oracle = fresh
        var taken = 0..<0
        for delivery in deliveries {
            if delivery.played.lowerBound != taken.lowerBound {
                oracle = fresh
                taken = delivery.played.lowerBound..<delivery.played.lowerBound
            }
            for index in taken.upperBound..<delivery.played.upperBound { take(&oracle, index) }
            taken = delivery.played
            try judge(oracle, delivery)
        }
    }
}
