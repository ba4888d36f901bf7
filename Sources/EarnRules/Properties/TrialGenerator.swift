public import LoyaltyModel

/// Makes scenarios out of what a program names: its products, tiers, days, stores and thresholds. The same seed makes the
/// same scenarios on every machine.
public struct TrialGenerator {
    private let versions: ProgramVersions
    private let money: Currency
    private var random: Xorshift

    private var skus: [String] = []
    private var categories: [String] = []
    private var brands: [String] = []
    private var tags: [String] = []
    private var kinds: [SaleLine.Kind] = [.item, .item, .item, .item, .item]
    private var tiers: [String] = []
    private var segments: [String] = []
    private var entitlements: [String] = []
    private var stores: [String] = []
    private var channels: [String] = []
    private var tenders: [(kind: Tender.Kind, name: String?)] = [(.cash, nil), (.card, nil)]
    private var days: [CalendarDate] = []
    private var hours: [Int] = [43_200]
    /// Amounts at which something changes, in minor units.
    private var edges: [Int64] = []

    public init(_ versions: ProgramVersions, seed: UInt64) throws(LoyaltyError) {
        self.versions = versions
        random = Xorshift(seed: seed)
        if let declared = CaseNames(versions).money { money = declared } else { money = try Currency("GBP") }
        for program in versions.versions { learn(program) }
        if days.isEmpty { days = [CalendarDate(daysSinceEpoch: 20_823)] }
    }

    private mutating func learn(_ program: Program) {
        if let first = program.firstDay { days.append(first) }
        tiers += program.tiers?.levels.map(\.id) ?? []
        entitlements += program.entitlements.map(\.id)
        for sold in program.entitlements.map(\.soldAs) { learn(sold) }
        for rule in program.rules + program.stampCards.map(\.rule) where rule.event == Rule.saleEvent {
            if let match = rule.match { learn(match) }
            learn(rule.exclude)
            tiers += (rule.member?.tiers ?? []).sorted()
            segments += (rule.member?.segments ?? []).sorted() + (rule.member?.excludedSegments ?? []).sorted()
            entitlements += (rule.member?.entitlements ?? []).sorted()
            stores += (rule.places.stores ?? []).sorted()
            channels += (rule.places.channels ?? []).sorted()
            let named = (rule.tenders.named ?? []).union(rule.tenders.excludedNames)
            tenders += named.sorted().map { (.card, $0) }
            let kinds = rule.tenders.excluded.union(rule.tenders.only ?? [])
            tenders += kinds.sorted { $0.rawValue < $1.rawValue }.map { ($0, nil) }
            for bound in [rule.window?.from, rule.window?.to] {
                if case .day(let day)? = bound { days.append(day) }
            }
            if let hours = rule.window?.hours { self.hours.append(hours.start.secondsSinceMidnight) }
            for edge in [rule.threshold?.amountAtLeast, rule.threshold?.amountBelow] {
                if let units = try? edge?.units(scale: money.decimals) { edges += [units, units - 1] }
            }
        }
        edges.removeAll { $0 <= 0 }
    }

    private mutating func learn(_ filter: LineFilter) {
        skus += (filter.codes ?? []).sorted()
        categories += (filter.categories ?? []).sorted()
        brands += (filter.brands ?? []).sorted()
        tags += (filter.tags ?? []).sorted()
        let byClass: [LineClass: SaleLine.Kind] = [.giftCardSale: .giftCard, .fuel: .fuel, .service: .service]
        for (lineClass, kind) in byClass.sorted(by: { $0.value.rawValue < $1.value.rawValue })
        where filter.classes?.contains(lineClass) ?? false && !kinds.contains(kind) {
            kinds.append(kind)
        }
    }

    public mutating func next() -> TrialScenario {
        var scenario = TrialScenario(
            tier: sometimes(tiers), segment: sometimes(segments), entitlement: sometimes(entitlements), baskets: [],
            money: money)
        for _ in 0..<Int.random(in: 1...3, using: &random) { scenario.baskets.append(basket()) }
        scenario.baskets.sort { $0.time < $1.time }
        return scenario
    }

    private mutating func basket() -> TrialScenario.Basket {
        let day = pick(days, or: days[0]).adding(days: Int.random(in: 0...20, using: &random))
        let second = Int64(pick(hours, or: 43_200) + Int.random(in: 0...3_600, using: &random))
        let tender = pick(tenders, or: (.cash, nil))
        var basket = TrialScenario.Basket(
            time: Timestamp(microseconds: (day.daysSinceEpoch * 86_400 + second) * 1_000_000), lines: [],
            tender: tender.kind, tenderName: tender.name, store: sometimes(stores), channel: sometimes(channels))
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let atEdge = !edges.isEmpty && Int.random(in: 0..<4, using: &random) == 0
            basket.lines.append(
                TrialScenario.Line(
                    amount: atEdge ? pick(edges, or: 1) : Int64.random(in: 1...9_999, using: &random),
                    quantity: Int64.random(in: 1...4, using: &random), kind: pick(kinds, or: .item),
                    sku: sometimes(skus), category: sometimes(categories), brand: sometimes(brands),
                    tag: sometimes(tags)))
        }
        return basket
    }

    private mutating func pick<Element>(_ list: [Element], or other: Element) -> Element {
        list.randomElement(using: &random) ?? other
    }

    private mutating func sometimes(_ list: [String]) -> String? {
        Bool.random(using: &random) ? list.randomElement(using: &random) : nil
    }
}

/// xorshift64* (Vigna 2016).
private struct Xorshift: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed == 0 ? 0x9E37_79B9_7F4A_7C15 : seed }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }
}
