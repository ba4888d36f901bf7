import DataFormats
import LoyaltyModel
import Testing

@Suite struct TableReaders {
    private enum Mode: String, CaseIterable { case floor, ceil }

    private func reader(_ toml: String) throws -> TableReader {
        try TableReader(TOMLDocument.parse(toml, file: "p.toml"))
    }

    @Test func readsEachTypeAndThenIsFinished() throws {
        var reader = try reader(
            """
            name = "club"
            on = true
            count = 3
            rate = "1.25"
            mode = "ceil"
            tags = ["a", "b"]
            day = "2027-01-04"
            inner = { x = 1 }
            [[rule]]
            id = "r"
            """
        )
        #expect(try reader.requiredString("name") == "club")
        #expect(try reader.boolean("on") == true)
        #expect(try reader.integer("count", 1...5) == 3)
        #expect(try reader.decimal("rate") == DecimalNumber("1.25"))
        #expect(try reader.word("mode", as: Mode.self) == .ceil)
        #expect(try reader.strings("tags") == ["a", "b"])
        #expect(try reader.parsed("day") { text throws(LoyaltyError) in try CalendarDate(text) }?.day == 4)
        var inner = try reader.requiredTable("inner")
        #expect(try inner.integer("x", 0...9) == 1)
        try inner.finish()
        #expect(try reader.tables("rule").count == 1)
        #expect(try reader.string("absent") == nil)
        try reader.finish()
    }

    @Test func namesTheKeyThatNobodyKnowsAndTheNearestOne() throws {
        var outer = try reader("basis = { taxx = \"exclude\" }\n")
        var basis = try outer.requiredTable("basis")
        _ = try basis.string("tax")
        let error = #expect(throws: LoyaltyError.self) { try basis.finish() }
        #expect(error?.code == .documentUnknownKey)
        #expect(error?.place == Place(file: "p.toml", line: 1, column: 11, path: "basis.taxx"))
        #expect(error?.remedy == "Did you mean \"tax\"?")
    }

    @Test func refusesABareNumberWithDecimals() throws {
        var reader = try reader("per = 1.10\n")
        let error = #expect(throws: LoyaltyError.self) { try reader.decimal("per") }
        #expect(error?.code == .documentBadValue)
        #expect(error?.remedy == "Write \"1.10\"")
    }

    @Test(arguments: [
        ("integer", "v = \"3\""), ("integer", "v = 9"), ("boolean", "v = \"true\""), ("string", "v = 1"),
        ("decimal", "v = true"), ("word", "v = \"round\""), ("strings", "v = [1]"), ("table", "v = 1"),
    ])
    func saysWhereAValueIsWrong(method: String, toml: String) throws {
        var reader = try reader("\n" + toml + "\n")
        let error = #expect(throws: LoyaltyError.self) {
            switch method {
            case "integer": _ = try reader.integer("v", 0...5)
            case "boolean": _ = try reader.boolean("v")
            case "string": _ = try reader.string("v")
            case "decimal": _ = try reader.decimal("v")
            case "word": _ = try reader.word("v", as: Mode.self)
            case "strings": _ = try reader.strings("v")
            default: _ = try reader.table("v")
            }
        }
        #expect(error?.code == .documentBadValue)
        #expect(error?.place?.line == 2)
        #expect((error?.place?.column ?? 0) >= 5)
        #expect(error?.place?.path?.hasPrefix("v") == true)
    }

    @Test func saysWhichKeyIsMissing() throws {
        var reader = try reader("[[earn]]\nx = 1\n")
        var rule = try #require(try reader.tables("earn").first)
        let error = #expect(throws: LoyaltyError.self) { try rule.requiredString("id") }
        #expect(error?.code == .documentMissingKey)
        #expect(error?.place == Place(file: "p.toml", line: 1, column: 1, path: "earn[0]"))
    }
}
