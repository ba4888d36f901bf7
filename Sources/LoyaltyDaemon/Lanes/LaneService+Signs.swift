internal import Checkout
internal import Logging
internal import LoyaltyModel
internal import Storage

/// Signs that a card is used for somebody else's shopping: flagged on the sale and counted for the manager, told to no till.
extension LaneService {
    /// What the lane knew of a sale when it ended.
    struct SignedSale: Sendable {
        var businessDay: CalendarDate
        /// nil without a card, and where the till sent the sale again.
        var card: CardFacts?
        /// The card was the cashier's own, and was left out.
        var isOwn: Bool
        /// It is from before the start.
        var isEarlier: Bool
    }

    /// What a card was like at the counter.
    struct CardFacts: Sendable {
        var card: Lane.Card
        var isLate: Bool
    }

    private static let signDays = Int64(30)
    private static let mostRecalled = 200_000

    /// Takes up the sales from before the start. - Throws: `storage.*`.
    func loadSigns() async throws(LoyaltyError) {
        let since = clock.now.adding(seconds: -Self.signDays * 86_400)
        for use in try await ledger.cardUses(since: since, limit: Self.mostRecalled) {
            signs.recall(
                FraudSigns.Use(
                    card: use.card, operatorID: use.operatorID, register: use.register, businessDay: use.businessDay,
                    at: use.receivedAt, isReturn: use.isReturn))
        }
    }

    /// A cashier's own card earns nothing on what the cashier rings up.
    func isOwnSale(_ card: Lane.Card, _ sale: Sale) -> Bool {
        guard let member = card.member?.value, let cashier = sale.operatorID else { return false }
        return settings.signs.staff[cashier] == member
    }

    /// The same for a sale that is on disk already.
    func isOwnSale(_ card: Lane.Card, _ facts: RungUpSales.Facts) -> Bool {
        guard let member = card.member?.value, let cashier = facts.operatorID else { return false }
        return settings.signs.staff[cashier] == member
    }

    /// Looks at a sale that got its card behind its end. - Parameter isOwn: the card was left out, for it is the cashier's.
    func look(atLate card: Lane.Card, _ reference: String, _ facts: RungUpSales.Facts, isOwn: Bool) {
        if isOwn { return flag(reference, [.ownSale]) }
        let use = FraudSigns.Use(
            card: card.member?.value ?? card.token, operatorID: facts.operatorID, register: facts.register,
            businessDay: facts.businessDay, at: clock.now, isKeyed: card.entry == .keyed || card.entry == .lookup,
            isLate: true)
        flag(reference, signs.note(use))
    }

    /// Looks at a sale that is on disk.
    func look(at sale: Sale, _ reference: String, _ signed: SignedSale) {
        if signed.isOwn { return flag(reference, [.ownSale]) }
        guard let facts = signed.card else { return }
        let use = FraudSigns.Use(
            card: facts.card.member?.value ?? facts.card.token, operatorID: sale.operatorID, register: sale.register,
            businessDay: signed.businessDay, at: clock.now, isReturn: sale.kind == .return,
            isKeyed: facts.card.entry == .keyed || facts.card.entry == .lookup, isLate: facts.isLate)
        flag(reference, signs.note(use))
    }

    private func flag(_ reference: String, _ found: [FraudSigns.Sign]) {
        guard !found.isEmpty else { return }
        ledger.flag(reference, signs: found.map(\.rawValue), on: today)
        log.info(
            "a sale shows signs for the manager",
            metadata: ["sale": "\(reference)", "signs": "\(found.map(\.rawValue).joined(separator: ", "))"])
    }
}
