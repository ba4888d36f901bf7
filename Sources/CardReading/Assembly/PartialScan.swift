import LoyaltyModel

/// The reports of one scan that have come so far, where a protocol cuts long codes into several.
///
/// After a timeout what comes is taken for the rest of the scan that broke off, until it has been silent again for as long: a
/// tail must not pass for a card.
struct PartialScan: Sendable {
    /// Scans that were cut off, or made of nonsense.
    private(set) var dropped = 0
    private(set) var data: [UInt8] = []
    private(set) var isOpen = false
    private let gap: Duration
    private(set) var lastArrival = MonotonicTime(nanoseconds: 0)
    private var lateUntil: MonotonicTime?

    init(gap: Duration) { self.gap = gap }

    var deadline: MonotonicTime? { isOpen ? lastArrival.adding(gap) : nil }

    /// Whether a report at that instant belongs to a scan that has been given up; it is counted.
    mutating func isLate(at instant: MonotonicTime) -> Bool {
        guard let lateUntil else { return false }
        guard instant < lateUntil else {
            self.lateUntil = nil
            return false
        }
        dropped += 1
        self.lateUntil = instant.adding(gap)
        return true
    }

    mutating func append(_ part: some Collection<UInt8>, at instant: MonotonicTime) {
        guard data.count + part.count <= ScanAssembler.maximumLength else { return fail(at: instant) }
        data.append(contentsOf: part)
        lastArrival = instant
        isOpen = true
    }

    /// The whole scan; nothing is open afterwards. No copy stays here.
    mutating func take() -> [UInt8] {
        var whole: [UInt8] = []
        swap(&whole, &data)
        isOpen = false
        return whole
    }

    /// As `take`, where only silence says that the scan is whole: what comes before the gap is over is late.
    mutating func takeAfterSilence() -> [UInt8] {
        lateUntil = lastArrival.adding(gap)
        return take()
    }

    /// Gives up what has come, where there is anything, and what may follow of it.
    mutating func fail(at instant: MonotonicTime) {
        dropped += 1
        lateUntil = instant.adding(gap)
        close()
    }

    /// Gives up what has come, while the next report begins anew.
    mutating func drop() {
        dropped += 1
        close()
    }

    mutating func expire(at instant: MonotonicTime) {
        guard let deadline, instant >= deadline else { return }
        fail(at: deadline)
    }

    mutating func reset() {
        if isOpen { dropped += 1 }
        lateUntil = nil
        close()
    }

    /// Forgets what has come, and overwrites it.
    mutating func close() {
        data.wipe()
        isOpen = false
    }
}
