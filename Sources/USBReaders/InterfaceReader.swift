import CLibUSB
import CardReading
import LoyaltyModel

/// Drives one interface: performs the actions of its `ReaderLife` and feeds back what comes of them. Belongs to the USB thread.
final class InterfaceReader {
    let device: USBDevice
    private unowned let host: USBHost
    private let configuration: UInt8
    private let interface: ReaderInterface
    private let treatment: ClaimPolicy.Treatment
    private let interfaceCount: Int

    var id: ReaderID { description.id }
    private(set) var life: ReaderLife
    private var description: ReaderDescription
    private var announced: ReaderDescription?
    private var decoder: ScanDecoder?
    private var assembler = ReportAssembler(reportLength: 1, packetSize: 1)
    private var hearing = Hearing.deaf
    private var wakeAt: MonotonicTime?
    private var reportedDrops = (reports: 0, scans: 0)
    /// What the callbacks of libusb leave to `catchUp`. Of all the reads that one fault ends, the first tells.
    private var readFailure: ReaderLife.Failure?
    private var hasReadEnded = false
    private var emptyReads = EmptyReads(readsInFlight: readsInFlight)
    /// Until then scans are left over from before, and are not handed out.
    private var hasDrained = false
    /// The device is gone, and only what has come already is taken.
    private var isHearingOut = false

    private var handle: OpaquePointer?
    private var reads: [USBTransfer] = []
    private var control: USBTransfer?
    private var isFetchingDescriptor = false
    private var isAskingStatus = false
    private var hasControlEnded = false
    private var requests = RequestQueue()
    private var signals = SignalQueue()
    private var isSettingUp = false

    /// What becomes of the bytes that come.
    private enum Hearing {
        /// They are dropped, and reads that end are not submitted again: from a fault to the next drain.
        case deaf
        case draining(StartupDrain)
        case listening
    }

    /// So many reads wait in the kernel, so that no report is lost between two of them.
    static let readsInFlight = 4

    init(
        host: USBHost, device: USBDevice, configuration: UInt8, interface: ReaderInterface,
        treatment: ClaimPolicy.Treatment, interfaceCount: Int
    ) {
        self.interfaceCount = interfaceCount
        self.host = host
        self.device = device
        self.configuration = configuration
        self.interface = interface
        self.treatment = treatment
        life = ReaderLife(isNamed: treatment.stance == .named)
        let isBootKeyboard =
            !interface.isSerial && interface.subclass == ReaderInterface.bootSubclass
            && interface.protocolCode == ReaderInterface.bootKeyboard
        description = ReaderDescription(
            vendorID: device.vendorID, productID: device.productID, manufacturer: device.manufacturer,
            product: device.product, serial: device.serial,
            kind: isBootKeyboard ? .keyboard : interface.isSerial ? .serial : nil,
            portPath: device.portPath, interfaceNumber: interface.number)
    }

    // MARK: Events

    /// Takes in an event and performs what follows from it, and what follows from that.
    func handle(_ event: ReaderLife.Event) {
        var events = [event]
        while !events.isEmpty {
            for action in life.handle(events.removeFirst()) {
                if let result = perform(action) { events.append(result) }
            }
        }
    }

    /// The earliest instant at which `timeHasPassed` has something to do.
    var deadline: MonotonicTime? {
        var earliest = wakeAt
        for other in [drainDeadline, decoder?.deadline, assembler.deadline, signals.deadline] {
            if let other { earliest = min(earliest ?? other, other) }
        }
        return earliest
    }

    private var drainDeadline: MonotonicTime? {
        if case .draining(let drain) = hearing { drain.deadline } else { nil }
    }

    func timeHasPassed(_ now: MonotonicTime) {
        if let time = wakeAt, now >= time {
            wakeAt = nil
            handle(.woken)
        }
        if case .draining(var drain) = hearing, now >= drain.deadline {
            let isDrained = drain.isDrained(at: now)
            forget()
            hearing = isDrained ? .listening : .draining(drain)
            if isDrained {
                hasDrained = true
                handle(.drained)
            }
        }
        if let time = decoder?.deadline, now >= time {
            deliver(decoder?.expire(at: now) ?? [])
        }
        if let time = assembler.deadline, now >= time {
            assembler.expire(at: now)
            reportDrops()
        }
        give(signals.due(at: now))
    }

    // MARK: Actions

    private func perform(_ action: ReaderLife.Action) -> ReaderLife.Event? {
        switch action {
        case .lookUpDescriptor: return lookUpDescriptor()
        case .open: return open()
        case .claim: return claim()
        case .fetchDescriptor: return fetchDescriptor()
        case .setUp:
            requests.replace(by: decoder?.setup ?? [])
            isSettingUp = true
            return sendNextRequest()
        case .submit: return submitReads()
        case .drain:
            isHearingOut = false
            hasDrained = false
            hearing = .draining(StartupDrain(at: host.now))
        case .forget:
            hearing = .deaf
            signals.clear()
            forget()
        case .conclude:
            hearing = .deaf
            deliver(decoder?.conclude() ?? [])
            forget()
        case .hearOut:
            isHearingOut = true
            return isIdle ? .idle : nil
        case .cancel:
            for transfer in reads { transfer.cancel() }
            control?.cancel()
            return isIdle ? .idle : nil
        case .clearHalt: return askStatus()
        case .close: close(givesBack: true)
        case .letGo: close(givesBack: false)
        case .giveBack: giveBack()
        case .wake(let duration): wakeAt = host.now.adding(duration)
        case .emit(let state): show(state)
        case .emitDisconnected:
            wakeAt = nil
            announced = nil
            host.tap.withdraw(id)
            host.deliver(.disconnected(description.id))
        }
        return nil
    }

    private func lookUpDescriptor() -> ReaderLife.Event {
        if let flaw = interface.flaw { return .ruledOut(.unsupported(reason: flaw)) }
        if interface.isSerial { return understand([]) }
        guard
            let descriptor = device.kernelReportDescriptor(configuration: configuration, interface: interface.number)
        else { return .descriptorHidden }
        return understand(descriptor)
    }

    private func understand(_ descriptor: [UInt8]) -> ReaderLife.Event {
        let facts = InterfaceFacts(
            vendorID: device.vendorID, productID: device.productID, interfaceNumber: interface.number,
            interfaceClass: interface.interfaceClass, interfaceSubclass: interface.subclass,
            interfaceProtocol: interface.protocolCode, reportDescriptor: descriptor,
            inputPacketSize: interface.packetSize, device: device.facts(interfaceCount: interfaceCount))
        let options = treatment.options
        switch ScanDecoder.choose(for: facts, options: options) {
        case .ignored(let reason): return .ruledOut(.unsupported(reason: reason))
        case .reads(let decoder):
            description = description.of(kind: decoder.kind)
            guard (1...ReportAssembler.longestReport).contains(decoder.inputReportLength) else {
                return .ruledOut(.unsupported(reason: "its reports have \(decoder.inputReportLength) bytes"))
            }
            if case .leave(let state) = host.policy.decide(treatment.stance, kind: decoder.kind) {
                return .ruledOut(state)
            }
            self.decoder = decoder
            assembler = ReportAssembler(
                reportLength: decoder.inputReportLength, packetSize: interface.packetSize,
                patience: options.continuationGap)
            reportedDrops = (0, decoder.droppedPartialScans)
            host.tap.announce(ReaderTap.Interface(reader: description, facts: facts, options: options))
            return .understood
        }
    }

    private func open() -> ReaderLife.Event {
        let code = libusb_open(device.pointer, &handle)
        if code == 0 { return .opened }
        handle = nil
        // A device that the service's cgroup hides opens with an I/O error instead of a refusal.
        if code == LIBUSB_ERROR_IO.rawValue {
            return .openFailed(
                .other("the system refuses to open it; a service unit needs DeviceAllow=char-usb_device rw"))
        }
        return .openFailed(.init(code: code))
    }

    private func claim() -> ReaderLife.Event {
        let number = Int32(interface.number)
        // Takes the interface from the kernel's driver, and gives it back on release.
        if libusb_set_auto_detach_kernel_driver(handle, 1) != 0 { libusb_detach_kernel_driver(handle, number) }
        var code = libusb_claim_interface(handle, number)
        if code == 0, let data = interface.dataInterface { code = libusb_claim_interface(handle, Int32(data)) }
        return code == 0 ? .claimed : .claimFailed(.init(code: code))
    }

    private func close(givesBack: Bool) {
        guard let handle else { return }
        if !givesBack { libusb_set_auto_detach_kernel_driver(handle, 0) }
        // Also where the claim failed: libusb then knows of none and does nothing.
        // The kernel's driver for a port wants both interfaces, and looks when it gets the first of them.
        if let data = interface.dataInterface { libusb_release_interface(handle, Int32(data)) }
        libusb_release_interface(handle, Int32(interface.number))
        libusb_close(handle)
        self.handle = nil
        reads = []
        control = nil
        hasControlEnded = false
        isSettingUp = false
        isAskingStatus = false
        isHearingOut = false
        requests.replace(by: [])
        hasReadEnded = false
        readFailure = nil
    }

    private func giveBack() {
        guard libusb_open(device.pointer, &handle) == 0, let handle else { return }
        libusb_attach_kernel_driver(handle, Int32(interface.number))
        libusb_close(handle)
        self.handle = nil
    }

    private func show(_ state: ReaderState) {
        if announced != description {
            announced = description
            host.deliver(.connected(description))
        }
        host.deliver(.state(description.id, state))
    }

    // MARK: Control requests

    private func fetchDescriptor() -> ReaderLife.Event? {
        let length = min(interface.reportDescriptorLength ?? 0, ReaderInterface.longestReportDescriptor)
        // GET_DESCRIPTOR to the interface, type 22h (HID 1.11, 7.1.1).
        let code = send(
            ControlMessage(
                type: 0x81, request: 6, value: 0x2200, index: UInt16(interface.number), asking: length))
        isFetchingDescriptor = code == 0
        return code == 0 ? nil : .descriptorFailed(.init(code: code))
    }

    private func descriptorAnswered(_ transfer: USBTransfer) -> ReaderLife.Event? {
        if transfer.status == LIBUSB_TRANSFER_CANCELLED { return nil }
        if let failure = ReaderLife.Failure(status: transfer.status) { return .descriptorFailed(failure) }
        let declared = interface.reportDescriptorLength ?? 0
        let received = transfer.received
        guard received.count == declared else {
            return .descriptorFailed(.other("it is cut short, \(received.count) of \(declared) bytes"))
        }
        return understand(Array(received))
    }

    /// libusb clears a halt while the thread waits, for as long as five seconds where the device is mute, and with it all other
    /// readers would wait. So it has to answer another request first.
    private func askStatus() -> ReaderLife.Event? {
        // GET_STATUS of the endpoint (USB 2.0, 9.4.5).
        let code = send(
            ControlMessage(type: 0x82, request: 0, value: 0, index: UInt16(interface.inputEndpoint ?? 0), asking: 2))
        isAskingStatus = code == 0
        return code == 0 ? nil : .haltNotCleared(.init(code: code))
    }

    private func statusAnswered(_ transfer: USBTransfer) -> ReaderLife.Event? {
        if transfer.status == LIBUSB_TRANSFER_CANCELLED { return nil }
        if let failure = ReaderLife.Failure(status: transfer.status), failure != .stalled {
            return .haltNotCleared(failure)
        }
        let code = libusb_clear_halt(handle, interface.inputEndpoint ?? 0)
        return code == 0 ? .haltCleared : .haltNotCleared(.init(code: code))
    }

    /// Readers may refuse any of these requests; that does not matter (espressif/esp-usb issue 55).
    private func sendNextRequest() -> ReaderLife.Event? {
        guard control?.isInFlight != true, !hasControlEnded else { return nil }
        while let request = requests.next() {
            if send(request) == 0 { return nil }
            requests.ended(wasAnswered: false)
        }
        guard isSettingUp else { return nil }
        isSettingUp = false
        return .setUp
    }

    /// Beeps or lights up. Nothing waits for it, and reads go on meanwhile.
    func send(_ signal: ScanDecoder.Signal) {
        guard case .listening = hearing, let plan = decoder?.plan(for: signal) else { return }
        give(signals.begin(plan, at: host.now))
    }

    /// What the reader has not taken yet is not asked of it again: its beeps would come too late to mean anything.
    private func give(_ steps: [SetupRequest]) {
        guard !steps.isEmpty else { return }
        for request in steps where !requests.contains(request) { requests.append([request]) }
        _ = sendNextRequest()
    }

    /// An output report goes to the endpoint for it where there is one, as the kernel does it.
    private func send(_ request: SetupRequest) -> Int32 {
        guard case .output(let id, let bytes) = request, let endpoint = interface.outputEndpoint, let handle else {
            // A port without an OUT endpoint knows no reports.
            if case .output = request, interface.isSerial { return LIBUSB_ERROR_NOT_SUPPORTED.rawValue }
            return send(ControlMessage(request, interface: interface.number))
        }
        let report = (id == 0 ? [] : [id]) + bytes
        guard let transfer = USBTransfer(owner: self, capacity: report.count) else {
            return LIBUSB_ERROR_NO_MEM.rawValue
        }
        control = transfer
        return transfer.submitWrite(handle, endpoint: endpoint, report, isBulk: interface.isBulk)
    }

    private func send(_ message: ControlMessage) -> Int32 {
        guard let handle, let transfer = USBTransfer(owner: self, capacity: 8 + message.length) else {
            return LIBUSB_ERROR_NO_MEM.rawValue
        }
        control = transfer
        return transfer.submitControl(handle, message)
    }

    private func controlEnded(_ transfer: USBTransfer) -> ReaderLife.Event? {
        if isFetchingDescriptor {
            isFetchingDescriptor = false
            return descriptorAnswered(transfer)
        }
        if isAskingStatus {
            isAskingStatus = false
            return statusAnswered(transfer)
        }
        guard transfer.status != LIBUSB_TRANSFER_CANCELLED else {
            requests.replace(by: [])
            isSettingUp = false
            return nil
        }
        requests.ended(wasAnswered: transfer.status == LIBUSB_TRANSFER_COMPLETED)
        return sendNextRequest()
    }

    // MARK: Reads

    private func submitReads() -> ReaderLife.Event? {
        guard let handle, let endpoint = interface.inputEndpoint else { return .submitFailed(.gone) }
        while reads.count < Self.readsInFlight {
            guard let transfer = USBTransfer(owner: self, capacity: interface.packetSize) else {
                return .submitFailed(.other("out of memory"))
            }
            reads.append(transfer)
        }
        for transfer in reads where !transfer.isInFlight {
            let code = transfer.submitRead(handle, endpoint: endpoint, isBulk: interface.isBulk)
            if code != 0 { return .submitFailed(.init(code: code)) }
        }
        return nil
    }

    private var isIdle: Bool { control?.isInFlight != true && reads.allSatisfy { !$0.isInFlight } }

    /// Called by libusb. Takes the bytes and reads on; whatever opens, closes or waits is left to `catchUp`.
    func transferEnded(_ transfer: USBTransfer) {
        if transfer === control {
            hasControlEnded = true
            return
        }
        hasReadEnded = true
        if let failure = ReaderLife.Failure(status: transfer.status) {
            hearing = .deaf
            return note(failure)
        }
        guard transfer.status == LIBUSB_TRANSFER_COMPLETED, let handle, let endpoint = interface.inputEndpoint else {
            return
        }
        take(transfer.received)
        let isReset = emptyReads.note(transfer.received.count)
        transfer.wipe()
        if isReset {
            hearing = .deaf
            return note(.reset)
        }
        if isHearingOut { return }
        if case .deaf = hearing { return }
        let code = transfer.submitRead(handle, endpoint: endpoint, isBulk: interface.isBulk)
        guard code != 0 else { return }
        // The reads behind this one may have brought the rest of a scan before the device went.
        isHearingOut = true
        note(.init(code: code))
    }

    private func note(_ failure: ReaderLife.Failure) {
        if readFailure == nil || failure == .gone { readFailure = failure }
    }

    /// Does what the transfers that ended have left to do.
    func catchUp() {
        if hasControlEnded, let transfer = control {
            hasControlEnded = false
            if let event = controlEnded(transfer) { handle(event) }
            if isIdle { handle(.idle) }
        }
        guard hasReadEnded else { return }
        hasReadEnded = false
        emptyReads.roundEnded()
        if let failure = readFailure {
            readFailure = nil
            handle(.transferFailed(failure))
        }
        if isIdle { handle(.idle) }
    }

    private func take(_ packet: UnsafeBufferPointer<UInt8>) {
        let awaited = [decoder?.deadline, assembler.deadline].compactMap(\.self).min()
        let now = arrival(at: host.now, awaitedUntil: awaited)
        switch hearing {
        case .deaf: return
        case .draining(var drain):
            if drain.readsAlong {
                drain.discard(belongsToScan: belongsToScan(packet, at: now), at: now)
            } else {
                var bytes = Array(packet)
                drain.discard(bytes, at: now)
                decoder?.discard(bytes)
                for index in bytes.indices { bytes[index] = 0 }
            }
            hearing = .draining(drain)
            sendAnswers()
        case .listening:
            guard assembler.receive(packet, at: now) else { return }
            _ = life.handle(.received)
            let scans = decoder?.receive(assembler.bytes, at: now) ?? []
            sendAnswers()
            deliver(scans)
            host.tap.note(assembler.bytes, of: id, at: now)
            assembler.wipe()
        }
    }

    /// Reads a packet, and forgets what is read. A half scan that waits for its rest belongs to one as well.
    private func belongsToScan(_ packet: UnsafeBufferPointer<UInt8>, at now: MonotonicTime) -> Bool {
        guard assembler.receive(packet, at: now) else { return assembler.isPartial }
        defer { assembler.wipe() }
        let drops = decoder?.droppedPartialScans
        let scans = decoder?.receive(assembler.bytes, at: now) ?? []
        return !scans.isEmpty || decoder?.deadline != nil || decoder?.droppedPartialScans != drops
    }

    private func sendAnswers() {
        guard let answers = decoder?.takeRequests(), !answers.isEmpty else { return }
        requests.append(answers)
        // Only the start waits for its requests to end, and it does not read.
        _ = sendNextRequest()
    }

    private func deliver(_ scans: [DecodedScan]) {
        if hasDrained {
            for scan in scans { host.deliver(.scan(description.id, scan)) }
        }
        if let notice = decoder?.takeNotice() { host.deliver(.notice(description.id, notice)) }
        reportDrops()
    }

    /// Forgets the scan that has begun, so that it never becomes part of another.
    private func forget() {
        assembler.reset()
        decoder?.reset()
        host.tap.interrupt(id)
        reportDrops()
    }

    private func reportDrops() {
        let reports = assembler.droppedPartialReports
        let scans = decoder?.droppedPartialScans ?? 0
        // Half a report is also half a scan, which the decoder may have counted already.
        let count = max(reports - reportedDrops.reports, scans - reportedDrops.scans)
        guard count > 0 else { return }
        reportedDrops = (reports, scans)
        host.deliver(.partialDropped(description.id, count: count))
    }
}
