/// One event of the outbox on its way to the back end. Its id and payload were made once, with the sale.
public struct OutboundEvent: Hashable, Sendable, Identifiable {
    public var id: String
    /// CloudEvents `source`: `/store/300/register/30001`.
    public var source: String
    /// CloudEvents `type`: `org.loyaltyd.transaction.accrual.v1`.
    public var type: String
    /// CloudEvents `subject`.
    public var subject: String?
    public var time: Timestamp
    /// The JSON object of CloudEvents `data`, UTF-8, without the card number.
    public var data: [UInt8]
    /// The number of a card that the cache does not know, unsealed for this delivery only.
    public var card: CardNumber?
    /// Deliveries tried so far.
    public var attempts: Int
    /// When it was first tried.
    public var firstTriedAt: Timestamp?

    public init(
        id: String,
        source: String,
        type: String,
        subject: String?,
        time: Timestamp,
        data: [UInt8],
        card: CardNumber? = nil,
        attempts: Int = 0,
        firstTriedAt: Timestamp? = nil
    ) {
        self.id = id
        self.source = source
        self.type = type
        self.subject = subject
        self.time = time
        self.data = data
        self.card = card
        self.attempts = attempts
        self.firstTriedAt = firstTriedAt
    }
}

/// What became of one event in one delivery; what the outbox is told.
public struct DeliveryRecord: Hashable, Sendable {
    public enum Outcome: Hashable, Sendable {
        /// The back end has it. The warning is one for the manager, such as "stored but not matched".
        case delivered(warning: String?)
        /// Try again, not before this time.
        case retry(notBefore: Timestamp, reason: String)
        /// Not deliverable without a person.
        case dead(reason: String)
    }

    public var id: String
    public var outcome: Outcome
    /// When the answer came.
    public var at: Timestamp

    public init(id: String, outcome: Outcome, at: Timestamp) {
        self.id = id
        self.outcome = outcome
        self.at = at
    }
}

/// The delivery side of the outbox, as UpstreamSync needs it.
public protocol OutboundQueue: Sendable {
    /// The oldest undelivered event of each member, oldest first, that is due: at most one per member, so that order per
    /// member holds whatever happens to a batch.
    func due(limit: Int, at now: Timestamp) async throws -> [OutboundEvent]
    /// Writes down what became of events, durably, before the next `due`.
    func record(_ records: [DeliveryRecord]) async throws
    /// When the next event that waits for a retry becomes due; nil where none waits.
    func nextDue() async throws -> Timestamp?
}
