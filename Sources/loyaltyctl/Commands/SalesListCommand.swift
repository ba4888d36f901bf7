import ArgumentParser
import ControlAPI

struct SalesListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "The latest sales, newest first.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "How many, 1 to 1000.")
    var limit = 20

    @Option(help: ArgumentHelp("Only sales before this one.", valueName: "reference"))
    var before: String?

    func validate() throws {
        guard (1...1000).contains(limit) else { throw ValidationError("--limit is 1 to 1000") }
    }

    func run() async throws {
        let sales = try await connection.client.sales(limit: limit, before: before)
        try output.print(sales) { SaleText(style: $0).list(sales) }
    }
}
