/// What the USB descriptors of one interface say: all that the choice of a decoder may rest on.
public struct InterfaceFacts: Sendable, Hashable {
    public let vendorID: UInt16
    public let productID: UInt16
    public let interfaceNumber: UInt8
    public let interfaceClass: UInt8
    public let interfaceSubclass: UInt8
    public let interfaceProtocol: UInt8
    /// The HID report descriptor as the device sent it; empty where it has none.
    public let reportDescriptor: [UInt8]

    public init(
        vendorID: UInt16,
        productID: UInt16,
        interfaceNumber: UInt8,
        interfaceClass: UInt8,
        interfaceSubclass: UInt8,
        interfaceProtocol: UInt8,
        reportDescriptor: [UInt8]
    ) {
        self.vendorID = vendorID
        self.productID = productID
        self.interfaceNumber = interfaceNumber
        self.interfaceClass = interfaceClass
        self.interfaceSubclass = interfaceSubclass
        self.interfaceProtocol = interfaceProtocol
        self.reportDescriptor = reportDescriptor
    }
}

/// The protocols that readers speak. The raw value is the word in configuration and on the status page.
public enum ReaderProtocol: String, Sendable, Codable, CaseIterable {
    /// HID keyboard, page 01 usage 06: a keyboard wedge, also a stripe reader that types.
    case keyboard
    /// HID Point of Sale bar code scanner, page 8C usage 02.
    case hidPOS = "hid_pos"
    /// HID Point of Sale magnetic stripe reader, page 8E usage 01.
    case hidMSR = "hid_msr"
    /// MagTek stripe reader that sends decoded tracks, page FF00.
    case magtek
    /// MagTek MagneSafe, which may encrypt.
    case magnesafe
    /// ID TECH stripe reader, encrypting or not, and those built like it.
    case idtech
}

/// A request that a decoder wants sent to its device. The device may answer any of them with STALL; that is no failure.
public enum SetupRequest: Sendable, Hashable {
    /// HID 1.11 section 7.2.6, SET_PROTOCOL: 0 for boot, 1 for report.
    case setProtocol(boot: Bool)
    /// HID 1.11 section 7.2.4, SET_IDLE for all reports, in units of 4 ms; 0 is "only when something changes".
    case setIdle(UInt8)
    /// SET_REPORT of type output, or a write to the interrupt OUT endpoint. The bytes exclude the report ID; ID 0 means none.
    case output(reportID: UInt8, [UInt8])
    /// SET_REPORT of type feature. The bytes exclude the report ID; ID 0 means none.
    case feature(reportID: UInt8, [UInt8])
}
