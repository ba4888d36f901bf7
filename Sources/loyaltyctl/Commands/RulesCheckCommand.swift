import ArgumentParser
import EarnRules
import LoyaltyModel

struct RulesCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Whether a program file is good; else what is wrong, with line and column.",
        discussion: """
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
        var zone: String?
        var currencies: [String: Int]
        var rules: [Rule]
        var notices: [String]
        var warnings: [Warning]
    }

    @OptionGroup var output: OutputOptions

    @Flag(help: "A warning is an error.")
    var strict = false

    @Argument(help: "The program file, TOML.")
    var file: String

    func run() async throws {
        let source = try ProgramSource(file)
        let program = source.program
        let findings = try program.lint(toml: source.text, file: source.file)
        let report = Report(
            program: program.identity.name, version: program.identity.version, zone: program.zone.name,
            currencies: program.currencies,
            rules: program.rules.map { .init(id: $0.id, kind: $0.kind.rawValue, currency: $0.currency) },
            notices: program.notices.map(\.description),
            warnings: findings.map {
                .init(code: $0.code.rawValue, message: $0.message, line: $0.place.line, column: $0.place.column)
            })
        for notice in report.notices where !output.json { Terminal.printError("notice: \(notice)") }
        for finding in findings where !output.json {
            Terminal.printError("\(strict ? "error" : "warning"): \(finding)")
        }
        let fails = strict && !findings.isEmpty
        if output.json || !fails {
            try output.print(report) { _ in
                let name = [report.program, report.version].compactMap { $0 }.joined(separator: " ")
                return "\(file) is good: program \(name), \(Words.count(report.rules.count, "rule", "rules"))"
                    + (findings.isEmpty ? "" : ", \(Words.count(findings.count, "warning", "warnings"))")
            }
        }
        if fails { throw ExitCode(LoyaltyError.Kind.badData.rawValue) }
    }
}
