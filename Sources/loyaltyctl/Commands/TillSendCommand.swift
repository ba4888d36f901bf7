import ArgumentParser
import ControlAPI
import LoyaltyModel

struct TillSendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Sends a file of events to the running daemon, as a till would, and shows the answers.",
        discussion: """
            One event of the till protocol per line, such as `till convert` prints. The answers go to standard output as the \
            daemon gives them, or as text; the summary goes to standard error, or into the last line with --json. \
            Sending the same file again is safe: what is known is answered as a duplicate.
            Exit code 65 where a line was quarantined or rejected, 69 where the daemon is not there or went away.
            """
    )

    @OptionGroup var output: OutputOptions

    @Option(help: ArgumentHelp("The daemon's till socket.", valueName: "path"))
    var socket: String?

    @Option(help: ArgumentHelp("The daemon's state directory; its socket is till.sock in there.", valueName: "dir"))
    var stateDir: String?

    @Option(
        help: ArgumentHelp("At most so many events a second; without it, as fast as they are taken.", valueName: "n"))
    var pace: Int?

    @Flag(help: "Only what was not taken, and the summary.")
    var quiet = false

    @Argument(help: "The file; - is standard input.")
    var file: String

    func validate() throws {
        if let pace, !(1...100_000).contains(pace) { throw ValidationError("--pace is 1 to 100000") }
    }

    func run() async throws {
        let source = try MemberFileSource(path: file)
        let connection = try TillConnection(path: socket ?? (stateDir ?? "/run/loyaltyd") + "/till.sock")
        let report = TillSendReport(isJSON: output.json, isQuiet: quiet)
        var sending = TillSending(connection: connection, source: source, pace: pace, report: report)
        let summary = try sending.run()
        try report.finish(summary)
        if let lost = summary.failure { throw lost }
        if summary.refused > 0 { throw ExitCode(LoyaltyError.Kind.badData.rawValue) }
    }
}
