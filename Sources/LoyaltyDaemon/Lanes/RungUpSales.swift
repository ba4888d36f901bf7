internal import LoyaltyModel

/// Who rang up the latest sales, by their references: a card may be added to them behind their end.
struct RungUpSales {
    struct Facts: Sendable {
        var operatorID: String?
        var register: String
        var businessDay: CalendarDate

        init(_ sale: Sale, _ businessDay: CalendarDate) {
            (operatorID, register, self.businessDay) = (sale.operatorID, sale.register, businessDay)
        }
    }

    /// More than there are registers whose last sale may still get one.
    private var facts = BoundedMemory<String, Facts>(capacity: 2048)

    subscript(reference: String) -> Facts? { facts[reference] }

    mutating func remember(_ reference: String, _ sale: Facts) { facts.remember(sale, for: reference) }
}
