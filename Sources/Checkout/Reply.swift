public import LoyaltyModel

/// What the cashier and the customer see and hear.
public struct Reply: Sendable, Hashable {
    public enum Result: String, Sendable {
        case attached, held, replaced, refused
        case addedToLastSale = "added_to_last_sale"
        case alreadyAttached = "already_attached"
    }

    public var result: Result
    /// Why it was refused, or `unverified`, `card_replaced`.
    public var code: String?
    public var card: Lane.Card?
    /// Up to two lines of 20 characters.
    public var display: [String]
    public var signal: TillAnswer.Signal?

    /// The width of a pole display.
    private static let width = 20

    static func taken(_ card: Lane.Card, _ result: Result) -> Reply {
        var reply = Reply(result: result, card: card, display: [], signal: .ok)
        switch card.standing {
        case .active:
            reply.display = ["WELCOME BACK"] + (card.greeting.map { [String($0.prefix(width))] } ?? [])
        case .replaced:
            (reply.code, reply.display, reply.signal) = ("card_replaced", ["NEW CARD: ASK STAFF"], .ask)
        case .unverified:
            (reply.code, reply.signal) = ("unverified", .ask)
            reply.display = ["CARD NOT KNOWN", "POINTS WILL BE KEPT"]
        case .blocked: return refused(.blocked)
        }
        switch result {
        case .addedToLastSale: (reply.display, reply.signal) = (["ADDED TO LAST SALE"], .ask)
        case .replaced: (reply.display, reply.signal) = (["CARD REPLACED"] + reply.display.prefix(1), .ask)
        case .attached, .held, .refused, .alreadyAttached: break
        }
        return reply
    }

    /// The same card again: no tone, no change.
    static func unchanged(_ card: Lane.Card) -> Reply {
        Reply(result: .alreadyAttached, card: card, display: [], signal: nil)
    }

    /// Another card after the tender.
    static let tooLate = Reply(
        result: .refused, code: "after_tender", card: nil, display: ["OTHER CARD IN USE"], signal: .no)

    static func refused(_ refusal: CardScan.Refusal) -> Reply {
        let display =
            switch refusal {
            case .paymentCard: ["PLEASE USE THE", "PAYMENT TERMINAL"]
            case .notALoyaltyCard: ["NOT A LOYALTY CARD"]
            case .encryptedCard: ["CARD NOT READABLE", "PLEASE ASK STAFF"]
            case .unreadable: ["PLEASE SCAN AGAIN"]
            // Never "blocked": the customer may be standing there.
            case .blocked: ["PLEASE ASK STAFF"]
            }
        return Reply(result: .refused, code: refusal.rawValue, card: nil, display: display, signal: .no)
    }
}
