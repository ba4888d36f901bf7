import ArgumentParser

struct QueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: "What is on its way to the back end, and what could not be delivered.",
        subcommands: [QueueListCommand.self, QueueShowCommand.self, QueueRetryCommand.self],
        defaultSubcommand: QueueListCommand.self
    )
}
