import LoyaltyModel

/// A member made up for a customer of the data set, who is only a number there.
struct DemoMember: Encodable, Sendable, Hashable {
    /// Cards of the chain begin so: an in-store EAN-13 (GS1 prefixes 20 to 29).
    static let cardPrefix = "2984"

    var id: String
    var status = "active"
    /// A third of the members, those whose number is a multiple of 3, are gold.
    var tier: String
    /// The present card first; some members still have an old one.
    var cards: [String]

    /// - Throws: `sim.sales` for a customer number of more than five digits.
    init(customer: String) throws(LoyaltyError) {
        guard let number = Int(customer), (0...99_999).contains(number) else {
            throw LoyaltyError(.simulatorSales, "a customer's number has up to five digits, not \"\(customer)\"")
        }
        id = "m\(customer)"
        tier = number.isMultiple(of: 3) ? "gold" : "club"
        cards = [Self.card(series: "000", number)]
        if number % 10 == 1 { cards.append(Self.card(series: "001", number)) }
    }

    /// A card in the chain's range that no member holds: customer numbers of the data set end at 18287.
    static var unknownCard: String { card(series: "000", 99_999) }

    private static func card(series: String, _ number: Int) -> String {
        let digits = String(number)
        return withCheckDigit(cardPrefix + series + String(repeating: "0", count: max(0, 5 - digits.count)) + digits)
    }

    /// Adds the GS1 check digit (General Specifications 7.9.1).
    private static func withCheckDigit(_ digits: String) -> String {
        let candidates = (0...9).map { digits + String($0) }
        return candidates.first { CardNumber.hasValidCheckDigit(Array($0.utf8)) } ?? digits
    }

    /// One member for each customer, in the order of their numbers. - Throws: `sim.sales`.
    static func all(of day: OnlineRetail) throws(LoyaltyError) -> [DemoMember] {
        var members: [DemoMember] = []
        for customer in Set(day.invoices.compactMap(\.customer)).sorted() {
            members.append(try DemoMember(customer: customer))
        }
        return members
    }
}
