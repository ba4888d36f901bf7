public import LoyaltyModel

/// Takes the keys of a table one by one, with their types checked; `finish()` then names the key that nobody asked for.
///
/// Every error carries the place and the path. All methods throw `document.missing_key` or `document.bad_value`.
public struct TableReader {
    public let place: Place
    private let path: String
    private let entries: [DataNode.Entry]
    private var taken: Set<String> = []
    private var known: [String] = []

    /// - Throws: `document.bad_value` where the node is not a table.
    public init(_ node: DataNode, path: String = "") throws(LoyaltyError) {
        guard case .table(let entries) = node.value else {
            throw LoyaltyError(
                .documentBadValue,
                "expected a table, found \(node.kind)",
                at: node.place.with(path: path)
            )
        }
        self.entries = entries
        self.path = path
        place = node.place.with(path: path)
    }

    public var keys: [String] { entries.map(\.key) }

    /// The node of a key, taken; nil where it is absent or null.
    public mutating func node(_ key: String) -> DataNode? {
        known.append(key)
        guard let entry = entries.first(where: { $0.key == key }) else { return nil }
        taken.insert(key)
        return entry.node.value == .null ? nil : entry.node
    }

    public mutating func required(_ key: String) throws(LoyaltyError) -> DataNode {
        guard let node = node(key) else {
            throw LoyaltyError(.documentMissingKey, "\"\(key)\" is missing", at: place)
        }
        return node
    }

    public mutating func string(_ key: String, length: ClosedRange<Int> = 0...65_536) throws(LoyaltyError) -> String? {
        guard let node = node(key) else { return nil }
        return try text(of: node, key, length)
    }

    public mutating func requiredString(
        _ key: String,
        length: ClosedRange<Int> = 1...65_536
    ) throws(LoyaltyError) -> String { try text(of: required(key), key, length) }

    public mutating func boolean(_ key: String) throws(LoyaltyError) -> Bool? {
        guard let node = node(key) else { return nil }
        guard case .boolean(let flag) = node.value else { throw wrong(node, key, "true or false") }
        return flag
    }

    public mutating func integer(_ key: String, _ range: ClosedRange<Int64>) throws(LoyaltyError) -> Int64? {
        guard let node = node(key) else { return nil }
        guard case .integer(let number) = node.value, range.contains(number) else {
            throw wrong(node, key, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A decimal written as a string, or an integer. A bare number with decimals is refused: it would invite floating point.
    public mutating func decimal(_ key: String) throws(LoyaltyError) -> DecimalNumber? {
        guard let node = node(key) else { return nil }
        return try Self.decimal(node, at: place(of: node, key))
    }

    public mutating func requiredDecimal(_ key: String) throws(LoyaltyError) -> DecimalNumber {
        let node = try required(key)
        return try Self.decimal(node, at: place(of: node, key))
    }

    /// A string out of a closed vocabulary.
    public mutating func word<Word: RawRepresentable & CaseIterable>(
        _ key: String,
        as type: Word.Type = Word.self
    ) throws(LoyaltyError) -> Word? where Word.RawValue == String {
        guard let node = node(key) else { return nil }
        guard case .string(let text) = node.value, let word = Word(rawValue: text) else {
            throw wrong(node, key, "one of " + Word.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", "))
        }
        return word
    }

    public mutating func requiredWord<Word: RawRepresentable & CaseIterable>(
        _ key: String,
        as type: Word.Type = Word.self
    ) throws(LoyaltyError) -> Word where Word.RawValue == String {
        guard let word = try word(key, as: type) else {
            throw LoyaltyError(.documentMissingKey, "\"\(key)\" is missing", at: place)
        }
        return word
    }

    /// Reads a string through one of the model's own parsers, such as `Timestamp.init`.
    public mutating func parsed<Value>(
        _ key: String,
        _ parse: (String) throws(LoyaltyError) -> Value
    ) throws(LoyaltyError) -> Value? {
        guard let node = node(key) else { return nil }
        let text = try text(of: node, key, 0...65_536)
        do { return try parse(text) } catch {
            throw LoyaltyError(error.code, error.message, at: place(of: node, key), remedy: error.remedy)
        }
    }

    public mutating func strings(_ key: String) throws(LoyaltyError) -> [String]? {
        guard let nodes = try array(key) else { return nil }
        var strings: [String] = []
        for (index, node) in nodes.enumerated() {
            strings.append(try text(of: node, "\(key)[\(index)]", 0...65_536))
        }
        return strings
    }

    /// Strings out of a closed vocabulary.
    public mutating func words<Word: RawRepresentable & CaseIterable & Hashable>(
        _ key: String,
        as type: Word.Type = Word.self
    ) throws(LoyaltyError) -> Set<Word>? where Word.RawValue == String {
        guard let nodes = try array(key) else { return nil }
        var words: Set<Word> = []
        for (index, node) in nodes.enumerated() {
            guard case .string(let text) = node.value, let word = Word(rawValue: text) else {
                let known = Word.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
                throw wrong(node, "\(key)[\(index)]", "one of \(known)")
            }
            words.insert(word)
        }
        return words
    }

    /// Where the key's value stands; the table's place where there is none.
    public func place(of key: String) -> Place {
        entries.first { $0.key == key }.map { place(of: $0.node, key) } ?? place
    }

    public mutating func array(_ key: String) throws(LoyaltyError) -> [DataNode]? {
        guard let node = node(key) else { return nil }
        guard case .array(let nodes) = node.value else { throw wrong(node, key, "an array") }
        return nodes
    }

    /// Readers for each table of an array of tables; empty where the key is absent.
    public mutating func tables(_ key: String) throws(LoyaltyError) -> [TableReader] {
        var readers: [TableReader] = []
        for (index, node) in (try array(key) ?? []).enumerated() {
            readers.append(try TableReader(node, path: path(to: "\(key)[\(index)]")))
        }
        return readers
    }

    public mutating func table(_ key: String) throws(LoyaltyError) -> TableReader? {
        guard let node = node(key) else { return nil }
        return try TableReader(node, path: path(to: key))
    }

    public mutating func requiredTable(_ key: String) throws(LoyaltyError) -> TableReader {
        try TableReader(required(key), path: path(to: key))
    }

    /// - Throws: `document.unknown_key` for the first key that was never asked for, with the nearest known name.
    public func finish() throws(LoyaltyError) {
        guard let stray = entries.first(where: { !taken.contains($0.key) }) else { return }
        let nearest = known.map { (name: $0, distance: editDistance($0, stray.key)) }.min { $0.distance < $1.distance }
        var remedy: String?
        if let nearest, nearest.distance <= max(2, stray.key.count / 3) {
            remedy = "Did you mean \"\(nearest.name)\"?"
        } else if !known.isEmpty {
            remedy = "Known keys: " + known.sorted().joined(separator: ", ")
        }
        throw LoyaltyError(
            .documentUnknownKey,
            "unknown key \"\(stray.key)\"",
            at: stray.keyPlace.with(path: path(to: stray.key)),
            remedy: remedy
        )
    }

    /// An error about a value that has the right type but the wrong content.
    public func error(_ key: String, _ message: String, remedy: String? = nil) -> LoyaltyError {
        LoyaltyError(.documentBadValue, message, at: place(of: key), remedy: remedy)
    }

    public func path(to key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    private func place(of node: DataNode, _ key: String) -> Place { node.place.with(path: path(to: key)) }

    private func text(of node: DataNode, _ key: String, _ length: ClosedRange<Int>) throws(LoyaltyError) -> String {
        guard case .string(let text) = node.value else { throw wrong(node, key, "a string") }
        guard length.contains(text.utf8.count) else {
            throw wrong(node, key, "\(length.lowerBound) to \(length.upperBound) bytes of text")
        }
        return text
    }

    private static func decimal(_ node: DataNode, at place: Place) throws(LoyaltyError) -> DecimalNumber {
        switch node.value {
        case .integer(let number): return DecimalNumber(number)
        case .string(let text):
            do { return try DecimalNumber(text) } catch {
                throw LoyaltyError(error.code, error.message, at: place)
            }
        case .decimal(let text):
            throw LoyaltyError(
                .documentBadValue,
                "a number with decimals must be a string",
                at: place,
                remedy: "Write \"\(text)\""
            )
        default:
            throw LoyaltyError(
                .documentBadValue,
                "expected a decimal such as \"12.34\", found \(node.kind)",
                at: place
            )
        }
    }

    private func wrong(_ node: DataNode, _ key: String, _ wanted: String) -> LoyaltyError {
        LoyaltyError(.documentBadValue, "expected \(wanted), found \(node.kind)", at: place(of: node, key))
    }
}

extension Place {
    /// The same position, with a path of keys.
    public func with(path: String) -> Place { Place(file: file, line: line, column: column, path: path) }
}
