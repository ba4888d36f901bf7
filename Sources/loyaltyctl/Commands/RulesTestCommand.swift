import ArgumentParser
import ControlAPI
import EarnRules
import LoyaltyModel

struct RulesTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Run the cases of program files.",
        discussion: """
            Cases are the [[case]] tables of a program file and of the file beside it (club.cases.toml for club.toml); \
            docs/program-tests.md says what they can hold. Files with the same program name and their own "effective" are \
            versions of one program and are tested together. Exit code 65 where a case fails.
            """
    )

    struct Report: Encodable {
        struct Case: Encodable {
            var name: String
            var file: String?
            var line: Int?
            var passed: Bool
            var failures: [Failure]
        }

        struct Failure: Encodable {
            var step: String
            var what: String
            var expected: String
            var got: String
            var file: String?
            var line: Int?
            var column: Int?
            var trace: [TraceStep]
        }

        var passed: Int
        var failed: Int
        var cases: [Case]
    }

    @OptionGroup var output: OutputOptions

    @Argument(help: "Program files, TOML.")
    var files: [String]

    func run() async throws {
        var outcomes: [CaseOutcome] = []
        for suite in try ProgramTests(files).suites {
            for test in suite.cases {
                let outcome = test.run(suite.versions)
                outcomes.append(outcome)
                if !output.json { Terminal.print(CaseText(style: .standardOutput).show(outcome)) }
            }
        }
        let failed = outcomes.filter { !$0.passed }.count
        let report = Report(
            passed: outcomes.count - failed, failed: failed, cases: outcomes.map(Report.Case.init))
        try output.print(report) { style in CaseText(style: style).summary(report) }
        if failed > 0 { throw ExitCode(LoyaltyError.Kind.badData.rawValue) }
    }
}

extension RulesTestCommand.Report.Case {
    fileprivate init(_ outcome: CaseOutcome) {
        self.init(
            name: outcome.name, file: outcome.place.file, line: outcome.place.line, passed: outcome.passed,
            failures: outcome.failures.map {
                .init(
                    step: $0.step, what: $0.what, expected: $0.expected, got: $0.got, file: $0.place.file,
                    line: $0.place.line, column: $0.place.column, trace: $0.trace)
            })
    }
}
