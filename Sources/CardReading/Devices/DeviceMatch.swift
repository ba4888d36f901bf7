public import LoyaltyModel

/// Names devices by model or by the place where they are plugged in.
public enum DeviceMatch: Sendable, Hashable {
    /// A nil product stands for all of the vendor's.
    case model(vendorID: UInt16, productID: UInt16?)
    /// Bus and port path: `1-1.2`.
    case port(String)

    /// Reads `05e0:1200`, `23d0:*` or `1-1.2`.
    ///
    /// - Throws: `usb.match_syntax`
    public init(_ text: String) throws(LoyaltyError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count == 2, parts[0].utf8.count == 4, let vendor = UInt16(parts[0], radix: 16) {
            if parts[1] == "*" {
                self = .model(vendorID: vendor, productID: nil)
                return
            }
            if parts[1].utf8.count == 4, let product = UInt16(parts[1], radix: 16) {
                self = .model(vendorID: vendor, productID: product)
                return
            }
        }
        let halves = text.split(separator: "-", omittingEmptySubsequences: false)
        if halves.count == 2, UInt8(halves[0]) != nil,
            halves[1].split(separator: ".", omittingEmptySubsequences: false).allSatisfy({ UInt8($0) != nil })
        {
            self = .port(text)
            return
        }
        throw LoyaltyError(
            .usbMatchSyntax, "\"\(text)\" names no USB device",
            remedy: "write a model such as \"05e0:1200\" or \"05e0:*\", or a port such as \"1-1.2\"")
    }

    public func matches(vendorID: UInt16, productID: UInt16, portPath: String) -> Bool {
        switch self {
        case .model(let vendor, let product): vendor == vendorID && (product == nil || product == productID)
        case .port(let path): path == portPath
        }
    }
}

extension LoyaltyError.Code {
    /// A device match in the settings is neither `VVVV:PPPP`, `VVVV:*` nor a port path.
    public static let usbMatchSyntax = Self("usb.match_syntax", kind: .configuration)
}
