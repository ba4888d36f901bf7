import Synchronization

/// The latest events of all readers, and who waits for the next one.
public final class ReaderJournal: Sendable {
    private struct Content {
        var events: [ReaderEventReport] = []
        var last = 0
        var waiting: [Int: AsyncStream<Void>.Continuation] = [:]
        var nextWaiting = 0
    }

    /// So many events are kept.
    public static let capacity = 256

    private let content = Mutex(Content())
    private let sleep: @Sendable (Duration) async throws -> Void

    /// - Parameter sleep: waits; throws where the task is cancelled.
    public init(sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }) {
        self.sleep = sleep
    }

    /// Numbers the event and keeps it.
    public func note(_ event: ReaderEventReport) {
        let waiting = content.withLock { content in
            content.last += 1
            var event = event
            event.number = content.last
            if content.events.count >= Self.capacity { content.events.removeFirst() }
            content.events.append(event)
            return Array(content.waiting.values)
        }
        for continuation in waiting { continuation.yield() }
    }

    /// The events behind a number; where there are none yet, waits for one.
    ///
    /// - Parameters:
    ///   - number: nil: none of those that are there already, and the answer comes at once.
    ///   - patience: how long to wait.
    public func events(after number: Int?, patience: Duration) async -> ReaderEventPage {
        guard let number else { return ReaderEventPage(events: [], last: content.withLock(\.last)) }
        // Listens before it looks, lest an event falls in between.
        let changes = self.changes()
        let now = page(after: number)
        guard now.events.isEmpty, patience > .zero else { return now }
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { for await _ in changes { return } }
            tasks.addTask { [sleep] in try? await sleep(patience) }
            await tasks.next()
            tasks.cancelAll()
        }
        return page(after: number)
    }

    private func page(after number: Int) -> ReaderEventPage {
        content.withLock { content in
            // A number from before a restart: all that is there is new.
            let behind = number > content.last ? 0 : number
            return ReaderEventPage(events: content.events.filter { $0.number > behind }, last: content.last)
        }
    }

    private func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = content.withLock { content in
            content.nextWaiting += 1
            content.waiting[content.nextWaiting] = continuation
            return content.nextWaiting
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.content.withLock { $0.waiting.removeValue(forKey: id) }
        }
        return stream
    }
}
