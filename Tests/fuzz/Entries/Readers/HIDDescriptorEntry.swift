import CardReading
import LoyaltyModel

extension FuzzEntry {
    /// A report descriptor and reports from a device that nobody knows: the two length bytes, the descriptor, the reports.
    static let hidDescriptor = FuzzEntry("hid-descriptor", maximumLength: 4096) { input throws(BrokenPromise) in
        var source = ByteSource(input)
        let identity = source.byte()
        let size = Int(source.byte()) + 256 * (Int(source.byte()) & 0x0f)
        let bytes = source.bytes(size)
        try checkDescriptor(bytes)
        let vendors: [UInt16] = [0x1209, 0x0801, 0x0acd, 0x6352, 0x05e0, 0x0c2e, 0x1eab, 0x23d0]
        let products: [UInt16] = [1, 2, 0x11, 0x2010, 0x0600, 0x1300, 0x1900, 0x0967]
        let facts = InterfaceFacts(
            vendorID: vendors[Int(identity & 7)], productID: products[Int(identity >> 3 & 7)], interfaceNumber: 0,
            interfaceClass: 3, interfaceSubclass: identity >> 6 & 1, interfaceProtocol: identity >> 7,
            reportDescriptor: bytes)
        guard let start = ReaderStart(facts) else { return }
        var session = ReaderSession(start)
        let reports = source.reports(filledTo: session.reportLength)
        try session.play(reports)
        // However a descriptor places the fields, a scan holds no more than the reports did.
        let sent = reports.reduce(0) { $0 + 8 * $1.bytes.count }
        let read = session.deliveries.reduce(0) { $0 + $1.scan.text.count }
        try expect(read <= 8 * sent + 64, "the scans are longer than the reports")
    }

    private static func checkDescriptor(_ bytes: [UInt8]) throws(BrokenPromise) {
        let descriptor: ReportDescriptor
        do { descriptor = try ReportDescriptor(bytes) } catch {
            try expect(error.code == .badDescriptor, "a refused descriptor has another code: \(error.code)")
            return
        }
        let kinds: [(ReportField.Kind, UInt8)] = [(.input, 0x80), (.output, 0x90), (.feature, 0xb0)]
        for (kind, tag) in kinds {
            let bits = DescriptorOracle.bits(bytes, tag: tag)
            let fields = descriptor.fields.filter { $0.kind == kind }
            for field in fields {
                try expect(field.bitOffset + field.size * field.count == field.bitEnd, "a field ends elsewhere")
                try expect(field.size > 0 && field.count > 0, "a field without bits")
                try expect((field.bitEnd + 7) / 8 <= ReportDescriptor.maximumReportLength, "a report too long")
                try expect(field.usage(at: field.count) != nil || field.usages.isEmpty, "the last usage repeats")
                for (range, page) in zip(field.usages, field.usagePages) {
                    guard let index = field.index(of: Usage(page: page, id: range.lowerBound)) else { continue }
                    try expect(index < field.count, "a usage stands behind the values")
                }
            }
            for id in Set(fields.map(\.reportID)) {
                let length = ((bits[id] ?? 0) + 7) / 8 + (id == 0 ? 0 : 1)
                try expect(
                    descriptor.reportLength(kind, reportID: id) == length, "report \(id) has another length")
            }
        }
    }
}

/// The size of each report by a plain walk over the short items (HID 1.11 section 6.2.2.2).
private enum DescriptorOracle {
    static func bits(_ bytes: [UInt8], tag wanted: UInt8) -> [UInt8: Int] {
        var sizes: [UInt8: Int] = [:]
        var (size, count, id): (Int, Int, UInt8) = (0, 0, 0)
        var saved: [(Int, Int, UInt8)] = []
        var position = 0
        while position < bytes.count {
            let prefix = bytes[position]
            if prefix == 0xfe {
                position += 3 + Int(bytes[position + 1])
                continue
            }
            let length = [0, 1, 2, 4][Int(prefix % 4)]
            var value = 0
            for offset in (0..<length).reversed() { value = value * 256 + Int(bytes[position + 1 + offset]) }
            switch prefix - prefix % 4 {
            case 0x74: size = value
            case 0x94: count = value
            case 0x84: id = UInt8(value)
            case 0xa4: saved.append((size, count, id))
            case 0xb4: (size, count, id) = saved.removeLast()
            case wanted: sizes[id, default: 0] += size * count
            default: break
            }
            position += 1 + length
        }
        return sizes
    }
}
