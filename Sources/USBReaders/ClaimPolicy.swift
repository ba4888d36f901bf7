import CardReading

/// Decides which interfaces may be touched. The mistakes that must never happen are to take the cashier's
/// keyboard and the printer's port.
struct ClaimPolicy: Sendable {
    let rules: ClaimRules
    let keyboards: KeyboardClaims

    /// What is known of a device before anybody has asked it anything.
    enum Stance: Hashable {
        /// Never to be touched.
        case denied
        /// A reader if its descriptor says so, but no keyboard.
        case byDescriptor
        /// A reader, even where it is a serial port, but no keyboard.
        case namedWithoutKeyboards
        /// A reader, keyboards included.
        case named
    }

    /// What may be done with an interface.
    enum Decision: Hashable {
        case proceed
        case leave(ReaderState)
        /// Nothing that an operator would want to hear of, such as a mouse.
        case skip
    }

    /// All that the settings say about a device. As long as it stays the same, its readers need not be disturbed.
    struct Treatment: Hashable {
        var stance: Stance
        var options: ReaderOptions
    }

    static let deniedReason = "the reader settings deny it"

    func stance(vendorID: UInt16, productID: UInt16, portPath: String) -> Stance {
        func named(by matches: [DeviceMatch]) -> Bool {
            matches.contains { $0.matches(vendorID: vendorID, productID: productID, portPath: portPath) }
        }
        if named(by: rules.deny) { return .denied }
        let isAllowed = named(by: rules.allow)
        guard isAllowed || KnownReader.find(vendorID: vendorID, productID: productID) != nil else {
            return .byDescriptor
        }
        switch keyboards {
        case .never: return .namedWithoutKeyboards
        case .allowed: return isAllowed ? .named : .namedWithoutKeyboards
        case .knownScanners: return .named
        }
    }

    func treatment(
        _ options: USBReaderOptions, vendorID: UInt16, productID: UInt16, portPath: String
    ) -> Treatment {
        let stance = stance(vendorID: vendorID, productID: productID, portPath: portPath)
        // Nothing else matters to a device that is left alone.
        if stance == .denied { return Treatment(stance: stance, options: ReaderOptions()) }
        var reader = options.reader(vendorID: vendorID, productID: productID, portPath: portPath)
        // A hint is for the readers that the settings name, not for every gadget with a HID interface.
        if stance == .byDescriptor { reader.protocolHint = nil }
        return Treatment(stance: stance, options: reader)
    }

    /// Before the report descriptor is read: reading it may need the interface, which takes it from the kernel's driver.
    func decide(_ stance: Stance, interface: ReaderInterface) -> Decision {
        if stance == .denied { return .leave(.unsupported(reason: Self.deniedReason)) }
        // The till's printer may hang on it.
        if interface.isSerial { return stance == .byDescriptor ? .leave(.unclaimedSerialPort) : .proceed }
        guard interface.subclass == ReaderInterface.bootSubclass else { return .proceed }
        switch interface.protocolCode {
        case ReaderInterface.bootKeyboard: return stance == .named ? .proceed : .leave(.unclaimedKeyboard)
        case ReaderInterface.bootMouse: return stance == .named ? .proceed : .skip
        default: return .proceed
        }
    }

    /// After the report descriptor has been understood.
    func decide(_ stance: Stance, kind: ReaderProtocol) -> Decision {
        switch kind {
        case .keyboard: stance == .named ? .proceed : .leave(.unclaimedKeyboard)
        case .serial: stance == .byDescriptor ? .leave(.unclaimedSerialPort) : .proceed
        default: .proceed
        }
    }
}
