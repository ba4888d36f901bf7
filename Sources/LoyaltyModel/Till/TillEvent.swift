/// One event of the till protocol: the envelope, and what is in it.
public struct TillEvent: Sendable, Hashable {
    public enum Content: Sendable, Hashable {
        case sale(SaleVerb, Sale)
        case card(CardVerb, PresentedCard?)
        case control(ControlVerb)
        /// `reward.query`: which rewards the holder of a card could have for a basket.
        case rewards(PresentedCard?, Sale?)
        /// `member.action`: something that earns and is no sale; `member.action_void` takes it back.
        case action(ActionVerb, LoyaltyAction, PresentedCard?)
        /// `member.update`: what the member tells at the counter.
        case member(MemberUpdate, PresentedCard)
    }

    /// By their full names.
    public enum ActionVerb: String, Sendable, Codable, CaseIterable {
        case take = "member.action"
        case void = "member.action_void"
    }

    /// The `sale.*` types. Raw values are the words behind the dot.
    public enum SaleVerb: String, Sendable, Codable, CaseIterable {
        case open, update, suspend, resume, tender, complete, cancel, void, `return`
    }

    /// `card.present`, `card.remove`, `member.query`, `points.query`, by their full names.
    public enum CardVerb: String, Sendable, Codable, CaseIterable {
        case present = "card.present"
        case remove = "card.remove"
        case memberQuery = "member.query"
        case pointsQuery = "points.query"
    }

    public enum ControlVerb: String, Sendable, Codable, CaseIterable {
        case signon, signoff, dayopen, dayclose, training, nosale, heartbeat, subscribe
    }

    public var identity: EventIdentity
    /// Rises by 1 per event of (source, epoch): shows gaps.
    public var sequence: UInt64?
    /// The till's clock.
    public var time: Timestamp
    public var businessDay: CalendarDate?
    public var training: Bool
    /// The till re-sends its journal: no beeps, no prompts.
    public var replay: Bool
    public var content: Content
    /// Cards that the till itself read, screened; nil values were refused and carry only the reason.
    public var cards: [PresentedCard]
    /// The basket that a `points.query` asks about; nil for the one at the counter.
    public var basket: Sale?
    /// What a `control.subscribe` wants to be told of.
    public var subscription: Set<TillNotice.Kind>?
    /// What an adapter noticed while it made the event, such as `totals_mismatch`; empty for native events.
    public var flags: [String] = []

    public init(
        identity: EventIdentity,
        sequence: UInt64? = nil,
        time: Timestamp,
        businessDay: CalendarDate? = nil,
        training: Bool = false,
        replay: Bool = false,
        content: Content,
        cards: [PresentedCard] = []
    ) {
        self.identity = identity
        self.sequence = sequence
        self.time = time
        self.businessDay = businessDay
        self.training = training
        self.replay = replay
        self.content = content
        self.cards = cards
    }
}

/// Key E of the duplicate table: unique for ever.
public struct EventIdentity: Hashable, Sendable, Codable {
    public var source: String
    /// Changes when the till's database is new.
    public var epoch: String
    public var id: String

    public init(source: String, epoch: String = "0", id: String) {
        self.source = source
        self.epoch = epoch
        self.id = id
    }
}

/// A card that the till read or that somebody keyed in.
public struct PresentedCard: Hashable, Sendable {
    public enum Value: Hashable, Sendable {
        /// Inside one of the configured card schemes, or an identifier of another kind.
        case number(CardNumber)
        /// Screened, but outside every scheme.
        case unclassified(CardNumber)
        /// A token this daemon gave out earlier, lower-case hex.
        case token(String)
        case refused(CardScan.Refusal)
    }

    public var value: Value
    public var kind: CardIdentifierKind
    public var entry: CardEntry
    /// The sale it is meant for, where the till says.
    public var saleUID: String?
    /// False where the till says that the card is no longer attached.
    public var active: Bool

    public init(
        value: Value,
        kind: CardIdentifierKind = .card,
        entry: CardEntry,
        saleUID: String? = nil,
        active: Bool = true
    ) {
        self.value = value
        self.kind = kind
        self.entry = entry
        self.saleUID = saleUID
        self.active = active
    }
}
