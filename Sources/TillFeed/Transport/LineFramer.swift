import DataFormats
package import LoyaltyModel

/// One line, or one document, of a stream.
package enum TillFrame: Sendable, Hashable {
    /// Without its line end.
    case line([UInt8])
    /// The first bytes of a line that does not end within the limit; the rest was skipped.
    case overlong([UInt8])
    /// What an adapter made of a document.
    case event(TillEvent)
    /// A document that an adapter cannot read.
    case problem(TillLineProblem)
}

/// Cuts the stream of one connection into frames. Confined to whoever reads the connection.
package enum TillFramer {
    case lines(LineFramer)
    case documents(any TillDocumentReader)

    package mutating func append(_ bytes: some Collection<UInt8>) -> [TillFrame] {
        let framer = self
        // Nothing else may hold the framer while it appends: its partial line or document would be copied.
        self = .lines(LineFramer(limit: 0))
        switch consume framer {
        case .lines(var framer):
            defer { self = .lines(framer) }
            return framer.append(bytes)
        case .documents(var reader):
            defer { self = .documents(reader) }
            return reader.append(Array(bytes)).map(TillFrame.init)
        }
    }

    /// What stands between the last frame and the end of the stream.
    package mutating func finish() -> [TillFrame] {
        switch self {
        case .lines(var framer): return framer.finish().map { [$0] } ?? []
        case .documents(var reader): return reader.finish().map(TillFrame.init)
        }
    }
}

extension TillFrame {
    package init(_ document: ConvertedDocument) {
        switch document.outcome {
        case .event(let event): self = .event(event.event)
        case .problem(let problem): self = .problem(problem)
        }
    }
}

/// Cuts a stream of bytes at line feeds. A carriage return before the line feed goes too, and a byte order mark in front of the
/// line; blank lines are dropped.
///
/// Never holds more than the limit, whatever comes.
package struct LineFramer {
    private let limit: Int
    private var partial: [UInt8] = []
    /// The line has gone beyond the limit; the rest is dropped up to its line feed.
    private var isSkipping = false

    package init(limit: Int) { self.limit = limit }

    /// Takes the next bytes and gives every line that they complete.
    package mutating func append(_ bytes: some Collection<UInt8>) -> [TillFrame] {
        var frames: [TillFrame] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            take(rest[..<end])
            if let frame = complete() { frames.append(frame) }
            rest = rest[rest.index(after: end)...]
        }
        take(rest)
        return frames
    }

    /// The last line of a stream that ended without a line feed.
    package mutating func finish() -> TillFrame? { complete() }

    private mutating func take(_ bytes: some Collection<UInt8>) {
        guard !isSkipping, !bytes.isEmpty else { return }
        // One more than the limit, for a carriage return.
        guard partial.count + bytes.count <= limit + 1 else {
            partial.append(contentsOf: bytes.prefix(limit + 1 - partial.count))
            isSkipping = true
            return
        }
        partial.append(contentsOf: bytes)
    }

    private mutating func complete() -> TillFrame? {
        var line = partial
        partial = []
        defer { isSkipping = false }
        if isSkipping { return .overlong(line) }
        if line.first == 0xef { line = Array(line.withoutByteOrderMark()) }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        if line.count > limit { return .overlong(line) }
        return line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d } ? nil : .line(line)
    }
}
