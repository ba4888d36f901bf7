import ArgumentParser
import CardReading
import ControlAPI
import DataFormats
import EarnRules
import LoyaltyModel
import TillFeed

struct TillConvertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Native events out of a till's own documents, with flags and the check of totals; changes nothing.",
        discussion: """
            Reads POSLog XML, orders of Square, Shopify and Odoo (JSON), or CSV as docs/till-adapters.md describes them. Without \
            --json, events go to standard output as lines of the till protocol, ready for `rules eval --sales -` or the \
            till socket, and everything about them to standard error. The numbers of payment cards are in neither.
            Exit code 65 where a document could not be read; its place is named and the others are converted.
            """
    )

    enum Source: String, ExpressibleByArgument, CaseIterable { case poslog, square, shopify, odoo, csv }

    @OptionGroup var output: OutputOptions

    @Option(help: "What wrote the documents: poslog, square, shopify, odoo or csv.")
    var from: Source

    @Argument(help: "The file; - is standard input.")
    var file: String

    @Option(
        help: ArgumentHelp(
            "The daemon's configuration, for site.store, site.zone, till.register, till.currency and till.csv.",
            valueName: "file"))
    var config: String?

    @Option(help: "The store of documents that name none.")
    var store: String?

    @Option(help: "The register of documents that name none.")
    var register: String?

    @Option(help: "The currency of documents that name none, such as GBP.")
    var currency: String?

    @Option(help: "The time zone of times without offset, such as Europe/London.")
    var zone: String?

    func run() async throws {
        let settings = try adapterSettings()
        let decoder = TillEventDecoder(screening: CardScreening(classifier: try CardClassifier(schemes: [])))
        guard let dialect = TillDialect(rawValue: from.rawValue),
            var reader = try dialect.reader(settings, decoder: decoder)
        else { return }
        let source = try MemberFileSource(path: file)
        var report = ConversionReport(file: source.name, isJSON: output.json)
        var offset: Int64 = 0
        while true {
            let bytes = try source.chunk(at: offset)
            offset += Int64(bytes.count)
            for document in bytes.isEmpty ? reader.finish() : reader.append(bytes) { try report.add(document) }
            if bytes.isEmpty { break }
        }
        report.finish()
        if report.problems > 0 { throw ExitCode(LoyaltyError.Kind.badData.rawValue) }
    }

    /// The configuration's, with what the command line says on top.
    private func adapterSettings() throws -> AdapterSettings {
        var settings = try config.map(Self.settings) ?? AdapterSettings()
        if let store { settings.store = store }
        if let register { settings.register = register }
        if let currency { settings.currency = try Currency(currency) }
        if let zone { settings.offsetMinutes = try Self.offset(zone, at: Place(path: "--zone")) }
        return settings
    }

    private static func settings(_ file: String) throws(LoyaltyError) -> AdapterSettings {
        let source = try MemberFileSource(path: file)
        var bytes: [UInt8] = []
        while true {
            let part = try source.chunk(at: Int64(bytes.count))
            if part.isEmpty { break }
            bytes += part
        }
        var root = try TableReader(try TOMLDocument.parse(String(decoding: bytes, as: UTF8.self), file: file))
        var settings = AdapterSettings()
        if var site = try root.table("site") {
            settings.store = try site.string("store")
            if let zone = try site.string("zone") {
                settings.offsetMinutes = try offset(zone, at: site.place(of: "zone"))
            }
        }
        if var till = try root.table("till") {
            settings.register = try till.string("register")
            settings.source = try till.string("source")
            settings.epoch = try till.string("epoch")
            settings.currency = try till.parsed("currency") { text throws(LoyaltyError) in try Currency(text) }
            settings.columns = try till.table("csv").map { table throws(LoyaltyError) in try CSVColumns(table) }
        }
        return settings
    }

    private static func offset(_ name: String, at place: Place) throws(LoyaltyError) -> @Sendable (Timestamp) -> Int {
        guard let zone = ProgramZone(name: name) else {
            throw LoyaltyError(
                .timeSyntax, "there is no time zone \"\(name)\"", at: place, remedy: "Write one such as Europe/London")
        }
        return { zone.local($0).offsetMinutes }
    }
}
