import FoundationEssentials
import LoyaltyModel

/// What a till sent, what was answered, and how long that took.
struct TillTally: Sendable {
    typealias Instant = ContinuousClock.Instant

    private(set) var sent = 0
    private(set) var answered = 0
    /// Answers that belong to nothing that was sent.
    private(set) var stray = 0
    private(set) var results: [String: Int] = [:]
    private(set) var codes: [String: Int] = [:]
    private(set) var matched = 0
    /// Sum of what the answers say was earned, returns taken off; nil where it does not fit.
    private(set) var points: DecimalNumber? = .zero
    private var pending: [String: [Instant]] = [:]
    private var latencies: [Int64] = []

    var unanswered: Int { sent - answered }

    /// Notes a line that went out. A line whose id cannot be read is answered with an empty one.
    mutating func send(_ line: [UInt8], at instant: Instant) {
        sent += 1
        pending[Self.identifier(line), default: []].append(instant)
    }

    /// Notes a line that came in.
    ///
    /// - Returns: the answer, or nil for anything that is pushed unasked.
    /// - Throws: `sim.answer` for a line that is neither.
    @discardableResult
    mutating func receive(_ line: [UInt8], at instant: Instant) throws(LoyaltyError) -> TillAnswer? {
        guard let pushed = try? JSONDecoder().decode(Pushed.self, from: Data(line)) else {
            throw LoyaltyError(
                .simulatorAnswer, "this line is no answer: \(String(decoding: line.prefix(200), as: UTF8.self))")
        }
        guard pushed.type == nil else { return nil }
        let answer: TillAnswer
        do { answer = try JSONDecoder().decode(TillAnswer.self, from: Data(line)) } catch {
            throw LoyaltyError(
                .simulatorAnswer, "this answer breaks the protocol (\(error)): \(String(decoding: line, as: UTF8.self))"
            )
        }
        count(answer, at: instant)
        return answer
    }

    private mutating func count(_ answer: TillAnswer, at instant: Instant) {
        guard var waiting = pending[answer.acknowledges], !waiting.isEmpty else {
            stray += 1
            return
        }
        let start = waiting.removeFirst()
        pending[answer.acknowledges] = waiting
        answered += 1
        latencies.append((start.duration(to: instant)).microseconds)
        results[answer.result.rawValue, default: 0] += 1
        if let code = answer.code { codes[code, default: 0] += 1 }
        guard answer.result == .accepted else { return }
        if answer.member != nil { matched += 1 }
        if let earned = answer.points?.earned {
            points = points.flatMap { sum in
                (try? DecimalNumber(earned.description)).flatMap { try? sum.adding($0) }
            }
        }
    }

    /// The latency that a share of the answers stayed within, in microseconds; nil before the first answer.
    func latency(percent: Int) -> Int64? {
        guard !latencies.isEmpty else { return nil }
        let sorted = latencies.sorted()
        let rank = (sorted.count * percent + 99) / 100
        return sorted[min(max(rank, 1), sorted.count) - 1]
    }

    private struct Pushed: Decodable { var type: String? }

    private struct Identified: Decodable { var id: String? }

    static func identifier(_ line: [UInt8]) -> String {
        (try? JSONDecoder().decode(Identified.self, from: Data(line)))?.id ?? ""
    }
}

extension Duration {
    /// Whole microseconds.
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds &* 1_000_000 &+ attoseconds / 1_000_000_000_000
    }
}

extension LoyaltyError.Code {
    static let simulatorAnswer = Self("sim.answer", kind: .badData)
    static let simulatorUnanswered = Self("sim.unanswered", kind: .unavailable)
}
