public import LoyaltyModel
import TOMLKit

/// TOML 1.0 documents (https://toml.io/en/v1.0.0): program files and settings.
///
/// `TOMLSourceMap` reads the structure first: it knows where things stand and in which order (TOMLKit sorts keys and
/// forgets positions), and it refuses what toml++ 3.4 would not survive: a header that begins with no key (`[[[`, `[é]`)
/// and a date-time without digits behind its `T` fail an assertion there, and long dotted keys recurse without bound.
/// TOMLKit then decides everything else: what is a value, what is defined twice.
public enum TOMLDocument {
    /// Reads a document. Keys keep the document's order; a float stays the text that was written.
    ///
    /// - Parameter file: the name that errors show.
    /// - Throws: `document.syntax` with line and column; `document.bad_value` for a date-time without offset and for a
    ///   time of day with a fraction of a second.
    public static func parse(_ text: String, file: String?) throws(LoyaltyError) -> DataNode {
        var map = TOMLSourceMap(text, file: file)
        let root = try map.read()
        return try Converter(file: file).tree(of: root, in: table(text, file: file))
    }

    private static func table(_ text: String, file: String?) throws(LoyaltyError) -> TOMLTable {
        do { return try TOMLTable(string: text) } catch let error as TOMLParseError {
            let begin = error.source.begin
            let column = byteColumn(of: begin.column, line: begin.line, in: text)
            throw LoyaltyError(
                .documentSyntax,
                error.description,
                at: Place(file: file, line: begin.line, column: column)
            )
        } catch {
            throw LoyaltyError(.documentSyntax, "this is not a TOML document", at: Place(file: file))
        }
    }

    /// toml++ counts columns in code points, a `Place` in bytes.
    private static func byteColumn(of column: Int, line: Int, in text: String) -> Int {
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), maxSplits: line, omittingEmptySubsequences: false)
        guard line >= 1, line <= lines.count else { return max(column, 1) }
        let scalars = Substring(lines[line - 1]).unicodeScalars
        let before = scalars.prefix(max(column - 1, 0))
        let beyond = max(column - 1, 0) - before.count
        return before.reduce(1 + beyond) { $0 + UTF8.width($1) }
    }
}

/// Joins the values of TOMLKit with the places of the map.
private struct Converter {
    let file: String?

    func tree(of node: TOMLSourceMap.Node, in table: TOMLTable) throws(LoyaltyError) -> DataNode {
        var entries: [DataNode.Entry] = []
        entries.reserveCapacity(node.entries.count)
        for entry in node.entries {
            guard let value = table[entry.key] else { throw disagreement(at: entry.node) }
            entries.append(
                DataNode.Entry(
                    key: entry.key,
                    keyPlace: place(entry.keyPosition),
                    node: try tree(of: entry.node, value)
                )
            )
        }
        return DataNode(.table(entries), at: place(node.position))
    }

    private func tree(
        of node: TOMLSourceMap.Node,
        _ value: any TOMLValueConvertible
    ) throws(LoyaltyError) -> DataNode {
        switch node.shape {
        case .table:
            guard let table = value.table else { throw disagreement(at: node) }
            return try tree(of: node, in: table)
        case .array:
            guard let array = value.array, array.count == node.elements.count else { throw disagreement(at: node) }
            var elements: [DataNode] = []
            for (index, element) in node.elements.enumerated() {
                elements.append(try tree(of: element, array[index]))
            }
            return DataNode(.array(elements), at: place(node.position))
        case .scalar(let text):
            return DataNode(try scalar(value, text, at: node), at: place(node.position))
        }
    }

    private func scalar(
        _ value: any TOMLValueConvertible,
        _ text: String,
        at node: TOMLSourceMap.Node
    ) throws(LoyaltyError) -> DataNode.Value {
        switch value.type {
        case .string: if let string = value.string { return .string(string) }
        case .bool: if let flag = value.bool { return .boolean(flag) }
        case .int: if let number = value.int { return .integer(Int64(number)) }
        case .double: return .decimal(text)
        case .date: return try read(text, at: node) { text throws(LoyaltyError) in .date(try CalendarDate(text)) }
        case .time:
            if let time = value.time, time.nanoSecond == 0 {
                return .timeOfDay(
                    TimeOfDay(secondsSinceMidnight: time.hour * 3600 + time.minute * 60 + time.second)
                )
            }
            throw LoyaltyError(.documentBadValue, "a time of day has whole seconds", at: place(node.position))
        case .dateTime:
            guard value.dateTime?.offset != nil else {
                throw LoyaltyError(
                    .documentBadValue,
                    "a date with a time needs its offset from UTC",
                    at: place(node.position),
                    remedy: "Write \(text)Z or for example \(text)+01:00"
                )
            }
            return try read(text, at: node) { text throws(LoyaltyError) in .timestamp(try Timestamp(text)) }
        case .table, .array: break
        }
        throw disagreement(at: node)
    }

    private func read(
        _ text: String,
        at node: TOMLSourceMap.Node,
        _ parse: (String) throws(LoyaltyError) -> DataNode.Value
    ) throws(LoyaltyError) -> DataNode.Value {
        do { return try parse(text) } catch {
            throw LoyaltyError(error.code, error.message, at: place(node.position))
        }
    }

    private func disagreement(at node: TOMLSourceMap.Node) -> LoyaltyError {
        LoyaltyError(.documentSyntax, "this part of the document cannot be read", at: place(node.position))
    }

    private func place(_ position: TOMLSourceMap.Position) -> Place {
        Place(file: file, line: position.line, column: position.column)
    }
}
