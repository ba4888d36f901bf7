import LoyaltyModel

/// Two programs on the same sales as people read them.
struct ComparisonText {
    /// Bars of the distribution.
    private static let bars = 9
    private static let width = 40

    let style: Style

    func show(_ report: RulesComparison.Report, _ changes: [String: [Points]]) -> String {
        var parts = [
            style.apply(
                .strong,
                "\(Words.count(report.sales, "sale", "sales")): \(Words.grouped(report.more)) earn more, \(Words.grouped(report.less)) less, \(Words.grouped(report.same)) the same"
            )
        ]
        parts.append(table("CURRENCY", report.totals.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
        var rules: [(String, RulesComparison.Pair)] = []
        for (rule, currencies) in report.rules.sorted(by: { $0.key < $1.key }) {
            for (currency, pair) in currencies.sorted(by: { $0.key < $1.key }) {
                rules.append((currencies.count > 1 ? "\(rule) (\(currency))" : rule, pair))
            }
        }
        if !rules.isEmpty { parts.append(table("RULE", rules)) }
        for (currency, values) in changes.sorted(by: { $0.key < $1.key }) {
            parts.append(distribution(currency, values))
        }
        if !report.largest.isEmpty {
            parts.append(
                table(
                    "LARGEST CHANGES",
                    report.largest.map {
                        ("line \($0.line), sale \($0.number)" + ($0.member.map { ", member \($0)" } ?? ""), $0.points)
                    }))
        }
        if !report.members.isEmpty {
            parts.append("\(Words.grouped(report.gaining)) members gain, \(Words.grouped(report.losing)) lose")
            parts.append(table("MEMBER", report.members.map { ($0.member, $0.points) }))
        }
        return parts.joined(separator: "\n\n")
    }

    private func table(_ title: String, _ rows: [(String, RulesComparison.Pair)]) -> String {
        var table = TextTable([(title, .left), ("OLD", .right), ("NEW", .right), ("CHANGE", .right)])
        for (name, pair) in rows {
            let change = pair.change
            let tone: Style.Tone = change.isZero ? .faint : change.isNegative ? .bad : .good
            table.add([
                .init(name), .init("\(pair.old)"), .init("\(pair.new)"),
                .init((change.isNegative || change.isZero ? "" : "+") + "\(change)", tone),
            ])
        }
        return table.render(style)
    }

    /// How many sales change by how much, as bars.
    private func distribution(_ currency: String, _ changes: [Points]) -> String {
        let decimals = changes.map(\.decimals).max() ?? 0
        let units = changes.compactMap { try? $0.ratio.rounded(.floor, scale: decimals) }
        guard let least = units.min(), let most = units.max() else { return "" }
        let span = Int128(most) - Int128(least) + 1
        let step = max((span + Int128(Self.bars) - 1) / Int128(Self.bars), 1)
        var counts = [Int](repeating: 0, count: Int((span + step - 1) / step))
        for unit in units { counts[Int((Int128(unit) - Int128(least)) / step)] += 1 }
        let tallest = max(counts.max() ?? 1, 1)
        var table = TextTable([("CHANGE IN \(currency.uppercased())", .right), ("SALES", .right), ("", .left)])
        for (index, count) in counts.enumerated() {
            let low = Int64(clamping: Int128(least) + Int128(index) * step)
            let high = Int64(clamping: min(Int128(low) + step - 1, Int128(most)))
            let range = [low, high].map { "\(Points(units: $0, decimals: decimals))" }
            let bar = String(repeating: "#", count: count == 0 ? 0 : max(count * Self.width / tallest, 1))
            table.add([
                .init(low == high ? range[0] : range.joined(separator: " to ")), .init(Words.grouped(count)),
                .init(bar),
            ])
        }
        return table.render(style)
    }
}
