internal import LoyaltyModel

/// How long after their closing times the finished sales of a register come, in microseconds: how far its clock is behind this
/// machine's, and how long the till takes to send them. Nothing tells the two apart.
struct RegisterLag: Sendable {
    private static let capacity = 20
    private static let fewestSteady = 5
    private static let steadySpread: UInt64 = 20_000_000
    /// What all of the latest must keep to for one to be called late.
    private static let fewestEven = 10
    private static let evenSpread: UInt64 = 60_000_000
    /// So far behind the largest lag a sale comes late. Many tills tell when a basket began: no ordinary one takes as long.
    private static let lateFrom: Int64 = 300_000_000
    /// Where the latest differ by no more than this the till tells when a basket ended: no two take equally long.
    private static let exactSpread: UInt64 = 5_000_000
    private static let lateFromExact: Int64 = 30_000_000
    /// Up to here behind it a sale comes as usual; nobody can tell of what is between.
    private static let usualUntil: Int64 = 30_000_000
    /// Sales that were held up come one right behind the other.
    private static let together = Duration.seconds(10)
    /// What is further off the usual is not of the usual way.
    private static let unusualFrom: UInt64 = 30_000_000
    /// A clock that is a day off tells nothing.
    private static let implausible: UInt64 = 86_400_000_000
    /// How well two sales must agree, and how far apart they must come, to show that the clock was set, or that the way has become
    /// longer: sales that were held up come at once, and each with another lag.
    private static let agreement: UInt64 = 20_000_000
    private static let apart = Duration.seconds(20)

    /// Those of the usual way, the newest last.
    private var lags: [Int64]
    /// All of the latest, whatever they are, so that no estimate outlives the sales that contradict it. The newest last.
    private var latest: [Int64]
    private var unusual: (lag: Int64, at: MonotonicTime)?
    /// The pace in front of those that were held up together, and when the newest of them came.
    private var heldUp: (pace: Pace, at: MonotonicTime)?

    /// The largest of the latest lags, and how far behind it a sale comes late.
    private struct Pace {
        var largest: Int64
        var lateFrom: Int64
    }

    init(_ lags: [Int64] = []) {
        self.lags = lags.suffix(Self.capacity)
        latest = self.lags
    }

    /// The middle one of the latest sales: one that came late, or one wrong time, changes nothing. Nil where it is not known.
    var usual: Int64? {
        guard !lags.isEmpty else { return nil }
        let middle = lags.sorted()[(lags.count - 1) / 2]
        return middle.magnitude < Self.implausible ? middle : nil
    }

    /// The same, where they hardly differ, so that a clock that is set shows.
    private var steady: Int64? { lags.count >= Self.fewestSteady && isEven ? usual : nil }

    private var isEven: Bool {
        guard !lags.isEmpty else { return false }
        let sorted = lags.sorted()
        return Self.distance(sorted[lags.count / 4], sorted[lags.count * 3 / 4]) <= Self.steadySpread
    }

    /// Takes up a finished sale.
    ///
    /// - Returns: how long behind the largest lag of the latest sales it comes; nil where nobody can tell.
    mutating func note(_ lag: Int64, at now: MonotonicTime) -> Duration? {
        learn(lag, at: now)
        defer {
            if latest.count >= Self.capacity { latest.removeFirst() }
            latest.append(lag)
        }
        // Those that were held up together must not make each other usual.
        guard let pace = heldUp.flatMap({ now.since($0.at) < Self.together ? $0.pace : nil }) ?? evenPace
        else { return nil }
        let (behind, isBeyond) = lag.subtractingReportingOverflow(pace.largest)
        guard !isBeyond, behind < Self.usualUntil || behind >= pace.lateFrom else { return nil }
        if behind >= pace.lateFrom { heldUp = (pace, now) }
        return .microseconds(behind)
    }

    /// Nil where the latest do not all come at an even pace.
    private var evenPace: Pace? {
        guard latest.count >= Self.fewestEven, let least = latest.min(), let largest = latest.max(),
            Self.distance(least, largest) <= Self.evenSpread
        else { return nil }
        let isExact = Self.distance(least, largest) <= Self.exactSpread
        return Pace(largest: largest, lateFrom: isExact ? Self.lateFromExact : Self.lateFrom)
    }

    private mutating func learn(_ lag: Int64, at now: MonotonicTime) {
        guard let usual = steady, Self.distance(lag, usual) >= Self.unusualFrom else {
            unusual = nil
            if lags.count >= Self.capacity { lags.removeFirst() }
            lags.append(lag)
            return
        }
        guard let earlier = unusual, Self.distance(lag, earlier.lag) <= Self.agreement else {
            unusual = (lag, now)
            return
        }
        guard now.since(earlier.at) >= Self.apart else { return }
        unusual = nil
        lags = [earlier.lag, lag]
    }

    private static func distance(_ left: Int64, _ right: Int64) -> UInt64 {
        let (difference, overflow) = left.subtractingReportingOverflow(right)
        return overflow ? .max : difference.magnitude
    }
}
