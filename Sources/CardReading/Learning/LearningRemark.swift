public import LoyaltyModel

/// Why a presentation was not taken, in plain words. Nothing of its content stands in it.
public enum LearningRemark: Error, Sendable, Hashable {
    /// Reports came, but none that a card makes.
    case nothingCame
    case nothingReadable
    /// The interface is none that is read, and why.
    case notReadable(String)
    case severalScans
    case paymentCard
    case encrypted
    case sameCardAgain
    case differentCards
    /// Another reading of the same card, perhaps.
    case differs(CardDifference)
    case looksLikeProduct
    case noProduct
    case productIsCard
    case otherKind

    /// What the daemon says of a presentation that it gave out nothing of.
    public init(withheld refusal: CardScan.Refusal) {
        switch refusal {
        case .paymentCard: self = .paymentCard
        case .encryptedCard: self = .encrypted
        case .notALoyaltyCard, .unreadable, .blocked: self = .nothingReadable
        }
    }

    public var message: String {
        switch self {
        case .nothingCame: "nothing came that could be a card"
        case .nothingReadable: "the reader sent something, but no layout and no decoder makes characters of it"
        case .notReadable(let reason): "this device is not read: \(reason)"
        case .severalScans: "that was more than one scan"
        case .paymentCard: "that looked like a payment card: it was not kept"
        case .encrypted: "the reader sent the card encrypted or masked"
        case .sameCardAgain: "that was the same card again"
        case .differentCards: "those were two different cards"
        case .differs(let difference): difference.message
        case .looksLikeProduct: "that looks like the barcode of a product"
        case .noProduct: "there is no EAN or UPC of a product in that"
        case .productIsCard: "that was one of the cards"
        case .otherKind: "one of them was swiped and the other one scanned"
        }
    }

    public var remedy: String {
        switch self {
        case .nothingCame: "check that the reader has light or power, that it is this one, and scan again"
        case .nothingReadable:
            "scan again; if it stays so, set the reader to USB HID POS or to USB keyboard by its manual"
        case .notReadable: "set the reader to USB HID POS or to USB keyboard by its manual"
        case .severalScans: "one at a time, with a second between"
        case .paymentCard: "use a loyalty card"
        case .encrypted: "cards that arrive so cannot be read: use a bar code, or a reader that does not encrypt"
        case .sameCardAgain: "use the card of somebody else"
        case .differentCards: "scan the first card again, until it has been read three times"
        case .differs(let difference): difference.remedy
        case .looksLikeProduct: "use a loyalty card; if it is one, scan it again"
        case .noProduct: "scan something from the shelf with an EAN or UPC"
        case .productIsCard: "scan something from the shelf"
        case .otherKind: "use two cards of one kind, one way"
        }
    }
}
