/// What every room throws: a stable code, a sentence for a person, and the place it happened.
///
/// A message never carries card digits. The edge maps `code.kind` once: to an exit code, an HTTP status or a till answer.
public struct LoyaltyError: Error, Hashable, Sendable {
    /// What went wrong, as a stable dotted name (`till.bad_json`), together with its kind. Rooms add their own as static members.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let name: String
        public let kind: Kind

        public init(_ name: String, kind: Kind) {
            self.name = name
            self.kind = kind
        }

        public var description: String { name }

        public static func == (left: Code, right: Code) -> Bool { left.name == right.name }
        public func hash(into hasher: inout Hasher) { hasher.combine(name) }
    }

    /// The families of failure, one for each way the edge can answer. The raw value is the exit code of sysexits(3).
    public enum Kind: Int32, Sendable {
        case usage = 64
        case badData = 65
        case unavailable = 69
        case `internal` = 70
        case cannotCreate = 73
        case inputOutput = 74
        case temporary = 75
        case permission = 77
        case configuration = 78
    }

    public var code: Code
    public var message: String
    public var place: Place?
    /// What the reader of the message can do about it.
    public var remedy: String?

    public init(_ code: Code, _ message: String, at place: Place? = nil, remedy: String? = nil) {
        self.code = code
        self.message = message
        self.place = place
        self.remedy = remedy
    }
}

extension LoyaltyError: CustomStringConvertible {
    /// `file:line:column: message (code). remedy`
    public var description: String {
        var text = ""
        if let place { text += "\(place): " }
        text += "\(message) (\(code.name))"
        if let remedy { text += ". \(remedy)" }
        return text
    }
}

extension LoyaltyError.Code {
    public static let numberOverflow = Self("number.overflow", kind: .badData)
    public static let numberSyntax = Self("number.syntax", kind: .badData)
    public static let timeSyntax = Self("time.syntax", kind: .badData)
    public static let currencyMismatch = Self("money.currency_mismatch", kind: .badData)
    public static let currencySyntax = Self("money.currency_syntax", kind: .badData)
}

/// Where in somebody's input a problem stands. Lines and columns count from 1; a column counts UTF-8 bytes.
public struct Place: Hashable, Sendable, CustomStringConvertible {
    public var file: String?
    public var line: Int?
    public var column: Int?
    /// The path of keys inside the document, such as `sale.lines[2].qty`.
    public var path: String?

    public init(file: String? = nil, line: Int? = nil, column: Int? = nil, path: String? = nil) {
        self.file = file
        self.line = line
        self.column = column
        self.path = path
    }

    public var description: String {
        var parts: [String] = []
        if let file { parts.append(file) }
        if let line { parts.append(file == nil ? "line \(line)" : "\(line)") }
        if let column { parts.append(file == nil && line == nil ? "column \(column)" : "\(column)") }
        let position = parts.joined(separator: ":")
        guard let path, !path.isEmpty else { return position }
        return position.isEmpty ? path : "\(position): \(path)"
    }
}
