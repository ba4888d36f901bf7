/// An exact fraction of 128-bit integers, kept in lowest terms with a positive denominator.
///
/// What rates and shares are computed in, so that rounding happens once, where the program says.
public struct Ratio: Hashable, Sendable {
    public let numerator: Int128
    public let denominator: Int128

    public static let zero = Ratio(unchecked: 0, 1)
    public static let one = Ratio(unchecked: 1, 1)

    init(unchecked numerator: Int128, _ denominator: Int128) {
        let divisor = Ratio.greatestCommonDivisor(numerator.magnitude, denominator.magnitude)
        let reduced = Int128(divisor == 0 ? 1 : divisor)
        self.numerator = numerator / reduced
        self.denominator = denominator / reduced
    }

    public init(_ integer: Int64) { self.init(unchecked: Int128(integer), 1) }

    /// - Throws: `number.overflow` for a denominator of zero or values at the edge of the range.
    public init(_ numerator: Int128, over denominator: Int128) throws(LoyaltyError) {
        guard denominator != 0, numerator != .min, denominator != .min else {
            throw LoyaltyError(.numberOverflow, "a ratio needs a denominator other than zero")
        }
        self.init(unchecked: denominator < 0 ? -numerator : numerator, denominator < 0 ? -denominator : denominator)
    }

    public var isZero: Bool { numerator == 0 }
    public var isNegative: Bool { numerator < 0 }

    /// - Throws: `number.overflow`.
    public func adding(_ other: Ratio) throws(LoyaltyError) -> Ratio {
        let (left, high1) = numerator.multipliedReportingOverflow(by: other.denominator)
        let (right, high2) = other.numerator.multipliedReportingOverflow(by: denominator)
        let (sum, carry) = left.addingReportingOverflow(right)
        let (common, high3) = denominator.multipliedReportingOverflow(by: other.denominator)
        guard !high1, !high2, !high3, !carry else { throw Self.overflow }
        return try Ratio(sum, over: common)
    }

    /// - Throws: `number.overflow`.
    public func subtracting(_ other: Ratio) throws(LoyaltyError) -> Ratio {
        try adding(Ratio(unchecked: -other.numerator, other.denominator))
    }

    /// - Throws: `number.overflow`.
    public func multiplied(by other: Ratio) throws(LoyaltyError) -> Ratio {
        // Cross-reduction first keeps long chains of multipliers inside 128 bits.
        let left = Ratio(unchecked: numerator, other.denominator)
        let right = Ratio(unchecked: other.numerator, denominator)
        let (top, high1) = left.numerator.multipliedReportingOverflow(by: right.numerator)
        let (bottom, high2) = left.denominator.multipliedReportingOverflow(by: right.denominator)
        guard !high1, !high2 else { throw Self.overflow }
        return try Ratio(top, over: bottom)
    }

    /// - Throws: `number.overflow`, also for a division by zero.
    public func divided(by other: Ratio) throws(LoyaltyError) -> Ratio {
        try multiplied(by: Ratio(other.denominator, over: other.numerator))
    }

    /// The value as a whole number of `10^-scale`, rounded as asked.
    ///
    /// - Throws: `number.overflow`.
    public func rounded(_ mode: RoundingMode, scale: Int = 0) throws(LoyaltyError) -> Int64 {
        let (scaled, high) = numerator.multipliedReportingOverflow(by: Int128.powerOfTen(scale))
        guard !high else { throw Self.overflow }
        var (quotient, remainder) = scaled.quotientAndRemainder(dividingBy: denominator)
        if remainder < 0 {
            quotient -= 1
            remainder += denominator
        }
        // Now value = quotient + remainder/denominator with 0 <= remainder < denominator.
        let rest = denominator - remainder
        let up: Bool
        switch mode {
        case .floor: up = false
        case .ceiling: up = remainder > 0
        case .truncate: up = scaled < 0 && remainder > 0
        case .halfUp: up = remainder > rest || (remainder == rest && scaled >= 0)
        case .halfDown: up = remainder > rest || (remainder == rest && scaled < 0)
        case .halfEven: up = remainder > rest || (remainder == rest && quotient % 2 != 0)
        }
        guard let units = Int64(exactly: up ? quotient + 1 : quotient) else { throw Self.overflow }
        return units
    }

    private static var overflow: LoyaltyError {
        LoyaltyError(.numberOverflow, "the result is larger than this program can count")
    }

    private static func greatestCommonDivisor(_ first: UInt128, _ second: UInt128) -> UInt128 {
        var (large, small) = (first, second)
        while small != 0 { (large, small) = (small, large % small) }
        return large
    }
}

extension Ratio: Comparable {
    public static func < (left: Ratio, right: Ratio) -> Bool {
        let (leftHigh, leftLow) = left.numerator.multipliedFullWidth(by: right.denominator)
        let (rightHigh, rightLow) = right.numerator.multipliedFullWidth(by: left.denominator)
        return leftHigh == rightHigh ? leftLow < rightLow : leftHigh < rightHigh
    }
}

extension Ratio: CustomStringConvertible {
    public var description: String { denominator == 1 ? "\(numerator)" : "\(numerator)/\(denominator)" }
}

/// How a fraction becomes a whole number of units. "Half up" and "half down" are away from and towards zero,
/// so that a return rounds like the sale it takes back.
public enum RoundingMode: String, Sendable, Codable, CaseIterable {
    /// Towards minus infinity.
    case floor
    /// Towards plus infinity.
    case ceiling = "ceil"
    /// Towards zero.
    case truncate
    case halfUp = "half_up"
    case halfDown = "half_down"
    case halfEven = "half_even"
}
