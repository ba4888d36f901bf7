public import DataFormats
public import LoyaltyModel

/// Which column of a till's CSV file holds what, and what the file leaves open: the table `till.csv` of the configuration.
public struct CSVColumns: Sendable {
    /// Names of columns, as the first row has them.
    public var number: String
    /// One column, or day and time of day in two.
    public var time: [String]
    public var quantity: String?
    /// What the customer pays for the line, after discounts; without it, `unitPrice` times `quantity`.
    public var amount: String?
    public var unitPrice: String?
    public var id: String?
    public var code: String?
    public var name: String?
    public var department: String?
    public var member: String?
    public var store: String?
    public var register: String?
    public var businessDay: String?
    public var operatorID: String?
    public var currency: String?
    /// The till's grand total, on every row of the sale or on one.
    public var total: String?
    /// A word for the state; only the words of `statuses` are known.
    public var status: String?

    public var codeScheme: ProductCode.Scheme?
    public var memberScheme: CardIdentifierKind
    public var pricesIncludeTax: Bool?
    /// Kinds of lines by product code; `*` at the end of a key stands for any ending.
    public var kinds: [(pattern: String, kind: SaleLine.Kind)]
    public var statuses: [String: Sale.State]

    /// The names of all columns, in their order, where the file has no header row.
    public var header: [String]?
    /// The ASCII character between fields.
    public var separator: UInt8
    public var encoding: TextEncoding
    var numbers: CSVNumberFormat
    /// Without it, times and days are those of ISO 8601.
    var timeFormat: CSVTimeFormat?
    var dayFormat: CSVTimeFormat?

    /// Every key of the table, for documentation and tests.
    public static let keys = [
        "number", "time", "quantity", "amount", "unit_price", "id", "code", "name", "department", "member", "store",
        "register", "business_day", "operator", "currency", "total", "status", "code_scheme", "member_scheme",
        "prices_include_tax", "kinds", "statuses", "header", "separator", "encoding", "decimal_separator",
        "grouping_separator",
        "time_format", "day_format",
    ]

    /// - Throws: `document.*` with the place.
    public init(_ reader: TableReader) throws(LoyaltyError) {
        var reader = reader
        number = try reader.requiredString("number")
        time = try Self.timeColumns(&reader)
        quantity = try reader.string("quantity")
        amount = try reader.string("amount")
        unitPrice = try reader.string("unit_price")
        id = try reader.string("id")
        code = try reader.string("code")
        name = try reader.string("name")
        department = try reader.string("department")
        member = try reader.string("member")
        store = try reader.string("store")
        register = try reader.string("register")
        businessDay = try reader.string("business_day")
        operatorID = try reader.string("operator")
        currency = try reader.string("currency")
        total = try reader.string("total")
        status = try reader.string("status")
        codeScheme = try reader.word("code_scheme")
        memberScheme = try reader.word("member_scheme") ?? .card
        pricesIncludeTax = try reader.boolean("prices_include_tax")
        kinds = []
        statuses = [:]
        if var table = try reader.table("kinds") {
            for key in table.keys { kinds.append((key, try table.requiredWord(key))) }
        }
        if var table = try reader.table("statuses") {
            for key in table.keys { statuses[key] = try table.requiredWord(key, as: Sale.State.self) }
        }
        header = try reader.strings("header")
        separator = UInt8(ascii: ",")
        if let written = try Self.character(&reader, "separator", among: ",;|\t") { separator = written }
        encoding = try reader.word("encoding") ?? .utf8
        numbers = CSVNumberFormat()
        if let decimal = try Self.character(&reader, "decimal_separator", among: ".,") {
            numbers.decimalSeparator = Character(Unicode.Scalar(decimal))
        }
        if let grouping = try Self.character(&reader, "grouping_separator", among: ".,' ") {
            numbers.groupingSeparator = Character(Unicode.Scalar(grouping))
        }
        timeFormat = try reader.parsed("time_format") { text throws(LoyaltyError) in
            try CSVTimeFormat(text, needsTime: true)
        }
        dayFormat = try reader.parsed("day_format") { text throws(LoyaltyError) in
            try CSVTimeFormat(text, needsTime: false)
        }
        guard numbers.groupingSeparator != numbers.decimalSeparator else {
            throw reader.error("grouping_separator", "groups and decimals cannot have the same separator")
        }
        guard amount != nil || unitPrice != nil && quantity != nil else {
            throw reader.error(
                "amount", "a column for \"amount\" is missing, or those for \"unit_price\" and \"quantity\"")
        }
        guard status == nil || !statuses.isEmpty else {
            throw reader.error("status", "\"statuses\" must say what the words of this column mean")
        }
        if let header, let wrong = wanted.first(where: { name in header.filter { $0 == name }.count != 1 }) {
            let count = header.contains(wrong) ? "more than one column" : "no column"
            throw reader.error("header", "\"header\" has \(count) \"\(wrong)\"")
        }
        try reader.finish()
    }

    private static func timeColumns(_ reader: inout TableReader) throws(LoyaltyError) -> [String] {
        guard case .array = reader.node("time")?.value else { return [try reader.requiredString("time")] }
        let columns = try reader.strings("time") ?? []
        guard (1...2).contains(columns.count) else {
            throw reader.error("time", "\"time\" names one column, or two for day and time of day")
        }
        return columns
    }

    private static func character(
        _ reader: inout TableReader, _ key: String, among known: String
    ) throws(LoyaltyError) -> UInt8? {
        guard let text = try reader.string(key) else { return nil }
        guard text.utf8.count == 1, let byte = text.utf8.first, known.utf8.contains(byte) else {
            let words = known.map { $0 == "\t" ? "\"\\t\"" : "\"\($0)\"" }.joined(separator: ", ")
            throw reader.error(key, "\"\(key)\" is one of \(words)")
        }
        return byte
    }

    func kind(ofCode code: String?) -> SaleLine.Kind {
        guard let code = code?.uppercased() else { return .item }
        for (pattern, kind) in kinds {
            let pattern = pattern.uppercased()
            if pattern.hasSuffix("*") ? code.hasPrefix(pattern.dropLast()) : code == pattern { return kind }
        }
        return .item
    }

    /// The names of all columns that are looked at.
    fileprivate var wanted: [String] {
        time
            + [
                number, quantity, amount, unitPrice, id, code, name, department, member, store, register, businessDay,
                operatorID, currency, total, status,
            ].compactMap(\.self)
    }
}

/// The positions of the wanted columns. All other columns are never looked at, nor need they have a name.
struct CSVLayout {
    private let names: [String]
    private let positions: [String: Int]

    /// From a header row.
    ///
    /// - Throws: `adapter.missing` for a column that the row does not have, `csv.header` for one that it has twice.
    init(_ row: CSVRow, _ columns: CSVColumns) throws(LoyaltyError) {
        let names = row.fields.map { $0.text.trimmingBlanks() }
        for name in columns.wanted where !names.contains(name) {
            throw LoyaltyError(
                .adapterMissing, "there is no column \"\(name)\"", at: Place(line: row.line, column: 1),
                remedy: names.count == 1 && names[0].contains { ",;|\t".contains($0) }
                    ? "Name the separator of the file in till.csv.separator"
                    : "The columns of the file and of till.csv must have the same names, or till.csv.header name those of a file "
                        + "without header row")
        }
        for name in columns.wanted where names.filter({ $0 == name }).count > 1 {
            throw LoyaltyError(
                .csvHeader, "the column \"\(name)\" stands twice", at: Place(line: row.line, column: 1))
        }
        self.init(names, columns)
    }

    /// Of a file without header row.
    init?(_ columns: CSVColumns) {
        guard let header = columns.header else { return nil }
        self.init(header, columns)
    }

    private init(_ names: [String], _ columns: CSVColumns) {
        self.names = names
        let wanted = Set(columns.wanted)
        positions = Dictionary(
            names.enumerated().filter { wanted.contains($0.element) }.map { ($0.element, $0.offset) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Files that follow one another bring their header rows along.
    func isHeader(_ row: CSVRow) -> Bool {
        guard let first = row.fields.first?.text else { return false }
        let unmarked = first.unicodeScalars.first == "\u{feff}" ? String(first.unicodeScalars.dropFirst()) : first
        return unmarked.trimmingBlanks() == names.first
            && row.fields.dropFirst().map { $0.text.trimmingBlanks() } == Array(names.dropFirst())
    }

    /// - Throws: `csv.columns` where the row has more or fewer fields than the header: they may all be others than they seem.
    func check(_ row: CSVRow) throws(LoyaltyError) {
        guard row.fields.count != names.count else { return }
        let place = row.fields.count > names.count ? row.fields[names.count].place : Place(line: row.line, column: 1)
        throw LoyaltyError(
            .csvColumns, "\(row.fields.count) fields where the header has \(names.count)", at: place,
            remedy: "A field that contains the separator stands in quotes")
    }

    /// The field of a column, nil where it is empty or not wanted.
    func field(_ name: String?, _ row: CSVRow) -> CSVRow.Field? {
        guard let name, let position = positions[name], position < row.fields.count else { return nil }
        var field = row.fields[position]
        field.text = field.text.trimmingBlanks()
        return field.text.isEmpty ? nil : field
    }
}
