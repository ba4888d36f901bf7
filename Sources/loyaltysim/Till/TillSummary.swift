import FoundationEssentials
import LoyaltyModel

/// The figures of a played file, for people and as JSON.
struct TillSummary: Encodable, Sendable {
    var sent: Int
    var answered: Int
    var stray: Int
    var results: [String: Int]
    var codes: [String: Int]
    var matched: Int
    /// nil where the sum does not fit.
    var points: String?
    var milliseconds: Int64
    /// In microseconds.
    var latency: [String: Int64]

    init(_ tally: TillTally, took: Duration) {
        sent = tally.sent
        answered = tally.answered
        stray = tally.stray
        results = tally.results
        codes = tally.codes
        matched = tally.matched
        points = tally.points?.description
        milliseconds = took.microseconds / 1000
        latency = [:]
        for (name, percent) in [("median", 50), ("p99", 99), ("maximum", 100)] {
            latency[name] = tally.latency(percent: percent)
        }
    }

    /// - Throws: `sim.internal`.
    func text(json: Bool) throws(LoyaltyError) -> String {
        json ? try jsonLine(self) : table
    }

    private var table: String {
        var rows = [
            ("sent", String(sent)), ("answered", String(answered)), ("with member", String(matched)),
            ("points", points ?? "do not fit"),
        ]
        for (result, count) in results.sorted(by: { $0.key < $1.key }) { rows.append((result, String(count))) }
        for (code, count) in codes.sorted(by: { $0.key < $1.key }) { rows.append(("  \(code)", String(count))) }
        if stray > 0 { rows.append(("answers to nothing", String(stray))) }
        rows.append(("time", "\(decimal(milliseconds)) s"))
        for name in ["median", "p99", "maximum"] {
            if let value = latency[name] { rows.append(("answer, \(name)", "\(decimal(value)) ms")) }
        }
        return rows.map { "\(padding($0.0, 22)) \($0.1)\n" }.joined()
    }

    /// Thousandths as a decimal.
    private func decimal(_ thousandths: Int64) -> String {
        (try? DecimalNumber(coefficient: thousandths, scale: 3))?.description ?? String(thousandths)
    }
}

/// One line of JSON with sorted keys. - Throws: `sim.internal`.
func jsonLine(_ value: some Encodable) throws(LoyaltyError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do { return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n" } catch {
        throw LoyaltyError(.simulatorInternal, "cannot be written as JSON: \(error)")
    }
}

func padding(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

/// Writes lines to a file, or to standard output for `-`. - Throws: `sim.file`.
func writeFile(_ path: String, _ lines: [[UInt8]]) throws(LoyaltyError) {
    let bytes = Array(lines.joined())
    if path == "-" { return writeToStandardOutput(String(decoding: bytes, as: UTF8.self)) }
    do { try Data(bytes).write(to: URL(filePath: path)) } catch {
        throw LoyaltyError(.simulatorFile, "cannot write \(path): \(error)")
    }
}
