internal import LoyaltyModel
internal import Storage

/// What a lane decided about documents that could not be stored. The till sends them again, and by then the lane serves the
/// next customer, whose card must not go to them.
struct KeptCards {
    private struct Decision {
        /// Nil is the decision "no card".
        var card: CardAttachment?
        var isOfNewAlone: Bool
    }

    /// Enough for some weeks of one register with a full disk.
    private var decisions = BoundedMemory<EventIdentity, Decision>(capacity: 65_536)

    /// - Parameter isOfNewAlone: nobody could tell whether the document is new; it counts only if it is.
    mutating func keep(_ card: CardAttachment?, for document: EventIdentity, isOfNewAlone: Bool = false) {
        decisions.remember(Decision(card: card, isOfNewAlone: isOfNewAlone), for: document)
    }

    mutating func forget(_ document: EventIdentity) { decisions.forget(document) }

    /// Nil where nothing was decided; otherwise the card, or nil for none.
    func decision(for document: EventIdentity, isNew: Bool) -> CardAttachment?? {
        decisions[document].flatMap { $0.isOfNewAlone && !isNew ? nil : .some($0.card) }
    }
}

/// Numbers of cards that the cache does not know, between their scan and the commit of their sale: in memory alone.
struct UnknownNumbers {
    private static let capacity = 256

    private var numbers: [String: (number: CardNumber, readAt: MonotonicTime)] = [:]

    /// Where there are too many, the oldest goes.
    mutating func remember(_ number: CardNumber, for token: String, at now: MonotonicTime) {
        numbers[token] = (number, now)
        guard numbers.count > Self.capacity else { return }
        if let oldest = numbers.min(by: { $0.value.readAt < $1.value.readAt })?.key { numbers[oldest] = nil }
    }

    /// Where the card was read again since, it waits for its next sale already and stays.
    mutating func forget(_ token: String, readBefore moment: MonotonicTime) {
        if let entry = numbers[token], entry.readAt <= moment { numbers[token] = nil }
    }

    subscript(token: String) -> CardNumber? { numbers[token]?.number }
}

/// Lets one event at a time through, in the order of arrival, for an actor whose work has awaits in it.
///
/// Without it a scan could overtake, while the cache is asked for one of the two, the end of the sale before it, and its
/// card would go to another customer's sale.
struct Turnstile {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// False where the caller has to wait.
    mutating func enter() -> Bool {
        defer { isTaken = true }
        return !isTaken
    }

    mutating func wait(_ continuation: CheckedContinuation<Void, Never>) { waiting.append(continuation) }

    /// Hands the turn to whoever has waited longest.
    mutating func leave() {
        if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() }
    }
}
