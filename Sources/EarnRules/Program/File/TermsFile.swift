import DataFormats
import LoyaltyModel

/// Terms that several kinds of tables share: expiry, caps, filters, basis, zone.
extension TableReader {
    /// A table, or an array of tables of which the first that fits the member's tier counts.
    mutating func expiries(_ key: String, _ context: FileContext) throws(LoyaltyError) -> [Expiry] {
        guard let node = node(key) else { return [] }
        guard case .array = node.value else { return [try expiry(key, context)].compactMap(\.self) }
        var expiries: [Expiry] = []
        for var table in try tables(key) { expiries.append(try Expiry.read(&table, context)) }
        guard !expiries.isEmpty else { throw error(key, "at least one way to expire is needed") }
        return expiries
    }

    mutating func expiry(_ key: String, _ context: FileContext) throws(LoyaltyError) -> Expiry? {
        guard var table = try table(key) else { return nil }
        return try Expiry.read(&table, context)
    }

    mutating func lots(_ context: FileContext) throws(LoyaltyError) -> LotTerms? {
        var terms = LotTerms()
        terms.expiries = try expiries("expires", context)
        terms.pending = try span("pending")
        return terms == LotTerms() ? nil : terms
    }

    /// A table, or an array of tables.
    mutating func caps(_ key: String = "cap") throws(LoyaltyError) -> [Cap] {
        guard let node = node(key) else { return [] }
        if case .array = node.value {
            var caps: [Cap] = []
            for var table in try tables(key) { caps.append(try Cap.read(&table)) }
            return caps
        }
        guard var table = try table(key) else { return [] }
        return [try Cap.read(&table)]
    }

    /// `limit = { times = 1, per = "day" }`: a cap on how often.
    mutating func limit() throws(LoyaltyError) -> Cap? {
        guard var table = try table("limit") else { return nil }
        let cap = Cap(
            measure: .times(try table.integer("times", 1...1_000_000) ?? 1), per: try table.word("per") ?? .sale,
            scope: try table.word("scope") ?? .member)
        try table.finish()
        return cap
    }

    mutating func filter(_ key: String, _ context: FileContext) throws(LoyaltyError) -> LineFilter? {
        guard var table = try table(key) else { return nil }
        let filter = try table.filterKeys(context)
        try table.finish()
        return filter
    }

    mutating func filterKeys(_ context: FileContext) throws(LoyaltyError) -> LineFilter {
        let tags = try strings("tag").map(Set.init)
        return LineFilter(
            classes: try words("class"),
            categories: try strings("category").map(Set.init),
            codes: try strings("sku").map { codes in Set(codes.flatMap(Self.spellings)) },
            brands: try strings("brand").map(Set.init),
            tags: tags,
            declared: (tags ?? []).sorted().compactMap { context.tags[$0] }
        )
    }

    /// Sales carry GTINs without leading zeros (8 digits and more are one).
    private static func spellings(of code: String) -> [String] {
        guard code.utf8.count >= 8, code.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return [code] }
        return [code, String(code.drop { $0 == "0" })]
    }

    mutating func match(_ context: FileContext) throws(LoyaltyError) -> LineFilter? {
        guard let filter = try filter("match", context) else { return nil }
        if let deaf = filter.classes?.first(where: \.neverEarns) {
            throw LoyaltyError(
                .documentBadValue, "a line of class \"\(deaf.rawValue)\" never earns",
                at: place(inside: "match", "class"))
        }
        return filter
    }

    /// - Parameter named: classes that the table matches by name, which its default cannot mean to exclude.
    mutating func exclude(named: Set<LineClass>, _ context: FileContext) throws(LoyaltyError) -> LineFilter {
        var filter = try filter("exclude", context) ?? LineFilter()
        filter.classes = filter.classes ?? LineClass.excludedByDefault.subtracting(named)
        return filter
    }

    /// Where a key of an inner table stands.
    private func place(inside key: String, _ inner: String) -> Place {
        var copy = self
        return (try? copy.table(key))??.place(of: inner) ?? place(of: key)
    }
}

extension Expiry {
    static func read(_ table: inout TableReader, _ context: FileContext) throws(LoyaltyError) -> Expiry {
        var expiry = Expiry()
        expiry.tiers = try table.oneOrMore("tier")
        expiry.never = try table.boolean("never") ?? false
        expiry.on = try table.date("on")
        expiry.after = try table.span("after")
        expiry.to = try table.word("to")
        expiry.day = try table.integer("day", 1...31).map(Int.init)
        expiry.inactive = try table.span("inactive")
        try MemberCondition.check(expiry.tiers ?? [], "tier", context, table)
        let hasSpan = expiry.after != nil || expiry.to != nil || expiry.day != nil
        guard expiry.never || expiry.on != nil || hasSpan || expiry.inactive != nil else {
            throw LoyaltyError(
                .documentBadValue, "one of \"after\", \"to\", \"on\", \"day\", \"inactive\" or \"never\" is needed",
                at: table.place)
        }
        if expiry.never, expiry.on != nil || hasSpan || expiry.inactive != nil {
            throw table.conflict("never", "what never expires has no other end")
        }
        if expiry.on != nil, hasSpan { throw table.conflict("on", "a fixed day and a span exclude each other") }
        if expiry.to != nil, expiry.day != nil { throw table.conflict("day", "\"day\" and \"to\" exclude each other") }
        try table.finish()
        return expiry
    }
}

extension Cap {
    private static let measures = ["points", "spend", "units", "times", "points_per_unit"]

    static func read(_ table: inout TableReader) throws(LoyaltyError) -> Cap {
        let cap = try readKeys(&table)
        try table.finish()
        return cap
    }

    static func readKeys(_ table: inout TableReader) throws(LoyaltyError) -> Cap {
        let named = table.keys.filter(measures.contains)
        guard let key = named.first else {
            throw LoyaltyError(
                .documentMissingKey, "a cap names one of " + measures.joined(separator: ", "), at: table.place)
        }
        if named.count > 1 { throw table.conflict(named[1], "a cap limits one thing; write two caps") }
        for measure in measures where measure != key { _ = table.node(measure) }
        let measure: Measure
        switch key {
        case "points": measure = .points(try table.requiredAmount(key))
        case "spend": measure = .spend(try table.requiredAmount(key))
        case "units": measure = .units(try table.requiredAmount(key))
        case "times": measure = .times(try table.integer(key, 1...1_000_000) ?? 1)
        default: measure = .pointsPerUnit(try table.requiredAmount(key))
        }
        let per = try table.word("per", as: Period.self)
        if key == "points_per_unit" {
            if let per, per != .sale { throw table.conflict("per", "points for a unit of money have no period") }
        } else if per == nil {
            throw LoyaltyError(.documentMissingKey, "\"per\" is missing", at: table.place)
        }
        return Cap(measure: measure, per: per ?? .sale, scope: try table.word("scope") ?? .member)
    }
}

extension Basis {
    static func read(
        from reader: inout TableReader, _ key: String, default other: Basis
    ) throws(LoyaltyError) -> Basis {
        guard var table = try reader.table(key) else { return other }
        let basis = Basis(
            tax: try table.word("tax") ?? other.tax, discounts: try table.word("discounts") ?? other.discounts,
            coupons: try table.word("coupons") ?? other.coupons, price: try table.word("price") ?? other.price)
        if basis.price == .list, basis.discounts == .net, table.keys.contains("discounts") {
            throw table.conflict("price", "a list price knows no discounts")
        }
        try table.finish()
        return basis
    }
}

extension ProgramZone {
    static func read(from reader: inout TableReader) throws(LoyaltyError) -> ProgramZone? {
        guard let name = try reader.string("zone") else { return nil }
        guard let zone = ProgramZone(name: name) else {
            throw LoyaltyError(
                .programUnknownZone, "there is no time zone \"\(name)\"", at: reader.place(of: "zone"),
                remedy: "Use a name of the IANA database such as \"Europe/London\"")
        }
        return zone
    }
}
