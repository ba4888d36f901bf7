import DataFormats
public import LoyaltyModel

/// A line that could not become an event.
public struct TillLineProblem: Error, Hashable, Sendable {
    /// The event's id; empty where it could not be read or may not be repeated.
    public var acknowledges: String
    public var error: LoyaltyError
    /// The line for the quarantine: card values replaced, runs of digits masked, at most 16 KiB.
    public var redactedLine: String
    /// The sale that the line would have ended; nil where that cannot be read.
    public var endedSale: EndedSale?
    /// It is a whole document of a till that sends finished sales, whose register may not have been readable.
    public var isDocument = false

    /// Tells what was refused from what only looks like it, as long as this process lives. A keyed hash, since a card number may have stood
    /// there; it is never written down.
    public var content: Int?

    /// A basket that is over at the counter, although its document could not be taken.
    public struct EndedSale: Hashable, Sendable {
        public var register: String
        public var number: String?
        public var uid: String?
    }

    /// The byte of the line, from 1, where the problem stands.
    public var column: Int? { error.place?.column }

    public init(
        acknowledges: String = "", error: LoyaltyError, redactedLine: String, endedSale: EndedSale? = nil,
        content: Int? = nil
    ) {
        self.endedSale = endedSale
        self.content = content
        self.acknowledges = acknowledges
        self.error = error
        self.redactedLine = redactedLine
    }

    /// The answer that tells the till.
    public func answer(_ result: TillAnswer.Result) -> TillAnswer {
        var message = error.message
        if let path = error.place?.path, !path.isEmpty { message = "\(path): \(message)" }
        // Of documents alone: a native line is one line.
        if let line = error.place?.line { message = "line \(line): \(message)" }
        if let remedy = error.remedy { message += ". \(remedy)" }
        return TillAnswer(
            acknowledges: acknowledges,
            result: result,
            code: error.code.name,
            message: message,
            column: column
        )
    }
}

/// Takes everything out of a refused line that could be a card, so that it may be kept for the integrator.
struct LineRedaction {
    static let limit = 16_384
    private static let mark = "…"
    /// Of the fields of a card these alone cannot hold its number.
    private static let harmlessCardFields: Set<String> = ["scheme", "entry", "active", "attached_at", "symbology"]

    private let screening: CardScreening

    init(_ screening: CardScreening) { self.screening = screening }

    func redacted(_ node: DataNode) -> String {
        var text = ""
        write(node, isCard: false, to: &text)
        return cut(text)
    }

    /// For a line that is not JSON: what stands behind `"value":` and `"token":` goes as a whole.
    func redacted(brokenLine line: [UInt8]) -> String {
        var bytes = Array(line.prefix(Self.limit * 4))
        if bytes.count < line.count {
            while let last = bytes.last, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(last) { bytes.removeLast() }
        }
        bytes = Self.withoutValues(of: "value", Self.withoutValues(of: "token", bytes))
        return cut(masked(String(decoding: bytes, as: UTF8.self)))
    }

    private func masked(_ text: String) -> String { screening.redacted(Self.withoutDigitRuns(text)) }

    private func cut(_ text: String) -> String {
        guard text.utf8.count > Self.limit else { return text }
        return String(decoding: text.utf8.prefix(Self.limit), as: UTF8.self) + Self.mark
    }

    private func write(_ node: DataNode, isCard: Bool, to text: inout String) {
        guard text.utf8.count <= Self.limit else { return }
        switch node.value {
        case .null: text += "null"
        case .boolean(let flag): text += flag ? "true" : "false"
        case .integer(let number): writeNumber(String(number), to: &text)
        case .decimal(let number): writeNumber(number, to: &text)
        case .string(let string): JSONText.append(masked(string), to: &text)
        case .date(let date): JSONText.append(date.description, to: &text)
        case .timestamp(let timestamp): JSONText.append(timestamp.description, to: &text)
        case .timeOfDay(let time): JSONText.append(time.description, to: &text)
        case .array(let nodes):
            text += "["
            for (index, node) in nodes.enumerated() {
                if index > 0 { text += "," }
                write(node, isCard: isCard, to: &text)
            }
            text += "]"
        case .table(let entries):
            text += "{"
            for (index, entry) in entries.enumerated() {
                if index > 0 { text += "," }
                JSONText.append(masked(entry.key), to: &text)
                text += ":"
                write(entry, isCard: isCard, to: &text)
            }
            text += "}"
        }
    }

    private func write(_ entry: DataNode.Entry, isCard: Bool, to text: inout String) {
        let isSecret =
            isCard ? !Self.harmlessCardFields.contains(entry.key) : entry.key == "value" || entry.key == "token"
        if isSecret {
            JSONText.append(Self.mark, to: &text)
        } else {
            write(entry.node, isCard: isCard || entry.key == "card" || entry.key == "members", to: &text)
        }
    }

    private func writeNumber(_ number: String, to text: inout String) {
        let masked = masked(number)
        if masked == number { text += number } else { JSONText.append(masked, to: &text) }
    }
}

extension LineRedaction {
    /// Replaces every run of eight digits or more, and groups of digits that blanks, hyphens or points join to twelve or more.
    /// Dates, times and amounts stay. A digit may be written as a JSON escape.
    static func withoutDigitRuns(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            guard digitLength(bytes, index) != nil else {
                result.append(bytes[index])
                index += 1
                continue
            }
            let end = runEnd(bytes, index)
            if end.isLong { result.append(contentsOf: mark.utf8) } else { result += bytes[index..<end.index] }
            index = end.index
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The end of the digits, joined groups included, that start here; the index is behind the last digit.
    private static func runEnd(_ bytes: [UInt8], _ start: Int) -> (index: Int, isLong: Bool) {
        var (index, end) = (start, start)
        var (digits, group, longestGroup) = (0, 0, 0)
        while index < bytes.count {
            if let length = digitLength(bytes, index) {
                digits += 1
                group += 1
                longestGroup = max(longestGroup, group)
                index += length
                end = index
            } else if group > 0, " -.".utf8.contains(bytes[index]) {
                group = 0
                index += 1
            } else {
                break
            }
        }
        return (end, longestGroup >= 8 || digits >= 12)
    }

    /// How many bytes the digit here takes: `7`, or `\u0037`.
    private static func digitLength(_ bytes: [UInt8], _ index: Int) -> Int? {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        if digits.contains(bytes[index]) { return 1 }
        guard bytes.count - index >= 6, bytes[index..<index + 5].elementsEqual("\\u003".utf8),
            digits.contains(bytes[index + 5])
        else { return nil }
        return 6
    }

    /// Empties every text or number behind `"key":`, up to its end or the end of the line.
    static func withoutValues(of key: String, _ bytes: [UInt8]) -> [UInt8] {
        let pattern = Array("\"\(key)\"".utf8)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            guard bytes[index...].starts(with: pattern) else {
                result.append(bytes[index])
                index += 1
                continue
            }
            result += pattern
            index += pattern.count
            while index < bytes.count, " \t:".utf8.contains(bytes[index]) {
                result.append(bytes[index])
                index += 1
            }
            while index < bytes.count, digitLength(bytes, index) != nil { index += 1 }
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { continue }
            result += Array("\"\(mark)".utf8)
            index += 1
            while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
            }
        }
        return result
    }
}
