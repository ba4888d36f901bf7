/// Readers that are known by their ids: what may be claimed unasked, and what to do where descriptors do not tell.
///
/// The table is data: `udev/readers.json`, which also makes the udev rules, the hwdb entries and the lists of
/// `docs/readers.md`. The ids are those that published dumps, manuals and bug reports name; none of these vendors uses such
/// an id for a keyboard that people type on.
public struct KnownReader: Sendable, Hashable {
    /// What a vendor's devices want beyond their protocol.
    enum Quirk: Sendable, Hashable {
        /// Several interfaces, of which the one to use is chosen by feature report FE (HHP 3800i manual).
        case choosesInterface
        /// Understands Honeywell's serial commands, which begin with SYN.
        case takesCommands
    }

    public let vendorID: UInt16
    /// nil for all of the vendor's products.
    public let productID: UInt16?
    public let name: String
    /// What the device speaks. Decides only where its descriptors leave it open.
    public let protocolHint: ReaderProtocol?

    init(_ vendorID: UInt16, _ productID: UInt16?, _ name: String, _ protocolHint: ReaderProtocol?) {
        self.vendorID = vendorID
        self.productID = productID
        self.name = name
        self.protocolHint = protocolHint
    }

    /// The entry for a device, nil for a stranger.
    public static func find(vendorID: UInt16, productID: UInt16) -> KnownReader? {
        all.first { $0.vendorID == vendorID && $0.productID == productID }
            ?? all.first { $0.vendorID == vendorID && $0.productID == nil }
    }

    static func quirks(vendorID: UInt16) -> Set<Quirk> { quirksByVendor[vendorID] ?? [] }
}

/// Serial adapter chips, whatever may hang on them.
public struct SerialChip: Sendable, Hashable {
    public let vendorID: UInt16
    public let productID: UInt16
    public let name: String
    public let adapter: SerialAdapter

    init(_ vendorID: UInt16, _ productID: UInt16, _ name: String, _ adapter: SerialAdapter) {
        self.vendorID = vendorID
        self.productID = productID
        self.name = name
        self.adapter = adapter
    }

    /// The entry for a device, nil where it is none of these chips.
    public static func find(vendorID: UInt16, productID: UInt16) -> SerialChip? {
        all.first { $0.vendorID == vendorID && $0.productID == productID }
    }
}
