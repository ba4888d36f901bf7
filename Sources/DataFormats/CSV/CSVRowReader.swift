public import LoyaltyModel

/// One row of a CSV file.
public struct CSVRow: Sendable, Equatable {
    public struct Field: Sendable, Equatable {
        public var text: String
        /// Where the field begins. Rows with line breaks inside quotes span several lines.
        public var place: Place

        public init(text: String, place: Place) {
            self.text = text
            self.place = place
        }
    }

    /// The line on which the row begins, from 1.
    public var line: Int
    public var fields: [Field]

    public init(line: Int, fields: [Field]) {
        self.line = line
        self.fields = fields
    }
}

extension LoyaltyError.Code {
    /// The bytes are not RFC 4180: a stray quote, text behind a closing quote, a quote that never closes.
    public static let csvSyntax = Self("csv.syntax", kind: .badData)
    /// A field, row or number of columns beyond the limit.
    public static let csvTooLarge = Self("csv.too_large", kind: .badData)
    /// Not in the encoding that the file is read with.
    public static let csvEncoding = Self("csv.encoding", kind: .badData)
    /// The header row is empty or names a column twice.
    public static let csvHeader = Self("csv.header", kind: .badData)
    /// A row has more or fewer fields than the header.
    public static let csvColumns = Self("csv.columns", kind: .badData)
}

/// Reads comma-separated values as RFC 4180 has them, out of chunks of any size. Separator and encoding may be others.
///
/// Lines end in CRLF or LF; a byte order mark is skipped and says UTF-8, whatever was set; lines without any byte are
/// skipped. Feed bytes with `append`, take rows with `next` until it gives nil, and call `finish` behind the last byte. A bad row is thrown once,
/// by `next`, and reading goes on at the line after it.
public struct CSVRowReader: Sendable {
    /// Bounds that hold whatever the file says, so that memory is bounded too.
    public struct Limits: Sendable {
        /// Bytes of one field.
        public var field: Int
        /// Bytes of one row as written.
        public var row: Int
        public var columns: Int

        public init(field: Int = 8_192, row: Int = 65_536, columns: Int = 256) {
            self.field = field
            self.row = row
            self.columns = columns
        }
    }

    private enum State { case rowStart, fieldStart, plain, quoted, quoteInQuoted, carriageReturn, skipping }

    private let limits: Limits
    private let separator: UInt8
    private var encoding: TextEncoding
    private var pending: [UInt8] = []
    private var position = 0
    private var finished = false
    private var sawFirstByte = false

    private var state = State.rowStart
    private var line = 1
    private var column = 0
    private var rowLine = 1
    private var rowBytes = 0
    private var fieldPlace = Place()
    private var field: [UInt8] = []
    private var fields: [CSVRow.Field] = []

    /// - Parameter separator: an ASCII character other than a quote and the ends of lines.
    public init(limits: Limits = Limits(), separator: UInt8 = UInt8(ascii: ","), encoding: TextEncoding = .utf8) {
        self.limits = limits
        self.separator = separator
        self.encoding = encoding
    }

    /// Adds bytes of the file. They are kept until `next` has read them.
    public mutating func append(_ bytes: some Collection<UInt8>) {
        if position > 0 {
            pending.removeSubrange(..<position)
            position = 0
        }
        pending.append(contentsOf: bytes)
    }

    /// Says that no more bytes come; a last row without a line break then counts.
    public mutating func finish() { finished = true }

    /// The next whole row; nil where more bytes are needed or, after `finish`, at the end.
    ///
    /// - Throws: `csv.syntax`, `csv.too_large` or `csv.encoding` with line and column.
    public mutating func next() throws(LoyaltyError) -> CSVRow? {
        skipByteOrderMark()
        guard sawFirstByte else { return nil }
        while position < pending.count {
            let byte = pending[position]
            position += 1
            column += 1
            defer { if byte == 0x0a { startLine() } }
            if let row = try take(byte) { return row }
        }
        return finished ? try lastRow() : nil
    }

    /// A byte order mark needs three bytes to be seen; until then nothing is read.
    private mutating func skipByteOrderMark() {
        guard !sawFirstByte, pending.count >= 3 || finished else { return }
        sawFirstByte = true
        position = pending.count - pending.withoutByteOrderMark().count
        if position > 0 { encoding = .utf8 }
    }

    private mutating func startLine() {
        line += 1
        column = 0
        if state == .skipping { state = .rowStart }
    }

    private mutating func take(_ byte: UInt8) throws(LoyaltyError) -> CSVRow? {
        rowBytes += 1
        guard rowBytes <= limits.row || state == .skipping else {
            throw bad(.csvTooLarge, "the row is longer than \(limits.row) bytes", Place(line: rowLine, column: 1), byte)
        }
        switch state {
        case .skipping: return nil
        case .rowStart, .fieldStart: return try takeFirst(byte)
        case .plain: return try takePlain(byte)
        case .quoted: try takeQuoted(byte)
        case .quoteInQuoted: return try takeAfterQuote(byte)
        case .carriageReturn:
            guard byte == 0x0a else {
                throw bad(.csvSyntax, "a carriage return without a line feed", here(-1), byte)
            }
            return try endRow()
        }
        return nil
    }

    private mutating func takeFirst(_ byte: UInt8) throws(LoyaltyError) -> CSVRow? {
        if state == .rowStart {
            if byte == 0x0a {
                rowBytes = 0
                return nil
            }
            rowLine = line
        }
        fieldPlace = here()
        if byte == UInt8(ascii: "\"") {
            state = .quoted
            return nil
        }
        state = .plain
        return try takePlain(byte)
    }

    private mutating func takePlain(_ byte: UInt8) throws(LoyaltyError) -> CSVRow? {
        switch byte {
        case separator: try endField()
        case 0x0a: return try endRow()
        case 0x0d: state = .carriageReturn
        case UInt8(ascii: "\""):
            throw bad(.csvSyntax, "a quote inside an unquoted field", here(), byte, remedy: "Quote the whole field")
        default: try store(byte)
        }
        return nil
    }

    private mutating func takeQuoted(_ byte: UInt8) throws(LoyaltyError) {
        if byte == UInt8(ascii: "\"") { state = .quoteInQuoted } else { try store(byte) }
    }

    private mutating func takeAfterQuote(_ byte: UInt8) throws(LoyaltyError) -> CSVRow? {
        switch byte {
        case UInt8(ascii: "\""):
            state = .quoted
            try store(byte)
        case separator: try endField()
        case 0x0a: return try endRow()
        case 0x0d: state = .carriageReturn
        default:
            throw bad(.csvSyntax, "text behind the closing quote", here(), byte, remedy: "Double a quote inside quotes")
        }
        return nil
    }

    private mutating func store(_ byte: UInt8) throws(LoyaltyError) {
        guard field.count < limits.field else {
            throw bad(.csvTooLarge, "the field is longer than \(limits.field) bytes", fieldPlace, byte)
        }
        field.append(byte)
    }

    private mutating func endField() throws(LoyaltyError) {
        guard fields.count < limits.columns else {
            throw bad(.csvTooLarge, "more than \(limits.columns) columns", fieldPlace, separator)
        }
        guard let text = encoding.text(field) else {
            throw bad(
                .csvEncoding, "the text is not \(encoding.rawValue.uppercased())", fieldPlace, separator,
                remedy: encoding == .utf8 ? "Save the file as UTF-8" : "Another encoding may be meant")
        }
        fields.append(CSVRow.Field(text: text, place: fieldPlace))
        field.removeAll(keepingCapacity: true)
        state = .fieldStart
        fieldPlace = here(1)
    }

    private mutating func endRow() throws(LoyaltyError) -> CSVRow? {
        // CR and LF alone are an empty line; `""` alone is a row with one empty field.
        let isEmpty = fields.isEmpty && field.isEmpty && rowBytes <= 2 && state != .quoteInQuoted
        defer { reset(to: .rowStart) }
        guard !isEmpty else { return nil }
        try endField()
        return CSVRow(line: rowLine, fields: fields)
    }

    private mutating func lastRow() throws(LoyaltyError) -> CSVRow? {
        switch state {
        case .rowStart, .skipping: return nil
        case .quoted:
            let place = fieldPlace
            reset(to: .rowStart)
            throw LoyaltyError(.csvSyntax, "the quote that opens here never closes", at: place)
        case .fieldStart, .plain, .quoteInQuoted, .carriageReturn:
            if state == .fieldStart { fieldPlace = here(1) }
            return try endRow()
        }
    }

    private mutating func bad(
        _ code: LoyaltyError.Code,
        _ message: String,
        _ place: Place,
        _ byte: UInt8,
        remedy: String? = nil
    ) -> LoyaltyError {
        // The line feed that ends a bad row was read already where it is what showed the error.
        reset(to: byte == 0x0a ? .rowStart : .skipping)
        return LoyaltyError(code, message, at: place, remedy: remedy)
    }

    private mutating func reset(to state: State) {
        self.state = state
        fields.removeAll(keepingCapacity: true)
        field.removeAll(keepingCapacity: true)
        rowBytes = 0
    }

    private func here(_ offset: Int = 0) -> Place { Place(line: line, column: column + offset) }
}
