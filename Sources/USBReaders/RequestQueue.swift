import CardReading

/// What waits to be sent to one reader, in order.
struct RequestQueue: Sendable {
    private var waiting: [SetupRequest] = []
    private var current: SetupRequest?

    /// More wait only where the reader does not take them; an answer that late is worth nothing.
    static let mostWaiting = 64

    /// Whether it waits or is under way.
    func contains(_ request: SetupRequest) -> Bool { current == request || waiting.contains(request) }

    /// Forgets what waits. An answer that is still to come belongs to nothing in the queue.
    mutating func replace(by requests: [SetupRequest]) {
        waiting = requests
        current = nil
    }

    mutating func append(_ requests: [SetupRequest]) {
        waiting += requests.prefix(max(Self.mostWaiting - waiting.count, 0))
    }

    /// The request to send now.
    mutating func next() -> SetupRequest? {
        current = waiting.isEmpty ? nil : waiting.removeFirst()
        return current
    }

    /// A question decides what follows it.
    mutating func ended(wasAnswered: Bool) {
        if case .ask(_, let ifAnswered, let ifRefused) = current {
            waiting = (wasAnswered ? ifAnswered : ifRefused) + waiting
        }
        current = nil
    }
}
