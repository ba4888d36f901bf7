public import CardReading
public import LoyaltyModel

/// How the backend treats the devices that it finds.
public struct USBReaderOptions: Sendable {
    public var claim: ClaimRules
    public var claimKeyboards: KeyboardClaims
    /// How readers are set up that `readers` does not name.
    public var reader: ReaderOptions
    /// How single readers are set up; the first match counts.
    public var readers: [(match: DeviceMatch, options: ReaderOptions)]

    /// HID POS scanners by descriptor, keyboards of the built-in table.
    public init(
        claim: ClaimRules = ClaimRules(), claimKeyboards: KeyboardClaims = .knownScanners,
        reader: ReaderOptions = ReaderOptions(), readers: [(match: DeviceMatch, options: ReaderOptions)] = []
    ) {
        self.claim = claim
        self.claimKeyboards = claimKeyboards
        self.reader = reader
        self.readers = readers
    }

    /// How one device is set up.
    public func reader(vendorID: UInt16, productID: UInt16, portPath: String) -> ReaderOptions {
        readers.first { $0.match.matches(vendorID: vendorID, productID: productID, portPath: portPath) }?.options
            ?? reader
    }
}

/// Which devices to take and which to leave alone. `deny` wins.
public struct ClaimRules: Sendable, Hashable {
    /// Readers, even where they look like a keyboard.
    public var allow: [DeviceMatch]
    /// Never opened, whatever they are.
    public var deny: [DeviceMatch]

    public init(allow: [DeviceMatch] = [], deny: [DeviceMatch] = []) {
        self.allow = allow
        self.deny = deny
    }
}

/// Which keyboards to claim. A keyboard wedge scanner and the cashier's keyboard have the same descriptors, so this goes
/// by name and never by looks.
public enum KeyboardClaims: Sendable, Hashable {
    case never
    /// Those that `ClaimRules.allow` names.
    case allowed
    /// Those, and the models of `KnownReader.all`.
    case knownScanners
}

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
