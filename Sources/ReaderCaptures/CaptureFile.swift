public import CardReading
import DataFormats
import FoundationEssentials
public import LoyaltyModel

extension Capture {
    /// Reads a capture file. Keys that it does not know are somebody's notes, and no mistake.
    ///
    /// - Parameter layout: the keyboard layout of a name; by default those that need no other files.
    /// - Throws: `document.*`, `capture.syntax`, with the place.
    public init(
        json bytes: [UInt8], file: String? = nil,
        layout: (String) -> KeyboardLayout? = { KeyboardLayout(named: $0) }
    ) throws(LoyaltyError) {
        var root = try TableReader(JSONDocument.parse(bytes, file: file))
        name = try root.string("name") ?? file ?? "capture"
        kind = try root.requiredString("kind")
        vendorID = try Self.identifier("vid", &root)
        productID = try Self.identifier("pid", &root)
        reportDescriptor = try Self.bytes("report_descriptor_hex", &root)
        if var layout = try root.table("layout") {
            reportID = try layout.integer("report_id", 1...255).map { UInt8(clamping: $0) }
        }
        if var usb = try root.table("usb") { serialAdapter = try usb.word("adapter") }
        if let table = try root.table("setup") { setup = try Self.options(table, layout) }
        hasRealDigits = try root.string("digits") != "replaced"
        var cases: [Case] = []
        for key in ["cases", "keyboard_cases"] {
            for reader in try root.tables(key) { cases.append(try Self.sample(reader)) }
        }
        self.cases = cases
    }

    private static func options(
        _ reader: TableReader, _ known: (String) -> KeyboardLayout?
    ) throws(LoyaltyError) -> ReaderOptions {
        var reader = reader
        var options = ReaderOptions()
        if let name = try reader.string("layout") {
            guard let layout = known(name) else {
                throw reader.error("layout", "there is no layout \"\(name)\"")
            }
            options.layout = layout
        }
        if let words = try reader.strings("terminators") {
            let terminators = words.compactMap(ScanTerminator.init)
            guard terminators.count == words.count else {
                let known = ScanTerminator.allCases.map(\.rawValue).joined(separator: ", ")
                throw reader.error("terminators", "expected some of \(known)")
            }
            options.terminators = Set(terminators)
        }
        if let gap = try reader.integer("gap_ms", 1...60_000) { options.gap = .milliseconds(gap) }
        return options
    }

    private static func sample(_ reader: TableReader) throws(LoyaltyError) -> Case {
        var reader = reader
        let id = try reader.requiredString("id")
        var payload = Case.Payload.nothing
        var reports: [[UInt8]] = []
        for text in try reader.strings("reports_hex") ?? [] {
            guard let report = bytes(text) else {
                throw reader.error("reports_hex", "expected pairs of hexadecimal digits")
            }
            reports.append(report)
        }
        if let typed = try reader.string("keyboard_text") { payload = .typing(typed) }
        if let text = try bytes("text_hex", &reader) { payload = .text(text) }
        if !reports.isEmpty { payload = .reports(reports) }
        var expected: CaptureExpectation?
        if let table = try reader.table("expected") { expected = try expectation(table) }
        return Case(id: id, payload: payload, times: try times(&reader, reports.count), expected: expected)
    }

    private static func times(_ reader: inout TableReader, _ count: Int) throws(LoyaltyError) -> [Duration]? {
        guard let nodes = try reader.array("at_ms") else { return nil }
        var times: [Duration] = []
        for node in nodes {
            guard case .integer(let time) = node.value, (0...86_400_000).contains(time),
                times.last.map({ $0 <= .milliseconds(time) }) ?? true
            else {
                throw reader.error(
                    "at_ms", "expected milliseconds from 0 to one day, none before the one in front of it")
            }
            times.append(.milliseconds(time))
        }
        guard times.count == count else { throw reader.error("at_ms", "expected one time for each report") }
        return times
    }

    private static func expectation(_ reader: TableReader) throws(LoyaltyError) -> CaptureExpectation {
        var reader = reader
        var expected = CaptureExpectation()
        let kind = try reader.string("kind")
        expected.isSilent = kind == "management-response"
        if !expected.isSilent { expected.text = try wholeText(&reader) }
        expected.symbology = try reader.string("symbology")
        expected.aim = try reader.string("aim")
        expected.isPaymentCard = try reader.boolean("payment_card")
        expected.isEncrypted = try reader.boolean("encrypted")
        expected.number = try reader.string("number")
        expected.isValid = try reader.boolean("valid")
        if let nodes = try reader.array("elements") {
            expected.elements = nodes.map { node in
                guard case .array(let parts) = node.value else { return [] }
                return parts.map { if case .string(let text) = $0.value { text } else { "" } }
            }
        }
        return expected
    }

    private static func wholeText(_ reader: inout TableReader) throws(LoyaltyError) -> String? {
        if let text = try reader.string("text") { return text }
        return try reader.strings("tracks")?.joined()
    }

    /// Four hexadecimal digits; 0 where the file does not tell.
    private static func identifier(_ key: String, _ reader: inout TableReader) throws(LoyaltyError) -> UInt16 {
        guard let text = try reader.string(key) else { return 0 }
        guard let number = UInt16(text, radix: 16) else { throw reader.error(key, "expected four hexadecimal digits") }
        return number
    }

    private static func bytes(_ key: String, _ reader: inout TableReader) throws(LoyaltyError) -> [UInt8]? {
        guard let text = try reader.string(key) else { return nil }
        guard let bytes = bytes(text) else { throw reader.error(key, "expected pairs of hexadecimal digits") }
        return bytes
    }

    private static func bytes(_ hex: String) -> [UInt8]? {
        let digits = hex.utf8.filter { $0 != 0x20 }
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for start in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[start]), let low = value(digits[start + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x37
        case 0x61...0x66: digit - 0x57
        default: nil
        }
    }
}

extension Capture {
    /// - Throws: `capture.unreadable`, and what `init(json:file:)` throws.
    public init(
        path: String, layout: (String) -> KeyboardLayout? = { KeyboardLayout(named: $0) }
    ) throws(LoyaltyError) {
        let data: Data
        do { data = try Data(contentsOf: URL(filePath: path)) } catch {
            throw LoyaltyError(
                .captureUnreadable, "the capture cannot be read", at: Place(file: path),
                remedy: "Check that it exists and may be read")
        }
        do throws(LoyaltyError) { try self.init(json: Array(data), file: path, layout: layout) } catch {
            var error = error
            error.remedy = error.remedy ?? "Captures are what loyaltyctl readers record writes"
            throw error
        }
    }
}
