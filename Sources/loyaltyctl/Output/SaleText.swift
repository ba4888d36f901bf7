import ControlAPI
import LoyaltyModel

/// Sales for people.
struct SaleText {
    let style: Style

    func list(_ sales: [SaleSummary]) -> String {
        guard !sales.isEmpty else { return "No sales." }
        var table = TextTable([
            ("TIME", .left), ("REGISTER", .left), ("NUMBER", .left), ("AMOUNT", .right), ("POINTS", .right),
            ("STATE", .left), ("DELIVERY", .left), ("MEMBER", .left), ("REFERENCE", .left),
        ])
        for sale in sales {
            table.add([
                .init(Words.instant(sale.time, now: nil)), .init(sale.register), .init(sale.number),
                .init(sale.total.description), .init(Words.points(sale.points)), badge(sale.badge),
                Words.delivery(sale.delivery), .init(Words.member(sale.member)), .init(sale.reference, .faint),
            ])
        }
        return table.render(style)
    }

    private func badge(_ badge: SaleSummary.Badge) -> TextTable.Cell {
        let text = Words.plain(badge.rawValue)
        switch badge {
        case .ok: return .init(text, .good)
        case .held: return .init(text, .warning)
        case .reversed: return .init(text, .bad)
        case .duplicate, .noMember: return .init(text, .faint)
        }
    }

    func show(_ sale: SaleDetail) -> String {
        let summary = sale.summary
        var lines = [
            style.apply(.strong, "\(summary.total) at register \(summary.register), number \(summary.number)"),
            "\(Words.instant(summary.time, now: nil)), store \(summary.store)"
                + (summary.receipt.map { ", receipt \($0)" } ?? "") + ", \(Words.plain(summary.kind.rawValue)), "
                + Words.plain(summary.state.rawValue),
            "Member \(Words.member(summary.member)), points \(Words.points(summary.points)), "
                + "\(Words.plain(summary.badge.rawValue)), \(summary.delivery == .none ? "nothing to deliver" : summary.delivery.rawValue)",
        ]
        if !summary.flags.isEmpty {
            lines.append("Flags: " + summary.flags.map(Words.plain).joined(separator: ", "))
        }
        lines.append(style.apply(.faint, summary.reference))
        if !sale.lines.isEmpty { lines += ["", basket(sale.lines)] }
        for transaction in sale.transactions { lines += [""] + head(of: transaction) }
        for link in sale.links {
            let parts = [link.register, link.number, link.uid].compactMap { $0 }
            lines.append("\(Words.plain(link.relation.rawValue)) \(parts.joined(separator: " "))")
        }
        return lines.joined(separator: "\n")
    }

    private func basket(_ lines: [SaleDetail.Line]) -> String {
        var table = TextTable([
            ("LINE", .left), ("QUANTITY", .right), ("AMOUNT", .right), ("POINTS", .right), ("WHAT", .left),
        ])
        for line in lines {
            let name = line.name ?? line.code ?? line.kind.rawValue
            table.add([
                .init(line.id), .init(line.quantity.description), .init(line.amount.amountText),
                .init(Words.points(line.points)), .init(name + (line.excluded.map { " (no points: \($0))" } ?? "")),
            ])
        }
        return table.render(style)
    }

    private func head(of transaction: TransactionReport) -> [String] {
        let points = transaction.accruals.map { "\($0.total) \($0.currency)" }.joined(separator: " + ")
        let recipient = transaction.recipient.map { " for the \($0.rawValue) \(transaction.account ?? "")" } ?? ""
        let what =
            transaction.forward.map { "\($0.amount) for \($0.partner)" } ?? (points.isEmpty ? "no points" : points)
        var lines = [
            "\(transaction.kind.rawValue) \(transaction.id): \(what)\(recipient), "
                + transaction.delivery.rawValue
                + (transaction.attempts > 0 ? " after \(Words.count(transaction.attempts, "try", "tries"))" : "")
        ]
        if let answer = transaction.answer { lines.append("  back end: \(answer)") }
        for reward in transaction.rewards ?? [] { lines.append("  reward \(Words.reward(reward))") }
        return lines
    }

    /// Every rule with what it counted, in the order of evaluation.
    func explain(_ sale: SaleDetail) -> String {
        guard !sale.transactions.isEmpty else {
            return "Nothing was written for sale \(sale.summary.number): \(Words.plain(sale.summary.badge.rawValue))."
        }
        var lines: [String] = []
        for transaction in sale.transactions {
            let program = transaction.program
            lines += head(of: transaction)
            let name = [program.name, program.version].compactMap { $0 }.joined(separator: " ")
            lines.append(style.apply(.faint, "program \(name), \(program.hash.prefix(8))"))
            for step in transaction.trace { lines += explain(step) }
            for change in transaction.lots ?? [] { lines.append("  " + Words.lot(change)) }
            lines.append("")
        }
        return lines.dropLast().joined(separator: "\n")
    }

    func explain(_ step: TraceStep) -> [String] {
        let mark = step.matched ? style.apply(.good, "+") : style.apply(.faint, "-")
        var lines = ["  \(mark) \(step.rule)" + (step.points.map { ": \($0)" } ?? ""), "      \(step.reason)"]
        for line in step.lines {
            let result = line.excluded.map { "no points: \($0)" } ?? "\(line.basis) gives \(line.points)"
            lines.append("      line \(line.line): \(result)")
        }
        return lines
    }
}
