public import LoyaltyModel

/// How many points go back with returned goods.
public enum Clawback {
    /// The points to take for one return of part of a line.
    ///
    /// What was taken after a return is the granted share times the returned part of the quantity, rounded down. Because
    /// that is a function of the sum of returns, any sequence of partial returns takes exactly what was granted once all
    /// is back, and never more. Quantities count by their size, so that till signs do not matter; more than was bought
    /// counts as all of it. A line of quantity zero goes back as a whole.
    ///
    /// - Parameters:
    ///   - granted: the points that the line got.
    ///   - quantity: the quantity bought.
    ///   - returnedBefore: what earlier returns brought back.
    ///   - takenBefore: the points that they took.
    ///   - returning: what comes back now.
    /// - Returns: zero or more, with the decimals of `granted`.
    /// - Throws: `number.overflow` where `takenBefore` cannot be written with these decimals.
    public static func points(
        granted: Points,
        quantity: Quantity,
        returnedBefore: Quantity,
        takenBefore: Points,
        returning: Quantity
    ) throws(LoyaltyError) -> Points {
        let none = Points.zero(decimals: granted.decimals)
        guard granted.units > 0, !returning.isZero else { return none }
        let scale = max(quantity.scale, returnedBefore.scale, returning.scale)
        let bought = quantity.size(scale: scale)
        let returned = min(returnedBefore.size(scale: scale) + returning.size(scale: scale), bought)
        let target =
            bought == 0
            ? granted.units.magnitude
            : UInt64(
                clamping: Apportionment.part(of: UInt128(granted.units.magnitude), returned, over: bought).quotient)
        let open = try Points(units: Int64(clamping: target), decimals: granted.decimals).subtracting(takenBefore)
        guard open.units > 0 else { return none }
        // The larger number of decimals may come from what was taken before.
        return Points(
            units: try open.ratio.rounded(.floor, scale: granted.decimals),
            decimals: granted.decimals
        )
    }
}

extension DecimalNumber {
    /// The distance from zero as a whole number of `10^-scale`; below 2^123 for any decimal and scale up to 18.
    func size(scale wanted: Int) -> UInt128 {
        var size = UInt128(coefficient.magnitude)
        for _ in 0..<max(wanted - scale, 0) { size *= 10 }
        return size
    }
}
