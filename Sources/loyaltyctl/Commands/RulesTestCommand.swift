import ArgumentParser
import ControlAPI
import EarnRules
import LoyaltyModel

struct RulesTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Run the cases of program files, and try what must hold for every program on sales that are made up.",
        discussion: """
            Cases are the [[case]] tables of a program file and of the file beside it (club.cases.toml for club.toml); \
            docs/program-tests.md says what they can hold. Files with the same program name and their own "effective" are \
            versions of one program and are tested together. Then sales are made up out of what the program names: never \
            more than a cap, a full return restores everything, the order of partial returns does not matter, points are not \
            below zero, the same sale again works out the same. What breaks one is printed as a case. Exit code 65 where \
            anything fails.
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

        struct Property: Encodable {
            var program: String
            var name: String
            var message: String
            /// A case to paste.
            var text: String
        }

        var passed: Int
        var failed: Int
        var cases: [Case]
        /// Of each program.
        var scenarios: Int
        var broken: [Property]
    }

    @OptionGroup var output: OutputOptions

    @Option(help: "How many scenarios of sales are made up for each program; 0 for none.")
    var scenarios = 100

    @Option(help: "Another number makes other scenarios.")
    var seed: UInt64 = 1

    @Argument(help: "Program files, TOML.")
    var files: [String]

    func run() async throws {
        var outcomes: [CaseOutcome] = []
        var broken: [Report.Property] = []
        for suite in try ProgramTests(files).suites {
            for test in suite.cases {
                let outcome = test.run(suite.versions)
                outcomes.append(outcome)
                if !output.json { Terminal.print(CaseText(style: .standardOutput).show(outcome)) }
            }
            for example in try ProgramProperty.try(on: suite.versions, count: scenarios, seed: seed) {
                let property = Report.Property(
                    program: suite.files.joined(separator: ", "), name: example.property, message: example.message,
                    text: example.text)
                broken.append(property)
                if !output.json { Terminal.print(CaseText(style: .standardOutput).show(property)) }
            }
        }
        let failed = outcomes.filter { !$0.passed }.count
        let report = Report(
            passed: outcomes.count - failed, failed: failed, cases: outcomes.map(Report.Case.init),
            scenarios: max(scenarios, 0), broken: broken)
        try output.print(report) { style in CaseText(style: style).summary(report) }
        if failed > 0 || !broken.isEmpty { throw ExitCode(LoyaltyError.Kind.badData.rawValue) }
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
