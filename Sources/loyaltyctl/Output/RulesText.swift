import LoyaltyModel

/// Tried sales as people read them.
struct RulesText {
    let style: Style

    func show(_ sale: TriedSale) -> String {
        let points = sale.accruals.map { "\($0.total) \($0.currency)" }.joined(separator: " + ")
        let member =
            sale.member.map { "member \($0)" } ?? (sale.isUnknownMember ? "member not in the file" : "no member")
        var lines = [
            style.apply(.strong, "line \(sale.line), sale \(sale.number): \(points.isEmpty ? "no points" : points)")
                + ", \(sale.total), \(member)"
        ]
        if !sale.flags.isEmpty { lines.append("  flags: " + sale.flags.map(Words.plain).joined(separator: ", ")) }
        if sale.returnLines > 0 {
            let count = Words.count(sale.returnLines, "line brings", "lines bring")
            lines.append("  \(count) goods back; what they earned is in the ledger and not here")
        }
        for step in sale.trace { lines += SaleText(style: style).explain(step) }
        return lines.joined(separator: "\n") + "\n"
    }

    func summary(_ totals: RulesTrial.Totals) -> String {
        let points = totals.points.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: " + ")
        var text =
            "\(Words.count(totals.sales, "sale", "sales")), \(Words.grouped(totals.withMember)) with member, "
            + (points.isEmpty ? "no points" : points)
        if totals.skipped > 0 { text += ", \(Words.count(totals.skipped, "event", "events")) that end no sale" }
        if totals.bad > 0 { text += ", \(Words.count(totals.bad, "bad line", "bad lines"))" }
        return text
    }
}
