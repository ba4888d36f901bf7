import LoyaltyModel
import Testing

@testable import USBReaders

/// What tells a reset from a quiet reader, and a busy machine from a slow reader.
@Suite struct EmptyReadsTests {
    /// Lengths of the reads of each round.
    private func isReset(_ rounds: [[Int]]) -> Bool {
        var reads = EmptyReads(readsInFlight: 4)
        var isReset = false
        for round in rounds {
            for length in round where reads.note(length) { isReset = true }
            reads.roundEnded()
        }
        return isReset
    }

    @Test("All reads of a round that end empty are a reset, also behind reads that brought data")
    func reset() {
        #expect(isReset([[0, 0, 0, 0]]))
        #expect(isReset([[8, 8], [8, 0, 0, 0]]))
        #expect(isReset([[8, 8, 0, 0]]))
    }

    @Test("Empty packets of the reader's own are none")
    func quiet() {
        #expect(!isReset([[0], [0], [0], [0]]))
        #expect(!isReset([[64, 64, 64, 0]]))
        #expect(!isReset([[0, 0, 64], [0, 0, 64]]))
        // A reader that is known to send them may send four while the thread sleeps.
        #expect(!isReset([[0], [0], [0], [0, 0, 0, 0]]))
    }

    @Test("A report whose deadline still stands came in time, unless the thread slept for long")
    func late() {
        func time(_ milliseconds: UInt64) -> MonotonicTime { MonotonicTime(nanoseconds: milliseconds * 1_000_000) }
        #expect(arrival(at: time(1000), awaitedUntil: nil) == time(1000))
        #expect(arrival(at: time(1000), awaitedUntil: time(1001)) == time(1000))
        let deadline = time(1000)
        for now in [1000, 1050, 1199] as [UInt64] { #expect(arrival(at: time(now), awaitedUntil: deadline) < deadline) }
        #expect(arrival(at: time(1200), awaitedUntil: deadline) == time(1200))
    }
}
