import DataFormats
import LoyaltyModel
import Testing

@Suite struct TOMLDocuments {
    private func entries(_ node: DataNode) -> [DataNode.Entry] {
        guard case .table(let entries) = node.value else { return [] }
        return entries
    }

    private func at(_ node: DataNode, _ path: String...) -> DataNode? {
        var node = node
        for step in path {
            switch node.value {
            case .table(let entries):
                guard let entry = entries.first(where: { $0.key == step }) else { return nil }
                node = entry.node
            case .array(let nodes):
                guard let index = Int(step), nodes.indices.contains(index) else { return nil }
                node = nodes[index]
            default: return nil
            }
        }
        return node
    }

    private func position(_ place: Place?) -> String { "\(place?.line ?? 0):\(place?.column ?? 0)" }

    @Test func readsEveryKindOfValue() throws {
        let root = try TOMLDocument.parse(
            #"""
            text = "a\tb é \u00e9"
            raw = 'C:\new'
            long = """
            one \
              two
            """
            rawlong = '''it's'''
            whole = 1_000
            hex = 0xFF
            negative = -17
            yes = true
            day = 2027-01-04
            instant = 2027-12-17T23:59:00-05:00
            spaced = 2027-12-17 23:59:00Z
            clock = 07:32:00
            list = [1, "two", [3]]
            inline = { a = 1, b.c = 'x' }
            """#,
            file: "x.toml"
        )
        #expect(at(root, "text")?.value == .string("a\tb é é"))
        #expect(at(root, "raw")?.value == .string(#"C:\new"#))
        #expect(at(root, "long")?.value == .string("one two\n"))
        #expect(at(root, "rawlong")?.value == .string("it's"))
        #expect(at(root, "whole")?.value == .integer(1000))
        #expect(at(root, "hex")?.value == .integer(255))
        #expect(at(root, "negative")?.value == .integer(-17))
        #expect(at(root, "yes")?.value == .boolean(true))
        #expect(try at(root, "day")?.value == .date(CalendarDate("2027-01-04")))
        #expect(try at(root, "instant")?.value == .timestamp(Timestamp("2027-12-18T04:59:00Z")))
        #expect(try at(root, "spaced")?.value == .timestamp(Timestamp("2027-12-17T23:59:00Z")))
        #expect(try at(root, "clock")?.value == .timeOfDay(TimeOfDay("07:32")))
        #expect(at(root, "list", "2", "0")?.value == .integer(3))
        #expect(at(root, "inline", "b", "c")?.value == .string("x"))
    }

    @Test(arguments: ["0.1", "1.10", "1e3", "-0.0", "9007199254740993.0", "1_000.50", "inf", "nan"])
    func keepsFloatsAsWritten(text: String) throws {
        let root = try TOMLDocument.parse("x = \(text) # as written\n", file: nil)
        #expect(at(root, "x")?.value == .decimal(text))
    }

    @Test func keepsTheOrderOfTheDocument() throws {
        let root = try TOMLDocument.parse("z = 1\na = 2\n[m]\nc = 1\nb = 1\n[f]\n", file: nil)
        #expect(entries(root).map(\.key) == ["z", "a", "m", "f"])
        #expect(entries(try #require(at(root, "m"))).map(\.key) == ["c", "b"])
    }

    @Test func knowsWhereEverythingStands() throws {
        let root = try TOMLDocument.parse(
            """
            # a comment
            name = "x"
              site."big store" . zone = "UTC"

            [[earn]]
            id = "a"
            amount = { points = "1", per = "1.00" }

            [[earn]]
            days = [
              "mon", # first
              "tue",
            ]
            [[earn.tier]]
            n = 1
            [earn.cap]
            n = 2
            """,
            file: "club.toml"
        )
        func key(_ node: DataNode?, _ name: String) -> String {
            position(node.flatMap { entries($0).first { $0.key == name }?.keyPlace })
        }
        #expect(at(root, "name")?.place == Place(file: "club.toml", line: 2, column: 8))
        #expect(key(root, "site") == "3:3")
        #expect(key(at(root, "site"), "big store") == "3:8")
        #expect(key(at(root, "site", "big store"), "zone") == "3:22")
        #expect(position(at(root, "site", "big store", "zone")?.place) == "3:29")
        #expect(key(root, "earn") == "5:3")
        #expect(position(at(root, "earn", "0")?.place) == "5:1")
        #expect(key(at(root, "earn", "0", "amount"), "per") == "7:26")
        #expect(position(at(root, "earn", "0", "amount", "per")?.place) == "7:32")
        #expect(position(at(root, "earn", "1")?.place) == "9:1")
        #expect(position(at(root, "earn", "1", "days", "1")?.place) == "12:3")
        // Sub-tables belong to the latest element of the array.
        #expect(position(at(root, "earn", "1", "tier", "0", "n")?.place) == "15:5")
        #expect(position(at(root, "earn", "1", "cap")?.place) == "16:1")
        #expect(at(root, "earn", "1", "cap", "n")?.value == .integer(2))
    }

    @Test func countsColumnsInBytes() throws {
        // "é" is two bytes, so the 1 of `m = 1`, the 20th character, begins at byte 21.
        let root = try TOMLDocument.parse("t = { n = \"é\", m = 1 }\r\nu = 2\r\n", file: nil)
        #expect(position(at(root, "t", "m")?.place) == "1:21")
        #expect(position(at(root, "u")?.place) == "2:5")
        let error = #expect(throws: LoyaltyError.self) { try TOMLDocument.parse("a = \"éé\" b = 2", file: nil) }
        // `a = "éé" b`: the b is the 10th character and the 12th byte.
        #expect(position(error?.place) == "1:12")
        // Found by TOMLKit, which counts characters, when it reads past 01: the brace is the 16th and begins at byte 18.
        let redefined = #expect(throws: LoyaltyError.self) { try TOMLDocument.parse("a={x=\"éé\", y=01}", file: nil) }
        #expect(position(redefined?.place) == "1:18")
    }

    @Test(arguments: [
        ("a = 1\nb = \n", 2), ("a = 1\na = 2\n", 2), ("[t\n", 1), ("a = \"open\nb = 1\n", 1), ("a = 1 b = 2\n", 1),
        ("[t]\n[t]\n", 2), ("x = 01\n", 1), ("x = 2027-02-30\n", 1), ("x = [1, 2\n", 2), ("x = \u{1}\n", 1), ("= 1", 1),
        ("x = 1.\n", 1),
        ("a.b = 1\n\na.b.c = 2\n", 3), ("x = \"a\\u0000b\"\n", 1), ("\"k\\U00000000\" = 1\n", 1), ("x = 1\n\u{0}", 2),
        ("x = 99999999999999999999\n", 1), ("[[[a]]]\n", 1), ("at = 2017-12-17TM\n", 1), ("\nat = 2017-12-17T\n", 2),
        ("at = [2017-12-17t-1]\n", 1), ("\n[é]\n", 2), ("[]\n", 1), ("[[]]\n", 1), ("é = 1\n", 1),
        ("x = \"\\q\"\n", 1), ("x = {a = 1,}\n", 1),
    ])
    func saysWhereTheSyntaxIsWrong(text: String, line: Int) {
        let error = #expect(throws: LoyaltyError.self) { try TOMLDocument.parse(text, file: "p.toml") }
        #expect(error?.code == .documentSyntax)
        #expect(error?.place?.file == "p.toml")
        #expect(error?.place?.line == line)
        #expect((error?.place?.column ?? 0) >= 1)
    }

    @Test(arguments: ["x = 2027-01-04T10:00:00\n", "x = 2027-01-04 10:00:00\n", "x = 10:00:00.5\n"])
    func refusesTimesThatDoNotNameAnInstant(text: String) {
        let error = #expect(throws: LoyaltyError.self) { try TOMLDocument.parse(text, file: nil) }
        #expect(error?.code == .documentBadValue)
        #expect(position(error?.place) == "1:5")
    }

    @Test(arguments: [
        "x = " + String(repeating: "[", count: 100_000),
        "[" + String(repeating: "a.", count: 100_000) + "a]\n",
        String(repeating: "a.", count: 100_000) + "a = 1\n",
        String(repeating: "a={", count: 100_000),
    ])
    func boundsNesting(text: String) {
        let error = #expect(throws: LoyaltyError.self) { try TOMLDocument.parse(text, file: nil) }
        #expect(error?.code == .documentSyntax)
    }

    /// Whatever the bytes: an answer, never a trap.
    @Test func survivesCutAndDamagedDocuments() throws {
        let text = """
            [[earn]]
            "k\\u00e9y"."b" = { a = [1, '''x''', \"\"\"y\\"\"\"\"\"], d = 2027-01-04 10:00:00Z } # c
            [earn.t]
            v = 'z'
            """
        _ = try TOMLDocument.parse(text, file: nil)
        let bytes = Array(text.utf8)
        for end in bytes.indices {
            _ = try? TOMLDocument.parse(String(decoding: bytes[..<end], as: UTF8.self), file: nil)
            for byte in [UInt8(ascii: "\""), UInt8(ascii: "["), UInt8(ascii: "\n"), 0, 0xFF, UInt8(ascii: "\\")] {
                var damaged = bytes
                damaged[end] = byte
                _ = try? TOMLDocument.parse(String(decoding: damaged, as: UTF8.self), file: nil)
            }
        }
    }
}
