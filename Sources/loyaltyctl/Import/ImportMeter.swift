/// How far an import is, as one line.
struct ImportMeter {
    var verb: String
    var rows = 0
    var bytes: Int64 = 0
    var size: Int64

    /// `Importing  48 000 rows, 61 %, 21 400 rows/s`
    func line(after elapsed: Duration) -> String {
        var text = "\(verb)  \(Words.count(rows, "row", "rows"))"
        if size > 0 { text += ", \(min(100, bytes.multipliedReportingOverflow(by: 100).partialValue / size)) %" }
        let (seconds, attoseconds) = elapsed.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        if milliseconds >= 500, let rate = Int(exactly: Int64(rows) * 1000 / milliseconds) {
            text += ", \(Words.grouped(rate)) rows/s"
        }
        return text
    }
}

/// Shows a meter on standard error: written over at a terminal, else a new line every few seconds.
struct ImportProgressLine {
    var meter: ImportMeter
    private let isTerminal: Bool
    private let start = ContinuousClock.now
    private var last = ContinuousClock.now

    init(_ meter: ImportMeter, isTerminal: Bool) {
        self.meter = meter
        self.isTerminal = isTerminal
    }

    mutating func update(rows: Int, bytes: Int64) {
        meter.rows = rows
        meter.bytes = bytes
        let now = ContinuousClock.now
        guard now - last >= (isTerminal ? .milliseconds(200) : .seconds(5)) else { return }
        last = now
        let text = meter.line(after: now - start)
        if isTerminal { Terminal.overwriteError(text) } else { Terminal.printError(text) }
    }

    func end() {
        if isTerminal { Terminal.overwriteError("") }
    }
}
