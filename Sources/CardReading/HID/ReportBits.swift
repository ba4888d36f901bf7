/// Reads values out of a report, bit 0 first (HID 1.11 section 8.4).
enum ReportBits {
    /// A value of up to 32 bits, zero-extended; nil where the report is too short.
    static func value(_ report: [UInt8], bitOffset: Int, size: Int) -> UInt32? {
        guard bitOffset >= 0, (1...32).contains(size), bitOffset + size <= report.count * 8 else { return nil }
        if size == 8, bitOffset % 8 == 0 { return UInt32(report[bitOffset / 8]) }
        var value: UInt64 = 0
        let first = bitOffset / 8
        let last = (bitOffset + size - 1) / 8
        for index in first...last { value |= UInt64(report[index]) << UInt64(8 * (index - first)) }
        value >>= UInt64(bitOffset % 8)
        return UInt32(truncatingIfNeeded: value & ((1 << UInt64(size)) - 1))
    }

    static func isSet(_ report: [UInt8], bit: Int) -> Bool {
        guard bit >= 0, bit / 8 < report.count else { return false }
        return report[bit / 8] & (1 << UInt8(bit % 8)) != 0
    }
}
