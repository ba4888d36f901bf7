import ArgumentParser
import ControlAPI

struct SalesShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "One sale: its lines, its points, where its transactions are."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The daemon's reference, or the till's number or receipt.")
    var reference: String

    func run() async throws {
        let sale = try await connection.client.sale(reference)
        try output.print(sale) { SaleText(style: $0).show(sale) }
    }
}
