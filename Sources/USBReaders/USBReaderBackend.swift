import CLibUSB
public import CardReading
import Glibc
public import LoyaltyModel
import Synchronization

/// Finds readers on USB, claims them and hands out what they read.
///
/// A thread of its own holds libusb and every device handle. Everything is delivered from that thread.
public final class USBReaderBackend: Sendable {
    private let settings: Mutex<Settings>
    private let clock: any LoyaltyClock
    private let isStopping = Atomic<Bool>(false)
    private let heartbeat: Atomic<UInt64>
    private let running = Mutex<Running?>(nil)

    public let tap = ReaderTap()
    private let signals = Mutex<[(ReaderID, ScanDecoder.Signal)]>([])
    /// More than that wait only where the thread is stuck; a beep that late would mislead.
    private static let mostSignals = 16

    /// The thread, and the context for the one call that any thread may make.
    ///
    /// Invariant: `context` is used outside of the USB thread for `libusb_interrupt_event_handler` alone, which libusb allows,
    /// and under the lock that the thread takes before it gives the context back.
    private struct Running: @unchecked Sendable {
        /// Nil once somebody waits for it.
        var thread: pthread_t?
        var context: OpaquePointer?
    }

    private struct Settings {
        var options: USBReaderOptions
        /// The thread has not seen them yet.
        var areNew = false
    }

    public init(options: USBReaderOptions, clock: any LoyaltyClock) {
        settings = Mutex(Settings(options: options))
        self.clock = clock
        heartbeat = Atomic(clock.monotonic.nanoseconds)
    }

    /// When the thread last went around its loop. It does so at least every five seconds, so that a watchdog can tell whether
    /// it is stuck.
    public var lastHeartbeat: MonotonicTime { MonotonicTime(nanoseconds: heartbeat.load(ordering: .relaxed)) }

    /// Starts the thread. Does nothing where it runs already.
    ///
    /// - Parameter deliver: Called on the USB thread, which reads nothing until it returns: hand the event on and return.
    ///   It may call `stop`, which then does not wait; somebody else calls it again to do that.
    /// - Throws: `usb.unavailable`
    public func start(_ deliver: @escaping @Sendable (ReaderEvent) -> Void) throws(LoyaltyError) {
        let failure: LoyaltyError? = running.withLock { running in
            if running != nil { return nil }
            isStopping.store(false, ordering: .relaxed)
            do throws(LoyaltyError) {
                running = try launch(deliver)
                return nil
            } catch { return error }
        }
        if let failure { throw failure }
    }

    /// Gives every interface back, ends the thread and waits for it. What is in flight is not delivered.
    public func stop() {
        let thread: pthread_t? = running.withLock { running in
            guard let current = running else { return nil }
            isStopping.store(true, ordering: .relaxed)
            if let context = current.context { libusb_interrupt_event_handler(context) }
            guard let thread = current.thread, pthread_equal(thread, pthread_self()) == 0 else { return nil }
            running?.thread = nil
            return thread
        }
        guard let thread else { return }
        pthread_join(thread, nil)
        running.withLock { $0 = nil }
    }

    /// Has a reader beep or light up, where it is ready and can. Nothing is promised: a scanner without a beeper that the
    /// host controls stays silent.
    public func signal(_ signal: ScanDecoder.Signal, on reader: ReaderID) {
        signals.withLock { if $0.count < Self.mostSignals { $0.append((reader, signal)) } }
        running.withLock { if let context = $0?.context { libusb_interrupt_event_handler(context) } }
    }

    /// Takes other settings. A reader about which they say something else is let go and begins again; the others go on
    /// undisturbed. May be called at any time.
    public func apply(_ options: USBReaderOptions) {
        settings.withLock { $0 = Settings(options: options, areNew: true) }
        running.withLock { if let context = $0?.context { libusb_interrupt_event_handler(context) } }
    }

    private func launch(_ deliver: @escaping @Sendable (ReaderEvent) -> Void) throws(LoyaltyError) -> Running {
        var context: OpaquePointer?
        let code = libusb_init(&context)
        guard code == 0, let context else { throw Self.unavailable("libusb does not start", code) }
        let options = settings.withLock(\.options)
        let host = USBHost(context: context, options: options, clock: clock, tap: tap, sink: deliver)
        let hotplug = host.listenForHotplug()
        guard hotplug == 0 else {
            libusb_exit(context)
            throw Self.unavailable("libusb does not tell of devices that are plugged in", hotplug)
        }
        var thread = pthread_t()
        let body = Unmanaged.passRetained(ThreadBody(host: host, backend: self))
        let created = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        guard created == 0 else {
            body.release()
            libusb_exit(context)
            throw LoyaltyError(.usbUnavailable, "no thread for USB: \(String(cString: strerror(created)))")
        }
        return Running(thread: thread, context: context)
    }

    private static func unavailable(_ what: String, _ code: Int32) -> LoyaltyError {
        LoyaltyError(
            .usbUnavailable, "\(what) (\(libusb_error_name(code).map { String(cString: $0) } ?? "error \(code)"))",
            remedy: "check that /dev/bus/usb exists and that the service unit allows AF_NETLINK sockets")
    }

    /// What the thread runs; handed over to it whole.
    private final class ThreadBody {
        let host: USBHost
        let backend: USBReaderBackend

        init(host: USBHost, backend: USBReaderBackend) {
            self.host = host
            self.backend = backend
        }

        func run() {
            var all = sigset_t()
            sigfillset(&all)
            // Signals are for the threads of the program.
            pthread_sigmask(SIG_BLOCK, &all, nil)
            host.run(
                shouldStop: { backend.isStopping.load(ordering: .relaxed) },
                heartbeat: { backend.heartbeat.store($0.nanoseconds, ordering: .relaxed) },
                settings: {
                    backend.settings.withLock { settings in
                        defer { settings.areNew = false }
                        return settings.areNew ? settings.options : nil
                    }
                },
                signals: {
                    backend.signals.withLock { signals in
                        defer { signals.removeAll() }
                        return signals
                    }
                })
            backend.running.withLock { $0?.context = nil }
            host.close()
        }
    }
}
