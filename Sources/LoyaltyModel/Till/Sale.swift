/// A till's document, native schema version 1 (docs/till-protocol.md). Holds no card numbers: those travel beside it
/// as `PresentedCard` and become tokens before anything is stored.
public struct Sale: Hashable, Sendable, Codable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        case sale, `return`, exchange, mixed, layaway, order
        case noSale = "no_sale"
    }

    public enum State: String, Sendable, Codable, CaseIterable {
        case open, suspended, completed, cancelled, voided, returned
    }

    /// The till's own unique id; survives suspend and resume.
    public var uid: String?
    public var store: String
    public var register: String
    /// The transaction number as text, zeros kept.
    public var number: String
    public var receipt: String?
    /// Rises when the same sale is sent again with other content.
    public var revision: Int64?
    public var kind: Kind
    public var state: State
    public var openedAt: Timestamp?
    public var closedAt: Timestamp?
    public var operatorID: String?
    public var channel: String?
    public var currency: Currency
    public var pricesIncludeTax: Bool?
    public var lines: [SaleLine]
    /// Discounts on the whole basket; amounts as the till writes them, negative or positive both lower the price.
    public var discounts: [SaleDiscount]
    public var taxes: [SaleTax]
    public var tenders: [Tender]
    public var totals: SaleTotals
    public var links: [SaleLink]
    /// Rewards that points were spent on; nil where the till sends none.
    public var redeem: [RedeemedReward]?

    public init(
        store: String,
        register: String,
        number: String,
        kind: Kind = .sale,
        state: State = .completed,
        currency: Currency,
        lines: [SaleLine] = [],
        totals: SaleTotals
    ) {
        self.store = store
        self.register = register
        self.number = number
        self.kind = kind
        self.state = state
        self.currency = currency
        self.lines = lines
        self.totals = totals
        discounts = []
        taxes = []
        tenders = []
        links = []
    }
}

/// One line of a sale.
public struct SaleLine: Hashable, Sendable, Codable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        case item, weighted, fuel, deposit, service, fee, donation, coupon, reward, rounding, tip, other
        case depositReturn = "deposit_return"
        case giftCard = "gift_card"
    }

    /// The till's hint about earning.
    public enum EarnHint: String, Sendable, Codable, CaseIterable {
        case `default`, exclude
        case onlyQuantity = "only_qty"
    }

    /// Unique in the sale.
    public var id: String
    public var kind: Kind
    public var code: ProductCode?
    public var name: String?
    /// Hierarchy path, outermost first.
    public var department: [String]
    public var brand: String?
    /// What the till says of the product besides, such as `hot-drink`.
    public var tags: [String]?
    /// Signed.
    public var quantity: Quantity
    public var unitOfMeasure: String
    public var unitPrice: DecimalNumber?
    public var listPrice: DecimalNumber?
    /// Signed, before discounts.
    public var gross: Money?
    /// Signed, after line discounts; with or without tax as the sale says.
    public var amount: Money
    public var discounts: [SaleDiscount]
    public var taxes: [SaleTax]
    /// The id of the line that this reversal cancels.
    public var voids: String?
    /// This line counts as cancelled.
    public var voided: Bool
    /// Set where the line takes goods back.
    public var returned: ReturnReference?
    public var earn: EarnHint

    public init(id: String, kind: Kind = .item, quantity: Quantity = .one, unitOfMeasure: String = "ea", amount: Money)
    {
        self.id = id
        self.kind = kind
        self.quantity = quantity
        self.unitOfMeasure = unitOfMeasure
        self.amount = amount
        department = []
        discounts = []
        taxes = []
        voided = false
        earn = .default
    }
}

/// What identifies a product. GTINs stand without leading zeros.
public struct ProductCode: Hashable, Sendable, Codable {
    public enum Scheme: String, Sendable, Codable, CaseIterable { case gtin, plu, sku, epc, `internal` }

    public var value: String
    public var scheme: Scheme

    public init(value: String, scheme: Scheme) {
        self.value = value
        self.scheme = scheme
    }
}

public struct SaleDiscount: Hashable, Sendable, Codable {
    public enum Source: String, Sendable, Codable, CaseIterable { case till, coupon, loyalty, manual, staff }

    public var id: String?
    public var amount: Money
    public var source: Source
    public var code: String?

    public init(id: String? = nil, amount: Money, source: Source, code: String? = nil) {
        self.id = id
        self.amount = amount
        self.source = source
        self.code = code
    }
}

public struct SaleTax: Hashable, Sendable, Codable {
    public var code: String?
    public var base: Money?
    public var amount: Money
    public var percent: DecimalNumber?

    public init(code: String? = nil, base: Money? = nil, amount: Money, percent: DecimalNumber? = nil) {
        self.code = code
        self.base = base
        self.amount = amount
        self.percent = percent
    }
}

public struct Tender: Hashable, Sendable, Codable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        case cash, card, voucher, points, foreign, other
        case giftCard = "gift_card"
        case storeCredit = "store_credit"
    }

    public var id: String?
    public var kind: Kind
    /// Which of its kind, such as `store_card`.
    public var name: String?
    public var amount: Money
    public var change: Money?

    public init(id: String? = nil, kind: Kind, amount: Money, change: Money? = nil) {
        self.id = id
        self.kind = kind
        self.amount = amount
        self.change = change
    }
}

public struct SaleTotals: Hashable, Sendable, Codable {
    /// What the customer owes; authoritative.
    public var grand: Money
    public var net: Money?
    public var tax: Money?
    public var discount: Money?
    public var items: DecimalNumber?
    public var running: Money?

    public init(grand: Money) { self.grand = grand }
}

/// How one document refers to another.
public struct SaleLink: Hashable, Sendable, Codable {
    public enum Relation: String, Sendable, Codable, CaseIterable {
        case returns, voids, resumes, replaces, exchanges
        case copyOf = "copy_of"
    }

    public var relation: Relation
    public var store: String?
    public var register: String?
    public var businessDay: CalendarDate?
    public var number: String?
    public var uid: String?
    public var line: String?

    public init(
        relation: Relation,
        store: String? = nil,
        register: String? = nil,
        businessDay: CalendarDate? = nil,
        number: String? = nil,
        uid: String? = nil,
        line: String? = nil
    ) {
        self.relation = relation
        self.store = store
        self.register = register
        self.businessDay = businessDay
        self.number = number
        self.uid = uid
        self.line = line
    }
}

/// What a returned line says about its origin.
public struct ReturnReference: Hashable, Sendable, Codable {
    public enum Receipt: String, Sendable, Codable, CaseIterable { case with, without }

    public var link: SaleLink?
    public var reason: String?
    public var receipt: Receipt?

    public init(link: SaleLink? = nil, reason: String? = nil, receipt: Receipt? = nil) {
        self.link = link
        self.reason = reason
        self.receipt = receipt
    }
}
