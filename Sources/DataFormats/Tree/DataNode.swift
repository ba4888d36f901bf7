public import LoyaltyModel

/// A value of a document from outside (TOML, JSON), with the place it stands in.
///
/// Numbers with a fraction stay text: nothing passes through binary floating point.
public struct DataNode: Sendable, Equatable {
    public enum Value: Sendable, Equatable {
        case null
        case boolean(Bool)
        case integer(Int64)
        /// A number literal with a fraction or an exponent, or too large for 64 bits, as written.
        case decimal(String)
        case string(String)
        /// TOML only.
        case date(CalendarDate)
        /// TOML only: a date-time with offset.
        case timestamp(Timestamp)
        /// TOML only.
        case timeOfDay(TimeOfDay)
        case array([DataNode])
        case table([Entry])
    }

    /// One key of a table, in the document's order. Keys are unique.
    public struct Entry: Sendable, Equatable {
        public var key: String
        public var keyPlace: Place
        public var node: DataNode

        public init(key: String, keyPlace: Place, node: DataNode) {
            self.key = key
            self.keyPlace = keyPlace
            self.node = node
        }
    }

    public var value: Value
    public var place: Place

    public init(_ value: Value, at place: Place) {
        self.value = value
        self.place = place
    }

    /// What kind of value this is, in words for a message.
    public var kind: String {
        switch value {
        case .null: "null"
        case .boolean: "a boolean"
        case .integer: "an integer"
        case .decimal: "a number with decimals"
        case .string: "a string"
        case .date: "a date"
        case .timestamp: "a date with time"
        case .timeOfDay: "a time of day"
        case .array: "an array"
        case .table: "a table"
        }
    }
}

extension LoyaltyError.Code {
    /// The document is not well-formed.
    public static let documentSyntax = Self("document.syntax", kind: .badData)
    public static let documentUnknownKey = Self("document.unknown_key", kind: .badData)
    public static let documentMissingKey = Self("document.missing_key", kind: .badData)
    /// The value is of the wrong kind, or outside what is allowed here.
    public static let documentBadValue = Self("document.bad_value", kind: .badData)
}
