import LoyaltyModel

/// Tells what a reader had left over from what it reads now.
///
/// A scanner that nobody read keeps its last scan and hands it over at the first poll, minutes later and to the wrong
/// customer; one that was taken over or that stalled in the middle of a scan sends the second half. So after each start
/// everything is thrown away until the reader has been silent for a while.
struct StartupDrain: Sendable {
    /// Longer than any gap inside a scan that readers are known to make.
    static let silence = Duration.milliseconds(100)
    /// No scan lasts longer, so what still comes then is a reader that never falls silent.
    static let limit = Duration.seconds(2)

    /// When the reader counts as drained, if nothing else comes.
    private(set) var deadline: MonotonicTime
    private let end: MonotonicTime
    private var last: [UInt8] = []

    init(at now: MonotonicTime) {
        deadline = now.adding(Self.silence)
        end = now.adding(Self.limit)
    }

    /// A report that came too early. One that repeats the last says nothing new: some readers repeat their state for ever
    /// until they are told not to (espressif/esp-usb issue 26).
    mutating func discard(_ report: [UInt8], at now: MonotonicTime) {
        if report == last { return }
        last = report
        deadline = min(now.adding(Self.silence), end)
    }
}
