public import LoyaltyModel

/// A usage of the HID Usage Tables: what a control means.
public struct Usage: Hashable, Sendable, CustomStringConvertible {
    public let page: UInt16
    public let id: UInt16

    public init(page: UInt16, id: UInt16) {
        self.page = page
        self.id = id
    }

    public var description: String { "\(String(page, radix: 16))/\(String(id, radix: 16))" }

    static let keyboard = Usage(page: 0x01, id: 0x06)
    static let keypad = Usage(page: 0x01, id: 0x07)
    static let barCodeScanner = Usage(page: 0x8c, id: 0x02)
    static let magneticStripeReader = Usage(page: 0x8e, id: 0x01)
}

/// One main item of a report descriptor: `count` values of `size` bits each.
public struct ReportField: Sendable, Hashable {
    public enum Kind: Sendable, Hashable { case input, output, feature }

    public let kind: Kind
    /// 0 where the device numbers no reports.
    public let reportID: UInt8
    /// From the first bit of the report as transferred, the report ID byte included.
    public let bitOffset: Int
    /// Bits per value.
    public let size: Int
    public let count: Int
    public let isConstant: Bool
    /// An array says which usages are active; otherwise each usage has a value of its own.
    public let isArray: Bool
    public let logicalMinimum: Int
    public let logicalMaximum: Int
    /// In order of declaration. Shorter than `count` where the last usage repeats.
    public let usages: [ClosedRange<UInt16>]
    public let usagePages: [UInt16]
    /// The top-level collection that the field belongs to.
    public let application: Usage

    public var bitEnd: Int { bitOffset + size * count }

    /// The usage of the value at an index: the last one repeats (HID 1.11 section 6.2.2.8).
    public func usage(at index: Int) -> Usage? {
        guard index >= 0 else { return nil }
        var rest = index
        for (range, page) in zip(usages, usagePages) {
            if rest < range.count { return Usage(page: page, id: range.lowerBound + UInt16(rest)) }
            rest -= range.count
        }
        guard let range = usages.last, let page = usagePages.last else { return nil }
        return Usage(page: page, id: range.upperBound)
    }

    /// The index of the first value with that usage.
    public func index(of usage: Usage) -> Int? {
        var passed = 0
        for (range, page) in zip(usages, usagePages) {
            if page == usage.page, range.contains(usage.id) {
                let index = passed + Int(usage.id - range.lowerBound)
                return index < count ? index : nil
            }
            passed += range.count
        }
        return nil
    }
}

/// What a HID report descriptor declares (Device Class Definition for HID 1.11, section 6.2.2).
///
/// Work and memory are bounded by the length of the descriptor, never by the counts it names.
public struct ReportDescriptor: Sendable, Hashable {
    public static let maximumLength = 4096
    /// In bytes.
    public static let maximumReportLength = 8192

    public let fields: [ReportField]
    public let usesReportIDs: Bool
    /// Top-level collections in order.
    public let applications: [Usage]

    /// - Throws: `readers.bad_descriptor`, with the offset of the byte in message and place.
    public init(_ bytes: [UInt8]) throws(LoyaltyError) {
        var parser = ReportDescriptorParser(bytes)
        try parser.run()
        fields = parser.fields
        usesReportIDs = parser.usesReportIDs
        applications = parser.applications
    }

    /// The length of a report in bytes, its ID byte included; 0 where there is none of that kind.
    public func reportLength(_ kind: ReportField.Kind, reportID: UInt8) -> Int {
        let bits = fields.lazy.filter { $0.kind == kind && $0.reportID == reportID }.map(\.bitEnd).max() ?? 0
        return (bits + 7) / 8
    }

    /// The length of the longest report, its ID byte included.
    public func longestReportLength(_ kind: ReportField.Kind) -> Int {
        let bits = fields.lazy.filter { $0.kind == kind }.map(\.bitEnd).max() ?? 0
        return (bits + 7) / 8
    }
}

extension LoyaltyError.Code {
    public static let badDescriptor = Self("readers.bad_descriptor", kind: .badData)
}
