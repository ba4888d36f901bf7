import CardReading

/// The result of learning, for a person.
enum LearnText {
    static func text(_ report: LearnReport, _ style: Style) -> String {
        guard let file = report.file else { return printed(report) }
        var lines = summary(report, style)
        lines += ["", style.apply(.good, "Written: ") + file]
        lines.append(report.checked ? "loyaltyd takes it." : unchecked)
        lines.append(next(report))
        return lines.joined(separator: "\n")
    }

    /// A file by itself, all else as comments.
    private static func printed(_ report: LearnReport) -> String {
        let comments = summary(report, .plain).map { "# \($0)" }
        return ([report.configuration] + comments + ["# " + (report.checked ? "loyaltyd takes this." : unchecked)])
            .joined(separator: "\n")
    }

    private static func summary(_ report: LearnReport, _ style: Style) -> [String] {
        var lines = ["\(report.reader.name): \(summary(report.reader))"]
        if let scheme = report.cardScheme { lines.append("cards: \(summary(scheme))") }
        if let scheme = report.claimedBy { lines.append("cards: the card scheme \(scheme) takes them already") }
        for finding in report.findings {
            let mark = finding.weight == .warning ? style.apply(.warning, "! ") : "  "
            lines.append(mark + finding.text + ".")
        }
        for conflict in report.conflicts { lines.append(style.apply(.bad, "! ") + conflict) }
        return lines
    }

    private static let unchecked =
        "Not checked: there is no loyaltyd beside loyaltyctl. Check with: loyaltyd --check-config"

    private static func next(_ report: LearnReport) -> String {
        guard report.conflicts.isEmpty else { return "Settle what is marked above, then: systemctl reload loyaltyd" }
        let command = "systemctl reload loyaltyd"
        guard report.cardScheme == nil, report.claimedBy == nil else { return "Done. Run: \(command)" }
        return "Run: \(command), and then loyaltyctl readers learn once more, for the cards."
    }

    private static func summary(_ reader: LearnReport.Reader) -> String {
        var parts = [reader.protocol]
        if let layout = reader.layout { parts.append("layout \(layout)") }
        if reader.capsLock { parts.append("Caps Lock") }
        if let terminator = reader.terminator {
            parts.append(terminator == "none" ? "no terminator" : "ends with \(terminator)")
        }
        if let gap = reader.gapMilliseconds { parts.append("gap \(gap) ms") }
        if let prefix = reader.prefix { parts.append("prefix \(prefix) hex") }
        if let suffix = reader.suffix { parts.append("suffix \(suffix) hex") }
        return parts.joined(separator: ", ")
    }

    private static func summary(_ scheme: LearnReport.Scheme) -> String {
        let (low, high) = (scheme.length.first ?? 0, scheme.length.last ?? 0)
        var parts = [
            scheme.prefix.isEmpty ? "any beginning" : "begin with \(scheme.prefix)",
            low == high ? "\(low) characters" : "\(low) to \(high) characters",
            scheme.check == "none" ? "no check digit" : "check digit \(scheme.check)",
        ]
        if !scheme.symbologies.isEmpty { parts.append(scheme.symbologies.joined(separator: ", ")) }
        if let code = scheme.ai { parts.append("in GS1 application identifier (\(code))") }
        return parts.joined(separator: ", ")
    }
}
