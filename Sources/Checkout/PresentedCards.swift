/// The cards that were presented for one basket: the one that counts, and the others.
struct PresentedCards: Hashable, Sendable {
    enum Outcome { case attached, same, replaced, firstKept }

    private static let maximumOthers = 8

    private(set) var current: Lane.Card?
    private(set) var others: [Lane.Card] = []
    /// Tokens that the till's snapshots have shown already.
    private var shownByTill: Set<String> = []
    /// Tokens that the till's snapshots have taken off, until they show them again.
    private var removedByTill: Set<String> = []

    init(_ card: Lane.Card? = nil) { current = card }

    var isEmpty: Bool { current == nil && others.isEmpty }

    /// The last card wins before tender, the first one after.
    mutating func offer(_ card: Lane.Card, isTendered: Bool) -> Outcome {
        guard let previous = current else {
            attach(card)
            return .attached
        }
        if previous.token == card.token { return .same }
        if isTendered {
            record(card)
            return .firstKept
        }
        attach(card)
        record(previous)
        return .replaced
    }

    /// True where the till shows the card for the first time.
    mutating func isNewFromTill(_ card: Lane.Card) -> Bool {
        removedByTill.remove(card.token)
        return shownByTill.count < 64 && shownByTill.insert(card.token).inserted
    }

    /// Takes off what the till no longer shows. Every snapshot says so again; a card that was read since stays.
    mutating func removeFromTill(token: String) {
        guard removedByTill.count < 64, removedByTill.insert(token).inserted else { return }
        shownByTill.remove(token)
        remove(token: token)
    }

    /// Takes the card off; nil takes whichever counts.
    mutating func remove(token: String?) {
        guard let current, token == nil || current.token == token else { return }
        shownByTill.remove(current.token)
        self.current = nil
        record(current)
    }

    private mutating func attach(_ card: Lane.Card) {
        current = card
        others.removeAll { $0.token == card.token }
    }

    private mutating func record(_ card: Lane.Card) {
        guard !others.contains(where: { $0.token == card.token }), others.count < Self.maximumOthers else { return }
        others.append(card)
    }
}
