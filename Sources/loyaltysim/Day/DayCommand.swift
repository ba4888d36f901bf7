import ArgumentParser
import Glibc
import LoyaltyModel

struct DayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "day",
        abstract: "Plays a whole day at a lane: customers' cards on simulated readers, sales at the till.",
        discussion: """
            Each invoice of the day is a sale. A customer's card is read by one of two simulated USB readers in turn, the push to the \
            till is awaited, and the sale is sent. Payment cards, products, an unknown card, late cards and repeated events come in \
            between. At the end the transactions in the back end's record are compared, sale by sale, with a calculation made by \
            somebody else (Examples/demo/expected.py). Exits 1 where anything did not arrive or differs.
            """
    )

    @Option(help: "A day of the Online Retail data set (CSV).")
    var sales: String

    @OptionGroup var till: TillIdentity

    @OptionGroup var connection: TillConnection

    @Option(help: "The USB rig's control socket.")
    var control: String

    @Option(help: "The record file of `loyaltysim upstream`, to be compared with --expected.")
    var record: String?

    @Option(help: "What expected.py printed for the same day.")
    var expected: String?

    @Option(help: "Milliseconds between two customers.")
    var pause: Int64 = 0

    @Option(help: "Seconds to wait for the last transaction at the back end.")
    var patience: Int64 = 30

    @Flag(help: "Print the summary only.")
    var quiet = false

    func validate() throws {
        guard (record == nil) == (expected == nil) else {
            throw ValidationError("--record and --expected go together")
        }
        guard (0...60_000).contains(pause) else { throw ValidationError("--pause is 0 to 60000") }
        guard (0...3600).contains(patience) else { throw ValidationError("--patience is 0 to 3600") }
    }

    func run() throws {
        try reportingErrors {
            let clock = ContinuousClock()
            let plan = try DayPlan(OnlineRetail(readFile(sales), file: sales), till: till.till)
            var player = DayPlayer(
                rig: try RigControl(path: control), till: try LineSocket(path: connection.path, patience: .seconds(20)))
            try player.waitForReaders(DayPlan.Readers())
            let start = clock.now
            let count = plan.steps.count { if case .end = $0 { true } else { false } }
            try player.play(plan, pause: .milliseconds(pause)) { tally in progress(tally, of: count) }
            let comparison = try compare()
            let report = DayReport(plan, player, comparison, took: clock.now - start)
            writeToStandardOutput(report.text)
            if !report.agrees { throw ExitCode.failure }
        }
    }

    private func progress(_ tally: DayTally, of count: Int) {
        guard !quiet, tally.sales.isMultiple(of: 24) else { return }
        writeToStandardOutput("  \(tally.sales) of \(count) sales, \(tally.matched) with a member's card\n")
    }

    /// The back end's record once it agrees, or as it is when patience ends.
    private func compare() throws(LoyaltyError) -> DayReport.Comparison? {
        guard let record, let expected else { return nil }
        let expectation = try ExpectedDay.load(expected)
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(patience)
        while true {
            let arrived = try ArrivedTransactions(record: record, epoch: till.epoch ?? "0")
            if arrived.differences(from: expectation).isEmpty || clock.now >= deadline {
                return DayReport.Comparison(arrived: arrived, expected: expectation)
            }
            usleep(100_000)
        }
    }
}
