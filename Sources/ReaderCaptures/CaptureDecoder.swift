public import CardReading
public import LoyaltyModel

/// Runs the cases of a capture through the decoders that read the device itself.
public struct CaptureDecoder: Sendable {
    /// How recordings of one kind are read where the file has no report descriptor.
    private enum Way: Sendable {
        /// As that protocol with its usual layout.
        case usual(ReaderProtocol)
        /// They hold characters, not reports.
        case characters
    }

    /// One row for each kind that Examples/captures/README.md names. A new decoder gets its row here.
    private static let ways: [String: Way] = [
        "keyboard": .usual(.keyboard),
        "keyboard-with-report-id": .usual(.keyboard),
        "msr-keyboard": .usual(.keyboard),
        "hid-pos-0x8c": .usual(.hidPOS),
        "ibm-usb-oem-handheld": .usual(.ibmOEM),
        "vendor-hid-length-data": .usual(.simpleCOM),
        "snapi": .usual(.snapi),
        "serial": .usual(.serial),
        "msr-hid-0x8e": .usual(.hidMSR),
        "msr-hid-vendor": .usual(.magtek),
        "msr-hid-vendor-encrypting": .usual(.magnesafe),
        "msr-hid-idtech": .usual(.idtech),
        "decoded-text": .characters,
    ]

    /// The word that `Capture.kind` has for a protocol.
    static func kind(of wanted: ReaderProtocol) -> String? {
        ways.filter { if case .usual(wanted) = $0.value { true } else { false } }.keys.min()
    }

    /// What one case gave.
    public struct Reading: Sendable {
        public var scans: [DecodedScan] = []
        /// Scans that began and came to nothing.
        public var dropped = 0
        /// What is wrong with characters that are not what their symbology identifier says.
        public var flaw: LoyaltyError?
    }

    private let capture: Capture
    private let options: ReaderOptions

    public init(_ capture: Capture, options: ReaderOptions = .init()) {
        self.capture = capture
        var options = options
        // A reader whose protocol the settings named, since its id says nothing.
        if case .usual(let kind)? = Self.ways[capture.kind], ReaderProtocol.hints.contains(kind) {
            options.protocolHint = options.protocolHint ?? kind
        }
        self.options = options
    }

    /// The interface that the recording is of.
    ///
    /// - Throws: `capture.no_decoder`
    public func facts() throws(LoyaltyError) -> InterfaceFacts {
        let way = Self.ways[capture.kind]
        guard let descriptor = capture.reportDescriptor else {
            guard case .usual(let kind)? = way else { throw noDecoder(nil) }
            if kind == .serial { return .serial(capture.serialAdapter ?? .cdcACM) }
            if kind == .simpleCOM, let id = capture.reportID { return .simpleCOM(reportID: id) }
            let usual = InterfaceFacts.usual(for: kind)
            // Without a descriptor the ids decide, and a file need not name those of the protocol.
            if usual.reportDescriptor.isEmpty { return usual }
            return facts(usual.reportDescriptor, subclass: usual.interfaceSubclass)
        }
        let isKeyboard = if case .usual(.keyboard)? = way { true } else { false }
        return facts(descriptor, subclass: isKeyboard ? 1 : 0)
    }

    private func facts(_ descriptor: [UInt8], subclass: UInt8) -> InterfaceFacts {
        InterfaceFacts(
            vendorID: capture.vendorID, productID: capture.productID, interfaceNumber: 0, interfaceClass: 0x03,
            interfaceSubclass: subclass, interfaceProtocol: subclass, reportDescriptor: descriptor)
    }

    /// A new decoder for the payload; nil for characters, which need none.
    ///
    /// - Throws: `capture.no_decoder`
    public func decoder(for payload: Capture.Case.Payload) throws(LoyaltyError) -> ScanDecoder? {
        let facts: InterfaceFacts
        switch payload {
        case .text:
            guard case .characters? = Self.ways[capture.kind] else { throw noDecoder(nil) }
            return nil
        case .typing: facts = .usual(for: .keyboard)
        case .reports, .nothing:
            if case .characters? = Self.ways[capture.kind] { return nil }
            facts = try self.facts()
        }
        switch ScanDecoder.choose(for: facts, options: options) {
        case .reads(let decoder): return decoder
        case .ignored(let reason): throw noDecoder(reason)
        }
    }

    /// The reports of a case, each with the time since the first.
    ///
    /// - Throws: `capture.syntax` where a typed text has characters that the layout lacks.
    public func timeline(_ sample: Capture.Case) throws(LoyaltyError) -> [(at: Duration, report: [UInt8])] {
        let reports: [[UInt8]]
        switch sample.payload {
        case .reports(let recorded): reports = recorded
        case .typing(let text):
            guard let typed = options.layout.reports(typing: text) else {
                throw LoyaltyError(
                    .captureSyntax, "the text of case \(sample.id) cannot be typed on the layout \(options.layout)")
            }
            reports = typed
        case .text, .nothing: reports = []
        }
        return reports.enumerated().map { index, report in
            let times = sample.times ?? []
            return (times.indices.contains(index) ? times[index] : Capture.usualInterval * index, report)
        }
    }

    /// Decodes one case, and then lets so much time pass that nothing waits any more.
    ///
    /// - Throws: `capture.no_decoder`, `capture.syntax`
    public func read(_ sample: Capture.Case) throws(LoyaltyError) -> Reading {
        let start = MonotonicTime(nanoseconds: 0)
        if case .text(let characters) = sample.payload {
            _ = try decoder(for: sample.payload)
            do { return Reading(scans: [try DecodedScan(conforming: characters, completedAt: start)]) } catch {
                return Reading(flaw: error)
            }
        }
        guard var decoder = try decoder(for: sample.payload) else { return Reading() }
        var reading = Reading()
        for (offset, report) in try timeline(sample) {
            reading.scans += decoder.receive(report, at: start.adding(offset))
        }
        // A decoder asks for a few deadlines at most: half a scan, held tracks, a late rest.
        for _ in 0..<8 {
            guard let deadline = decoder.deadline else { break }
            reading.scans += decoder.expire(at: deadline)
        }
        reading.dropped = decoder.droppedPartialScans
        return reading
    }

    private func noDecoder(_ reason: String?) -> LoyaltyError {
        LoyaltyError(
            .captureNoDecoder, "no decoder for \(capture.kind)" + (reason.map { ": \($0)" } ?? ""))
    }
}
