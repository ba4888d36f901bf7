/// Where modifiers and keys stand in the input reports of a keyboard, from its report descriptor.
struct KeyReportFormat: Sendable {
    private struct Keys: Sendable {
        var bitOffset: Int
        var size: Int
        var count: Int
        /// The usage of value 0 of an array, or of bit 0 of a bit map.
        var base: Int
        var isArray: Bool
    }

    private struct Report: Sendable {
        var modifiers: [Keys] = []
        var keys: [Keys] = []
        /// In bytes.
        var length = 0
    }

    private var reports: [UInt8: Report] = [:]
    private let usesReportIDs: Bool
    /// Whether the reports are those of the boot protocol (HID 1.11 appendix B.1).
    let isBootLayout: Bool
    /// The lights of page 08: report ID, length in bytes without the ID, bit of NumLock.
    let lights: (reportID: UInt8, length: Int, numLockBit: Int?)?

    /// Usages 01 to 03 in an array: the keyboard lost track (page 07).
    private static let errors: ClosedRange<Int> = 1...3
    private static let modifierUsages: ClosedRange<Int> = 0xe0...0xe7

    /// - Returns: nil where the descriptor declares no keys.
    init?(_ descriptor: ReportDescriptor) {
        usesReportIDs = descriptor.usesReportIDs
        for field in descriptor.fields where field.kind == .input && !field.isConstant {
            guard field.application == .keyboard || field.application == .keypad, (1...32).contains(field.size),
                let first = field.usage(at: 0), first.page == 0x07
            else { continue }
            let base = Int(first.id) - (field.isArray ? field.logicalMinimum : 0)
            let keys = Keys(
                bitOffset: field.bitOffset, size: field.size, count: field.count, base: base, isArray: field.isArray)
            let isModifiers = !field.isArray && Self.modifierUsages.contains(Int(first.id))
            if isModifiers {
                reports[field.reportID, default: Report()].modifiers.append(keys)
            } else {
                reports[field.reportID, default: Report()].keys.append(keys)
            }
        }
        reports = reports.filter { !$0.value.keys.isEmpty }
        guard !reports.isEmpty else { return nil }
        for id in reports.keys { reports[id]?.length = descriptor.reportLength(.input, reportID: id) }
        let boot = reports[0]
        isBootLayout =
            !usesReportIDs && boot?.length == 8 && boot?.modifiers.first?.bitOffset == 0
            && boot?.keys.first?.bitOffset == 16 && boot?.keys.first?.size == 8 && boot?.keys.first?.isArray == true
        lights = Self.lights(descriptor)
    }

    private static func lights(
        _ descriptor: ReportDescriptor
    ) -> (reportID: UInt8, length: Int, numLockBit: Int?)? {
        let field = descriptor.fields.first { $0.kind == .output && !$0.isArray && $0.usage(at: 0)?.page == 0x08 }
        guard let field else { return nil }
        let skipped = field.reportID == 0 ? 0 : 1
        let length = descriptor.reportLength(.output, reportID: field.reportID) - skipped
        let numLock = field.index(of: Usage(page: 0x08, id: 0x01))
        return (field.reportID, length, numLock.map { field.bitOffset - 8 * skipped + $0 * field.size })
    }

    /// Reads a report into modifiers and pressed keys, the keys in the order of the report.
    ///
    /// - Returns: nil for another report, a short one, and one that says the keyboard lost track.
    func read(_ report: [UInt8], keys pressed: inout [UInt8]) -> UInt8? {
        pressed.removeAll(keepingCapacity: true)
        let id = usesReportIDs ? (report.first ?? 0) : 0
        guard let format = reports[id], report.count >= format.length else { return nil }
        var modifiers: UInt8 = 0
        for keys in format.modifiers {
            for index in 0..<keys.count where Self.modifierUsages.contains(keys.base + index) {
                guard ReportBits.isSet(report, bit: keys.bitOffset + index * keys.size) else { continue }
                modifiers |= 1 << UInt8(keys.base + index - Self.modifierUsages.lowerBound)
            }
        }
        for keys in format.keys {
            for index in 0..<keys.count {
                let offset = keys.bitOffset + index * keys.size
                guard let value = ReportBits.value(report, bitOffset: offset, size: keys.size), value != 0 else {
                    continue
                }
                let usage = keys.isArray ? Int(value) + keys.base : keys.base + index
                if keys.isArray, Self.errors.contains(usage) { return nil }
                if Self.modifierUsages.contains(usage) {
                    modifiers |= 1 << UInt8(usage - Self.modifierUsages.lowerBound)
                } else if usage > Self.errors.upperBound, let usage = UInt8(exactly: usage) {
                    pressed.append(usage)
                }
            }
        }
        return modifiers
    }

    /// The report with other keys in place of those that `read` gave, in that order. Modifiers and bit maps stay.
    func replacingKeys(of report: [UInt8], by usages: [UInt8]) -> [UInt8] {
        guard let format = reports[usesReportIDs ? (report.first ?? 0) : 0] else { return report }
        var result = report
        var next = 0
        for keys in format.keys {
            for index in 0..<keys.count {
                let offset = keys.bitOffset + index * keys.size
                guard let value = ReportBits.value(report, bitOffset: offset, size: keys.size), value != 0 else {
                    continue
                }
                let usage = keys.isArray ? Int(value) + keys.base : keys.base + index
                guard !Self.modifierUsages.contains(usage), usage > Self.errors.upperBound, UInt8(exactly: usage) != nil
                else { continue }
                if next < usages.count, keys.isArray, keys.size == 8, offset.isMultiple(of: 8) {
                    result[offset / 8] = UInt8(clamping: Int(usages[next]) - keys.base)
                }
                next += 1
            }
        }
        return result
    }
}
