public import LoyaltyModel

#if canImport(Glibc)
internal import Glibc
#endif

/// The machine's clocks. The only place that asks the kernel for the time.
public struct SystemClock: LoyaltyClock {
    public init() {}

    public var now: Timestamp {
        let time = read(CLOCK_REALTIME)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    public var monotonic: MonotonicTime {
        let time = read(CLOCK_MONOTONIC)
        return MonotonicTime(nanoseconds: UInt64(clamping: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)))
    }

    private func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        clock_gettime(clock, &time)
        return time
    }
}
