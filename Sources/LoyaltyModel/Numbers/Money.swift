/// A currency of ISO 4217: its three letters, and how many decimals its minor unit has.
public struct Currency: Hashable, Sendable, CustomStringConvertible {
    public let code: String

    /// - Throws: `money.currency_syntax` unless the code is three capital ASCII letters.
    public init(_ code: String) throws(LoyaltyError) {
        guard code.utf8.count == 3, code.utf8.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) })
        else {
            throw LoyaltyError(.currencySyntax, "a currency is three capital letters such as GBP")
        }
        self.code = code
    }

    /// Decimals of the minor unit (ISO 4217 table A.1; all others have 2).
    public var decimals: Int {
        switch code {
        case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
            "XOF", "XPF":
            0
        case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND": 3
        case "CLF", "UYW": 4
        default: 2
        }
    }

    public var description: String { code }
}

extension Currency: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(code)
    }
}

/// An amount of money: a whole number of minor units of a currency.
public struct Money: Hashable, Sendable {
    public let minorUnits: Int64
    public let currency: Currency

    public init(minorUnits: Int64, _ currency: Currency) {
        self.minorUnits = minorUnits
        self.currency = currency
    }

    /// Reads major units such as `12.34`; trailing zeros beyond the minor unit (`2.990`) are accepted, other decimals are not.
    ///
    /// - Throws: `number.syntax`, `number.overflow`.
    public init(_ text: some StringProtocol, _ currency: Currency) throws(LoyaltyError) {
        try self.init(DecimalNumber(text), currency)
    }

    /// - Throws: `number.syntax` where the decimals do not fit the currency, `number.overflow`.
    public init(_ amount: DecimalNumber, _ currency: Currency) throws(LoyaltyError) {
        self.init(minorUnits: try amount.units(scale: currency.decimals), currency)
    }

    public static func zero(_ currency: Currency) -> Money { Money(minorUnits: 0, currency) }

    public var isZero: Bool { minorUnits == 0 }
    public var isNegative: Bool { minorUnits < 0 }

    /// - Throws: `money.currency_mismatch`, `number.overflow`.
    public func adding(_ other: Money) throws(LoyaltyError) -> Money {
        guard other.currency == currency else {
            throw LoyaltyError(.currencyMismatch, "cannot add \(other.currency) to \(currency)")
        }
        let (sum, carry) = minorUnits.addingReportingOverflow(other.minorUnits)
        guard !carry else { throw LoyaltyError(.numberOverflow, "the sum of money does not fit") }
        return Money(minorUnits: sum, currency)
    }

    /// - Throws: `number.overflow`.
    public func negated() throws(LoyaltyError) -> Money {
        guard minorUnits != .min else { throw LoyaltyError(.numberOverflow, "the amount does not fit") }
        return Money(minorUnits: -minorUnits, currency)
    }

    /// The amount in major units, exact.
    public var ratio: Ratio { Ratio(unchecked: Int128(minorUnits), Int128.powerOfTen(currency.decimals)) }

    /// Major units without the currency: `12.34`.
    public var amountText: String { decimalText(Int128(minorUnits), scale: currency.decimals) }
}

extension Money: CustomStringConvertible {
    public var description: String { "\(amountText) \(currency)" }
}

extension Money: Codable {
    private enum CodingKeys: String, CodingKey { case amount, currency }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            container.decode(String.self, forKey: .amount),
            container.decode(Currency.self, forKey: .currency)
        )
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(amountText, forKey: .amount)
        try container.encode(currency, forKey: .currency)
    }
}
