import CardReading
import LoyaltyModel
import ReaderCaptures
import Synchronization
import Testing
import USBReaders

@Suite("Captures in place of readers") struct CapturePlayerTests {
    private static let typed = """
        {"name": "wedge", "kind": "keyboard", "vid": "05e0", "pid": "1200", "cases": [
          {"id": "a", "keyboard_text": "2984000000012\\r"}, {"id": "facts"}, {"id": "half", "keyboard_text": "298"},
          {"id": "b", "keyboard_text": "2984000000029\\r"}]}
        """
    private static let decoded =
        #"{"kind": "decoded-text", "cases": [{"id": "a", "text_hex": "5d513154455354494e47"}]}"#

    private func player(_ files: String..., repeats: Bool = false) throws -> CapturePlayer {
        try CapturePlayer(
            files.map { (try Capture(json: Array($0.utf8)), ReaderOptions()) }, repeats: repeats)
    }

    /// Each event in a word, with the milliseconds since the start.
    private func words(_ player: CapturePlayer, until end: Int) -> [String] {
        var player = player
        let start = MonotonicTime(nanoseconds: 5_000_000_000)
        var words: [String] = []
        var now = start
        for _ in 0..<1000 {
            for event in player.advance(to: now) {
                words.append("\(now.since(start) / .milliseconds(1)) \(Self.word(event))".replacing(".0 ", with: " "))
            }
            guard let due = player.due, due <= start.adding(.milliseconds(end)) else { break }
            now = max(now, due)
        }
        return words
    }

    private static func word(_ event: ReaderEvent) -> String {
        switch event {
        case .connected(let reader): "\(reader.id) is \(reader.product ?? "?")"
        case .state(_, let state): state.word
        case .disconnected: "gone"
        case .scan(let id, let scan): "\(id) read \(String(decoding: scan.text, as: UTF8.self))"
        case .partialDropped(_, let count): "dropped \(count)"
        case .notice: "notice"
        }
    }

    @Test("One case a second, file after file, half scans dropped as from a device")
    func order() throws {
        // 13 digits and CR are 28 reports, 4 ms apart: the CR is pressed with the 27th, at 104 ms, and the case ends at 108. The
        // half scan begins a second later and ends with its 6th report at 20 ms; 80 ms of silence are the gap.
        #expect(
            try words(player(Self.typed, Self.decoded), until: 60_000) == [
                "0 usb-capture-1:0 is wedge", "0 ready", "0 usb-capture-2:0 is capture", "0 ready",
                "1104 usb-capture-1:0 read 2984000000012", "2208 dropped 1",
                "3232 usb-capture-1:0 read 2984000000029", "4236 usb-capture-2:0 read TESTING",
            ])
    }

    @Test("Recorded times are kept")
    func times() throws {
        let file = #"""
            {"kind": "keyboard", "cases": [{"id": "a", "at_ms": [0, 20, 50],
             "reports_hex": ["00001e0000000000", "0000000000000000", "0000280000000000"]}]}
            """#
        #expect(try words(player(file), until: 9000).last == "1050 usb-capture-1:0 read 1")
    }

    @Test("At the end it begins again where that is wanted, without making up for lost time")
    func rounds() throws {
        let once = try words(player(Self.decoded), until: 60_000).count { $0.contains(" read ") }
        #expect(once == 1)
        let rounds = try words(player(Self.decoded, repeats: true), until: 9500).count { $0.contains(" read ") }
        #expect(rounds == 5)
        var late = try player(Self.decoded, repeats: true)
        _ = late.advance(to: MonotonicTime(nanoseconds: 0))
        #expect(late.advance(to: MonotonicTime(nanoseconds: .max / 2)).count <= 1)
    }

    @Test("Nothing to play is no mistake; what nothing reads is one")
    func edges() throws {
        var empty = try CapturePlayer([], repeats: true)
        #expect(empty.advance(to: MonotonicTime(nanoseconds: 1)).isEmpty && empty.due == nil)
        #expect(throws: LoyaltyError.self) {
            try player(#"{"kind": "nothing-reads-this", "cases": [{"id": "a", "reports_hex": ["00"]}]}"#)
        }
    }

    @Test("The backend delivers what the player has, by the injected clock", .timeLimit(.minutes(5)))
    func backend() async throws {
        final class Shared: LoyaltyClock {
            let time = Mutex(MonotonicTime(nanoseconds: 0))
            var now: Timestamp { Timestamp(microseconds: 0) }
            var monotonic: MonotonicTime { time.withLock { $0 } }
        }
        let clock = Shared()
        let backend = CaptureReaderBackend(player: try player(Self.decoded), clock: clock) { wait in
            clock.time.withLock { $0 = $0.adding(wait) }
        }
        let (events, continuation) = AsyncStream.makeStream(of: ReaderEvent.self)
        try backend.start { continuation.yield($0) }
        for await event in events {
            guard case .scan(_, let scan) = event else { continue }
            #expect(scan.completedAt == MonotonicTime(nanoseconds: 1_000_000_000))
            break
        }
        backend.stop()
    }

    @Test("Other recordings take the place of those that play, whose readers go", .timeLimit(.minutes(5)))
    func replaced() async throws {
        struct Still: LoyaltyClock {
            var now: Timestamp { Timestamp(microseconds: 0) }
            var monotonic: MonotonicTime { MonotonicTime(nanoseconds: 0) }
        }
        // Time stands still, so that only the first events of a player come.
        let backend = CaptureReaderBackend(player: try player(Self.typed, Self.decoded), clock: Still()) { _ in
            try await Task.sleep(for: .seconds(3600))
        }
        let (events, continuation) = AsyncStream.makeStream(of: ReaderEvent.self)
        var incoming = events.makeAsyncIterator()
        func next(_ count: Int) async -> [String] {
            var words: [String] = []
            while words.count < count, let event = await incoming.next() { words.append(Self.word(event)) }
            return words
        }
        try backend.start { continuation.yield($0) }
        #expect(await next(4).count == 4)
        backend.replace(try player(Self.decoded))
        #expect(await next(4) == ["gone", "gone", "usb-capture-1:0 is capture", "ready"])
        backend.stop()
    }
}
