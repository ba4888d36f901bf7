import ControlAPI
import DataFormats
import LoyaltyModel

extension LoyaltyError.Code {
    /// The member file has no column or key `id`, or one that does not exist.
    static let memberFileColumns = Self("member_file.columns", kind: .badData)
    static let memberFileEmpty = Self("member_file.empty", kind: .badData)
}

/// Reads a member file, fed in chunks of bytes, into checked rows. Knows nothing of files and daemons.
struct MemberFileReader {
    /// One row of the file: good, or bad with line and column.
    struct Row {
        var line: Int
        var result: Result<MemberRow, LoyaltyError>
    }

    private enum Source {
        case csv(CSVRowReader, CSVHeader?)
        case ndjson(LineReader)
    }

    private var source: Source
    private let isPaymentCard: (String) -> Bool

    init(format: MemberFileFormat, isPaymentCard: @escaping (String) -> Bool) {
        switch format {
        case .csv: source = .csv(CSVRowReader(), nil)
        case .ndjson: source = .ndjson(LineReader())
        }
        self.isPaymentCard = isPaymentCard
    }

    mutating func append(_ bytes: some Collection<UInt8>) {
        switch source {
        case .csv(var reader, let header):
            // Taken out so that the array inside is not copied.
            source = .ndjson(LineReader())
            reader.append(bytes)
            source = .csv(reader, header)
        case .ndjson(var reader):
            source = .ndjson(LineReader())
            reader.append(bytes)
            source = .ndjson(reader)
        }
    }

    mutating func finish() {
        switch source {
        case .csv(var reader, let header):
            reader.finish()
            source = .csv(reader, header)
        case .ndjson(var reader):
            reader.finish()
            source = .ndjson(reader)
        }
    }

    /// All rows that are whole by now.
    ///
    /// - Throws: `csv.header`, `member_file.columns`: the file as a whole is not a member file.
    mutating func rows() throws(LoyaltyError) -> [Row] {
        switch source {
        case .csv(var reader, var header):
            source = .ndjson(LineReader())
            defer { source = .csv(reader, header) }
            return try csvRows(&reader, &header)
        case .ndjson(var reader):
            source = .ndjson(LineReader())
            defer { source = .ndjson(reader) }
            return ndjsonRows(&reader)
        }
    }

    private func csvRows(_ reader: inout CSVRowReader, _ header: inout CSVHeader?) throws(LoyaltyError) -> [Row] {
        var rows: [Row] = []
        while true {
            let row: CSVRow?
            do { row = try reader.next() } catch {
                guard header != nil else { throw error }
                rows.append(Row(line: error.place?.line ?? 0, result: .failure(error)))
                continue
            }
            guard let row else { return rows }
            if let header {
                do {
                    rows.append(Row(line: row.line, result: .success(try memberRow(header.fields(of: row)))))
                } catch {
                    rows.append(Row(line: row.line, result: .failure(error)))
                }
            } else {
                header = try Self.checked(CSVHeader(row))
            }
        }
    }

    private static func checked(_ header: CSVHeader) throws(LoyaltyError) -> CSVHeader {
        let known = MemberRow.Field.allCases.map(\.rawValue)
        let remedy: String =
            header.names.count == 1 && header.names[0].contains(where: { ";\t".contains($0) })
            ? "Separate the columns by commas" : "Columns: " + known.joined(separator: ", ")
        for (index, name) in header.names.enumerated() where !known.contains(name) {
            throw LoyaltyError(
                .memberFileColumns,
                "unknown column \"\(printable(name))\"",
                at: header.row.fields[index].place,
                remedy: remedy
            )
        }
        guard header.names.contains(MemberRow.Field.id.rawValue) else {
            let place = Place(line: header.row.line, column: 1)
            throw LoyaltyError(.memberFileColumns, "there is no column \"id\"", at: place, remedy: remedy)
        }
        return header
    }

    /// A file without a header shows its first row here, which may hold card numbers.
    private static func printable(_ name: String) -> String {
        String(name.prefix(40).map { $0.isNumber ? "#" : $0 })
    }

    private func memberRow(_ fields: [(name: String, field: CSVRow.Field)]) throws(LoyaltyError) -> MemberRow {
        var row = MemberRow(id: "")
        for (name, field) in fields {
            guard let key = MemberRow.Field(rawValue: name) else { continue }
            row.set(key, field.text)
        }
        do { _ = try row.change(isPaymentCard: isPaymentCard) } catch {
            let field = fields.first { $0.name == error.place?.path } ?? fields.first
            throw error.at(field?.field.place.with(path: error.place?.path ?? ""))
        }
        return row
    }

    private func ndjsonRows(_ reader: inout LineReader) -> [Row] {
        var rows: [Row] = []
        while true {
            do {
                guard let line = try reader.next() else { return rows }
                guard !line.bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) else { continue }
                do {
                    rows.append(Row(line: line.number, result: .success(try memberRow(line.bytes))))
                } catch {
                    let place = Place(line: line.number, column: error.place?.column ?? 1, path: error.place?.path)
                    rows.append(Row(line: line.number, result: .failure(error.at(place))))
                }
            } catch {
                rows.append(Row(line: error.place?.line ?? 0, result: .failure(error)))
            }
        }
    }

    private func memberRow(_ bytes: [UInt8]) throws(LoyaltyError) -> MemberRow {
        let node = try JSONDocument.parse(bytes)
        var reader = try TableReader(node)
        var row = MemberRow(id: try reader.requiredString("id"))
        row.cards = try reader.strings("cards") ?? []
        row.status = try reader.string("status")
        row.replacedBy = try reader.string("replaced_by")
        row.tier = try reader.string("tier")
        row.segments = try reader.strings("segments") ?? []
        row.entitlements = try reader.strings("entitlements") ?? []
        row.birthday = try reader.string("birthday")
        row.household = try reader.string("household")
        row.balance = try reader.decimal("balance")?.description
        row.asOf = try reader.string("as_of")
        row.greeting = try reader.string("greeting")
        row.joined = try reader.string("joined")
        row.referrer = try reader.string("referrer")
        row.beneficiary = try reader.string("beneficiary")
        row.partners = try reader.strings("partners") ?? []
        row.operation = try reader.string("op")
        try reader.finish()
        do { _ = try row.change(isPaymentCard: isPaymentCard) } catch {
            var place = node.place
            if case .table(let entries) = node.value, let entry = entries.first(where: { $0.key == error.place?.path })
            {
                place = entry.node.place
            }
            throw error.at(place.with(path: error.place?.path ?? ""))
        }
        return row
    }
}

extension MemberRow {
    /// Takes a CSV cell: lists are separated by `;` or `|`, blanks at the ends go, an empty cell is no value.
    fileprivate mutating func set(_ field: Field, _ text: String) {
        let value = text.trimmed
        switch field {
        case .id: id = value
        case .cards: cards = value.list
        case .segments: segments = value.list
        case .entitlements: entitlements = value.list
        case .status: status = value
        case .replacedBy: replacedBy = value
        case .tier: tier = value
        case .birthday: birthday = value
        case .household: household = value
        case .balance: balance = value
        case .asOf: asOf = value
        case .greeting: greeting = value
        case .joined: joined = value
        case .referrer: referrer = value
        case .beneficiary: beneficiary = value
        case .partners: partners = value.list
        case .operation: operation = value
        }
    }
}

extension String {
    fileprivate var trimmed: String {
        var view = Substring(self)
        while view.first == " " { view.removeFirst() }
        while view.last == " " { view.removeLast() }
        return String(view)
    }

    fileprivate var list: [String] {
        split { $0 == ";" || $0 == "|" }.map { String($0).trimmed }.filter { !$0.isEmpty }
    }
}

extension LoyaltyError {
    /// The same error at another place.
    func at(_ place: Place?) -> LoyaltyError {
        var copy = self
        copy.place = place
        return copy
    }
}
