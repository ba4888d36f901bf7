import ArgumentParser

struct TillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "till",
        abstract: "What tills send: try their documents, send events, see what was not understood.",
        subcommands: [TillConvertCommand.self, TillSendCommand.self, TillQuarantineCommand.self]
    )
}
