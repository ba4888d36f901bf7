import DataFormats
import LoyaltyModel

/// Numbers out of tills' documents, exact: binary floating point, which some tills compute with, ends at their door.
enum ExactNumber {
    /// Reads a decimal, also one with an exponent (`1e-05`) or more decimals than fit, which are cut off behind the 12th: what a
    /// till's own floating point left there (`4.140000000000001`) is no money.
    ///
    /// - Throws: `number.syntax`, `number.overflow`.
    static func decimal(_ text: some StringProtocol) throws(LoyaltyError) -> DecimalNumber {
        let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        guard let mantissa = parts.first else { throw LoyaltyError(.numberSyntax, "expected a number") }
        var exponent = 0
        if parts.count == 2 {
            guard let number = Int(parts[1]), (-40...18).contains(number) else {
                throw LoyaltyError(.numberOverflow, "the exponent does not fit")
            }
            exponent = number
        }
        let number = try DecimalNumber(shortened(mantissa))
        return exponent == 0 ? number : try scaled(number, exponent)
    }

    private static func shortened(_ text: some StringProtocol) -> String {
        guard let point = text.firstIndex(of: "."), let end = text.index(point, offsetBy: 13, limitedBy: text.endIndex)
        else { return String(text) }
        // What is cut off must be digits too.
        return text[end...].utf8.allSatisfy({ (48...57).contains($0) }) ? String(text[..<end]) : String(text)
    }

    private static func scaled(_ number: DecimalNumber, _ exponent: Int) throws(LoyaltyError) -> DecimalNumber {
        var coefficient = number.coefficient
        var scale = number.scale - exponent
        while scale < 0 {
            let (product, high) = coefficient.multipliedReportingOverflow(by: 10)
            guard !high else { throw LoyaltyError(.numberOverflow, "the number does not fit") }
            coefficient = product
            scale += 1
        }
        while scale > 12 {
            coefficient /= 10
            scale -= 1
        }
        return try DecimalNumber(coefficient: coefficient, scale: scale)
    }

    /// A JSON number, or one in a string.
    static func decimal(_ node: DataNode) throws(LoyaltyError) -> DecimalNumber {
        switch node.value {
        case .integer(let number): return DecimalNumber(number)
        case .decimal(let text), .string(let text): return try decimal(text)
        default: throw LoyaltyError(.adapterBadValue, "expected a number, found \(node.kind)")
        }
    }
}

extension DecimalNumber {
    /// Rounded half away from zero to a number of decimals.
    func rounded(decimals: Int) -> DecimalNumber {
        guard scale > decimals else { return self }
        var divisor: Int64 = 1
        for _ in 0..<(scale - decimals) { divisor *= 10 }
        let (quotient, remainder) = coefficient.quotientAndRemainder(dividingBy: divisor)
        let isUp = remainder.magnitude >= divisor.magnitude - remainder.magnitude
        let result = isUp ? quotient + (coefficient < 0 ? -1 : 1) : quotient
        return (try? DecimalNumber(coefficient: result, scale: decimals)) ?? self
    }

    /// - Throws: `number.overflow`.
    func subtracting(_ other: DecimalNumber) throws(LoyaltyError) -> DecimalNumber { try adding(other.negated()) }

    /// Exact, or cut off behind 12 decimals. - Throws: `number.overflow`.
    func multiplied(by other: DecimalNumber) throws(LoyaltyError) -> DecimalNumber {
        var product = Int128(coefficient) * Int128(other.coefficient)
        var scale = scale + other.scale
        while scale > 12 {
            product /= 10
            scale -= 1
        }
        guard let coefficient = Int64(exactly: product) else {
            throw LoyaltyError(.numberOverflow, "the product does not fit")
        }
        return try DecimalNumber(coefficient: coefficient, scale: scale)
    }

    /// The value at its distance from zero, with a sign.
    func signed(negative: Bool) throws(LoyaltyError) -> DecimalNumber {
        let size = try magnitude()
        return negative ? try size.negated() : size
    }
}

extension Sequence<DecimalNumber> {
    /// - Throws: `number.overflow`.
    func sum() throws(LoyaltyError) -> DecimalNumber {
        var sum = DecimalNumber.zero
        for number in self { sum = try sum.adding(number) }
        return sum
    }

    /// Each rounded to a number of decimals, so that all together come to the rounded sum.
    ///
    /// - Throws: `number.overflow`.
    func roundedTogether(decimals: Int) throws(LoyaltyError) -> [DecimalNumber] {
        var result: [DecimalNumber] = []
        var exact = DecimalNumber.zero
        var written = DecimalNumber.zero
        for number in self {
            exact = try exact.adding(number)
            let next = exact.rounded(decimals: decimals)
            result.append(try next.subtracting(written))
            written = next
        }
        return result
    }
}
