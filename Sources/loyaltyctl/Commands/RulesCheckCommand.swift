import ArgumentParser
import EarnRules
import LoyaltyModel

struct RulesCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Whether a program file is good; else what is wrong, with line and column.",
        discussion: """
            Several files are checked as the versions of one program: each needs its own time to begin.

            Also says what is probably not meant so, such as a rule that can never match; docs/program-tests.md explains \
            each code. Warnings leave the exit code at 0; with --strict it is 65.
            """
    )

    struct Report: Encodable {
        struct Rule: Encodable {
            var id: String
            var kind: String
            var currency: String
        }

        struct Warning: Encodable {
            var code: String
            var message: String
            var line: Int?
            var column: Int?
        }

        var program: String
        var version: String?
        var effective: String?
        var zone: String?
        var currencies: [String: Int]
        var rules: [Rule]
        var warnings: [Warning]

        init(_ program: Program, _ findings: [LintFinding]) {
            self.program = program.identity.name
            version = program.identity.version
            effective = program.effective?.description
            zone = program.zone.name
            currencies = program.currencies
            rules = program.rules.map { Rule(id: $0.id, kind: $0.kind.rawValue, currency: $0.currency) }
            warnings = findings.map {
                Warning(code: $0.code.rawValue, message: $0.message, line: $0.place.line, column: $0.place.column)
            }
        }
    }

    /// Of several files, by rising start.
    struct VersionsReport: Encodable { var versions: [Report] }

    @OptionGroup var output: OutputOptions

    @Flag(help: "A warning is an error.")
    var strict = false

    @Argument(help: "The program file, TOML; or all files that are to be in force one after the other.")
    var files: [String]

    func run() async throws {
        var programs: [Program] = []
        // By the start of the version, which no two of them share.
        var findings: [String: [LintFinding]] = [:]
        for file in files {
            let source = try ProgramSource(file)
            programs.append(source.program)
            findings[Self.start(source.program)] = try source.program.lint(toml: source.text, file: source.file)
        }
        let versions = try ProgramVersions(programs).versions.map { Report($0, findings[Self.start($0)] ?? []) }
        if !output.json {
            for program in programs {
                for finding in findings[Self.start(program)] ?? [] {
                    Terminal.printError("\(strict ? "error" : "warning"): \(finding)")
                }
            }
        }
        let fails = strict && versions.contains { !$0.warnings.isEmpty }
        if output.json || !fails { try printReports(versions) }
        if fails { throw ExitCode(LoyaltyError.Kind.badData.rawValue) }
    }

    private func printReports(_ versions: [Report]) throws {
        if files.count == 1, let file = files.first, let report = versions.first {
            return try output.print(report) { _ in "\(file) is good: \(Self.words(report))" }
        }
        try output.print(VersionsReport(versions: versions)) { _ in
            (["\(files.count) files are good together:"]
                + versions.map {
                    "  \($0.effective.map { "from \($0)" } ?? "from the beginning"): \(Self.words($0))"
                })
                .joined(separator: "\n")
        }
    }

    private static func start(_ program: Program) -> String { program.effective?.description ?? "" }

    private static func words(_ report: Report) -> String {
        let name = [report.program, report.version].compactMap { $0 }.joined(separator: " ")
        return "program \(name), \(Words.count(report.rules.count, "rule", "rules"))"
            + (report.warnings.isEmpty ? "" : ", \(Words.count(report.warnings.count, "warning", "warnings"))")
    }
}
