internal import ControlAPI
internal import LoyaltyModel
internal import Synchronization

/// What the rooms have found wrong with themselves and a person should know, until it is over. Read by the status.
final class Concerns: Sendable {
    private let items = Mutex<[AttentionItem]>([])

    /// Keeps since when, where the same concern is raised again.
    func raise(_ code: String, _ message: String, remedy: String? = nil, at now: Timestamp) {
        items.withLock { items in
            if let index = items.firstIndex(where: { $0.code == code }) {
                items[index].message = message
                items[index].remedy = remedy
            } else {
                items.append(AttentionItem(code: code, message: message, remedy: remedy, since: now))
            }
        }
    }

    func clear(_ code: String) { items.withLock { $0.removeAll { $0.code == code } } }

    var all: [AttentionItem] { items.withLock { $0 } }
}
