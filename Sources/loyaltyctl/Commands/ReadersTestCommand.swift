import ArgumentParser
import ControlAPI
import LoyaltyModel

struct ReadersTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Have a reader beep and light up: good, ask, no.",
        discussion: "Many scanners have no beeper that the terminal controls: silence alone is no fault."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The reader, as readers list names it. Left out: the only one that is ready.")
    var id: String?

    @Option(help: "Only this one: ok, ask or no.", transform: Self.signal)
    var signal: TillAnswer.Signal?

    func run() async throws {
        let client = connection.client
        let reader = if let id { ReaderID(id) } else { try await ReaderReport.ready(client.readers(), nil).id }
        var sent: [TillAnswer.Signal] = []
        for signal in signal.map({ [$0] }) ?? TillAnswer.Signal.allCases {
            // One at a time, so that they can be told apart.
            if !sent.isEmpty { try await Task.sleep(for: .seconds(1)) }
            try await client.signal(signal, on: reader)
            if !output.json { Terminal.printError(Self.words[signal] ?? signal.rawValue) }
            sent.append(signal)
        }
        try output.print(["sent": sent]) { _ in
            "Sent. A reader that stayed silent has no beeper that the terminal can control."
        }
    }

    private static func signal(_ word: String) throws -> TillAnswer.Signal {
        guard let signal = TillAnswer.Signal(rawValue: word) else { throw ValidationError("--signal is ok, ask or no") }
        return signal
    }

    private static let words: [TillAnswer.Signal: String] = [
        .ok: "good: the sound of a card that was taken", .ask: "ask: the cashier should look at the display",
        .no: "no: the sound of a card that was refused",
    ]
}
