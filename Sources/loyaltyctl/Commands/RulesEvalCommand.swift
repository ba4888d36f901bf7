import ArgumentParser
import ControlAPI
import LoyaltyModel

struct RulesEvalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "What the sales of a file earn under a program, with every rule's reasons.",
        discussion: """
            Sales are lines of the till protocol, as the till sends them; sale.complete and sale.return are evaluated. A sale's \
            member is found in the member file by its card or member number; without a member file every sale is a \
            stranger's. With --json one object per sale and line. Exit code 65 where a line is no sale event.
            """
    )

    @OptionGroup var output: OutputOptions

    @Option(help: ArgumentHelp("The program file, TOML.", valueName: "file"))
    var program: String

    @Option(help: ArgumentHelp("Sale events, NDJSON; - is standard input.", valueName: "file"))
    var sales: String

    @Option(help: ArgumentHelp("Members, CSV or NDJSON as for members import.", valueName: "file"))
    var members: String?

    func run() async throws {
        var trial = try RulesTrial(
            program: try ProgramSource.load(program), members: try members.map(MemberDirectory.init(path:)) ?? .init())
        try SaleLines.each(
            of: sales,
            { bytes, number throws(LoyaltyError) in
                guard let sale = try trial.evaluate(bytes, number: number) else { return }
                if output.json {
                    Terminal.print(String(decoding: try ContractCoding.encode(sale), as: UTF8.self))
                } else {
                    Terminal.print(RulesText(style: .standardOutput).show(sale))
                }
            },
            bad: { error in
                trial.totals.bad += 1
                Terminal.printError("\(sales): \(error)")
            })
        if !output.json { Terminal.print(RulesText(style: .standardOutput).summary(trial.totals)) }
        if trial.totals.bad > 0 { throw ExitCode(LoyaltyError.Kind.badData.rawValue) }
    }
}
