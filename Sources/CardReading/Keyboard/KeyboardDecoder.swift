import LoyaltyModel

/// Reads a keyboard wedge: key reports in, scans out.
///
/// Every usage that is pressed now and was not before is a key, in the order of the report and with the modifiers of that
/// report. No release is needed between different keys.
struct KeyboardDecoder: ReportDecoder {
    private let format: KeyReportFormat
    private let options: ReaderOptions
    private let interfaceSubclass: UInt8
    private var assembler: ScanAssembler
    private var previous: [UInt8] = []
    private var pressed: [UInt8] = []
    private var previousModifiers: UInt8 = 0
    /// Decimal digits typed on the keypad while Alt is held.
    private var altDigits: [UInt8] = []
    private var deadKey: Unicode.Scalar?
    private var isCapsLocked = false
    private var lastEvent = MonotonicTime(nanoseconds: 0)
    private var lastReport = MonotonicTime(nanoseconds: 0)

    private static let longestAltCode = 5

    private enum Modifier {
        static let control: UInt8 = 0x11
        static let shift: UInt8 = 0x22
        static let leftAlt: UInt8 = 0x04
        static let rightAlt: UInt8 = 0x40
        static let alt: UInt8 = 0x44
        static let gui: UInt8 = 0x88
    }

    init(format: KeyReportFormat, interfaceSubclass: UInt8, options: ReaderOptions) {
        self.format = format
        self.options = options
        self.interfaceSubclass = interfaceSubclass
        assembler = ScanAssembler(options: options)
        isCapsLocked = options.isCapsLocked
    }

    var droppedPartialScans: Int { assembler.droppedPartialScans }

    var deadline: MonotonicTime? {
        if let deadline = assembler.deadline { return deadline }
        let isWaiting = isCapsLocked != options.isCapsLocked || deadKey != nil || !altDigits.isEmpty
        return isWaiting ? lastEvent.adding(options.gap) : nil
    }

    /// Boot protocol only where the descriptor says the reports are the boot ones; some readers repeat keys for ever until
    /// SET_IDLE, and some send nothing until they got their lights.
    var setup: [SetupRequest] {
        var requests: [SetupRequest] = []
        if interfaceSubclass == 1 { requests.append(.setProtocol(boot: format.isBootLayout)) }
        requests.append(.setIdle(0))
        if let lights = format.lights {
            var report = [UInt8](repeating: 0, count: max(lights.length, 0))
            if options.numLock, let bit = lights.numLockBit, report.indices.contains(bit / 8) {
                report[bit / 8] |= 1 << UInt8(bit % 8)
            }
            requests.append(.output(reportID: lights.reportID, report))
        }
        return requests
    }

    mutating func receive(_ report: [UInt8], at instant: MonotonicTime) -> [DecodedScan] {
        var scans = expire(at: instant)
        // A reader that broke off with a key down never says that it is up, and its next scan may begin with that key. One
        // that repeats its report holds the key.
        if instant.since(lastReport) >= options.gap {
            previous.removeAll(keepingCapacity: true)
            previousModifiers = 0
        }
        lastReport = instant
        guard let modifiers = format.read(report, keys: &pressed) else { return scans }
        if modifiers != previousModifiers || pressed != previous {
            lastEvent = instant
            assembler.touch(at: instant)
        }
        if modifiers & Modifier.alt == 0 { typeAltCode(at: instant, into: &scans) }
        for index in pressed.indices {
            let usage = pressed[index]
            guard !previous.contains(usage) else { continue }
            // Alt codes come with all digits in one report, equal ones too: `04 00 62 60 62` is Alt+080.
            let isAltDigit = modifiers & Modifier.alt != 0 && Self.keypadDigit(usage) != nil
            guard isAltDigit || !pressed[..<index].contains(usage) else { continue }
            press(usage, modifiers, at: instant, into: &scans)
        }
        swap(&previous, &pressed)
        previousModifiers = modifiers
        return scans
    }

    mutating func expire(at instant: MonotonicTime) -> [DecodedScan] {
        guard let deadline, instant >= deadline else { return [] }
        var scans: [DecodedScan] = []
        if !altDigits.isEmpty { assembler.damage(at: lastEvent) }
        if let deadKey, assembler.isScanOpen { type(deadKey, at: lastEvent, into: &scans) }
        assembler.expire(at: instant, into: &scans)
        forgetKeyState()
        return scans
    }

    mutating func reset() {
        assembler.reset()
        forgetKeyState()
        previous.removeAll(keepingCapacity: true)
        previousModifiers = 0
    }

    mutating func conclude() -> [DecodedScan] {
        var scans: [DecodedScan] = []
        assembler.conclude(into: &scans)
        reset()
        return scans
    }

    private mutating func forgetKeyState() {
        altDigits.removeAll(keepingCapacity: true)
        deadKey = nil
        isCapsLocked = options.isCapsLocked
    }

    private mutating func press(
        _ usage: UInt8, _ modifiers: UInt8, at instant: MonotonicTime, into scans: inout [DecodedScan]
    ) {
        if modifiers & Modifier.alt != 0, let digit = Self.keypadDigit(usage) {
            // More than a code has make it damaged anyway; a babbling device must not fill the memory.
            if altDigits.count <= Self.longestAltCode { altDigits.append(digit) }
            return
        }
        if usage == 0x39 {
            isCapsLocked.toggle()
            return
        }
        let isControl = modifiers & Modifier.control != 0
        let isAlternate = modifiers & Modifier.rightAlt != 0 || (isControl && modifiers & Modifier.leftAlt != 0)
        // Chords of the window system and of menus are no data.
        guard modifiers & Modifier.gui == 0, isAlternate || modifiers & Modifier.leftAlt == 0 else { return }
        if let byte = options.functionKeys[usage] {
            type(byte, at: instant, into: &scans)
        } else if KeyboardLayout.keypad.contains(usage), let key = options.layout.key(usage, .plain) {
            // Whatever the decimal key is there: NumLock is as the daemon set it, and Shift would undo it.
            type(key.scalar, at: instant, into: &scans)
        } else if let byte = Self.unshiftedKeys[usage] {
            type(byte, isKeypadEnter: usage == 0x58, at: instant, into: &scans)
        } else if isControl, !isAlternate {
            if let byte = controlCharacter(usage) { type(byte, at: instant, into: &scans) }
        } else {
            typeKey(usage, isShifted: modifiers & Modifier.shift != 0, isAlternate, at: instant, into: &scans)
        }
    }

    private mutating func typeKey(
        _ usage: UInt8, isShifted: Bool, _ isAlternate: Bool, at instant: MonotonicTime, into scans: inout [DecodedScan]
    ) {
        let level: KeyboardLayout.Level =
            isAlternate ? (isShifted ? .shiftedAlternate : .alternate) : (isShifted ? .shifted : .plain)
        guard let key = options.layout.key(usage, level, isCapsLocked: isCapsLocked) else {
            // A character that is missing makes a different number; function and cursor keys are none.
            if Self.characterKeys.contains(usage) { assembler.damage(at: instant) }
            return
        }
        if let dead = deadKey { type(dead, at: instant, into: &scans) }
        deadKey = key.isDead ? key.scalar : nil
        if !key.isDead { type(key.scalar, at: instant, into: &scans) }
    }

    private mutating func type(_ scalar: Unicode.Scalar, at instant: MonotonicTime, into scans: inout [DecodedScan]) {
        for byte in UTF8.encode(scalar) ?? Unicode.UTF8.encodedReplacementCharacter {
            assembler.accept(byte, at: instant, into: &scans)
        }
    }

    private mutating func type(
        _ byte: UInt8, isKeypadEnter: Bool = false, at instant: MonotonicTime, into scans: inout [DecodedScan]
    ) {
        if let dead = deadKey {
            deadKey = nil
            type(dead, at: instant, into: &scans)
            // The space only ends the dead key.
            if byte == 0x20 { return }
        }
        let before = scans.count
        assembler.accept(byte, isKeypadEnter: isKeypadEnter, at: instant, into: &scans)
        if scans.count > before { isCapsLocked = options.isCapsLocked }
    }

    /// Alt was released: the digits are a character code, of Windows-1252 with a leading zero, else of code page 437.
    private mutating func typeAltCode(at instant: MonotonicTime, into scans: inout [DecodedScan]) {
        guard !altDigits.isEmpty else { return }
        defer { altDigits.removeAll(keepingCapacity: true) }
        guard altDigits.count <= Self.longestAltCode else { return assembler.damage(at: instant) }
        let code = UInt8(truncatingIfNeeded: altDigits.reduce(0) { $0 * 10 + Int($1) })
        if code < 0x80 {
            type(code, at: instant, into: &scans)
        } else {
            type(altDigits[0] == 0 ? CodePage.windows1252(code) : CodePage.ibm437(code), at: instant, into: &scans)
        }
    }

    /// Ctrl with a letter, or with the key that has `[ \ ] ^ _` on a US keyboard (MagTek manual 99875206).
    private func controlCharacter(_ usage: UInt8) -> UInt8? {
        if let scalar = options.layout.key(usage, .plain)?.scalar, let letter = UInt8(exactly: scalar.value),
            letter.isASCIILetter
        {
            return letter & 0x1f
        }
        // Layouts of other scripts keep the Latin letters for Ctrl.
        if let byte = Self.controlKeys[usage] { return byte }
        guard let letter = KeyboardLayout.us.key(usage, .plain)?.scalar.value, (0x61...0x7a).contains(letter) else {
            return nil
        }
        return UInt8(truncatingIfNeeded: letter & 0x1f)
    }

    private static func keypadDigit(_ usage: UInt8) -> UInt8? {
        switch usage {
        case 0x59...0x61: usage - 0x58
        case 0x62: 0
        default: nil
        }
    }

    /// Keys with a character on some layout: the block of letters, the key beside the left Shift, and those beside the right
    /// Shift and the Backspace of Brazilian and Japanese keyboards.
    private static let characterKeys = Set(UInt8(0x04)...0x38).union([0x64, 0x87, 0x89])

    private static let controlKeys: [UInt8: UInt8] = [
        0x2f: 0x1b, 0x31: 0x1c, 0x32: 0x1c, 0x30: 0x1d, 0x23: 0x1e, 0x2d: 0x1f,
    ]

    /// Keys with the same character on every layout and level: Enter, Escape, Backspace, Tab, Space and the keypad.
    private static let unshiftedKeys: [UInt8: UInt8] = {
        var keys: [UInt8: UInt8] = [
            0x28: 0x0d, 0x29: 0x1b, 0x2a: 0x08, 0x2b: 0x09, 0x2c: 0x20, 0x54: 0x2f, 0x55: 0x2a, 0x56: 0x2d, 0x57: 0x2b,
            0x58: 0x0d, 0x62: 0x30, 0x63: 0x2e, 0x67: 0x3d,
        ]
        for usage in UInt8(0x59)...0x61 { keys[usage] = 0x30 + usage - 0x58 }
        return keys
    }()
}
