/// Finds the places of usages in the input reports of one application.
struct StripeFields {
    private let fields: [ReportField]

    init(_ descriptor: ReportDescriptor, application: Usage, reportID: UInt8) {
        fields = descriptor.fields.filter {
            $0.kind == .input && $0.application == application && $0.reportID == reportID
        }
    }

    /// The bytes of a usage, counted from the first byte of the report, its ID included; nil where it is not there or does not
    /// begin and end with a byte.
    ///
    /// The last usage of an item has all values that are left (HID 1.11 section 6.2.2.8).
    func bytes(of usage: Usage) -> Range<Int>? {
        for field in fields {
            guard let index = field.index(of: usage) else { continue }
            let isLast = field.usages.last?.upperBound == usage.id && field.usagePages.last == usage.page
            let start = field.bitOffset + index * field.size
            let end = isLast ? field.bitEnd : start + field.size
            guard start.isMultiple(of: 8), end.isMultiple(of: 8), start < end else { return nil }
            return start / 8..<end / 8
        }
        return nil
    }

    /// The places of usages in a row; nil where one of them is missing.
    func bytes(page: UInt16, _ ids: ClosedRange<UInt16>) -> [Range<Int>]? {
        let ranges = ids.compactMap { bytes(of: Usage(page: page, id: $0)) }
        return ranges.count == ids.count ? ranges : nil
    }
}

extension [UInt8] {
    /// A number of the report, least significant byte first.
    func value(_ range: Range<Int>) -> Int {
        self[range].prefix(3).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// Overwrites all bytes and forgets them; the memory is kept.
    mutating func wipe() {
        for index in indices { self[index] = 0 }
        removeAll(keepingCapacity: true)
    }
}
