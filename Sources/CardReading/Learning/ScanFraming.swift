/// What a reader that sends characters puts around every code.
struct ScanFraming: Sendable, Hashable {
    var prefix: [UInt8] = []
    var suffix: [UInt8] = []
    var terminator = ScanTerminator.none

    /// What all texts have in common around their contents: control characters, and printable ones that stand around the number
    /// of the product.
    init(of texts: [[UInt8]], product: [UInt8]?) {
        let heads = texts.map { $0.prefix(while: Self.isControl) }
        let tails = texts.map { $0.reversed().prefix(while: Self.isControl) }
        prefix = Self.commonPrefix(heads.map(Array.init))
        let tail = Array(Self.commonPrefix(tails.map(Array.init)).reversed())
        let end = tail.firstIndex { Self.terminators[$0] != nil } ?? tail.endIndex
        suffix = Array(tail[..<end])
        if end < tail.endIndex {
            terminator = Self.terminators[tail[end]] ?? .none
            if tail[end...].starts(with: [0x0d, 0x0a]) { terminator = .crlf }
            // What is not swallowed behind a terminator would begin the next scan.
            if !tail[(end + 1)...].allSatisfy({ $0 == 0x0d || $0 == 0x0a }) {
                terminator = .none
                suffix = tail
            }
        }
        guard let product else { return }
        addPrintable(texts: texts, product: inner(product))
    }

    private static let terminators: [UInt8: ScanTerminator] = [0x0d: .cr, 0x0a: .lf, 0x09: .tab]
    /// Readers add single letters and signs, no words.
    private static let longestPrintable = 3

    /// GS is data: GS1 codes begin with it.
    private static func isControl(_ byte: UInt8) -> Bool {
        (byte < 0x20 && byte != GS1Message.separator) || byte == 0x7f
    }

    private static func commonPrefix(_ lists: [[UInt8]]) -> [UInt8] { lists.commonPrefix() }

    private mutating func addPrintable(texts: [[UInt8]], product: [UInt8]) {
        guard let (head, tail) = Self.around(product) else { return }
        let contents = texts.map(inner)
        if !head.isEmpty, AIMIdentifier(head.suffix(3)) == nil, contents.allSatisfy({ $0.starts(with: head) }) {
            prefix += head
        }
        if !tail.isEmpty, contents.allSatisfy({ $0.suffix(tail.count).elementsEqual(tail) }) { suffix = tail + suffix }
    }

    /// What stands in front of and behind an article number; nil where there is none.
    static func around(_ text: [UInt8]) -> (head: [UInt8], tail: [UInt8])? {
        // An identifier ends with a digit, which would be taken for the number's.
        let aim = (0...1).first { AIMIdentifier(text.dropFirst($0).prefix(3))?.symbology != nil }
        for head in aim.map({ [$0 + 3] }) ?? Array(0...longestPrintable) {
            for tail in 0...longestPrintable where head + tail < text.count {
                let number = text[head..<(text.count - tail)]
                let isWhole =
                    number.allSatisfy(\.isASCIIDigit) && (tail == 0 || !text[text.count - tail].isASCIIDigit)
                    && (aim != nil || head == 0 || !text[head - 1].isASCIIDigit)
                guard isWhole, ArticleNumber.isProduct(Array(number)) else { continue }
                return (Array(text[..<head]), Array(text[(text.count - tail)...]))
            }
        }
        return nil
    }

    /// The text without prefix, suffix and terminator.
    func inner(_ text: [UInt8]) -> [UInt8] {
        var rest = text[...]
        if rest.starts(with: prefix) { rest = rest.dropFirst(prefix.count) }
        if terminator != .none { while let last = rest.last, Self.terminators[last] != nil { rest = rest.dropLast() } }
        if rest.suffix(suffix.count).elementsEqual(suffix) { rest = rest.dropLast(suffix.count) }
        return Array(rest)
    }
}

extension ArticleNumber {
    /// Whether the digits are what the reader makes of the code of a product, UPC-E in its short forms included.
    static func isProduct(_ digits: [UInt8]) -> Bool {
        isPlausible(digits) || (digits.count == 8 && expandedUPCE(digits) != nil)
    }
}

extension [[UInt8]] {
    /// With what all of them begin.
    func commonPrefix() -> [UInt8] {
        guard var common = first else { return [] }
        for list in dropFirst() {
            common = zip(common, list).prefix { $0 == $1 }.map(\.0)
        }
        return common
    }
}
