import LoyaltyModel

/// Everything the simulated back end was given, each event once.
struct EventArchive {
    /// What became of one event of a batch.
    enum Reception: Hashable, Sendable {
        case stored
        case duplicate
        /// Known by this source and id, with other content: the sender changed an event after it was made.
        case conflict
    }

    private(set) var tally = EventTally()
    private var fingerprints: [ReceivedEvent.Identity: Int] = [:]
    private let file: RecordFile?
    private var lines: [UInt8] = []
    private let path: String?

    /// - Throws: `sim.file`; `sim.record` where the file holds lines that are no events.
    init(path: String? = nil, synchronize: Bool = false) throws(LoyaltyError) {
        self.path = path
        guard let path else {
            file = nil
            return
        }
        let (file, lines) = try RecordFile.open(path, synchronize: synchronize)
        self.file = file
        for (index, line) in lines.enumerated() {
            do {
                let event = try ReceivedEvent(text: Array(line))
                fingerprints[event.identity] = event.text.hashValue
                tally.count(event)
            } catch {
                throw LoyaltyError(
                    .simulatorRecord, "this line is no recorded event: \(error.message)",
                    at: Place(file: path, line: index + 1), remedy: "name another file, or remove the line")
            }
        }
    }

    /// Writes the new ones of these events down, in their order, and counts the others.
    ///
    /// - Throws: `sim.file`; then none of them is stored.
    mutating func store(_ events: [ReceivedEvent]) throws(LoyaltyError) -> [Reception] {
        var receptions: [Reception] = []
        var fresh: [ReceivedEvent] = []
        var added: [ReceivedEvent.Identity: Int] = [:]
        var bytes: [UInt8] = []
        for event in events {
            let fingerprint = event.text.hashValue
            if let old = fingerprints[event.identity] ?? added[event.identity] {
                receptions.append(old == fingerprint ? .duplicate : .conflict)
                continue
            }
            added[event.identity] = fingerprint
            bytes += event.text
            bytes.append(UInt8(ascii: "\n"))
            fresh.append(event)
            receptions.append(.stored)
        }
        if !bytes.isEmpty {
            if let file { try file.append(bytes) } else { lines += bytes }
        }
        fingerprints.merge(added) { old, _ in old }
        for event in fresh { tally.count(event) }
        for reception in receptions { tally.count(reception) }
        return receptions
    }

    mutating func countBatch() { tally.batches += 1 }

    /// The recorded events, one line each, in the order they came. - Throws: `sim.file`.
    func recorded() throws(LoyaltyError) -> [UInt8] {
        guard let path else { return lines }
        return try readFile(path)
    }
}

/// Counts over all events since the record file was begun; batches and repeats since the program was started.
struct EventTally: Sendable {
    private struct Stream: Hashable {
        var terminal: Substring
        var member: String
    }

    private struct Span {
        var first: Int64
        var last: Int64
        var count: Int64
    }

    private(set) var events = 0
    private(set) var duplicates = 0
    private(set) var conflicts = 0
    /// Events that came after one of the same member and terminal with a higher `seq`.
    private(set) var outOfOrder = 0
    var batches = 0
    private(set) var kinds: [String: Int] = [:]
    /// Sums of `data.points[].total` by currency; nil where a sum does not fit.
    private(set) var points: [String: DecimalNumber?] = [:]
    private var lastSequence: [Stream: Int64] = [:]
    private var spans: [Substring: Span] = [:]

    /// Sum over all currencies; nil where it does not fit.
    var pointsTotal: DecimalNumber? {
        var sum = DecimalNumber.zero
        for value in points.values {
            guard let value, let next = try? sum.adding(value) else { return nil }
            sum = next
        }
        return sum
    }

    /// Sequence numbers that are missing between the lowest and the highest that came, over all terminals.
    var missing: Int64 { spans.values.reduce(0) { $0 &+ ($1.last &- $1.first &+ 1 &- $1.count) } }

    mutating func count(_ event: ReceivedEvent) {
        events += 1
        kinds[event.payload.kind ?? "unknown", default: 0] += 1
        for accrual in event.payload.points ?? [] {
            let currency = accrual.currency ?? "points"
            let sum = points[currency] ?? .zero
            points[currency] = .some(sum.flatMap { try? $0.adding(accrual.total) })
        }
        guard let sequence = event.payload.seq else { return }
        // An id is the terminal's name, a point, and a hash.
        let id = event.identity.id
        let terminal = id[..<(id.lastIndex(of: ".") ?? id.endIndex)]
        let stream = Stream(terminal: terminal, member: event.member)
        if let last = lastSequence[stream], last > sequence { outOfOrder += 1 }
        lastSequence[stream] = max(lastSequence[stream] ?? sequence, sequence)
        var span = spans[terminal] ?? Span(first: sequence, last: sequence, count: 0)
        span.first = min(span.first, sequence)
        span.last = max(span.last, sequence)
        span.count += 1
        spans[terminal] = span
    }

    mutating func count(_ reception: EventArchive.Reception) {
        switch reception {
        case .stored: break
        case .duplicate: duplicates += 1
        case .conflict: conflicts += 1
        }
    }
}
