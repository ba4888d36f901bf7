public import LoyaltyModel

extension Lane {
    /// How long things hold. The defaults are those of docs/till-protocol.md.
    public struct Settings: Hashable, Sendable {
        /// How long a card waits for the basket after it.
        public var heldCardLimit: Duration = .seconds(90)
        /// The same for a till that has only ever sent finished sales: its card is scanned while the basket grows unseen.
        public var heldCardLimitCompleteOnly: Duration = .seconds(600)
        /// How long after a sale without a card one may still be added to it.
        public var lateScanLimit: Duration = .seconds(60)
        /// The same for a till that has only ever sent finished sales. Never by default: the next basket begins unseen, and
        /// the card could be the next customer's.
        public var lateScanLimitCompleteOnly: Duration = .zero
        /// How long after its closing time, as far as that can be told, a sale may still take a card that waits.
        public var closingTolerance: Duration = .seconds(30)
        /// How long a suspended basket keeps its card.
        public var suspendedLimit: Duration = .seconds(86_400)

        public init() {}
    }

    /// A card as the lane sees it: looked up, without its number.
    public struct Card: Hashable, Sendable {
        public enum Standing: String, Hashable, Sendable {
            case active
            /// Inside a valid range and in no cache: points wait for the back end.
            case unverified
            case blocked
            /// Another card has taken its place; `member` is the owner of that one where the cache knows it.
            case replaced
            /// Outside every range: a product, or somebody else's card.
            case notKnown
        }

        /// The keyed token, hex. Two cards are the same where this is.
        public var token: String
        public var member: MemberID?
        public var standing: Standing
        /// Shows at most the last four digits.
        public var masked: String
        public var entry: CardEntry
        /// Text for the second line of the display.
        public var greeting: String?
        public var tier: String?
        /// The cache has not been brought up to date for long.
        public var isStale: Bool

        public init(
            token: String,
            member: MemberID? = nil,
            standing: Standing = .active,
            masked: String,
            entry: CardEntry,
            greeting: String? = nil,
            tier: String? = nil,
            isStale: Bool = false
        ) {
            self.token = token
            self.member = member
            self.standing = standing
            self.masked = masked
            self.entry = entry
            self.greeting = greeting
            self.tier = tier
            self.isStale = isStale
        }
    }

    /// What names a basket from its first line to its end.
    public struct SaleKey: Hashable, Sendable {
        public var uid: String?
        public var register: String
        public var number: String?

        public init(uid: String? = nil, register: String, number: String? = nil) {
            self.uid = uid
            self.register = register
            self.number = number
        }

        /// Whether both name one basket: by `uid` where both have it, else by register and number.
        public func names(_ other: SaleKey) -> Bool {
            if let uid, let otherUID = other.uid { return uid == otherUID }
            guard let number else { return false }
            return number == other.number && register == other.register
        }
    }

    /// One `sale.*` event, cut down to what the lane needs.
    public struct SaleStep: Hashable, Sendable {
        public var verb: TillEvent.SaleVerb
        public var key: SaleKey
        public var hasLines: Bool
        /// A tender has been entered.
        public var isTendered: Bool
        /// Active cards that the till itself read. Every snapshot repeats them; only the first time counts as a scan.
        public var tillCards: [Card]
        /// Tokens of cards that the till says are no longer on the basket. As with cards, only the first time counts.
        public var removedTokens: [String]
        /// The suspended basket that this one goes on with (link `resumes`).
        public var resumes: SaleKey?
        public var closedAt: Timestamp?
        /// How long ago it was closed, where the caller is sure; what was read clearly later is not its card.
        public var closedAgo: Duration?
        /// The caller knows this document: keys E or N of the duplicate table have been seen, and it is no reused number.
        public var isRepeat: Bool

        public init(
            _ verb: TillEvent.SaleVerb,
            _ key: SaleKey,
            hasLines: Bool = true,
            isTendered: Bool = false,
            tillCards: [Card] = [],
            removedTokens: [String] = [],
            resumes: SaleKey? = nil,
            closedAt: Timestamp? = nil,
            isRepeat: Bool = false
        ) {
            self.verb = verb
            self.key = key
            self.hasLines = hasLines
            self.isTendered = isTendered
            self.tillCards = tillCards
            self.removedTokens = removedTokens
            self.resumes = resumes
            self.closedAt = closedAt
            self.isRepeat = isRepeat
        }
    }

    public enum Input: Hashable, Sendable {
        /// A card was read at the lane's reader, or keyed in.
        case card(Card)
        /// The till read a card for the sale that it names.
        case cardOf(Card, uid: String)
        case refused(CardScan.Refusal)
        /// The till took a card off the basket; nil stands for whichever is on it.
        case cardRemoved(token: String?)
        case sale(SaleStep)
        /// A completed sale is on disk under this reference.
        case committed(reference: String, key: SaleKey, hadCard: Bool)
        case signoff
    }

    /// What the cashier and the till learn of a card.
    public struct Notice: Hashable, Sendable {
        /// The words of `card.scanned`.
        public enum Result: String, Hashable, Sendable {
            case attached, held, replaced, refused
            case addedToLastSale = "added_to_last_sale"
            case alreadyAttached = "already_attached"
        }

        public var result: Result
        /// Why it was refused: a `CardScan.Refusal`, or `first_card_kept`.
        public var code: String?
        /// The card that was presented.
        public var card: Card?
        /// Up to two lines of up to 20 characters; empty for no change.
        public var display: [String]
        /// Nil: no light, no tone.
        public var signal: TillAnswer.Signal?
        /// The till read the card, so the notice belongs into its answer; else it is pushed.
        public var isFromTill: Bool
    }

    /// A basket that was put aside at one register and goes on at another.
    public struct Baggage: Hashable, Sendable {
        var key: SaleKey
        var cards: PresentedCards
        var isSuspended: Bool
        var since: MonotonicTime
    }

    /// The sale ends, with this card or none.
    public struct Commit: Hashable, Sendable {
        public var key: SaleKey
        public var card: Card?
        /// Other cards that were presented for the same sale, in their order.
        public var others: [Card]
        /// The document came before; the card is the one that was decided then.
        public var isRepeat: Bool
        /// The card was read when payment had begun.
        public var isCardLate = false
    }

    public enum Action: Hashable, Sendable {
        case notice(Notice)
        case commit(Commit)
        /// Adds the card to a sale that is on disk without one.
        case attachToFinished(reference: String, card: Card)
    }
}
