import LoyaltyModel

/// A till's document in the terms of the native schema, before it is screened and checked. Amounts are exact and in major units.
struct AdaptedSale {
    struct Line {
        var id: String
        var place: Place
        var kind = SaleLine.Kind.item
        var code: ProductCode?
        var name: String?
        var department: [String] = []
        var quantity = DecimalNumber.one
        var unitOfMeasure = "ea"
        var unitPrice: DecimalNumber?
        var listPrice: DecimalNumber?
        var gross: DecimalNumber?
        /// After line discounts.
        var amount: DecimalNumber
        var discounts: [Discount] = []
        var taxes: [Tax] = []
        var voids: String?
        var voided = false
        var returned: ReturnReference?

        /// Counts, and is no part of what only lowers or rounds the price.
        var isGoods: Bool { !voided && voids == nil && ![.rounding, .tip, .reward, .coupon].contains(kind) }
    }

    struct Discount {
        var amount: DecimalNumber
        var source = SaleDiscount.Source.till
        var id: String?
        var code: String?
    }

    struct Tax {
        var amount: DecimalNumber
        var code: String?
        var base: DecimalNumber?
        var percent: DecimalNumber?
    }

    struct Tender {
        var kind: LoyaltyModel.Tender.Kind
        var amount: DecimalNumber
        var change: DecimalNumber?
    }

    struct Card {
        var value: String
        var kind = CardIdentifierKind.card
        var entry = CardEntry.till
    }

    var place: Place
    var verb = TillEvent.SaleVerb.complete
    var training = false
    var uid: String?
    var store: String
    var register: String
    var number: String
    var receipt: String?
    var revision: Int64?
    var kind = Sale.Kind.sale
    var state = Sale.State.completed
    var time: Timestamp
    var rawTime: String?
    var openedAt: Timestamp?
    var closedAt: Timestamp?
    var businessDay: CalendarDate?
    var sequence: UInt64?
    var operatorID: String?
    var channel: String?
    var currency: Currency
    var pricesIncludeTax: Bool?
    var lines: [Line] = []
    var discounts: [Discount] = []
    var taxes: [Tax] = []
    var tenders: [Tender] = []
    var grand = DecimalNumber.zero
    /// The till wrote a total of its own; without one there is nothing to check against.
    var hasTotal = true
    var tax: DecimalNumber?
    var cards: [Card] = []
    var links: [SaleLink] = []
    var flags: [String] = []

    /// Leaves out what nobody needs to know the sale and passes for the number of a payment card, as one in ten long numbers does: it
    /// would cost the whole sale. What is needed is refused with it.
    mutating func leaveOutCardNumbers(_ screening: CardScreening) {
        var left = false
        func leaveOut(_ id: inout String?) {
            guard let text = id, screening.containsPaymentCard(text) else { return }
            (id, left) = (nil, true)
        }
        leaveOut(&uid)
        leaveOut(&receipt)
        for index in lines.indices {
            if let code = lines[index].code, code.scheme != .gtin, screening.containsPaymentCard(code.value) {
                (lines[index].code, left) = (nil, true)
            }
            guard var link = lines[index].returned?.link else { continue }
            leaveOut(&link.uid)
            leaveOut(&link.line)
            lines[index].returned?.link = link
        }
        for index in links.indices { leaveOut(&links[index].uid) }
        if left { raise(AdapterFlag.idLeftOut) }
    }

    mutating func raise(_ flag: String) { if !flags.contains(flag) { flags.append(flag) } }

    /// Takes a document at its word that says as a whole that goods come back, and of none of its lines: all do, whatever signs
    /// its figures have.
    ///
    /// - Throws: `number.overflow`.
    mutating func turnBackUnmarkedGoods() throws(LoyaltyError) {
        guard state == .returned, lines.allSatisfy({ $0.returned == nil }), lines.contains(where: \.isGoods) else {
            return
        }
        let isPositive = try !lines.filter { !$0.voided }.map(\.amount).sum().isNegative
        let isLinked = links.contains { $0.relation == .returns }
        for index in lines.indices {
            if isPositive {
                lines[index].amount = try lines[index].amount.negated()
                lines[index].gross = try lines[index].gross?.negated()
            }
            lines[index].taxes = try lines[index].taxes.turned(negative: lines[index].amount.isNegative)
            if lines[index].isGoods {
                lines[index].quantity = try lines[index].quantity.signed(negative: true)
                lines[index].returned = ReturnReference(receipt: isLinked ? .with : .without)
            } else if lines[index].voids != nil {
                lines[index].quantity = try lines[index].quantity.signed(negative: false)
            }
        }
        grand = try grand.signed(negative: true)
    }

    /// Sets kind and verb of a finished sale from its lines: goods out, goods back, or both.
    mutating func classifyGoods() {
        let goods = lines.filter(\.isGoods)
        let back = goods.filter { $0.returned != nil }
        guard !back.isEmpty else { return }
        kind = back.count == goods.count ? .return : .mixed
        if verb == .complete, kind == .return { verb = .return }
    }
}

/// What an adapter throws away before it becomes part of an event, and what it says about it.
enum AdapterFlag {
    static let totalsMismatch = "totals_mismatch"
    static let noTotal = "no_total"
    static let voidWithoutPartner = "void_without_partner"
    static let rewardRepeated = "reward_repeated"
    static let rewardCount = "reward_count"
    static let taxFlagsContradict = "tax_flags_contradict"
    static let copy = "copy"
    static let notASale = "not_a_sale"
    static let zoneAssumed = "zone_assumed"
    static let linkUnknown = "link_unknown"
    static let idLeftOut = "id_left_out"
}
