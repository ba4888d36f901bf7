internal import LoyaltyModel
internal import TillFeed

/// Answers to events that moved a lane and are stored nowhere. A till that got none sends the same line again, and by then the
/// lane may serve the next customer: it gets the answer of the first time.
struct RecentEvents {
    /// Enough for some minutes of a store, in which each line of each basket is an event.
    private static let capacity = 8192

    private struct Known {
        /// Of the whole event: a till that uses an id again for something else means something else.
        var content: Int
        var answer: TillAnswer
    }

    private var known: [EventIdentity: Known] = [:]
    private var order: [EventIdentity] = []

    /// The answer that the event got, as one to a duplicate; nil where it is new.
    func answer(to event: TillEvent) -> TillAnswer? {
        guard let known = known[event.identity], known.content == event.hashValue else { return nil }
        var answer = known.answer
        if answer.result == .accepted { answer.result = .duplicate }
        return answer
    }

    private var problems: [Int] = []

    /// True where the same line was refused a short while ago.
    mutating func isRepeat(_ problem: TillLineProblem) -> Bool {
        let content = problem.hashValue
        if problems.contains(content) { return true }
        problems.append(content)
        if problems.count > 256 { problems.removeFirst(128) }
        return false
    }

    mutating func remember(_ event: TillEvent, _ answer: TillAnswer) {
        if known.updateValue(Known(content: event.hashValue, answer: answer), forKey: event.identity) == nil {
            order.append(event.identity)
        }
        guard order.count > Self.capacity else { return }
        for old in order.prefix(Self.capacity / 2) { known[old] = nil }
        order.removeFirst(Self.capacity / 2)
    }
}
