import DataFormats
import LoyaltyModel

extension FuzzEntry {
    /// JSON: what is read can be written and read again, and errors name a place that is there.
    static let json = FuzzEntry("json") { input throws(BrokenPromise) in
        let node: DataNode
        do throws(LoyaltyError) { node = try JSONDocument.parse(input) } catch {
            return try checkPlace(error, lines: input.split(separator: 10, omittingEmptySubsequences: false).count)
        }
        let text = JSONText.of(node)
        let again: DataNode
        do throws(LoyaltyError) { again = try JSONDocument.parse(Array(text.utf8)) } catch {
            throw BrokenPromise(description: "what was read cannot be written and read again: \(error)")
        }
        try expect(JSONText.of(again) == text, "written and read again, the document is another")
    }

    /// CSV: however the file is cut into pieces the rows are the same, and they survive writing as RFC 4180 has it.
    static let csv = FuzzEntry("csv") { input throws(BrokenPromise) in
        var source = ByteSource(input)
        // Bits 0 to 3 choose the size of the pieces, 4 and 5 the separator, 6 the encoding.
        let choice = source.byte()
        let separator = Array(",;\t|".utf8)[Int(choice >> 4 & 3)]
        let reader = CSVRowReader(separator: separator, encoding: choice & 64 == 0 ? .utf8 : .windows1252)
        let bytes = source.remaining()
        let whole = read(bytes, piece: max(bytes.count, 1), reader)
        let parts = read(bytes, piece: 1 + Int(choice & 15), reader)
        let rows = texts(whole)
        try expect(whole == parts, "the rows depend on how the file is cut")
        let written = rows.map { row in
            // By bytes: with an accent behind it, a quotation mark is another character to Swift.
            row.map { field in
                let doubled = field.utf8.flatMap { $0 == 0x22 ? [0x22, 0x22] : [$0] }
                return "\"" + String(decoding: doubled, as: UTF8.self) + "\""
            }.joined(separator: ",")
        }.joined(separator: "\n")
        // One empty field in quotes is a row, nothing is none.
        let again = read(Array(written.utf8), piece: 64, CSVRowReader())
        try expect(texts(again) == rows, "written and read again, the rows are others")
    }

    private enum CSVOutcome: Equatable {
        case row(CSVRow)
        case error(LoyaltyError)
    }

    private static func texts(_ outcomes: [CSVOutcome]) -> [[String]] {
        outcomes.compactMap { outcome in
            guard case .row(let row) = outcome else { return nil }
            return row.fields.map(\.text)
        }
    }

    private static func read(_ bytes: [UInt8], piece: Int, _ reader: CSVRowReader) -> [CSVOutcome] {
        var reader = reader
        var outcomes: [CSVOutcome] = []
        var rest = bytes[...]
        while true {
            do {
                if let row = try reader.next() {
                    outcomes.append(.row(row))
                    continue
                }
            } catch {
                outcomes.append(.error(error))
                continue
            }
            guard !rest.isEmpty else { break }
            reader.append(rest.prefix(piece))
            rest = rest.dropFirst(piece)
            if rest.isEmpty { reader.finish() }
        }
        return outcomes
    }

    /// TOML: settings and program files.
    static let toml = FuzzEntry("toml") { input throws(BrokenPromise) in
        let text = String(decoding: input, as: UTF8.self)
        let node: DataNode
        do throws(LoyaltyError) { node = try TOMLDocument.parse(text, file: nil) } catch {
            let lines = text.utf8.split(separator: 10, omittingEmptySubsequences: false).count
            return try checkPlace(error, lines: lines)
        }
        guard let again = try? TOMLDocument.parse(text, file: nil) else {
            throw BrokenPromise(description: "read twice, a document is an error")
        }
        try expect(again == node, "read twice, the document is another")
    }

    static func checkPlace(_ error: LoyaltyError, lines: Int) throws(BrokenPromise) {
        guard let line = error.place?.line else { return }
        try expect((1...max(lines, 1)).contains(line), "an error in line \(line) of \(lines)")
        try expect(error.place?.column ?? 1 >= 1, "an error in column \(error.place?.column ?? 0)")
    }
}

/// Writes a document, without the places.
enum JSONText {
    static func of(_ node: DataNode) -> String {
        switch node.value {
        case .null: "null"
        case .boolean(let flag): flag ? "true" : "false"
        case .integer(let number): String(number)
        case .decimal(let literal): literal
        case .string(let text): quoted(text)
        case .date(let date): quoted(date.description)
        case .timestamp(let time): quoted(time.description)
        case .timeOfDay(let time): quoted(time.description)
        case .array(let nodes): "[" + nodes.map(of).joined(separator: ",") + "]"
        case .table(let entries): "{" + entries.map { quoted($0.key) + ":" + of($0.node) }.joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            let isPlain = scalar.value >= 0x20 && scalar != "\"" && scalar != "\\"
            if isPlain {
                quoted.unicodeScalars.append(scalar)
            } else {
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return quoted + "\""
    }
}
