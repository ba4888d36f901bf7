public import CardReading
public import LoyaltyModel
public import ReaderCaptures

/// Plays recordings as readers that are plugged in and read: one reader for each file, one case a second. Pure: instants in,
/// events out.
public struct CapturePlayer: Sendable {
    private struct Step: Sendable {
        enum Content: Sendable {
            /// A case begins: what was left of the one before counts for nothing.
            case decoder(ScanDecoder)
            case report([UInt8])
            case characters([UInt8])
        }

        var at: Duration
        var reader: Int
        var content: Content
    }

    private struct Reader: Sendable {
        var description: ReaderDescription
        var decoder: ScanDecoder?
        var reportedDrops = 0
    }

    /// From the end of a case to the next one; a second also counts as the length of a case.
    public static let interval = Duration.seconds(1)

    private var readers: [Reader]
    private let steps: [Step]
    private let length: Duration
    private let repeats: Bool
    private var next = 0
    private var start: MonotonicTime?
    private var isAnnounced = false
    private var played: [(ReaderID, [UInt8], MonotonicTime)] = []
    /// The readers whose reports can be recorded.
    public let interfaces: [ReaderTap.Interface]

    /// - Parameters:
    ///   - recordings: cases without bytes are left out.
    ///   - repeats: whether all of it begins again at its end.
    /// - Throws: `capture.no_decoder`, `capture.syntax`
    public init(
        _ recordings: [(capture: Capture, options: ReaderOptions)], repeats: Bool = false
    ) throws(LoyaltyError) {
        var readers: [Reader] = []
        var steps: [Step] = []
        var interfaces: [ReaderTap.Interface] = []
        var time = Self.interval
        for (index, (capture, options)) in recordings.enumerated() {
            let decoder = CaptureDecoder(capture, options: options)
            var kind: ReaderProtocol?
            for sample in capture.cases {
                guard let first = try Self.beginning(sample, decoder) else { continue }
                if case .decoder(let decoder) = first { kind = kind ?? decoder.kind }
                steps.append(Step(at: time, reader: index, content: first))
                let timeline = try decoder.timeline(sample)
                for (offset, report) in timeline {
                    steps.append(Step(at: time + offset, reader: index, content: .report(report)))
                }
                time += (timeline.last?.at ?? .zero) + Self.interval
            }
            let description = ReaderDescription(
                vendorID: capture.vendorID, productID: capture.productID, product: capture.name, kind: kind,
                portPath: Self.portPath(index), interfaceNumber: 0)
            readers.append(Reader(description: description))
            if let facts = try? decoder.facts() {
                interfaces.append(ReaderTap.Interface(reader: description, facts: facts, options: options))
            }
        }
        self.interfaces = interfaces
        self.readers = readers
        self.steps = steps
        self.repeats = repeats
        length = time
    }

    /// One for each file.
    var readerIDs: [ReaderID] { readers.map(\.description.id) }

    /// The place at which the reader of a file seems to be plugged in, counted from 0: `capture-1`.
    public static func portPath(_ index: Int) -> String { "capture-\(index + 1)" }

    /// nil for a case without bytes.
    private static func beginning(
        _ sample: Capture.Case, _ decoder: CaptureDecoder
    ) throws(LoyaltyError) -> Step.Content? {
        switch sample.payload {
        case .nothing: nil
        case .text(let characters): .characters(characters)
        case .reports, .typing: try decoder.decoder(for: sample.payload).map { .decoder($0) }
        }
    }

    /// When there is something to do: now, where it has not begun; nil at the end.
    public var due: MonotonicTime? {
        guard let start else { return MonotonicTime(nanoseconds: 0) }
        let step = steps.indices.contains(next) ? start.adding(steps[next].at) : nil
        return ([step] + readers.map(\.decoder?.deadline)).compactMap(\.self).min()
    }

    /// Does all that was due until now.
    public mutating func advance(to now: MonotonicTime) -> [ReaderEvent] {
        var events: [ReaderEvent] = []
        if start == nil {
            start = now
            for reader in readers {
                events += [.connected(reader.description), .state(reader.description.id, .ready)]
            }
        }
        // The clock may have leapt over any number of rounds: those are not made up for.
        for _ in 0...(steps.count * 2) {
            guard let due, due <= now else { break }
            expire(at: due, now, into: &events)
            guard let start, steps.indices.contains(next), start.adding(steps[next].at) <= due else { continue }
            play(steps[next], at: due, now, into: &events)
            next += 1
            if repeats, next == steps.count {
                next = 0
                self.start = now.adding(Self.interval)
            }
        }
        return events
    }

    /// The reports that were played since the last call.
    public mutating func takeReports() -> [(ReaderID, [UInt8], MonotonicTime)] {
        defer { played = [] }
        return played
    }

    private mutating func expire(at instant: MonotonicTime, _ now: MonotonicTime, into events: inout [ReaderEvent]) {
        for index in readers.indices {
            guard let deadline = readers[index].decoder?.deadline, deadline <= instant else { continue }
            deliver(readers[index].decoder?.expire(at: instant) ?? [], index, now, into: &events)
        }
    }

    private mutating func play(
        _ step: Step, at instant: MonotonicTime, _ now: MonotonicTime, into events: inout [ReaderEvent]
    ) {
        switch step.content {
        case .decoder(let decoder):
            readers[step.reader].decoder = decoder
            readers[step.reader].reportedDrops = 0
        case .report(let report):
            played.append((readers[step.reader].description.id, report, instant))
            deliver(
                readers[step.reader].decoder?.receive(report, at: instant) ?? [], step.reader, now, into: &events)
        case .characters(let characters):
            if let scan = try? DecodedScan(conforming: characters, completedAt: now) {
                deliver([scan], step.reader, now, into: &events)
            } else {
                events.append(.partialDropped(readers[step.reader].description.id, count: 1))
            }
        }
    }

    private mutating func deliver(
        _ scans: [DecodedScan], _ index: Int, _ now: MonotonicTime, into events: inout [ReaderEvent]
    ) {
        let id = readers[index].description.id
        for var scan in scans {
            // Answer times count from when it was played, not from when it should have been.
            scan.completedAt = now
            events.append(.scan(id, scan))
        }
        let drops = readers[index].decoder?.droppedPartialScans ?? 0
        guard drops > readers[index].reportedDrops else { return }
        events.append(.partialDropped(id, count: drops - readers[index].reportedDrops))
        readers[index].reportedDrops = drops
    }
}
