import ArgumentParser
import EarnRules
import LoyaltyModel

struct RulesDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Who would have earned what on the same sales under two programs.",
        discussion: """
            Sales are lines of the till protocol, such as a day's recording, in the order of their time. Members keep their \
            counters and tiers from sale to sale. Returned goods are not followed. Exit code 65 where a line is no sale event.
            """
    )

    @OptionGroup var output: OutputOptions

    @Argument(help: "The program file as it is, TOML.")
    var old: String

    @Argument(help: "The program file as it would be, TOML.")
    var new: String

    @Option(help: ArgumentHelp("Sale events, NDJSON; - is standard input.", valueName: "file"))
    var replay: String

    @Option(help: ArgumentHelp("Members, CSV or NDJSON as for members import.", valueName: "file"))
    var members: String?

    func run() async throws {
        var comparison = try RulesComparison(
            old: try ProgramSource.load(old), new: try ProgramSource.load(new),
            members: try members.map(MemberDirectory.init(path:)) ?? .init())
        try SaleLines.each(
            of: replay,
            { bytes, number throws(LoyaltyError) in try comparison.add(bytes, number: number) },
            bad: { error in
                comparison.addBad()
                Terminal.printError("\(replay): \(error)")
            })
        comparison.finish()
        let report = comparison.report
        try output.print(report) { style in ComparisonText(style: style).show(report, comparison.changes) }
        if report.bad > 0 { throw ExitCode(LoyaltyError.Kind.badData.rawValue) }
    }
}
