/// Nanoseconds of a clock that never steps. Only differences mean anything.
public struct MonotonicTime: Hashable, Comparable, Sendable {
    public let nanoseconds: UInt64

    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// The time since an earlier instant; zero where that one is later.
    public func since(_ earlier: MonotonicTime) -> Duration {
        guard nanoseconds > earlier.nanoseconds else { return .zero }
        return .nanoseconds(Int64(clamping: nanoseconds - earlier.nanoseconds))
    }

    /// Later by a duration; held at the ends of the range.
    public func adding(_ duration: Duration) -> MonotonicTime {
        let (seconds, attoseconds) = duration.components
        let (wide, high) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (delta, carry) = wide.addingReportingOverflow(attoseconds / 1_000_000_000)
        if high || carry { return MonotonicTime(nanoseconds: seconds < 0 ? 0 : .max) }
        let (sum, overflow) =
            delta < 0
            ? nanoseconds.subtractingReportingOverflow(delta.magnitude)
            : nanoseconds.addingReportingOverflow(delta.magnitude)
        return MonotonicTime(nanoseconds: overflow ? (delta < 0 ? 0 : .max) : sum)
    }

    public static func < (left: MonotonicTime, right: MonotonicTime) -> Bool { left.nanoseconds < right.nanoseconds }
}

/// The seam for time. Logic asks this, never the system, so that a test decides what time it is.
public protocol LoyaltyClock: Sendable {
    /// Wall time. May step in either direction; never used to order events.
    var now: Timestamp { get }
    /// Time for intervals and deadlines.
    var monotonic: MonotonicTime { get }
}
