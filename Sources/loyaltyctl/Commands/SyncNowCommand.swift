import ArgumentParser
import ControlAPI

struct SyncNowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "now",
        abstract: "Deliver and fetch now instead of when it is due."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let client = connection.client
        try await client.syncNow()
        let queue = try await client.status().queue
        try output.print(queue) { _ in
            "Started. \(Words.count(queue.waiting + queue.held, "event is", "events are")) on their way."
        }
    }
}
