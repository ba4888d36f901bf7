import LoyaltyModel

/// A row of the basket that is no line of goods: a tender, a tax, a discount, a reward or a rounding.
struct POSLogRow<Value> {
    /// What a row has in common with those that it may take back.
    var key: String
    /// With the sign that is written.
    var amount: DecimalNumber
    /// The row has a VoidFlag.
    var isVoid: Bool
    var value: Value
}

/// What a VoidFlag says beside that the row itself does not count.
enum POSLogReversal: CaseIterable {
    /// The row takes back an earlier one that has the other sign.
    case ofOtherSign
    /// So does a negative row with a negative one: what lowers the price is written with or without a minus.
    case ofNegative
    case none

    fileprivate func mayTakeBack(_ amount: DecimalNumber, by flagged: DecimalNumber) -> Bool {
        switch self {
        case .ofOtherSign: amount.isNegative != flagged.isNegative
        case .ofNegative: amount.isNegative || flagged.isNegative
        case .none: false
        }
    }
}

extension Array {
    /// What is left when rows with a VoidFlag have gone, and with them what they take back.
    ///
    /// A negative row that finds nothing to take back, where all others are positive, is left with its flag.
    func netted<Value>(
        _ reversal: POSLogReversal = .ofOtherSign
    ) throws(LoyaltyError) -> [POSLogRow<Value>] where Element == POSLogRow<Value> {
        let unmarked = filter { !$0.isVoid }
        let isPositive = !unmarked.isEmpty && unmarked.allSatisfy { !$0.amount.isNegative }
        var left: [POSLogRow<Value>] = []
        for row in self {
            if !row.isVoid {
                left.append(row)
            } else if let index = try left.partner(of: row, reversal) {
                let partner = left[index].amount
                let rest = try partner.magnitude().subtracting(row.amount.magnitude())
                left[index].amount = try rest.signed(negative: partner.isNegative)
                if rest.isZero { left.remove(at: index) }
            } else if row.amount.isNegative, isPositive, reversal != .none {
                left.append(row)
            }
        }
        return left
    }

    /// As with lines, the latest row of the same size, else the latest that is larger.
    private func partner<Value>(
        of row: POSLogRow<Value>, _ reversal: POSLogReversal
    ) throws(LoyaltyError) -> Int? where Element == POSLogRow<Value> {
        let size = try row.amount.magnitude()
        var larger: Int?
        for index in indices.reversed() {
            let candidate = self[index]
            guard !candidate.isVoid, candidate.key == row.key, reversal.mayTakeBack(candidate.amount, by: row.amount)
            else { continue }
            let other = try candidate.amount.magnitude()
            if other == size { return index }
            if other > size, larger == nil { larger = index }
        }
        return larger
    }
}
