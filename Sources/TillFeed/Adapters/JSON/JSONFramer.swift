import DataFormats
import LoyaltyModel

/// Cuts a stream into JSON objects, written one to a line or over many, by their outermost braces. Arrays around the objects, and
/// commas between them, are passed over.
///
/// Never holds more than the limit, whatever comes.
struct JSONFramer {
    struct Frame {
        var bytes: [UInt8]
        /// Of the bytes, also where they are too many.
        var content: Int
        /// Lines in front of it.
        var line: Int
        /// Bytes in front of it on its line.
        var column: Int
        var isOverlong = false
        /// What stands between objects and is none.
        var isStray = false
    }

    private let limit: Int
    private var partial: [UInt8] = []
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    private var isOverlong = false
    private var isStray = false
    private var line = 0
    private var column = 0
    private var start = (line: 0, column: 0)

    init(limit: Int) { self.limit = limit }

    mutating func append(_ bytes: some Collection<UInt8>) -> [Frame] {
        var frames: [Frame] = []
        for byte in bytes {
            if let frame = take(byte) { frames.append(frame) }
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 0
            } else {
                column += 1
            }
        }
        return frames
    }

    /// An object that is open at the end.
    mutating func finish() -> Frame? { depth > 0 || isStray ? frame() : nil }

    private mutating func take(_ byte: UInt8) -> Frame? {
        if depth == 0 { return begin(byte) }
        keep(byte)
        if isInString {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
            return nil
        }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: "}"):
            depth -= 1
            if depth == 0 { return frame() }
        default: break
        }
        return nil
    }

    /// Between objects.
    private mutating func begin(_ byte: UInt8) -> Frame? {
        switch byte {
        case UInt8(ascii: "{"):
            let stray = isStray ? frame() : nil
            start = (line, column)
            depth = 1
            keep(byte)
            return stray
        case UInt8(ascii: "\n"): return isStray ? frame() : nil
        // 0xef, 0xbb and 0xbf are a byte order mark.
        case 0x20, 0x09, 0x0d, 0xef, 0xbb, 0xbf, UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ","): return nil
        default:
            if !isStray { start = (line, column) }
            isStray = true
            return nil
        }
    }

    private mutating func keep(_ byte: UInt8) {
        if partial.count < limit { partial.append(byte) } else { isOverlong = true }
    }

    private mutating func frame() -> Frame {
        defer {
            partial = []
            depth = 0
            isInString = false
            isEscaped = false
            isOverlong = false
            isStray = false
        }
        return Frame(
            bytes: isOverlong ? [] : partial, content: partial.hashValue, line: start.line, column: start.column,
            isOverlong: isOverlong,
            isStray: isStray)
    }
}

/// JSON documents out of a stream, each given to an adapter as a tree.
struct JSONDocumentReader: TillDocumentReader {
    private let conversion: NativeConversion
    private let convert: @Sendable (JSONObject, NativeConversion) throws(LoyaltyError) -> [ConvertedDocument]
    private var framer = JSONFramer(limit: TillEventDecoder.maximumLineLength)

    init(
        _ conversion: NativeConversion,
        _ convert: @escaping @Sendable (JSONObject, NativeConversion) throws(LoyaltyError) -> [ConvertedDocument]
    ) {
        self.conversion = conversion
        self.convert = convert
    }

    mutating func append(_ bytes: [UInt8]) -> [ConvertedDocument] { framer.append(bytes).flatMap(named) }

    mutating func finish() -> [ConvertedDocument] { framer.finish().map(named) ?? [] }

    private func named(_ frame: JSONFramer.Frame) -> [ConvertedDocument] {
        documents(frame).map { $0.of(frame.content) }
    }

    private func documents(_ frame: JSONFramer.Frame) -> [ConvertedDocument] {
        let place = Place(line: frame.line + 1, column: frame.column + 1)
        if frame.isStray {
            let error = LoyaltyError(.adapterSyntax, "expected an object", at: place)
            return [conversion.problem(error, at: place, of: .noSale)]
        }
        do throws(LoyaltyError) {
            if frame.isOverlong {
                throw LoyaltyError(
                    .adapterTooLarge, "the document has more than \(TillEventDecoder.maximumLineLength) bytes",
                    at: place)
            }
            return try convert(JSONObject(parse(frame)), conversion)
        } catch { return [conversion.problem(error, at: place)] }
    }

    private func parse(_ frame: JSONFramer.Frame) throws(LoyaltyError) -> DataNode {
        // So that every place is one of the whole stream, as far as it was on this line.
        let padding = [UInt8](repeating: 0x20, count: min(frame.column, 4096))
        do { return Self.moved(try JSONDocument.parse(padding + frame.bytes), by: frame.line) } catch {
            var place = error.place
            place?.line = (error.place?.line ?? 1) + frame.line
            throw LoyaltyError(.adapterSyntax, error.message, at: place, remedy: error.remedy)
        }
    }

    private static func moved(_ node: DataNode, by lines: Int) -> DataNode {
        guard lines > 0 else { return node }
        var node = node
        node.place.line = (node.place.line ?? 1) + lines
        switch node.value {
        case .array(let nodes): node.value = .array(nodes.map { moved($0, by: lines) })
        case .table(var entries):
            for index in entries.indices { entries[index].node = moved(entries[index].node, by: lines) }
            node.value = .table(entries)
        default: break
        }
        return node
    }
}
