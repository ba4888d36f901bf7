/// How a layout of XKB is named: `pl`, `ch(fr)`; an `xkb:` in front passes over the tables of this program.
struct LayoutName {
    let layout: String
    /// Empty for the layout's first one.
    let variant: String
    let insistsOnXKB: Bool

    /// nil for what no layout is called: names become names of files.
    init?(_ text: String) {
        let prefix = "xkb:"
        insistsOnXKB = text.hasPrefix(prefix)
        let name = insistsOnXKB ? text.dropFirst(prefix.count) : text[...]
        guard let open = name.firstIndex(of: "(") else {
            guard Self.isWord(name) else { return nil }
            layout = String(name)
            variant = ""
            return
        }
        let inner = name[name.index(after: open)...].dropLast()
        guard name.last == ")", Self.isWord(name[..<open]), Self.isWord(inner) else { return nil }
        layout = String(name[..<open])
        variant = String(inner)
    }

    private static func isWord(_ text: Substring) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
