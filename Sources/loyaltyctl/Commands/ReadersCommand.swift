import ArgumentParser

struct ReadersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "readers",
        abstract: "The card readers.",
        subcommands: [
            ReadersListCommand.self, ReadersWatchCommand.self, ReadersTestCommand.self, ReadersDoctorCommand.self,
            ReadersRecordCommand.self, ReadersDecodeCommand.self, ReadersLearnCommand.self,
        ],
        defaultSubcommand: ReadersListCommand.self
    )
}
