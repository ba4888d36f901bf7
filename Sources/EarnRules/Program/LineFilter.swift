import LoyaltyModel

/// Names lines. Within one list any entry does; of several lists `match` needs all, `exclude` any.
struct LineFilter: Sendable {
    var classes: Set<LineClass>?
    /// Elements of the department path at any level, or several that follow each other: `food/bakery`.
    var categories: Set<String>?
    /// Code values as written; GTINs also without leading zeros.
    var codes: Set<String>?
    var brands: Set<String>?
    /// Tags that the till sends, or that the program declares.
    var tags: Set<String>?
    /// What the declared ones of `tags` mean.
    var declared: [LineFilter] = []

    var isEmpty: Bool { classes == nil && categories == nil && codes == nil && brands == nil && tags == nil }

    func matchesAll(_ line: BasketLine) -> Bool {
        (classes?.contains(line.lineClass) ?? true) && (codes.map { hasCode(line, $0) } ?? true)
            && (categories.map { inCategory(line, $0) } ?? true) && (brands.map { hasBrand(line, $0) } ?? true)
            && (tags.map { hasTag(line, $0) } ?? true)
    }

    func matchesAny(_ line: BasketLine) -> Bool { exclusion(of: line) != nil }

    /// Why the filter takes the line out; nil where it does not.
    func exclusion(of line: BasketLine) -> String? {
        if classes?.contains(line.lineClass) ?? false { return "\(line.lineClass.rawValue) does not earn" }
        if let categories, inCategory(line, categories) { return "its category does not earn" }
        if let codes, hasCode(line, codes) { return "this product does not earn" }
        if let brands, hasBrand(line, brands) { return "its brand does not earn" }
        if let tags, hasTag(line, tags) { return "its tag does not earn" }
        return nil
    }

    private func inCategory(_ line: BasketLine, _ categories: Set<String>) -> Bool {
        let path = line.source.department
        if path.contains(where: { categories.contains($0) }) { return true }
        return categories.contains { category in
            guard category.utf8.contains(UInt8(ascii: "/")) else { return false }
            let wanted = category.split(separator: "/")
            guard wanted.count <= path.count else { return false }
            return (0...(path.count - wanted.count)).contains { start in
                zip(path[start...], wanted).allSatisfy { $0 == $1 }
            }
        }
    }

    private func hasCode(_ line: BasketLine, _ codes: Set<String>) -> Bool {
        line.source.code.map { codes.contains($0.value) } ?? false
    }

    private func hasBrand(_ line: BasketLine, _ brands: Set<String>) -> Bool {
        line.source.brand.map(brands.contains) ?? false
    }

    private func hasTag(_ line: BasketLine, _ tags: Set<String>) -> Bool {
        line.source.tags?.contains(where: tags.contains) ?? false || declared.contains { $0.matchesAny(line) }
    }
}
