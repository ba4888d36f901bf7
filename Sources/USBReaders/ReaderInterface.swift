/// One HID interface or serial port as the configuration descriptor describes it (USB 2.0 chapter 9.6, HID 1.11 chapters 4
/// and 6.2.1, USB CDC 1.2 chapter 5).
struct ReaderInterface: Sendable, Hashable {
    static let hidClass: UInt8 = 3
    static let communicationsClass: UInt8 = 2
    static let communicationsDataClass: UInt8 = 10
    static let vendorClass: UInt8 = 0xff
    static let abstractControlModel: UInt8 = 2
    static let bootSubclass: UInt8 = 1
    static let bootKeyboard: UInt8 = 1
    static let bootMouse: UInt8 = 2
    /// The longest report descriptor that is fetched, in bytes; the kernel's own limit (HID_MAX_DESCRIPTOR_SIZE).
    static let longestReportDescriptor = 4096

    let number: UInt8
    let subclass: UInt8
    let protocolCode: UInt8
    var interfaceClass = hidClass
    /// The address of the interrupt IN endpoint, bulk IN of a serial port; nil where there is none.
    var inputEndpoint: UInt8?
    /// The address of the interrupt OUT endpoint of a HID interface, nil where output reports go over the control endpoint.
    var outputEndpoint: UInt8?
    var isBulk = false
    /// The data interface of a CDC port, which is claimed with it and has its endpoints.
    var dataInterface: UInt8?
    /// What one service interval can carry, in bytes.
    var packetSize = 0
    /// wDescriptorLength of the report descriptor, nil where no HID descriptor stands.
    var reportDescriptorLength: Int?

    /// The declared length of the report descriptor, out of the class descriptors between an interface descriptor and
    /// its endpoints (HID 1.11, 6.2.1). Nil where there is none or the bytes are cut short.
    static func reportDescriptorLength(in extra: some RandomAccessCollection<UInt8>) -> Int? {
        let bytes = Array(extra)
        var position = 0
        while position + 2 <= bytes.count {
            let length = Int(bytes[position])
            guard length >= 2, position + length <= bytes.count else { return nil }
            if bytes[position + 1] == 0x21, length >= 6 {
                for entry in 0..<Int(bytes[position + 5]) {
                    let at = position + 6 + entry * 3
                    guard at + 3 <= position + length else { return nil }
                    if bytes[at] == 0x22 { return Int(bytes[at + 1]) | Int(bytes[at + 2]) << 8 }
                }
            }
            position += length
        }
        return nil
    }

    /// Bytes for each service interval out of wMaxPacketSize: bits 0 to 10 the size, 11 and 12 the additional
    /// transactions of high speed (USB 2.0, 9.6.6).
    static func packetSize(maxPacketSize: UInt16) -> Int {
        Int(maxPacketSize & 0x7ff) * (1 + Int(maxPacketSize >> 11 & 3))
    }

    /// Why the interface cannot be read at all; nil where it can.
    var flaw: String? {
        guard interfaceClass == Self.hidClass else {
            return inputEndpoint == nil || packetSize == 0 ? "it has no bulk endpoint to read from" : nil
        }
        if inputEndpoint == nil || packetSize == 0 { return "it has no interrupt endpoint to read from" }
        guard let length = reportDescriptorLength, length > 0 else { return "it declares no report descriptor" }
        if length > Self.longestReportDescriptor {
            return "it declares a report descriptor of \(length) bytes, more than \(Self.longestReportDescriptor)"
        }
        return nil
    }

    var isSerial: Bool { interfaceClass != Self.hidClass }

    /// The data interface that belongs to a CDC port, out of the class descriptors behind its interface descriptor: the
    /// union's first subordinate, else what call management says (USB CDC 1.2, 5.2.3; PSTN 1.2, 5.3.1).
    static func dataInterface(in extra: some RandomAccessCollection<UInt8>) -> UInt8? {
        let bytes = Array(extra)
        var position = 0
        var managed: UInt8?
        while position + 2 <= bytes.count {
            let length = Int(bytes[position])
            guard length >= 2, position + length <= bytes.count else { break }
            if bytes[position + 1] == 0x24, length >= 5 {
                if bytes[position + 2] == 0x06 { return bytes[position + 4] }
                if bytes[position + 2] == 0x01 { managed = bytes[position + 4] }
            }
            position += length
        }
        return managed
    }
}
