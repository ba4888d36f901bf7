import CardReading
import LoyaltyModel

extension FuzzEntry {
    /// The packets of a serial adapter, with the status bytes of FTDI's.
    static let serial = FuzzEntry("serial") { input throws(BrokenPromise) in
        var source = ByteSource(input)
        let adapter = SerialAdapter.allCases[source.choice(SerialAdapter.allCases.count)]
        try checkLines(&source, .serial(adapter), isFTDI: adapter == .ftdi)
    }

    /// The assembly of characters into scans, with all terminators and none.
    static let assembler = FuzzEntry("assembler") { input throws(BrokenPromise) in
        var source = ByteSource(input)
        try checkLines(&source, .serial(.cdcACM), isFTDI: false)
    }

    private static func checkLines(
        _ source: inout ByteSource, _ facts: InterfaceFacts, isFTDI: Bool
    ) throws(BrokenPromise) {
        let options = source.terminators()
        guard var session = ReaderSession(facts, options) else {
            throw BrokenPromise(description: "no decoder for a serial port")
        }
        let reports = source.reports(filledTo: 0)
        try session.play(reports)
        for delivery in session.deliveries {
            var lines = LineOracle(options)
            for index in delivery.played {
                lines.advance(to: session.times[index])
                let packets = isFTDI ? packets(reports[index].bytes) : [(reports[index].bytes, false)]
                for (data, hasError) in packets {
                    if hasError { lines.damage(at: session.times[index]) }
                    for byte in data { lines.take(byte, at: session.times[index], report: index) }
                }
            }
            if delivery.report == nil { lines.advance(to: session.now) }
            try expect(lines.explains(delivery), "a scan that the line did not say")
        }
    }

    /// Packets of 64 bytes, each with modem and line status in front; line status bits 1 to 4 are errors (as in a 16550).
    private static func packets(_ transfer: [UInt8]) -> [(data: [UInt8], hasError: Bool)] {
        stride(from: 0, to: transfer.count, by: 64).map { start in
            let packet = transfer[start..<min(start + 64, transfer.count)]
            let hasError = packet.count > 2 && packet[start + 1] & 0x1e != 0
            return (Array(packet.dropFirst(2)), hasError)
        }
    }
}

extension ByteSource {
    /// Options with the terminators that the bits of one byte name, the usual ones for zero.
    mutating func terminators() -> ReaderOptions {
        var options = ReaderOptions()
        let choice = byte()
        guard choice != 0 else { return options }
        let all = ScanTerminator.allCases
        options.terminators = Set(all.indices.filter { choice >> $0 & 1 == 1 }.map { all[$0] })
        return options
    }
}
