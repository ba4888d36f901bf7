import LoyaltyModel

/// Reads the bytes of a serial port. There are no reports: a terminator ends a scan, or silence.
struct SerialDecoder: ReportDecoder {
    /// The two bytes of status in front of every packet of an FTDI chip.
    private static let statusLength = 2
    /// Overrun, parity and framing errors and break: bits 1 to 4 of the second byte, as in a 16550's line status.
    private static let errorBits: UInt8 = 0x1e

    private let adapter: SerialAdapter
    private let packetSize: Int
    private var assembler: ScanAssembler

    /// - Parameter packetSize: of the bulk endpoint, in bytes.
    init(adapter: SerialAdapter, packetSize: Int, options: ReaderOptions) {
        self.adapter = adapter
        self.packetSize = max(packetSize, Self.statusLength + 1)
        assembler = ScanAssembler(options: options)
    }

    var deadline: MonotonicTime? { assembler.deadline }
    var droppedPartialScans: Int { assembler.droppedPartialScans }

    /// Takes one or more packets as transferred.
    mutating func receive(_ report: [UInt8], at instant: MonotonicTime) -> [DecodedScan] {
        var scans = expire(at: instant)
        guard adapter == .ftdi else {
            take(report[...], at: instant, into: &scans)
            return scans
        }
        for start in stride(from: 0, to: report.count, by: packetSize) {
            let packet = report[start..<min(start + packetSize, report.count)]
            guard packet.count >= Self.statusLength else { break }
            let data = packet.dropFirst(Self.statusLength)
            let hasError = packet[packet.startIndex + 1] & Self.errorBits != 0
            // A lost or false character would make another number; without characters around it concerns no scan.
            if hasError, assembler.isScanOpen || !data.isEmpty { assembler.damage(at: instant) }
            take(data, at: instant, into: &scans)
        }
        return scans
    }

    private mutating func take(_ data: ArraySlice<UInt8>, at instant: MonotonicTime, into scans: inout [DecodedScan]) {
        for byte in data { assembler.accept(byte, at: instant, into: &scans) }
    }

    mutating func expire(at instant: MonotonicTime) -> [DecodedScan] {
        var scans: [DecodedScan] = []
        assembler.expire(at: instant, into: &scans)
        return scans
    }

    mutating func reset() { assembler.reset() }

    mutating func conclude() -> [DecodedScan] {
        var scans: [DecodedScan] = []
        assembler.conclude(into: &scans)
        return scans
    }
}

extension ScanDecoder {
    /// Chips by their ids, CDC-ACM by class (USB CDC 1.2: class 2 subclass 2).
    static func chooseSerial(for facts: InterfaceFacts, options: ReaderOptions) -> Verdict {
        let chip = SerialChip.find(vendorID: facts.vendorID, productID: facts.productID)
        let adapter: SerialAdapter
        switch (facts.interfaceClass, facts.interfaceSubclass) {
        case (0xff, _):
            guard let chip else { return .ignored(reason: "interface class 255 of a vendor that is not known") }
            adapter = chip.adapter
        case (0x02, 0x02): adapter = .cdcACM
        default: return .ignored(reason: "interface class \(facts.interfaceClass) is neither HID nor a serial port")
        }
        let decoder = SerialDecoder(adapter: adapter, packetSize: facts.inputPacketSize, options: options)
        let setup = adapter.setup(options.serialLine, of: facts)
        return .reads(ScanDecoder(.serial, decoder, inputReportLength: 1, setup: setup))
    }
}
