import DataFormats
import LoyaltyModel

extension LoyaltyError.Code {
    /// A line of NDJSON beyond the limit.
    static let lineTooLong = Self("ndjson.too_long", kind: .badData)
}

/// Cuts bytes into lines at LF; a CR before it goes too, and a byte order mark in front. Lines are bounded; one
/// that is too long is thrown once and skipped.
struct LineReader {
    static let longestLine = 65_536

    /// In bytes, without the line end.
    private let limit: Int

    private var pending: [UInt8] = []
    private var position = 0
    private var line = 0
    private var finished = false
    private var isSkipping = false

    init(limit: Int = Self.longestLine) { self.limit = limit }

    mutating func append(_ bytes: some Collection<UInt8>) {
        pending.removeSubrange(..<position)
        position = 0
        pending.append(contentsOf: bytes)
    }

    mutating func finish() { finished = true }

    /// The next whole line with its number; nil where more bytes are needed, or at the end.
    mutating func next() throws(LoyaltyError) -> (number: Int, bytes: [UInt8])? {
        while true {
            let rest = pending[position...]
            let end = rest.firstIndex(of: 0x0a)
            let content = rest[..<(end ?? rest.endIndex)]
            if end == nil, !finished {
                guard content.count > limit else { return nil }
                position = rest.endIndex
                guard !isSkipping else { return nil }
                isSkipping = true
                throw tooLong(line + 1)
            }
            guard end != nil || !content.isEmpty || isSkipping else { return nil }
            position = end.map { $0 + 1 } ?? rest.endIndex
            line += 1
            if isSkipping {
                isSkipping = false
                if end == nil { return nil }
                continue
            }
            guard content.count <= limit else { throw tooLong(line) }
            return (line, Array((content.last == 0x0d ? content.dropLast() : content).withoutByteOrderMark()))
        }
    }

    private func tooLong(_ line: Int) -> LoyaltyError {
        LoyaltyError(
            .lineTooLong,
            "the line is longer than \(limit) bytes",
            at: Place(line: line, column: limit + 1)
        )
    }
}
