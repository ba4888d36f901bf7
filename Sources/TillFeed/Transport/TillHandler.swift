public import LoyaltyModel

/// What stands behind a till connection: decides, commits, answers.
public protocol TillHandler: Sendable {
    /// Returns once the event has its place in the order (the lane is decided, the commit queued); the task ends with the answer.
    /// Events of one connection are submitted one after the other.
    func submit(_ event: TillEvent) async -> Task<TillAnswer, Never>

    /// Keeps a line that could not become an event; the task ends with the answer that names the problem.
    func quarantine(_ problem: TillLineProblem) async -> Task<TillAnswer, Never>

    /// How things are now, for a connection that has just subscribed.
    func presentNotices() async -> [TillNotice]
}

extension TillHandler {
    public func presentNotices() async -> [TillNotice] { [] }
}

/// Who is on the other end of a till connection.
public struct TillPeer: Hashable, Sendable {
    /// Rises by 1 with every connection.
    public var connection: Int
    /// From SO_PEERCRED, as the kernel knew them when the peer connected; nil where it did not tell.
    public var processID: Int32?
    public var userID: UInt32?
    public var groupID: UInt32?
}

/// What happened to a till connection, for the log.
public enum TillConnectionEvent: Hashable, Sendable {
    case opened(TillPeer)
    /// With how many lines were answered; the reason is nil where the peer closed or the server stopped.
    case closed(TillPeer, answered: Int, reason: String?)
    /// Too many connections are open.
    case turnedAway
}
