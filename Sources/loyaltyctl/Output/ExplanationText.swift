import EarnRules
import LoyaltyModel

/// A sale's points in words that a cashier can read to a customer.
struct ExplanationText {
    let style: Style
    /// What receipts call the rules.
    private let names: [String: String]

    init(_ program: Program, style: Style) {
        self.style = style
        var names: [String: String] = [:]
        for rule in program.rules { names[rule.id] = rule.text }
        for card in program.stampCards { names[card.id] = card.text }
        self.names = names
    }

    func show(_ sale: TriedSale) -> String {
        let points = sale.accruals.map { "\($0.total) \($0.currency)" }.joined(separator: " and ")
        let member =
            sale.member.map { "member \($0)" }
            ?? (sale.isUnknownMember ? "a card that is not in the file" : "no member")
        var lines = [
            style.apply(
                .strong, "Sale \(sale.number) of \(sale.total), \(member): \(points.isEmpty ? "no points" : points)")
        ]
        let rules = sale.trace.filter { $0.rule != "basket" && $0.rule != "total" }
        let given = rules.filter(\.matched)
        if !given.isEmpty { lines.append("  Given:") }
        for step in given { lines.append("    \(style.apply(.good, "+")) \(name(step)): \(step.reason)") }
        for step in sale.trace where step.rule == "total" && step.matched {
            lines.append("    = \(step.reason)")
        }
        let out = sale.trace.first { $0.rule == "basket" }?.lines.filter { $0.excluded != nil } ?? []
        for line in out { lines.append("    - line \(line.line) over \(line.basis): \(line.excluded ?? "")") }
        let not = rules.filter { !$0.matched }
        if !not.isEmpty { lines.append("  Not given:") }
        for step in not { lines.append("    - \(name(step)): \(step.reason)") }
        if !sale.missing.isEmpty { lines.append("  What was short:") }
        for part in sale.missing {
            lines.append(
                "    \(style.apply(.warning, "\(part.needed) for \(part.gives)")) (\(names[part.rule] ?? part.rule))")
        }
        if sale.returnLines > 0 {
            lines.append(
                "  \(Words.count(sale.returnLines, "line brings", "lines bring")) goods back, which is not part of this"
            )
        }
        return lines.joined(separator: "\n")
    }

    private func name(_ step: TraceStep) -> String { names[step.rule].map { "\($0) (\(step.rule))" } ?? step.rule }
}
