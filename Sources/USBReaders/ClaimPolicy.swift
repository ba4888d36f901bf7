import CardReading

/// Decides which interfaces may be touched. The one mistake that must never happen is to take the cashier's keyboard.
struct ClaimPolicy: Sendable {
    let rules: ClaimRules
    let keyboards: KeyboardClaims

    /// What is known of a device before anybody has asked it anything.
    enum Stance: Hashable {
        /// Never to be touched.
        case denied
        /// A reader if its descriptor says so, but no keyboard.
        case byDescriptor
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

    static let deniedReason = "the reader settings deny it"

    func stance(vendorID: UInt16, productID: UInt16, portPath: String) -> Stance {
        func named(by matches: [DeviceMatch]) -> Bool {
            matches.contains { $0.matches(vendorID: vendorID, productID: productID, portPath: portPath) }
        }
        if named(by: rules.deny) { return .denied }
        switch keyboards {
        case .never: return .byDescriptor
        case .allowed: return named(by: rules.allow) ? .named : .byDescriptor
        case .knownScanners:
            let known = KnownScanner.all.contains {
                $0.match.matches(vendorID: vendorID, productID: productID, portPath: portPath)
            }
            return known || named(by: rules.allow) ? .named : .byDescriptor
        }
    }

    /// Before the report descriptor is read: reading it may need the interface, which takes it from the kernel's driver.
    func decide(_ stance: Stance, interface: HIDInterface) -> Decision {
        if stance == .denied { return .leave(.unsupported(reason: Self.deniedReason)) }
        guard interface.subclass == HIDInterface.bootSubclass else { return .proceed }
        switch interface.protocolCode {
        case HIDInterface.bootKeyboard: return stance == .named ? .proceed : .leave(.unclaimedKeyboard)
        case HIDInterface.bootMouse: return stance == .named ? .proceed : .skip
        default: return .proceed
        }
    }

    /// After the report descriptor has been understood.
    func decide(_ stance: Stance, kind: ReaderProtocol) -> Decision {
        kind == .keyboard && stance != .named ? .leave(.unclaimedKeyboard) : .proceed
    }
}
