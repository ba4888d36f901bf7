internal import ControlAPI
internal import LoyaltyModel

/// How long scans took from their last byte to the answer: the newest 1,024.
struct AnswerTimes {
    private static let capacity = 1024
    private var samples: [Int64] = []
    private var next = 0
    private(set) var count: Int64 = 0

    mutating func add(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let microseconds = min(seconds, 1_000_000) * 1_000_000 + attoseconds / 1_000_000_000_000
        if samples.count < Self.capacity {
            samples.append(microseconds)
        } else {
            samples[next] = microseconds
            next = (next + 1) % Self.capacity
        }
        count += 1
    }

    var report: LatencyReport? {
        guard !samples.isEmpty else { return nil }
        let sorted = samples.sorted()
        return LatencyReport(
            count: count, medianMicroseconds: sorted[sorted.count / 2],
            p99Microseconds: sorted[min(sorted.count - 1, sorted.count * 99 / 100)],
            maximumMicroseconds: sorted[sorted.count - 1])
    }
}
