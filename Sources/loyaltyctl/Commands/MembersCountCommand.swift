import ArgumentParser
import ControlAPI

struct MembersCountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "count",
        abstract: "How many members and cards the terminal knows."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let count = try await connection.client.memberCount()
        try output.print(count) { _ in
            let age = count.asOf.map { ", last complete \(count.source ?? "update") \(Words.instant($0, now: nil))" }
            return Words.count(count.members, "member", "members") + ", "
                + Words.count(count.cards, "card", "cards") + (age ?? "")
        }
    }
}
