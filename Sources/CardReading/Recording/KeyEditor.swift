/// Reports of a keyboard. Slots are the keys of the digit row, whatever the layout has on them, the digits of the keypad,
/// letters, and characters that were typed by their code with Alt held.
struct KeyEditor: ReportEditor {
    private struct Press {
        var report: Int
        /// Counted among the keys of that report.
        var index: Int
        var usage: UInt8
    }

    private enum Content {
        case row, keypad, letter
        /// The digits of a decimal code, each a press of its own.
        case code(digits: [UInt8])
    }

    private struct Stroke {
        var presses: [Press]
        var content: Content
    }

    private let reports: [[UInt8]]
    private let format: KeyReportFormat
    private var strokes: [Stroke] = []
    private(set) var slots: [RecordedSlot] = []
    private let letterUsages: [UInt8: UInt8]
    /// Everything that was pressed, as digits where it might be one, line ends, and `x` for the rest. For the payment screen.
    private(set) var trail: [UInt8] = []

    private static let digitRow: ClosedRange<UInt8> = 0x1e...0x27
    private static let keypad: ClosedRange<UInt8> = 0x59...0x62
    private static let alt: UInt8 = 0x44
    private static let shift: UInt8 = 0x22
    private static let rightAlt: UInt8 = 0x40

    init(_ reports: [[UInt8]], format: KeyReportFormat, layout: KeyboardLayout) {
        self.reports = reports
        self.format = format
        var usages: [UInt8: UInt8] = [:]
        for symbol: UInt8 in [0x58, 0x59] {
            usages[symbol] = layout.position(of: Unicode.Scalar(symbol | 0x20))?.usage
        }
        letterUsages = usages
        collect(layout)
    }

    private mutating func collect(_ layout: KeyboardLayout) {
        var previous: [UInt8] = []
        var pressed: [UInt8] = []
        var code: [Press] = []
        for (report, bytes) in reports.enumerated() {
            guard let modifiers = format.read(bytes, keys: &pressed) else { continue }
            if modifiers & Self.alt == 0 { endCode(&code) }
            for (index, usage) in pressed.enumerated() where !previous.contains(usage) {
                let press = Press(report: report, index: index, usage: usage)
                if modifiers & Self.alt != 0, Self.keypad.contains(usage) {
                    code.append(press)
                } else if !pressed[..<index].contains(usage) {
                    add(press, modifiers, layout)
                }
            }
            previous = pressed
        }
        endCode(&code)
    }

    private mutating func add(_ press: Press, _ modifiers: UInt8, _ layout: KeyboardLayout) {
        let level: KeyboardLayout.Level =
            modifiers & Self.rightAlt != 0 ? .alternate : modifiers & Self.shift != 0 ? .shifted : .plain
        let scalar = layout.key(press.usage, level)?.scalar
        switch press.usage {
        case Self.digitRow:
            let symbol = Self.digit(press.usage, first: Self.digitRow.lowerBound)
            let isDigit = scalar.map { $0.isASCII && UInt8(truncatingIfNeeded: $0.value).isASCIIDigit } ?? false
            strokes.append(Stroke(presses: [press], content: .row))
            slots.append(RecordedSlot(symbol: symbol, isUncertain: !isDigit))
            trail.append(symbol)
        case Self.keypad:
            let symbol = Self.digit(press.usage, first: Self.keypad.lowerBound)
            strokes.append(Stroke(presses: [press], content: .keypad))
            slots.append(RecordedSlot(symbol: symbol))
            trail.append(symbol)
        case 0x28, 0x58, 0x2b: trail.append(0x0a)
        default:
            trail.append(UInt8(ascii: "x"))
            guard let scalar, scalar.isASCII else { return }
            let byte = UInt8(truncatingIfNeeded: scalar.value)
            guard byte.isASCIILetter else { return }
            strokes.append(Stroke(presses: [press], content: .letter))
            slots.append(RecordedSlot(symbol: byte & 0xdf))
        }
    }

    private mutating func endCode(_ code: inout [Press]) {
        guard !code.isEmpty else { return }
        let digits = code.map { Self.digit($0.usage, first: Self.keypad.lowerBound) }
        let value = digits.reduce(0) { ($0 * 10 + Int($1 & 0x0f)) % 256 }
        let symbol = UInt8(truncatingIfNeeded: value)
        if symbol.isASCIIDigit || symbol.isASCIILetter {
            strokes.append(Stroke(presses: code, content: .code(digits: digits)))
            slots.append(RecordedSlot(symbol: symbol.isASCIILetter ? symbol & 0xdf : symbol))
        }
        trail.append(symbol.isASCIIDigit ? symbol : value == 0x0d || value == 0x0a ? 0x0a : UInt8(ascii: "x"))
        code = []
    }

    /// `1` to `9` and then `0`, as digit row and keypad have them.
    private static func digit(_ usage: UInt8, first: UInt8) -> UInt8 { 0x30 + (usage - first + 1) % 10 }

    private static func usage(_ digit: UInt8, first: UInt8) -> UInt8 { first + (digit &- 0x30 + 9) % 10 }

    func replacing(_ symbols: [Int: UInt8]) -> [[UInt8]] {
        // By report: what the keys that were pressed in it become.
        var changes: [Int: [(index: Int, from: UInt8, to: UInt8)]] = [:]
        for (slot, symbol) in symbols {
            let stroke = strokes[slot]
            for (press, usage) in zip(stroke.presses, usages(of: stroke, symbol)) {
                changes[press.report, default: []].append((press.index, press.usage, usage))
            }
        }
        var result = reports
        var held: [UInt8: UInt8] = [:]
        var pressed: [UInt8] = []
        for report in reports.indices {
            guard format.read(reports[report], keys: &pressed) != nil else { continue }
            held = held.filter { pressed.contains($0.key) }
            let fresh = changes[report] ?? []
            for change in fresh { held[change.from] = change.to }
            let usages = pressed.enumerated().map { index, usage in
                fresh.first { $0.index == index }?.to ?? held[usage] ?? usage
            }
            result[report] = format.replacingKeys(of: reports[report], by: usages)
        }
        return result
    }

    private func usages(of stroke: Stroke, _ symbol: UInt8) -> [UInt8] {
        switch stroke.content {
        case .row: return [Self.usage(symbol, first: Self.digitRow.lowerBound)]
        case .keypad: return [Self.usage(symbol, first: Self.keypad.lowerBound)]
        case .letter: return [letterUsages[symbol] ?? stroke.presses[0].usage]
        case .code(let digits):
            var code = Array(String(symbol).utf8)
            while code.count < digits.count { code.insert(0x30, at: 0) }
            guard code.count == digits.count else { return stroke.presses.map(\.usage) }
            return code.map { Self.usage($0, first: Self.keypad.lowerBound) }
        }
    }
}
