extension LearnedReader {
    /// The sections for a file of `loyaltyd.toml.d`.
    ///
    /// - Parameters:
    ///   - match: `VENDOR:PRODUCT` or a port; nil: no section for the reader.
    ///   - name: what the reader is called, for the comment.
    public func configuration(match: String?, name: String) -> String {
        var lines = ["# Written by loyaltyctl readers learn: \(Self.comment(name)), \(kind.rawValue)."]
        if let match { lines += ["[[readers.device]]", "match = \(Self.quoted(match))"] + readerKeys }
        if let scheme { lines += (match == nil ? [] : [""]) + ["[[card_scheme]]"] + keys(of: scheme) }
        return lines.joined(separator: "\n") + "\n"
    }

    private var readerKeys: [String] {
        var keys: [String] = []
        if let layout { keys.append("layout = \(Self.quoted(layout.name))") }
        if isCapsLocked { keys.append("caps_lock = true") }
        if let terminator { keys.append("terminator = \(Self.quoted(terminator.rawValue))") }
        if let gap { keys.append("gap_ms = \(gap.milliseconds)") }
        if !prefix.isEmpty { keys.append("prefix = \(Self.quoted(String(decoding: prefix, as: UTF8.self)))") }
        if !suffix.isEmpty { keys.append("suffix = \(Self.quoted(String(decoding: suffix, as: UTF8.self)))") }
        let isKnown = KnownReader.find(vendorID: vendorID, productID: productID)?.protocolHint == kind
        if ReaderProtocol.hints.contains(kind), !isKnown { keys.append("protocol = \(Self.quoted(kind.rawValue))") }
        return keys
    }

    private func keys(of scheme: CardScheme) -> [String] {
        var keys = ["name = \(Self.quoted(scheme.name))"]
        if let code = scheme.applicationIdentifier { keys.append("ai = \(Self.quoted(code))") }
        keys.append("prefix = \(Self.quoted(scheme.prefix))")
        let (low, high) = (scheme.lengths.lowerBound, scheme.lengths.upperBound)
        keys.append("length = " + (low == high ? "\(low)" : "[\(low), \(high)]"))
        keys.append("check = \(Self.quoted(scheme.checkDigit.rawValue))")
        if !scheme.symbologies.isEmpty {
            let words = scheme.symbologies.map(\.rawValue).sorted().map(Self.quoted)
            keys.append("symbologies = [\(words.joined(separator: ", "))]")
        }
        if scheme.droppingFirst > 0 { keys.append("drop_first = \(scheme.droppingFirst)") }
        if scheme.droppingLast > 0 { keys.append("drop_last = \(scheme.droppingLast)") }
        return keys
    }

    /// A basic string of TOML 1.0.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let hex = String(scalar.value, radix: 16, uppercase: true)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// Product names come from the device.
    private static func comment(_ name: String) -> String {
        String(String.UnicodeScalarView(name.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f }))
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
