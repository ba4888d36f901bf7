/// Tells a device that was reset from one that has nothing to say.
///
/// Where somebody else resets a device, the kernel kills all transfers of usbfs at once and libusb reports them as complete and
/// empty (usb_reset_device, destroy_async, libusb's handle_bulk_completion). The interface can be read on as if nothing had
/// happened, but the reader has forgotten what it was told, and many then stay silent. Empty packets of the reader's own come one
/// by one.
struct EmptyReads: Sendable {
    private let readsInFlight: Int
    private var withData = 0
    private var empty = 0
    /// Rounds with a single empty packet: where they come, several in one round mean nothing either.
    private var lone = 0

    /// A packet that fills the endpoint may be followed by one empty one.
    private static let least = 2
    private static let usual = 3

    init(readsInFlight: Int) { self.readsInFlight = readsInFlight }

    /// Takes the length of a read that was completed.
    ///
    /// - Returns: Whether the device was reset: in one round of the loop, all reads that did not bring data ended empty.
    mutating func note(_ length: Int) -> Bool {
        guard length == 0 else {
            withData += 1
            empty = 0
            return false
        }
        empty += 1
        return empty >= max(readsInFlight - withData, Self.least) && lone < Self.usual
    }

    /// The loop has come round: what ends from now on ended later.
    mutating func roundEnded() {
        if (1..<Self.least).contains(empty) { lone = min(lone + 1, Self.usual) }
        (withData, empty) = (0, 0)
    }
}
