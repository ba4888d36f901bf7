import ArgumentParser
import ControlAPI
import EarnRules
import LoyaltyModel

struct RulesDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Who would have earned what on the same sales under two programs.",
        discussion: """
            Sales are those that the daemon holds, in the order of their arrival, with the members of its cache; or, with \
            --replay, lines of the till protocol, such as a day's recording. Members keep their counters and tiers from sale \
            to sale. Returned goods are not followed. Exit code 65 where a line is no sale event.
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The program file as it is, TOML.")
    var old: String

    @Argument(help: "The program file as it would be, TOML.")
    var new: String

    @Option(
        help: ArgumentHelp(
            "Sale events, NDJSON; - is standard input. Without it the daemon's own journal.", valueName: "file"))
    var replay: String?

    @Option(help: ArgumentHelp("Of the journal only sales from this business day on.", valueName: "day"))
    var since: String?

    @Option(help: ArgumentHelp("Members, CSV or NDJSON as for members import.", valueName: "file"))
    var members: String?

    func run() async throws {
        var comparison = try RulesComparison(
            old: try ProgramSource.load(old), new: try ProgramSource.load(new),
            members: try members.map(MemberDirectory.init(path:)) ?? .init())
        if let replay {
            try SaleLines.each(
                of: replay,
                { bytes, number throws(LoyaltyError) in try comparison.add(bytes, number: number) },
                bad: { error in
                    comparison.addBad()
                    Terminal.printError("\(replay): \(error)")
                })
        } else {
            try await replayJournal(&comparison)
        }
        comparison.finish()
        let report = comparison.report
        try output.print(report) { style in ComparisonText(style: style).show(report, comparison.changes) }
        if report.bad > 0 { throw ExitCode(LoyaltyError.Kind.badData.rawValue) }
    }

    func validate() throws {
        if replay != nil, since != nil { throw ValidationError("--since is for the daemon's journal") }
        if replay == nil, members != nil { throw ValidationError("--members is for --replay; the daemon has its own") }
    }

    private func replayJournal(_ comparison: inout RulesComparison) async throws {
        let first = try since.map { try CalendarDate($0) }
        var number: Int64 = 0
        while true {
            let page = try await connection.client.journal(after: number)
            guard let last = page.last else { return }
            number = last.number
            for sold in page where first.map({ $0 <= sold.businessDay }) ?? true {
                do throws(LoyaltyError) {
                    try comparison.add(
                        SaleLines.Sold(
                            sale: sold.sale, closedAt: sold.closedAt, businessDay: sold.businessDay,
                            member: sold.member, hasCard: sold.hasCard), number: Int(sold.number))
                } catch {
                    comparison.addBad()
                    Terminal.printError("sale \(sold.number): \(error)")
                }
            }
        }
    }
}
