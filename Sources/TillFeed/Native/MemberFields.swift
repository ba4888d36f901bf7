import DataFormats
import LoyaltyModel

extension TillFields {
    /// Reads `action` of docs/till-protocol.md.
    ///
    /// - Parameter verb: a void needs the key alone.
    mutating func action(
        _ verb: TillEvent.ActionVerb, at time: Timestamp, on day: CalendarDate?
    ) throws(LoyaltyError) -> LoyaltyAction {
        let name = try identity("name", maximum: 64)
        var action = LoyaltyAction(
            name: verb == .take ? try present(name, "name") : name ?? "",
            key: try requiredIdentity("key", maximum: 128), occurredAt: time, businessDay: day ?? time.date)
        let currency = try table.parsed("currency") { (text: String) throws(LoyaltyError) in try Currency(text) }
        if try decimal("amount") != nil {
            action.amount = try money("amount", try present(currency, "currency"))
            if action.amount?.isNegative == true {
                throw table.error("amount", "an action is undone by member.action_void")
            }
        }
        if let quantity = try decimal("qty") {
            guard DecimalNumber.zero < quantity else { throw table.error("qty", "a quantity is above zero here") }
            action.quantity = quantity
        }
        action.store = try identity("store", maximum: 64)
        action.channel = try freeText("channel", maximum: 32)
        return action
    }

    /// Reads `member` of docs/till-protocol.md.
    mutating func memberUpdate() throws(LoyaltyError) -> MemberUpdate {
        var update = MemberUpdate()
        update.referrer = try identity("referrer", maximum: 64).map { MemberID($0) }
        update.beneficiary = try identity("beneficiary", maximum: 64)
        if var partner = try object("partner") { update.partner = try partner.partnerLink() }
        if var day = try object("day") { update.day = try day.dayBooking() }
        guard !update.isEmpty else {
            throw table.error("referrer", "one of referrer, beneficiary, partner and day must be there")
        }
        return update
    }

    private mutating func partnerLink() throws(LoyaltyError) -> MemberUpdate.PartnerLink {
        let partner = try requiredIdentity("id", maximum: 64)
        if try table.boolean("remove") ?? false { return .init(partner: partner, number: nil) }
        // In `value`, as a card's: so no redacted line shows it.
        let value = try requiredIdentity("value", maximum: CardNumber.maximumLength)
        guard let number = CardNumber(verbatim: value) else {
            throw table.error("value", "a number is 1 to \(CardNumber.maximumLength) printable ASCII characters")
        }
        return .init(partner: partner, number: number)
    }

    private mutating func dayBooking() throws(LoyaltyError) -> MemberUpdate.DayBooking {
        MemberUpdate.DayBooking(
            day: try requiredIdentity("id", maximum: 64), date: try present(try date("date"), "date"),
            isCancelled: try table.boolean("cancel") ?? false, isAtTill: try table.boolean("at_till") ?? true)
    }
}

extension TillEventDecoder {
    static let memberUpdate = "member.update"
}
