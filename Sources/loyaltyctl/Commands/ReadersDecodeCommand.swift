import ArgumentParser
import CardReading
import KeyboardMaps
import LoyaltyModel
import ReaderCaptures

struct ReadersDecodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Run a capture file through the decoders and print every scan. Needs no daemon.",
        discussion: """
            Of payment cards nothing is printed but that they are refused. Ends with 65 where a scan is not what the file \
            expects, or where nothing here reads such a reader.
            """
    )

    @OptionGroup var output: OutputOptions

    @Argument(help: "A capture: Examples/captures/README.md describes the form.")
    var file: String

    @Option(
        help:
            "The layout that the reader is programmed for: us, gb, de ... or one of XKB's, such as pl or \"ch(fr)\"; else what the file says, or us."
    )
    var layout: String?

    @Option(name: .customLong("case"), help: "Only the case of this id.")
    var only: String?

    func validate() throws {
        guard let layout else { return }
        do throws(LoyaltyError) { _ = try KeyboardMaps.layout(named: layout) } catch {
            throw ValidationError("\(error.message)\n\(error.remedy ?? "")")
        }
    }

    func run() async throws {
        let capture = try Capture(path: file) { try? KeyboardMaps.layout(named: $0) }
        var options = capture.setup ?? ReaderOptions()
        if let layout { options.layout = try KeyboardMaps.layout(named: layout) }
        let report = try CaptureReport(capture, options: options, only: only)
        try output.print(report) { Self.text(report, $0) }
        guard report.agrees else { throw ExitCode(LoyaltyError.Kind.badData.rawValue) }
    }

    static func text(_ report: CaptureReport, _ style: Style) -> String {
        var lines = ["\(report.name) (\(report.kind))"]
        if report.cases.isEmpty { lines.append("  no cases") }
        for sample in report.cases { lines += self.lines(sample, style) }
        return lines.joined(separator: "\n")
    }

    private static func lines(_ sample: CaptureReport.Case, _ style: Style) -> [String] {
        let verdict =
            switch sample.agrees {
            case true?: style.apply(.good, "as expected")
            case false?: style.apply(.bad, "not as expected")
            case nil: style.apply(.faint, sample.skipped ?? "nothing expected")
            }
        var lines = ["  \(sample.id): \(verdict)"]
        for scan in sample.scans {
            let what = [scan.aim, scan.symbology].compactMap(\.self).joined(separator: " ")
            let text = scan.text.map { "\"\(printable($0))\"" } ?? "not shown"
            lines.append("    \(Words.plain(scan.outcome)), \(scan.entry)\(what.isEmpty ? "" : " \(what)"): \(text)")
            for element in scan.elements ?? [] where element.count == 2 {
                lines.append("      (\(element[0])) \(element[1])")
            }
        }
        if let flaw = sample.flaw { lines.append("    not valid: \(flaw)") }
        if sample.dropped > 0 { lines.append("    \(Words.count(sample.dropped, "scan", "scans")) dropped half-way") }
        for difference in sample.differences { lines.append("    " + style.apply(.bad, "! ") + printable(difference)) }
        return lines
    }

    /// Control characters as names, lest a code steers the terminal.
    static func printable(_ text: String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x1d: shown += "<GS>"
            case 0..<0x20, 0x7f..<0xa0: shown += "<" + String(scalar.value, radix: 16, uppercase: true) + ">"
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }
}
