import ControlAPI
import LoyaltyModel
import Testing

@testable import loyaltyctl

private let paymentCard = "4111111111111111"

/// Every row of a file in short: `line id cards`, or `line:column code`.
private func read(_ text: String, _ format: MemberFileFormat, chunk: Int = .max) throws -> [String] {
    var reader = MemberFileReader(format: format) { $0 == paymentCard }
    var results: [String] = []
    func drain() throws {
        for row in try reader.rows() {
            switch row.result {
            case .success(let member):
                results.append("\(row.line) \(member.id) \(member.cards.joined(separator: "+"))")
            case .failure(let error):
                #expect(!error.description.contains("1111"))
                results.append("\(error.place?.line ?? 0):\(error.place?.column ?? 0) \(error.code.name)")
            }
        }
    }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        reader.append(rest.prefix(chunk))
        rest = rest.dropFirst(chunk)
        try drain()
    }
    reader.finish()
    try drain()
    return results
}

@Suite("Member files")
struct MemberFileTests {
    static let csv = """
        id,cards,status,birthday
        m1,7001;7002,active,11-22
        m2,"7003 | 7004",blocked,1984-11-22
        m3,7005,gone,
        m4,4111111111111111,,
        m5,7006,
        "m6","7007",,02-30

        m7,,,
        """

    @Test("CSV: good rows come through, bad ones are named by line and column", arguments: [1, 5, Int.max])
    func csvRows(chunk: Int) throws {
        let rows = try read(Self.csv, .csv, chunk: chunk)
        #expect(
            rows == [
                "2 m1 7001+7002", "3 m2 7003+7004", "4:9 member.bad_field", "5:4 member.payment_card",
                "6:1 csv.columns",
                "7:14 member.bad_field", "9 m7 ",
            ])
    }

    static let ndjson = """
        {"id":"m1","cards":["7001","7002"],"balance":120}
        {"id":"m2","balance":"120.5","entitlements":["plus:2024-01-01"]}

        {"id":"m3","balance":120.5}
        {"id":"m4","cards":["4111111111111111"]}
        {"id":"m5","card":["7001"]}
        {"cards":["7001"]}
        {"id":"m6",
        ["m7"]
        {"id":"m8","op":"delete"}
        """

    @Test("NDJSON: good rows come through, bad ones are named by line and column", arguments: [1, 5, Int.max])
    func ndjsonRows(chunk: Int) throws {
        let rows = try read(Self.ndjson, .ndjson, chunk: chunk)
        #expect(
            rows == [
                "1 m1 7001+7002", "2 m2 ", "4:22 document.bad_value", "5:20 member.payment_card",
                "6:12 document.unknown_key", "7:1 document.missing_key", "8:12 document.syntax",
                "9:1 document.bad_value",
                "10 m8 ",
            ])
    }

    @Test("A column that does not exist, or no id, makes it no member file")
    func columns() {
        for (text, place) in [
            ("id,cards,colour\n", Place(line: 1, column: 10)), ("cards,tier\n", Place(line: 1, column: 1)),
            ("id;cards\n", Place(line: 1, column: 1)), ("id,id\n", Place(line: 1, column: 4)),
        ] {
            let error = #expect(throws: LoyaltyError.self) { try read(text, .csv) }
            #expect(error?.place == place, "\(text)")
        }
        let headless = #expect(throws: LoyaltyError.self) { try read("m1,\(paymentCard)\n", .csv) }
        #expect(headless?.code == .memberFileColumns)
    }

    @Test("A line beyond the bound is refused and the next is read", arguments: [4_000, Int.max])
    func longLine(chunk: Int) throws {
        let long = String(repeating: " ", count: 70_000)
        let rows = try read("{\"id\":\"m1\"}\n\(long)\n{\"id\":\"m2\"}\n\(long)", .ndjson, chunk: chunk)
        #expect(rows == ["1 m1 ", "2:65537 ndjson.too_long", "3 m2 ", "4:65537 ndjson.too_long"])
    }

    @Test("The form is known by the name, else by the first byte")
    func detection() {
        func detect(_ name: String, _ text: String) -> MemberFileFormat {
            .detect(name: name, beginning: Array(text.utf8))
        }
        #expect(detect("MEMBERS.CSV", "{") == .csv)
        #expect(detect("members.ndjson", "id") == .ndjson)
        #expect(detect("members.jsonl", "") == .ndjson)
        #expect(detect("-", "\u{feff} \n{\"id\":\"m\"}") == .ndjson)
        #expect(detect("members.txt", "id,cards\n") == .csv)
    }

    @Test("In a snapshot a member and a card stand once; a card may repeat on its own row")
    func snapshot() throws {
        var check = SnapshotCheck()
        try check.add(MemberRow(id: "m1", cards: ["036000291452", "0036000291452"]), line: 2)
        try check.add(MemberRow(id: "m2", cards: ["7001"]), line: 3)
        let card = #expect(throws: LoyaltyError.self) {
            try check.add(MemberRow(id: "m3", cards: ["036000291452"]), line: 4)
        }
        #expect(card?.code == .memberCardConflict)
        #expect(card?.message.contains("line 2") == true)
        let member = #expect(throws: LoyaltyError.self) { try check.add(MemberRow(id: "m2"), line: 5) }
        #expect(member?.message.contains("line 3") == true)
    }
}
