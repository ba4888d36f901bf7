import Glibc

/// Notices that the system was suspended, by the time that one clock counts and the other does not.
struct ResumeWatch: Sendable {
    private var suspended: Duration

    /// Shorter is the jitter of reading two clocks.
    static let least = Duration.milliseconds(500)

    /// - Parameter suspended: How long the system has been suspended since it started.
    init(suspended: Duration) { self.suspended = suspended }

    /// Whether it was suspended since the last call.
    mutating func hasResumed(suspended: Duration) -> Bool {
        defer { self.suspended = suspended }
        return suspended - self.suspended >= Self.least
    }

    /// CLOCK_BOOTTIME goes on while the system is suspended, CLOCK_MONOTONIC does not (clock_gettime(2)).
    static func systemSuspended() -> Duration {
        func read(_ clock: clockid_t) -> Duration {
            var time = timespec()
            clock_gettime(clock, &time)
            return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
        }
        return read(CLOCK_BOOTTIME) - read(CLOCK_MONOTONIC)
    }
}
