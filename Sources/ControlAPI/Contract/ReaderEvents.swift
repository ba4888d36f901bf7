public import LoyaltyModel

/// What a reader did. One element of the answer to `GET /v1/readers/events`.
public struct ReaderEventReport: Hashable, Sendable, Codable {
    public enum Event: String, Sendable, Codable, CaseIterable {
        case connected, state, gone, scan
        /// Something that the operator should know of a reader that works; `problem` says what.
        case notice
        /// Scans that had begun came to nothing.
        case dropped
    }

    /// Counts all events since the daemon's start, from 1.
    public var number: Int
    public var time: Timestamp
    public var reader: ReaderID
    public var event: Event
    /// Maker and model of a reader that was connected.
    public var name: String?
    /// The state as a stable word, such as `ready` or `no_permission`.
    public var state: String?
    public var problem: String?
    public var remedy: String?
    /// `scanned` or `msr`.
    public var entry: String?
    public var symbology: String?
    /// Masked; only of cards that were taken.
    public var card: String?
    /// What the lane made of it, as in the till's `card.scanned`.
    public var result: String?
    /// Why it was refused.
    public var code: String?
    public var register: String?
    /// How many scans were dropped.
    public var count: Int?

    public init(time: Timestamp, reader: ReaderID, event: Event) {
        number = 0
        self.time = time
        self.reader = reader
        self.event = event
    }
}

/// The answer of `GET /v1/readers/events`: what happened behind an event, or nothing where the time was up.
public struct ReaderEventPage: Hashable, Sendable, Codable {
    /// Oldest first. Those that the daemon no longer has are missing: the numbers show it.
    public var events: [ReaderEventReport]
    /// What to ask for next: the number of the last event.
    public var last: Int

    public init(events: [ReaderEventReport], last: Int) {
        self.events = events
        self.last = last
    }
}

/// The body of `POST /v1/readers/signal`.
public struct ReaderSignalRequest: Hashable, Sendable, Codable {
    public var reader: ReaderID
    public var signal: TillAnswer.Signal

    public init(reader: ReaderID, signal: TillAnswer.Signal) {
        self.reader = reader
        self.signal = signal
    }
}
