import CardReading
import LoyaltyModel
import Testing

@testable import USBReaders

@Suite struct SignalQueueTests {
    private func output(_ byte: UInt8) -> SetupRequest { .output(reportID: 0, [byte]) }
    private func at(_ milliseconds: UInt64) -> MonotonicTime { MonotonicTime(nanoseconds: milliseconds * 1_000_000) }
    private var flash: SignalPlan {
        SignalPlan([
            .init(after: .zero, output(1)), .init(after: .milliseconds(150), output(0), restores: true),
            .init(after: .milliseconds(300), output(1)), .init(after: .milliseconds(450), output(0), restores: true),
        ])
    }

    @Test("The first step goes at once, the others in their time and once")
    func steps() {
        var queue = SignalQueue()
        #expect(queue.begin(flash, at: at(1000)) == [output(1)])
        #expect(queue.deadline == at(1150))
        #expect(queue.due(at: at(1149)) == [])
        #expect(queue.due(at: at(1150)) == [output(0)])
        #expect(queue.due(at: at(1150)) == [])
        // A thread that comes late does all that was due, in order.
        #expect(queue.due(at: at(2000)) == [output(1), output(0)])
        #expect(queue.deadline == nil)
    }

    @Test("The next scan's signal takes the place of the last one's, whose light goes out first")
    func superseded() {
        var queue = SignalQueue()
        _ = queue.begin(flash, at: at(0))
        let beep = SignalPlan([.init(after: .zero, output(9))])
        #expect(queue.begin(beep, at: at(10)) == [output(0), output(9)])
        #expect(queue.deadline == nil)
        #expect(queue.begin(beep, at: at(20)) == [output(9)])
    }

    @Test("Nothing is left of a signal when the reader goes")
    func clear() {
        var queue = SignalQueue()
        _ = queue.begin(flash, at: at(0))
        queue.clear()
        #expect(queue.due(at: at(5000)) == [])
    }
}
