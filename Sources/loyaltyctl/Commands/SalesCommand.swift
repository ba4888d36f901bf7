import ArgumentParser

struct SalesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sales",
        abstract: "What each sale earned, why, and where its transaction is.",
        subcommands: [SalesListCommand.self, SalesShowCommand.self, SalesExplainCommand.self, SalesClaimCommand.self],
        defaultSubcommand: SalesListCommand.self
    )
}
