import CardReading
import LoyaltyModel
import Testing

/// Which bytes make a reader beep or light up, and when. The reports are those of the manuals and READMEs that
/// docs/readers.md names; the bits were counted in the descriptors by hand.
@Suite struct SignalEncoderTests {
    /// `0 04 40` for report 4 with byte 40 at once; a `-` behind it puts something back.
    private func steps(_ decoder: ScanDecoder, _ signal: ScanDecoder.Signal) -> [String] {
        (decoder.plan(for: signal)?.steps ?? []).map { step in
            let milliseconds = step.after.components.attoseconds / 1_000_000_000_000_000
            guard case .output(let id, let bytes) = step.request else { return "no report" }
            let hex = ([id] + bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
            return "\(milliseconds) \(hex)\(step.restores ? " -" : "")"
        }
    }

    private func expect(
        _ decoder: ScanDecoder, _ good: [String], _ ask: [String], _ error: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(steps(decoder, .goodRead) == good, sourceLocation: sourceLocation)
        #expect(steps(decoder, .ask) == ask, sourceLocation: sourceLocation)
        #expect(steps(decoder, .error) == error, sourceLocation: sourceLocation)
    }

    private func hid(_ descriptor: String, _ options: ReaderOptions = .init()) throws -> ScanDecoder {
        try .reading(bytes(descriptor), subclass: 0, options: options)
    }

    /// A HID POS scanner with an output report 4 of these items.
    private func pos(_ outputs: String) -> String {
        """
        058c 0902 a101 0912 a102 8502 1500 26ff00 7508 9501 0501 093b 8102 9503 058c 09fb 09fc 09fd 8102 9538 09fe 820201
        25 01 7501 9508 09ff 8102 c0 8504 1500 2501 7501 \(outputs) c0
        """
    }

    @Test("The beeps of HID POS stand on the bits that the descriptor says: 5 and 6 in Honeywell's, 2 and 3 in another")
    func triggerReport() throws {
        let honeywell = try Capture.named("hidpos-honeywell-style-144").descriptor()
        // The manual's `04 20` is the error beep; good is the bit above.
        expect(
            try .reading(honeywell, subclass: 0), ["0 04 40"], ["0 04 40", "250 04 40"], ["0 04 20"])
        let other = try Capture.named("hidpos-descriptor-127").descriptor()
        expect(try .reading(other, subclass: 0), ["0 04 08"], ["0 04 08", "250 04 08"], ["0 04 04"])
    }

    @Test("Where there is a beep for what is not on file, it asks")
    func notOnFile() throws {
        let descriptor = pos("058c 0985 0986 0987 9503 9102 7505 9501 9103")
        expect(try hid(descriptor), ["0 04 02"], ["0 04 04"], ["0 04 01"])
    }

    @Test("A scanner with one beep tells by how often")
    func oneBeep() throws {
        let descriptor = pos("058c 0986 9501 9102 7507 9501 9103")
        expect(
            try hid(descriptor), ["0 04 01"], ["0 04 01", "250 04 01"], ["0 04 01", "250 04 01", "500 04 01"])
    }

    @Test("Without beeps of its own, Honeywell's command report FD carries SYN BEL CR")
    func honeywellCommand() throws {
        let descriptor = """
            058c 0902 a101 0912 a102 8502 1500 26ff00 7508 9501 0501 093b 8102 058c 9538 09fe 820201 c0
            0666ff 0903 a102 85fd 9501 7508 0921 9102 953e 0922 9282 01 c0 c0
            """
        let beep = "fd 03 16 07 0d" + String(repeating: " 00", count: 59)
        expect(
            try hid(descriptor), ["0 \(beep)"], ["0 \(beep)", "250 \(beep)"],
            ["0 \(beep)", "250 \(beep)", "500 \(beep)"])
    }

    @Test("Indicators of page 08: green, amber, red, each put out; red and green make amber; one light flashes")
    func indicators() throws {
        let three = pos("0508 0948 0949 094a 9503 9102 7505 9501 9103")
        expect(
            try hid(three), ["0 04 02", "600 04 00 -"], ["0 04 04", "600 04 00 -"], ["0 04 01", "600 04 00 -"])
        let two = pos("0508 0948 0949 9502 9102 7506 9501 9103")
        #expect(steps(try hid(two), .ask) == ["0 04 03", "600 04 00 -"])
        let one = pos("0508 094b 9501 9102 7507 9501 9103")
        expect(
            try hid(one), ["0 04 01", "150 04 00 -"], ["0 04 01", "150 04 00 -", "300 04 01", "450 04 00 -"],
            ["0 04 01", "150 04 00 -", "300 04 01", "450 04 00 -", "600 04 01", "750 04 00 -"])
    }

    @Test("A keyboard's lights are left alone unless the settings say so, and then it is Scroll Lock, never Caps Lock")
    func keyboard() throws {
        expect(try .keyboard(), [], [], [])
        expect(
            try .keyboard(ReaderOptions(flashesLights: true)), ["0 00 04", "150 00 00 -"],
            ["0 00 04", "150 00 00 -", "300 00 04", "450 00 00 -"],
            ["0 00 04", "150 00 00 -", "300 00 04", "450 00 00 -", "600 00 04", "750 00 00 -"])
        // NumLock stays as it is set.
        let withNumLock = try ScanDecoder.keyboard(ReaderOptions(numLock: true, flashesLights: true))
        #expect(steps(withNumLock, .goodRead) == ["0 00 05", "150 00 01 -"])
    }

    @Test("SNAPI beeps by report 4, where the scanner declares it")
    func snapi() throws {
        let snapi = InterfaceFacts.usual(for: .snapi)
        expect(try .reading(snapi), ["0 04 00"], ["0 04 01"], ["0 04 0f"])
        // Reports 22 and 01, but none of id 4.
        let silent = "0600ff 0901 a101 1500 26ff00 7508 8522 0922 951f 8102 8501 0901 9503 9102 c0"
        expect(
            try .reading(
                InterfaceFacts(
                    vendorID: 0x05e0, productID: 0x1900, interfaceNumber: 0, interfaceClass: 3, interfaceSubclass: 0,
                    interfaceProtocol: 0, reportDescriptor: bytes(silent))), [], [], [])
    }

    @Test("Protocols without a published command stay silent", arguments: [ReaderProtocol.ibmOEM, .simpleCOM])
    func silent(kind: ReaderProtocol) throws {
        expect(try .reading(.usual(for: kind)), [], [], [])
    }

    @Test("A serial scanner of Honeywell takes the serial command, one of a stranger nothing")
    func serial() throws {
        expect(try .reading(.serial(.cdcACM)), [], [], [])
        let honeywell = InterfaceFacts(
            vendorID: 0x0c2e, productID: 0x0b01, interfaceNumber: 0, interfaceClass: 2, interfaceSubclass: 2,
            interfaceProtocol: 0, reportDescriptor: [])
        #expect(steps(try .reading(honeywell), .ask) == ["0 00 16 07 0d", "250 00 16 07 0d"])
    }

    @Test("What the settings say goes before the protocol; left out, it is the good one two and three times")
    func settings() throws {
        var options = ReaderOptions(signals: [.goodRead: [0x14, 0x01], .error: []])
        expect(
            try .reading(.usual(for: .ibmOEM), options: options), ["0 00 14 01"], ["0 00 14 01", "250 00 14 01"], [])
        options.signals = [.ask: [0x04, 0x08]]
        let descriptor = pos("058c 0986 9501 9102 7507 9501 9103")
        expect(try hid(descriptor, options), [], ["0 04 08"], [])
    }

    @Test("Asking never looks or sounds like good or error, whatever the protocol", arguments: ReaderProtocol.allCases)
    func differ(kind: ReaderProtocol) throws {
        let decoder = try ScanDecoder.reading(.usual(for: kind), options: ReaderOptions(flashesLights: true))
        let plans = ScanDecoder.Signal.allCases.compactMap { decoder.plan(for: $0) }
        #expect(Set(plans).count == plans.count)
        #expect(plans.isEmpty || plans.count == 3)
        #expect(plans.allSatisfy { $0.steps.first?.after == .zero })
    }
}
