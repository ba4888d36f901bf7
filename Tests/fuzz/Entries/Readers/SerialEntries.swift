import CardReading
import LoyaltyModel

extension FuzzEntry {
    /// The packets of a serial adapter, with the status bytes of FTDI's.
    static let serial = FuzzEntry("serial", maximumLength: 1024) { input throws(BrokenPromise) in
        var source = ByteSource(input)
        let adapter = source.choice(SerialAdapter.allCases.count)
        try checkLines(&source, adapter)
    }

    /// The assembly of characters into scans, with all terminators and none.
    static let assembler = FuzzEntry("assembler", maximumLength: 1024) { input throws(BrokenPromise) in
        var source = ByteSource(input)
        try checkLines(&source, nil)
    }

    private static func checkLines(
        _ source: inout ByteSource, _ adapter: Int?
    ) throws(BrokenPromise) {
        let terminators = Int(source.byte()) % ReaderOptions.terminatorSets.count
        let start = serialPorts[adapter ?? cdcACM][terminators]
        var session = try ReaderSession(start)
        let isFTDI = adapter.map { SerialAdapter.allCases[$0] } == .ftdi
        let reports = source.reports(filledTo: 0)
        try session.play(reports)
        let fresh = LineOracle(start?.options ?? ReaderOptions())
        try session.judge(by: fresh) { lines, index in
            lines.advance(to: session.times[index])
            let packets = isFTDI ? packets(reports[index].bytes) : [(reports[index].bytes, false)]
            for (data, hasError) in packets {
                if hasError { lines.damage(at: session.times[index]) }
                for byte in data { lines.take(byte, at: session.times[index], report: index) }
            }
        } _: { lines, delivery throws(BrokenPromise) in
            var lines = lines
            if delivery.report == nil { lines.advance(to: session.now) }
            try expect(lines.explains(delivery), "a scan that the line did not say")
        }
    }

    /// By adapter and set of terminators.
    private static let serialPorts = SerialAdapter.allCases.map { adapter in
        ReaderOptions.terminatorSets.map { ReaderStart(.serial(adapter), ReaderOptions(terminators: $0)) }
    }
    private static let cdcACM = SerialAdapter.allCases.firstIndex(of: .cdcACM) ?? 0

    /// Packets of 64 bytes, each with modem and line status in front; line status bits 1 to 4 are errors (as in a 16550).
    private static func packets(_ transfer: [UInt8]) -> [(data: [UInt8], hasError: Bool)] {
        stride(from: 0, to: transfer.count, by: 64).map { start in
            let packet = transfer[start..<min(start + 64, transfer.count)]
            let hasError = packet.count > 2 && packet[start + 1] & 0x1e != 0
            return (Array(packet.dropFirst(2)), hasError)
        }
    }
}

extension ReaderOptions {
    /// By the bits of a number, the usual ones for zero.
    static let terminatorSets: [Set<ScanTerminator>] = {
        let all = ScanTerminator.allCases
        return (0..<1 << all.count).map { bits in
            bits == 0
                ? ReaderOptions().terminators : Set(all.indices.filter { bits >> $0 & 1 == 1 }.map { all[$0] })
        }
    }()
}
