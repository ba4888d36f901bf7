import ArgumentParser
import ControlAPI
import Glibc
import LoyaltyModel

/// Where the daemon is.
struct ConnectionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The daemon's control socket.", valueName: "path"))
    var socket: String?

    @Option(help: ArgumentHelp("The daemon's state directory; its socket is control.sock in there.", valueName: "dir"))
    var stateDir: String?

    var client: ControlClient {
        ControlClient(
            socketPath: Self.socketPath(
                socket: socket,
                stateDirectory: stateDir,
                environment: Terminal.environment,
                isRoot: geteuid() == 0,
                exists: { access($0, F_OK) == 0 }
            )
        )
    }

    static let systemSocket = "/run/loyaltyd/control.sock"

    /// The option, the state directory, `LOYALTYD_SOCKET`, the system's socket, the user's own; the first that applies.
    static func socketPath(
        socket: String?,
        stateDirectory: String?,
        environment: (String) -> String?,
        isRoot: Bool,
        exists: (String) -> Bool
    ) -> String {
        if let socket { return socket }
        if let stateDirectory { return stateDirectory + "/control.sock" }
        if let path = environment("LOYALTYD_SOCKET") { return path }
        if isRoot || exists(systemSocket) { return systemSocket }
        if let state = environment("XDG_STATE_HOME") { return state + "/loyaltyd/control.sock" }
        if let home = environment("HOME") { return home + "/.local/state/loyaltyd/control.sock" }
        return systemSocket
    }
}

/// How results are printed.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON, as docs/cli.md describes it.")
    var json = false

    /// Prints the value as JSON where that was asked for, else the text.
    func print(_ value: some Encodable, text: (Style) -> String) throws(LoyaltyError) {
        if json {
            Terminal.print(String(decoding: try ContractCoding.encode(value, pretty: true), as: UTF8.self))
        } else {
            Terminal.print(text(.standardOutput))
        }
    }
}
