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
    /// wMaxPacketSize of the endpoint that is read, in bytes.
    public let inputPacketSize: Int
    public let device: DeviceFacts

    public init(
        vendorID: UInt16,
        productID: UInt16,
        interfaceNumber: UInt8,
        interfaceClass: UInt8,
        interfaceSubclass: UInt8,
        interfaceProtocol: UInt8,
        reportDescriptor: [UInt8],
        inputPacketSize: Int = 64,
        device: DeviceFacts = DeviceFacts()
    ) {
        self.vendorID = vendorID
        self.productID = productID
        self.interfaceNumber = interfaceNumber
        self.interfaceClass = interfaceClass
        self.interfaceSubclass = interfaceSubclass
        self.interfaceProtocol = interfaceProtocol
        self.reportDescriptor = reportDescriptor
        self.inputPacketSize = inputPacketSize
        self.device = device
    }
}

/// What the device descriptor says (USB 2.0 section 9.6.1): it tells the generations of serial chips apart.
public struct DeviceFacts: Sendable, Hashable {
    public let deviceClass: UInt8
    /// bcdUSB.
    public let usbVersion: UInt16
    /// bcdDevice.
    public let release: UInt16
    /// bMaxPacketSize0, in bytes.
    public let controlPacketSize: UInt8
    public let interfaceCount: Int

    public init(
        deviceClass: UInt8 = 0, usbVersion: UInt16 = 0x0200, release: UInt16 = 0, controlPacketSize: UInt8 = 64,
        interfaceCount: Int = 1
    ) {
        self.deviceClass = deviceClass
        self.usbVersion = usbVersion
        self.release = release
        self.controlPacketSize = controlPacketSize
        self.interfaceCount = interfaceCount
    }
}

/// The protocols that readers speak. The raw value is the word in configuration and on the status page.
public enum ReaderProtocol: String, Sendable, Codable, CaseIterable {
    /// HID keyboard, page 01 usage 06: a keyboard wedge, also a stripe reader that types.
    case keyboard
    /// HID Point of Sale bar code scanner, page 8C usage 02.
    case hidPOS = "hid_pos"
    /// USB OEM scanners of IBM and Toshiba tills, hand-held and table-top.
    case ibmOEM = "ibm_oem"
    /// Vendor HID with a length and data in each report: Symbol simple COM, Microscan.
    case simpleCOM = "simple_com"
    /// Symbol and Zebra SNAPI.
    case snapi
    /// A serial port: CDC-ACM or an adapter chip.
    case serial
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
    /// SET_REPORT of type output, or a write to the OUT endpoint; to a serial port, bytes. They exclude the report ID; ID 0 means
    /// none.
    case output(reportID: UInt8, [UInt8])
    /// SET_REPORT of type feature. The bytes exclude the report ID; ID 0 means none.
    case feature(reportID: UInt8, [UInt8])
    /// Anything else on the control endpoint.
    case control(ControlMessage)
    /// A question that tells one kind of device from another: only whether it is answered matters, not what.
    indirect case ask(ControlMessage, ifAnswered: [SetupRequest], ifRefused: [SetupRequest])
}

/// A request on the control endpoint (USB 2.0 section 9.3).
public struct ControlMessage: Sendable, Hashable {
    /// bmRequestType; bit 7 says that the device is to send data.
    public let type: UInt8
    public let request: UInt8
    public let value: UInt16
    public let index: UInt16
    /// What to send; empty where the device sends.
    public let data: [UInt8]
    /// Bytes to send or to ask for.
    public let length: Int

    /// A request that sends data, or none.
    public init(type: UInt8, request: UInt8, value: UInt16, index: UInt16, data: [UInt8] = []) {
        (self.type, self.request, self.value, self.index) = (type, request, value, index)
        self.data = data
        length = data.count
    }

    /// A request for data from the device.
    public init(type: UInt8, request: UInt8, value: UInt16, index: UInt16, asking length: Int) {
        (self.type, self.request, self.value, self.index) = (type, request, value, index)
        data = []
        self.length = length
    }
}
