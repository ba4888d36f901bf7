import ArgumentParser
import ControlAPI

struct SalesExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Why a sale earned what it earned: every rule, matched or not."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The daemon's reference, or the till's number or receipt.")
    var reference: String

    func run() async throws {
        let sale = try await connection.client.sale(reference)
        try output.print(sale.transactions) { SaleText(style: $0).explain(sale) }
    }
}
