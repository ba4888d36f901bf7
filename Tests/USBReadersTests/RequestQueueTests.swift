import CardReading
import Testing

@testable import USBReaders

@Suite
struct RequestQueueTests {
    private func output(_ id: UInt8) -> SetupRequest { .output(reportID: id, []) }
    private static let question = ControlMessage(type: 0xc0, request: 1, value: 0x8080, index: 0, asking: 1)

    private func sent(_ queue: inout RequestQueue, answering: Bool = true) -> [SetupRequest] {
        var requests: [SetupRequest] = []
        while let request = queue.next() {
            requests.append(request)
            queue.ended(wasAnswered: answering)
        }
        return requests
    }

    @Test("Requests go out in their order, answered or not", arguments: [true, false])
    func order(answering: Bool) {
        var queue = RequestQueue()
        queue.append([output(1), output(2)])
        queue.append([output(3)])
        #expect(sent(&queue, answering: answering) == [output(1), output(2), output(3)])
    }

    @Test("The answer to a question decides what follows, before all else")
    func question() {
        let ask = SetupRequest.ask(Self.question, ifAnswered: [output(1), output(2)], ifRefused: [output(3)])
        var answered = RequestQueue()
        answered.replace(by: [ask, output(9)])
        #expect(sent(&answered) == [ask, output(1), output(2), output(9)])
        var refused = RequestQueue()
        refused.replace(by: [ask, output(9)])
        #expect(sent(&refused, answering: false) == [ask, output(3), output(9)])
    }

    @Test("An answer that comes after the queue was replaced changes nothing")
    func lateAnswer() {
        var queue = RequestQueue()
        queue.append([.ask(Self.question, ifAnswered: [output(1)], ifRefused: [output(2)])])
        _ = queue.next()
        queue.replace(by: [output(3)])
        queue.ended(wasAnswered: true)
        #expect(sent(&queue) == [output(3)])
    }

    @Test("A reader that takes nothing does not fill the memory")
    func bounded() {
        var queue = RequestQueue()
        for _ in 0..<100 { queue.append([output(1), output(2)]) }
        #expect(sent(&queue).count == 64)
    }
}

@Suite
struct ResumeTests {
    @Test("A resume is noticed once, and the jitter of two clocks is none")
    func resume() {
        var watch = ResumeWatch(suspended: .seconds(10))
        #expect(watch.hasResumed(suspended: .seconds(10) + .milliseconds(1)) == false)
        #expect(watch.hasResumed(suspended: .seconds(10) - .milliseconds(1)) == false)
        #expect(watch.hasResumed(suspended: .seconds(70)) == true)
        #expect(watch.hasResumed(suspended: .seconds(70)) == false)
        #expect(ResumeWatch.systemSuspended() > .seconds(-1))
    }

    @Test("After a resume a reader is told everything again, and what it says meanwhile is thrown away")
    func lifeAfterResume() {
        var life = ReaderLife(isNamed: true)
        #expect(life.handle(.resumed).isEmpty)
        for event in [ReaderLife.Event.found, .understood, .opened, .claimed, .setUp, .drained] {
            _ = life.handle(event)
        }
        #expect(life.handle(.resumed) == [.forget, .setUp])
        #expect(life.handle(.resumed).isEmpty)
        #expect(life.handle(.setUp) == [.forget, .submit, .drain])
        #expect(life.handle(.drained).contains(.wake(after: ReaderLife.steady)))
        #expect(life.isListening)
    }
}

@Suite
struct DataInterfaceTests {
    /// The class descriptors of Tests/rig/devices/cdc-acm-scanner.json, and the same without union or with nonsense.
    @Test(
        "The data interface of a CDC port",
        arguments: [
            ([5, 0x24, 0, 0x10, 1, 5, 0x24, 1, 0, 3, 4, 0x24, 2, 2, 5, 0x24, 6, 0, 1], 1),
            ([5, 0x24, 0, 0x10, 1, 5, 0x24, 1, 0, 3, 4, 0x24, 2, 2], 3), ([4, 0x24, 2, 2], nil), ([], nil),
            ([5, 0x24, 6, 0], nil), ([0, 0x24, 6, 0, 1], nil),
        ] as [([UInt8], UInt8?)])
    func dataInterface(extra: [UInt8], number: UInt8?) {
        #expect(ReaderInterface.dataInterface(in: extra) == number)
    }
}
