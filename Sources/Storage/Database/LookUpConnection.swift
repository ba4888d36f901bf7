internal import GRDB
internal import LoyaltyModel
internal import Synchronization

/// The read connection of the lanes' thread: what a cashier waits for is looked up here and nowhere else.
///
/// It never waits behind a status query, as a connection out of the pool may, and its statements and pages stay warm. Work runs on the
/// caller's thread: going to another one and back takes longer than what is read.
final class LookUpConnection: Sendable {
    private let path: String
    private let queue: Mutex<DatabaseQueue?>

    /// - Throws: errors of SQLite.
    init(path: String) throws {
        self.path = path
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        configuration.label = "loyaltyd.lookup"
        queue = Mutex(try DatabaseQueue(path: path, configuration: configuration))
    }

    /// Reads within one snapshot, which ends with the work, so that the log can be written back.
    ///
    /// - Throws: errors of SQLite; `storage.failed` after `close`.
    func read<Value>(_ work: (Database) throws -> Value) throws -> Value { try open().read(work) }

    /// Reads rows by their keys, each statement for itself: beginning and ending a snapshot takes about as long as such a row.
    ///
    /// - Throws: as `read`.
    func readRows<Value>(_ work: (Database) throws -> Value) throws -> Value { try open().unsafeRead(work) }

    private func open() throws -> DatabaseQueue {
        // A closed connection of GRDB must not be used any more; one that is still used is closed behind its last reader.
        guard let queue = queue.withLock({ $0 }) else {
            throw LoyaltyError(.storageFailed, "the database is closed", at: Place(file: path))
        }
        return queue
    }

    func close() { queue.withLock { $0 = nil } }
}
