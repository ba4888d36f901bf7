import DataFormats
import LoyaltyModel

/// Reads the fields of one object of the till protocol: types strictly, lengths bounded, every text screened.
///
/// Fields that nobody asks for are ignored, as the protocol says. An empty optional text counts as absent: an empty
/// `uid` would otherwise equal every other empty one. Errors carry the codes of `TableReader`, `number.*`, `time.*` and
/// `money.*`, or `till.too_long` and `till.payment_card`; `TillEventDecoder` maps them.
struct TillFields {
    var table: TableReader
    let screening: CardScreening

    init(_ table: TableReader, _ screening: CardScreening) {
        self.table = table
        self.screening = screening
    }

    /// A text that names something. It stays as it is, so a payment card number in it is an error.
    mutating func identity(_ key: String, maximum: Int) throws(LoyaltyError) -> String? {
        guard let text = try bounded(key, maximum) else { return nil }
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
            throw table.error(key, "control characters are not allowed here")
        }
        guard !screening.containsPaymentCard(text) else {
            throw paymentCard(key)
        }
        return text
    }

    private func paymentCard(_ key: String) -> LoyaltyError {
        LoyaltyError(
            .tillPaymentCard,
            "a payment card number stands here",
            at: table.error(key, "").place,
            remedy: "Card numbers of payment cards must never be sent; name the sale in another way"
        )
    }

    mutating func requiredIdentity(_ key: String, maximum: Int) throws(LoyaltyError) -> String {
        try present(try identity(key, maximum: maximum), key)
    }

    /// A text for people; payment card numbers in it are replaced.
    mutating func freeText(_ key: String, maximum: Int) throws(LoyaltyError) -> String? {
        try bounded(key, maximum).map(screening.harmless)
    }

    /// A text of any content, for the screen to judge.
    mutating func bounded(_ key: String, _ maximum: Int) throws(LoyaltyError) -> String? {
        guard let text = try table.string(key, length: 0...Int.max), !text.isEmpty else { return nil }
        guard text.utf8.count <= maximum else {
            throw LoyaltyError(
                .tillTooLong,
                "\"\(key)\" has more than \(maximum) bytes",
                at: table.error(key, "").place
            )
        }
        return text
    }

    mutating func money(_ key: String, _ currency: Currency) throws(LoyaltyError) -> Money? {
        guard let amount = try decimal(key) else { return nil }
        do { return try Money(amount, currency) } catch {
            let decimals = currency.decimals
            let message =
                error.code == .numberSyntax
                ? "\(currency) has at most \(decimals) decimal\(decimals == 1 ? "" : "s")" : error.message
            throw LoyaltyError(error.code, message, at: table.error(key, "").place)
        }
    }

    /// A number is kept as text, so one that could be a payment card is an error. Below 10^11 it cannot: no card number is
    /// shorter than 12 digits, and long fractions, which come out of a till's division, are not mistaken for one.
    mutating func decimal(_ key: String) throws(LoyaltyError) -> DecimalNumber? {
        guard let number = try table.decimal(key) else { return nil }
        var whole = number.coefficient.magnitude
        for _ in 0..<number.scale { whole /= 10 }
        try screen(whole, number.coefficient.magnitude, key)
        return number
    }

    mutating func requiredDecimal(_ key: String) throws(LoyaltyError) -> DecimalNumber {
        try present(try decimal(key), key)
    }

    /// A whole number from 0, screened as `decimal(_:)` does.
    mutating func integer(_ key: String) throws(LoyaltyError) -> Int64? {
        guard let number = try table.integer(key, 0...Int64.max) else { return nil }
        try screen(number.magnitude, number.magnitude, key)
        return number
    }

    private func screen(_ whole: UInt64, _ digits: UInt64, _ key: String) throws(LoyaltyError) {
        guard whole >= 100_000_000_000 else { return }
        guard !screening.containsPaymentCard(String(whole)), !screening.containsPaymentCard(String(digits)) else {
            throw paymentCard(key)
        }
    }

    mutating func requiredMoney(_ key: String, _ currency: Currency) throws(LoyaltyError) -> Money {
        try present(try money(key, currency), key)
    }

    mutating func timestamp(_ key: String) throws(LoyaltyError) -> Timestamp? {
        try table.parsed(key) { (text: String) throws(LoyaltyError) in try Timestamp(text) }
    }

    mutating func date(_ key: String) throws(LoyaltyError) -> CalendarDate? {
        try table.parsed(key) { (text: String) throws(LoyaltyError) in try CalendarDate(text) }
    }

    /// A whole number of 64 bits without sign. - Throws: `document.bad_value`.
    mutating func unsigned(_ key: String) throws(LoyaltyError) -> UInt64? {
        guard let node = table.node(key) else { return nil }
        switch node.value {
        case .integer(let number): if let number = UInt64(exactly: number) { return number }
        case .decimal(let text): if let number = UInt64(text) { return number }
        default: break
        }
        throw table.error(key, "expected a whole number from 0 to \(UInt64.max), found \(node.kind)")
    }

    /// Readers for each object of an array; empty where the field is absent.
    mutating func tables(_ key: String) throws(LoyaltyError) -> [TillFields] {
        try table.tables(key).map { TillFields($0, screening) }
    }

    mutating func object(_ key: String) throws(LoyaltyError) -> TillFields? {
        try table.table(key).map { TillFields($0, screening) }
    }

    mutating func requiredObject(_ key: String) throws(LoyaltyError) -> TillFields {
        TillFields(try table.requiredTable(key), screening)
    }

    func present<Value>(_ value: Value?, _ key: String) throws(LoyaltyError) -> Value {
        guard let value else { throw LoyaltyError(.documentMissingKey, "\"\(key)\" is missing", at: table.place) }
        return value
    }
}
