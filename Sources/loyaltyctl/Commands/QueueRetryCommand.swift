import ArgumentParser
import ControlAPI

struct QueueRetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Send dead events out again."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "Ids of dead events.")
    var events: [String] = []

    @Flag(help: "All dead events.")
    var all = false

    func validate() throws {
        guard events.isEmpty == all else { throw ValidationError("Give ids of events, or --all.") }
    }

    func run() async throws {
        let result = try await connection.client.retry(events)
        try output.print(result) { _ in
            Words.count(result.retried, "event goes out again.", "events go out again.")
        }
    }
}
