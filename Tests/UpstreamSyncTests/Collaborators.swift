import FoundationEssentials
import LoyaltyModel
import Synchronization
import UpstreamSync

@testable import loyaltysim

/// A clock that stands still until a test moves it.
final class HandClock: LoyaltyClock {
    private let elapsed = Mutex<Int64>(0)
    let start: Timestamp

    init(start: Timestamp = Timestamp(microseconds: 1_790_000_000_000_000)) { self.start = start }

    var now: Timestamp { start.adding(microseconds: elapsed.withLock { $0 }) }
    var monotonic: MonotonicTime { MonotonicTime(nanoseconds: 1_000_000_000 + UInt64(elapsed.withLock { $0 }) * 1000) }
    var moment: DeliveryMachine.Moment { DeliveryMachine.Moment(wall: now, monotonic: monotonic) }

    func advance(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        elapsed.withLock { $0 += seconds * 1_000_000 + attoseconds / 1_000_000_000_000 }
    }
}

/// An outbox in memory, keyed by the event's subject as its member.
actor MemoryQueue: OutboundQueue {
    private struct Row {
        var event: OutboundEvent
        var notBefore: Timestamp?
        var outcome: DeliveryRecord.Outcome?
    }

    private var rows: [Row]
    private var waiters: [CheckedContinuation<Void, Never>] = []
    private(set) var records: [DeliveryRecord] = []
    /// How many of the next calls of `record` fail.
    private var failingRecords = 0

    init(_ events: [OutboundEvent]) { rows = events.map { Row(event: $0) } }

    func add(_ event: OutboundEvent) { rows.append(Row(event: event)) }

    func failNextRecords(_ count: Int) { failingRecords = count }

    func due(limit: Int, at now: Timestamp) -> [OutboundEvent] {
        var seen: Set<String?> = []
        var due: [OutboundEvent] = []
        for row in rows where row.outcome == nil && seen.insert(row.event.subject).inserted {
            if due.count < limit, row.notBefore.map({ $0 <= now }) ?? true { due.append(row.event) }
        }
        return due
    }

    func record(_ records: [DeliveryRecord]) throws {
        if failingRecords > 0 {
            failingRecords -= 1
            throw LoyaltyError(LoyaltyError.Code("test.disk", kind: .inputOutput), "the disk is full")
        }
        self.records += records
        for record in records {
            guard let index = rows.firstIndex(where: { $0.event.id == record.id && $0.outcome == nil }) else {
                continue
            }
            rows[index].event.attempts += 1
            if case .retry(let notBefore, _) = record.outcome {
                rows[index].notBefore = notBefore
            } else {
                rows[index].outcome = record.outcome
            }
        }
        if isDrained {
            for waiter in waiters { waiter.resume() }
            waiters = []
        }
    }

    func nextDue() -> Timestamp? { rows.lazy.filter { $0.outcome == nil }.compactMap(\.notBefore).min() }

    private var isDrained: Bool { rows.allSatisfy { $0.outcome != nil } }

    /// Returns once every event has found its end.
    func drained() async {
        guard !isDrained else { return }
        await withCheckedContinuation { waiters.append($0) }
    }

    var dead: [String] { rows.filter { if case .dead = $0.outcome { true } else { false } }.map(\.event.id) }
}

/// Event number `sequence` of one terminal, worth a quarter point more than its number.
func event(_ sequence: Int, member: String = "m1", card: CardNumber? = nil) -> OutboundEvent {
    let data =
        #"{"seq":\#(sequence),"kind":"accrual","member":"\#(member)","points":[{"currency":"points","total":"\#(sequence).25"}]}"#
    return OutboundEvent(
        id: "t-7f.\(sequence)", source: "/store/300/register/30001", type: "org.loyaltyd.transaction.accrual.v1",
        subject: "member/\(member)", time: Timestamp(microseconds: 1_790_000_000_000_000), data: Array(data.utf8),
        card: card)
}

/// Runs the simulated back end on a free port of the loopback for as long as the body takes.
func withBackEnd<Result: Sendable>(
    faults: [String] = [], record path: String? = nil, token: String? = nil,
    _ body: @Sendable (String, SimulatedBackEnd) async throws -> Result
) async throws -> Result {
    let server = SimulatedBackEnd(
        address: try ListenAddress("127.0.0.1:0"), archive: try EventArchive(path: path),
        faults: FaultPlan(try faults.map { try BackEndFault($0) }), token: token)
    let (urls, urlFound) = AsyncStream.makeStream(of: String.self)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run { urlFound.yield($0) } }
        var found: String?
        for await url in urls {
            found = url
            break
        }
        let result = try await body(found ?? "", server)
        group.cancelAll()
        return result
    }
}

func transport(to url: String, token: String? = nil) throws -> HTTPTransport {
    HTTPTransport(
        settings: .init(url: try UpstreamURL(url + "/events")), token: { () async throws(LoyaltyError) in token })
}

/// What stands in the record: id, sequence and member of every line, in order.
struct RecordedLine: Decodable {
    struct Payload: Decodable {
        struct Card: Decodable { var number: String }
        var seq: Int
        var member: String
        var card: Card?
    }

    var id: String
    var data: Payload

    static func all(_ bytes: [UInt8]) throws -> [RecordedLine] {
        try bytes.split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(RecordedLine.self, from: Data($0))
        }
    }
}

func removeFile(_ path: String) throws { try FileManager.default.removeItem(atPath: path) }
