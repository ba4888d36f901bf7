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
        case goodRead
        /// The card is to be looked at: somebody must do something before it counts.
        case ask
        case error
    }

    private var decoder: any ReportDecoder
    private var encryption = EncryptionWatch()
    /// Of a keyboard.
    private var layoutWatch: LayoutWatch?
    private var signals: [Signal: SignalPlan] = [:]

    public let kind: ReaderProtocol
    /// Bytes to ask for in a transfer: the longest input report, its ID included. 1 where every packet stands for itself.
    public let inputReportLength: Int
    /// What to send after opening and after each resume, in order. A STALL on any of it is no failure.
    public let setup: [SetupRequest]

    /// Chooses by the descriptors: the same product comes with different interfaces. Vendor and product decide only among
    /// interfaces whose descriptors say nothing.
    public static func choose(for facts: InterfaceFacts, options: ReaderOptions = .init()) -> Verdict {
        let verdict = select(for: facts, options: options)
        guard case .reads(var decoder) = verdict else { return verdict }
        let descriptor = facts.reportDescriptor.isEmpty ? nil : try? ReportDescriptor(facts.reportDescriptor)
        decoder.signals =
            SignalEncoder(kind: decoder.kind, facts: facts, descriptor: descriptor, options: options).plans()
        return .reads(decoder)
    }

    private static func select(for facts: InterfaceFacts, options: ReaderOptions) -> Verdict {
        guard facts.interfaceClass == 0x03 else { return chooseSerial(for: facts, options: options) }
        let descriptor: ReportDescriptor
        do {
            descriptor = try ReportDescriptor(facts.reportDescriptor)
        } catch {
            if let decoder = personality(of: facts, nil, options: options) { return .reads(decoder) }
            return .ignored(reason: error.message)
        }
        if descriptor.applications.contains(.barCodeScanner) {
            guard let decoder = HIDPOSDecoder(descriptor, options: options) else {
                return .ignored(reason: "a HID POS bar code scanner whose descriptor declares no decoded data")
            }
            return .reads(ScanDecoder(.hidPOS, decoder, descriptor, setup: Self.setup(facts, descriptor)))
        }
        if descriptor.applications.contains(.magneticStripeReader) {
            guard let decoder = StripeDecoder(descriptor, facts: facts, options: options) else {
                return .ignored(reason: "a HID POS stripe reader whose descriptor declares no tracks")
            }
            return .reads(ScanDecoder(decoder.kind, decoder, descriptor, setup: []))
        }
        if let decoder = StripeDecoder(descriptor, facts: facts, options: options) {
            return .reads(ScanDecoder(decoder.kind, decoder, descriptor, setup: []))
        }
        if let format = KeyReportFormat(descriptor) {
            let decoder = KeyboardDecoder(
                format: format, interfaceSubclass: facts.interfaceSubclass, options: options)
            var reading = ScanDecoder(.keyboard, decoder, descriptor, setup: decoder.setup)
            reading.layoutWatch = LayoutWatch(options.layout)
            return .reads(reading)
        }
        if let decoder = personality(of: facts, descriptor, options: options) { return .reads(decoder) }
        let names = descriptor.applications.map(\.description).joined(separator: ", ")
        return .ignored(
            reason:
                "neither keyboard nor bar code scanner nor stripe reader, but usage \(names.isEmpty ? "none" : names)")
    }

    init(
        _ kind: ReaderProtocol, _ decoder: any ReportDecoder, _ descriptor: ReportDescriptor, setup: [SetupRequest]
    ) {
        self.init(kind, decoder, inputReportLength: descriptor.longestReportLength(.input), setup: setup)
    }

    init(_ kind: ReaderProtocol, _ decoder: any ReportDecoder, inputReportLength: Int, setup: [SetupRequest]) {
        self.kind = kind
        self.decoder = decoder
        self.inputReportLength = inputReportLength
        self.setup = setup
    }

    /// Takes one report as transferred, its ID byte included.
    ///
    /// - Returns: scans that the report ended, oldest first; also one that silence ended before it.
    public mutating func receive(_ report: [UInt8], at instant: MonotonicTime) -> [DecodedScan] {
        let scans = decoder.receive(report, at: instant)
        note(scans)
        return scans
    }

    /// Takes a report that came before the reader counts as silent: it is answered as the protocol wants, and forgotten.
    public mutating func discard(_ report: [UInt8]) { decoder.discard(report) }

    /// What the reports since the last call want sent to the device, in order; most protocols want nothing.
    public mutating func takeRequests() -> [SetupRequest] { decoder.takeRequests() }

    /// Ends or drops what waits for more, once `deadline` has passed; before that it does nothing.
    public mutating func expire(at instant: MonotonicTime) -> [DecodedScan] {
        let scans = decoder.expire(at: instant)
        note(scans)
        return scans
    }

    private mutating func note(_ scans: [DecodedScan]) {
        for scan in scans {
            encryption.note(scan)
            layoutWatch?.note(scan)
        }
    }

    /// When a half scan times out; nil where nothing waits.
    public var deadline: MonotonicTime? { decoder.deadline }

    /// Forgets half a scan and pressed keys.
    public mutating func reset() { decoder.reset() }

    /// The reader can send no more: hands out what is whole although more might have followed, and forgets the rest as `reset`
    /// does. Not after a resume: what was held may be minutes old.
    public mutating func conclude() -> [DecodedScan] {
        let scans = decoder.conclude()
        for scan in scans { encryption.note(scan) }
        return scans
    }

    /// Scans that were cut off and dropped since the decoder was made.
    public var droppedPartialScans: Int { decoder.droppedPartialScans }

    /// What the operator should hear of this reader; each notice is given out once. Ask after each scan.
    public mutating func takeNotice() -> ReaderNotice? { encryption.take() ?? layoutWatch?.take() }

    /// What makes the reader beep or light up, nil where nothing is known to do it.
    public func plan(for signal: Signal) -> SignalPlan? { signals[signal] }

    private static func setup(_ facts: InterfaceFacts, _ descriptor: ReportDescriptor) -> [SetupRequest] {
        let choosesInterface =
            descriptor.reportLength(.feature, reportID: 0xfe) == 2
            && KnownReader.quirks(vendorID: facts.vendorID).contains(.choosesInterface)
        return [.setIdle(0)] + (choosesInterface ? [.feature(reportID: 0xfe, [0x01])] : [])
    }
}
