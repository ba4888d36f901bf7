import DataFormats
import LoyaltyModel

extension Lint {
    /// Caps that can never take anything, and caps that take something of everything.
    mutating func caps(_ rule: Rule, _ index: Int) {
        // The limit of a bonus says how often it is given, and may say so in full.
        guard source.table("earn", index)?.keys.contains("cap") ?? false else { return }
        let place = source.place("earn", index, "cap")
        for cap in rule.caps {
            let (least, most) = gift(rule, cap)
            guard let value = cap.value else { continue }
            if let most, most <= value.ratio {
                add(
                    .capNeverBites,
                    "the cap of rule \"\(rule.id)\" never bites: a \(cap.per.words) gives at most \(most.pointsText)",
                    at: place)
            } else if value.isZero || least.map({ value.ratio < $0 }) ?? false {
                add(
                    .capAlwaysBites,
                    "the cap of rule \"\(rule.id)\" always bites: \(least.map { "the least that it gives is \($0.pointsText)" } ?? "it leaves nothing")",
                    at: place)
            }
        }
        for (shorter, cap) in rule.caps.enumerated() {
            for (longer, other) in rule.caps.enumerated() where longer != shorter {
                guard cap.isWithin(other), let value = cap.value, let outer = other.value, outer <= value else {
                    continue
                }
                add(
                    .capNeverBites,
                    "the cap per \(cap.per.words) of rule \"\(rule.id)\" never bites: the one per \(other.per.words) is no larger",
                    at: place)
            }
        }
    }

    /// The least and the most that the rule wants in the measure of a cap, within the cap's period; nil where there is
    /// no bound.
    private func gift(_ rule: Rule, _ cap: Cap) -> (least: Ratio?, most: Ratio?) {
        switch (rule.effect, cap.measure) {
        case (.bonus(let bonus), .points):
            let once = bonus.points.ratio
            return (once, !bonus.repeats && cap.per == .sale ? once : nil)
        case (.rate(let rate), .points):
            guard case .visit = rate.measure else { return (nil, nil) }
            return (rate.points.ratio, cap.per == .sale ? rate.points.ratio : nil)
        case (.rate(let rate), .pointsPerUnit):
            guard case .amount(let per) = rate.measure, rate.step == .linear,
                let each = try? rate.points.ratio.divided(by: per.ratio)
            else { return (nil, nil) }
            return (each, each)
        case (.rate, .spend):
            guard cap.per == .sale, let threshold = rule.threshold, threshold.of == .matched else { return (nil, nil) }
            return (threshold.amountAtLeast?.ratio, threshold.amountBelow?.ratio)
        case (_, .times): return (.one, cap.per == .sale && rule.kind != .bonus ? .one : nil)
        default: return (nil, nil)
        }
    }
}

extension Cap {
    fileprivate var value: DecimalNumber? {
        switch measure {
        case .points(let most), .spend(let most), .units(let most), .pointsPerUnit(let most): most
        case .times(let most): DecimalNumber(most)
        }
    }

    /// Whether both limit the same, and this one's period lies in the other's.
    fileprivate func isWithin(_ other: Cap) -> Bool {
        guard scope == other.scope, per != other.per else { return false }
        switch (measure, other.measure) {
        case (.points, .points), (.spend, .spend), (.units, .units), (.times, .times): break
        default: return false
        }
        let chain: [Period] = [.sale, .day, .month, .quarter, .calendarYear, .lifetime]
        if let inner = chain.firstIndex(of: per), let outer = chain.firstIndex(of: other.per) { return inner < outer }
        return other.per == .lifetime || per == .sale || per == .day
    }
}
