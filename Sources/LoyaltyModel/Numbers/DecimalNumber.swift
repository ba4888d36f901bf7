/// An exact decimal: `coefficient / 10^scale`. Never converted to or from binary floating point.
///
/// The scale is 0...18. Equality and order compare the value, so 1.5 equals 1.50.
public struct DecimalNumber: Sendable {
    public let coefficient: Int64
    public let scale: Int

    public static let maximumScale = 18
    public static let zero = DecimalNumber(unchecked: 0, scale: 0)
    public static let one = DecimalNumber(unchecked: 1, scale: 0)

    private init(unchecked coefficient: Int64, scale: Int) {
        self.coefficient = coefficient
        self.scale = scale
    }

    /// - Throws: `number.overflow` for a scale outside 0...18.
    public init(coefficient: Int64, scale: Int) throws(LoyaltyError) {
        guard (0...Self.maximumScale).contains(scale) else {
            throw LoyaltyError(.numberOverflow, "a decimal has 0 to \(Self.maximumScale) decimals, not \(scale)")
        }
        self.init(unchecked: coefficient, scale: scale)
    }

    public init(_ integer: Int64) { self.init(unchecked: integer, scale: 0) }

    /// Reads `-12.345`: an optional sign, digits, optionally a point and digits. No exponent, no spaces, no grouping.
    ///
    /// - Throws: `number.syntax`, or `number.overflow` where the digits do not fit.
    public init(_ text: some StringProtocol) throws(LoyaltyError) {
        var coefficient: Int64 = 0
        var scale = 0
        var digits = 0
        var negative = false
        var afterPoint = false
        for (index, byte) in text.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "-") where index == 0: negative = true
            case UInt8(ascii: "+") where index == 0: break
            case UInt8(ascii: ".") where !afterPoint && digits > 0: afterPoint = true
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                digits += 1
                if afterPoint { scale += 1 }
                let (product, high) = coefficient.multipliedReportingOverflow(by: 10)
                let digit = Int64(byte - UInt8(ascii: "0"))
                let (sum, carry) = product.addingReportingOverflow(negative ? -digit : digit)
                guard !high, !carry, scale <= Self.maximumScale else {
                    throw LoyaltyError(.numberOverflow, "the number has more digits than fit")
                }
                coefficient = sum
            default:
                throw LoyaltyError(.numberSyntax, "expected a decimal number such as \"12.34\"")
            }
        }
        guard digits > 0, !afterPoint || scale > 0 else {
            throw LoyaltyError(.numberSyntax, "expected a decimal number such as \"12.34\"")
        }
        self.init(unchecked: coefficient, scale: scale)
    }

    public var isZero: Bool { coefficient == 0 }
    public var isNegative: Bool { coefficient < 0 }

    /// The same value as an exact ratio.
    public var ratio: Ratio { Ratio(unchecked: Int128(coefficient), Int128.powerOfTen(scale)) }

    /// - Throws: `number.overflow`.
    public func adding(_ other: DecimalNumber) throws(LoyaltyError) -> DecimalNumber {
        let common = max(scale, other.scale)
        let left = Int128(coefficient) * Int128.powerOfTen(common - scale)
        let right = Int128(other.coefficient) * Int128.powerOfTen(common - other.scale)
        guard let sum = Int64(exactly: left + right) else {
            throw LoyaltyError(.numberOverflow, "the sum does not fit")
        }
        return DecimalNumber(unchecked: sum, scale: common)
    }

    /// - Throws: `number.overflow`.
    public func negated() throws(LoyaltyError) -> DecimalNumber {
        guard coefficient != .min else { throw LoyaltyError(.numberOverflow, "the number does not fit") }
        return DecimalNumber(unchecked: -coefficient, scale: scale)
    }

    /// The distance from zero. - Throws: `number.overflow`.
    public func magnitude() throws(LoyaltyError) -> DecimalNumber { isNegative ? try negated() : self }

    /// The value as a whole number of `10^-scale`.
    ///
    /// - Throws: `number.syntax` where decimals would be lost, `number.overflow` where it does not fit.
    public func units(scale wanted: Int) throws(LoyaltyError) -> Int64 {
        if wanted >= scale {
            guard wanted - scale <= Self.maximumScale,
                let units = Int64(exactly: Int128(coefficient) * Int128.powerOfTen(wanted - scale))
            else { throw LoyaltyError(.numberOverflow, "the number does not fit") }
            return units
        }
        let divisor = Int128.powerOfTen(scale - wanted)
        let (quotient, remainder) = Int128(coefficient).quotientAndRemainder(dividingBy: divisor)
        guard remainder == 0, let units = Int64(exactly: quotient) else {
            throw LoyaltyError(.numberSyntax, "at most \(wanted) decimals are allowed here")
        }
        return units
    }
}

extension DecimalNumber: Hashable, Comparable {
    private var reduced: (Int64, Int) {
        var coefficient = coefficient
        var scale = scale
        while scale > 0, coefficient % 10 == 0 {
            coefficient /= 10
            scale -= 1
        }
        return (coefficient, scale)
    }

    public static func == (left: DecimalNumber, right: DecimalNumber) -> Bool { left.reduced == right.reduced }

    public func hash(into hasher: inout Hasher) {
        let (coefficient, scale) = reduced
        hasher.combine(coefficient)
        hasher.combine(scale)
    }

    public static func < (left: DecimalNumber, right: DecimalNumber) -> Bool {
        let common = max(left.scale, right.scale)
        return Int128(left.coefficient) * Int128.powerOfTen(common - left.scale)
            < Int128(right.coefficient) * Int128.powerOfTen(common - right.scale)
    }
}

extension DecimalNumber: CustomStringConvertible {
    /// The digits with as many decimals as the scale says: `12.50`.
    public var description: String { decimalText(Int128(coefficient), scale: scale) }
}

extension DecimalNumber: Codable {
    /// A JSON string; numbers in JSON would pass through binary floating point.
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

func decimalText(_ coefficient: Int128, scale: Int) -> String {
    var digits = String(coefficient.magnitude)
    if scale > 0 {
        if digits.utf8.count <= scale {
            digits = String(repeating: "0", count: scale + 1 - digits.utf8.count) + digits
        }
        digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -scale))
    }
    return coefficient < 0 ? "-" + digits : digits
}

extension Int128 {
    /// 10^exponent for 0...36; exponents outside are programming errors and are held to that range.
    static func powerOfTen(_ exponent: Int) -> Int128 {
        var power: Int128 = 1
        for _ in 0..<Swift.min(Swift.max(exponent, 0), 36) { power *= 10 }
        return power
    }
}
