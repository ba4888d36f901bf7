import DataFormats
import LoyaltyModel

extension TillFields {
    /// Reads the `sale` object of docs/till-protocol.md.
    mutating func sale(_ verb: TillEvent.SaleVerb) throws(LoyaltyError) -> Sale {
        let currency = try present(
            try table.parsed("currency") { (text: String) throws(LoyaltyError) in try Currency(text) }, "currency")
        var totals = try requiredObject("totals")
        var sale = Sale(
            store: try requiredIdentity("store", maximum: 64),
            register: try requiredIdentity("register", maximum: 64),
            number: try requiredIdentity("number", maximum: 64),
            kind: try table.requiredWord("kind"),
            state: try state(verb),
            currency: currency,
            lines: try lines(currency),
            totals: try totals.totals(currency)
        )
        sale.uid = try identity("uid", maximum: 128)
        sale.receipt = try identity("receipt", maximum: 128)
        sale.revision = try integer("rev")
        sale.openedAt = try timestamp("opened_at")
        sale.closedAt = try timestamp("closed_at")
        var operatorFields = try object("operator")
        sale.operatorID = try operatorFields?.identity("id", maximum: 64)
        sale.channel = try freeText("channel", maximum: 32)
        sale.pricesIncludeTax = try table.boolean("prices_include_tax")
        sale.discounts = try discounts(currency)
        sale.taxes = try taxes("taxes", currency)
        sale.tenders = try tenders(currency)
        sale.redeem = try redeemedRewards(currency)
        for var link in try tables("links") { sale.links.append(try link.link(relation: nil)) }
        return sale
    }

    /// A finished document is never open and an unfinished one never completed: earning hangs on it.
    private mutating func state(_ verb: TillEvent.SaleVerb) throws(LoyaltyError) -> Sale.State {
        let state: Sale.State = try table.requiredWord("state")
        let isFinished = state == .completed || state == .returned
        switch verb {
        case .complete, .return:
            guard isFinished else {
                throw table.error(
                    "state", "sale.\(verb.rawValue) is sent for \"completed\" or \"returned\" sales alone")
            }
        case .open, .update, .suspend, .resume, .tender, .cancel:
            guard !isFinished else {
                throw table.error("state", "sale.\(verb.rawValue) is not sent for a finished sale")
            }
        case .void: break
        }
        return state
    }

    private mutating func lines(_ currency: Currency) throws(LoyaltyError) -> [SaleLine] {
        _ = try table.required("lines")
        var lines: [SaleLine] = []
        var ids: Set<String> = []
        for var fields in try tables("lines") {
            let line = try fields.line(currency)
            guard ids.insert(line.id).inserted else {
                throw fields.table.error("id", "another line of this sale has the same id")
            }
            lines.append(line)
        }
        return lines
    }

    private mutating func line(_ currency: Currency) throws(LoyaltyError) -> SaleLine {
        var line = SaleLine(
            id: try requiredIdentity("id", maximum: 64),
            kind: try table.requiredWord("kind"),
            quantity: try requiredDecimal("qty"),
            unitOfMeasure: try present(try freeText("uom", maximum: 16), "uom"),
            amount: try requiredMoney("amount", currency)
        )
        var code = try object("code")
        line.code = try code?.productCode()
        line.name = try freeText("name", maximum: 1024)
        line.department = try departments()
        line.brand = try freeText("brand", maximum: 256)
        line.tags = try tags()
        line.unitPrice = try decimal("unit_price")
        line.listPrice = try decimal("list_price")
        line.gross = try money("gross", currency)
        line.discounts = try discounts(currency)
        line.taxes = try taxes("tax", currency)
        line.voids = try identity("voids", maximum: 64)
        line.voided = try table.boolean("voided") ?? false
        var returned = try object("return")
        line.returned = try returned?.returnReference()
        line.earn = try table.word("earn") ?? .default
        return line
    }

    private mutating func productCode() throws(LoyaltyError) -> ProductCode {
        let scheme: ProductCode.Scheme = try table.requiredWord("scheme")
        // A product code often passes as a card number: one GTIN in ten has a valid Luhn digit.
        guard scheme == .gtin else {
            return ProductCode(value: try requiredIdentity("value", maximum: 128), scheme: scheme)
        }
        let text = try present(try bounded("value", 128), "value")
        let digits = text.utf8.drop { $0 == UInt8(ascii: "0") }
        guard (1...14).contains(text.utf8.count), !digits.isEmpty,
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { throw table.error("value", "a GTIN has up to 14 digits") }
        return ProductCode(value: String(decoding: digits, as: UTF8.self), scheme: .gtin)
    }

    private mutating func departments() throws(LoyaltyError) -> [String] {
        let path = try table.strings("dept") ?? []
        guard path.count <= 16, path.allSatisfy({ $0.utf8.count <= 256 }) else {
            throw LoyaltyError(
                .tillTooLong,
                "\"dept\" has at most 16 levels of at most 256 bytes",
                at: table.error("dept", "").place
            )
        }
        return path.map(screening.harmless)
    }

    private mutating func tags() throws(LoyaltyError) -> [String]? {
        guard let tags = try table.strings("tags") else { return nil }
        guard tags.count <= 32, tags.allSatisfy({ $0.utf8.count <= 64 }) else {
            throw LoyaltyError(
                .tillTooLong, "\"tags\" has at most 32 entries of at most 64 bytes", at: table.error("tags", "").place)
        }
        return tags.map(screening.harmless)
    }

    private mutating func discounts(_ currency: Currency) throws(LoyaltyError) -> [SaleDiscount] {
        var discounts: [SaleDiscount] = []
        for var fields in try tables("discounts") {
            discounts.append(
                SaleDiscount(
                    id: try fields.freeText("id", maximum: 128),
                    amount: try fields.requiredMoney("amount", currency),
                    source: try fields.table.requiredWord("source"),
                    code: try fields.freeText("code", maximum: 128)
                ))
        }
        return discounts
    }

    private mutating func taxes(_ key: String, _ currency: Currency) throws(LoyaltyError) -> [SaleTax] {
        var taxes: [SaleTax] = []
        for var fields in try tables(key) {
            taxes.append(
                SaleTax(
                    code: try fields.freeText("code", maximum: 64),
                    base: try fields.money("base", currency),
                    amount: try fields.requiredMoney("amount", currency),
                    percent: try fields.decimal("percent")
                ))
        }
        return taxes
    }

    private mutating func tenders(_ currency: Currency) throws(LoyaltyError) -> [Tender] {
        var tenders: [Tender] = []
        for var fields in try tables("tenders") {
            var tender = Tender(
                id: try fields.freeText("id", maximum: 128),
                kind: try fields.table.requiredWord("kind"),
                amount: try fields.requiredMoney("amount", currency),
                change: try fields.money("change", currency)
            )
            tender.name = try fields.freeText("name", maximum: 64)
            tenders.append(tender)
        }
        return tenders
    }

    private mutating func totals(_ currency: Currency) throws(LoyaltyError) -> SaleTotals {
        var totals = SaleTotals(grand: try requiredMoney("grand", currency))
        totals.net = try money("net", currency)
        totals.tax = try money("tax", currency)
        totals.discount = try money("discount", currency)
        totals.items = try decimal("items")
        totals.running = try money("running", currency)
        return totals
    }

    /// - Parameter relation: what the link means where it does not say.
    private mutating func link(relation: SaleLink.Relation?) throws(LoyaltyError) -> SaleLink {
        let written: SaleLink.Relation? = try table.word("rel")
        return SaleLink(
            relation: try present(written ?? relation, "rel"),
            store: try identity("store", maximum: 64),
            register: try identity("register", maximum: 64),
            businessDay: try date("business_day"),
            number: try identity("number", maximum: 64),
            uid: try identity("uid", maximum: 128),
            line: try identity("line", maximum: 64)
        )
    }

    private mutating func returnReference() throws(LoyaltyError) -> ReturnReference {
        var link = try object("link")
        return ReturnReference(
            link: try link?.link(relation: .returns),
            reason: try freeText("reason", maximum: 256),
            receipt: try table.word("receipt")
        )
    }

    /// Reads a `card` object, or one of `members`. The value goes to the screen and nowhere else.
    mutating func presentedCard() throws(LoyaltyError) -> PresentedCard {
        let kind: CardIdentifierKind = try table.word("scheme") ?? .card
        let entry: CardEntry = try table.word("entry") ?? .till
        let value: PresentedCard.Value
        if let text = try bounded("value", 512) {
            let looked = kind == .memberID && entry == .lookup ? BackEndID.member(text, screening) : nil
            value = looked.map(PresentedCard.Value.number) ?? screening.classify(text, kind, entry)
        } else {
            value = .token(try token(try present(try bounded("token", 128), "value")))
        }
        return PresentedCard(
            value: value,
            kind: kind,
            entry: entry,
            saleUID: try identity("sale_uid", maximum: 128),
            active: try table.boolean("active") ?? true
        )
    }

    /// A token is a digest of 128 or 256 bits. One of digits alone would be a number that somebody padded.
    private func token(_ text: String) throws(LoyaltyError) -> String {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let letters = UInt8(ascii: "a")...UInt8(ascii: "f")
        guard text.utf8.count == 32 || text.utf8.count == 64, text.utf8.contains(where: letters.contains),
            text.utf8.allSatisfy({ digits.contains($0) || letters.contains($0) })
        else { throw table.error("token", "a token is 32 or 64 lower-case hexadecimal digits") }
        return text
    }
}
