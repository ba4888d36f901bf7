public import CardReading
public import LoyaltyModel

/// One interface of a USB device that is, or might be, a reader.
public struct ReaderDescription: Sendable, Hashable {
    /// `usb-1-1.2:0`: bus and port path, interface number. Stays the same when the reader is plugged in again at the same place.
    public let id: ReaderID
    public let vendorID: UInt16
    public let productID: UInt16
    public let manufacturer: String?
    public let product: String?
    /// The serial number where it is printable ASCII. Not an identity: many readers share one or send garbage
    /// (libusb/hidapi issue 250).
    public let serial: String?
    /// Nil as long as the report descriptor has not been understood.
    public let kind: ReaderProtocol?
    /// Bus and port path as the kernel writes it: `1-1.2`.
    public let portPath: String
    public let interfaceNumber: UInt8

    public init(
        vendorID: UInt16, productID: UInt16, manufacturer: String? = nil, product: String? = nil,
        serial: String? = nil, kind: ReaderProtocol? = nil, portPath: String, interfaceNumber: UInt8
    ) {
        id = ReaderID("usb-\(portPath):\(interfaceNumber)")
        self.vendorID = vendorID
        self.productID = productID
        self.manufacturer = manufacturer
        self.product = product
        self.serial = serial
        self.kind = kind
        self.portPath = portPath
        self.interfaceNumber = interfaceNumber
    }

    func of(kind: ReaderProtocol) -> ReaderDescription {
        ReaderDescription(
            vendorID: vendorID, productID: productID, manufacturer: manufacturer, product: product, serial: serial,
            kind: kind, portPath: portPath, interfaceNumber: interfaceNumber)
    }
}

/// What a reader is up to.
public enum ReaderState: Sendable, Hashable {
    /// Claimed and listening.
    case ready
    /// The device node may not be opened. Tried again for ever, for udev may still be at it.
    case noPermission
    /// Another program holds the interface. Tried again for ever.
    case busy
    /// Left alone: not a reader, a reader in a mode that is not understood, or not allowed by the settings.
    case unsupported(reason: String)
    /// Something went wrong and is being mended without anybody's help.
    case recovering(reason: String)
    /// Mending did not work. Tried again only every half minute.
    case failed(reason: String)

    /// A keyboard that nobody named as a scanner. It may be the cashier's, which must never be taken away.
    public static let unclaimedKeyboard = ReaderState.unsupported(
        reason: "a keyboard, left alone because no setting names it as a scanner")

    /// A serial port that nobody named as a scanner's. It may be the till's printer, which must never be taken away.
    public static let unclaimedSerialPort = ReaderState.unsupported(
        reason: "a serial port, left alone because no setting names it as a scanner's")

    /// The state as one stable word for status output and metrics.
    public var word: String {
        switch self {
        case .ready: "ready"
        case .noPermission: "no_permission"
        case .busy: "busy"
        case .unclaimedKeyboard: "unclaimed_keyboard"
        case .unclaimedSerialPort: "unclaimed_serial_port"
        case .unsupported: "unsupported"
        case .recovering: "recovering"
        case .failed: "failed"
        }
    }

    /// What went wrong, as part of a sentence.
    public var reason: String? {
        switch self {
        case .ready: nil
        case .noPermission: "the device node may not be opened"
        case .busy: "another program holds it"
        case .unsupported(let reason), .recovering(let reason), .failed(let reason): reason
        }
    }

    /// What to do about it, for any reader; `remedy(for:)` names the device.
    public var remedy: String? {
        remedy(match: "ATTR{idVendor}==\"VVVV\", ATTR{idProduct}==\"PPPP\"", name: "VVVV:PPPP")
    }

    /// What to do about it: the exact udev line, the exact entry of the settings.
    public func remedy(for reader: ReaderDescription) -> String? {
        let (vendor, product) = (hexadecimal(reader.vendorID), hexadecimal(reader.productID))
        return remedy(
            match: "ATTR{idVendor}==\"\(vendor)\", ATTR{idProduct}==\"\(product)\"", name: "\(vendor):\(product)")
    }

    private func remedy(match: String, name: String) -> String? {
        switch self {
        case .ready, .recovering: nil
        case .noPermission:
            "write this line to /etc/udev/rules.d/70-loyaltyd-local.rules, then run \"udevadm control --reload\" and plug "
                + "the reader in again: SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\", \(match), GROUP=\"loyaltyd\", "
                + "MODE=\"0660\""
        case .busy: "stop the other program that reads this scanner, such as the till's own driver"
        case .unclaimedKeyboard:
            "if this is a scanner and not the cashier's keyboard, allow \(name) in the reader settings"
        case .unclaimedSerialPort:
            "if a scanner hangs on it, and not the till's printer or scales, allow \(name) in the reader settings"
        case .unsupported:
            "if this is a scanner, scan the code \"USB HID POS\" or \"USB keyboard\" in its manual to switch its mode"
        case .failed: "plug the reader out and in, then try another cable and another port"
        }
    }
}

/// What the backend has to tell. The events of one reader come in order.
public enum ReaderEvent: Sendable {
    /// Comes before everything else of a reader, and again where more is known about it (its kind).
    case connected(ReaderDescription)
    case state(ReaderID, ReaderState)
    case disconnected(ReaderID)
    case scan(ReaderID, DecodedScan)
    /// So many scans that had begun came to nothing and were dropped since the last such event.
    case partialDropped(ReaderID, count: Int)
    /// Something about the reader that the operator should hear; each once while it is plugged in.
    case notice(ReaderID, ReaderNotice)
}

extension LoyaltyError.Code {
    /// libusb does not start: no USB in this system, or no access to it.
    public static let usbUnavailable = Self("usb.unavailable", kind: .unavailable)
}

/// Four hexadecimal digits, as USB ids are written.
func hexadecimal(_ id: UInt16) -> String {
    let digits = String(id, radix: 16)
    return String(repeating: "0", count: 4 - digits.utf8.count) + digits
}
