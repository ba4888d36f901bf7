import ControlAPI
import LoyaltyModel

/// Prints what a sent file came to.
struct TillSendReport {
    let isJSON: Bool
    let isQuiet: Bool

    func answer(_ answer: TillAnswer, _ line: [UInt8], _ place: Place?) {
        let isRefused = answer.result == .quarantined || answer.result == .rejected
        guard !isQuiet || isRefused else { return }
        Terminal.print(isJSON ? String(decoding: line, as: UTF8.self) : Self.text(answer, place))
    }

    /// What the daemon pushed in between.
    func notice(_ line: [UInt8]) {
        if isJSON, !isQuiet { Terminal.print(String(decoding: line, as: UTF8.self)) }
    }

    func finish(_ summary: TillSending.Summary) throws(LoyaltyError) {
        guard !isJSON else {
            return Terminal.print(String(decoding: try ContractCoding.encode(summary), as: UTF8.self))
        }
        let results = summary.results.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        let rate = summary.seconds > 0 ? Int(Double(summary.answered) / summary.seconds) : summary.answered
        Terminal.printError(
            Words.count(summary.sent, "event", "events")
                + " sent in \(summary.seconds) s, \(Words.grouped(rate)) a second: "
                + (results.isEmpty ? "no answer" : results.joined(separator: ", ")))
    }

    /// `e-1 accepted, sale s-t1-4, 12 points`.
    static func text(_ answer: TillAnswer, _ place: Place?) -> String {
        var text = answer.acknowledges.isEmpty ? place.map { "\($0)" } ?? "?" : answer.acknowledges
        text += " \(answer.result.rawValue)"
        if let code = answer.code, code != "live" { text += " (\(code))" }
        if let sale = answer.sale { text += ", sale \(sale)" }
        if let points = answer.points { text += ", \(points.earned) points" }
        if !answer.flags.isEmpty { text += ", " + answer.flags.joined(separator: ", ") }
        guard let message = answer.message else { return text }
        let column = answer.column.map { ", column \($0)" } ?? ""
        return text + "\n    \(place.map { "\($0)" } ?? "")\(column): \(message)"
    }
}
