import CLibUSB
import CardReading
import Glibc
import LoyaltyModel

/// libusb's context and every reader in it. Made by `start` and from then on used by the USB thread alone.
final class USBHost {
    private var options: USBReaderOptions
    private(set) var policy: ClaimPolicy
    let tap: ReaderTap
    private let context: OpaquePointer
    private let clock: any LoyaltyClock
    private let sink: @Sendable (ReaderEvent) -> Void
    private var readers: [InterfaceReader] = []
    /// What hotplug has told and nobody has looked at yet. Each holds a reference to its device.
    private var plugs: [(device: OpaquePointer, hasArrived: Bool)] = []
    /// Devices without a configuration that can be read, or not yet. Each holds a reference.
    private var unconfigured: [Unconfigured] = []
    /// Devices that other settings hold for now: they begin again once their readers have ended. Each holds a reference.
    private var renewed: [USBDevice] = []
    private var isStopping = false
    private var resumeWatch: ResumeWatch

    private struct Unconfigured {
        let device: USBDevice
        var attempts: Int
        var retryAt: MonotonicTime
    }

    /// The loop wakes at least so often, to show that it lives.
    static let longestSleep = Duration.seconds(5)
    /// How long to wait at the end for transfers to come back.
    static let patience = Duration.seconds(2)
    static let configurationRetry = Duration.milliseconds(100)
    static let mostConfigurationRetries = 5

    init(
        context: OpaquePointer, options: USBReaderOptions, clock: any LoyaltyClock, tap: ReaderTap,
        sink: @escaping @Sendable (ReaderEvent) -> Void
    ) {
        self.context = context
        self.options = options
        self.clock = clock
        self.tap = tap
        self.sink = sink
        resumeWatch = ResumeWatch(suspended: ResumeWatch.systemSuspended())
        policy = ClaimPolicy(rules: options.claim, keyboards: options.claimKeyboards)
    }

    var now: MonotonicTime { clock.monotonic }

    func deliver(_ event: ReaderEvent) { if !isStopping { sink(event) } }

    /// Asks libusb to tell of devices, those that are there first.
    ///
    /// - Returns: A libusb code, 0 for success.
    func listenForHotplug() -> Int32 {
        let events = LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED.rawValue | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT.rawValue
        let any = LIBUSB_HOTPLUG_MATCH_ANY
        return libusb_hotplug_register_callback(
            context, Int32(events), Int32(LIBUSB_HOTPLUG_ENUMERATE.rawValue), any, any, any,
            { _, device, event, user in
                guard let device, let user else { return 0 }
                let host = Unmanaged<USBHost>.fromOpaque(user).takeUnretainedValue()
                host.plugs.append((libusb_ref_device(device), event == LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED))
                return 0
            }, Unmanaged.passUnretained(self).toOpaque(), nil)
    }

    /// The loop of the thread.
    ///
    /// - Parameters:
    ///   - shouldStop: Asked each time around; whoever changes the answer calls `libusb_interrupt_event_handler`.
    ///   - heartbeat: Called each time around.
    ///   - settings: Asked each time around for other settings to take.
    ///   - signals: Asked each time around for the beeps and lights to send.
    func run(
        shouldStop: () -> Bool, heartbeat: (MonotonicTime) -> Void, settings: () -> USBReaderOptions?,
        signals: () -> [(ReaderID, ScanDecoder.Signal)]
    ) {
        while !shouldStop() {
            catchUp()
            if let options = settings() { apply(options) }
            heartbeat(now)
            for (id, signal) in signals() { readers.first { $0.id == id && !$0.life.isOver }?.send(signal) }
            handleEvents(until: now.adding(Self.longestSleep))
        }
        isStopping = true
        for reader in readers { reader.handle(.stopped) }
        let end = now.adding(Self.patience)
        removeFinished()
        while !readers.isEmpty, now < end {
            handleEvents(until: end)
            for reader in readers { reader.catchUp() }
            removeFinished()
        }
        for plug in plugs { libusb_unref_device(plug.device) }
        plugs = []
        for waiting in unconfigured { libusb_unref_device(waiting.device.pointer) }
        unconfigured = []
        for device in renewed { libusb_unref_device(device.pointer) }
        renewed = []
    }

    /// Gives libusb back. Where a transfer is still in flight, it is left to the end of the process instead.
    func close() { if readers.isEmpty { libusb_exit(context) } }

    private func catchUp() {
        while !plugs.isEmpty {
            let plug = plugs.removeFirst()
            if plug.hasArrived { arrived(plug.device) } else { left(plug.device) }
            libusb_unref_device(plug.device)
        }
        let time = now
        let hasResumed = resumeWatch.hasResumed(suspended: ResumeWatch.systemSuspended())
        for reader in readers {
            reader.catchUp()
            if hasResumed { reader.handle(.resumed) }
            reader.timeHasPassed(time)
        }
        retryUnconfigured(time)
        removeFinished()
        renew()
    }

    /// Ends the readers that the settings say something else about than before; the others go on undisturbed.
    private func apply(_ options: USBReaderOptions) {
        let (before, policyBefore) = (self.options, policy)
        self.options = options
        policy = ClaimPolicy(rules: options.claim, keyboards: options.claimKeyboards)
        // What has not been looked at yet will be by the new ones.
        for device in present() where !unconfigured.contains(where: { $0.device.pointer == device.pointer }) {
            guard treatment(of: device) != treatment(of: device, before, policyBefore) else { continue }
            if !renewed.contains(where: { $0.pointer == device.pointer }) {
                libusb_ref_device(device.pointer)
                renewed.append(device)
            }
            for reader in readers where reader.device.pointer == device.pointer { reader.handle(.stopped) }
        }
        removeFinished()
        renew()
    }

    private func renew() {
        for index in renewed.indices.reversed() {
            let device = renewed[index]
            guard !readers.contains(where: { $0.device.pointer == device.pointer }) else { continue }
            renewed.remove(at: index)
            begin(device)
            libusb_unref_device(device.pointer)
        }
    }

    /// Those that are plugged in and were looked at. libusb keeps one record of each for as long as somebody refers to it.
    private func present() -> [USBDevice] {
        var list: UnsafeMutablePointer<OpaquePointer?>?
        let count = libusb_get_device_list(context, &list)
        guard count >= 0, let list else { return [] }
        defer { libusb_free_device_list(list, 1) }
        let arriving = Set(plugs.map(\.device))
        return UnsafeBufferPointer(start: list, count: count).compactMap { pointer in
            pointer.flatMap { arriving.contains($0) ? nil : USBDevice($0) }
        }
    }

    private func treatment(of device: USBDevice) -> ClaimPolicy.Treatment { treatment(of: device, options, policy) }

    private func treatment(
        of device: USBDevice, _ options: USBReaderOptions, _ policy: ClaimPolicy
    ) -> ClaimPolicy.Treatment {
        policy.treatment(
            options, vendorID: device.vendorID, productID: device.productID, portPath: device.portPath)
    }

    private func removeFinished() {
        guard readers.contains(where: \.life.isOver) else { return }
        for reader in readers where reader.life.isOver { libusb_unref_device(reader.device.pointer) }
        readers.removeAll(where: \.life.isOver)
    }

    private func handleEvents(until limit: MonotonicTime) {
        var wake = limit
        for reader in readers { wake = min(wake, reader.deadline ?? limit) }
        for device in unconfigured { wake = min(wake, device.retryAt) }
        let (seconds, attoseconds) = wake.since(now).components
        // Up to the next millisecond, lest the loop turns until the deadline has really passed.
        let milliseconds = Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000) + 1
        var timeout = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        let code = libusb_handle_events_timeout_completed(context, &timeout, nil)
        if code != 0, code != LIBUSB_ERROR_INTERRUPTED.rawValue {
            // Nothing that libusb documents for a healthy system; it must not become a busy loop.
            poll(nil, 0, 100)
        }
    }

    private func arrived(_ pointer: OpaquePointer) {
        guard !readers.contains(where: { $0.device.pointer == pointer }),
            !unconfigured.contains(where: { $0.device.pointer == pointer }),
            !renewed.contains(where: { $0.pointer == pointer }), let device = USBDevice(pointer)
        else { return }
        begin(device)
    }

    private func begin(_ device: USBDevice) {
        if addReaders(of: device) { return }
        libusb_ref_device(device.pointer)
        unconfigured.append(
            Unconfigured(device: device, attempts: 1, retryAt: now.adding(Self.configurationRetry)))
    }

    /// The kernel announces a device before it has chosen its configuration.
    private func retryUnconfigured(_ time: MonotonicTime) {
        for index in unconfigured.indices.reversed() where time >= unconfigured[index].retryAt {
            let device = unconfigured[index].device
            let isRead = addReaders(of: device)
            guard isRead || unconfigured[index].attempts >= Self.mostConfigurationRetries else {
                unconfigured[index].attempts += 1
                unconfigured[index].retryAt = time.adding(Self.configurationRetry)
                continue
            }
            if !isRead { addUnreadable(device, "its configuration descriptor cannot be read") }
            unconfigured.remove(at: index)
            libusb_unref_device(device.pointer)
        }
    }

    /// False where the device has no configuration that can be read.
    private func addReaders(of device: USBDevice) -> Bool {
        guard let (configuration, interfaces) = device.interfaces() else { return false }
        let treatment = treatment(of: device)
        let stance = treatment.stance
        if interfaces.isEmpty, stance == .named || stance == .namedWithoutKeyboards {
            addUnreadable(device, "it is switched to a mode in which it is neither a HID device nor a serial port")
        }
        for interface in interfaces {
            add(
                device, configuration, interface, treatment, policy.decide(stance, interface: interface),
                among: interfaces.count)
        }
        return true
    }

    /// A device that has nothing to read, for the operator to see.
    private func addUnreadable(_ device: USBDevice, _ reason: String) {
        let none = ReaderInterface(number: 0, subclass: 0, protocolCode: 0)
        add(device, 0, none, treatment(of: device), .leave(.unsupported(reason: reason)))
    }

    private func add(
        _ device: USBDevice, _ configuration: UInt8, _ interface: ReaderInterface,
        _ treatment: ClaimPolicy.Treatment, _ decision: ClaimPolicy.Decision, among interfaceCount: Int = 1
    ) {
        if decision == .skip { return }
        let reader = InterfaceReader(
            host: self, device: device, configuration: configuration, interface: interface, treatment: treatment,
            interfaceCount: interfaceCount)
        libusb_ref_device(device.pointer)
        readers.append(reader)
        if case .leave(let state) = decision { reader.handle(.ruledOut(state)) } else { reader.handle(.found) }
    }

    private func left(_ pointer: OpaquePointer) {
        for reader in readers where reader.device.pointer == pointer { reader.handle(.left) }
        if let index = unconfigured.firstIndex(where: { $0.device.pointer == pointer }) {
            unconfigured.remove(at: index)
            libusb_unref_device(pointer)
        }
        if let index = renewed.firstIndex(where: { $0.pointer == pointer }) {
            renewed.remove(at: index)
            libusb_unref_device(pointer)
        }
        removeFinished()
    }
}
