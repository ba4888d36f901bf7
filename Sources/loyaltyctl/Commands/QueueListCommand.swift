import ArgumentParser
import ControlAPI
import LoyaltyModel

struct QueueListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Undelivered events, oldest first."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "Only this state: waiting, held, dead or delivered.", transform: Self.state(from:))
    var state: DeliveryState?

    @Option(help: "How many, 1 to 1000.")
    var limit = 50

    func validate() throws {
        guard (1...1000).contains(limit) else { throw ValidationError("--limit is 1 to 1000") }
    }

    func run() async throws {
        let items = try await connection.client.queue(state: state, limit: limit)
        try output.print(items) { Self.text(items, $0) }
    }

    static func state(from word: String) throws -> DeliveryState {
        guard let state = DeliveryState(rawValue: word), state != .none else {
            throw ValidationError("--state is waiting, held, dead or delivered")
        }
        return state
    }

    static func text(_ items: [QueueItem], _ style: Style) -> String {
        guard !items.isEmpty else { return "Nothing is waiting." }
        var table = TextTable([
            ("EVENT", .left), ("STATE", .left), ("MADE", .left), ("TRIES", .right), ("NEXT TRY", .left),
            ("POINTS", .right), ("MEMBER", .left), ("WHY", .left),
        ])
        for item in items {
            table.add([
                .init(item.id), Words.delivery(item.state), .init(Words.instant(item.createdAt, now: nil)),
                .init("\(item.attempts)"), .init(item.nextTryAt.map { Words.instant($0, now: nil) } ?? "-"),
                .init(Words.points(item.points)), .init(item.member?.value ?? "-"), .init(item.reason ?? "-"),
            ])
        }
        return table.render(style)
    }
}
