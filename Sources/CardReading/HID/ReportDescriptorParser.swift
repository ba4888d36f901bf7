import LoyaltyModel

/// One pass over the items of a report descriptor.
struct ReportDescriptorParser {
    private(set) var fields: [ReportField] = []
    private(set) var applications: [Usage] = []
    private(set) var usesReportIDs = false

    private let bytes: [UInt8]
    private var position = 0
    private var globals = Globals()
    private var stack: [Globals] = []
    private var locals = Locals()
    private var collections: [Usage] = []
    /// Bits declared so far, per kind and report ID.
    private var bits: [ReportKey: Int] = [:]

    private struct Globals {
        var page: UInt16 = 0
        var logicalMinimum = 0
        var logicalMaximum = 0
        /// The maximum with its bits read as unsigned.
        var unsignedMaximum = 0
        var reportSize = 0
        var reportCount = 0
        var reportID: UInt8 = 0

        /// Devices write 255 as `25 FF`, which read as signed is -1; a maximum below the minimum is unsigned.
        var maximum: Int { logicalMaximum < logicalMinimum ? unsignedMaximum : logicalMaximum }
    }

    private struct Locals {
        /// The page is nil where the usage takes the one in force at the main item (section 6.2.2.8).
        var usages: [(page: UInt16?, range: ClosedRange<UInt16>)] = []
        var minimum: (page: UInt16?, id: UInt16)?
        /// Inside a set of alternative usages only the first, the preferred one, counts.
        var isInSet = false
        var hasSetUsage = false
    }

    private struct ReportKey: Hashable {
        var kind: ReportField.Kind
        var reportID: UInt8
    }

    private struct Item {
        /// Tag and type: the prefix byte without its two size bits.
        var tag: UInt8
        var size: Int
        var unsigned: UInt32
        var offset: Int

        var signed: Int {
            switch size {
            case 1: Int(Int8(truncatingIfNeeded: unsigned))
            case 2: Int(Int16(truncatingIfNeeded: unsigned))
            default: Int(Int32(truncatingIfNeeded: unsigned))
            }
        }
    }

    private static let maximumDepth = 32

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func run() throws(LoyaltyError) {
        guard bytes.count <= ReportDescriptor.maximumLength else {
            throw failure("longer than \(ReportDescriptor.maximumLength) bytes", at: ReportDescriptor.maximumLength)
        }
        guard !bytes.isEmpty else { throw failure("empty", at: 0) }
        while position < bytes.count {
            guard let item = try nextItem() else { continue }
            switch item.tag & 0x0c {
            case 0x00: try apply(main: item)
            case 0x04: try apply(global: item)
            case 0x08: try apply(local: item)
            default: break
            }
        }
        guard collections.isEmpty else { throw failure("ends inside a collection", at: bytes.count) }
    }

    /// - Returns: nil for a long item, which has no meaning in HID 1.11.
    private mutating func nextItem() throws(LoyaltyError) -> Item? {
        let offset = position
        let prefix = bytes[position]
        if prefix == 0xfe {
            guard position + 2 < bytes.count, position + 3 + Int(bytes[position + 1]) <= bytes.count else {
                throw failure("ends inside a long item", at: offset)
            }
            position += 3 + Int(bytes[position + 1])
            return nil
        }
        let size = prefix & 0x03 == 3 ? 4 : Int(prefix & 0x03)
        guard position + size < bytes.count else { throw failure("ends inside an item", at: offset) }
        var value: UInt32 = 0
        for index in 0..<size { value |= UInt32(bytes[position + 1 + index]) << UInt32(8 * index) }
        position += 1 + size
        return Item(tag: prefix & 0xfc, size: size, unsigned: value, offset: offset)
    }

    private mutating func apply(main item: Item) throws(LoyaltyError) {
        switch item.tag {
        case 0x80: try addField(.input, item)
        case 0x90: try addField(.output, item)
        case 0xb0: try addField(.feature, item)
        case 0xa0:
            guard collections.count < Self.maximumDepth else {
                throw failure("nests collections too deep", at: item.offset)
            }
            let usage = locals.usages.first.map { Usage(page: $0.page ?? globals.page, id: $0.range.lowerBound) }
            if collections.isEmpty { applications.append(usage ?? Usage(page: globals.page, id: 0)) }
            collections.append(usage ?? Usage(page: globals.page, id: 0))
        case 0xc0:
            guard collections.popLast() != nil else {
                throw failure("ends a collection that never began", at: item.offset)
            }
        default: break
        }
        locals = Locals()
    }

    private mutating func apply(global item: Item) throws(LoyaltyError) {
        switch item.tag {
        case 0x04: globals.page = UInt16(truncatingIfNeeded: item.unsigned)
        case 0x14: globals.logicalMinimum = item.signed
        case 0x24:
            globals.logicalMaximum = item.signed
            globals.unsignedMaximum = Int(item.unsigned)
        case 0x74:
            guard item.unsigned <= 8 * UInt32(ReportDescriptor.maximumReportLength) else {
                throw failure("report size too large", at: item.offset)
            }
            globals.reportSize = Int(item.unsigned)
        case 0x84:
            guard let id = UInt8(exactly: item.unsigned), id != 0 else {
                throw failure("report ID outside 1 to 255", at: item.offset)
            }
            globals.reportID = id
            usesReportIDs = true
        case 0x94:
            guard item.unsigned <= 8 * UInt32(ReportDescriptor.maximumReportLength) else {
                throw failure("report count too large", at: item.offset)
            }
            globals.reportCount = Int(item.unsigned)
        case 0xa4:
            guard stack.count < Self.maximumDepth else { throw failure("pushes too deep", at: item.offset) }
            stack.append(globals)
        case 0xb4:
            guard let saved = stack.popLast() else { throw failure("pops what was never pushed", at: item.offset) }
            globals = saved
        default: break
        }
    }

    private mutating func apply(local item: Item) throws(LoyaltyError) {
        let page = item.size == 4 ? UInt16(truncatingIfNeeded: item.unsigned >> 16) : nil
        let id = UInt16(truncatingIfNeeded: item.unsigned)
        switch item.tag {
        case 0x08:
            guard !locals.isInSet || !locals.hasSetUsage else { return }
            locals.usages.append((page, id...id))
            locals.hasSetUsage = locals.isInSet
        case 0x18: locals.minimum = (page, id)
        case 0x28:
            guard let minimum = locals.minimum else { throw failure("usage maximum without minimum", at: item.offset) }
            guard minimum.id <= id else { throw failure("usage maximum below minimum", at: item.offset) }
            locals.usages.append((page ?? minimum.page, minimum.id...id))
            locals.minimum = nil
        case 0xa8:
            locals.isInSet = item.unsigned == 1
            locals.hasSetUsage = false
        default: break
        }
    }

    private mutating func addField(_ kind: ReportField.Kind, _ item: Item) throws(LoyaltyError) {
        guard let application = collections.first else { throw failure("field outside a collection", at: item.offset) }
        let key = ReportKey(kind: kind, reportID: globals.reportID)
        let start = bits[key] ?? (globals.reportID == 0 ? 0 : 8)
        let (width, overflow) = globals.reportSize.multipliedReportingOverflow(by: globals.reportCount)
        guard !overflow, start + width <= 8 * ReportDescriptor.maximumReportLength else {
            throw failure("report longer than \(ReportDescriptor.maximumReportLength) bytes", at: item.offset)
        }
        bits[key] = start + width
        guard width > 0 else { return }
        let flags = item.unsigned
        fields.append(
            ReportField(
                kind: kind, reportID: globals.reportID, bitOffset: start,
                size: globals.reportSize, count: globals.reportCount,
                isConstant: flags & 1 != 0, isArray: flags & 2 == 0,
                logicalMinimum: globals.logicalMinimum, logicalMaximum: globals.maximum,
                usages: locals.usages.map(\.range), usagePages: locals.usages.map { $0.page ?? globals.page },
                application: application))
    }

    private func failure(_ problem: String, at offset: Int) -> LoyaltyError {
        LoyaltyError(
            .badDescriptor, "report descriptor: \(problem), at byte \(offset)", at: Place(path: "byte \(offset)"),
            remedy: "the reader may be in a mode without HID, or its firmware is faulty")
    }
}
