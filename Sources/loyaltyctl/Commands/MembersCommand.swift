import ArgumentParser

struct MembersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "members",
        abstract: "The member cache.",
        subcommands: [MembersImportCommand.self, MembersCountCommand.self, MembersShowCommand.self]
    )
}
