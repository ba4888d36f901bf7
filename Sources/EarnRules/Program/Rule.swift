import LoyaltyModel

/// One `[[earn]]` table of a program.
public struct Rule: Sendable {
    public enum Kind: String, Sendable, CaseIterable { case rate, multiplier, bonus }

    struct Rate: Sendable {
        var points: DecimalNumber
        var per: DecimalNumber
        var step: Rounding.Step
    }

    enum Effect: Sendable {
        case rate(Rate)
        case multiplier(factor: DecimalNumber, combine: Combine)
        case bonus(Points, returns: BonusReturns)
    }

    /// The least amount that the lines of the rule must come to.
    struct Minimum: Sendable {
        var amount: DecimalNumber
        var basis: Basis
    }

    public let id: String
    /// The points currency it gives or multiplies.
    public let currency: String
    /// What the program declares about the points' life; carried for the back end, which keeps the lots.
    public let lots: LotTerms?
    /// Whether its points count towards a tier.
    public let isQualifying: Bool

    let effect: Effect
    let match: LineFilter?
    let exclude: LineFilter
    let excludedTenders: Set<Tender.Kind>
    let basis: Basis
    let minimum: Minimum?
    let member: MemberCondition?
    let window: Window?
    let stores: Set<String>?
    let channels: Set<String>?
    let stack: Stack?

    public var kind: Kind {
        switch effect {
        case .rate: .rate
        case .multiplier: .multiplier
        case .bonus: .bonus
        }
    }
}

/// When points can be spent and until when, as declared in words: `expires = { after = "12 months", to = "month_end" }`,
/// `pending = "14 days"`.
public struct LotTerms: Hashable, Sendable {
    public enum Unit: String, Sendable, CaseIterable { case days, weeks, months, years }
    public enum End: String, Sendable, CaseIterable {
        case monthEnd = "month_end"
        case quarterEnd = "quarter_end"
        case yearEnd = "year_end"
    }

    /// A number of calendar units.
    public struct Span: Hashable, Sendable, CustomStringConvertible {
        public var count: Int
        public var unit: Unit
        public var description: String { "\(count) \(unit.rawValue)" }
    }

    public var expiresAfter: Span?
    /// The expiry moves on to the end of this period.
    public var expiresTo: End?
    public var pending: Span?
}

/// Names lines. Within one list any entry does; of several lists `match` needs all, `exclude` any.
struct LineFilter: Sendable {
    var classes: Set<LineClass>?
    /// Elements of the department path, any level.
    var categories: Set<String>?
    /// Code values as written; GTINs also without leading zeros.
    var codes: Set<String>?

    func matchesAll(_ line: BasketLine) -> Bool {
        (classes?.contains(line.lineClass) ?? true) && (categories.map { inCategory(line, $0) } ?? true)
            && (codes.map { hasCode(line, $0) } ?? true)
    }

    /// Why the filter takes the line out; nil where it does not.
    func exclusion(of line: BasketLine) -> String? {
        if classes?.contains(line.lineClass) ?? false { return "\(line.lineClass.rawValue) does not earn" }
        if let categories, inCategory(line, categories) { return "its category does not earn" }
        if let codes, hasCode(line, codes) { return "this product does not earn" }
        return nil
    }

    private func inCategory(_ line: BasketLine, _ categories: Set<String>) -> Bool {
        line.source.department.contains { categories.contains($0) }
    }

    private func hasCode(_ line: BasketLine, _ codes: Set<String>) -> Bool {
        line.source.code.map { codes.contains($0.value) } ?? false
    }
}

/// Key `member` of a rule.
struct MemberCondition: Sendable {
    var tiers: Set<String>?
    var segments: Set<String>?
    var excludedSegments: Set<String>?
    var entitlements: Set<String>?
    var birthdayMonth: Bool

    /// Why the member does not fulfil it; nil where he does. Dates are business days.
    func mismatch(_ member: Member?, on day: CalendarDate) -> String? {
        guard let member else {
            // A card that nobody knows is not known to be an employee's.
            let asksForMember = tiers != nil || segments != nil || entitlements != nil || birthdayMonth
            return asksForMember ? "no member is known for this sale" : nil
        }
        if let tiers, !(member.tier.map(tiers.contains) ?? false) {
            return "it is for tier \(list(tiers)); the member has \(member.tier.map { "tier \($0)" } ?? "no tier")"
        }
        if let segments, segments.isDisjoint(with: member.segments) { return "it is for segment \(list(segments))" }
        if let excludedSegments, let hit = member.segments.first(where: excludedSegments.contains) {
            return "it is not for segment \(hit)"
        }
        if let entitlements,
            !member.entitlements.contains(where: { entitlements.contains($0.name) && $0.holds(on: day) })
        {
            return "it needs \(list(entitlements)) on \(day)"
        }
        if birthdayMonth, member.birthday?.month != day.month { return "it is not the month of the member's birthday" }
        return nil
    }

    private func list(_ words: Set<String>) -> String { words.sorted().joined(separator: " or ") }
}
