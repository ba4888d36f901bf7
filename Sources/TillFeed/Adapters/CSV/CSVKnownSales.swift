import LoyaltyModel

/// The finished sales of a file, the latest ones: two with one number and one time are one sale whose rows do not stand together, and
/// the second part would replace the first.
struct CSVKnownSales {
    static let maximum = 10_000

    /// Digests of what the identity of a sale is, and of its event.
    private var events: [UInt64: UInt64] = [:]
    /// A ring: the oldest gives way.
    private var order: [UInt64] = []
    private var oldest = 0

    /// - Returns: whether the sale is new, or the same again.
    mutating func take(_ sale: AdaptedSale, _ event: String) -> Bool {
        let parts = [
            sale.store, sale.register, sale.number, sale.businessDay?.description ?? "", sale.operatorID ?? "",
            String(sale.time.microseconds),
        ]
        let identity = StableDigest.of(parts.joined(separator: "\u{1f}").utf8)
        let content = StableDigest.of(event.utf8)
        if let known = events[identity] { return known == content }
        events[identity] = content
        if order.count < Self.maximum {
            order.append(identity)
        } else {
            events[order[oldest]] = nil
            order[oldest] = identity
            oldest = (oldest + 1) % Self.maximum
        }
        return true
    }
}
