import ArgumentParser
import Glibc
import LoyaltyModel

/// The operator's tool: looks at a running daemon and tells it what to do.
@main
struct Loyaltyctl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loyaltyctl",
        abstract: "See what loyaltyd does, and tell it what to do.",
        discussion: """
            Exit codes: 0 success, 64 usage, 65 bad data, 69 the daemon is not running, 70 internal error, \
            74 input or output failed, 75 try again, 77 permission denied, 78 configuration. \
            status: 0 OK, 1 attention, 2 stopped.
            """,
        subcommands: [
            StatusCommand.self, ReadersCommand.self, MembersCommand.self, SalesCommand.self, QueueCommand.self,
            SyncCommand.self, RulesCommand.self, TillCommand.self, ConfigCommand.self,
        ]
    )

    static func main() async {
        do {
            var command = try parseAsRoot(nil)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error as LoyaltyError {
            Terminal.printError("loyaltyctl: \(error)")
            Glibc.exit(error.code.kind.rawValue)
        } catch {
            exit(withError: error)
        }
    }
}
