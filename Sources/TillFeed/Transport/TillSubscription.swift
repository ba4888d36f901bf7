import LoyaltyModel
import Synchronization

/// What one connection is told of without asking each time.
final class TillSubscription: Sendable {
    private let kinds = Mutex(TillNotice.Kind.standard)
    private let send: @Sendable ([UInt8]) -> Void

    /// - Parameter send: returns at once, and drops the line where the till does not read.
    init(send: @escaping @Sendable ([UInt8]) -> Void) { self.send = send }

    func replace(by kinds: Set<TillNotice.Kind>) { self.kinds.withLock { $0 = kinds } }

    func wants(_ kind: TillNotice.Kind) -> Bool { kinds.withLock { $0.contains(kind) } }

    func push(_ notice: TillNotice) {
        guard wants(notice.kind), let line = AnswerLine(notice) else { return }
        send(line.bytes)
    }
}
