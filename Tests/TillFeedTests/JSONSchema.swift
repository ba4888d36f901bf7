import DataFormats
import LoyaltyModel

/// As much of JSON Schema 2020-12 as docs/till-protocol.schema.json uses; a keyword that is not known here is a failure.
struct JSONSchema {
    private let root: DataNode

    init(_ root: DataNode) { self.root = root }

    /// What is wrong with a document, empty where it is valid.
    func problems(_ node: DataNode) throws -> [String] { try problems(node, root, "") }

    /// The names of all properties, wherever they stand.
    var propertyNames: Set<String> { Self.names(root) }

    private static func names(_ node: DataNode) -> Set<String> {
        switch node.value {
        case .table(let entries):
            entries.reduce(into: []) { names, entry in
                if entry.key == "properties", case .table(let properties) = entry.node.value {
                    names.formUnion(properties.map(\.key))
                }
                names.formUnion(Self.names(entry.node))
            }
        case .array(let nodes): nodes.reduce(into: []) { $0.formUnion(names($1)) }
        default: []
        }
    }

    private struct Unknown: Error { var keyword: String }

    private func problems(_ node: DataNode, _ schema: DataNode, _ path: String) throws -> [String] {
        guard case .table(let keywords) = schema.value else { throw Unknown(keyword: path) }
        var problems: [String] = []
        for keyword in keywords {
            problems += try check(node, keyword, keywords, path).map { "\(path): \($0)" }
        }
        return problems
    }

    private func check(
        _ node: DataNode, _ keyword: DataNode.Entry, _ all: [DataNode.Entry], _ path: String
    ) throws -> [String] {
        switch (keyword.key, keyword.node.value) {
        case ("$schema", _), ("$id", _), ("title", _), ("description", _), ("default", _), ("$defs", _), ("then", _):
            return []
        case ("type", .string(let type)): return Self.isOf(type, node) ? [] : ["is no \(type)"]
        case ("type", .array(let types)):
            return types.contains { Self.isOf(Self.text($0), node) } ? [] : ["is none of the types"]
        case ("const", let value): return node.value == value ? [] : ["is another value"]
        case ("enum", .array(let values)):
            return values.contains { $0.value == node.value } ? [] : ["is none of the words"]
        case ("required", .array(let keys)):
            guard case .table(let entries) = node.value else { return [] }
            return keys.map(Self.text).filter { key in !entries.contains { $0.key == key } }.map { "\($0) is missing" }
        case ("properties", .table(let properties)):
            guard case .table(let entries) = node.value else { return [] }
            return try entries.flatMap { entry in
                guard let schema = properties.first(where: { $0.key == entry.key })?.node else { return [String]() }
                return try problems(entry.node, schema, "\(path).\(entry.key)")
            }
        case ("items", _):
            guard case .array(let items) = node.value else { return [] }
            return try items.flatMap { try problems($0, keyword.node, "\(path)[]") }
        case ("maxItems", .integer(let limit)):
            guard case .array(let items) = node.value else { return [] }
            return items.count <= limit ? [] : ["has too many items"]
        case ("minLength", .integer(let limit)):
            guard case .string(let text) = node.value else { return [] }
            return text.unicodeScalars.count >= limit ? [] : ["is too short"]
        case ("maxLength", .integer(let limit)):
            guard case .string(let text) = node.value else { return [] }
            return text.unicodeScalars.count <= limit ? [] : ["is too long"]
        case ("minimum", .integer(let limit)):
            guard case .integer(let number) = node.value else { return [] }
            return number >= limit ? [] : ["is too small"]
        // Beyond 64 bits with sign: no number that the reader takes for one exceeds it.
        case ("maximum", .decimal): return []
        case ("pattern", .string(let pattern)):
            guard case .string(let text) = node.value else { return [] }
            return try Regex(pattern).firstMatch(in: text) != nil ? [] : ["does not fit the pattern"]
        case ("$ref", .string(let reference)): return try problems(node, definition(reference), path)
        case ("allOf", .array(let schemas)): return try schemas.flatMap { try problems(node, $0, path) }
        case ("anyOf", .array(let schemas)):
            return try schemas.contains { try problems(node, $0, path).isEmpty }
                ? [] : ["fits none of the alternatives"]
        case ("if", _):
            guard try problems(node, keyword.node, path).isEmpty, let then = all.first(where: { $0.key == "then" })
            else { return [] }
            return try problems(node, then.node, path)
        default: throw Unknown(keyword: keyword.key)
        }
    }

    private func definition(_ reference: String) throws -> DataNode {
        var node = root
        for key in reference.split(separator: "/").dropFirst() {
            guard case .table(let entries) = node.value, let next = entries.first(where: { $0.key == key }) else {
                throw Unknown(keyword: reference)
            }
            node = next.node
        }
        return node
    }

    private static func text(_ node: DataNode) -> String {
        if case .string(let text) = node.value { return text }
        return ""
    }

    private static func isOf(_ type: String, _ node: DataNode) -> Bool {
        switch (type, node.value) {
        case ("object", .table), ("array", .array), ("string", .string), ("integer", .integer), ("boolean", .boolean),
            ("null", .null):
            true
        // A whole number beyond 64 bits with sign.
        case ("integer", .decimal(let text)): text.allSatisfy(\.isNumber)
        default: false
        }
    }
}
