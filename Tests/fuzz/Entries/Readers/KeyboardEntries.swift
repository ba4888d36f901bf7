import CardReading
import LoyaltyModel

extension FuzzEntry {
    /// Key reports as they come: any layout, boot reports or reports with an ID.
    static let keyboard = FuzzEntry("keyboard", maximumLength: 1024) { input throws(BrokenPromise) in
        var source = ByteSource(input)
        let terminators = Int(source.byte()) % ReaderOptions.terminatorSets.count
        let layout = source.choice(layouts.count)
        let hasID = source.flag()
        let start = keyboards[hasID ? 1 : 0][layout][terminators]
        var session = try ReaderSession(start)
        let reports = source.reports(filledTo: 8)
        try session.play(reports)
        guard let options = start?.options, options.layout == .us, !hasID else { return }
        try session.judge(by: KeyOracle(options)) { keys, index in
            keys.take(reports[index].bytes, at: session.times[index], report: index)
        } _: { keys, delivery throws(BrokenPromise) in
            if keys.hasLostTrack { return }
            var keys = keys
            if delivery.report == nil { keys.lines.advance(to: session.now) }
            try expect(keys.lines.explains(delivery), "a scan that nobody typed")
        }
    }

    /// What is typed is read: on every layout key by key, and as ALT codes.
    static let keyboardTyping = FuzzEntry("keyboard-typing", maximumLength: 96) { input throws(BrokenPromise) in
        var source = ByteSource(input)
        let layout = source.choice(layouts.count)
        let isAltMode = source.flag()
        var session = try ReaderSession(keyboards[0][layout][0])
        let characters = source.remaining().filter { (0x20...0x7e).contains($0) || (isAltMode && $0 >= 0xa0) }
        let text = String(String.UnicodeScalarView(characters.map { Unicode.Scalar($0) }))
        guard !text.isEmpty, let keys = isAltMode ? altCodes(characters) : strokes(characters, layout) else { return }
        let enter: [[UInt8]] = [[0, 0, 0x28, 0, 0, 0, 0, 0], [UInt8](repeating: 0, count: 8)]
        try session.play(
            (keys + enter).map { TimedReport(delay: .milliseconds(1), followsReset: false, bytes: $0) })
        let scans = session.deliveries.map(\.scan)
        guard let scan = scans.first else {
            let isAnswer = ["]X0", "]Z6"].contains { text.hasPrefix($0) || text.dropFirst().hasPrefix($0) }
            let isIdentifierAlone = text.utf8.count <= 4 && text.utf8.contains(UInt8(ascii: "]"))
            try expect(isAnswer || isIdentifierAlone, "what was typed was not read")
            return
        }
        try expect(scans.count == 1, "one line became two scans")
        try expect(Characters.explain(scan, Array(text.utf8)), "another text was read than was typed")
    }

    private static let layouts = ["us", "gb", "de", "fr", "be", "es", "it", "ch", "pt", "se", "dk", "no"].compactMap {
        KeyboardLayout(named: $0)
    }

    /// Boot reports or reports with an ID, by layout and set of terminators.
    private static let keyboards = [.usual(for: .keyboard), numbered].map { facts in
        layouts.map { layout in
            ReaderOptions.terminatorSets.map { ReaderStart(facts, ReaderOptions(layout: layout, terminators: $0)) }
        }
    }

    /// The reports of each printable character of ASCII, by layout; nil where it has no key.
    private static let typing = layouts.map { layout in
        (UInt8(0x20)...0x7e).map { layout.reports(typing: String(Unicode.Scalar($0))) }
    }

    private static func strokes(_ characters: [UInt8], _ layout: Int) -> [[UInt8]]? {
        var reports: [[UInt8]] = []
        for character in characters {
            guard let strokes = typing[layout][Int(character) - 0x20] else { return nil }
            reports += strokes
        }
        return reports
    }

    /// Left Alt, a zero and three digits of the keypad for each character, one by one or, for every second character, in one
    /// report (MagTek manual 99875206).
    private static func altCodes(_ characters: [UInt8]) -> [[UInt8]] {
        var reports: [[UInt8]] = []
        for (index, character) in characters.enumerated() {
            let digits = [0, character / 100, character / 10 % 10, character % 10]
            let usages = digits.map { $0 == 0 ? 0x62 : 0x58 + $0 }
            if index.isMultiple(of: 2) {
                for usage in usages { reports += [[4, 0, usage, 0, 0, 0, 0, 0], [4, 0, 0, 0, 0, 0, 0, 0]] }
            } else {
                reports.append([4, 0] + usages + [0, 0])
            }
            reports.append([UInt8](repeating: 0, count: 8))
        }
        return reports
    }

    /// Report ID 3, no reserved byte, one key (the scanner 0581:020c).
    private static let numbered = InterfaceFacts(
        vendorID: 0x0581, productID: 0x020c, interfaceNumber: 0, interfaceClass: 3, interfaceSubclass: 1,
        interfaceProtocol: 1,
        reportDescriptor: [
            0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x85, 0x03, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01,
            0x75, 0x01, 0x95, 0x08, 0x81, 0x02, 0x95, 0x06, 0x75, 0x08, 0x15, 0x00, 0x26, 0xe7, 0x00, 0x19, 0x00, 0x29,
            0xe7, 0x81, 0x00, 0xc0,
        ])
}

/// A US keyboard by the names of its keys (HID Usage Tables 1.12, page 07, table 12). Of Alt, Ctrl and Caps Lock it has no opinion.
private struct KeyOracle {
    var lines: LineOracle
    private var held: Set<UInt8> = []
    private var last: [UInt8] = []
    private var lastReport = MonotonicTime(nanoseconds: 0)
    private let gap: Duration
    private(set) var hasLostTrack = false

    private static let names: [UInt8: (UInt8, UInt8)] = {
        let plain = Array("abcdefghijklmnopqrstuvwxyz1234567890\r\u{1b}\u{8}\t -=[]\\\\;'`,./".utf8)
        let shifted = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ!@#$%^&*()\r\u{1b}\u{8}\t _+{}||:\"~<>?".utf8)
        var names: [UInt8: (UInt8, UInt8)] = [:]
        for (index, pair) in zip(plain, shifted).enumerated() { names[UInt8(4 + index)] = pair }
        for (index, key) in "/*-+\r1234567890.".utf8.enumerated() { names[UInt8(0x54 + index)] = (key, key) }
        names[0x67] = (61, 61)
        // F8 is GS, as some scanners have it.
        names[0x41] = (29, 29)
        return names
    }()

    init(_ options: ReaderOptions) {
        lines = LineOracle(options)
        gap = options.gap
    }

    mutating func take(_ report: [UInt8], at instant: MonotonicTime, report index: Int) {
        // A reader that breaks off with a key down never says that it is up.
        if instant.since(lastReport) >= gap { (held, last) = ([], []) }
        lines.advance(to: instant)
        lastReport = instant
        guard report.count >= 8 else { return }
        let slots = report[2..<8]
        // 1 to 3 say that the keyboard lost track.
        guard !slots.contains(where: { (1...3).contains($0) }) else { return }
        let modifiers = slots.filter { (0xe0...0xe7).contains($0) }.reduce(report[0]) { $0 | 1 << ($1 - 0xe0) }
        let keys = slots.filter { $0 != 0 && !(0xe0...0xe7).contains($0) }
        if [modifiers] + keys != last { lines.touch(at: instant) }
        last = [modifiers] + keys
        for key in keys where held.insert(key).inserted {
            if modifiers & 0xdd != 0 || key == 0x39 { hasLostTrack = true }
            guard !hasLostTrack else { return }
            guard let name = Self.names[key] else {
                // The key between Shift and Z is not on this keyboard; function and cursor keys are no characters.
                if key == 0x64 { lines.damage(at: instant) }
                continue
            }
            let byte = modifiers & 0x22 != 0 ? name.1 : name.0
            lines.take(byte, isKeypadEnter: key == 0x58, at: instant, report: index)
        }
        held = Set(keys)
    }
}
