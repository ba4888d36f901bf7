import LoyaltyModel

/// Finds where each key and value of a TOML document stands, in the document's order.
///
/// It reads structure only; what a value is and whether it is defined twice is for the real parser to say.
/// It never traps on any input, and bounds nesting before that parser sees the text.
struct TOMLSourceMap {
    /// Tables inside tables and arrays, dotted keys included.
    static let maximumDepth = 64

    struct Position: Equatable {
        var line: Int
        var column: Int
    }

    enum Shape: Equatable {
        case table
        case array
        /// The value as written; for strings with their quotes.
        case scalar(String)
    }

    final class Node {
        struct Entry {
            var key: String
            var keyPosition: Position
            var node: Node
        }

        let shape: Shape
        var position: Position
        private(set) var entries: [Entry] = []
        var elements: [Node] = []
        private var index: [String: Int] = [:]

        init(_ shape: Shape, at position: Position) {
            self.shape = shape
            self.position = position
        }

        subscript(key: String) -> Node? { index[key].map { entries[$0].node } }

        func append(_ key: String, at keyPosition: Position, _ node: Node) {
            index[key] = entries.count
            entries.append(Entry(key: key, keyPosition: keyPosition, node: node))
        }
    }

    private struct KeyPart {
        var text: String
        var position: Position
    }

    private let bytes: [UInt8]
    private let file: String?
    private var offset = 0
    private var line = 1
    private var lineStart = 0

    init(_ text: String, file: String?) {
        bytes = Array(text.utf8)
        self.file = file
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            offset = 3
            lineStart = 3
        }
    }

    /// - Throws: `document.syntax`.
    mutating func read() throws(LoyaltyError) -> Node {
        // A zero byte would end the text for the C parser.
        if let control = bytes.firstIndex(where: { $0 < 0x20 && ![0x09, 0x0A, 0x0D].contains($0) || $0 == 0x7F }) {
            while offset < control { advance() }
            throw failure("a control character is not allowed")
        }
        let root = Node(.table, at: position)
        var table = root
        var depth = 0
        while true {
            skipBlank()
            guard let byte = peek() else { return root }
            if byte == UInt8(ascii: "[") {
                (table, depth) = try header(root)
            } else {
                try keyValue(into: table, depth: depth)
            }
            skipSpaces()
            skipComment()
            guard peek() == nil || atNewline else { throw failure("expected the end of the line") }
        }
    }

    // MARK: Structure

    private mutating func header(_ root: Node) throws(LoyaltyError) -> (Node, depth: Int) {
        let start = position
        advance()
        let isArray = accept("[")
        let parts = try key(depth: 0)
        guard accept("]"), !isArray || accept("]") else { throw failure("expected \"]\" behind the name of the table") }
        guard let last = parts.last else { throw failure("expected a key") }
        let parent = try descend(from: root, parts.dropLast())
        if isArray {
            let element = Node(.table, at: start)
            if let array = parent[last.text] {
                array.elements.append(element)
            } else {
                let array = Node(.array, at: start)
                array.elements.append(element)
                parent.append(last.text, at: last.position, array)
            }
            return (element, parts.count + 1)
        }
        if let existing = parent[last.text] {
            existing.position = start
            return (existing, parts.count)
        }
        let table = Node(.table, at: start)
        parent.append(last.text, at: last.position, table)
        return (table, parts.count)
    }

    private mutating func keyValue(into table: Node, depth: Int) throws(LoyaltyError) {
        let parts = try key(depth: depth)
        guard accept("=") else { throw failure("expected \"=\" behind the key") }
        skipSpaces()
        guard let last = parts.last else { throw failure("expected a key") }
        let parent = try descend(from: table, parts.dropLast())
        parent.append(last.text, at: last.position, try value(depth: depth + parts.count))
    }

    private func descend(from table: Node, _ parts: ArraySlice<KeyPart>) throws(LoyaltyError) -> Node {
        var node = table
        for part in parts {
            if let next = node[part.text] {
                node = next.elements.last ?? next
            } else {
                let next = Node(.table, at: part.position)
                node.append(part.text, at: part.position, next)
                node = next
            }
            guard node.shape == .table else { throw failure("\"\(part.text)\" is not a table") }
        }
        return node
    }

    private mutating func value(depth: Int) throws(LoyaltyError) -> Node {
        guard depth < Self.maximumDepth else { throw failure("nested deeper than \(Self.maximumDepth) levels") }
        let start = position
        switch peek() {
        case UInt8(ascii: "["):
            let array = Node(.array, at: start)
            advance()
            while true {
                skipBlank()
                if accept("]") { return array }
                array.elements.append(try value(depth: depth + 1))
                skipBlank()
                if !accept(","), peek() != UInt8(ascii: "]") { throw failure("expected \",\" or \"]\" in the array") }
            }
        case UInt8(ascii: "{"):
            let table = Node(.table, at: start)
            advance()
            skipSpaces()
            if accept("}") { return table }
            while true {
                skipSpaces()
                try keyValue(into: table, depth: depth + 1)
                skipSpaces()
                if accept("}") { return table }
                guard accept(",") else { throw failure("expected \",\" or \"}\" in the inline table") }
            }
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return Node(.scalar(try string()), at: start)
        default: return Node(.scalar(try bareValue()), at: start)
        }
    }

    // MARK: Keys and scalars

    private mutating func key(depth: Int) throws(LoyaltyError) -> [KeyPart] {
        var parts: [KeyPart] = []
        repeat {
            skipSpaces()
            let start = position
            switch peek() {
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                parts.append(KeyPart(text: try unescaped(string()), position: start))
            default:
                let from = offset
                while let byte = peek(), Self.isBareKey(byte) { advance() }
                guard offset > from else {
                    throw failure("expected a key: letters, digits, \"-\" and \"_\", or text in quotes")
                }
                parts.append(KeyPart(text: String(decoding: bytes[from..<offset], as: UTF8.self), position: start))
            }
            guard depth + parts.count < Self.maximumDepth else {
                throw failure("nested deeper than \(Self.maximumDepth) levels")
            }
            skipSpaces()
        } while accept(".")
        return parts
    }

    private mutating func bareValue() throws(LoyaltyError) -> String {
        let from = offset
        while let byte = peek(), Self.isBareValue(byte) { advance() }
        // A date and a time may be parted by one space (RFC 3339, section 5.6).
        if offset - from == 10, peek() == UInt8(ascii: " "), Self.isDigit(peek(1)), Self.isDigit(peek(2)),
            peek(3) == UInt8(ascii: ":")
        {
            advance()
            while let byte = peek(), Self.isBareValue(byte) { advance() }
        }
        guard offset > from else { throw failure("expected a value") }
        // toml++ asserts that a digit stands behind the `T` of a date-time.
        if offset - from > 10, Self.isDigit(bytes[from]), bytes[from + 4] == UInt8(ascii: "-"),
            bytes[from + 10] == UInt8(ascii: "T") || bytes[from + 10] == UInt8(ascii: "t"),
            !(offset - from > 11 && Self.isDigit(bytes[from + 11]))
        {
            throw failure("expected a time behind the day")
        }
        return String(decoding: bytes[from..<offset], as: UTF8.self)
    }

    /// Passes over a string of any of the four kinds; the text has its quotes.
    private mutating func string() throws(LoyaltyError) -> String {
        let from = offset
        guard let quote = peek() else { throw failure("expected a string") }
        let isLong = peek(1) == quote && peek(2) == quote
        for _ in 0..<(isLong ? 3 : 1) { advance() }
        while let byte = peek() {
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                try escape()
            } else if byte == quote {
                advance()
                guard isLong else { return String(decoding: bytes[from..<offset], as: UTF8.self) }
                guard peek() == quote, peek(1) == quote else { continue }
                advance()
                advance()
                // Up to two quotes may stand before the three that close the string.
                for _ in 0..<2 where peek() == quote { advance() }
                return String(decoding: bytes[from..<offset], as: UTF8.self)
            } else {
                if !isLong, atNewline { throw failure("the string is not closed on its line") }
                advance()
            }
        }
        throw failure("the string is not closed")
    }

    private mutating func escape() throws(LoyaltyError) {
        let start = offset
        advance()
        guard let letter = peek() else { throw failure("the string is not closed") }
        let digits = letter == UInt8(ascii: "u") ? 4 : letter == UInt8(ascii: "U") ? 8 : 0
        let end = min(start + 2 + digits, bytes.count)
        if digits > 0, bytes[(start + 2)..<end].allSatisfy({ $0 == UInt8(ascii: "0") }) {
            // The C strings of the parser would end here.
            throw failure("the character U+0000 is not allowed")
        }
        advance()
    }

    private func unescaped(_ quoted: String) throws(LoyaltyError) -> String {
        let body = quoted.unicodeScalars.dropFirst().dropLast()
        guard quoted.hasPrefix("\"") else { return String(body) }
        guard !quoted.hasPrefix("\"\"\"") || quoted == "\"\"" else { throw failure("a key stands on one line") }
        var text = String.UnicodeScalarView()
        var rest = body[...]
        while let scalar = rest.popFirst() {
            guard scalar == "\\" else {
                text.append(scalar)
                continue
            }
            switch rest.popFirst() {
            case "b": text.append("\u{8}")
            case "t": text.append("\t")
            case "n": text.append("\n")
            case "f": text.append("\u{C}")
            case "r": text.append("\r")
            case "\"": text.append("\"")
            case "\\": text.append("\\")
            case "u": text.append(try codePoint(&rest, digits: 4))
            case "U": text.append(try codePoint(&rest, digits: 8))
            default: throw failure("unknown escape in a key")
            }
        }
        return String(text)
    }

    private func codePoint(
        _ rest: inout Substring.UnicodeScalarView,
        digits: Int
    ) throws(LoyaltyError) -> Unicode.Scalar {
        let hex = rest.prefix(digits)
        rest = rest.dropFirst(digits)
        guard hex.count == digits, let code = UInt32(String(hex), radix: 16), let scalar = Unicode.Scalar(code) else {
            throw failure("unknown escape in a key")
        }
        return scalar
    }

    // MARK: Bytes

    private var position: Position { Position(line: line, column: offset - lineStart + 1) }

    private func peek(_ ahead: Int = 0) -> UInt8? {
        offset + ahead < bytes.count ? bytes[offset + ahead] : nil
    }

    private var atNewline: Bool {
        peek() == UInt8(ascii: "\n") || (peek() == UInt8(ascii: "\r") && peek(1) == UInt8(ascii: "\n"))
    }

    private mutating func advance() {
        guard offset < bytes.count else { return }
        offset += 1
        if bytes[offset - 1] == UInt8(ascii: "\n") {
            line += 1
            lineStart = offset
        }
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        guard let byte = peek(), UInt32(byte) == character.value else { return false }
        advance()
        return true
    }

    private mutating func skipSpaces() {
        while peek() == UInt8(ascii: " ") || peek() == UInt8(ascii: "\t") { advance() }
    }

    private mutating func skipComment() {
        guard peek() == UInt8(ascii: "#") else { return }
        while peek() != nil, !atNewline { advance() }
    }

    /// Spaces, newlines and comments.
    private mutating func skipBlank() {
        while true {
            skipSpaces()
            skipComment()
            guard atNewline else { return }
            if peek() == UInt8(ascii: "\r") { advance() }
            advance()
        }
    }

    private func failure(_ message: String) -> LoyaltyError {
        LoyaltyError(
            .documentSyntax,
            message,
            at: Place(file: file, line: position.line, column: position.column)
        )
    }

    private static func isDigit(_ byte: UInt8?) -> Bool {
        byte.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
    }

    private static func isBareKey(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func isBareValue(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "#"), UInt8(ascii: " "),
            UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"):
            false
        default: true
        }
    }
}
