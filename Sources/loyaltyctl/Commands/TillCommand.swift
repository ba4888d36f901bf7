import ArgumentParser

struct TillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "till",
        abstract: "What a till's documents say, as the daemon understands them.",
        subcommands: [TillConvertCommand.self]
    )
}
