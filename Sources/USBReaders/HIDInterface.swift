/// One HID interface as the configuration descriptor describes it (USB 2.0 chapter 9.6, HID 1.11 chapters 4 and 6.2.1).
struct HIDInterface: Sendable, Hashable {
    static let hidClass: UInt8 = 3
    static let bootSubclass: UInt8 = 1
    static let bootKeyboard: UInt8 = 1
    static let bootMouse: UInt8 = 2
    /// The longest report descriptor that is fetched, in bytes; the kernel's own limit (HID_MAX_DESCRIPTOR_SIZE).
    static let longestReportDescriptor = 4096

    let number: UInt8
    let subclass: UInt8
    let protocolCode: UInt8
    /// The address of the interrupt IN endpoint, nil where there is none.
    var inputEndpoint: UInt8?
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
        if inputEndpoint == nil || packetSize == 0 { return "it has no interrupt endpoint to read from" }
        guard let length = reportDescriptorLength, length > 0 else { return "it declares no report descriptor" }
        if length > Self.longestReportDescriptor {
            return "it declares a report descriptor of \(length) bytes, more than \(Self.longestReportDescriptor)"
        }
        return nil
    }
}
