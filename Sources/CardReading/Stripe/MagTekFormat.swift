/// The report of a MagTek reader in HID mode: decoded tracks at fixed places (MagTek manual 99875191, 337 bytes), or masked and
/// encrypted tracks (MagneSafe V5, manual 99875475, 887 bytes, 856 in older firmware).
///
/// Of an encrypting reader only the clear or masked tracks are read. Whether they are masked is left to the classifier: the
/// encryption status tells only whether the reader would mask a bank card.
struct MagTekFormat: Sendable {
    private struct Encryption: Sendable {
        var status: Range<Int>
        var lengths: [Range<Int>]
        var areas: [Range<Int>]
    }

    private var decodeStatus: [Range<Int>]
    private var lengths: [Range<Int>]
    private var areas: [Range<Int>]
    private var encryption: Encryption?
    /// As declared, with the report ID where there is one.
    let reportLength: Int
    let reportID: UInt8

    /// Up to the end of the last field that is read: older firmware leaves out what stands behind.
    var minimumLength: Int {
        let places = decodeStatus + lengths + areas
        let more = encryption.map { [$0.status] + $0.lengths + $0.areas } ?? []
        return (places + more).map(\.upperBound).max() ?? reportLength
    }
    var encrypts: Bool { encryption != nil }

    private static let page: UInt16 = 0xff00
    private static let vendorID: UInt16 = 0x0801

    /// - Returns: nil where neither the usages nor vendor and length of the report are MagTek's.
    init?(_ descriptor: ReportDescriptor, vendorID: UInt16) {
        let ids = Set(descriptor.fields.lazy.filter { $0.kind == .input }.map(\.reportID)).sorted()
        guard descriptor.applications.contains(.magTekReader) else { return nil }
        for id in ids {
            let length = descriptor.reportLength(.input, reportID: id)
            let fields = StripeFields(descriptor, application: .magTekReader, reportID: id)
            if let format = MagTekFormat(fields, reportLength: length, reportID: id) {
                self = format
                return
            }
        }
        let length = descriptor.reportLength(.input, reportID: 0)
        guard vendorID == Self.vendorID, ids == [0] else { return nil }
        self.init(publishedLayout: length)
    }

    private init?(_ fields: StripeFields, reportLength: Int, reportID: UInt8) {
        guard let status = fields.bytes(page: Self.page, 0x20...0x22),
            let lengths = fields.bytes(page: Self.page, 0x28...0x2a),
            let areas = fields.bytes(page: Self.page, 0x30...0x32)
        else { return nil }
        (decodeStatus, self.lengths, self.areas) = (status, lengths, areas)
        self.reportLength = reportLength
        self.reportID = reportID
        guard let maskedAreas = fields.bytes(page: Self.page, 0x4a...0x4c),
            let maskedLengths = fields.bytes(page: Self.page, 0x47...0x49),
            let encryptionStatus = fields.bytes(of: Usage(page: Self.page, id: 0x42))
        else { return }
        encryption = Encryption(status: encryptionStatus, lengths: lengths, areas: areas)
        (self.lengths, self.areas) = (maskedLengths, maskedAreas)
    }

    /// For a descriptor without the usages: the offsets that the manuals print.
    private init?(publishedLayout reportLength: Int) {
        func bytes(_ offset: Int) -> [Range<Int>] { (0..<3).map { offset + $0..<offset + $0 + 1 } }
        func areas(_ offset: Int, _ size: Int) -> [Range<Int>] {
            (0..<3).map { offset + $0 * size..<offset + ($0 + 1) * size }
        }
        decodeStatus = bytes(0)
        switch reportLength {
        case 337, 338:
            (lengths, self.areas) = (bytes(3), areas(7, 110))
        case 856, 887:
            encryption = Encryption(status: 493..<495, lengths: bytes(3), areas: areas(7, 112))
            (lengths, self.areas) = (bytes(505), areas(508, 112))
        default: return nil
        }
        self.reportLength = reportLength
        reportID = 0
    }

    /// - Parameter report: at least `minimumLength` bytes.
    func read(_ report: [UInt8]) -> StripeSwipe {
        var swipe = StripeSwipe()
        for index in 0..<3 {
            let length = report.value(lengths[index])
            let track: StripeSwipe.Track =
                if report[decodeStatus[index].lowerBound] & 1 != 0 || length > areas[index].count {
                    .unreadable
                } else if length == 0 {
                    .absent
                } else {
                    .characters(report[areas[index]].prefix(length))
                }
            swipe.append(track, number: index + 1)
        }
        if let encryption { swipe.hadEncryptedBlock = hasEncryptedBlock(report, encryption) }
        return swipe
    }

    /// A reader that does not encrypt sends the same clear track in both areas. The status says so too, but where the HID report
    /// has `00 06` the same manual prints `0600` for the same state: the bit counts in either byte.
    private func hasEncryptedBlock(_ report: [UInt8], _ encryption: Encryption) -> Bool {
        let encryptionEnabled: UInt8 = 0x04
        let isEnabled = report[encryption.status].contains { $0 & encryptionEnabled != 0 }
        return (0..<3).contains { index in
            let length = report.value(encryption.lengths[index])
            let encrypted = report[encryption.areas[index]].prefix(length)
            guard length > 0 else { return false }
            return isEnabled || !encrypted.elementsEqual(report[areas[index]].prefix(report.value(lengths[index])))
        }
    }
}

extension Usage {
    static let magTekReader = Usage(page: 0xff00, id: 0x01)
}
