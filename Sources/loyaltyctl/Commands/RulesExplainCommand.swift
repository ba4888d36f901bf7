import ArgumentParser
import ControlAPI
import EarnRules
import LoyaltyModel

struct RulesExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract:
            "What a sale earns and why, in words for the counter: what gave points, what did not, what was short.",
        discussion: """
            Sales and members as for eval. Each sale is looked at by itself: limits of a month and visits count from zero. \
            Exit code 65 where a line is no sale event, or no sale has the number.
            """
    )

    @OptionGroup var output: OutputOptions

    @Option(help: ArgumentHelp("The program file, TOML.", valueName: "file"))
    var program: String

    @Option(help: ArgumentHelp("Sale events, NDJSON; - is standard input.", valueName: "file"))
    var sales: String

    @Option(help: ArgumentHelp("Members, CSV or NDJSON as for members import.", valueName: "file"))
    var members: String?

    @Option(help: ArgumentHelp("Only the sale with this number.", valueName: "number"))
    var sale: String?

    func run() async throws {
        let loaded = try ProgramSource.load(program)
        var trial = try RulesTrial(
            program: loaded, members: try members.map(MemberDirectory.init(path:)) ?? .init(),
            explanation: .everyRule)
        let text = ExplanationText(loaded, style: .standardOutput)
        var shown = 0
        try SaleLines.each(
            of: sales,
            { bytes, number throws(LoyaltyError) in
                guard let tried = try trial.evaluate(bytes, number: number) else { return }
                if let sale, tried.number != sale { return }
                shown += 1
                if output.json {
                    Terminal.print(String(decoding: try ContractCoding.encode(tried), as: UTF8.self))
                } else {
                    Terminal.print(text.show(tried) + "\n")
                }
            },
            bad: { error in
                trial.totals.bad += 1
                Terminal.printError("\(sales): \(error)")
            })
        if let sale, shown == 0 { Terminal.printError("\(sales): no finished sale has the number \(sale)") }
        if trial.totals.bad > 0 || (sale != nil && shown == 0) { throw ExitCode(LoyaltyError.Kind.badData.rawValue) }
    }
}
