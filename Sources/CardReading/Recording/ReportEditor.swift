/// Finds the places in reports where a digit or a letter stands, and writes others there, so that reports say another number
/// and are otherwise as the reader sent them.
protocol ReportEditor {
    /// In the order in which they were sent.
    var slots: [RecordedSlot] { get }
    /// The reports with other symbols in some of the slots, by their index; check sums fit again.
    func replacing(_ symbols: [Int: UInt8]) -> [[UInt8]]
}

/// One place in reports.
struct RecordedSlot: Sendable, Hashable {
    /// `0` to `9`, or a capital letter. Of a key in the digit row the digit that it has on most layouts.
    var symbol: UInt8
    /// Whether the key gives no digit at that shift level on the reader's layout; it might on another.
    var isUncertain = false

    var isDigit: Bool { symbol.isASCIIDigit }
}

/// Reports that hold characters as bytes.
struct ByteEditor: ReportEditor {
    private let reports: [[UInt8]]
    private let places: [(report: Int, byte: Int, isBinary: Bool)]
    let slots: [RecordedSlot]
    private let seal: FrameSeal

    /// - Parameters:
    ///   - hasBinaryDigits: whether the numbers 0 to 9 may stand for digits.
    ///   - hasLetters: whether letters are slots.
    init(_ reports: [[UInt8]], hasBinaryDigits: Bool, hasLetters: Bool, seal: FrameSeal) {
        self.reports = reports
        self.seal = seal
        var places: [(report: Int, byte: Int, isBinary: Bool)] = []
        var slots: [RecordedSlot] = []
        for (index, report) in reports.enumerated() {
            for (position, byte) in report.enumerated() {
                let isBinary = hasBinaryDigits && byte < 10
                let isLetter = hasLetters && byte.isASCIILetter
                guard byte.isASCIIDigit || isBinary || isLetter else { continue }
                places.append((index, position, isBinary))
                slots.append(RecordedSlot(symbol: isBinary ? byte + 0x30 : isLetter ? byte & 0xdf : byte))
            }
        }
        self.places = places
        self.slots = slots
    }

    func replacing(_ symbols: [Int: UInt8]) -> [[UInt8]] {
        var result = reports
        for (slot, symbol) in symbols {
            let place = places[slot]
            let caseBit = result[place.report][place.byte].isASCIILetter ? result[place.report][place.byte] & 0x20 : 0
            result[place.report][place.byte] = place.isBinary ? symbol &- 0x30 : symbol | caseBit
        }
        seal.renew(&result)
        return result
    }
}

/// The check sums of ID TECH's frames; other reports have none.
struct FrameSeal: Sendable {
    let isIDTech: Bool
    let usesReportIDs: Bool

    func renew(_ reports: inout [[UInt8]]) {
        guard isIDTech else { return }
        let skipped = usesReportIDs ? 1 : 0
        var bytes = reports.flatMap { $0.dropFirst(skipped) }
        guard IDTechFrame.reseal(&bytes) else { return }
        var position = 0
        for index in reports.indices {
            let count = max(0, reports[index].count - skipped)
            reports[index].replaceSubrange(skipped..<(skipped + count), with: bytes[position..<(position + count)])
            position += count
        }
    }
}
