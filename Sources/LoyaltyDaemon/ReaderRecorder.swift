internal import CardReading
internal import ControlAPI
internal import Dispatch
internal import Logging
internal import LoyaltyModel
internal import ReaderCaptures
internal import Synchronization
internal import USBReaders

/// Recordings of what readers send, made beside the scan path: `RecordingSession` decides what may leave the process.
final class ReaderRecorder: Sendable {
    /// More than anybody needs, and little enough to be harmless.
    static let mostRecordings = 4
    /// So many lines wait for a client that does not read; more are counted and dropped.
    static let mostLines = 4096
    private static let heartbeat = Duration.seconds(2)

    private let tap: ReaderTap
    private let classifier: @Sendable () -> CardClassifier
    private let clock: any LoyaltyClock
    private let log: Logger
    private let key: @Sendable () -> (UInt64, UInt64)
    private let sleep: @Sendable (Duration) async throws -> Void
    private let running = Atomic(0)
    /// To judge a burst takes many trial readings: one core at most, and none that the scan path's tasks wait for.
    private let queue = DispatchQueue(label: "loyaltyd.recording", qos: .utility)

    /// - Parameters:
    ///   - key: unguessable, and another one each time.
    ///   - sleep: waits by the clock; throws where the task is cancelled.
    init(
        _ tap: ReaderTap, classifier: @escaping @Sendable () -> CardClassifier, clock: any LoyaltyClock, log: Logger,
        key: @escaping @Sendable () -> (UInt64, UInt64) = {
            var generator = SystemRandomNumberGenerator()
            return (generator.next(), generator.next())
        },
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        (self.tap, self.classifier, self.clock, self.log, self.key, self.sleep) = (
            tap, classifier, clock, log, key, sleep
        )
    }

    /// - Returns: nil where nothing reads that reader.
    /// - Throws: `control.too_many_recordings`
    func record(
        _ request: ReaderRecordingRequest, name: String
    ) throws(LoyaltyError) -> AsyncStream<ReaderRecordingLine?>? {
        guard let opening = tap.open(request.reader) else { return nil }
        let digits: RecordedDigits = request.keepsDigits ? .kept : .replaced
        let session = RecordingSession(
            opening.interface.facts, options: opening.interface.options, classifier: classifier(), digits: digits,
            key: key(), startingAt: clock.monotonic)
        guard let session else { return nil }
        guard running.add(1, ordering: .relaxed).newValue <= Self.mostRecordings else {
            running.subtract(1, ordering: .relaxed)
            throw LoyaltyError(
                .tooManyRecordings, "\(Self.mostRecordings) recordings are running already",
                remedy: "End one of them with Ctrl-C")
        }
        var details: Logger.Metadata = ["reader": "\(request.reader)", "digits": "\(digits.rawValue)"]
        details["uid"] = "\(request.userID.map(String.init) ?? "?")"
        log.notice("a reader is being recorded", metadata: details)
        return lines(opening, session, Self.device(opening.interface, session.kind, digits, name: name), details)
    }

    private func lines(
        _ opening: ReaderTap.Opening, _ session: RecordingSession, _ device: ReaderRecordingLine.Device,
        _ details: Logger.Metadata
    ) -> AsyncStream<ReaderRecordingLine?> {
        let (lines, continuation) = AsyncStream.makeStream(
            of: ReaderRecordingLine?.self, bufferingPolicy: .bufferingOldest(Self.mostLines))
        var head = ReaderRecordingLine()
        head.device = device
        continuation.yield(head)
        let (sleep, log) = (sleep, log)
        let heart = Task {
            while (try? await sleep(Self.heartbeat)) != nil { continuation.yield(nil) }
        }
        // What it does beside the scan path must not take its time.
        let work = Task(priority: .utility) {
            await run(opening, session, LineOutput(continuation))
            continuation.finish()
        }
        continuation.onTermination = { [weak self] _ in
            heart.cancel()
            work.cancel()
            self?.running.subtract(1, ordering: .relaxed)
            log.notice("the recording has ended", metadata: details)
        }
        return lines
    }

    private func run(_ opening: ReaderTap.Opening, _ session: RecordingSession, _ output: LineOutput) async {
        var session = session
        var output = output
        var alarm: (at: MonotonicTime, task: Task<Void, Never>)?
        for await event in opening.events {
            switch event {
            case .report(let bytes, let instant):
                // What lets go of the burst before is the slow part.
                if let deadline = session.deadline, deadline <= instant {
                    output.put(await expire(&session, at: instant))
                }
                output.put(session.receive(bytes, at: instant))
            case .woken:
                alarm = nil
                output.put(await expire(&session, at: clock.monotonic))
            case .missed(let count): output.putMissed(count)
            case .interrupted:
                output.put(session.finish())
                output.putInterrupted()
            }
            // One alarm at a time: an earlier one than is needed only looks again.
            guard alarm == nil, let deadline = session.deadline else { continue }
            let wait = deadline.since(clock.monotonic) + .milliseconds(1)
            let (sleep, wake) = (sleep, opening.wake)
            alarm = (deadline, Task { if (try? await sleep(wait)) != nil { wake() } })
        }
        alarm?.task.cancel()
    }

    private func expire(_ session: inout RecordingSession, at instant: MonotonicTime) async -> [RecordedItem] {
        let before = session
        let (after, items) = await withCheckedContinuation { continuation in
            queue.async {
                var session = before
                let items = session.expire(at: instant)
                continuation.resume(returning: (session, items))
            }
        }
        session = after
        return items
    }

    private static func device(
        _ interface: ReaderTap.Interface, _ kind: ReaderProtocol, _ digits: RecordedDigits, name: String
    ) -> ReaderRecordingLine.Device {
        let facts = interface.facts
        var device = ReaderRecordingLine.Device(
            reader: interface.reader.id, name: name, kind: Capture.kind(of: kind), driver: kind.rawValue,
            digits: digits.rawValue)
        device.vid = hexadecimal(facts.vendorID >> 8) + hexadecimal(facts.vendorID & 0xff)
        device.pid = hexadecimal(facts.productID >> 8) + hexadecimal(facts.productID & 0xff)
        device.interface = Int(facts.interfaceNumber)
        device.interfaceClass = Int(facts.interfaceClass)
        device.interfaceSubclass = Int(facts.interfaceSubclass)
        device.packetSize = facts.inputPacketSize
        if !facts.reportDescriptor.isEmpty {
            device.reportDescriptorHex = facts.reportDescriptor.map { hexadecimal(UInt16($0)) }.joined()
        }
        if kind == .serial {
            let chip = SerialChip.find(vendorID: facts.vendorID, productID: facts.productID)
            device.adapter = (chip?.adapter ?? .cdcACM).rawValue
        }
        if kind == .keyboard || kind == .serial {
            device.setup.layout = kind == .keyboard ? interface.options.layout.name : nil
            device.setup.terminators = interface.options.terminators.map(\.rawValue).sorted()
            let (seconds, attoseconds) = interface.options.gap.components
            device.setup.gapMilliseconds = Int(clamping: seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
        }
        return device
    }

    /// Two digits.
    fileprivate static func hexadecimal(_ byte: UInt16) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}

/// Writes what happened as lines, and counts those that nobody took.
private struct LineOutput {
    private let continuation: AsyncStream<ReaderRecordingLine?>.Continuation
    private var missed = 0

    init(_ continuation: AsyncStream<ReaderRecordingLine?>.Continuation) { self.continuation = continuation }

    mutating func put(_ items: [RecordedItem]) {
        for item in items { put(Self.line(item)) }
    }

    mutating func putMissed(_ count: Int) {
        missed += count
        flushMissed()
    }

    mutating func putInterrupted() {
        var line = ReaderRecordingLine()
        line.interrupted = true
        put(line)
    }

    private mutating func put(_ line: ReaderRecordingLine) {
        flushMissed()
        if case .dropped = continuation.yield(line) { missed += 1 }
    }

    private mutating func flushMissed() {
        guard missed > 0 else { return }
        var line = ReaderRecordingLine()
        line.missed = missed
        if case .enqueued = continuation.yield(line) { missed = 0 }
    }

    private static func line(_ item: RecordedItem) -> ReaderRecordingLine {
        switch item {
        case .report(let time, let bytes):
            var line = ReaderRecordingLine(atMilliseconds: time)
            line.endpoint = "in"
            line.hex = bytes.map { ReaderRecorder.hexadecimal(UInt16($0)) }.joined()
            return line
        case .scan(let time, let scan):
            var line = ReaderRecordingLine(atMilliseconds: time)
            var shown = ReaderRecordingLine.Scan(
                text: scan.text, entry: scan.entry, outcome: scan.outcome, real: scan.hasRealDigits)
            (shown.symbology, shown.aim, shown.number) = (scan.symbology, scan.aim, scan.number)
            line.scan = shown
            return line
        case .half(let time):
            var line = ReaderRecordingLine(atMilliseconds: time)
            line.half = true
            return line
        case .withheld(let time, let reason):
            var line = ReaderRecordingLine(atMilliseconds: time)
            line.withheld = reason.rawValue
            return line
        }
    }
}
