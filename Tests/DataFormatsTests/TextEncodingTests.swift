import DataFormats
import Testing

/// Code pages, against their published mapping tables at unicode.org and the Microsoft and IBM code page charts.
@Suite struct TextEncodingTests {
    static let known: [(TextEncoding, UInt8, Unicode.Scalar?)] = [
        (.windows1252, 0x80, "€"), (.windows1252, 0x81, nil), (.windows1252, 0x9f, "Ÿ"), (.windows1252, 0xe4, "ä"),
        (.windows1252, 0xff, "ÿ"), (.windows1250, 0xb9, "ą"), (.windows1250, 0x8a, "Š"), (.windows1250, 0xf5, "ő"),
        (.windows1251, 0xc0, "А"), (.windows1251, 0xff, "я"), (.windows1251, 0x88, "€"), (.windows1253, 0xe1, "α"),
        (.windows1253, 0xd2, nil), (.windows1254, 0xfd, "ı"), (.windows1257, 0xe0, "ą"), (.latin1, 0x80, "\u{80}"),
        (.latin1, 0xa4, "¤"), (.latin1, 0xff, "ÿ"), (.latin2, 0xa3, "Ł"), (.cyrillic, 0xb0, "А"), (.greek, 0xe1, "α"),
        (.greek, 0xa4, "€"), (.latin5, 0xdd, "İ"), (.latin7, 0xe0, "ą"), (.latin9, 0xa4, "€"), (.latin9, 0xbd, "œ"),
        (.latin9, 0x85, "\u{85}"), (.cp437, 0x81, "ü"), (.cp437, 0xe1, "ß"), (.cp437, 0xff, "\u{a0}"),
        (.cp850, 0x9b, "ø"), (.cp850, 0xd5, "ı"), (.cp858, 0xd5, "€"), (.cp852, 0xa5, "ą"), (.cp866, 0x80, "А"),
        (.cp866, 0xef, "я"), (.utf8, 0x80, nil), (.utf8, 0x41, "A"),
    ]

    @Test(arguments: known) func aByteIsTheCharacterOfItsPage(
        encoding: TextEncoding, byte: UInt8, scalar: Unicode.Scalar?
    ) {
        #expect(encoding.scalar(byte) == scalar)
    }

    /// Each page has 128 places in its upper half, and no character twice.
    @Test(arguments: TextEncoding.allCases.filter { $0 != .utf8 }) func pagesAreWhole(encoding: TextEncoding) {
        let upper = (UInt8(0x80)...0xff).compactMap { encoding.scalar($0) }
        #expect(Set(upper).count == upper.count)
        #expect(upper.count > 100)
        #expect(upper.allSatisfy { $0.value >= 0x80 && $0 != "\u{fffd}" })
        #expect((UInt8(0)...0x7f).allSatisfy { encoding.scalar($0) == Unicode.Scalar($0) })
    }

    @Test func textIsWholeOrNothing() {
        #expect(TextEncoding.cp858.text([0x35, 0x20, 0xd5]) == "5 €")
        #expect(TextEncoding.windows1252.text([0x41, 0x81]) == nil)
        #expect(TextEncoding.utf8.text([0x41, 0xc3, 0xa4]) == "Aä")
        #expect(TextEncoding.utf8.text([0x41, 0xe4]) == nil)
        #expect(TextEncoding.windows1252.text([]) == "")
    }

    @Test(arguments: [
        ("UTF-8", TextEncoding.utf8), ("Windows-1252", .windows1252), ("CP1252", .windows1252),
        ("ISO-8859-15", .latin9),
        ("ISO8859-15", .latin9), ("iso_8859-1", .latin1), ("latin1", .latin1), ("IBM850", .cp850), ("IBM00858", .cp858),
    ])
    func namesAreThoseOfDocuments(name: String, encoding: TextEncoding) {
        #expect(TextEncoding(named: name) == encoding)
    }

    @Test(arguments: ["", "windows-1258", "iso-8859-", "ibm", "utf-16", "ebcdic-cp-us"])
    func otherNamesAreNone(name: String) { #expect(TextEncoding(named: name) == nil) }
}
