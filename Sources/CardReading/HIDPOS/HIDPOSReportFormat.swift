/// Where length, identifier and data stand in a scanned-data report (HID Point of Sale Usage Tables 1.02, page 8C).
///
/// Two layouts and more are in the field, so the offsets come from the usages of the descriptor.
struct HIDPOSReportFormat: Sendable {
    let reportID: UInt8
    /// In bytes, with the report ID; the offsets count alike.
    let reportLength: Int
    let lengthOffset: Int?
    /// The first of three bytes.
    let identifierOffset: Int?
    let dataOffset: Int
    let dataSize: Int
    /// Bit offset of "decoded data continued".
    let continuedBit: Int?
    /// A letter of the vendor's own for the symbology.
    let vendorSymbologyOffset: Int?

    private static let byteCount = Usage(page: 0x01, id: 0x3b)
    private static let identifiers = (0xfb...0xfd).map { Usage(page: 0x8c, id: UInt16($0)) }
    private static let decodedData = Usage(page: 0x8c, id: 0xfe)
    private static let continued = Usage(page: 0x8c, id: 0xff)
    private static let vendorSymbology = Usage(page: 0xff66, id: 0x04)

    /// The formats of all reports that carry decoded data.
    static func formats(_ descriptor: ReportDescriptor) -> [HIDPOSReportFormat] {
        descriptor.fields.compactMap { field in
            guard field.kind == .input, field.application == .barCodeScanner, field.size == 8,
                let first = field.index(of: decodedData)
            else { return nil }
            return HIDPOSReportFormat(descriptor, data: field, firstIndex: first)
        }
    }

    private init?(_ descriptor: ReportDescriptor, data: ReportField, firstIndex: Int) {
        let siblings = descriptor.fields.filter { $0.kind == .input && $0.reportID == data.reportID }
        func bit(of usage: Usage) -> Int? {
            for field in siblings {
                if let index = field.index(of: usage) { return field.bitOffset + index * field.size }
            }
            return nil
        }
        func byte(of usage: Usage) -> Int? { bit(of: usage).flatMap { $0.isMultiple(of: 8) ? $0 / 8 : nil } }

        guard let start = byte(of: Self.decodedData) else { return nil }
        reportID = data.reportID
        reportLength = descriptor.reportLength(.input, reportID: data.reportID)
        lengthOffset = byte(of: Self.byteCount)
        dataOffset = start
        dataSize = data.count - firstIndex
        continuedBit = bit(of: Self.continued)
        vendorSymbologyOffset = byte(of: Self.vendorSymbology)
        let places = Self.identifiers.map { byte(of: $0) }
        if let first = places[0], places[1] == first + 1, places[2] == first + 2 {
            identifierOffset = first
        } else {
            identifierOffset = nil
        }
    }

    /// One report taken apart.
    struct Chunk {
        var aim: AIMIdentifier?
        var vendorSymbology: UInt8 = 0
        var data: ArraySlice<UInt8>
        var isContinued: Bool
        var isFull: Bool
    }

    /// - Returns: nil for a report that is short or says it holds more than it can.
    func read(_ report: [UInt8]) -> Chunk? {
        guard report.count >= reportLength else { return nil }
        var start = dataOffset
        var aim: AIMIdentifier?
        var vendorSymbology = vendorSymbologyOffset.map { report[$0] } ?? 0
        if let offset = identifierOffset {
            let bytes = report[offset..<offset + 3]
            let shifted = report[(offset + 1)..<min(offset + 4, report.count)]
            if bytes.allSatisfy({ $0 == 0 }) {
                aim = nil
            } else if let identifier = AIMIdentifier(bytes) {
                aim = identifier
            } else if report[offset] < 0x20, let identifier = AIMIdentifier(shifted) {
                // A variant in the field has one byte more in front of the identifier than it declares.
                aim = identifier
                start += 1
                vendorSymbology = 0
            } else {
                // The other family of firmware has no identifier: its data begin where it would be.
                start = offset
                vendorSymbology = 0
            }
        }
        let room = min(dataSize, reportLength - start)
        let length = lengthOffset.map { Int(report[$0]) } ?? room
        guard room >= 0, length <= room else { return nil }
        return Chunk(
            aim: aim, vendorSymbology: vendorSymbology, data: report[start..<start + length],
            isContinued: continuedBit.map { ReportBits.isSet(report, bit: $0) } ?? false,
            isFull: length == dataSize)
    }
}
