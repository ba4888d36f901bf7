import ArgumentParser

struct RulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "Program files: check one, test it, and try it on sales. Needs no daemon and changes nothing.",
        subcommands: [
            RulesCheckCommand.self, RulesTestCommand.self, RulesEvalCommand.self, RulesExplainCommand.self,
            RulesDiffCommand.self,
        ]
    )
}
