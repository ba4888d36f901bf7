import LoyaltyModel

/// The lines of a document that a later one may reverse: those that count, and that nothing has reversed yet.
struct POSLogLinePartners {
    private struct Partner {
        var id: String
        var size: DecimalNumber
        var isReturn: Bool
        var isNegative: Bool
    }

    /// By their product, in the order of the document.
    private var lines: [ProductCode?: [Partner]] = [:]

    mutating func append(_ line: AdaptedSale.Line) throws(LoyaltyError) {
        let partner = Partner(
            id: line.id, size: try line.amount.magnitude(), isReturn: line.returned != nil,
            isNegative: line.amount.isNegative)
        lines[line.code, default: []].append(partner)
    }

    /// Takes the latest line of the same product and amount; else the latest that is larger.
    mutating func take(_ line: AdaptedSale.Line, isReturn: Bool) throws(LoyaltyError) -> String? {
        try take(line) { $0.isReturn == isReturn }
    }

    /// Takes one of those below zero, whatever it is written as.
    mutating func takeNegative(_ line: AdaptedSale.Line) throws(LoyaltyError) -> String? {
        try take(line, where: \.isNegative)
    }

    private mutating func take(
        _ line: AdaptedSale.Line, where mayBeTaken: (Partner) -> Bool
    ) throws(LoyaltyError) -> String? {
        let size = try line.amount.magnitude()
        let index = lines[line.code].flatMap { lines in
            lines.lastIndex { mayBeTaken($0) && $0.size == size }
                ?? lines.lastIndex { mayBeTaken($0) && $0.size > size }
        }
        return index.flatMap { lines[line.code]?.remove(at: $0).id }
    }
}
