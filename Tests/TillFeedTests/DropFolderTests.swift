import FoundationEssentials
import LoyaltyModel
import Synchronization
import Testing
import TillFeed

@Suite(.timeLimit(.minutes(5))) struct DropFolders {
    private let folder: URL
    private let reports = AsyncStream.makeStream(of: DropFolder.Report.self)

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "drop-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func drop(_ name: String, _ text: String) throws {
        let hidden = folder.appending(path: ".\(name)")
        try Data(text.utf8).write(to: hidden)
        try FileManager.default.moveItem(at: hidden, to: folder.appending(path: name))
    }

    private func files(_ sub: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: sub).path).sorted()
    }

    @Test func takesWhatIsThereAndWhatComes() async throws {
        try drop("b.ndjson", saleLine(id: "2") + "\n" + saleLine(id: "3"))
        try drop("a.ndjson", saleLine(id: "1") + "\n")
        try drop("half.ndjson.tmp", saleLine(id: "0"))
        let till = RecordingTill()
        let continuation = reports.continuation
        let dropFolder = try DropFolder(directory: folder.path, format: TillInputFormat(decoder), handler: till) {
            continuation.yield($0)
        }
        let running = Task { try await dropFolder.run() }
        var seen = reports.stream.makeAsyncIterator()
        #expect(await seen.next()?.file == "a.ndjson")
        #expect(await seen.next()?.answered == 2)
        try drop("a.ndjson", "{}\n" + saleLine(id: "4"))
        let bad = await seen.next()
        #expect(bad?.outcome == .failed)
        #expect(bad?.answered == 2)
        try drop("empty", "")
        #expect(await seen.next()?.outcome == .failed)
        running.cancel()
        try await running.value
        #expect(await till.ids == ["1", "2", "3", "4"])
        #expect(try files("processed") == ["a.ndjson", "b.ndjson"])
        #expect(try files("failed") == ["a.ndjson", "a.ndjson.reason.txt", "empty", "empty.reason.txt"])
        let reason = try String(contentsOf: folder.appending(path: "failed/a.ndjson.reason.txt"), encoding: .utf8)
        #expect(reason.contains("\"v\" is missing (till.missing_field)"))
        #expect(try files("").contains("half.ndjson.tmp"))
        try FileManager.default.removeItem(at: folder)
    }

    @Test func readsDocumentsOfADialect() async throws {
        let sample = TillDocuments.folder.appending(path: "poslog/framed-by-root.xml")
        try drop("day.xml", try String(contentsOf: sample, encoding: .utf8))
        let till = RecordingTill()
        let continuation = reports.continuation
        let format = try TillInputFormat(.poslog, try documentSettings(), decoder: decoder)
        let dropFolder = try DropFolder(directory: folder.path, format: format, handler: till) {
            continuation.yield($0)
        }
        let running = Task { try await dropFolder.run() }
        var seen = reports.stream.makeAsyncIterator()
        #expect(await seen.next()?.outcome == .processed)
        running.cancel()
        try await running.value
        #expect(await till.ids.count == 2)
        try FileManager.default.removeItem(at: folder)
    }
}
