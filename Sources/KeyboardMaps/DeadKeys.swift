/// What the dead keys of X11 stand for (keysymdef.h, `dead_…` from FE50h): the character that they give with a space behind.
enum DeadKeys {
    static func scalar(_ keysym: UInt32) -> Unicode.Scalar? {
        let index = Int(keysym) - 0xfe50
        guard scalars.indices.contains(index), scalars[index] != "\0" else { return nil }
        return scalars[index]
    }

    /// Grave, acute, circumflex, tilde, macron, breve, dot, diaeresis, ring, double acute, caron, cedilla, ogonek; from there on
    /// what no scanner types: the combining character, which has no form of its own.
    private static let scalars: [Unicode.Scalar] = Array(
        "`´^~¯˘˙¨°˝ˇ¸˛\u{345}\u{3099}\u{309a}\u{323}\u{309}\u{31b}/\u{313}\u{314}\u{30f}\u{325}\u{331}\u{32d}\u{330}\u{32e}\u{324}\u{311}\u{326}¤"
            .unicodeScalars)
}
