public import CardReading
public import LoyaltyModel
import Synchronization

/// Where a recording gets the reports of a reader, beside the scan path and without ever holding it up.
///
/// What goes through here is raw: it may be a payment card. Hand it to `RecordingSession` and nowhere else.
public final class ReaderTap: Sendable {
    /// A reader as a recording has to know it.
    public struct Interface: Sendable {
        public let reader: ReaderDescription
        public let facts: InterfaceFacts
        public let options: ReaderOptions

        public init(reader: ReaderDescription, facts: InterfaceFacts, options: ReaderOptions) {
            self.reader = reader
            self.facts = facts
            self.options = options
        }
    }

    public enum Event: Sendable {
        /// One whole report, its ID included.
        case report([UInt8], at: MonotonicTime)
        /// So many reports came faster than they were taken.
        case missed(Int)
        /// The reader was unplugged, or lost its connection: half a scan goes no further.
        case interrupted
        /// Somebody called `wake`.
        case woken
    }

    /// The reports of one reader, from when it was asked for them.
    public struct Opening: Sendable {
        public let interface: Interface
        /// Ends only where whoever listens stops.
        public let events: AsyncStream<Event>
        /// Puts `woken` among the events.
        public let wake: @Sendable () -> Void
    }

    private struct Listener {
        var reader: ReaderID
        var continuation: AsyncStream<Event>.Continuation
        var missed = 0
    }

    private struct State {
        var interfaces: [ReaderID: Interface] = [:]
        var listeners: [Int: Listener] = [:]
        var next = 0
    }

    /// So many reports wait; more are counted and dropped.
    public static let capacity = 1024

    private let state = Mutex(State())
    /// So that the scan path asks for no lock while nobody records.
    private let listening = Atomic(0)

    public init() {}

    /// The reports of a reader from now on.
    ///
    /// - Returns: nil where there is no such reader, or nothing reads it.
    public func open(_ id: ReaderID) -> Opening? {
        let (events, continuation) = AsyncStream.makeStream(
            of: Event.self, bufferingPolicy: .bufferingOldest(Self.capacity))
        let opened = state.withLock { state -> (Int, Interface)? in
            guard let interface = state.interfaces[id] else { return nil }
            state.next += 1
            state.listeners[state.next] = Listener(reader: id, continuation: continuation)
            listening.store(state.listeners.count, ordering: .relaxed)
            return (state.next, interface)
        }
        guard let (number, interface) = opened else { return nil }
        continuation.onTermination = { [weak self] _ in
            guard let self else { return }
            self.state.withLock { state in
                state.listeners[number] = nil
                self.listening.store(state.listeners.count, ordering: .relaxed)
            }
        }
        return Opening(interface: interface, events: events) { continuation.yield(.woken) }
    }

    /// A reader whose interface is understood.
    func announce(_ interface: Interface) { state.withLock { $0.interfaces[interface.reader.id] = interface } }

    func withdraw(_ id: ReaderID) {
        interrupt(id)
        state.withLock { _ = $0.interfaces.removeValue(forKey: id) }
    }

    func interrupt(_ id: ReaderID) {
        guard listening.load(ordering: .relaxed) > 0 else { return }
        send(.interrupted, of: id)
    }

    /// Called on the scan path.
    func note(_ report: [UInt8], of id: ReaderID, at instant: MonotonicTime) {
        guard listening.load(ordering: .relaxed) > 0 else { return }
        send(.report(report, at: instant), of: id)
    }

    private func send(_ event: Event, of id: ReaderID) {
        state.withLock { state in
            for number in state.listeners.keys where state.listeners[number]?.reader == id {
                guard var listener = state.listeners[number] else { continue }
                if listener.missed > 0, case .enqueued = listener.continuation.yield(.missed(listener.missed)) {
                    listener.missed = 0
                }
                if case .dropped = listener.continuation.yield(event) { listener.missed += 1 }
                state.listeners[number] = listener
            }
        }
    }
}
