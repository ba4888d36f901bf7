public import LoyaltyModel

/// Turns the input reports of one USB interface into scans. Pure: bytes and instants in, scans out.
///
/// The driver sends `setup` once, hands over every report, and calls `expire` when `deadline` has passed. After a reconnect or
/// resume it calls `reset`, so that nothing from before is joined to what comes after.
public struct ScanDecoder: Sendable {
    /// Which decoder reads an interface, or why none does.
    public enum Verdict: Sendable {
        case reads(ScanDecoder)
        case ignored(reason: String)
    }

    /// What a reader can show or sound.
    public enum Signal: Sendable, CaseIterable {
        case goodRead, error
    }

    // One of them is there. Optionals and not an enumeration, because these are changed in place.
    private var keyboard: KeyboardDecoder?
    private var hidPOS: HIDPOSDecoder?
    private var stripe: StripeDecoder?
    private var encryption = EncryptionWatch()
    private let signals: [Signal: SetupRequest]

    /// Bytes to ask for in a transfer: the longest input report, its ID included.
    public let inputReportLength: Int
    /// What to send after opening, in order. A STALL on any of it is no failure.
    public let setup: [SetupRequest]

    public var kind: ReaderProtocol { stripe?.kind ?? (keyboard == nil ? .hidPOS : .keyboard) }

    /// Chooses by the descriptors, never by vendor and product: the same product comes with different interfaces.
    public static func choose(for facts: InterfaceFacts, options: ReaderOptions = .init()) -> Verdict {
        guard facts.interfaceClass == 0x03 else {
            return .ignored(reason: "interface class \(facts.interfaceClass) is not HID")
        }
        let descriptor: ReportDescriptor
        do {
            descriptor = try ReportDescriptor(facts.reportDescriptor)
        } catch {
            return .ignored(reason: error.message)
        }
        if descriptor.applications.contains(.barCodeScanner) {
            guard let decoder = HIDPOSDecoder(descriptor, options: options) else {
                return .ignored(reason: "a HID POS bar code scanner whose descriptor declares no decoded data")
            }
            return .reads(ScanDecoder(hidPOS: decoder, descriptor, setup: Self.setup(facts, descriptor)))
        }
        if descriptor.applications.contains(.magneticStripeReader) {
            guard let decoder = StripeDecoder(descriptor, facts: facts, options: options) else {
                return .ignored(reason: "a HID POS stripe reader whose descriptor declares no tracks")
            }
            return .reads(ScanDecoder(stripe: decoder, descriptor, setup: []))
        }
        if let decoder = StripeDecoder(descriptor, facts: facts, options: options) {
            return .reads(ScanDecoder(stripe: decoder, descriptor, setup: []))
        }
        if let format = KeyReportFormat(descriptor) {
            let decoder = KeyboardDecoder(
                format: format, interfaceSubclass: facts.interfaceSubclass, options: options)
            return .reads(ScanDecoder(keyboard: decoder, descriptor, setup: decoder.setup))
        }
        let names = descriptor.applications.map(\.description).joined(separator: ", ")
        return .ignored(
            reason:
                "neither keyboard nor bar code scanner nor stripe reader, but usage \(names.isEmpty ? "none" : names)")
    }

    private init(
        keyboard: KeyboardDecoder? = nil, hidPOS: HIDPOSDecoder? = nil, stripe: StripeDecoder? = nil,
        _ descriptor: ReportDescriptor, setup: [SetupRequest]
    ) {
        self.stripe = stripe
        self.keyboard = keyboard
        self.hidPOS = hidPOS
        self.setup = setup
        inputReportLength = descriptor.longestReportLength(.input)
        signals = Self.signals(descriptor)
    }

    /// Takes one report as transferred, its ID byte included.
    ///
    /// - Returns: scans that the report ended, oldest first; also one that silence ended before it.
    public mutating func receive(_ report: [UInt8], at instant: MonotonicTime) -> [DecodedScan] {
        let scans =
            keyboard?.receive(report, at: instant) ?? hidPOS?.receive(report, at: instant)
            ?? stripe?.receive(report, at: instant) ?? []
        for scan in scans { encryption.note(scan) }
        return scans
    }

    /// Ends or drops what waits for more, once `deadline` has passed; before that it does nothing.
    public mutating func expire(at instant: MonotonicTime) -> [DecodedScan] {
        let scans =
            keyboard?.expire(at: instant) ?? hidPOS?.expire(at: instant) ?? stripe?.expire(at: instant) ?? []
        for scan in scans { encryption.note(scan) }
        return scans
    }

    /// When a half scan times out; nil where nothing waits.
    public var deadline: MonotonicTime? { keyboard?.deadline ?? hidPOS?.deadline ?? stripe?.deadline }

    /// Forgets half a scan and pressed keys.
    public mutating func reset() {
        keyboard?.reset()
        hidPOS?.reset()
        stripe?.reset()
    }

    /// Scans that were cut off and dropped since the decoder was made.
    public var droppedPartialScans: Int {
        keyboard?.droppedPartialScans ?? hidPOS?.droppedPartialScans ?? stripe?.droppedPartialScans ?? 0
    }

    /// What the operator should hear of this reader; each notice is given out once. Ask after each scan.
    public mutating func takeNotice() -> ReaderNotice? { encryption.take() }

    /// What makes the reader beep or light up, nil where it declares no such control.
    public func request(for signal: Signal) -> SetupRequest? { signals[signal] }

    /// Honeywell devices with several interfaces want this one chosen by feature report FE (HHP 3800i manual).
    private static func setup(_ facts: InterfaceFacts, _ descriptor: ReportDescriptor) -> [SetupRequest] {
        let hasChoice = descriptor.reportLength(.feature, reportID: 0xfe) == 2
        let isHoneywell = facts.vendorID == 0x0c2e || facts.vendorID == 0x23d0
        return [.setIdle(0)] + (hasChoice && isHoneywell ? [.feature(reportID: 0xfe, [0x01])] : [])
    }

    /// The bits of the trigger report stand in a different place on each device.
    private static func signals(_ descriptor: ReportDescriptor) -> [Signal: SetupRequest] {
        let usages: [Signal: UInt16] = [.error: 0x85, .goodRead: 0x86]
        var signals: [Signal: SetupRequest] = [:]
        for field in descriptor.fields where field.kind == .output && field.size == 1 && !field.isArray {
            let skipped = field.reportID == 0 ? 0 : 1
            let length = descriptor.reportLength(.output, reportID: field.reportID) - skipped
            for (signal, id) in usages where signals[signal] == nil {
                guard let index = field.index(of: Usage(page: 0x8c, id: id)) else { continue }
                let bit = field.bitOffset - 8 * skipped + index
                var report = [UInt8](repeating: 0, count: max(length, 0))
                guard report.indices.contains(bit / 8) else { continue }
                report[bit / 8] = 1 << UInt8(bit % 8)
                signals[signal] = .output(reportID: field.reportID, report)
            }
        }
        return signals
    }
}

extension InterfaceFacts {
    /// An interface with the usual report descriptor of its protocol: for recordings of readers that name none.
    ///
    /// The keyboard is that of HID 1.11 appendix E.6, the HID POS scanner Honeywell's.
    public static func usual(for kind: ReaderProtocol) -> InterfaceFacts {
        InterfaceFacts(
            vendorID: kind == .idtech ? 0x0acd : 0, productID: 0, interfaceNumber: 0, interfaceClass: 0x03,
            interfaceSubclass: kind == .keyboard ? 1 : 0, interfaceProtocol: kind == .keyboard ? 1 : 0,
            reportDescriptor: usualDescriptor(kind))
    }

    private static func usualDescriptor(_ kind: ReaderProtocol) -> [UInt8] {
        switch kind {
        case .keyboard: usualKeyboard
        case .hidPOS: usualHIDPOS
        case .hidMSR: usualHIDMSR
        case .magtek: usualMagTek
        case .magnesafe: usualMagneSafe
        case .idtech: usualIDTech
        }
    }

    private static let usualKeyboard: [UInt8] = [
        0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01,
        0x95, 0x08, 0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x01, 0x95, 0x05, 0x75, 0x01, 0x05, 0x08, 0x19, 0x01,
        0x29, 0x05, 0x91, 0x02, 0x95, 0x01, 0x75, 0x03, 0x91, 0x01, 0x95, 0x06, 0x75, 0x08, 0x15, 0x00, 0x25, 0x65,
        0x05, 0x07, 0x19, 0x00, 0x29, 0x65, 0x81, 0x00, 0xc0,
    ]

    private static let usualHIDPOS: [UInt8] = [
        0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x12, 0xa1, 0x02, 0x85, 0x02, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75,
        0x08, 0x95, 0x01, 0x05, 0x01, 0x09, 0x3b, 0x81, 0x02, 0x95, 0x03, 0x05, 0x8c, 0x09, 0xfb, 0x09, 0xfc, 0x09,
        0xfd, 0x81, 0x02, 0x95, 0x38, 0x09, 0xfe, 0x82, 0x02, 0x01, 0x06, 0x66, 0xff, 0x95, 0x02, 0x09, 0x04, 0x09,
        0x00, 0x81, 0x02, 0x05, 0x8c, 0x25, 0x01, 0x75, 0x01, 0x95, 0x08, 0x09, 0xff, 0x81, 0x02, 0xc0, 0xc0,
    ]
}
