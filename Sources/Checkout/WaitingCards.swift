import LoyaltyModel

/// Cards that wait for the next basket, every reading with its time: a document that comes late may only have what was read before
/// it was closed.
struct WaitingCards: Sendable {
    private struct Reading {
        var card: Lane.Card
        var time: MonotonicTime
    }

    private static let maximumReadings = 16

    private var readings: [Reading] = []

    var isEmpty: Bool { readings.isEmpty }

    /// The card that was read last, which counts.
    var current: Lane.Card? { readings.last?.card }

    /// When a card was read last.
    var since: MonotonicTime? { readings.last?.time }

    mutating func offer(_ card: Lane.Card, at now: MonotonicTime) -> PresentedCards.Outcome {
        let previous = current
        if readings.count >= Self.maximumReadings { readings.removeFirst() }
        readings.append(Reading(card: card, time: now))
        guard let previous else { return .attached }
        return previous.token == card.token ? .same : .replaced
    }

    /// Gives up the cards in the order of their readings. - Parameter limit: nil for all, else those that were read until then.
    mutating func take(readUntil limit: MonotonicTime?) -> [Lane.Card] {
        let taken = limit.map { limit in readings.prefix { $0.time <= limit } } ?? readings[...]
        readings.removeFirst(taken.count)
        return taken.map(\.card)
    }
}
