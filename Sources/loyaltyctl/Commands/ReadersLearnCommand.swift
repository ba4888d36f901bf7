import ArgumentParser
import CardReading
import Glibc
import KeyboardMaps
import LoyaltyModel
import ReaderCaptures

struct ReadersLearnCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "learn",
        abstract: "Work out how a reader is set up and what the cards are, and write the configuration for it.",
        discussion: """
            Asks for the same card three times, another card, then a product from the shelf, and tells what it made of each. \
            Works out the keyboard layout, what the reader puts around its codes, how a scan ends, and the cards' prefix, \
            length and check digit; warns of prefixes that shops and payment networks use. Payment cards are not kept. The \
            configuration holds what all cards begin with, never a number.

            As root it writes /etc/loyaltyd/loyaltyd.toml.d/50-reader-NAME.toml, otherwise it prints the sections. They are \
            checked by loyaltyd --check-config, and tried with one more scan.

            With --from it runs on captures, needs no daemon, and asks nothing: their presentations are taken in the same order, \
            and those behind the product are tried.
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The reader, as readers list names it. Left out: the only one that is ready.")
    var reader: String?

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("Write the sections there, \"-\" to print them.", valueName: "file"))
    var file: String?

    @Option(parsing: .upToNextOption, help: ArgumentHelp("Captures in place of a reader.", valueName: "capture"))
    var from: [String] = []

    @Option(help: "The name of the card scheme.")
    var scheme = "club"

    @Option(help: ArgumentHelp("Which device the section is for: VENDOR:PRODUCT or a port.", valueName: "device"))
    var match: String?

    @Option(help: "With --from: the layout that typed texts of captures are typed on.")
    var layout = "us"

    func validate() throws {
        do throws(LoyaltyError) { _ = try KeyboardMaps.layout(named: layout) } catch {
            throw ValidationError("\(error.message)\n\(error.remedy ?? "")")
        }
        guard reader == nil || from.isEmpty else { throw ValidationError("Either a reader, or --from") }
        guard !scheme.isEmpty else { throw ValidationError("--scheme is a name") }
    }

    func run() async throws {
        let source: any PresentationSource
        if from.isEmpty {
            source = try await LiveSource(connection.client, reader: reader)
        } else {
            source = try CaptureSource(files: from, layout: try KeyboardMaps.layout(named: layout))
        }
        let dialog = LearnDialog(source: source, schemeName: scheme, isQuiet: output.json)
        var result = try await dialog.run()
        let path = destination(LearnedSections(result.reader, source: source.device, match: match))
        let existing = path.flatMap(LearnedFile.main).map { ExistingSections(main: $0, except: path) }
        result.settleScheme(with: existing)
        let sections = LearnedSections(result.reader, source: source.device, match: match)
        let conflicts = existing?.conflicts(match: sections.match, model: source.device.model) ?? []
        let report = LearnReport(
            result, sections, name: source.device.name, conflicts: conflicts, file: path,
            checked: try write(sections.text, to: path))
        try output.print(report) { LearnText.text(report, $0) }
    }

    /// What was scanned shall not be lost with the file.
    private func write(_ text: String, to path: String?) throws(LoyaltyError) -> LearnedFile.Checked {
        do throws(LoyaltyError) {
            guard let path else { return try LearnedFile.checkAlone(text) }
            return try LearnedFile(path: path).write(text)
        } catch {
            Terminal.printError(text)
            throw error
        }
    }

    /// nil: printed.
    private func destination(_ sections: LearnedSections) -> String? {
        if let file { return file == "-" ? nil : file }
        guard from.isEmpty, geteuid() == 0 else { return nil }
        return LearnedFile.dropIns + "/50-reader-\(sections.fileName).toml"
    }
}
