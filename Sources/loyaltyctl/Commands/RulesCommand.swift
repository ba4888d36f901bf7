import ArgumentParser

struct RulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "Program files: check one, and try it on sales. Needs no daemon and changes nothing.",
        subcommands: [RulesCheckCommand.self, RulesEvalCommand.self]
    )
}
