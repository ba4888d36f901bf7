import ArgumentParser
import ControlAPI
import LoyaltyModel

struct TillQuarantineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "Lines of tills that could not be taken, and why.",
        discussion: """
            They are kept for storage.keep_quarantine_days, without card numbers and long runs of digits, and never tried again: \
            mend the fault at the till, or in its adapter, and have it send the event with a new id.
            """,
        subcommands: [TillQuarantineListCommand.self, TillQuarantineShowCommand.self],
        defaultSubcommand: TillQuarantineListCommand.self
    )
}

struct TillQuarantineListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "The newest lines first.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "How many, 1 to 1000.")
    var limit = 50

    @Option(help: "Only lines before this number.")
    var before: Int64?

    func validate() throws {
        guard (1...1000).contains(limit) else { throw ValidationError("--limit is 1 to 1000") }
    }

    func run() async throws {
        let lines = try await connection.client.quarantine(limit: limit, before: before)
        try output.print(lines) { Self.text(lines, $0) }
    }

    static func text(_ lines: [QuarantinedLine], _ style: Style) -> String {
        guard !lines.isEmpty else { return "No line is in quarantine." }
        var table = TextTable([("NUMBER", .right), ("RECEIVED", .left), ("CODE", .left), ("WHY", .left)])
        for line in lines {
            table.add([
                .init("\(line.number)"), .init(Words.instant(line.receivedAt, now: nil)), .init(line.code, .warning),
                .init(line.message),
            ])
        }
        return table.render(style)
    }
}

struct TillQuarantineShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "One line, as far as it may be shown: never with a card number.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The line's number.")
    var number: Int64

    func run() async throws {
        let line = try await connection.client.quarantinedLine(number)
        try output.print(line) { style in TillQuarantineListCommand.text([line], style) + "\n\n\(line.line)" }
    }
}
