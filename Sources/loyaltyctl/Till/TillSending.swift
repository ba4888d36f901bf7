import ControlAPI
import Glibc
import LoyaltyModel
import TillFeed

/// Sends the lines of a file and takes their answers, with a bounded number of them under way.
struct TillSending {
    struct Summary: Encodable {
        var sent = 0
        var answered = 0
        /// By result.
        var results: [String: Int] = [:]
        var seconds = 0.0
        /// What ended it early.
        var failure: LoyaltyError?

        var refused: Int { results["quarantined", default: 0] + results["rejected", default: 0] }

        private enum CodingKeys: String, CodingKey { case sent, answered, results, seconds }
    }

    /// As many as the daemon takes up at once, so that a file of any length needs little memory here.
    private static let mostUnderWay = 256

    let connection: TillConnection
    let source: MemberFileSource
    let pace: Int?
    let report: TillSendReport
    private var reader = LineReader(limit: TillEventDecoder.maximumLineLength)
    private var offset: Int64 = 0
    private var isAtEnd = false
    private var outgoing: ArraySlice<UInt8> = []
    /// Numbers in the file of the lines that are not answered.
    private var underWay: [Int] = []
    private var summary = Summary()

    init(connection: TillConnection, source: MemberFileSource, pace: Int?, report: TillSendReport) {
        self.connection = connection
        self.source = source
        self.pace = pace
        self.report = report
    }

    /// - Throws: what reading the file throws. What the connection does is in the summary.
    mutating func run() throws(LoyaltyError) -> Summary {
        let clock = ContinuousClock()
        let start = clock.now
        var hasFinished = false
        while true {
            let due = pace.map { clock.now >= start + .seconds(1) * Double(summary.sent) / Double($0) } ?? true
            if outgoing.isEmpty, due, !isAtEnd, underWay.count < Self.mostUnderWay { try fill() }
            if isAtEnd, outgoing.isEmpty {
                if underWay.isEmpty { break }
                if !hasFinished { connection.finishSending() }
                hasFinished = true
            }
            let isWaitingForPace = outgoing.isEmpty && !isAtEnd && underWay.count < Self.mostUnderWay
            let ready = connection.wait(toWrite: !outgoing.isEmpty, limit: isWaitingForPace ? 5 : 1000)
            do throws(LoyaltyError) {
                if ready.canWrite { outgoing = outgoing.dropFirst(try connection.send(outgoing)) }
                guard ready.canRead else { continue }
                guard let lines = try connection.lines() else { throw gone }
                for line in lines { take(line) }
            } catch {
                summary.failure = error
                break
            }
        }
        let (seconds, attoseconds) = (clock.now - start).components
        summary.seconds = Double(seconds) + Double(attoseconds / 1_000_000_000_000_000) / 1000
        return summary
    }

    private var gone: LoyaltyError {
        LoyaltyError(
            .tillConnection,
            "the daemon closed the connection with \(underWay.count) of \(summary.sent) lines unanswered",
            at: underWay.first.map { Place(file: source.name, line: $0) },
            remedy: "Send the file again: what was taken is not counted twice")
    }

    /// The next line; empty ones get no answer and are not sent.
    private mutating func fill() throws(LoyaltyError) {
        while true {
            if let line = try nextLine() {
                guard !line.bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) else { continue }
                outgoing = (line.bytes + [0x0A])[...]
                underWay.append(line.number)
                summary.sent += 1
                return
            }
            guard !isAtEnd else { return }
            let bytes = try source.chunk(at: offset)
            offset += Int64(bytes.count)
            if bytes.isEmpty {
                reader.finish()
                if let line = try nextLine() {
                    outgoing = (line.bytes + [0x0A])[...]
                    underWay.append(line.number)
                    summary.sent += 1
                } else {
                    isAtEnd = true
                }
                return
            }
            reader.append(bytes)
        }
    }

    private mutating func nextLine() throws(LoyaltyError) -> (number: Int, bytes: [UInt8])? {
        do { return try reader.next() } catch {
            var error = error
            error.place?.file = source.name
            throw error
        }
    }

    private mutating func take(_ line: [UInt8]) {
        guard let answer = try? ContractCoding.decode(TillAnswer.self, from: line) else {
            return report.notice(line)
        }
        let number = underWay.isEmpty ? nil : underWay.removeFirst()
        summary.answered += 1
        summary.results[answer.result.rawValue, default: 0] += 1
        report.answer(answer, line, number.map { Place(file: source.name, line: $0) })
    }
}
