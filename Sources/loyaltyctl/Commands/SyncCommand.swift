import ArgumentParser

struct SyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Traffic with the back end.",
        subcommands: [SyncNowCommand.self]
    )
}
