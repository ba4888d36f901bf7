internal import EarnRules
internal import GRDB
internal import LoyaltyModel

/// Rights that are bought as lines of sales: they go with their line, and come back with it.
extension SalePosting {
    /// Keeps which lines of a sale bought a right.
    ///
    /// - Returns: the new ones; a line that bought before buys nothing again when its sale is corrected.
    mutating func noteBought(_ rights: [BoughtEntitlement], _ id: Int64) throws -> [Member.Entitlement] {
        guard !rights.isEmpty else { return [] }
        var standing = try standing(of: id)
        let known = Set((standing.entitlements ?? []).map(\.line))
        let new = rights.filter { !known.contains($0.line) }
        guard !new.isEmpty else { return [] }
        standing.entitlements = (standing.entitlements ?? []) + new
        standings[id] = standing
        return new.map(\.entitlement)
    }

    /// Brings rights in line with what came back of these sales. A line of which a part is left keeps its right.
    mutating func settleEntitlements(_ sales: Set<Int64>) throws {
        for id in sales.sorted() {
            var standing = try standing(of: id)
            guard let bought = standing.entitlements, !bought.isEmpty else { continue }
            let lines = try StoredLine.fetch(database, where: "sale_line.sale_id = ?", [id])
            guard let holder = lines.compactMap(\.holder).first else { continue }
            let held = Set(try lines.filter { try !$0.isGone() }.map(\.id))
            var lost = standing.lostEntitlements ?? []
            var state = try books.state(of: holder.key)
            for right in bought {
                if held.contains(right.line), lost.contains(right.line) {
                    state.entitlements.append(right.entitlement)
                } else if !held.contains(right.line), !lost.contains(right.line),
                    let index = state.entitlements.lastIndex(of: right.entitlement)
                {
                    state.entitlements.remove(at: index)
                }
            }
            lost = Set(bought.map(\.line)).subtracting(held)
            guard lost != standing.lostEntitlements ?? [] else { continue }
            standing.lostEntitlements = lost
            standings[id] = standing
            try books.store(state, of: holder.key)
        }
    }
}

extension StoredLine {
    fileprivate func isGone() throws -> Bool {
        if isVoided { return true }
        return quantity.isZero ? !returned.isZero : try quantity.magnitude() <= returned
    }
}
