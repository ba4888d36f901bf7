internal import EarnRules
internal import LoyaltyModel

/// The points of bonuses that do not go back with the lines they were shared to: those that the member keeps (`returns =
/// "keep"`), and those that all goods decide together (`revoke_if_unqualified`, see `SaleShare`). By line and currency.
struct KeptPoints {
    private struct Key: Hashable {
        var line: String
        var currency: String
    }

    private var points: [Key: Points] = [:]
    private var qualifying: [Key: Points] = [:]

    init() {}

    init(_ result: EarnResult) {
        for grant in result.grants where grant.returns != .prorate && grant.recipient == .member {
            for line in grant.lines {
                let key = Key(line: line.line, currency: grant.currency)
                let zero = Points.zero(decimals: line.points.decimals)
                points[key] = (try? (points[key] ?? zero).adding(line.points)) ?? line.points
                guard grant.isQualifying else { continue }
                qualifying[key] = (try? (qualifying[key] ?? zero).adding(line.points)) ?? line.points
            }
        }
    }

    /// Notes on the points of a line what of them stays. What counts towards a tier is shared over lines by all points, so
    /// that its kept part is held to what the line has.
    func marked(_ line: LinePoints, line id: String) -> LinePoints {
        let key = Key(line: id, currency: line.currency)
        guard let kept = points[key] else { return line }
        var line = line
        line.kept = kept
        if let counting = qualifying[key] {
            line.qualifyingKept = line.qualifying.ratio < counting.ratio ? line.qualifying : counting
        }
        return line
    }
}
