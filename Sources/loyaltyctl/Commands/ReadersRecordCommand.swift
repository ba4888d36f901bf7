import ArgumentParser
import ControlAPI
import Dispatch
import Glibc
import LoyaltyModel

struct ReadersRecordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Write what a reader sends to a capture file, without anybody's card in it.",
        discussion: """
            Payment cards, and whatever might be one, never leave the daemon. The digits of other cards are replaced: the same \
            number always by the same, with its length and check digit, and numbers that begin alike by numbers that begin \
            alike. Timing and order stay as they are. readers decode reads the file; readers.files plays it in place of a \
            reader. Ends with Ctrl-C, or after --seconds or --scans. The file is for its owner alone (0600).

            --keep-digits keeps the real digits of loyalty cards and asks for a typed confirmation; a script adds \
            --yes-really-keep-card-digits.
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The reader, as readers list names it. Left out: the only one that is ready.")
    var id: String?

    @Option(name: [.customShort("o"), .customLong("output")], help: "The new file; else READER.json.")
    var file: String?

    @Option(help: "End after so many seconds.")
    var seconds: Int?

    @Option(help: "End after so many scans.")
    var scans: Int?

    @Flag(help: "Keep the real digits of loyalty cards.")
    var keepDigits = false

    @Flag(help: "The confirmation of --keep-digits, for scripts.")
    var yesReallyKeepCardDigits = false

    static let confirmation = "keep digits"

    func validate() throws {
        if let seconds, !(1...86_400).contains(seconds) { throw ValidationError("--seconds is 1 to 86400") }
        if let scans, scans < 1 { throw ValidationError("--scans is 1 or more") }
        if yesReallyKeepCardDigits, !keepDigits {
            throw ValidationError("--yes-really-keep-card-digits goes with --keep-digits")
        }
    }

    func run() async throws {
        try confirm()
        let client = connection.client
        // One that is named need not be ready: what goes wrong with it is worth a recording.
        let id = if let id { ReaderID(id) } else { try await ReaderReport.ready(client.readers(), nil).id }
        let lines = try await client.readerReports(of: id, keepsDigits: keepDigits)
        var incoming = lines.makeAsyncIterator()
        guard let device = try await incoming.next()?.device else {
            throw LoyaltyError(.controlProtocol, "the daemon did not say which device it records")
        }
        let path = file ?? Self.fileName(of: id.name)
        let target = try PrivateFile(creating: path)
        var capture = RecordedCapture(device)
        do {
            if !output.json {
                let end =
                    seconds.map { "Ends after \($0) s" } ?? scans.map { "Ends after \($0) scans" } ?? "Ctrl-C ends"
                Terminal.printError("Recording \(device.name). Scan now. \(end).")
            }
            try await record(lines, into: &capture)
        } catch {
            target.discard()
            throw error
        }
        try target.finish(ContractCoding.encode(capture, pretty: true) + [0x0a])
        let result = Result(
            file: path, scans: capture.scanCount, withheld: capture.withheld, missedReports: capture.missedReports,
            digits: device.digits)
        try output.print(result) { Self.text(result, $0) }
    }

    private func record(
        _ lines: AsyncThrowingStream<ReaderRecordingLine, any Error>, into capture: inout RecordedCapture
    ) async throws {
        let (events, continuation) = AsyncThrowingStream.makeStream(of: ReaderRecordingLine?.self)
        let ends = RecordingEnds(seconds: seconds) { continuation.yield(nil) }
        defer { ends.cancel() }
        let pump = Task {
            do {
                for try await line in lines { continuation.yield(line) }
                continuation.finish(
                    throwing: LoyaltyError(.controlUnavailable, "the daemon ended the recording"))
            } catch { continuation.finish(throwing: error) }
        }
        defer { pump.cancel() }
        for try await event in events {
            guard let line = event else { return }
            let before = capture.scanCount
            capture.add(line)
            if !output.json { tell(line, capture, isNew: capture.scanCount > before) }
            if let scans, capture.scanCount >= scans { return }
        }
    }

    private func tell(_ line: ReaderRecordingLine, _ capture: RecordedCapture, isNew: Bool) {
        if let reason = line.withheld { Terminal.printError("left out: \(Words.plain(reason))") }
        if line.interrupted == true { Terminal.printError("the reader went away or began anew") }
        if let missed = line.missed { Terminal.printError("\(missed) reports missed") }
        guard isNew else { return }
        let what = line.scan.map { Words.plain($0.outcome == "number" ? $0.symbology ?? $0.entry : $0.outcome) }
        Terminal.printError("scan \(capture.scanCount): \(what ?? "broke off half-way")")
    }

    struct Result: Encodable {
        var file: String
        var scans: Int
        var withheld: [String: Int]
        var missedReports: Int
        var digits: String

        private enum CodingKeys: String, CodingKey {
            case file, scans, withheld, digits
            case missedReports = "missed_reports"
        }
    }

    static func text(_ result: Result, _ style: Style) -> String {
        var lines = ["\(Words.count(result.scans, "scan", "scans")) in \(result.file), digits \(result.digits)."]
        for (reason, count) in result.withheld.sorted(by: { $0.key < $1.key }) {
            lines.append("Left out: \(count) \(Words.plain(reason)).")
        }
        if result.missedReports > 0 {
            lines.append(style.apply(.warning, "\(result.missedReports) reports came too fast and are missing."))
        }
        return lines.joined(separator: "\n")
    }

    static func fileName(of id: String) -> String {
        String(id.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".") ? $0 : "_" }) + ".json"
    }

    /// Real digits are asked for twice.
    private func confirm() throws {
        guard keepDigits, !yesReallyKeepCardDigits else { return }
        guard Terminal.inputIsTerminal else {
            throw ValidationError("--keep-digits asks back; without a terminal add --yes-really-keep-card-digits")
        }
        Terminal.printError(
            """
            The file will hold the real numbers of every loyalty card that is scanned. They are personal data: use cards of \
            your own, and delete the file when it has served. Type "\(Self.confirmation)" to go on.
            """)
        guard readLine()?.lowercased() == Self.confirmation else { throw CleanExit.message("Nothing was recorded.") }
    }
}

/// What ends a recording: Ctrl-C, SIGTERM and the clock.
private final class RecordingEnds {
    private let sources: [any DispatchSourceSignal]
    private let timer: Task<Void, Never>?

    init(seconds: Int?, _ end: @escaping @Sendable () -> Void) {
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler(handler: end)
            source.resume()
            return source
        }
        timer = seconds.map { seconds in
            Task { if (try? await Task.sleep(for: .seconds(seconds))) != nil { end() } }
        }
    }

    func cancel() {
        for source in sources { source.cancel() }
        timer?.cancel()
    }
}
