import ArgumentParser
import ControlAPI

struct QueueShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "One event with its payload; never with a card number."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The event's id.")
    var event: String

    func run() async throws {
        let item = try await connection.client.queueItem(event)
        try output.print(item) { style in
            var text = QueueListCommand.text([item], style)
            if let sale = item.sale { text += "\n\nSale \(sale)" }
            if let payload = item.payload { text += "\n\n\(payload)" }
            return text
        }
    }
}
