internal import LoyaltyModel
internal import TillFeed

/// Answers to events that moved a lane and are stored nowhere. A till that got none sends the same line again, and by then the
/// lane may serve the next customer: it gets the answer of the first time.
struct RecentEvents {
    private struct Known {
        /// Of the whole event: a till that uses an id again for something else means something else.
        var content: Int
        var answer: TillAnswer
    }

    /// Enough for some minutes of a store, in which each line of each basket is an event.
    private var known = BoundedMemory<EventIdentity, Known>(capacity: 8192)
    /// By their hashes: the lines themselves would take megabytes.
    private var problems = BoundedMemory<Int, Bool>(capacity: 256)

    /// The answer that the event got, as one to a duplicate; nil where it is new.
    func answer(to event: TillEvent) -> TillAnswer? {
        guard let known = known[event.identity], known.content == event.hashValue else { return nil }
        var answer = known.answer
        if answer.result == .accepted { answer.result = .duplicate }
        return answer
    }

    mutating func remember(_ event: TillEvent, _ answer: TillAnswer) {
        known.remember(Known(content: event.hashValue, answer: answer), for: event.identity)
    }

    /// True where the same line, or the same document wherever it stood, was refused a short while ago. Of documents that say nothing of
    /// themselves nobody knows: each counts, as a card that is sent away costs less than one that goes to the next customer.
    mutating func isRepeat(_ problem: TillLineProblem) -> Bool {
        var problem = problem
        if problem.content != nil {
            problem.error.place = nil
            problem.redactedLine = ""
        } else if problem.isDocument {
            return false
        }
        let content = problem.hashValue
        if problems[content] != nil { return true }
        problems.remember(true, for: content)
        return false
    }
}
