public import LoyaltyModel

/// How little a sale is short of a rule.
public struct MissingPart: Hashable, Sendable, Codable {
    public var rule: String
    /// Such as `5.00 more`, or `2 more units`.
    public var needed: String
    /// What the rule would give then, such as `500 points`.
    public var gives: String
}

extension Program {
    /// What the sale would have needed besides for rules that ask for so much money or so many units, and for the next
    /// time of those that are given again and again. Only where nothing else stands in the way.
    ///
    /// - Throws: as `evaluate`.
    public func missing(_ input: EarnInput) throws(LoyaltyError) -> [MissingPart] {
        let basket = try Basket(input.sale, entitlements: entitlements)
        let tier = try tier(before: input)
        var evaluation = Evaluation(self, input, basket, tier: tier)
        var found: [MissingPart] = []
        for rule in rules where rule.event == Rule.saleEvent {
            guard let threshold = rule.threshold, try evaluation.mismatch(rule) == nil,
                try evaluation.exhausted(rule) == nil, let needed = try evaluation.missing(rule, threshold)
            else { continue }
            found.append(MissingPart(rule: rule.id, needed: needed, gives: rule.gift))
        }
        return found
    }
}

extension Evaluation {
    fileprivate mutating func missing(_ rule: Rule, _ threshold: Threshold) throws(LoyaltyError) -> String? {
        let lines = threshold.of == .matched ? exclusions(rule) : basket.lines.map(\.excluded)
        var repeats = false
        if case .bonus(let bonus) = rule.effect { repeats = bonus.repeats }
        if let least = threshold.amountAtLeast {
            let reached = try Ratio(amounts(threshold.basis, rule.tenders, lines).total, over: 1)
                .multiplied(by: minorUnit)
            guard let gap = try Self.gap(reached, least.ratio, repeats) else { return nil }
            let units = try gap.rounded(.ceiling, scale: input.sale.currency.decimals)
            return "\(Money(minorUnits: units, input.sale.currency).amountText) more"
        }
        guard let least = threshold.unitsAtLeast else { return nil }
        guard let gap = try Self.gap(units(lines, unit: nil).sum(), least.ratio, repeats) else { return nil }
        return "\(gap.pointsText) more \(gap == .one ? "unit" : "units")"
    }

    /// What is left to the threshold, or to the next time that it is reached.
    private static func gap(_ reached: Ratio, _ least: Ratio, _ repeats: Bool) throws(LoyaltyError) -> Ratio? {
        if reached < least { return try least.subtracting(reached) }
        guard repeats, !least.isZero else { return nil }
        let times = try reached.divided(by: least).rounded(.floor)
        return try least.multiplied(by: Ratio(Int128(times) + 1, over: 1)).subtracting(reached)
    }
}

extension Rule {
    fileprivate var gift: String {
        switch effect {
        case .bonus(let bonus): "\(bonus.points) \(currency)"
        case .multiplier(let factor, _): "\(factor) times the \(currency)"
        case .rate, .periodBonus: currency
        }
    }
}
