import LoyaltyModel

/// The finished sales of a file, the latest ones: two with one number and one time are one sale, that the till has corrected or whose rows
/// do not stand together. Of the latter the second part would replace the first.
struct CSVKnownSales {
    static let maximum = 10_000
    /// Lines of a sale that are remembered.
    static let maximumLines = 64

    private struct Known {
        /// Digest of the event.
        var event: UInt64
        /// Digests of what names the lines.
        var lines: [UInt64]
        /// The till's.
        var total: DecimalNumber?
    }

    /// By the digest of what the identity of a sale is.
    private var sales: [UInt64: Known] = [:]
    /// A ring: the oldest gives way.
    private var order: [UInt64] = []
    private var oldest = 0

    /// - Parameters:
    ///   - event: the id of its event.
    ///   - lines: digests of what names each of the lines; without those that have no name.
    ///   - isWhole: the lines come to the total.
    /// - Returns: whether the sale is new, the same again, or corrected: it has a line of the one before, and is no part of the same total.
    mutating func take(_ sale: AdaptedSale, _ event: String, lines: [UInt64], isWhole: Bool) -> Bool {
        let parts = [
            sale.store, sale.register, sale.number, sale.businessDay?.description ?? "", sale.operatorID ?? "",
            String(sale.time.microseconds),
        ]
        let identity = StableDigest.of(parts.joined(separator: "\u{1f}").utf8)
        let content = StableDigest.of(event.utf8)
        let total = sale.hasTotal ? sale.grand : nil
        let known = sales[identity]
        if let known, known.event != content {
            let isPart = !isWhole && total == known.total
            if isPart || Set(known.lines).isDisjoint(with: lines) { return false }
        }
        sales[identity] = Known(event: content, lines: Array(lines.prefix(Self.maximumLines)), total: total)
        guard known == nil else { return true }
        if order.count < Self.maximum {
            order.append(identity)
        } else {
            sales[order[oldest]] = nil
            order[oldest] = identity
            oldest = (oldest + 1) % Self.maximum
        }
        return true
    }
}
