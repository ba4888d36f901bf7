/// A USB device as the kernel shows it in sysfs: known without opening it, and without any right to.
public struct USBDeviceRecord: Sendable, Hashable {
    /// One interface of the configuration that the device is in.
    public struct Interface: Sendable, Hashable {
        public var number: UInt8
        public var interfaceClass: UInt8
        public var subclass: UInt8
        public var protocolCode: UInt8
        /// The kernel's driver that holds it: `usbhid`, `cdc_acm`; `usbfs` where a program holds it; nil for none.
        public var driver: String?
        /// Shown only while the kernel's HID driver holds the interface.
        public var reportDescriptor: [UInt8]?

        public init(
            number: UInt8 = 0, interfaceClass: UInt8, subclass: UInt8 = 0, protocolCode: UInt8 = 0,
            driver: String? = nil, reportDescriptor: [UInt8]? = nil
        ) {
            self.number = number
            self.interfaceClass = interfaceClass
            self.subclass = subclass
            self.protocolCode = protocolCode
            self.driver = driver
            self.reportDescriptor = reportDescriptor
        }
    }

    /// Who may open the device node.
    public struct Node: Sendable, Hashable {
        public var path: String
        public var owner: UInt32
        public var group: UInt32
        /// Permission bits.
        public var mode: UInt32

        public init(path: String, owner: UInt32, group: UInt32, mode: UInt32) {
            (self.path, self.owner, self.group, self.mode) = (path, owner, group, mode)
        }
    }

    /// Bus and port path: `1-1.2`.
    public var portPath: String
    public var vendorID: UInt16
    public var productID: UInt16
    public var manufacturer: String?
    public var product: String?
    public var serial: String?
    public var deviceClass: UInt8 = 0
    /// What it may draw from its port, in mA.
    public var power = 0
    public var isSelfPowered = false
    /// Whether the kernel may put it to sleep; nil where it does not say.
    public var mayAutosuspend: Bool?
    public var interfaces: [Interface] = []
    /// nil where there is no node.
    public var node: Node?

    public init(portPath: String, vendorID: UInt16, productID: UInt16) {
        (self.portPath, self.vendorID, self.productID) = (portPath, vendorID, productID)
    }

    public static let hubClass: UInt8 = 9

    /// `05e0:1200`
    public var usbID: String { hexadecimal(vendorID) + ":" + hexadecimal(productID) }

    public var name: String {
        let words = [manufacturer, product].compactMap(\.self)
        return words.isEmpty ? "USB device" : words.joined(separator: " ")
    }

    /// The port path of the hub that it hangs on; nil at a port of the machine's own.
    public var hub: String? { portPath.lastIndex(of: ".").map { String(portPath[..<$0]) } }
}

/// Four hexadecimal digits, as USB ids are written.
func hexadecimal(_ id: UInt16) -> String {
    let digits = String(id, radix: 16)
    return String(repeating: "0", count: 4 - digits.utf8.count) + digits
}
