import LoyaltyModel

/// Writes JSON (RFC 8259).
public enum JSONText {
    /// On one line, keys in the order of the nodes, numbers as they stand in the node, without spaces.
    public static func compact(_ node: DataNode) -> String {
        var text = ""
        write(node, to: &text)
        return text
    }

    private static func write(_ node: DataNode, to text: inout String) {
        switch node.value {
        case .null: text += "null"
        case .boolean(let flag): text += flag ? "true" : "false"
        case .integer(let number): text += String(number)
        case .decimal(let number): text += number
        case .string(let string): append(string, to: &text)
        case .date(let date): append(date.description, to: &text)
        case .timestamp(let timestamp): append(timestamp.description, to: &text)
        case .timeOfDay(let time): append(time.description, to: &text)
        case .array(let nodes):
            text += "["
            for (index, node) in nodes.enumerated() {
                if index > 0 { text += "," }
                write(node, to: &text)
            }
            text += "]"
        case .table(let entries):
            text += "{"
            for (index, entry) in entries.enumerated() {
                if index > 0 { text += "," }
                append(entry.key, to: &text)
                text += ":"
                write(entry.node, to: &text)
            }
            text += "}"
        }
    }

    /// Appends a text as a JSON string, with its quotation marks.
    public static func append(_ string: String, to text: inout String) {
        text += "\""
        defer { text += "\"" }
        if string.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            return text += string
        }
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
