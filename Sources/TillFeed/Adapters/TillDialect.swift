public import LoyaltyModel

/// What a till writes: the native protocol, or one of the formats that an adapter turns into it.
public enum TillDialect: String, Sendable, CaseIterable {
    case native, poslog, square, shopify, odoo, csv
}

/// What a till's documents leave open.
///
/// Nothing here may change while a till's documents are on record: store and register are part of a sale's identity.
public struct AdapterSettings: Sendable {
    /// The event's `source`; nil writes `store/register`.
    public var source: String?
    public var epoch: String?
    /// Where the document names none.
    public var store: String?
    /// Where the document names none.
    public var register: String?
    /// Where the document names none.
    public var currency: Currency?
    /// Minutes east of UTC at an instant, for times without offset.
    public var offsetMinutes: @Sendable (Timestamp) -> Int
    /// The columns of a CSV file.
    public var columns: CSVColumns?

    public init(
        source: String? = nil, epoch: String? = nil, store: String? = nil, register: String? = nil,
        currency: Currency? = nil, columns: CSVColumns? = nil,
        offsetMinutes: @escaping @Sendable (Timestamp) -> Int = { _ in 0 }
    ) {
        self.source = source
        self.epoch = epoch
        self.store = store
        self.register = register
        self.currency = currency
        self.columns = columns
        self.offsetMinutes = offsetMinutes
    }
}

extension LoyaltyError.Code {
    /// The bytes are not what the dialect writes: not well-formed, or without what every document of it has.
    public static let adapterSyntax = Self("adapter.syntax", kind: .badData)
    /// Something that every document must say is not in it.
    public static let adapterMissing = Self("adapter.missing", kind: .badData)
    /// A value that cannot be read.
    public static let adapterBadValue = Self("adapter.bad_value", kind: .badData)
    /// A word for a state that the adapter does not know; never taken for "completed".
    public static let adapterUnknownStatus = Self("adapter.unknown_status", kind: .badData)
    /// A document, an element or a text beyond its bound.
    public static let adapterTooLarge = Self("adapter.too_large", kind: .badData)
}
