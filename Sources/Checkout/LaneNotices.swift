import LoyaltyModel

/// What the cashier sees and hears, one function per row of the table in docs/till-protocol.md.
extension Lane.Notice {
    private init(
        _ result: Result,
        code: String? = nil,
        _ card: Lane.Card?,
        _ display: [String],
        _ signal: TillAnswer.Signal?
    ) {
        self.result = result
        self.code = code
        self.card = card
        self.display = display.map { String($0.prefix(20)) }
        self.signal = signal
        isFromTill = false
    }

    /// The card stands on a basket, or waits for the next one.
    static func accepted(_ result: Result, _ card: Lane.Card) -> Self {
        switch card.standing {
        case .unverified: Self(result, card, ["CARD NOT KNOWN", "POINTS WILL BE KEPT"], .ask)
        case .replaced: Self(result, card, ["NEW CARD: ASK STAFF"], .ask)
        case .active where card.isStale: Self(result, card, ["CARD ACCEPTED"], .ok)
        case .active, .blocked, .notKnown:
            Self(result, card, ["WELCOME BACK"] + (card.greeting.map { [$0] } ?? []), .ok)
        }
    }

    static func alreadyAttached(_ card: Lane.Card) -> Self { Self(.alreadyAttached, card, [], nil) }

    static func replaced(by card: Lane.Card) -> Self { Self(.replaced, card, ["REPLACE CARD?"], .ask) }

    static func firstKept(_ card: Lane.Card) -> Self {
        Self(.refused, code: "first_card_kept", card, ["FIRST CARD KEPT"], .ask)
    }

    static func addedToLastSale(_ card: Lane.Card) -> Self {
        Self(.addedToLastSale, card, ["ADDED TO LAST SALE"], .ask)
    }

    /// The till named a sale that is over, or not the one at this counter.
    static func saleNotOpen(_ card: Lane.Card) -> Self {
        Self(.refused, code: "sale_not_open", card, ["PLEASE ASK STAFF"], .no)
    }

    static func refused(_ refusal: CardScan.Refusal, _ card: Lane.Card? = nil) -> Self {
        let display =
            switch refusal {
            case .paymentCard, .encryptedCard: ["PLEASE USE THE", "PAYMENT TERMINAL"]
            case .notALoyaltyCard: ["NOT A LOYALTY CARD"]
            case .unreadable: ["PLEASE SCAN AGAIN"]
            // Never the word itself: other customers read the display.
            case .blocked: ["PLEASE ASK STAFF"]
            }
        return Self(.refused, code: refusal.rawValue, card, display, .no)
    }
}
