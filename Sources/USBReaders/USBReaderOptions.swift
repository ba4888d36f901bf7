public import CardReading

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
