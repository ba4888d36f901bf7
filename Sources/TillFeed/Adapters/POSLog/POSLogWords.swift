import LoyaltyModel

/// The closed vocabularies of POSLog and of the tills that write it, in lower case.
enum POSLogWords {
    /// What a document's status makes of it.
    struct Status: Equatable {
        var verb: TillEvent.SaleVerb
        var state: Sale.State
        var isTraining = false
    }

    /// `TransactionStatus` of IXRetail, and the words of Dynamics Commerce (docs/till-adapters.md). Nil for an unknown word.
    static func status(_ word: String) -> Status? {
        switch word.lowercased() {
        case "delivered", "finished", "normal", "posted", "concluded", "completed", "complete", "resumed", "tendered",
            "suspendedretrieved":
            Status(verb: .complete, state: .completed)
        case "returned": Status(verb: .return, state: .returned)
        case "suspended", "onhold": Status(verb: .suspend, state: .suspended)
        case "inprocess", "totaled", "partial": Status(verb: .update, state: .open)
        case "voided", "canceled", "cancelled", "failed", "suspendeddeleted", "aborted":
            Status(verb: .cancel, state: .cancelled)
        case "postvoided": Status(verb: .void, state: .voided)
        case "training": Status(verb: .complete, state: .completed, isTraining: true)
        default: nil
        }
    }

    /// Nil for an unknown word.
    static func relation(_ word: String) -> SaleLink.Relation? {
        switch word.lowercased() {
        case "return", "returned", "returns", "refund": .returns
        case "resume", "resumed", "resumes", "suspendedretrieved": .resumes
        case "void", "voided", "voids", "postvoid", "postvoided": .voids
        case "exchange", "exchanges": .exchanges
        case "replace", "replaces", "correction": .replaces
        case "copy", "reprint", "duplicate": .copyOf
        default: nil
        }
    }

    static func lineKind(_ itemType: String?, unit: String) -> SaleLine.Kind {
        switch itemType?.lowercased() {
        case "giftcertificate", "giftcard", "storedvalue", "storevalue": .giftCard
        case "deposit": .deposit
        case "depositreturn", "depositrefund": .depositReturn
        case "service", "warranty", "alteration": .service
        case "fee": .fee
        case "fuel": .fuel
        case "donation", "charity": .donation
        case "tip", "gratuity": .tip
        case "other", "miscellaneous": .other
        default: unit == "kg" || unit == "g" || unit == "lb" ? .weighted : .item
        }
    }

    static func tender(_ type: String?) -> Tender.Kind {
        switch type?.lowercased() {
        case "cash": .cash
        case "creditdebit", "credit", "debit", "card", "creditcard", "debitcard", "ebt": .card
        case "voucher", "coupon", "manufacturercoupon", "foodstamps": .voucher
        case "giftcard", "giftcertificate", "storedvalue": .giftCard
        case "storecredit", "creditnote": .storeCredit
        case "loyalty", "loyaltypoints", "points": .points
        case "foreigncurrency": .foreign
        default: .other
        }
    }

    /// UN/ECE recommendation 20 and common spellings, as the native protocol writes them.
    static func unit(_ code: String?) -> String {
        switch code?.lowercased() {
        case nil, "", "ea", "each", "pce", "c62", "h87", "pcs", "st", "unit": "ea"
        case "kg", "kgm", "kilogram": "kg"
        case "g", "grm": "g"
        case "lb", "lbr", "lbs": "lb"
        case "l", "ltr", "liter", "litre": "l"
        case let code?: code
        }
    }
}

extension ProductCode {
    /// What identifies a product in a field that only says "item": leading zeros are padding, up to five digits a PLU, more digits
    /// a GTIN, everything else the till's own code.
    init?(anyOf text: String) {
        // One dialect writes `X:4012345678901`.
        let text = text.trimmingBlanks()
        let value = text.lastIndex(of: ":").map { String(text[text.index(after: $0)...]) } ?? text
        guard !value.isEmpty else { return nil }
        let digits = value.utf8.drop { $0 == UInt8(ascii: "0") }
        guard value.utf8.count <= 14, value.utf8.allSatisfy({ (48...57).contains($0) }), !digits.isEmpty else {
            self.init(value: value, scheme: .sku)
            return
        }
        let number = String(decoding: digits, as: UTF8.self)
        self.init(value: number, scheme: digits.count <= 5 ? .plu : digits.count < 8 ? .sku : .gtin)
    }
}
