import DataFormats
import LoyaltyModel

/// One object of a till's JSON: only what is asked for is looked at, and errors name the path and the place.
struct JSONObject {
    let node: DataNode
    let path: String
    private let entries: [DataNode.Entry]

    /// - Throws: `adapter.bad_value` where the node is no object.
    init(_ node: DataNode, path: String = "") throws(LoyaltyError) {
        guard case .table(let entries) = node.value else {
            throw LoyaltyError(
                .adapterBadValue, "expected an object, found \(node.kind)", at: node.place.with(path: path))
        }
        self.node = node
        self.path = path
        self.entries = entries
    }

    var place: Place { node.place.with(path: path) }

    /// Nil where the key is absent or null.
    func value(_ key: String) -> DataNode? {
        guard let entry = entries.first(where: { $0.key == key }), entry.node.value != .null else { return nil }
        return entry.node
    }

    func path(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    func place(_ key: String) -> Place { (value(key)?.place ?? node.place).with(path: path(key)) }

    func error(_ key: String, _ message: String, code: LoyaltyError.Code = .adapterBadValue) -> LoyaltyError {
        LoyaltyError(code, message, at: place(key))
    }

    func missing(_ key: String) -> LoyaltyError {
        LoyaltyError(.adapterMissing, "\"\(key)\" is missing", at: place)
    }

    /// The first of these texts that there is. - Throws: `adapter.bad_value`.
    func text(anyOf keys: String...) throws(LoyaltyError) -> String? {
        for key in keys { if let text = try text(key) { return text } }
        return nil
    }

    /// The first of these objects that there is. - Throws: `adapter.bad_value`.
    func object(anyOf keys: String...) throws(LoyaltyError) -> JSONObject? {
        for key in keys { if let object = try object(key) { return object } }
        return nil
    }

    /// The first of these times that there is. - Throws: `time.syntax`.
    func time(anyOf keys: String..., settings: AdapterSettings) throws(LoyaltyError) -> Timestamp? {
        for key in keys { if let found = try time(key, settings) { return found.time } }
        return nil
    }

    /// A text, or a whole number as text; nil where it is empty. - Throws: `adapter.bad_value`.
    func text(_ key: String) throws(LoyaltyError) -> String? {
        guard let value = value(key) else { return nil }
        switch value.value {
        case .string(let text): return text.isEmpty ? nil : text
        case .integer(let number): return String(number)
        // Odoo writes false where there is nothing.
        case .boolean(false): return nil
        default: throw error(key, "expected a text, found \(value.kind)")
        }
    }

    /// A text that the back end made and no person wrote. - Throws: `adapter.bad_value`.
    func id(anyOf keys: String..., screening: CardScreening) throws(LoyaltyError) -> String? {
        for key in keys { if let text = try text(key) { return BackEndID.harmless(text, screening) } }
        return nil
    }

    func required(_ key: String) throws(LoyaltyError) -> String {
        guard let text = try text(key) else { throw missing(key) }
        return text
    }

    /// - Throws: `adapter.bad_value`, `number.*`.
    func decimal(_ key: String) throws(LoyaltyError) -> DecimalNumber? {
        guard let value = value(key) else { return nil }
        if case .boolean(false) = value.value { return nil }
        do { return try ExactNumber.decimal(value) } catch {
            throw LoyaltyError(error.code, error.message, at: place(key))
        }
    }

    func requiredDecimal(_ key: String) throws(LoyaltyError) -> DecimalNumber {
        guard let number = try decimal(key) else { throw missing(key) }
        return number
    }

    func integer(_ key: String) throws(LoyaltyError) -> Int64? {
        guard let value = value(key) else { return nil }
        guard case .integer(let number) = value.value else { throw error(key, "expected a whole number") }
        return number
    }

    func boolean(_ key: String) throws(LoyaltyError) -> Bool? {
        guard let value = value(key) else { return nil }
        guard case .boolean(let flag) = value.value else { throw error(key, "expected true or false") }
        return flag
    }

    /// - Throws: `adapter.bad_value` where the value is no object.
    func object(_ key: String) throws(LoyaltyError) -> JSONObject? {
        guard let value = value(key) else { return nil }
        return try JSONObject(value, path: path(key))
    }

    /// The objects of an array; none where the key is absent. - Throws: `adapter.bad_value`.
    func objects(_ key: String) throws(LoyaltyError) -> [JSONObject] {
        guard let value = value(key) else { return [] }
        guard case .array(let nodes) = value.value else { throw error(key, "expected an array, found \(value.kind)") }
        var objects: [JSONObject] = []
        for (index, node) in nodes.enumerated() { objects.append(try JSONObject(node, path: "\(path(key))[\(index)]")) }
        return objects
    }

    func time(_ key: String, _ settings: AdapterSettings) throws(LoyaltyError) -> (time: Timestamp, isAssumed: Bool)? {
        guard let text = try text(key) else { return nil }
        do { return try TillTime.parse(text, settings) } catch {
            throw LoyaltyError(error.code, error.message, at: place(key))
        }
    }

    func currency(_ key: String) throws(LoyaltyError) -> Currency? {
        guard let text = try text(key) else { return nil }
        do { return try Currency(text.uppercased()) } catch {
            throw LoyaltyError(error.code, error.message, at: place(key))
        }
    }
}
