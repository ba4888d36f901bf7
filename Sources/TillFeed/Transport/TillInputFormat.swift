public import LoyaltyModel

/// How the bytes of a till become events: lines of the native protocol, or documents of a dialect.
public struct TillInputFormat: Sendable {
    let decoder: TillEventDecoder
    private let dialect: TillDialect
    private let settings: AdapterSettings

    /// The native protocol.
    public init(_ decoder: TillEventDecoder) {
        self.decoder = decoder
        dialect = .native
        settings = AdapterSettings()
    }

    /// - Throws: `adapter.missing` where CSV has no columns.
    public init(
        _ dialect: TillDialect, _ settings: AdapterSettings, decoder: TillEventDecoder
    ) throws(LoyaltyError) {
        self.decoder = decoder
        self.dialect = dialect
        self.settings = settings
        _ = try dialect.reader(settings, decoder: decoder)
    }

    /// A framer for one connection.
    package func framer() -> TillFramer {
        // The initialiser has tried the reader, so that none means the native protocol.
        guard let reader = try? dialect.reader(settings, decoder: decoder) else {
            return .lines(LineFramer(limit: TillEventDecoder.maximumLineLength))
        }
        return .documents(reader)
    }
}
