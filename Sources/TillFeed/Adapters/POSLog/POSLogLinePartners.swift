import LoyaltyModel

/// The lines of a document that a later one may reverse: those that count, and that nothing has reversed yet.
struct POSLogLinePartners {
    private struct Goods: Hashable {
        var code: ProductCode?
        var isReturn: Bool
    }

    /// In the order of the document.
    private var lines: [Goods: [(id: String, size: DecimalNumber)]] = [:]

    mutating func append(_ line: AdaptedSale.Line) throws(LoyaltyError) {
        let goods = Goods(code: line.code, isReturn: line.returned != nil)
        lines[goods, default: []].append((line.id, try line.amount.magnitude()))
    }

    /// Takes the latest line of the same product and amount; else the latest that is larger.
    mutating func take(_ line: AdaptedSale.Line, isReturn: Bool) throws(LoyaltyError) -> String? {
        let goods = Goods(code: line.code, isReturn: isReturn)
        let size = try line.amount.magnitude()
        let index = lines[goods].flatMap { lines in
            lines.lastIndex { $0.size == size } ?? lines.lastIndex { $0.size > size }
        }
        return index.flatMap { lines[goods]?.remove(at: $0).id }
    }
}
