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

    func summary(_ report: RulesTestCommand.Report) -> String {
        let cases = Words.count(report.passed + report.failed, "case", "cases")
        if report.failed == 0 { return style.apply(.strong, "\(cases), all passed") }
        return style.apply(.strong, "\(cases), \(Words.grouped(report.failed)) failed")
    }
}
