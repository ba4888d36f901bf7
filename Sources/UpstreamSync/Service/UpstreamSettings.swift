/// How delivery behaves towards one back end.
public struct UpstreamSettings: Hashable, Sendable {
    /// Most events in one request.
    public var batchSize = 100
    /// About the most bytes in one request; one event alone may be larger.
    public var batchBytes = 1_048_576
    /// The first ceiling of the backoff; it doubles with every failure up to `maximumBackoff`.
    public var minimumBackoff: Duration = .seconds(1)
    public var maximumBackoff: Duration = .seconds(15 * 60)
    /// The longest wait that a `Retry-After` can ask for.
    public var maximumRetryAfter: Duration = .seconds(60 * 60)
    /// The waits between the tries of an event that the back end rejects; one try more than waits, then it is dead.
    public var rejectionWaits: [Duration] = [.seconds(10 * 60), .seconds(50 * 60)]
    /// How often one event is tried while a person has to act (401, 403, redirects).
    public var probeInterval: Duration = .seconds(60)
    /// After an outage of five minutes or more, delivery of the backlog begins within this time, at random, so that not all
    /// terminals of a chain begin at once.
    public var reconnectSpread: Duration = .zero
    /// How long a batch in flight may still take when the service is stopped.
    public var drainDeadline: Duration = .seconds(5)

    public init() {}
}

/// A random number in the range: microseconds of a wait. Injected, so that a test decides.
public typealias Jitter = @Sendable (ClosedRange<Int64>) -> Int64
