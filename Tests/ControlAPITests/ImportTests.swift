import ControlAPI
import Glibc
import LoyaltyModel
import Synchronization
import Testing

@testable import loyaltyctl

/// What an import told, line by line.
private final class Notes: Sendable {
    private let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

private struct Run: Sendable {
    var result: ImportResult?
    var error: LoyaltyError?
    var notes: [String]
}

private func file(_ text: String) throws -> String {
    let path = temporaryDirectory() + "/members.csv"
    let stream = try #require(fopen(path, "w"))
    fputs(text, stream)
    fclose(stream)
    return path
}

private func run(
    _ text: String,
    on state: StoreState,
    kind: ImportBegin.Kind = .snapshot,
    skipsBadRows: Bool = false,
    force: Bool = false,
    batch: Int = 1000
) async throws -> Run {
    let path = try file(text)
    return try await withServer(state) { server in
        let notes = Notes()
        var task = MemberImport(
            source: try MemberFileSource(path: path),
            options: MemberImport.Options(
                format: .csv, kind: kind, skipsBadRows: skipsBadRows, force: force, batch: batch),
            client: server.client,
            isPaymentCard: { $0 == "4111111111111111" },
            report: { notes.add($0.replacing(path, with: "FILE")) })
        do { return Run(result: try await task.run(), notes: notes.all) } catch let error as LoyaltyError {
            return Run(error: error, notes: notes.all)
        }
    }
}

@Suite("Importing members")
struct ImportTests {
    private func store(_ members: Int = 0) async throws -> StoreState {
        let state = try StoreSample.store()
        for number in 0..<members {
            let card = try #require(CardNumber("8\(number)"))
            await state.put(MemberRecord(member: Member(id: MemberID("old\(number)")), cards: [card]))
        }
        return state
    }

    @Test("A snapshot goes over in batches and ends")
    func batches() async throws {
        let state = try await store()
        let text = "id,cards\n" + (1...25).map { "m\($0),70\($0)\n" }.joined()
        let run = try await run(text, on: state, batch: 10)
        #expect(run.result == ImportResult(kind: .snapshot, rows: 25, added: 25, members: 25))
        #expect(await state.batchCount == 3)
        #expect(run.notes.isEmpty)
    }

    @Test("With one bad row nothing is imported; 20 are named, the others counted, exit 65")
    func badRows() async throws {
        let state = try await store()
        let text = "id,cards\nm1,7001\n" + (1...23).map { "b\($0),kärte\n" }.joined()
        let run = try await run(text, on: state)
        #expect(run.error?.code == .importBadRows)
        #expect(run.error?.code.kind.rawValue == 65)
        #expect(run.notes.count == 21)
        #expect(run.notes.first?.hasPrefix("FILE:3:4: cards: ") == true)
        #expect(run.notes.last == "and 3 more bad rows")
        #expect(await state.members.isEmpty)
        #expect(await state.batchCount == 0)
    }

    @Test("With --skip-bad-rows the good ones go in, and nobody is removed on the word of an incomplete file")
    func skipping() async throws {
        let state = try await store(2)
        let text = "id,cards\nm1,7001\nm2,4111111111111111\n"
        let run = try await run(text, on: state, skipsBadRows: true)
        #expect(run.result == ImportResult(kind: .snapshot, rows: 2, added: 1, skipped: 1, members: 3))
        #expect(run.notes.count == 2)
        #expect(!run.notes.joined().contains("1111"))
        #expect(await !state.isImporting)
        let forced = try await ControlAPITests.run(text, on: state, skipsBadRows: true, force: true)
        #expect(
            forced.result == ImportResult(kind: .snapshot, rows: 2, unchanged: 1, removed: 2, skipped: 1, members: 1))
    }

    @Test("A row that only the daemon can refuse stops the import, and nobody is removed")
    func conflict() async throws {
        let state = try await store(1)
        let run = try await run("id,cards\nm1,80\nm2,7001\n", on: state)
        #expect(run.error?.code == .importBadRows)
        #expect(run.notes == ["FILE:2: cards: the card belongs to another member"])
        #expect(await state.members.keys.map(\.value).sorted() == ["m2", "old0"])
        #expect(await !state.isImporting)
    }

    @Test("A snapshot that would remove more than a fifth needs --force")
    func removals() async throws {
        let state = try await store(3)
        let refused = try await run("id\nm1\n", on: state)
        #expect(refused.error?.code == .importTooManyRemovals)
        let forced = try await run("id\nm1\n", on: state, force: true)
        #expect(forced.result?.removed == 3)
        #expect(await state.members.keys.map(\.value) == ["m1"])
    }

    @Test("A delta changes, deletes, and leaves the others")
    func delta() async throws {
        let state = try await store(2)
        let run = try await run("id,op\nold0,delete\nold1,\nm1,upsert\n", on: state, kind: .delta)
        #expect(run.result == ImportResult(kind: .delta, rows: 3, added: 1, changed: 1, removed: 1, members: 2))
    }

    @Test("An empty file is a mistake, not an order to forget everybody")
    func empty() async throws {
        let state = try await store(1)
        let run = try await run("id,cards\n", on: state, force: true)
        #expect(run.error?.code == .memberFileEmpty)
        #expect(await state.members.count == 1)
    }

    @Test("A file that is not there, and one that may not be read")
    func unreadable() {
        let missing = #expect(throws: LoyaltyError.self) { try MemberFileSource(path: "/nonexistent/members.csv") }
        #expect(missing?.code.kind.rawValue == 74)
        let directory = #expect(throws: LoyaltyError.self) { try MemberFileSource(path: "/tmp") }
        #expect(directory?.code.kind.rawValue == 74)
    }

    @Test("Progress tells rows, share and pace")
    func meter() {
        var meter = ImportMeter(verb: "Importing", size: 2_000)
        meter.rows = 48_000
        meter.bytes = 1_220
        #expect(meter.line(after: .seconds(2)) == "Importing  48 000 rows, 61 %, 24 000 rows/s")
        meter.size = 0
        #expect(meter.line(after: .zero) == "Importing  48 000 rows")
    }
}
