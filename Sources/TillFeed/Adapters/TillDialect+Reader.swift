public import LoyaltyModel

extension TillDialect {
    /// The reader of a dialect's documents; `native` has none, its lines go to `TillEventDecoder`.
    ///
    /// - Throws: `adapter.missing` where CSV has no columns.
    public func reader(
        _ settings: AdapterSettings, decoder: TillEventDecoder
    ) throws(LoyaltyError) -> (any TillDocumentReader)? {
        let conversion = NativeConversion(decoder: decoder, settings: settings)
        switch self {
        case .native: return nil
        case .poslog: return POSLogReader(conversion)
        case .square: return JSONDocumentReader(conversion, SquareOrder.documents)
        case .shopify: return JSONDocumentReader(conversion, ShopifyOrder.documents)
        case .odoo: return JSONDocumentReader(conversion, OdooOrder.documents)
        case .csv:
            guard let columns = settings.columns else {
                throw LoyaltyError(
                    .adapterMissing, "nothing says which columns a CSV file has", at: Place(path: "till.csv"),
                    remedy: "Write a [till.csv] section (docs/till-adapters.md)")
            }
            return CSVSaleReader(conversion, columns)
        }
    }
}
