import FoundationEssentials
import Glibc

/// `loyaltysim upstream` as a program, and its record as it grows.
struct BackEndProcess: Sendable {
    let process: ChildProcess
    let url: String
    let port: UInt16

    struct Summary: Decodable, Sendable {
        var events: Int
        var duplicates: Int
        var conflicts: Int
        var outOfOrder: Int
        var missing: Int
        var batches: Int
        var points: String?
        var kinds: [String: Int]
        var faultsInjected: [String: Int]

        private enum CodingKeys: String, CodingKey {
            case events, duplicates, conflicts, missing, batches, points, kinds
            case outOfOrder = "out_of_order"
            case faultsInjected = "faults_injected"
        }
    }

    func summary() async throws -> Summary { try decoded(try await http("GET", port: port, "/summary").text) }

    func setFaults(_ faults: [String]) async throws {
        let list = faults.map { "\"\($0)\"" }.joined(separator: ",")
        let answer = try await http("POST", port: port, "/faults", body: "{\"faults\":[\(list)]}")
        guard answer.status == 200 else { throw BenchError(answer.text) }
    }
}

/// One line of the record.
struct RecordedEvent: Decodable, Sendable {
    struct Payload: Decodable, Sendable {
        struct SalePart: Decodable, Sendable { var number: String }
        struct PointsPart: Decodable, Sendable { var total: String }
        struct CardPart: Decodable, Sendable { var number: String }
        var seq: Int
        var kind: String
        var member: String?
        var sale: SalePart?
        var points: [PointsPart]
        var card: CardPart?
    }

    var id: String
    var source: String
    var data: Payload

    var total: Int { data.points.reduce(0) { $0 + (Int($1.total) ?? .min / 1000) } }
}

extension Bench {
    /// - Parameter port: 0 for a free one; that of an ended back end to begin it again, with the same record.
    func startBackEnd(port: UInt16 = 0, faults: [String] = [], token: String? = nil) async throws -> BackEndProcess {
        var arguments = ["upstream", "--listen", "127.0.0.1:\(port)", "--record", recordFile]
        for fault in faults { arguments += ["--fault", fault] }
        if let token { arguments += ["--token-file", token] }
        let process = try spawn("loyaltysim", arguments)
        let line = try await process.output.line(containing: "listening on ")
        let url = String(line.dropFirst("listening on ".count))
        guard let port = url.split(separator: ":").last.flatMap({ UInt16($0) }) else { throw BenchError(line) }
        return BackEndProcess(process: process, url: url, port: port)
    }

    /// The record, followed as it grows. The back end writes an event down before it answers.
    func followRecord() throws -> LineFeed {
        let feed = LineFeed("record")
        if !FileManager.default.fileExists(atPath: recordFile) { try write("record.ndjson", "") }
        let watch = inotify_init1(Int32(O_CLOEXEC))
        let file = open(recordFile, O_RDONLY | O_CLOEXEC)
        guard watch >= 0, file >= 0, inotify_add_watch(watch, recordFile, UInt32(IN_MODIFY | IN_ATTRIB)) >= 0 else {
            throw BenchError("the record cannot be watched")
        }
        onThread {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                // The end of the bench removes the file, which is a change of its attributes.
                var count = read(file, &buffer, buffer.count)
                while count > 0 {
                    feed.append(buffer[..<count])
                    count = read(file, &buffer, buffer.count)
                }
                var status = stat()
                guard fstat(file, &status) == 0, status.st_nlink > 0, read(watch, &buffer, buffer.count) > 0 else {
                    break
                }
            }
            close(file)
            close(watch)
            feed.end()
        }
        return feed
    }
}

extension LineFeed {
    func events() throws -> [RecordedEvent] { try lines.map { try decoded($0) } }
}
