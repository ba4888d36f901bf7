/// Which event numbers (`seq`) of one source and epoch never came: a till that loses events shows as a gap.
///
/// Numbers may come late, and again; a gap closes when they do. The first number that is seen begins the count.
public struct SequenceGaps: Sendable, Hashable, Codable {
    /// The highest number so far.
    public private(set) var highest: UInt64
    /// What is missing below it, rising, without overlaps.
    public private(set) var missing: [ClosedRange<UInt64>] = []
    /// How many numbers were dropped from `missing` because there were too many gaps.
    public private(set) var forgotten: UInt64 = 0

    /// A till with more gaps than this has no use for their list.
    public static let mostGaps = 256

    public init(first: UInt64) { highest = first }

    /// Takes a number; all are allowed, in any order.
    public mutating func note(_ number: UInt64) {
        if number > highest {
            if number - highest > 1 { missing.append(highest + 1...number - 1) }
            highest = number
            while missing.count > Self.mostGaps { forget(missing.removeFirst()) }
        } else if let index = missing.firstIndex(where: { $0.contains(number) }) {
            let gap = missing.remove(at: index)
            if gap.upperBound > number { missing.insert(number + 1...gap.upperBound, at: index) }
            if gap.lowerBound < number { missing.insert(gap.lowerBound...number - 1, at: index) }
        }
    }

    /// How many numbers are missing, at most `UInt64.max`.
    public var missingCount: UInt64 { missing.reduce(forgotten) { Self.sum($0, Self.length($1)) } }

    private mutating func forget(_ gap: ClosedRange<UInt64>) { forgotten = Self.sum(forgotten, Self.length(gap)) }

    private static func length(_ gap: ClosedRange<UInt64>) -> UInt64 {
        sum(gap.upperBound - gap.lowerBound, 1)
    }

    private static func sum(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
