public import LoyaltyModel

/// The first row of a CSV file: the names of the columns.
public struct CSVHeader: Sendable, Equatable {
    /// Names as written, blanks at both ends removed.
    public let names: [String]
    public let row: CSVRow

    /// - Throws: `csv.header` for an empty name or one that stands twice.
    public init(_ row: CSVRow) throws(LoyaltyError) {
        var names: [String] = []
        for field in row.fields {
            let bytes = Array(field.text.utf8)
            guard let first = bytes.firstIndex(where: { $0 != 0x20 }), let last = bytes.lastIndex(where: { $0 != 0x20 })
            else {
                throw LoyaltyError(.csvHeader, "a column without a name", at: field.place)
            }
            let name = String(decoding: bytes[first...last], as: UTF8.self)
            guard !names.contains(name) else {
                throw LoyaltyError(.csvHeader, "the column \"\(name)\" stands twice", at: field.place)
            }
            names.append(name)
        }
        self.names = names
        self.row = row
    }

    /// The fields of a row by column name, in the order of the header.
    ///
    /// - Throws: `csv.columns` where the row has more or fewer fields than the header.
    public func fields(of row: CSVRow) throws(LoyaltyError) -> [(name: String, field: CSVRow.Field)] {
        guard row.fields.count == names.count else {
            let place =
                row.fields.count > names.count ? row.fields[names.count].place : Place(line: row.line, column: 1)
            throw LoyaltyError(
                .csvColumns,
                "\(row.fields.count) fields where the header has \(names.count)",
                at: place,
                remedy: "Quote a field that contains a comma"
            )
        }
        return zip(names, row.fields).map { ($0, $1) }
    }
}
