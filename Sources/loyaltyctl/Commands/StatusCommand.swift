import ArgumentParser
import ControlAPI
import LoyaltyModel

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "One word, the reason, and every part. Exits 0 OK, 1 attention, 2 stopped."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let report = try await Self.report(from: connection.client)
        try output.print(report) { StatusText(report: report, style: $0).render() }
        throw ExitCode(report.state.exitCode)
    }

    /// What the daemon says, or that nobody says anything.
    private static func report(from client: ControlClient) async throws -> StatusReport {
        do { return try await client.status() } catch {
            guard error.code == .controlUnavailable || error.code == .controlTimeout else { throw error }
            let place = error.place.map { " (\($0))" } ?? ""
            return StatusReport(state: .stopped, reason: error.message + place + ".")
        }
    }
}

extension StatusReport.Word {
    var exitCode: Int32 {
        switch self {
        case .ok: 0
        case .attention: 1
        case .stopped: 2
        }
    }
}
