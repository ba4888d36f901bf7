import ArgumentParser
import ControlAPI
import LoyaltyModel

struct ReadersListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Every reader, its state, and what to do about it."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let readers = try await connection.client.readers()
        try output.print(readers) { Self.text(readers, $0) }
    }

    static func text(_ readers: [ReaderReport], _ style: Style) -> String {
        guard !readers.isEmpty else { return "No reader is plugged in." }
        var table = TextTable([
            ("READER", .left), ("STATE", .left), ("NAME", .left), ("USB", .left), ("DRIVER", .left), ("READS", .right),
            ("REFUSED", .right), ("ERRORS", .right), ("LAST READ", .left),
        ])
        for reader in readers {
            table.add([
                .init(reader.id.name), .init(reader.state.rawValue, reader.state.tone), .init(reader.name),
                .init(reader.usb ?? "-"), .init(reader.driver ?? "-"), .init(Words.grouped(reader.readsToday)),
                .init(Words.grouped(reader.refusedToday)), .init(Words.grouped(reader.errors)),
                .init(reader.lastReadAt.map { Words.instant($0, now: nil) } ?? "-"),
            ])
        }
        var text = table.render(style)
        for reader in readers {
            guard let problem = reader.problem else { continue }
            text += "\n\n" + style.apply(.warning, "! ") + "\(reader.id): \(problem)"
            if let remedy = reader.remedy { text += "\n  " + style.apply(.faint, remedy) }
        }
        return text
    }
}
