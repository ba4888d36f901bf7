import LoyaltyModel

/// Tells what a reader had left over from what it reads now.
///
/// A scanner that nobody read keeps its last scan and hands it over at the first poll, minutes later and to the wrong
/// customer; one that was taken over or that stalled in the middle of a scan sends the second half. So after each start
/// everything is thrown away until the reader has been silent for a while.
///
/// One that is not silent in time may be handing over many scans, or may tell its state for ever. So from then on its reports are
/// read, and only those that belong to scans count as news; the scans are thrown away.
struct StartupDrain: Sendable {
    /// Longer than any gap inside a scan that readers are known to make.
    static let silence = Duration.milliseconds(100)
    /// No scan lasts longer, so what still comes then is many scans, or a reader that never falls silent.
    static let limit = Duration.seconds(2)
    /// No reader stays deaf for longer, whatever it sends.
    static let longest = Duration.seconds(60)

    /// When there is something to do, if nothing else comes: ask `isDrained`.
    private(set) var deadline: MonotonicTime
    /// Whether reports are to be read, and told of by `discard(belongsToScan:at:)`.
    private(set) var readsAlong = false
    private let start: MonotonicTime
    /// Whether the limit and not silence made the deadline.
    private var isCutShort = false
    /// Of the last report; the report itself may have been a bank card.
    private var lastHash: Int?

    init(at now: MonotonicTime) {
        start = now
        deadline = now.adding(Self.silence)
    }

    /// A report that came too early. One that repeats the last says nothing new: some readers repeat their state for ever
    /// until they are told not to (espressif/esp-usb issue 26).
    mutating func discard(_ report: [UInt8], at now: MonotonicTime) {
        let hash = report.hashValue
        if hash == lastHash { return }
        lastHash = hash
        let end = start.adding(Self.limit)
        isCutShort = now.adding(Self.silence) > end
        deadline = min(now.adding(Self.silence), end)
    }

    /// A report that came too early, and was read.
    mutating func discard(belongsToScan: Bool, at now: MonotonicTime) {
        guard belongsToScan else { return }
        deadline = min(now.adding(Self.silence), start.adding(Self.longest))
    }

    /// Whether what comes from now on is new. False at a deadline that the limit made: reports are read from then on.
    mutating func isDrained(at now: MonotonicTime) -> Bool {
        guard now >= deadline else { return false }
        lastHash = nil
        guard isCutShort, !readsAlong else { return true }
        readsAlong = true
        deadline = now.adding(Self.silence)
        return false
    }
}
