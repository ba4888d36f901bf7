import Testing

@testable import USBReaders

/// What one reader does in each situation, as tables of events and the actions they must bring about.
@Suite
struct ReaderLifeTests {
    typealias Step = (event: ReaderLife.Event, actions: [ReaderLife.Action])

    /// Runs the steps and returns the machine for more.
    @discardableResult
    private func run(
        named: Bool = true, after: ReaderLife? = nil, _ steps: [Step], sourceLocation: SourceLocation = #_sourceLocation
    ) -> ReaderLife {
        var life = after ?? ReaderLife(isNamed: named)
        for (number, step) in steps.enumerated() {
            let actions = life.handle(step.event)
            #expect(actions == step.actions, "step \(number): \(step.event)", sourceLocation: sourceLocation)
        }
        return life
    }

    private static let toReady: [Step] = [
        (.found, [.lookUpDescriptor]),
        (.understood, [.open]),
        (.opened, [.claim]),
        (.claimed, [.setUp]),
        (.setUp, [.forget, .submit, .drain]),
        (.drained, [.emit(.ready), .wake(after: .seconds(60))]),
    ]

    private var readyLife: ReaderLife { run(Self.toReady) }

    @Test("A reader is ready only when its old data have been drained")
    func ready() {
        let life = run(Self.toReady)
        #expect(life.isListening)
        #expect(!life.isOver)
    }

    @Test("The kernel gets time to show the descriptor before an interface is claimed to read it")
    func lookUp() {
        run(
            named: false,
            [
                (.found, [.lookUpDescriptor]),
                (.descriptorHidden, [.wake(after: .milliseconds(50))]),
                (.woken, [.lookUpDescriptor]),
                (.descriptorHidden, [.wake(after: .milliseconds(100))]),
                (.woken, [.lookUpDescriptor]),
                (.descriptorHidden, [.wake(after: .milliseconds(200))]),
                (.woken, [.lookUpDescriptor]),
                (.descriptorHidden, [.open]),
                (.opened, [.claim]),
                (.claimed, [.fetchDescriptor]),
                (.understood, [.setUp]),
            ])
    }

    @Test("What turns out not to be a reader is given back to the kernel")
    func givenBack() {
        let life = run([
            (.found, [.lookUpDescriptor]),
            (.descriptorHidden, [.open]),
            (.opened, [.claim]),
            (.claimed, [.fetchDescriptor]),
            (.ruledOut(.unclaimedKeyboard), [.close, .emit(.unclaimedKeyboard)]),
            (.woken, []),
            (.left, [.emitDisconnected]),
        ])
        #expect(life.isOver)
    }

    @Test("A keyboard that nobody names is not even opened")
    func leftAlone() {
        run([(.ruledOut(.unclaimedKeyboard), [.emit(.unclaimedKeyboard)]), (.left, [.emitDisconnected])])
    }

    @Test("Missing rights are retried, quietly while udev may still be at it, and never given up")
    func noPermission() {
        var life = run([(.found, [.lookUpDescriptor]), (.understood, [.open])])
        var waits: [Duration] = []
        var shown: [ReaderState] = []
        for attempt in 1...30 {
            for action in life.handle(.openFailed(.noPermission)) {
                if case .wake(let duration) = action { waits.append(duration) }
                if case .emit(let state) = action {
                    shown.append(state)
                    #expect(attempt == 3)
                }
            }
            #expect(life.handle(.woken) == [.open])
        }
        #expect(shown == [.noPermission])
        #expect(Array(waits.prefix(7)) == [100, 200, 400, 800, 1600, 3200, 5000].map { Duration.milliseconds($0) })
        #expect(waits.count == 30 && waits.dropFirst(7).allSatisfy { $0 == .seconds(5) })
        run(after: life, [(.opened, [.claim])])
    }

    @Test("A device that nobody named and nobody may look at is no trouble, and is looked at once it may be")
    func unseen() {
        run(
            named: false,
            [
                (.found, [.lookUpDescriptor]),
                (.descriptorHidden, [.wake(after: .milliseconds(50))]),
                (.woken, [.lookUpDescriptor]),
                (.descriptorHidden, [.wake(after: .milliseconds(100))]),
                (.woken, [.lookUpDescriptor]),
                (.descriptorHidden, [.wake(after: .milliseconds(200))]),
                (.woken, [.lookUpDescriptor]),
                (.descriptorHidden, [.open]),
                (.openFailed(.noPermission), [.wake(after: .milliseconds(100))]),
                (.woken, [.open]),
                (.openFailed(.noPermission), [.wake(after: .milliseconds(200))]),
                (.woken, [.open]),
                (.openFailed(.noPermission), [.emit(.unseenDevice), .wake(after: .milliseconds(400))]),
                (.woken, [.open]),
                (.opened, [.claim]),
                (.claimed, [.fetchDescriptor]),
            ])
    }

    @Test("An interface that another program holds is retried")
    func busy() {
        run([
            (.found, [.lookUpDescriptor]),
            (.understood, [.open]),
            (.opened, [.claim]),
            (.claimFailed(.busy), [.close, .wake(after: .milliseconds(100))]),
            (.woken, [.open]),
            (.opened, [.claim]),
            (.claimFailed(.busy), [.close, .wake(after: .milliseconds(200))]),
            (.woken, [.open]),
            (.opened, [.claim]),
            (.claimFailed(.busy), [.close, .emit(.busy), .wake(after: .milliseconds(400))]),
        ])
    }

    @Test("A reader that fails again and again is called failed and tried every half minute")
    func failed() {
        var life = readyLife
        for attempt in 1...8 {
            _ = life.handle(.transferFailed(.other("noise")))
            let actions = life.handle(.idle)
            if attempt == 8 {
                #expect(
                    actions == [.conclude, .letGo, .emit(.failed(reason: "noise")), .wake(after: .seconds(30))])
            }
            for event in [ReaderLife.Event.woken, .opened, .claimed, .setUp, .drained] { _ = life.handle(event) }
        }
        // A good report is the end of the story.
        _ = life.handle(.received)
        _ = life.handle(.transferFailed(.other("noise")))
        #expect(life.handle(.idle) == [.conclude, .letGo, .wake(after: .milliseconds(100))])
    }

    @Test("A stall is cleared once nothing is in flight, and the scan that had begun is forgotten")
    func stall() {
        run(
            after: readyLife,
            [
                (.transferFailed(.stalled), [.conclude, .emit(.recovering(reason: "it stalled")), .cancel]),
                (.transferFailed(.stalled), []),
                (.idle, [.clearHalt]),
                (.idle, []),
                (.haltCleared, [.forget, .submit, .drain]),
                (.drained, [.emit(.ready), .wake(after: .seconds(60))]),
            ])
    }

    @Test("Stalls without end close the reader")
    func stallsWithoutEnd() {
        var life = readyLife
        for _ in 1...3 {
            #expect(life.handle(.transferFailed(.stalled)).last == .cancel)
            for event in [ReaderLife.Event.idle, .haltCleared, .drained] { _ = life.handle(event) }
        }
        #expect(
            life.handle(.transferFailed(.stalled))
                == [.emit(.recovering(reason: "it stalled")), .hearOut, .wake(after: .milliseconds(50))])
        #expect(life.handle(.woken) == [.cancel])
        #expect(life.handle(.idle) == [.conclude, .letGo, .wake(after: .milliseconds(100))])
    }

    @Test("A reader that was closed because of its stalls has its halt cleared when it is opened again")
    func stallsAfterOpening() {
        var life = readyLife
        for _ in 1...4 {
            _ = life.handle(.transferFailed(.stalled))
            for event in [ReaderLife.Event.idle, .haltCleared, .drained] { _ = life.handle(event) }
        }
        run(
            after: life,
            [
                (.woken, [.open]),
                (.opened, [.claim]),
                (.claimed, [.setUp]),
                (.setUp, [.forget, .submit, .drain]),
                (.transferFailed(.stalled), [.conclude, .cancel]),
                (.idle, [.clearHalt]),
            ])
    }

    @Test("Too long a packet drops the scan and reads on")
    func overflow() {
        run(
            after: readyLife,
            [
                (
                    .transferFailed(.overflow),
                    [
                        .conclude, .emit(.recovering(reason: "it sent more than fits into a packet")), .submit, .drain,
                    ]
                ),
                (.drained, [.emit(.ready), .wake(after: .seconds(60))]),
            ])
    }

    @Test("An unplug is told once, whether the transfers or hotplug tell of it first")
    func unplug() {
        let byTransfer = run(
            after: readyLife,
            [
                (.transferFailed(.gone), [.hearOut, .wake(after: .seconds(1))]),
                (.idle, [.conclude, .letGo, .emitDisconnected, .wake(after: .milliseconds(100))]),
                (.left, []),
                (.woken, []),
            ])
        #expect(byTransfer.isOver)
        let byHotplug = run(
            after: readyLife,
            [
                (.left, [.hearOut, .wake(after: .seconds(1))]),
                (.transferFailed(.gone), []),
                (.idle, [.conclude, .close, .emitDisconnected]),
            ])
        #expect(byHotplug.isOver)
        let byBoth = run(
            after: readyLife,
            [
                (.transferFailed(.gone), [.hearOut, .wake(after: .seconds(1))]),
                (.left, []),
                (.idle, [.conclude, .close, .emitDisconnected]),
            ])
        #expect(byBoth.isOver)
    }

    @Test(
        "What a reader sent before the cable went is heard out, and transfers that the kernel does not end are cancelled"
    )
    func hearsOut() {
        let life = run(
            after: readyLife,
            [
                (.left, [.hearOut, .wake(after: .seconds(1))]),
                (.received, []),
                (.woken, [.cancel]),
                (.idle, [.conclude, .close, .emitDisconnected]),
            ])
        #expect(life.isOver)
    }

    @Test("Transfers that end as if the device were gone while it stays plugged in, as in a suspend, are begun anew")
    func goneAndBack() {
        run(
            after: readyLife,
            [
                (.transferFailed(.gone), [.hearOut, .wake(after: .seconds(1))]),
                (.idle, [.conclude, .letGo, .emitDisconnected, .wake(after: .milliseconds(100))]),
                (.resumed, []),
                (.woken, [.open]),
                (.openFailed(.gone), [.wake(after: .milliseconds(200))]),
                (.woken, [.open]),
                (.opened, [.claim]),
                (.claimed, [.setUp]),
                (.setUp, [.forget, .submit, .drain]),
                (.drained, [.emit(.ready), .wake(after: .seconds(60))]),
            ])
    }

    @Test("After a resume a reader is set up again, and nothing of before it counts")
    func resumed() {
        run(
            after: readyLife,
            [
                (.resumed, [.forget, .setUp]),
                (.setUp, [.forget, .submit, .drain]),
                (.drained, [.wake(after: .seconds(60))]),
            ])
    }

    @Test("A reader that somebody else has reset is opened and set up again")
    func reset() {
        run(
            after: readyLife,
            [
                (
                    .transferFailed(.reset),
                    [.emit(.recovering(reason: "it was reset")), .hearOut, .wake(after: .milliseconds(50))]
                ),
                (.idle, [.conclude, .letGo, .wake(after: .milliseconds(100))]),
                (.woken, [.open]),
                (.opened, [.claim]),
                (.claimed, [.setUp]),
                (.setUp, [.forget, .submit, .drain]),
                (.drained, [.emit(.ready), .wake(after: .seconds(60))]),
            ])
    }

    @Test("While a reader is mended the till does not get its keys; at the end of the daemon it gets them back")
    func keptWhileMended() {
        let failing: [Step] = [
            (
                .transferFailed(.other("noise")),
                [.emit(.recovering(reason: "noise")), .hearOut, .wake(after: .milliseconds(50))]
            ),
            (.idle, [.conclude, .letGo, .wake(after: .milliseconds(100))]),
        ]
        #expect(run(after: readyLife, failing + [(.stopped, [.giveBack, .emitDisconnected])]).isOver)
        #expect(run(after: readyLife, failing + [(.left, [.emitDisconnected])]).isOver)
        // What is claimed again is given back as it is closed.
        let claimed = failing + [(.woken, [.open]), (.opened, [.claim]), (.claimed, [.setUp])]
        #expect(
            run(
                after: readyLife,
                claimed + [(.stopped, [.forget, .cancel]), (.idle, [.conclude, .close, .emitDisconnected])]
            )
            .isOver)
    }

    @Test("At the end of the daemon nothing is heard out")
    func stopped() {
        let life = run(
            after: readyLife,
            [(.stopped, [.forget, .cancel]), (.idle, [.conclude, .close, .emitDisconnected])])
        #expect(life.isOver)
    }

    @Test("An unplug that reads as an input/output error ends the mending")
    func unplugAsError() {
        let life = run(
            after: readyLife,
            [
                (
                    .transferFailed(.other("input/output error")),
                    [.emit(.recovering(reason: "input/output error")), .hearOut, .wake(after: .milliseconds(50))]
                ),
                (.idle, [.conclude, .letGo, .wake(after: .milliseconds(100))]),
                (.left, [.emitDisconnected]),
                (.woken, []),
            ])
        #expect(life.isOver)
    }

    @Test("A device that does not answer is closed and tried again")
    func mute() {
        run([
            (.found, [.lookUpDescriptor]),
            (.descriptorHidden, [.open]),
            (.opened, [.claim]),
            (.claimed, [.fetchDescriptor]),
            (
                .descriptorFailed(.timedOut),
                [.emit(.recovering(reason: "it does not answer")), .hearOut, .wake(after: .milliseconds(50))]
            ),
            (.idle, [.conclude, .letGo, .wake(after: .milliseconds(100))]),
            (.woken, [.open]),
        ])
    }

    @Test("Whatever order events come in, a handle is closed exactly as often as it was opened, and never in use")
    func everyOrder() {
        let events: [ReaderLife.Event] = [
            .opened, .claimed, .openFailed(.busy), .claimFailed(.gone), .understood, .descriptorHidden, .setUp,
            .drained,
            .transferFailed(.stalled), .transferFailed(.gone), .transferFailed(.other("x")), .haltCleared,
            .haltNotCleared(.gone), .descriptorFailed(.stalled), .submitFailed(.gone), .idle, .woken, .left, .received,
            .stopped, .resumed, .transferFailed(.reset),
        ]
        // A plain generator with a fixed start: the same thousand lives each time.
        var seed: UInt64 = 1
        for _ in 0..<1000 {
            var life = ReaderLife(isNamed: false)
            var isOpen = false
            var isConnected = false
            _ = life.handle(.found)
            for _ in 0..<60 where !life.isOver {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let event = events[Int(seed >> 33) % events.count]
                if event == .opened {
                    isOpen = life.handle(event) == [.claim] || isOpen
                    continue
                }
                for action in life.handle(event) {
                    switch action {
                    case .open, .giveBack: #expect(!isOpen)
                    case .claim, .submit, .clearHalt, .fetchDescriptor, .setUp: #expect(isOpen)
                    case .close, .letGo:
                        #expect(isOpen)
                        isOpen = false
                    case .emit: isConnected = true
                    case .emitDisconnected:
                        #expect(isConnected)
                        isConnected = false
                    default: break
                    }
                }
            }
            if life.isOver { #expect(!isOpen && !isConnected) }
        }
    }
}
