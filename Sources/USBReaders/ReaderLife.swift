/// The life of one interface from plug to unplug, without any input or output: what happens goes in, what to do comes out.
///
/// `InterfaceReader` performs the actions in their order and feeds back what comes of them. Transfers are given back one by
/// one, so whatever ends a claim first cancels them and waits for `idle`: a handle that has transfers may not be closed.
struct ReaderLife: Sendable {
    enum Event: Hashable {
        /// It has been plugged in, or was there already.
        case found
        /// The claim policy or the descriptors say that it is not for us.
        case ruledOut(ReaderState)
        /// The report descriptor has been read, and a decoder reads what it describes.
        case understood
        /// The kernel does not show the report descriptor, or not yet.
        case descriptorHidden
        case opened
        case claimed
        case openFailed(Failure)
        case claimFailed(Failure)
        case descriptorFailed(Failure)
        /// The requests that set the reader up have been answered, however.
        case setUp
        case submitFailed(Failure)
        /// Silent since it was set up: what comes from now on is new.
        case drained
        /// A whole report came.
        case received
        case transferFailed(Failure)
        /// No transfer is in flight any more.
        case idle
        case haltCleared
        case haltNotCleared(Failure)
        /// The system was suspended. The reader may have lost its power, and with it what it was told.
        case resumed
        /// The time that `wake` asked for has come.
        case woken
        /// Hotplug says that it is unplugged.
        case left
        /// The daemon ends.
        case stopped
    }

    enum Failure: Hashable {
        case noPermission, busy, gone, stalled, overflow, timedOut
        /// Somebody else, or the hub, has reset the device: it has forgotten what it was told.
        case reset
        case other(String)

        var text: String {
            switch self {
            case .noPermission: "no permission"
            case .busy: "busy"
            case .gone: "it is gone"
            case .stalled: "it stalled"
            case .overflow: "it sent more than fits into a packet"
            case .timedOut: "it does not answer"
            case .reset: "it was reset"
            case .other(let text): text
            }
        }
    }

    enum Action: Hashable {
        /// Look whether the kernel shows the report descriptor; answered by `understood`, `ruledOut` or `descriptorHidden`.
        case lookUpDescriptor
        case open
        case claim
        /// Ask the device for its report descriptor.
        case fetchDescriptor
        case setUp
        /// Put every transfer that is at rest into flight.
        case submit
        /// Throw away what comes until the reader has been silent.
        case drain
        /// Hand out nothing until the next `drain` and forget the scan that has begun.
        case forget
        /// Hand out what is whole although more might have followed, and then as `forget`.
        case conclude
        /// Take what has come already but put nothing into flight any more; answered by `idle` once all is taken.
        case hearOut
        case cancel
        case clearHalt
        /// Release the interface, which gives it back to the kernel's driver, and close.
        case close
        /// Release and close, but keep the kernel's driver out: the till must not get what is read until the next attempt.
        case letGo
        /// Give an interface that was let go back to the kernel's driver.
        case giveBack
        /// Feed back `woken` after that time; takes the place of an earlier one.
        case wake(after: Duration)
        case emit(ReaderState)
        case emitDisconnected
    }

    private enum Stage: Hashable {
        case new
        case lookingUp, opening, claiming, fetching, settingUp, draining, reading
        /// Waiting for `idle` to clear the halt.
        case halted
        case clearingHalt
        /// Waiting for `idle` to close.
        case closing(Afterwards)
        /// Nothing is open; waiting for `woken`.
        case waiting(again: Again)
        /// Nothing is open and nothing will be.
        case leftAlone
        case gone
    }

    private enum Afterwards: Hashable { case nothing, retry(Failure) }
    private enum Again: Hashable { case lookUp, open }

    /// Whether the device is named as a reader, so that there is no need to wait for what the kernel has to say.
    private let isNamed: Bool
    private var stage = Stage.new
    private var isUnderstood = false
    /// Unplugged, or the daemon ends.
    private var hasLeft = false
    private var isKept = false
    private var shown: ReaderState?
    private var lookUps = 0
    private var failures = 0
    private var descriptorFailures = 0
    private var faults = 0

    init(isNamed: Bool) { self.isNamed = isNamed }

    /// udev announces a device before the kernel has bound a driver to its interfaces. To claim an interface only to read its
    /// descriptor can take a keyboard away for a moment, so the kernel is given time first.
    static let lookUpDelays: [Duration] = [.milliseconds(50), .milliseconds(100), .milliseconds(200)]
    /// Three attempts while udev may still be setting rights (libusb issue 168).
    static let quietFailures = 3
    /// From here on it is `failed`, and tried again only now and then.
    static let mostFailures = 8
    static let slowRetry = Duration.seconds(30)
    static let longestRetry = Duration.seconds(5)
    /// A reader that stayed ready for so long has been mended.
    static let steady = Duration.seconds(60)
    static let mostDescriptorFailures = 3
    /// How long the kernel may take to end the transfers of a device that is gone.
    static let longestHearing = Duration.seconds(1)
    /// How long libusb may take to hand over what had ended before a device failed.
    static let shortHearing = Duration.milliseconds(50)
    /// Stalls and overflows without a good report in between, before the reader is closed and opened again.
    static let mostFaults = 4

    /// Unplugged and closed: nothing can happen any more.
    var isOver: Bool { hasLeft && stage == .gone }

    /// Whether transfers that come back are to be put into flight again.
    var isListening: Bool { stage == .draining || stage == .reading }

    mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .left: return leave(isUnplugged: true)
        case .stopped: return leave(isUnplugged: false)
        case .received:
            failures = 0
            faults = 0
            return []
        case .woken: return wake()
        case .transferFailed(let failure): return transferFailed(failure)
        case .idle: return idle()
        case .resumed:
            guard isListening else { return [] }
            stage = .settingUp
            return [.forget, .setUp]
        default: return advance(event)
        }
    }

    /// The way from plug to `ready`.
    private mutating func advance(_ event: Event) -> [Action] {
        switch (stage, event) {
        case (.new, .found):
            stage = .lookingUp
            return [.lookUpDescriptor]
        case (.new, .ruledOut(let state)), (.lookingUp, .ruledOut(let state)):
            stage = .leftAlone
            return show(state)
        case (.lookingUp, .understood):
            isUnderstood = true
            stage = .opening
            return [.open]
        case (.lookingUp, .descriptorHidden): return lookUpAgain()
        case (.opening, .opened):
            stage = .claiming
            return [.claim]
        case (.opening, .openFailed(let failure)): return tryAgain(failure)
        case (.claiming, .claimFailed(let failure)): return [.close] + tryAgain(failure)
        case (.claiming, .claimed):
            isKept = false
            stage = isUnderstood ? .settingUp : .fetching
            return isUnderstood ? [.setUp] : [.fetchDescriptor]
        case (.fetching, .understood):
            isUnderstood = true
            stage = .settingUp
            return [.setUp]
        case (.fetching, .ruledOut(let state)):
            stage = .leftAlone
            return [.close] + show(state)
        case (.fetching, .descriptorFailed(let failure)): return descriptorFailed(failure)
        case (.settingUp, .setUp), (.clearingHalt, .haltCleared):
            stage = .draining
            return [.forget, .submit, .drain]
        case (.clearingHalt, .haltNotCleared(let failure)): return close(failure)
        case (.draining, .submitFailed(let failure)), (.reading, .submitFailed(let failure)): return close(failure)
        case (.draining, .drained):
            stage = .reading
            return show(.ready) + [.wake(after: Self.steady)]
        default: return []
        }
    }

    private mutating func lookUpAgain() -> [Action] {
        guard !isNamed, lookUps < Self.lookUpDelays.count else {
            stage = .opening
            return [.open]
        }
        stage = .waiting(again: .lookUp)
        defer { lookUps += 1 }
        return [.wake(after: Self.lookUpDelays[lookUps])]
    }

    private mutating func wake() -> [Action] {
        if stage == .reading { failures = 0 }
        if case .closing = stage { return [.cancel] }
        guard case .waiting(let again) = stage else { return [] }
        switch again {
        case .lookUp:
            stage = .lookingUp
            return [.lookUpDescriptor]
        case .open:
            stage = .opening
            return [.open]
        }
    }

    private mutating func descriptorFailed(_ failure: Failure) -> [Action] {
        if failure == .gone || failure == .timedOut { return close(failure) }
        descriptorFailures += 1
        if descriptorFailures < Self.mostDescriptorFailures { return [.fetchDescriptor] }
        stage = .leftAlone
        return [.close] + show(.unsupported(reason: "its report descriptor cannot be read: \(failure.text)"))
    }

    private mutating func transferFailed(_ failure: Failure) -> [Action] {
        guard isListening else {
            // The cable goes while the reader is being mended.
            return failure == .gone && stage == .halted ? close(failure) : []
        }
        switch failure {
        case .stalled, .overflow:
            faults += 1
            guard faults < Self.mostFaults else { return close(failure) }
            let actions: [Action] = [.conclude] + show(.recovering(reason: failure.text))
            if failure == .overflow {
                stage = .draining
                return actions + [.submit, .drain]
            }
            stage = .halted
            return actions + [.cancel]
        default: return close(failure)
        }
    }

    private mutating func idle() -> [Action] {
        switch stage {
        case .halted:
            stage = .clearingHalt
            return [.clearHalt]
        case .closing(let afterwards):
            switch afterwards {
            case .nothing:
                stage = .gone
                return [.conclude, .close] + showDisconnected()
            case .retry(let failure):
                isKept = failure != .timedOut
                let told = failure == .gone ? showDisconnected() : []
                return [.conclude, .letGo] + told + tryAgain(failure)
            }
        default: return []
        }
    }

    /// Ends the claim after a failure, to try again. A transfer that ends because the device is gone may also mean that the
    /// system was suspended (the kernel ends transfers so, usb_suspend_both), and then hotplug tells of nothing.
    ///
    /// What the reader sent before may still wait in the kernel, behind a transfer that could not be put into flight again:
    /// cancelling would lose it.
    private mutating func close(_ failure: Failure) -> [Action] {
        stage = .closing(.retry(failure))
        // Whoever opens a reader that is still halted has to clear the halt, or it stays dead.
        faults = 0
        if failure == .gone { return [.hearOut, .wake(after: Self.longestHearing)] }
        return show(.recovering(reason: failure.text)) + [.hearOut, .wake(after: Self.shortHearing)]
    }

    /// The hotplug event and the error of the transfers come in either order.
    private mutating func leave(isUnplugged: Bool) -> [Action] {
        hasLeft = true
        switch stage {
        case .waiting where isKept && !isUnplugged:
            stage = .gone
            return [.giveBack] + showDisconnected()
        case .new, .lookingUp, .opening, .waiting, .leftAlone, .gone:
            stage = .gone
            return showDisconnected()
        case .closing:
            stage = .closing(.nothing)
            return isUnplugged ? [] : [.cancel]
        case .draining where isUnplugged, .reading where isUnplugged:
            stage = .closing(.nothing)
            return [.hearOut, .wake(after: Self.longestHearing)]
        case .claiming, .fetching, .settingUp, .draining, .reading, .halted, .clearingHalt:
            stage = .closing(.nothing)
            return [.forget, .cancel]
        }
    }

    /// Nothing is open. Waits a little longer each time.
    private mutating func tryAgain(_ failure: Failure) -> [Action] {
        failures += 1
        stage = .waiting(again: .open)
        let actions: [Action]
        switch failure {
        case .noPermission where !isNamed && !isUnderstood:
            actions = failures < Self.quietFailures ? [] : show(.unseenDevice)
        case .noPermission: actions = failures < Self.quietFailures ? [] : show(.noPermission)
        case .busy: actions = failures < Self.quietFailures ? [] : show(.busy)
        case .gone: actions = []
        default:
            actions = show(
                failures < Self.mostFailures
                    ? .recovering(reason: failure.text) : .failed(reason: failure.text))
        }
        return actions + [.wake(after: delay(failure))]
    }

    private func delay(_ failure: Failure) -> Duration {
        if failures >= Self.mostFailures, failure != .noPermission, failure != .busy { return Self.slowRetry }
        return min(.milliseconds(100) * (1 << min(failures - 1, 10)), Self.longestRetry)
    }

    private mutating func show(_ state: ReaderState) -> [Action] {
        if shown == state { return [] }
        shown = state
        return [.emit(state)]
    }

    private mutating func showDisconnected() -> [Action] {
        guard shown != nil else { return [] }
        shown = nil
        return [.emitDisconnected]
    }
}
