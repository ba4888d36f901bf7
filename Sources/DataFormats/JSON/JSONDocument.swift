public import LoyaltyModel

/// Reads JSON as RFC 8259 defines it, keeping the place of every value and the digits of every number.
public enum JSONDocument {
    /// Arrays and tables may nest this deep.
    public static let maximumDepth = 64

    /// Reads one document. Time is linear in the input, and no input traps.
    ///
    /// Stricter than the RFC asks: a key may stand only once in its table (compared by canonical equivalence),
    /// and a byte order mark is refused. Numbers that are whole and fit 64 bits become `.integer`, all others `.decimal`
    /// with the literal as written. Messages never quote the content of strings or numbers.
    ///
    /// - Throws: `document.syntax`, with line and column (UTF-8 bytes) counted from 1.
    public static func parse(_ bytes: [UInt8], file: String? = nil) throws(LoyaltyError) -> DataNode {
        var parser = JSONParser(bytes: bytes, file: file)
        return try parser.document()
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    let file: String?
    var position = 0
    var line = 1
    var lineStart = 0
    /// Reused for strings with escapes.
    var scratch: [UInt8] = []

    init(bytes: [UInt8], file: String?) {
        self.bytes = bytes
        self.file = file
    }

    mutating func document() throws(LoyaltyError) -> DataNode {
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { throw error("a byte order mark is not allowed") }
        skipBlanks()
        guard position < bytes.count else { throw error("the document is empty") }
        let node = try value(depth: 0)
        skipBlanks()
        guard position == bytes.count else { throw error("expected the end of the document") }
        return node
    }

    private func place(at index: Int) -> Place { Place(file: file, line: line, column: index - lineStart + 1) }

    private func error(_ message: String, at index: Int? = nil) -> LoyaltyError {
        LoyaltyError(.documentSyntax, message, at: place(at: index ?? position))
    }

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipBlanks() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0d: position += 1
            case 0x0a:
                position += 1
                line += 1
                lineStart = position
            default: return
            }
        }
    }

    private mutating func value(depth: Int) throws(LoyaltyError) -> DataNode {
        let place = place(at: position)
        guard let byte = peek() else { throw error("expected a value, found the end") }
        switch byte {
        case UInt8(ascii: "{"): return DataNode(.table(try table(depth: depth + 1)), at: place)
        case UInt8(ascii: "["): return DataNode(.array(try array(depth: depth + 1)), at: place)
        case UInt8(ascii: "\""): return DataNode(.string(try string()), at: place)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return DataNode(try number(), at: place)
        case UInt8(ascii: "t"): try word("true"); return DataNode(.boolean(true), at: place)
        case UInt8(ascii: "f"): try word("false"); return DataNode(.boolean(false), at: place)
        case UInt8(ascii: "n"): try word("null"); return DataNode(.null, at: place)
        default: throw error("expected a value")
        }
    }

    private mutating func word(_ word: StaticString) throws(LoyaltyError) {
        let length = word.utf8CodeUnitCount
        guard bytes.count - position >= length,
            bytes[position..<position + length].elementsEqual(word.description.utf8)
        else { throw error("expected a value") }
        position += length
    }

    private mutating func open(depth: Int) throws(LoyaltyError) {
        guard depth <= JSONDocument.maximumDepth else {
            throw error("nested deeper than \(JSONDocument.maximumDepth) levels")
        }
        position += 1
        skipBlanks()
    }

    /// Behind an element: true after a comma, false after the closing bracket.
    private mutating func continues(until close: UInt8, _ name: StaticString) throws(LoyaltyError) -> Bool {
        skipBlanks()
        guard let byte = peek() else { throw error("the \(name) is not closed") }
        guard byte == close || byte == UInt8(ascii: ",") else {
            throw error("expected \",\" or the end of the \(name)")
        }
        position += 1
        if byte == close { return false }
        skipBlanks()
        return true
    }

    private mutating func array(depth: Int) throws(LoyaltyError) -> [DataNode] {
        try open(depth: depth)
        var nodes: [DataNode] = []
        if peek() == UInt8(ascii: "]") {
            position += 1
            return nodes
        }
        repeat { nodes.append(try value(depth: depth)) } while try continues(until: UInt8(ascii: "]"), "array")
        return nodes
    }

    private mutating func table(depth: Int) throws(LoyaltyError) -> [DataNode.Entry] {
        try open(depth: depth)
        var entries: [DataNode.Entry] = []
        if peek() == UInt8(ascii: "}") {
            position += 1
            return entries
        }
        // Most tables are short and a scan is quicker; a set keeps long ones linear.
        var names: Set<String> = []
        repeat {
            let keyPlace = place(at: position)
            guard peek() == UInt8(ascii: "\"") else { throw error("expected a key in quotation marks") }
            let key = try string()
            if entries.count == 8 { names = Set(entries.map(\.key)) }
            let isNew = entries.count < 8 ? !entries.contains { $0.key == key } : names.insert(key).inserted
            guard isNew else {
                throw LoyaltyError(.documentSyntax, "the key \(Self.quoted(key)) stands here twice", at: keyPlace)
            }
            skipBlanks()
            guard peek() == UInt8(ascii: ":") else { throw error("expected \":\" behind the key") }
            position += 1
            skipBlanks()
            let node = try value(depth: depth)
            entries.append(DataNode.Entry(key: key, keyPlace: keyPlace, node: node))
        } while try continues(until: UInt8(ascii: "}"), "table")
        return entries
    }

    /// A key as it may appear in a message: a plain word, never digits that could be a card's.
    private static func quoted(_ key: String) -> String {
        let isWord = key.utf8.count <= 40 && key.utf8.allSatisfy { $0 == UInt8(ascii: "_") || ($0 | 0x20).isLetter }
        return isWord ? "\"\(key)\"" : "of this entry"
    }
}

extension JSONParser {
    private mutating func number() throws(LoyaltyError) -> DataNode.Value {
        let start = position
        let isNegative = peek() == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let firstDigit = position
        try digits("expected a digit")
        if bytes[firstDigit] == UInt8(ascii: "0"), position - firstDigit > 1 {
            throw error("a number has no leading zeros", at: firstDigit)
        }
        let wholeEnd = position
        if peek() == UInt8(ascii: ".") {
            position += 1
            try digits("expected a digit behind the point")
        }
        if let byte = peek(), byte | 0x20 == UInt8(ascii: "e") {
            position += 1
            if let sign = peek(), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { position += 1 }
            try digits("expected a digit in the exponent")
        }
        if position == wholeEnd, let integer = integer(firstDigit..<wholeEnd, isNegative: isNegative) {
            return .integer(integer)
        }
        return .decimal(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func digits(_ message: String) throws(LoyaltyError) {
        let start = position
        while let byte = peek(), byte.isDigit { position += 1 }
        guard position > start else { throw error(message) }
    }

    private func integer(_ range: Range<Int>, isNegative: Bool) -> Int64? {
        var number: Int64 = 0
        for byte in bytes[range] {
            let (product, high) = number.multipliedReportingOverflow(by: 10)
            let digit = Int64(byte - UInt8(ascii: "0"))
            let (sum, carry) = product.addingReportingOverflow(isNegative ? -digit : digit)
            if high || carry { return nil }
            number = sum
        }
        return number
    }

    private mutating func string() throws(LoyaltyError) -> String {
        let opening = position
        position += 1
        var start = position
        var hasEscapes = false
        scratch.removeAll(keepingCapacity: true)
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                defer { position += 1 }
                guard hasEscapes else { return String(decoding: bytes[start..<position], as: UTF8.self) }
                scratch.append(contentsOf: bytes[start..<position])
                return String(decoding: scratch, as: UTF8.self)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                scratch.append(contentsOf: bytes[start..<position])
                try escape()
                start = position
            case 0x00..<0x20: throw error("a control character in a string must be escaped")
            case 0x80...0xff: try multibyteCharacter()
            default: position += 1
            }
        }
        throw error("the string is not closed", at: opening)
    }

    /// Steps over one character of two to four bytes, by the table of well-formed sequences (Unicode 3.9, table 3-7).
    private mutating func multibyteCharacter() throws(LoyaltyError) {
        let lead = bytes[position]
        let second: ClosedRange<UInt8>
        let length: Int
        switch lead {
        case 0xc2...0xdf: (length, second) = (2, 0x80...0xbf)
        case 0xe0: (length, second) = (3, 0xa0...0xbf)
        case 0xed: (length, second) = (3, 0x80...0x9f)
        case 0xe1...0xef: (length, second) = (3, 0x80...0xbf)
        case 0xf0: (length, second) = (4, 0x90...0xbf)
        case 0xf1...0xf3: (length, second) = (4, 0x80...0xbf)
        case 0xf4: (length, second) = (4, 0x80...0x8f)
        default: throw error("this is not UTF-8")
        }
        guard bytes.count - position >= length, second.contains(bytes[position + 1]),
            bytes[(position + 2)..<(position + length)].allSatisfy({ (0x80...0xbf).contains($0) })
        else { throw error("this is not UTF-8") }
        position += length
    }

    private mutating func escape() throws(LoyaltyError) {
        let start = position
        position += 1
        guard let byte = peek() else { throw error("the string is not closed", at: start) }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scratch.append(byte)
        case UInt8(ascii: "b"): scratch.append(0x08)
        case UInt8(ascii: "f"): scratch.append(0x0c)
        case UInt8(ascii: "n"): scratch.append(0x0a)
        case UInt8(ascii: "r"): scratch.append(0x0d)
        case UInt8(ascii: "t"): scratch.append(0x09)
        case UInt8(ascii: "u"): try unicodeEscape(at: start)
        default: throw error("unknown escape", at: start)
        }
    }

    private mutating func unicodeEscape(at start: Int) throws(LoyaltyError) {
        var code = try hexadecimal(at: start)
        if (0xd800...0xdbff).contains(code) {
            guard peek() == UInt8(ascii: "\\"), position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "u")
            else { throw error("half of a surrogate pair", at: start) }
            position += 2
            let low = try hexadecimal(at: start)
            guard (0xdc00...0xdfff).contains(low) else { throw error("half of a surrogate pair", at: start) }
            code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair", at: start) }
        scratch.append(contentsOf: String(Character(scalar)).utf8)
    }

    private mutating func hexadecimal(at start: Int) throws(LoyaltyError) -> UInt32 {
        guard bytes.count - position >= 4 else { throw error("expected four hexadecimal digits", at: start) }
        var code: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = byte.hexadecimalValue else {
                throw error("expected four hexadecimal digits", at: start)
            }
            code = code << 4 | digit
        }
        position += 4
        return code
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    /// For a byte whose case bit is set.
    fileprivate var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }

    fileprivate var hexadecimalValue: UInt32? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(self - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(self - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(self - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
