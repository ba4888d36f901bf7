import ArgumentParser
import Dispatch
import LoyaltyDaemon
import LoyaltyModel

#if canImport(Glibc)
import Glibc
#endif

/// The daemon's command line. Everything else is in the configuration file.
@main
struct LoyaltydCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loyaltyd",
        abstract: "Reads loyalty cards, earns points on the till's sales, and sends the transactions on.",
        discussion: """
            Runs in the foreground until SIGTERM or SIGINT; SIGHUP reads the program and the card schemes again. Without a \
            configuration file it works with defaults: one point per unit of money, no back end. Logs go to standard error.

            Exit codes: 64 usage, 69 unavailable, 73 cannot create, 74 disk, 75 busy, 77 permission, 78 configuration.
            """,
        version: LoyaltyDaemon.version)

    enum TillInput: String, ExpressibleByArgument, CaseIterable { case socket, stdin }

    @Option(help: ArgumentHelp("The configuration file (default: /etc/loyaltyd/loyaltyd.toml).", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp(
            "Where the database and the card key are kept, and then the sockets as well.", valueName: "directory"))
    var stateDir: String?

    @Option(
        help:
            "Where sale events come from: the socket, or standard input with the answers on standard output. With stdin the daemon ends with its input."
    )
    var till: TillInput = .socket

    @Flag(help: "Check the configuration and the program, say what is wrong and where, and end.")
    var checkConfig = false

    /// Not the asynchronous entry point: the runtime opens files of its own before that one's first line.
    static func main() {
        fillStandardDescriptors()
        Task {
            await main(nil)
            exit(withError: nil)
        }
        dispatchMain()
    }

    func run() async throws {
        do {
            let process = ProcessSetting(
                configurationFile: config, stateDirectory: stateDir, environment: environment(), isRoot: getuid() == 0)
            let settings = try SettingsLoader(process).load()
            if checkConfig {
                let report = try LoyaltyDaemon.check(settings)
                for warning in report.warnings { complain("warning: \(warning)") }
                let versions = report.versions == 1 ? "" : " in \(report.versions) versions"
                print(
                    "The configuration is good: program \(report.program)\(versions), \(report.schemes) card schemes.")
                return
            }
            try await LoyaltyDaemon(settings: settings, process: process, readsStandardInput: till == .stdin).run()
        } catch let error as LoyaltyError {
            complain("loyaltyd: \(error)")
            throw ExitCode(error.code.kind.rawValue)
        } catch let error where !(error is ExitCode) {
            complain("loyaltyd: \(error)")
            throw ExitCode(LoyaltyError.Kind.internal.rawValue)
        }
    }

    /// Where standard input, output or error is closed, the next file that is opened would take its number, and answers or
    /// log lines would go into it. The null device, for reading only, lets writing fail instead.
    private static func fillStandardDescriptors() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            _ = open("/dev/null", O_RDONLY)
        }
    }

    private func environment() -> [String: String] {
        var variables: [String: String] = [:]
        var pointer = environ
        while let entry = pointer.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            pointer += 1
        }
        return variables
    }

    private func complain(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }
}
