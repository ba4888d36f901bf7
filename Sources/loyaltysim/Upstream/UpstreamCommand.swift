import ArgumentParser
import LoyaltyModel

struct UpstreamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upstream",
        abstract: "A back end that records every transaction it gets, with faults on demand.",
        discussion: """
            Takes CloudEvents on POST /events (application/cloudevents-batch+json and application/cloudevents+json), writes every \
            new event as one line to the record file before it answers, and answers 207 with a result per event. A repeat \
            (same source and id) is answered with status 200 and the reason "duplicate". After a restart the record file is read again.

            GET  /summary  what came in: events, duplicates, batches, points, kinds, gaps, faults
            GET  /events   the recorded events, one JSON object per line
            POST /faults   sets the faults, replacing those before: {"faults": ["error:3", "no-results"]}

            FAULTS
            \(BackEndFault.help)
            """
    )

    @Option(help: "Address and port; port 0 takes a free one. The address in use is printed.")
    var listen = "127.0.0.1:8790"

    @Option(help: "File that gets one line per new event; made with mode 0600. Without it events stay in memory.")
    var record: String?

    @Flag(help: "Wait for the disk before answering.")
    var fsync = false

    @Option(help: "File whose first line is the bearer token that requests must carry.")
    var tokenFile: String?

    @Option(name: .customLong("fault"), help: "Inject a fault; may be given several times.")
    var faults: [String] = []

    func run() async throws {
        do {
            let backEnd = SimulatedBackEnd(
                address: try ListenAddress(listen),
                archive: try EventArchive(path: record, synchronize: fsync),
                faults: FaultPlan(try faults.map { text throws(LoyaltyError) in try BackEndFault(text) }),
                token: try tokenFile.map { path throws(LoyaltyError) in try Self.firstLine(of: path) }
            )
            try await backEnd.runUntilSignal { url in
                writeToStandardOutput("listening on \(url)\n")
            }
        } catch let error as LoyaltyError {
            writeToStandardError("loyaltysim: \(error)\n")
            throw ExitCode(error.code.kind.rawValue)
        }
    }

    private static func firstLine(of path: String) throws(LoyaltyError) -> String {
        let bytes = try readFile(path)
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        return String(decoding: line, as: UTF8.self)
    }
}
