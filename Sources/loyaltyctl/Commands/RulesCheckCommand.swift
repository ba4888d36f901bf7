import ArgumentParser
import EarnRules
import LoyaltyModel

struct RulesCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Whether a program file is good; else what is wrong, with line and column.",
        discussion: "Several files are checked as the versions of one program: each needs its own time to begin."
    )

    struct Report: Encodable {
        struct Rule: Encodable {
            var id: String
            var kind: String
            var currency: String
        }

        var program: String
        var version: String?
        var effective: String?
        var zone: String?
        var currencies: [String: Int]
        var rules: [Rule]
        var notices: [String]

        init(_ program: Program) {
            self.program = program.identity.name
            version = program.identity.version
            effective = program.effective?.description
            zone = program.zone.name
            currencies = program.currencies
            rules = program.rules.map { Rule(id: $0.id, kind: $0.kind.rawValue, currency: $0.currency) }
            notices = program.notices.map(\.description)
        }
    }

    /// Of several files, by rising start.
    struct VersionsReport: Encodable { var versions: [Report] }

    @OptionGroup var output: OutputOptions

    @Argument(help: "The program file, TOML; or all files that are to be in force one after the other.")
    var files: [String]

    func run() async throws {
        var programs: [Program] = []
        for file in files { programs.append(try ProgramSource.load(file)) }
        let versions = try ProgramVersions(programs).versions.map(Report.init)
        for notice in versions.flatMap(\.notices) where !output.json { Terminal.printError("notice: \(notice)") }
        if programs.count == 1, let file = files.first, let report = versions.first {
            try output.print(report) { _ in "\(file) is good: \(Self.words(report))" }
        } else {
            try output.print(VersionsReport(versions: versions)) { _ in
                (["\(files.count) files are good together:"]
                    + versions.map {
                        "  \($0.effective.map { "from \($0)" } ?? "from the beginning"): \(Self.words($0))"
                    })
                    .joined(separator: "\n")
            }
        }
    }

    private static func words(_ report: Report) -> String {
        let name = [report.program, report.version].compactMap { $0 }.joined(separator: " ")
        return "program \(name), \(Words.count(report.rules.count, "rule", "rules"))"
    }
}
