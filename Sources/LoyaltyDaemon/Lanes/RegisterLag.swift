internal import LoyaltyModel

/// How long after their closing times the finished sales of a register come, in microseconds: how far its clock is behind this
/// machine's, and how long the till takes to send them. Nothing tells the two apart.
struct RegisterLag: Sendable {
    private static let capacity = 20
    private static let fewestSteady = 5
    private static let steadySpread: UInt64 = 20_000_000
    /// What is further off the usual is not of the usual way.
    private static let unusualFrom: UInt64 = 30_000_000
    /// A clock that is a day off tells nothing.
    private static let implausible: UInt64 = 86_400_000_000
    /// How well two sales must agree, and how far apart they must come, to show that the clock was set, or that the way has become
    /// longer: sales that were held up come at once, and each with another lag.
    private static let agreement: UInt64 = 10_000_000
    private static let apart = Duration.seconds(20)

    /// The newest last.
    private var lags: [Int64]
    private var unusual: (lag: Int64, at: MonotonicTime)?

    init(_ lags: [Int64] = []) { self.lags = lags.suffix(Self.capacity) }

    /// The middle one of the latest sales: one that came late, or one wrong time, changes nothing. Nil where it is not known.
    var usual: Int64? {
        guard !lags.isEmpty else { return nil }
        let middle = lags.sorted()[(lags.count - 1) / 2]
        return middle.magnitude < Self.implausible ? middle : nil
    }

    /// The same, where the latest sales hardly differ, so that one that was held up shows.
    var steady: Int64? { lags.count >= Self.fewestSteady && isEven ? usual : nil }

    private var isEven: Bool {
        guard !lags.isEmpty else { return false }
        let sorted = lags.sorted()
        return Self.distance(sorted[lags.count / 4], sorted[lags.count * 3 / 4]) <= Self.steadySpread
    }

    /// Takes up a finished sale.
    ///
    /// - Returns: true where this sale and the one before show that they come later than the others did by what the clock, or the
    ///   way, has changed: neither of them was held up.
    mutating func note(_ lag: Int64, at now: MonotonicTime) -> Bool {
        guard let usual = steady, Self.distance(lag, usual) >= Self.unusualFrom else {
            unusual = nil
            if lags.count >= Self.capacity { lags.removeFirst() }
            lags.append(lag)
            return false
        }
        guard let earlier = unusual, Self.distance(lag, earlier.lag) <= Self.agreement else {
            unusual = (lag, now)
            return false
        }
        guard now.since(earlier.at) >= Self.apart else { return false }
        unusual = nil
        lags = [earlier.lag, lag]
        return lag > usual
    }

    private static func distance(_ left: Int64, _ right: Int64) -> UInt64 {
        let (difference, overflow) = left.subtractingReportingOverflow(right)
        return overflow ? .max : difference.magnitude
    }
}
