import LoyaltyModel

/// Rounding, once, where the program says (reference: Punchh, Antavo, Oracle Siebel, Square state these four settings).
struct Booking {
    let rounding: Rounding
    let decimals: Int
    let quantities: [DecimalNumber]

    /// What exact points of rules (rows) on lines (columns) come to on each line, in units of `10^-decimals` points.
    ///
    /// Rounding before multipliers leaves a fraction where a factor is not whole; it goes the same way as the first.
    func units(_ rows: [[Ratio]], _ factors: [Ratio]) throws(LoyaltyError) -> [Int128] {
        var rows = rows
        if rounding.moment == .before, rounding.mode != .none, factors.contains(where: { $0 != .one }) {
            let scale = Points(units: 1, decimals: decimals).ratio
            let first = try rounded(rows)
            rows = []
            for row in first {
                var points: [Ratio] = []
                for units in row { points.append(try Ratio(units, over: 1).multiplied(by: scale)) }
                rows.append(points)
            }
        }
        var multiplied: [[Ratio]] = []
        for row in rows {
            var points: [Ratio] = []
            for (value, factor) in zip(row, factors) { points.append(try value.multiplied(by: factor)) }
            multiplied.append(points)
        }
        var sums = [Int128](repeating: 0, count: factors.count)
        for row in try rounded(multiplied) {
            for (index, units) in row.enumerated() { sums[index] += units }
        }
        return sums
    }

    private func rounded(_ rows: [[Ratio]]) throws(LoyaltyError) -> [[Int128]] {
        var result: [[Int128]] = []
        switch rounding.mode == .none ? .basket : rounding.scope {
        case .basket:
            var merged = [Ratio](repeating: .zero, count: quantities.count)
            for row in rows {
                for (index, value) in row.enumerated() where !value.isZero {
                    merged[index] = try merged[index].adding(value)
                }
            }
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
        var sum = Ratio.zero
        for value in values where !value.isZero { sum = try sum.adding(value) }
        guard !sum.isZero else { return [Int128](repeating: 0, count: values.count) }
        return try Apportionment.shares(of: units(sum), over: values)
    }

    private func units(_ value: Ratio) throws(LoyaltyError) -> Int128 {
        value.isZero ? 0 : Int128(try value.rounded(rounding.mode.arithmetic, scale: decimals))
    }
}

extension DecimalNumber {
    /// The number of pieces; weights and other quantities that are not whole count as one piece.
    var pieces: Int64 {
        guard let pieces = try? units(scale: 0), pieces > 0 else { return 1 }
        return pieces
    }
}
