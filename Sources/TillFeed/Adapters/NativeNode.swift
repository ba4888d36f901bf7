import DataFormats
import LoyaltyModel

/// Builds a table of the native schema. Every node carries the place of what it was read from, for messages.
struct NativeTable {
    private var entries: [DataNode.Entry] = []
    private let place: Place

    init(at place: Place) { self.place = place }

    var node: DataNode { DataNode(.table(entries), at: place) }

    mutating func set(_ key: String, _ value: DataNode.Value) {
        entries.append(DataNode.Entry(key: key, keyPlace: place, node: DataNode(value, at: place)))
    }

    mutating func set(_ key: String, _ text: String?) { if let text, !text.isEmpty { set(key, .string(text)) } }
    mutating func set(_ key: String, _ number: DecimalNumber?) { set(key, number?.description) }
    mutating func set(_ key: String, _ flag: Bool?) { if let flag { set(key, .boolean(flag)) } }
    mutating func set(_ key: String, _ time: Timestamp?) { set(key, time?.description) }
    mutating func set(_ key: String, _ day: CalendarDate?) { set(key, day?.description) }
    mutating func set(_ key: String, _ table: NativeTable) { set(key, table.node.value) }

    /// Left out where there are none.
    mutating func set(_ key: String, _ tables: [NativeTable]) {
        if !tables.isEmpty { set(key, .array(tables.map(\.node))) }
    }
}

extension String {
    /// At most so many bytes, cut between characters. Texts for people must not cost a sale by their length.
    func clipped(_ limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var rest = self[...]
        while rest.utf8.count > limit { rest = rest.dropLast() }
        return String(rest)
    }
}

extension AdaptedSale {
    /// The `sale` object of docs/till-protocol.md. Amounts are rounded to the currency here and nowhere else; taxes so that
    /// their sum is the rounded sum.
    ///
    /// - Throws: `number.overflow`.
    func native() throws(LoyaltyError) -> NativeTable {
        let decimals = currency.decimals
        var table = NativeTable(at: place)
        table.set("uid", uid)
        table.set("store", store)
        table.set("register", register)
        table.set("number", number)
        table.set("receipt", receipt)
        if let revision { table.set("rev", .integer(revision)) }
        table.set("kind", kind.rawValue)
        table.set("state", state.rawValue)
        table.set("opened_at", openedAt)
        table.set("closed_at", closedAt)
        if let operatorID {
            var person = NativeTable(at: place)
            person.set("id", operatorID)
            table.set("operator", person)
        }
        table.set("channel", channel)
        table.set("currency", currency.code)
        table.set("prices_include_tax", pricesIncludeTax)
        var lines: [NativeTable] = []
        for line in self.lines { lines.append(try line.native(decimals)) }
        table.set("lines", .array(lines.map(\.node)))
        table.set("discounts", discounts.map { $0.native(decimals, place) })
        table.set("taxes", try taxes.native(decimals, place))
        table.set("tenders", tenders.map { $0.native(decimals, place) })
        var totals = NativeTable(at: place)
        totals.set("grand", grand.rounded(decimals: decimals))
        totals.set("tax", tax?.rounded(decimals: decimals))
        table.set("totals", totals)
        table.set("members", cards.map { $0.native(place) })
        table.set("links", links.map { $0.native(place) })
        return table
    }
}

extension AdaptedSale.Line {
    fileprivate func native(_ decimals: Int) throws(LoyaltyError) -> NativeTable {
        var table = NativeTable(at: place)
        table.set("id", id)
        table.set("kind", kind.rawValue)
        if let code {
            var codeTable = NativeTable(at: place)
            codeTable.set("value", code.value)
            codeTable.set("scheme", code.scheme.rawValue)
            table.set("code", codeTable)
        }
        table.set("name", name?.clipped(1024))
        if !department.isEmpty {
            table.set("dept", .array(department.prefix(16).map { DataNode(.string($0.clipped(256)), at: place) }))
        }
        table.set("qty", quantity)
        table.set("uom", unitOfMeasure.clipped(16))
        table.set("unit_price", unitPrice)
        table.set("list_price", listPrice)
        table.set("gross", gross?.rounded(decimals: decimals))
        table.set("amount", amount.rounded(decimals: decimals))
        table.set("discounts", discounts.map { $0.native(decimals, place) })
        table.set("tax", try taxes.native(decimals, place))
        table.set("voids", voids)
        if voided { table.set("voided", true) }
        if let returned {
            var reference = NativeTable(at: place)
            if let link = returned.link { reference.set("link", link.native(place, relation: false)) }
            reference.set("reason", returned.reason?.clipped(256))
            reference.set("receipt", returned.receipt?.rawValue)
            table.set("return", reference)
        }
        return table
    }
}

extension AdaptedSale.Discount {
    fileprivate func native(_ decimals: Int, _ place: Place) -> NativeTable {
        var table = NativeTable(at: place)
        table.set("id", id?.clipped(128))
        table.set("amount", amount.rounded(decimals: decimals))
        table.set("source", source.rawValue)
        table.set("code", code?.clipped(128))
        return table
    }
}

extension [AdaptedSale.Tax] {
    fileprivate func native(_ decimals: Int, _ place: Place) throws(LoyaltyError) -> [NativeTable] {
        let amounts = try map(\.amount).roundedTogether(decimals: decimals)
        return zip(self, amounts).map { tax, amount in
            var table = NativeTable(at: place)
            table.set("code", tax.code?.clipped(64))
            table.set("base", tax.base?.rounded(decimals: decimals))
            table.set("amount", amount)
            table.set("percent", tax.percent)
            return table
        }
    }
}

extension AdaptedSale.Tender {
    fileprivate func native(_ decimals: Int, _ place: Place) -> NativeTable {
        var table = NativeTable(at: place)
        table.set("kind", kind.rawValue)
        table.set("amount", amount.rounded(decimals: decimals))
        table.set("change", change?.rounded(decimals: decimals))
        return table
    }
}

extension AdaptedSale.Card {
    fileprivate func native(_ place: Place) -> NativeTable {
        var table = NativeTable(at: place)
        table.set("value", value)
        table.set("scheme", kind.rawValue)
        table.set("entry", entry.rawValue)
        return table
    }
}

extension SaleLink {
    fileprivate func native(_ place: Place, relation withRelation: Bool = true) -> NativeTable {
        var table = NativeTable(at: place)
        if withRelation { table.set("rel", relation.rawValue) }
        table.set("store", store)
        table.set("register", register)
        table.set("business_day", businessDay)
        table.set("number", number)
        table.set("uid", uid)
        table.set("line", line)
        return table
    }
}
