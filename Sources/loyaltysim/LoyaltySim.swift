import ArgumentParser

/// `loyaltysim`: the neighbours of loyaltyd, played by a program.
@main
struct LoyaltySim: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loyaltysim",
        abstract: "Plays the neighbours of loyaltyd: the back end, the till, the reader.",
        subcommands: [TillCommand.self, ReaderCommand.self, UpstreamCommand.self]
    )
}
