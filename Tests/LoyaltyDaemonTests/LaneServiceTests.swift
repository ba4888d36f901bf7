import CardReading
import ControlAPI
import Foundation
import Logging
import LoyaltyModel
import Storage
import Synchronization
import Testing
import TillFeed
import USBReaders

@testable import LoyaltyDaemon

/// Time that passes when the test says so.
final class HandClock: LoyaltyClock {
    private let elapsed = Mutex<Int64>(0)
    private let error = Mutex<Int64>(0)
    private static let start = Timestamp(microseconds: 1_764_000_000_000_000)

    var now: Timestamp { Self.start.adding(seconds: elapsed.withLock { $0 } + error.withLock { $0 }) }
    var monotonic: MonotonicTime { MonotonicTime(nanoseconds: UInt64(elapsed.withLock { $0 } + 1) * 1_000_000_000) }
    func pass(seconds: Int64) { elapsed.withLock { $0 += seconds } }
    /// Wall time is ahead by this; the other time goes on.
    func set(aheadBy seconds: Int64) { error.withLock { $0 = seconds } }
}

/// What the lane asks of, and tells, the rest of the daemon.
final class Surroundings: Sendable {
    let usedBytes = Atomic<Int64>(0)
    let signals = Mutex<[TillAnswer.Signal]>([])
}

/// A lane with a real database, one reader and one member: card 2984000000018 belongs to m1.
final class Bench: Sendable {
    static let card = "2984000000018"
    private static let configuration = """
        [till]
        register = "1"
        [[card_scheme]]
        name = "club"
        prefix = "2984"
        length = 13
        check = "gs1"
        """

    let clock = HandClock()
    let database: LoyaltyDatabase
    let lanes: LaneService
    let surroundings = Surroundings()
    private let reader = ReaderDescription(vendorID: 0x05e0, productID: 0x1300, portPath: "1-1", interfaceNumber: 0)
    private let directory: URL
    private let classifier: CardClassifier
    private let settings: DaemonSettings
    private let rules: LaneService.Rules

    /// - Parameter more: of the configuration.
    init(_ more: String = "") async throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "lane-\(UUID().uuidString)")
        try LoyaltyDatabase.prepare(directory: directory.path)
        let file = directory.appending(path: "loyaltyd.toml")
        try Data((Self.configuration + "\n" + more).utf8).write(to: file)
        settings = try SettingsLoader(
            ProcessSetting(
                configurationFile: file.path, stateDirectory: directory.path, environment: [:], isRoot: false)
        ).load()
        rules = try RulesLoader(settings).load()
        classifier = rules.classifier
        database = try LoyaltyDatabase.open(
            directory: directory.path, key: try CardKey.loadOrCreate(directory.path + "/card.key"), now: clock.now
        ) { "t1" }
        let surroundings = surroundings
        lanes = LaneService(
            settings: settings, database: database, rules: rules, clock: clock,
            readers: ReaderRegister { _ in nil }, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            usedBytes: { surroundings.usedBytes.load(ordering: .relaxed) })
        await lanes.connect(
            LaneService.Outlets(
                notify: { _ in }, signal: { _, signal in surroundings.signals.withLock { $0.append(signal) } },
                wakeUpstream: {}))
        let member = Member(id: MemberID("m1"), status: .active)
        _ = try await MemberImport(database).apply(
            [.upsert(MemberRecord(member: member, cards: [try #require(CardNumber(Self.card))]))], generation: 1,
            snapshot: false)
        await lanes.receive(.connected(reader))
    }

    deinit {
        database.close()
        try? FileManager.default.removeItem(at: directory)
    }

    func fillDisk(_ isFull: Bool) { surroundings.usedBytes.store(isFull ? .max : 0, ordering: .relaxed) }

    var screening: CardScreening { CardScreening(classifier: classifier) }

    /// What a restart makes on the same database.
    func anotherLaneService() -> LaneService {
        LaneService(
            settings: settings, database: database, rules: rules, clock: clock,
            readers: ReaderRegister { _ in nil }, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// What the daemon does once a day.
    func purge() async throws {
        try await RetentionService(
            settings: settings, database: database, gate: StartGate([]), clock: clock,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ).purge()
    }

    func scan(_ text: String) async {
        await lanes.receive(.scan(reader.id, DecodedScan(text: Array(text.utf8), completedAt: clock.monotonic)))
    }

    /// A finished sale of 5.00 under this event id and number.
    func complete(_ number: Int) async throws -> TillAnswer {
        clock.pass(seconds: 1)
        let line = """
            {"v":1,"type":"sale.complete","id":"e-\(number)","source":"1/1","time":"2025-11-24T16:00:00Z","sale":{"uid":"u-\(number)",\
            "store":"1","register":"1","number":"\(number)","kind":"sale","state":"completed",\
            "closed_at":"2025-11-24T16:00:\(10 + number)Z","currency":"EUR","lines":[{"id":"1","kind":"item",\
            "code":{"value":"4711","scheme":"sku"},"qty":"1","uom":"ea","amount":"5.00"}],\
            "tenders":[{"kind":"cash","amount":"5.00"}],"totals":{"grand":"5.00"}}}
            """
        let decoder = TillEventDecoder(screening: CardScreening(classifier: classifier))
        return await lanes.submit(try decoder.decode(Array(line.utf8))).value
    }
}

@Suite struct LaneServiceTests {
    @Test func aScannedCardEarnsOnTheNextSaleAndOnNoOther() async throws {
        let bench = try await Bench()
        await bench.scan(Bench.card)
        let first = try await bench.complete(1)
        #expect(first.result == .accepted)
        #expect(first.member?.id == "m1")
        #expect(first.points?.earned.description == "5")
        #expect(try await bench.complete(2).member == nil)
    }

    /// The sale is over at the counter although it cannot be stored; its card must not wait for the next customer.
    @Test func aFullDiskDoesNotHandTheCardToTheNextCustomer() async throws {
        let bench = try await Bench()
        await bench.scan(Bench.card)
        bench.fillDisk(true)
        let refused = try await bench.complete(1)
        #expect(refused.result == .rejected)
        #expect(refused.code == "storage.disk_full")
        bench.fillDisk(false)
        let other = try await bench.complete(2)
        #expect(other.result == .accepted)
        #expect(other.member == nil)
        let again = try await bench.complete(1)
        #expect(again.result == .accepted)
        #expect(again.member?.id == "m1")
    }

    @Test func aSaleWithoutACardThatWasRefusedTakesNoCardWhenItComesAgain() async throws {
        let bench = try await Bench()
        bench.fillDisk(true)
        #expect(try await bench.complete(1).result == .rejected)
        bench.fillDisk(false)
        bench.clock.pass(seconds: 1000)
        await bench.scan(Bench.card)
        #expect(try await bench.complete(1).member == nil)
        #expect(try await bench.complete(2).member?.id == "m1")
    }

    @Test func whatIsStoredIsAnsweredAlthoughTheDiskIsFull() async throws {
        let bench = try await Bench()
        #expect(try await bench.complete(1).result == .accepted)
        bench.fillDisk(true)
        #expect(try await bench.complete(1).result == .duplicate)
        #expect(try await bench.complete(2).result == .rejected)
    }

    @Test func theReaderHearsWhatTheLaneDecided() async throws {
        let bench = try await Bench()
        await bench.scan(Bench.card)
        // Visa's published test number.
        await bench.scan("4111111111111111")
        #expect(bench.surroundings.signals.withLock { $0 } == [.ok, .no])
    }

    /// A till that invents a source and a register for every sale does not take all memory.
    @Test func registersWithoutEndAreForgotten() async throws {
        let bench = try await Bench()
        let decoder = TillEventDecoder(screening: CardScreening(classifier: try CardClassifier(schemes: [])))
        for number in 0..<1100 {
            let line = """
                {"v":1,"type":"sale.open","id":"e-\(number)","source":"s-\(number)","time":"2025-11-24T16:00:00Z","sale":{"store":"1",\
                "register":"r-\(number)","number":"1","kind":"sale","state":"open","currency":"EUR","lines":[],"totals":{"grand":"0"}}}
                """
            _ = await bench.lanes.submit(try decoder.decode(Array(line.utf8))).value
        }
        #expect(await bench.lanes.lanes.count <= 1024)
        #expect(await bench.lanes.registerOfSource.count <= 1024)
    }
}

@Suite struct MemberImportsTests {
    @Test func anImportThatWasBrokenOffLapses() async throws {
        let bench = try await Bench()
        let imports = MemberImports(bench.database, clock: bench.clock)
        let first = try await imports.begin(ImportBegin(kind: .delta))
        bench.clock.pass(seconds: 59)
        let busy = await #expect(throws: LoyaltyError.self) { try await imports.begin(ImportBegin(kind: .delta)) }
        #expect(busy?.code == .importBusy)
        bench.clock.pass(seconds: 2)
        let second = try await imports.begin(ImportBegin(kind: .delta))
        let gone = await #expect(throws: LoyaltyError.self) { try await imports.finish(first) }
        #expect(gone?.code == .importUnknownTicket)
        #expect(try await imports.finish(second).members == 1)
    }

    @Test func withoutAnotherItLapsesAfterFiveMinutes() async throws {
        let bench = try await Bench()
        let imports = MemberImports(bench.database, clock: bench.clock)
        let ticket = try await imports.begin(ImportBegin(kind: .snapshot))
        bench.clock.pass(seconds: 299)
        _ = try await imports.batch(ticket, ImportBatch(rows: []))
        bench.clock.pass(seconds: 301)
        let gone = await #expect(throws: LoyaltyError.self) { try await imports.finish(ticket) }
        #expect(gone?.code == .importUnknownTicket)
    }
}

@Suite struct RetentionServiceTests {
    private func sales(_ bench: Bench) async throws -> Int {
        try await SalesRegister(bench.database).recent(limit: 10).count
    }

    @Test func whatIsOldAndDeliveredGoesAndTheRestStays() async throws {
        let bench = try await Bench()
        await bench.scan(Bench.card)
        #expect(try await bench.complete(1).points?.earned.description == "5")
        #expect(try await bench.complete(2).result == .accepted)
        bench.clock.pass(seconds: 89 * 86_400)
        try await bench.purge()
        #expect(try await sales(bench) == 2)
        bench.clock.pass(seconds: 2 * 86_400)
        try await bench.purge()
        // The transaction of the first was never delivered.
        #expect(try await sales(bench) == 1)
    }
}

@Suite struct MissingEventsTests {
    private func heartbeat(_ number: Int, _ bench: Bench) async throws {
        let line = """
            {"v":1,"type":"control.heartbeat","id":"h-\(number)","seq":\(number),"source":"1/1","time":"2025-11-24T16:00:00Z"}
            """
        let decoder = TillEventDecoder(screening: bench.screening)
        _ = await bench.lanes.submit(try decoder.decode(Array(line.utf8))).value
    }

    private func missing(_ bench: Bench) async -> [ClosedRange<UInt64>]? {
        await bench.lanes.snapshot().sequences[SequenceKey(source: "1/1", epoch: "0")]?.missing
    }

    @Test func aGapIsSeenAlsoAcrossAStopAndClosesWhenTheEventsCome() async throws {
        let bench = try await Bench()
        for number in [7, 8, 11] { try await heartbeat(number, bench) }
        #expect(await missing(bench) == [9...10])
        try await bench.lanes.keepSequences()
        let next = bench.anotherLaneService()
        try await next.loadSequences()
        #expect(await next.snapshot().sequences[SequenceKey(source: "1/1", epoch: "0")]?.missing == [9...10])
        // Once only: after a crash the numbers of the last orderly stop would be wrong.
        #expect(try await Ledger(bench.database).takeSequences().value.isEmpty)
        for number in [9, 10] { try await heartbeat(number, bench) }
        #expect(await missing(bench) == [])
    }
}
