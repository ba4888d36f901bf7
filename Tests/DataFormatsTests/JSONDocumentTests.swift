import DataFormats
import LoyaltyModel
import Testing

@Suite struct JSONDocuments {
    private func parse(_ text: String) throws(LoyaltyError) -> DataNode { try JSONDocument.parse(Array(text.utf8)) }

    @Test(
        arguments: [
            ("null", .null), (" true\r\n", .boolean(true)), ("false", .boolean(false)), ("0", .integer(0)),
            ("-0", .integer(0)), ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .decimal("9223372036854775808")), ("12.50", .decimal("12.50")),
            ("-0.0", .decimal("-0.0")), ("1E5", .decimal("1E5")), ("1e-400", .decimal("1e-400")),
            ("[]", .array([])), ("{}", .table([])), (#""""#, .string("")),
            (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{c}\n\r\t")), (#""\u00e9é€😀""#, .string("éé€😀")),
            (#""a\uD83D\ude00b""#, .string("a😀b")), (#""\u0000""#, .string("\u{0}")),
            ("\"\u{7f}\u{2028}\"", .string("\u{7f}\u{2028}")),
        ] as [(String, DataNode.Value)])
    func readsValues(text: String, value: DataNode.Value) throws { #expect(try parse(text).value == value) }

    /// Every value says where it stands, so that an integrator finds it in his own line.
    @Test func knowsThePlaceOfEveryValue() throws {
        let node = try JSONDocument.parse(Array("{\"é\": [1,\n  {\"b\":true}],\r\n\"c\" :null}".utf8), file: "x.json")
        #expect(node.place == Place(file: "x.json", line: 1, column: 1))
        guard case .table(let entries) = node.value, case .array(let items) = entries.first?.node.value else {
            Issue.record("not a table with an array")
            return
        }
        #expect(entries.map(\.keyPlace.line) == [1, 3])
        #expect(entries.map(\.node.place.column) == [8, 6])
        #expect(items.map(\.place.line) == [1, 2])
        #expect(items.map(\.place.column) == [9, 3])
        guard case .table(let inner) = items.last?.value else {
            Issue.record("not a table")
            return
        }
        #expect(inner.first?.keyPlace == Place(file: "x.json", line: 2, column: 4))
        #expect(inner.first?.node.place == Place(file: "x.json", line: 2, column: 8))
    }

    @Test(arguments: [
        ("", 1), ("  ", 3), ("{", 2), ("[1,]", 4), ("[1 2]", 4), ("{\"a\":1,}", 8), ("{\"a\" 1}", 6), ("{a:1}", 2),
        ("{'a':1}", 2), ("01", 1), ("-01", 2), ("-", 2), ("+1", 1), (".5", 1), ("1.", 3), ("1.e5", 3), ("1e", 3),
        ("1e+", 4), ("0x10", 2), ("NaN", 1), ("Infinity", 1), ("nul", 1), ("nulls", 5), ("True", 1), ("\"a", 1),
        ("\"a\\", 3), ("\"\\x\"", 2), ("\"\\u12g4\"", 2), ("\"\\u12", 2), ("\"\\ud800\"", 2), ("\"\\ud800\\n\"", 2),
        ("\"\\ud800\\ud800\"", 2), ("\"\\udc00\"", 2), ("\"a\tb\"", 3), ("\"a\u{0}\"", 3), ("1 2", 3), ("{}}", 3),
        ("// x\n1", 1), ("[1]\u{a0}", 4), ("\u{feff}1", 1), ("{\"a\":1,\"a\":2}", 8), ("{\"\\u0061\":1,\"a\":2}", 13),
        ("{\"a\":{\"b\":1},\"c\":{\"b\":1,\"b\":2}}", 25), ("[", 2), ("[1", 3), ("{\"a\"", 5), ("{\"a\":", 6),
    ])
    func refusesWhatTheStandardRefuses(text: String, column: Int) {
        let error = #expect(throws: LoyaltyError.self) { try parse(text) }
        #expect(error?.code == .documentSyntax)
        #expect(error?.place?.line == 1)
        #expect(error?.place?.column == column)
    }

    /// Ill-formed sequences of the Unicode standard, section 3.9: overlong, surrogate, beyond the last plane, cut off.
    @Test(
        arguments: [
            [0x80], [0xc0, 0xaf], [0xc1, 0xbf], [0xc3], [0xe0, 0x9f, 0xbf], [0xed, 0xa0, 0x80], [0xe2, 0x82],
            [0xf0, 0x8f, 0xbf, 0xbf], [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xff], [0xe2, 0x28, 0xa1],
            [0xf0, 0x9f, 0x98], [0xf1, 0x80, 0x80, 0x41],
        ] as [[UInt8]])
    func refusesBrokenUTF8(bytes: [UInt8]) {
        for tail in [[UInt8(ascii: "\"")], []] {
            let error = #expect(throws: LoyaltyError.self) {
                try JSONDocument.parse([UInt8(ascii: "\""), UInt8(ascii: "a")] + bytes + tail)
            }
            #expect(error?.place?.column == 3)
        }
    }

    @Test func nestsSixtyFourDeepAndNoDeeper() throws {
        let limit = JSONDocument.maximumDepth
        let deepest = String(repeating: "[", count: limit) + String(repeating: "]", count: limit)
        #expect(throws: Never.self) { try parse(deepest) }
        let error = #expect(throws: LoyaltyError.self) { try parse("[" + deepest + "]") }
        #expect(error?.place?.column == limit + 1)
        #expect(throws: LoyaltyError.self) { try parse(String(repeating: "{\"a\":", count: 100_000)) }
    }

    @Test func noticesADuplicateKeyInALongTable() throws {
        let keys = (0..<2000).map { "\"key\($0)\":\($0)" }
        let node = try parse("{" + keys.joined(separator: ",") + "}")
        guard case .table(let entries) = node.value else {
            Issue.record("not a table")
            return
        }
        #expect(entries.count == 2000)
        for repeated in [0, 7, 8, 9, 1999] {
            #expect(throws: LoyaltyError.self) {
                try parse("{" + (keys + [keys[repeated]]).joined(separator: ",") + "}")
            }
        }
    }

    /// A key or a value can be a card number: no message shows either.
    @Test(arguments: [
        #"{"4111111111111111":1,"4111111111111111":2}"#, #"{"a":4111111111111111x}"#, #""4111111111111111"#,
        #"["4111111111111111" 4111111111111111]"#,
    ])
    func messagesNeverQuoteTheContent(text: String) {
        let error = #expect(throws: LoyaltyError.self) { try parse(text) }
        #expect(error?.description.contains("4111") == false)
    }

    /// Each byte of a sound document changed to each of many others: an error or a document, never a trap.
    @Test func survivesDamage() {
        let sound = Array(#"{"v":1,"a":[true,null,-1.5e+3,"\ud83d\ude00é"],"b":{"c":"\n"}}"#.utf8)
        var refused = 0
        for index in sound.indices {
            for byte in UInt8.min...UInt8.max {
                var damaged = sound
                damaged[index] = byte
                if (try? JSONDocument.parse(damaged)) == nil { refused += 1 }
            }
            if (try? JSONDocument.parse(Array(sound[..<index]))) == nil { refused += 1 }
        }
        #expect(refused > sound.count)
    }
}
