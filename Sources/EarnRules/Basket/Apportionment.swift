import LoyaltyModel

/// Exact sharing of a whole number of units.
enum Apportionment {
    /// `value * numerator / denominator`, rounded down, with 256 bits between.
    ///
    /// - Precondition: none; a denominator of zero gives zero, a fraction above one is held to one.
    static func part(
        of value: UInt128,
        _ numerator: UInt128,
        over denominator: UInt128
    ) -> (quotient: UInt128, remainder: UInt128) {
        guard denominator > 0 else { return (0, 0) }
        guard numerator < denominator else { return (value, 0) }
        return denominator.dividingFullWidth(value.multipliedFullWidth(by: numerator))
    }

    /// Shares units in proportion to weights: largest remainder, ties to the earlier. The shares sum to the total unless
    /// all weights are zero. Negative totals and weights count as zero.
    static func shares(of total: Int128, over weights: [Int128]) throws(LoyaltyError) -> [Int128] {
        var shares = [Int128](repeating: 0, count: weights.count)
        let sum = try sum(weights)
        guard total > 0, sum > 0 else { return shares }
        var remainders: [(index: Int, remainder: UInt128)] = []
        var left = total
        for (index, weight) in weights.enumerated() where weight > 0 {
            let (quotient, remainder) = part(of: total.magnitude, weight.magnitude, over: sum)
            shares[index] = Int128(quotient)
            left -= shares[index]
            if remainder > 0 { remainders.append((index, remainder)) }
        }
        guard left > 0 else { return shares }
        remainders.sort { $0.remainder == $1.remainder ? $0.index < $1.index : $0.remainder > $1.remainder }
        for (index, _) in remainders.prefix(Int(left)) { shares[index] += 1 }
        return shares
    }

    /// The same with exact fractions as weights.
    static func shares(of total: Int128, over weights: [Ratio]) throws(LoyaltyError) -> [Int128] {
        var common: UInt128 = 1
        for weight in weights where !weight.isZero {
            let denominator = weight.denominator.magnitude
            let divisor = greatestCommonDivisor(common, denominator)
            let (multiple, high) = common.multipliedReportingOverflow(by: denominator / divisor)
            guard !high, multiple <= UInt128(Int128.max) else { throw overflow }
            common = multiple
        }
        var scaled: [Int128] = []
        scaled.reserveCapacity(weights.count)
        for weight in weights {
            let (product, high) = weight.numerator.multipliedReportingOverflow(by: Int128(common) / weight.denominator)
            guard !high else { throw overflow }
            scaled.append(product)
        }
        return try shares(of: total, over: scaled)
    }

    private static func sum(_ weights: [Int128]) throws(LoyaltyError) -> UInt128 {
        var sum: UInt128 = 0
        for weight in weights where weight > 0 {
            let (next, carry) = sum.addingReportingOverflow(weight.magnitude)
            guard !carry, next <= UInt128(Int128.max) else { throw overflow }
            sum = next
        }
        return sum
    }

    static func greatestCommonDivisor(_ first: UInt128, _ second: UInt128) -> UInt128 {
        var (large, small) = (first, second)
        while small != 0 { (large, small) = (small, large % small) }
        return large
    }

    static var overflow: LoyaltyError {
        LoyaltyError(.numberOverflow, "the sale is larger than this program can count")
    }
}
