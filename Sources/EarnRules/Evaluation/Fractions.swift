import LoyaltyModel

/// Limits and shares of tenders leave fractions whose denominators multiply: many of them in one long sale come to more than
/// 128 bits. Such a sale is evaluated a second time with its shares held to the billionth of a point, their sums exact, as a
/// sale that is refused would be refused for ever.
enum Fractions {
    static let decimals = 9
    private static let unit: Int128 = 1_000_000_000

    /// What `evaluate` gives exactly, or else with coarse shares.
    ///
    /// - Throws: as `evaluate` with coarse shares.
    static func exactElseCoarse<Value>(
        _ evaluate: (_ isCoarse: Bool) throws(LoyaltyError) -> Value
    ) throws(LoyaltyError) -> Value {
        do throws(LoyaltyError) { return try evaluate(false) } catch {
            guard error.code == .numberOverflow else { throw error }
            return try evaluate(true)
        }
    }

    /// The values in billionths; positive and negative ones come to the same as before by themselves, less than a
    /// billionth aside.
    static func coarse(_ values: [Ratio]) throws(LoyaltyError) -> [Ratio] {
        var units = try shares(of: values.map { max($0, .zero) })
        if values.contains(where: \.isNegative) {
            var negative: [Ratio] = []
            for value in values { negative.append(value.isNegative ? try Ratio.zero.subtracting(value) : .zero) }
            for (index, share) in try shares(of: negative).enumerated() { units[index] -= share }
        }
        return try ratios(units)
    }

    /// One value in billionths, shared over weights.
    static func coarse(_ value: Ratio, over weights: [Int128]) throws(LoyaltyError) -> [Ratio] {
        try ratios(Apportionment.shares(of: Int128(value.rounded(.floor, scale: decimals)), over: weights))
    }

    /// A value without what its shares have lost, to the finest decimals that points have.
    static func completed(_ value: Ratio) throws(LoyaltyError) -> Ratio {
        let decimals = Points.maximumDecimals
        return Points(units: try value.rounded(.halfUp, scale: decimals), decimals: decimals).ratio
    }

    private static func shares(of values: [Ratio]) throws(LoyaltyError) -> [Int128] {
        try Apportionment.shares(of: Int128(values.sum().rounded(.floor, scale: decimals)), over: values)
    }

    private static func ratios(_ units: [Int128]) throws(LoyaltyError) -> [Ratio] {
        var ratios: [Ratio] = []
        for units in units { ratios.append(units == 0 ? .zero : try Ratio(units, over: unit)) }
        return ratios
    }
}
