import DataFormats
import FoundationEssentials
import LoyaltyModel
import Testing

@testable import TillFeed

/// The settings that Examples/till/documents/README.md names.
func documentSettings(_ columns: CSVColumns? = nil) throws -> AdapterSettings {
    AdapterSettings(store: "1", currency: try Currency("USD"), columns: columns) { _ in 60 }
}

/// Reads all documents of a stream that arrives in pieces.
func convert(
    _ bytes: [UInt8], _ dialect: TillDialect, _ settings: AdapterSettings, piece: Int = 65_536
) throws -> [ConvertedDocument] {
    var reader = try #require(try dialect.reader(settings, decoder: decoder))
    var documents: [ConvertedDocument] = []
    var rest = bytes[...]
    while !rest.isEmpty {
        documents += reader.append(Array(rest.prefix(piece)))
        rest = rest.dropFirst(piece)
    }
    return documents + reader.finish()
}

/// Examples/till/documents: each document gives what was worked out for it by hand.
@Suite struct TillDocuments {
    struct Sample: CustomTestStringConvertible, Sendable {
        var dialect: TillDialect
        var name: String
        var url: URL
        var testDescription: String { "\(dialect.rawValue)/\(name)" }
    }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Examples/till/documents")

    static let samples: [Sample] = TillDialect.allCases.flatMap { dialect -> [Sample] in
        let folder = folder.appending(path: dialect.rawValue)
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.sorted().compactMap { file in
            guard let end = file.lastIndex(of: "."), ["xml", "json", "csv"].contains(file[end...].dropFirst()) else {
                return nil
            }
            return Sample(dialect: dialect, name: String(file[..<end]), url: folder.appending(path: file))
        }
    }

    static func settings(_ sample: Sample) throws -> AdapterSettings {
        guard sample.dialect == .csv else { return try documentSettings() }
        let text = try String(
            contentsOf: sample.url.deletingPathExtension().appendingPathExtension("toml"), encoding: .utf8)
        var root = try TableReader(try TOMLDocument.parse(text, file: "\(sample.name).toml"))
        var till = try root.requiredTable("till")
        return try documentSettings(try CSVColumns(try till.requiredTable("csv")))
    }

    @Test func everyDialectHasDocuments() {
        for dialect in TillDialect.allCases where dialect != .native {
            #expect(Self.samples.contains { $0.dialect == dialect }, "\(dialect)")
        }
    }

    @Test(arguments: samples) func givesWhatIsExpected(sample: Sample) throws {
        let bytes = Array(try Data(contentsOf: sample.url))
        let documents = try convert(bytes, sample.dialect, try Self.settings(sample))
        let expected = sample.url.deletingPathExtension().appendingPathExtension("expected.ndjson")
        let lines = try String(contentsOf: expected, encoding: .utf8).split(separator: "\n")
        #expect(documents.count == lines.count)
        var identifiers: [String: String] = [:]
        for (document, line) in zip(documents, lines) {
            var reader = try TableReader(try JSONDocument.parse(Array(line.utf8)))
            try compare(document, &reader)
            if let letter = try reader.string("id"), case .event(let event) = document.outcome {
                let id = event.event.identity.id
                #expect(identifiers[letter, default: id] == id)
                #expect(!identifiers.contains { $0.key != letter && $0.value == id })
                identifiers[letter] = id
            }
            try reader.finish()
        }
    }

    /// Wherever the stream is cut, the same comes out.
    @Test(arguments: samples, [1, 7, 1000]) func piecesOfAnySizeGiveTheSame(sample: Sample, piece: Int) throws {
        let bytes = Array(try Data(contentsOf: sample.url))
        let settings = try Self.settings(sample)
        let whole = try convert(bytes, sample.dialect, settings).map(Self.summary)
        let pieces = try convert(bytes, sample.dialect, settings, piece: piece).map(Self.summary)
        #expect(whole == pieces)
    }

    /// A byte order mark in front of a file, as programs of Windows write it, changes nothing.
    @Test(arguments: samples, [1, 4096]) func aByteOrderMarkIsNoPartOfTheFile(sample: Sample, piece: Int) throws {
        let bytes = Array(try Data(contentsOf: sample.url))
        let settings = try Self.settings(sample)
        let mark: [UInt8] = [0xef, 0xbb, 0xbf]
        // In front of another encoding it would be a lie.
        guard String(validating: bytes, as: UTF8.self) != nil else { return }
        let outcomes = try convert(mark + bytes, sample.dialect, settings, piece: piece).map(Self.outcome)
        #expect(outcomes == (try convert(bytes, sample.dialect, settings).map(Self.outcome)))
    }

    /// What an adapter makes is a line of the native protocol, with the same meaning.
    @Test(arguments: samples) func theEventIsALineOfTheProtocol(sample: Sample) throws {
        let bytes = Array(try Data(contentsOf: sample.url))
        for document in try convert(bytes, sample.dialect, try Self.settings(sample)) {
            guard case .event(let event) = document.outcome else { continue }
            var again = try decoder.decode(Array(event.line.utf8))
            again.flags = event.flags
            #expect(again == event.event)
        }
    }

    /// Cut off anywhere, a document is a problem or nothing; it never traps and never counts as finished by half.
    @Test(arguments: samples) func aTornDocumentIsNoSale(sample: Sample) throws {
        let bytes = Array(try Data(contentsOf: sample.url))
        let settings = try Self.settings(sample)
        let whole = try Set(convert(bytes, sample.dialect, settings).map(Self.summary))
        for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 60)) {
            let torn = try convert(Array(bytes.prefix(length)), sample.dialect, settings)
            guard sample.dialect != .csv else { continue }
            for document in torn {
                if case .event = document.outcome { #expect(whole.contains(Self.summary(document))) }
            }
        }
    }

    private static func outcome(_ document: ConvertedDocument) -> String {
        switch document.outcome {
        case .event(let event): "\(event.line) \(event.flags)"
        case .problem(let problem): problem.error.code.name
        }
    }

    private static func summary(_ document: ConvertedDocument) -> String {
        switch document.outcome {
        case .event(let event): "\(document.place) \(event.line) \(event.flags) \(String(describing: event.totals))"
        case .problem(let problem): "\(document.place) \(problem.error)"
        }
    }

    private func compare(_ document: ConvertedDocument, _ expected: inout TableReader) throws {
        if var wanted = try expected.table("error") {
            guard case .problem(let problem) = document.outcome else {
                Issue.record("no problem: \(Self.summary(document))")
                return
            }
            #expect(problem.error.code.name == (try wanted.requiredString("code")), "\(problem.error)")
            #expect(
                problem.error.place?.line == (try wanted.integer("line", 1...Int64.max)).map { Int($0) },
                "\(problem.error)")
            if let path = try wanted.string("path") { #expect(problem.error.place?.path == path) }
            #expect(problem.error.place?.column ?? 0 > 0)
            return
        }
        guard case .event(let event) = document.outcome else {
            Issue.record("no event: \(Self.summary(document))")
            return
        }
        let native = try expected.required("native")
        #expect(Self.difference(native, event.native, "") == nil)
        if let flags = try expected.strings("flags") { #expect(event.flags.sorted() == flags.sorted()) }
        for text in try expected.strings("absent") ?? [] { #expect(!event.line.contains(text)) }
        if var totals = try expected.table("totals") {
            let check = try #require(event.totals)
            let figures = [
                ("lines", check.lines), ("discounts", check.discounts), ("taxes", check.taxes),
                ("expected", check.expected), ("grand", check.grand),
            ]
            for (name, figure) in figures {
                if let wanted = try totals.string(name) { #expect(figure.amountText == wanted, "\(name)") }
            }
            try totals.finish()
        }
    }

    /// The first place where something that is expected is not there.
    private static func difference(_ expected: DataNode, _ actual: DataNode, _ path: String) -> String? {
        switch (expected.value, actual.value) {
        case (.table(let wanted), .table(let entries)):
            for entry in wanted {
                guard let found = entries.first(where: { $0.key == entry.key }) else {
                    return "\(path).\(entry.key) is missing"
                }
                if let difference = difference(entry.node, found.node, "\(path).\(entry.key)") { return difference }
            }
            return nil
        case (.array(let wanted), .array(let items)):
            guard wanted.count == items.count else { return "\(path) has \(items.count) items" }
            for (index, pair) in zip(wanted, items).enumerated() {
                if let difference = difference(pair.0, pair.1, "\(path)[\(index)]") { return difference }
            }
            return nil
        case (.string(let wanted), .string(let text)):
            if let left = try? DecimalNumber(wanted), let right = try? DecimalNumber(text),
                wanted.contains(".") || text.contains(".")
            {
                return left == right ? nil : "\(path) is \(text), not \(wanted)"
            }
            return wanted == text ? nil : "\(path) is \(text), not \(wanted)"
        case (.integer(let wanted), .decimal(let text)): return String(wanted) == text ? nil : "\(path) is \(text)"
        default: return expected.value == actual.value ? nil : "\(path) is \(actual.value)"
        }
    }
}
