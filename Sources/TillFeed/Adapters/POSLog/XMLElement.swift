import DataFormats
import LoyaltyModel

/// An element that the allow-list lets in, with its allowed attributes and children.
struct XMLElement {
    /// Without prefix.
    let name: String
    let place: Place
    var attributes: [String: String] = [:]
    /// Character data, blanks at both ends removed. Empty for elements whose children are read.
    var text = ""
    var children: [XMLElement] = []

    /// Of all that is kept of it, wherever it stands.
    var content: Int {
        var hasher = Hasher()
        addContent(to: &hasher)
        return hasher.finalize()
    }

    func addContent(to hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(attributes)
        hasher.combine(text)
        hasher.combine(children.count)
        for child in children { child.addContent(to: &hasher) }
    }

    func first(_ name: String) -> XMLElement? { children.first { $0.name == name } }
    func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }

    /// The text of the first child of this name that has any.
    func text(_ name: String) -> String? { all(name).lazy.map(\.text).first { !$0.isEmpty } }

    /// Follows a path of names.
    func element(_ path: String...) -> XMLElement? {
        var element: XMLElement? = self
        for name in path { element = element?.first(name) }
        return element
    }

    /// An attribute as a flag; absent is false. - Throws: `adapter.bad_value`.
    func flag(_ name: String) throws(LoyaltyError) -> Bool {
        guard let text = attributes[name] else { return false }
        return try Self.boolean(text, name, place)
    }

    /// The text of a child as a flag. - Throws: `adapter.bad_value`.
    func flag(child name: String) throws(LoyaltyError) -> Bool? {
        guard let child = first(name), !child.text.isEmpty else { return nil }
        return try Self.boolean(child.text, name, child.place)
    }

    private static func boolean(_ text: String, _ name: String, _ place: Place) throws(LoyaltyError) -> Bool {
        switch text.lowercased() {
        case "true", "1", "y", "yes": return true
        case "false", "0", "n", "no": return false
        default:
            throw LoyaltyError(.adapterBadValue, "expected true or false", at: place.with(path: name))
        }
    }

    /// The text of a child as a decimal. - Throws: `number.syntax`, `number.overflow` with the place.
    func decimal(_ name: String) throws(LoyaltyError) -> DecimalNumber? {
        guard let child = first(name), !child.text.isEmpty else { return nil }
        return try child.decimal()
    }

    /// The first of these that there is. - Throws: `number.syntax`, `number.overflow` with the place.
    func decimal(anyOf first: String, _ second: String) throws(LoyaltyError) -> DecimalNumber? {
        if let number = try decimal(first) { return number }
        return try decimal(second)
    }

    /// - Throws: `number.syntax`, `number.overflow` with the place.
    func decimal() throws(LoyaltyError) -> DecimalNumber {
        do throws(LoyaltyError) { return try ExactNumber.decimal(text) } catch {
            throw LoyaltyError(error.code, error.message, at: place.with(path: name))
        }
    }
}
