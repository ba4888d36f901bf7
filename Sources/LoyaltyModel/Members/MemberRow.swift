/// One row of a member file or member feed as it travels: flat and all text, before it is checked.
///
/// Keys in JSON and columns in CSV: `id`, `cards`, `status`, `replaced_by`, `tier`, `segments`, `entitlements`
/// (`name:from:to`, dates may be missing), `birthday` (`MM-DD`; of `YYYY-MM-DD` the year is dropped), `household`,
/// `balance`, `as_of`, `greeting`, `joined`, `referrer` (a member's id), `beneficiary`, `partners` (`partner:number`), `op`
/// (`upsert` or `delete`). It holds whole card numbers: it goes into no log.
public struct MemberRow: Hashable, Sendable, Codable {
    public enum Field: String, Sendable, CaseIterable, CodingKey {
        case id, cards, status
        case replacedBy = "replaced_by"
        case tier, segments, entitlements, birthday, household, balance
        case asOf = "as_of"
        case greeting, joined, referrer, beneficiary, partners
        case operation = "op"
    }

    public typealias CodingKeys = Field

    public var id: String
    public var cards: [String]
    public var status: String?
    public var replacedBy: String?
    public var tier: String?
    public var segments: [String]
    public var entitlements: [String]
    public var birthday: String?
    public var household: String?
    public var balance: String?
    public var asOf: String?
    public var greeting: String?
    public var joined: String?
    public var referrer: String?
    public var beneficiary: String?
    public var partners: [String]
    public var operation: String?

    public init(id: String, cards: [String] = []) {
        self.id = id
        self.cards = cards
        segments = []
        entitlements = []
        partners = []
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Field.self)
        id = try container.decode(String.self, forKey: .id)
        cards = try container.decodeIfPresent([String].self, forKey: .cards) ?? []
        status = try container.decodeIfPresent(String.self, forKey: .status)
        replacedBy = try container.decodeIfPresent(String.self, forKey: .replacedBy)
        tier = try container.decodeIfPresent(String.self, forKey: .tier)
        segments = try container.decodeIfPresent([String].self, forKey: .segments) ?? []
        entitlements = try container.decodeIfPresent([String].self, forKey: .entitlements) ?? []
        birthday = try container.decodeIfPresent(String.self, forKey: .birthday)
        household = try container.decodeIfPresent(String.self, forKey: .household)
        balance = try container.decodeIfPresent(String.self, forKey: .balance)
        asOf = try container.decodeIfPresent(String.self, forKey: .asOf)
        greeting = try container.decodeIfPresent(String.self, forKey: .greeting)
        joined = try container.decodeIfPresent(String.self, forKey: .joined)
        referrer = try container.decodeIfPresent(String.self, forKey: .referrer)
        beneficiary = try container.decodeIfPresent(String.self, forKey: .beneficiary)
        partners = try container.decodeIfPresent([String].self, forKey: .partners) ?? []
        operation = try container.decodeIfPresent(String.self, forKey: .operation)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Field.self)
        try container.encode(id, forKey: .id)
        if !cards.isEmpty { try container.encode(cards, forKey: .cards) }
        try container.encodeIfPresent(status, forKey: .status)
        try container.encodeIfPresent(replacedBy, forKey: .replacedBy)
        try container.encodeIfPresent(tier, forKey: .tier)
        if !segments.isEmpty { try container.encode(segments, forKey: .segments) }
        if !entitlements.isEmpty { try container.encode(entitlements, forKey: .entitlements) }
        try container.encodeIfPresent(birthday, forKey: .birthday)
        try container.encodeIfPresent(household, forKey: .household)
        try container.encodeIfPresent(balance, forKey: .balance)
        try container.encodeIfPresent(asOf, forKey: .asOf)
        try container.encodeIfPresent(greeting, forKey: .greeting)
        try container.encodeIfPresent(joined, forKey: .joined)
        try container.encodeIfPresent(referrer, forKey: .referrer)
        try container.encodeIfPresent(beneficiary, forKey: .beneficiary)
        if !partners.isEmpty { try container.encode(partners, forKey: .partners) }
        try container.encodeIfPresent(operation, forKey: .operation)
    }
}

extension MemberRow: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "member row with \(cards.count) cards" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["cards": cards.count]) }
}

/// What a row of a member file or feed asks for.
public enum MemberChange: Hashable, Sendable {
    case upsert(MemberRecord)
    case delete(MemberID)

    public var id: MemberID {
        switch self {
        case .upsert(let record): record.member.id
        case .delete(let id): id
        }
    }
}

extension LoyaltyError.Code {
    /// A field of a member row is missing or not of its form.
    public static let memberBadField = Self("member.bad_field", kind: .badData)
    /// A card value of a member row is a payment card number, or one stands in its texts.
    public static let memberPaymentCard = Self("member.payment_card", kind: .badData)
}

extension MemberRow {
    /// Longest text of one field, in bytes; the greeting may have four times as many.
    static let longestText = 64
    static let mostCards = 64
    static let mostWords = 128

    /// Checks the row.
    ///
    /// - Parameter isPaymentCard: the payment screen; asked for every card value and every text, but not for identifiers of up to
    ///   13 digits.
    /// - Throws: `member.bad_field` or `member.payment_card`; the place's path is the field's name, and no message
    ///   repeats a value, since a column may hold card numbers by mistake.
    public func change(isPaymentCard: (String) -> Bool) throws(LoyaltyError) -> MemberChange {
        let identifier = try MemberID(text(id, .id))
        try screenTexts(isPaymentCard)
        switch operation {
        case nil, "", "upsert": break
        case "delete": return .delete(identifier)
        default: throw Self.bad(.operation, "op is upsert or delete")
        }
        var member = Member(id: identifier, status: try memberStatus())
        member.tier = try optional(tier, .tier)
        member.segments = try words(segments, .segments)
        member.entitlements = try memberEntitlements()
        member.birthday = try memberBirthday()
        member.household = try optional(household, .household)
        // Many systems write "none" as zeros.
        if member.household?.allSatisfy({ $0 == "0" }) == true { member.household = nil }
        member.balance = try parsed(balance, .balance) { value throws(LoyaltyError) in try Points(value) }
        member.balanceAsOf = try parsed(asOf, .asOf) { value throws(LoyaltyError) in try Timestamp(value) }
        member.greeting = try optional(greeting, .greeting, longest: Self.longestText * 4)
        member.joined = try parsed(joined, .joined) { value throws(LoyaltyError) in try CalendarDate(value) }
        member.referrer = try optional(referrer, .referrer).map { MemberID($0) }
        if member.referrer == identifier { throw Self.bad(.referrer, "nobody recruits himself") }
        member.beneficiary = try optional(beneficiary, .beneficiary)
        return .upsert(
            MemberRecord(
                member: member, cards: try cardNumbers(isPaymentCard), partners: try partnerNumbers(isPaymentCard)))
    }

    private func cardNumbers(_ isPaymentCard: (String) -> Bool) throws(LoyaltyError) -> [CardNumber] {
        guard cards.count <= Self.mostCards else { throw Self.bad(.cards, "more than \(Self.mostCards) cards") }
        var numbers: [CardNumber] = []
        for (index, value) in cards.enumerated() {
            let ordinal = cards.count == 1 ? "the card" : "card \(index + 1)"
            guard !isPaymentCard(value) else { throw Self.paymentCard(.cards, "\(ordinal) is a payment card number") }
            guard let number = CardNumber(value) else {
                throw Self.bad(.cards, "\(ordinal) is not 1 to \(CardNumber.maximumLength) printable ASCII characters")
            }
            if !numbers.contains(number) { numbers.append(number) }
        }
        return numbers
    }

    private func partnerNumbers(_ isPaymentCard: (String) -> Bool) throws(LoyaltyError) -> [String: CardNumber] {
        guard partners.count <= Self.mostCards else {
            throw Self.bad(.partners, "more than \(Self.mostCards) partners")
        }
        var numbers: [String: CardNumber] = [:]
        for word in partners {
            let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, parts[0].utf8.count <= Self.longestText else {
                throw Self.bad(.partners, "a number in another program is partner:number")
            }
            guard !isPaymentCard(String(parts[1])) else {
                throw Self.paymentCard(.partners, "a payment card number stands here")
            }
            guard let number = CardNumber(verbatim: parts[1]) else {
                throw Self.bad(
                    .partners, "a number is 1 to \(CardNumber.maximumLength) printable ASCII characters")
            }
            guard numbers.updateValue(number, forKey: String(parts[0])) == nil else {
                throw Self.bad(.partners, "two numbers of one partner")
            }
        }
        return numbers
    }

    private func screenTexts(_ isPaymentCard: (String) -> Bool) throws(LoyaltyError) {
        let texts: [(Field, String?)] = [
            (.tier, tier), (.balance, balance), (.greeting, greeting), (.beneficiary, beneficiary),
        ]
        let identifiers: [(Field, String?)] = [
            (.id, id), (.replacedBy, replacedBy), (.household, household), (.referrer, referrer),
        ]
        for (field, text) in texts + identifiers.filter({ !Self.isCounted($0.1) }) {
            if let text, isPaymentCard(text) { throw Self.paymentCard(field, "a payment card number stands here") }
        }
        for (field, words) in [(Field.segments, segments), (.entitlements, entitlements)] {
            for word in words where isPaymentCard(word) {
                throw Self.paymentCard(field, "a payment card number stands here")
            }
        }
    }

    /// Back ends count their customers: Shopify's have 13 digits, and one in ten of them would pass for a card of Maestro.
    /// Cards that are issued today with so few digits are none but some of Maestro's; a longer number is judged.
    private static func isCounted(_ identifier: String?) -> Bool {
        guard let identifier else { return true }
        return identifier.utf8.count <= 13 && identifier.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func paymentCard(_ field: Field, _ message: String) -> LoyaltyError {
        LoyaltyError(
            .memberPaymentCard, message, at: Place(path: field.rawValue),
            remedy: "Remove it from the file: payment card numbers may not be kept here")
    }

    private func memberStatus() throws(LoyaltyError) -> Member.Status {
        let other = try optional(replacedBy, .replacedBy)
        switch (status, other) {
        case (nil, nil), ("", nil), ("active", nil): return .active
        case ("blocked", nil): return .blocked
        case ("replaced", let other?): return .replaced(by: MemberID(other))
        case ("replaced", nil): throw Self.bad(.replacedBy, "a replaced member needs replaced_by")
        case (_, .some): throw Self.bad(.replacedBy, "replaced_by needs status replaced")
        default: throw Self.bad(.status, "status is active, blocked or replaced")
        }
    }

    private func memberEntitlements() throws(LoyaltyError) -> [Member.Entitlement] {
        var list: [Member.Entitlement] = []
        for word in try words(entitlements, .entitlements) {
            let parts = word.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 3, let name = parts.first, !name.isEmpty else {
                throw Self.bad(.entitlements, "an entitlement is name, name:from or name:from:to")
            }
            let from = try date(parts.count > 1 ? parts[1] : "")
            let to = try date(parts.count > 2 ? parts[2] : "")
            if let from, let to, to < from { throw Self.bad(.entitlements, "an entitlement ends before it begins") }
            list.append(Member.Entitlement(name: String(name), from: from, to: to))
        }
        return list
    }

    private func date(_ text: Substring) throws(LoyaltyError) -> CalendarDate? {
        guard !text.isEmpty else { return nil }
        do { return try CalendarDate(text) } catch {
            throw Self.bad(.entitlements, "a date of an entitlement: \(error.message)")
        }
    }

    private func memberBirthday() throws(LoyaltyError) -> MonthDay? {
        try parsed(birthday, .birthday) { value throws(LoyaltyError) in
            guard value.utf8.count > 5 else { return try MonthDay(value) }
            let date = try CalendarDate(value)
            return try MonthDay(month: date.month, day: date.day)
        }
    }

    private func parsed<Value>(
        _ value: String?,
        _ field: Field,
        _ parse: (String) throws(LoyaltyError) -> Value
    ) throws(LoyaltyError) -> Value? {
        guard let value = try optional(value, field) else { return nil }
        do { return try parse(value) } catch { throw Self.bad(field, error.message) }
    }

    private func words(_ values: [String], _ field: Field) throws(LoyaltyError) -> [String] {
        guard values.count <= Self.mostWords else {
            throw Self.bad(field, "more than \(Self.mostWords) \(field.rawValue)")
        }
        for value in values { _ = try text(value, field) }
        return values
    }

    private func optional(
        _ value: String?,
        _ field: Field,
        longest: Int = Self.longestText
    ) throws(LoyaltyError) -> String? {
        guard let value, !value.isEmpty else { return nil }
        return try text(value, field, longest: longest)
    }

    private func text(
        _ value: String,
        _ field: Field,
        longest: Int = Self.longestText
    ) throws(LoyaltyError) -> String {
        guard !value.isEmpty else { throw Self.bad(field, "\(field.rawValue) is empty") }
        guard value.utf8.count <= longest else { throw Self.bad(field, "longer than \(longest) bytes") }
        guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { throw Self.bad(field, "a control character") }
        guard value.utf8.first != 0x20, value.utf8.last != 0x20 else {
            throw Self.bad(field, "a blank at the beginning or end")
        }
        return value
    }

    private static func bad(_ field: Field, _ message: String) -> LoyaltyError {
        LoyaltyError(.memberBadField, message, at: Place(path: field.rawValue))
    }
}
