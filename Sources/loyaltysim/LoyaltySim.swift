import ArgumentParser

/// `loyaltysim`: the neighbours of loyaltyd, played by a program.
@main
struct LoyaltySim: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loyaltysim",
        abstract: "Plays the neighbours of loyaltyd: the till, the readers, the back end, and a whole day of them all.",
        subcommands: [
            TillCommand.self, ReaderCommand.self, UpstreamCommand.self, DayCommand.self, MembersCommand.self,
        ]
    )
}
