/// An amount of points: a whole number of `10^-decimals` points. The program declares the decimals, 0...6.
public struct Points: Hashable, Sendable {
    public let units: Int64
    public let decimals: Int

    public static let maximumDecimals = 6

    /// Decimals outside 0...6 are held to that range; programs are checked when they are loaded.
    public init(units: Int64, decimals: Int) {
        self.units = units
        self.decimals = min(max(decimals, 0), Self.maximumDecimals)
    }

    public static func zero(decimals: Int) -> Points { Points(units: 0, decimals: decimals) }

    /// - Throws: `number.syntax`, `number.overflow`.
    public init(_ text: some StringProtocol, decimals: Int) throws(LoyaltyError) {
        self.init(units: try DecimalNumber(text).units(scale: decimals), decimals: decimals)
    }

    /// Takes the decimals as written. - Throws: `number.syntax`, `number.overflow`.
    public init(_ text: some StringProtocol) throws(LoyaltyError) {
        let number = try DecimalNumber(text)
        guard number.scale <= Self.maximumDecimals else {
            throw LoyaltyError(.numberSyntax, "points have at most \(Self.maximumDecimals) decimals")
        }
        self.init(units: number.coefficient, decimals: number.scale)
    }

    public var isZero: Bool { units == 0 }
    public var isNegative: Bool { units < 0 }
    public var ratio: Ratio { Ratio(unchecked: Int128(units), Int128.powerOfTen(decimals)) }

    /// The sum, with the larger number of decimals. - Throws: `number.overflow`.
    public func adding(_ other: Points) throws(LoyaltyError) -> Points {
        let common = max(decimals, other.decimals)
        let left = Int128(units) * Int128.powerOfTen(common - decimals)
        let right = Int128(other.units) * Int128.powerOfTen(common - other.decimals)
        guard let sum = Int64(exactly: left + right) else {
            throw LoyaltyError(.numberOverflow, "the sum of points does not fit")
        }
        return Points(units: sum, decimals: common)
    }

    /// - Throws: `number.overflow`.
    public func negated() throws(LoyaltyError) -> Points {
        guard units != .min else { throw LoyaltyError(.numberOverflow, "the points do not fit") }
        return Points(units: -units, decimals: decimals)
    }

    /// - Throws: `number.overflow`.
    public func subtracting(_ other: Points) throws(LoyaltyError) -> Points { try adding(other.negated()) }
}

extension Points: CustomStringConvertible {
    public var description: String { decimalText(Int128(units), scale: decimals) }
}

extension Points: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A quantity of goods: pieces, kilograms, litres. Exact, signed, up to 18 decimals.
public typealias Quantity = DecimalNumber
