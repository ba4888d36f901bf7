import ArgumentParser
import EarnRules
import LoyaltyModel

struct RulesCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Whether a program file is good; else what is wrong, with line and column."
    )

    struct Report: Encodable {
        struct Rule: Encodable {
            var id: String
            var kind: String
            var currency: String
        }

        var program: String
        var version: String?
        var zone: String?
        var currencies: [String: Int]
        var rules: [Rule]
        var notices: [String]
    }

    @OptionGroup var output: OutputOptions

    @Argument(help: "The program file, TOML.")
    var file: String

    func run() async throws {
        let program = try ProgramSource.load(file)
        let report = Report(
            program: program.identity.name, version: program.identity.version, zone: program.zone.name,
            currencies: program.currencies,
            rules: program.rules.map { .init(id: $0.id, kind: $0.kind.rawValue, currency: $0.currency) },
            notices: program.notices.map(\.description))
        for notice in report.notices where !output.json { Terminal.printError("notice: \(notice)") }
        try output.print(report) { _ in
            let name = [report.program, report.version].compactMap { $0 }.joined(separator: " ")
            return "\(file) is good: program \(name), \(Words.count(report.rules.count, "rule", "rules"))"
        }
    }
}
