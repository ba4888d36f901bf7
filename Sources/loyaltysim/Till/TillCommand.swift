import ArgumentParser
import FoundationEssentials
import Glibc
import LoyaltyModel

struct TillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "till",
        abstract: "A till that plays sales at a chosen pace and checks that every one is answered.",
        discussion: """
            Plays a file of native events, one JSON object a line, or a day of the Online Retail data set (--sales). Prints how many \
            were sent, answered, matched to a member, and how long answers took. Exits 69 where an event had no answer, and with --strict \
            65 where one was rejected or quarantined.
            """
    )

    @OptionGroup var source: SaleSource

    @OptionGroup var connection: TillConnection

    @Option(help: "Sales for each second; 0 sends as fast as answers come.")
    var rate = 0.0

    @Option(help: "How many events may be without an answer.")
    var window = 64

    @Option(help: "Seconds to wait for an answer.")
    var timeout: Int64 = 10

    @Flag(help: "Exit 65 where an event was rejected or quarantined.")
    var strict = false

    @Flag(
        help:
            "Write the events to standard output at the chosen pace, for `loyaltyd --till stdin`; no answers are read.")
    var stdout = false

    @Option(help: "Only write the events to this file (- is standard output), and play nothing.")
    var out: String?

    @Flag(help: "Print the summary as JSON.")
    var json = false

    func validate() throws {
        guard rate >= 0, rate.isFinite else { throw ValidationError("--rate is 0 or more") }
        guard (1...100_000).contains(window) else { throw ValidationError("--window is 1 to 100000") }
        guard (1...3600).contains(timeout) else { throw ValidationError("--timeout is 1 to 3600") }
    }

    func run() throws {
        try reportingErrors {
            let lines = try source.lines()
            if let out { return try writeFile(out, lines) }
            let player = TillPlayer(rate: rate, window: window, patience: .seconds(timeout))
            if stdout { return write(lines, player) }
            let clock = ContinuousClock()
            let socket = try LineSocket(path: connection.path, patience: .seconds(5))
            let start = clock.now
            let tally = try player.play(lines, on: socket)
            writeToStandardOutput(try TillSummary(tally, took: clock.now - start).text(json: json))
            if strict, tally.results.keys.contains(where: { $0 == "rejected" || $0 == "quarantined" }) {
                throw ExitCode(LoyaltyError.Kind.badData.rawValue)
            }
        }
    }

    private func write(_ lines: [[UInt8]], _ player: TillPlayer) {
        let start = ContinuousClock().now
        for (index, line) in lines.enumerated() {
            let wait = (player.due(index, start: start) - ContinuousClock().now).microseconds
            if wait > 0 { usleep(UInt32(clamping: wait)) }
            writeToStandardOutput(String(decoding: line, as: UTF8.self))
        }
    }
}

/// Where sales come from.
struct SaleSource: ParsableArguments {
    @Argument(help: "File of native events, one JSON object a line; - is standard input.")
    var file: String?

    @Option(help: "A day of the Online Retail data set instead (CSV).")
    var sales: String?

    @OptionGroup var till: TillIdentity

    func validate() throws {
        guard (file == nil) != (sales == nil) else { throw ValidationError("Name a file of events, or --sales CSV.") }
    }

    /// The events, each with its line feed.
    func lines() throws(LoyaltyError) -> [[UInt8]] {
        if let sales {
            var lines: [[UInt8]] = []
            let day = try OnlineRetail(readFile(sales), file: sales)
            for (index, invoice) in day.invoices.enumerated() {
                lines.append(try OnlineRetail.event(invoice, till: till.till, seq: UInt64(index + 1)).line())
            }
            return lines
        }
        let bytes = try readFile(file.map { $0 == "-" ? "/dev/stdin" : $0 } ?? "/dev/stdin")
        return bytes.split(separator: UInt8(ascii: "\n")).map { Array($0) + [UInt8(ascii: "\n")] }
    }
}

/// What the till calls itself.
struct TillIdentity: ParsableArguments {
    @Option(help: "The store's number.")
    var store = "1"

    @Option(help: "The register's number.")
    var register = "1"

    @Option(help: "The till's epoch; another one makes the same sales new ones.")
    var epoch: String?

    @Option(help: "The zone of the file's times, as an offset from UTC.")
    var offset = "+00:00"

    @Option(help: "Another day for all sales of the file, such as 2026-11-22.")
    var date: String?

    func validate() throws {
        guard (try? Timestamp("2000-01-01T00:00:00" + offset)) != nil else {
            throw ValidationError("--offset is of the form +01:00")
        }
        if let date, (try? Timestamp("\(date)T00:00:00Z")) == nil {
            throw ValidationError("--date is of the form 2026-11-22")
        }
    }

    var till: OnlineRetail.Till {
        OnlineRetail.Till(store: store, register: register, epoch: epoch, offset: offset, date: date)
    }
}

/// Which daemon to talk to.
struct TillConnection: ParsableArguments {
    @Option(help: "The daemon's till socket.")
    var socket: String?

    @Option(help: "The daemon's state directory, where till.sock is.")
    var stateDir: String?

    var path: String { socket ?? stateDir.map { $0 + "/till.sock" } ?? "/run/loyaltyd/till.sock" }
}

/// Prints an error for a person and turns it into the exit code of its kind.
func reportingErrors(_ body: () throws -> Void) throws {
    do { try body() } catch let error as LoyaltyError {
        writeToStandardError("loyaltysim: \(error)\n")
        throw ExitCode(error.code.kind.rawValue)
    }
}
