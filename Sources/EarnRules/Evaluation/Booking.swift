import LoyaltyModel

/// Rounding, once, where the program says (reference: Punchh, Antavo, Oracle Siebel, Square state these four settings).
struct Booking {
    let rounding: Rounding
    let decimals: Int
    let quantities: [DecimalNumber]
    /// The values are short of the exact ones by some billionths.
    let isCoarse: Bool

    /// What exact points of rates (rows) on lines (columns) come to on each line, in units of `10^-decimals` points.
    func units(_ rows: [[Ratio]]) throws(LoyaltyError) -> [Int128] {
        var sums = [Int128](repeating: 0, count: quantities.count)
        for row in try rounded(rows) {
            for (index, units) in row.enumerated() { sums[index] += units }
        }
        return sums
    }

    /// The points that multipliers multiply where the program rounds before; nil where they multiply exact ones.
    ///
    /// A factor that is not whole leaves a fraction again, which goes the same way as the first.
    func beforeMultipliers(_ rows: [[Ratio]]) throws(LoyaltyError) -> [[Ratio]]? {
        guard rounding.moment == .before, rounding.mode != .none else { return nil }
        var units = try rounded(rows)
        if units.count != rows.count, let all = units.first {
            // Rounded together: each rate gets back what it brought.
            units = rows.map { $0.map { _ in 0 } }
            for line in all.indices where all[line] != 0 {
                for (row, share) in try Apportionment.shares(of: all[line], over: rows.map { $0[line] }).enumerated() {
                    units[row][line] = share
                }
            }
        }
        let scale = Points(units: 1, decimals: decimals).ratio
        var points: [[Ratio]] = []
        for row in units {
            var values: [Ratio] = []
            for units in row { values.append(units == 0 ? .zero : try Ratio(units, over: 1).multiplied(by: scale)) }
            points.append(values)
        }
        return points
    }

    private func rounded(_ rows: [[Ratio]]) throws(LoyaltyError) -> [[Int128]] {
        var result: [[Int128]] = []
        switch rounding.mode == .none ? .basket : rounding.scope {
        case .basket:
            var merged: [Ratio] = []
            for line in quantities.indices { merged.append(try rows.map { $0[line] }.sum()) }
            result.append(try together(merged))
        case .rule: for row in rows { result.append(try together(row)) }
        case .line:
            for row in rows {
                var units: [Int128] = []
                for value in row { units.append(try self.units(value)) }
                result.append(units)
            }
        case .unit:
            for row in rows {
                var units: [Int128] = []
                for (value, quantity) in zip(row, quantities) {
                    let count = quantity.pieces
                    units.append(try self.units(value.divided(by: Ratio(count))) * Int128(count))
                }
                result.append(units)
            }
        }
        return result
    }

    /// Rounds the sum and shares it.
    private func together(_ values: [Ratio]) throws(LoyaltyError) -> [Int128] {
        let sum = try values.sum()
        guard !sum.isZero else { return [Int128](repeating: 0, count: values.count) }
        return try Apportionment.shares(of: units(sum), over: values)
    }

    private func units(_ value: Ratio) throws(LoyaltyError) -> Int128 {
        guard !value.isZero else { return 0 }
        // Else what is short of a whole point by billionths would lose all of it.
        let value = isCoarse ? try Fractions.completed(value) : value
        return Int128(try value.rounded(rounding.mode.arithmetic, scale: decimals))
    }
}

extension DecimalNumber {
    /// The number of pieces; weights and other quantities that are not whole count as one piece.
    var pieces: Int64 {
        guard let pieces = try? units(scale: 0), pieces > 0 else { return 1 }
        return pieces
    }
}
