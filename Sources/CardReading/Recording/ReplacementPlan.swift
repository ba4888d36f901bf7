import LoyaltyModel

/// Which slots of reports hold the digits and letters that have to go, as numbers.
struct ReplacementPlan {
    /// Slots of one number, in order.
    private var numbers: [[(slot: Int, symbol: UInt8)]] = []
    /// Slots of letters that stand beside each other.
    private var words: [[(slot: Int, symbol: UInt8)]] = []

    /// So many keys of the digit row in a row that give no digit are taken for digits of another layout.
    private static let shortestForeignNumber = 3

    /// Everything, where nobody knows what it means.
    init(everySlotOf editor: some ReportEditor) {
        var wasDigit: Bool?
        for (index, slot) in editor.slots.enumerated() {
            append((index, slot.symbol), isDigit: slot.isDigit, continues: wasDigit == slot.isDigit)
            wasDigit = slot.isDigit
        }
    }

    /// Finds what each slot is of the text, by trying another symbol in it.
    ///
    /// - Returns: nil where digits are read that no slot accounts for, or slots have digits that are not read.
    init?(_ editor: some ReportEditor, _ base: RecordedReading, read: ([[UInt8]]) -> RecordedReading) {
        var found: [Place: (slot: Int, isUncertain: Bool)] = [:]
        let isStripe = base.scans.contains { $0.entry == .msr }
        for (index, slot) in editor.slots.enumerated() where slot.isDigit || isStripe {
            switch Self.locate(index, slot, editor, base, read) {
            case .at(let place): found[place] = (index, slot.isUncertain)
            // A letter of the symbology identifier, of a length: nothing of a number.
            case .outside: continue
            case .nowhere: if slot.isDigit, editor is KeyEditor { return nil }
            }
        }
        for (number, scan) in base.scans.enumerated() {
            guard let texts = Self.parts(of: scan) else { return nil }
            for range in texts { guard add(range, of: number, scan, found, editor) else { return nil } }
        }
    }

    private struct Place: Hashable {
        var scan: Int
        var scalar: Int
    }

    private enum Finding { case at(Place), outside, nowhere }

    private static func locate(
        _ index: Int, _ slot: RecordedSlot, _ editor: some ReportEditor, _ base: RecordedReading,
        _ read: ([[UInt8]]) -> RecordedReading
    ) -> Finding {
        var finding = Finding.nowhere
        for other in slot.others {
            let reading = read(editor.replacing([index: other]))
            guard reading.scans.count == base.scans.count else { continue }
            let changed = base.scans.indices.filter { reading.scans[$0].text != base.scans[$0].text }
            if changed.isEmpty, zip(reading.scans, base.scans).contains(where: { $0.aim != $1.aim }) {
                finding = .outside
            }
            guard changed.count == 1, let scan = changed.first,
                let scalar = difference(base.scans[scan].scalars, reading.scans[scan].scalars)
            else { continue }
            return .at(Place(scan: scan, scalar: scalar))
        }
        return finding
    }

    /// The one scalar that differs. A number that fails its check digit is not in canonical form: a zero in front is missing.
    private static func difference(_ old: [Unicode.Scalar], _ new: [Unicode.Scalar]) -> Int? {
        var (left, right, shift) = (old[...], new[...], 0)
        if old.count == new.count + 1, old.first == "0" { (left, shift) = (old.dropFirst(), 1) }
        if new.count == old.count + 1, new.first == "0" { right = new.dropFirst() }
        guard left.count == right.count else { return nil }
        let places = zip(left, right).enumerated().filter { $0.element.0 != $0.element.1 }.map(\.offset)
        return places.count == 1 ? places[0] + shift : nil
    }

    /// Ranges of scalars that are masked by themselves: all of the text, or the values of GS1 elements, whose identifiers and
    /// dates stay.
    private static func parts(of scan: DecodedScan) -> [Range<Int>]? {
        guard let message = scan.certainMessage, !message.isDigitalLink else {
            return [0..<scan.scalars.count]
        }
        var parts: [Range<Int>] = []
        var position = 0
        for element in message.elements {
            while position < scan.text.count, scan.text[position] == GS1Message.separator { position += 1 }
            let whole = Array(element.identifier.utf8) + element.value
            guard scan.text[min(position, scan.text.count)...].starts(with: whole) else { return nil }
            let start = position + element.identifier.utf8.count
            position += whole.count
            let isDate = ["11", "12", "13", "15", "16", "17"].contains(element.identifier)
            if !isDate { parts.append(start..<position) }
        }
        return parts
    }

    /// False where a digit has no slot.
    private mutating func add(
        _ range: Range<Int>, of number: Int, _ scan: DecodedScan, _ found: [Place: (slot: Int, isUncertain: Bool)],
        _ editor: some ReportEditor
    ) -> Bool {
        let scalars = scan.scalars
        var foreign: [(slot: Int, symbol: UInt8)] = []
        var last: (index: Int, isDigit: Bool)?
        func flush(_ plan: inout ReplacementPlan) {
            if foreign.count >= Self.shortestForeignNumber { plan.numbers.append(foreign) }
            foreign = []
        }
        for index in range {
            let slot = found[Place(scan: number, scalar: index)]
            let isDigit = scalars[index].isASCII && UInt8(truncatingIfNeeded: scalars[index].value).isASCIIDigit
            guard let slot else {
                flush(&self)
                // The zero in front of a UPC-A that nobody sent.
                let isAddedZero = index == 0 && scan.symbology?.isArticleNumber == true && scalars[0] == "0"
                if isDigit, !isAddedZero { return false }
                continue
            }
            let symbol = editor.slots[slot.slot].symbol
            if slot.isUncertain {
                foreign.append((slot.slot, symbol))
                continue
            }
            flush(&self)
            // The format code of track 1.
            if !isDigit, index == 1, scalars[0] == "%" { continue }
            let continues = last.map { $0.index == index - 1 && $0.isDigit == isDigit } ?? false
            append((slot.slot, symbol), isDigit: isDigit, continues: continues)
            last = (index, isDigit)
        }
        flush(&self)
        return true
    }

    private mutating func append(_ entry: (slot: Int, symbol: UInt8), isDigit: Bool, continues: Bool) {
        if isDigit {
            if continues, !numbers.isEmpty { numbers[numbers.count - 1].append(entry) } else { numbers.append([entry]) }
        } else {
            if continues, !words.isEmpty { words[words.count - 1].append(entry) } else { words.append([entry]) }
        }
    }

    /// What stands in each slot instead.
    func symbols(_ mask: NumberMask, attempt: UInt64) -> [Int: UInt8] {
        var symbols: [Int: UInt8] = [:]
        for number in numbers {
            for (entry, digit) in zip(number, mask.masked(number.map(\.symbol), attempt: attempt)) {
                symbols[entry.slot] = digit
            }
        }
        for word in words {
            var previous: (symbol: UInt8, mask: UInt8)?
            for entry in word {
                let isEqual = previous.map { $0.symbol == entry.symbol } ?? true
                let mask = isEqual ? previous?.mask ?? UInt8(ascii: "X") : (previous?.mask ?? 0) ^ 1
                symbols[entry.slot] = mask
                previous = (entry.symbol, mask)
            }
        }
        return symbols
    }
}

extension RecordedSlot {
    /// Other symbols of the same sort: a keyboard loses one that equals its neighbour.
    fileprivate var others: [UInt8] {
        guard isDigit else { return [0x58, 0x59].filter { $0 != symbol } }
        return [1, 4, 7].map { 0x30 + (symbol - 0x30 + $0) % 10 }
    }
}

extension DecodedScan {
    var scalars: [Unicode.Scalar] { Array(String(decoding: text, as: UTF8.self).unicodeScalars) }
}
