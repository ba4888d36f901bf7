import LoyaltyModel

/// A comma-separated file with a heading (RFC 4180): quoted fields may hold commas, quotes (doubled) and line ends.
struct CSVTable: Sendable {
    struct Row: Sendable {
        /// Counts from 1, the heading included.
        var line: Int
        var fields: [String]
    }

    let heading: [String]
    let rows: [Row]
    private let file: String?

    /// - Throws: `sim.csv` for quotes that do not close, rows of another length than the heading, or bytes that are no UTF-8.
    init(_ bytes: [UInt8], file: String? = nil) throws(LoyaltyError) {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw LoyaltyError(.simulatorCSV, "the file is not UTF-8", at: Place(file: file))
        }
        var rows: [Row] = []
        var row = Row(line: 1, fields: [])
        var field: [UInt8] = []
        var line = 1
        var inQuotes = false
        var quoteEnded = false

        func endField() {
            row.fields.append(String(decoding: field, as: UTF8.self))
            field = []
            quoteEnded = false
        }
        func endRow() {
            endField()
            if row.fields != [""] { rows.append(row) }
            row = Row(line: line + 1, fields: [])
        }
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\"") where inQuotes:
                inQuotes = false
                quoteEnded = true
            case UInt8(ascii: "\"") where quoteEnded:
                field.append(byte)
                inQuotes = true
                quoteEnded = false
            case UInt8(ascii: "\"") where field.isEmpty: inQuotes = true
            case UInt8(ascii: ",") where !inQuotes: endField()
            case UInt8(ascii: "\r") where !inQuotes: break
            case UInt8(ascii: "\n"):
                if inQuotes { field.append(byte) } else { endRow() }
                line += 1
            default: field.append(byte)
            }
        }
        guard !inQuotes else {
            throw LoyaltyError(.simulatorCSV, "a quote does not close", at: Place(file: file, line: row.line))
        }
        if !field.isEmpty || !row.fields.isEmpty { endRow() }
        guard let first = rows.first else {
            throw LoyaltyError(.simulatorCSV, "the file has no heading", at: Place(file: file, line: 1))
        }
        if let odd = rows.first(where: { $0.fields.count != first.fields.count }) {
            throw LoyaltyError(
                .simulatorCSV, "\(odd.fields.count) fields where the heading has \(first.fields.count)",
                at: Place(file: file, line: odd.line))
        }
        heading = first.fields
        self.rows = Array(rows.dropFirst())
        self.file = file
    }

    /// The place of a column in every row. - Throws: `sim.csv` where the heading does not name it.
    func column(_ name: String) throws(LoyaltyError) -> Int {
        guard let index = heading.firstIndex(of: name) else {
            throw LoyaltyError(
                .simulatorCSV, "there is no column \(name)", at: Place(file: file, line: 1),
                remedy: "The file has \(heading.joined(separator: ", "))")
        }
        return index
    }

    func error(_ row: Row, _ message: String) -> LoyaltyError {
        LoyaltyError(.simulatorCSV, message, at: Place(file: file, line: row.line))
    }
}

extension LoyaltyError.Code {
    static let simulatorCSV = Self("sim.csv", kind: .badData)
}
