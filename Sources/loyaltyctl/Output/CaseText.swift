import EarnRules
import LoyaltyModel

/// Cases of a program as people read them.
struct CaseText {
    let style: Style

    func show(_ outcome: CaseOutcome) -> String {
        let place = Place(file: outcome.place.file, line: outcome.place.line)
        guard !outcome.passed else { return "\(style.apply(.good, "ok  ")) \(place): \(outcome.name)" }
        var lines = ["\(style.apply(.bad, "FAIL")) \(place): \(outcome.name)"]
        var explained: String?
        for failure in outcome.failures {
            let spot = Place(file: failure.place.file, line: failure.place.line, column: failure.place.column)
            let step = failure.step.isEmpty ? "" : "step \(failure.step), "
            lines.append("  \(spot): \(step)\(failure.what): expected \(failure.expected), got \(failure.got)")
            guard failure.step != explained else { continue }
            explained = failure.step
            for step in failure.trace {
                lines += SaleText(style: style).explain(step).map { "    " + $0 }
            }
        }
        return lines.joined(separator: "\n")
    }

    func show(_ property: RulesTestCommand.Report.Property) -> String {
        "\(style.apply(.bad, "FAIL")) \(property.program): \(property.name): \(property.message)\n\n\(property.text)"
    }

    func summary(_ report: RulesTestCommand.Report) -> String {
        var text = Words.count(report.passed + report.failed, "case", "cases")
        if report.scenarios > 0 {
            text += " and \(Words.count(report.scenarios, "made-up scenario", "made-up scenarios"))"
        }
        var failures: [String] = []
        if report.failed > 0 { failures.append("\(Words.grouped(report.failed)) failed") }
        if !report.broken.isEmpty {
            failures.append("\(Words.count(report.broken.count, "property", "properties")) broken")
        }
        return style.apply(.strong, "\(text), \(failures.isEmpty ? "all passed" : failures.joined(separator: ", "))")
    }
}
