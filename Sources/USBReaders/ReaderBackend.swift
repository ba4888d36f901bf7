public import CardReading
public import LoyaltyModel

/// Where reader events come from: USB itself, or recordings of it.
public protocol ReaderBackend: Sendable {
    /// When it last showed that it lives, at least every five seconds while it runs.
    var lastHeartbeat: MonotonicTime { get }
    /// Does nothing where it runs already.
    func start(_ deliver: @escaping @Sendable (ReaderEvent) -> Void) throws(LoyaltyError)
    /// What is in flight is not delivered.
    func stop()
    /// Where the reports of a reader can be had, for a recording.
    var tap: ReaderTap { get }
    /// Has a reader beep or light up, where it is ready and can.
    func signal(_ signal: ScanDecoder.Signal, on reader: ReaderID)
}

extension USBReaderBackend: ReaderBackend {}
