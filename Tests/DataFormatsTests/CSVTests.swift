import DataFormats
import LoyaltyModel
import Testing

/// Everything the reader gives for a text, fed in chunks of one size. Bad rows appear as their error's text.
private func read(_ text: String, chunk: Int = .max, limits: CSVRowReader.Limits = .init()) -> [String] {
    read(Array(text.utf8), chunk: chunk, limits: limits)
}

private func read(_ bytes: [UInt8], chunk: Int = .max, limits: CSVRowReader.Limits = .init()) -> [String] {
    read(bytes, chunk: chunk, CSVRowReader(limits: limits))
}

private func read(_ bytes: [UInt8], chunk: Int, _ reader: CSVRowReader) -> [String] {
    var reader = reader
    var results: [String] = []
    func drain() {
        while true {
            do {
                guard let row = try reader.next() else { return }
                results.append("\(row.line): " + row.fields.map { "[\($0.text)]" }.joined())
            } catch {
                results.append("\(error.code.name) \(error.place?.line ?? 0):\(error.place?.column ?? 0)")
            }
        }
    }
    var rest = bytes[...]
    while !rest.isEmpty {
        reader.append(rest.prefix(chunk))
        rest = rest.dropFirst(chunk)
        drain()
    }
    reader.finish()
    drain()
    return results
}

@Suite("CSV, RFC 4180")
struct CSVTests {
    /// The examples of RFC 4180 section 2, rules 1 to 7, and the files people really have.
    static let table: [(String, [String])] = [
        ("aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n", ["1: [aaa][bbb][ccc]", "2: [zzz][yyy][xxx]"]),
        ("aaa,bbb,ccc\r\nzzz,yyy,xxx", ["1: [aaa][bbb][ccc]", "2: [zzz][yyy][xxx]"]),
        ("\"aaa\",\"bbb\",\"ccc\"\r\nzzz,yyy,xxx", ["1: [aaa][bbb][ccc]", "2: [zzz][yyy][xxx]"]),
        ("\"aaa\",\"b\r\nbb\",\"ccc\"\r\nzzz,yyy,xxx", ["1: [aaa][b\r\nbb][ccc]", "3: [zzz][yyy][xxx]"]),
        ("\"aaa\",\"b\"\"bb\",\"ccc\"", ["1: [aaa][b\"bb][ccc]"]),
        ("\"aaa\",\"b,bb\",ccc\n", ["1: [aaa][b,bb][ccc]"]),
        ("\u{feff}id,cards\nm1,7\n", ["1: [id][cards]", "2: [m1][7]"]),
        ("a,b\n\n\r\n\nc,d\n", ["1: [a][b]", "5: [c][d]"]),
        (",\n", ["1: [][]"]),
        ("a,", ["1: [a][]"]),
        ("\"\"\n\"\"", ["1: []", "2: []"]),
        ("", []),
        ("\u{feff}", []),
        ("\n", []),
        ("größe,\"naïve ☃\"\n", ["1: [größe][naïve ☃]"]),
        (" a , b \n", ["1: [ a ][ b ]"]),
    ]

    @Test("Another separator leaves commas to the text", arguments: [1, 3, Int.max])
    func separators(_ chunk: Int) {
        let text = "a;b,c;\"d;e\"\r\n;;\r\n1,5\t2;x\n"
        let rows = read(Array(text.utf8), chunk: chunk, CSVRowReader(separator: UInt8(ascii: ";")))
        #expect(rows == ["1: [a][b,c][d;e]", "2: [][][]", "3: [1,5\t2][x]"])
        let tabs = read(Array(text.utf8), chunk: chunk, CSVRowReader(separator: UInt8(ascii: "\t")))
        #expect(tabs == ["csv.syntax 1:7", "2: [;;]", "3: [1,5][2;x]"])
    }

    @Test("Bytes are read in the encoding of the file; a byte without meaning is an error at its field")
    func encodings() {
        let bytes: [UInt8] = Array("id,".utf8) + [0x80, 0xe4] + Array("\nm,".utf8) + [0x81, 0x0a]
        let windows = read(bytes, chunk: 2, CSVRowReader(encoding: .windows1252))
        #expect(windows == ["1: [id][€ä]", "csv.encoding 2:3"])
        let marked = Array("\u{feff}id,ä\n".utf8)
        #expect(read(marked, chunk: 2, CSVRowReader(encoding: .windows1252)) == ["1: [id][ä]"])
        #expect(read(bytes, chunk: 2, CSVRowReader()) == ["csv.encoding 1:4", "csv.encoding 2:3"])
    }

    @Test("Rows come out the same whatever the chunks are", arguments: table, [1, 2, 3, 7, Int.max])
    func rows(_ example: (String, [String]), _ chunk: Int) {
        #expect(read(example.0, chunk: chunk) == example.1)
    }

    /// Each bad row is named by line and column, and the rows after it are read.
    static let bad: [(String, [String])] = [
        ("a,b\nc,d\"e\nf,g\n", ["1: [a][b]", "csv.syntax 2:4", "3: [f][g]"]),
        ("a,b\n\"c\"d,e\nf,g\n", ["1: [a][b]", "csv.syntax 2:4", "3: [f][g]"]),
        ("a\rb\nc\n", ["csv.syntax 1:2", "2: [c]"]),
        ("a\nb,\"c\nd", ["1: [a]", "csv.syntax 2:3"]),
        ("\"a\r\r\nb\n", ["csv.syntax 1:1"]),
    ]

    @Test("A bad row is named with its place and reading goes on", arguments: bad, [1, Int.max])
    func badRows(_ example: (String, [String]), _ chunk: Int) {
        #expect(read(example.0, chunk: chunk) == example.1)
    }

    @Test("Text that is not UTF-8 is refused, not mended")
    func encoding() {
        #expect(read([0x61, 0x2c, 0xe4, 0x0a, 0x62, 0x0a]) == ["csv.encoding 1:3", "2: [b]"])
        #expect(read([0x61, 0x2c, 0xe4]) == ["csv.encoding 1:3"])
    }

    @Test("Sizes are bounded, and the next line is read again")
    func limits() {
        let small = CSVRowReader.Limits(field: 4, row: 10, columns: 2)
        #expect(read("abcd,e\nabcde,f\ng\n", limits: small) == ["1: [abcd][e]", "csv.too_large 2:1", "3: [g]"])
        #expect(read("a,b,c\nd,e\n", limits: small) == ["csv.too_large 1:5", "2: [d][e]"])
        let open = "\"" + String(repeating: "x\n", count: 20) + "y\n"
        let wide = CSVRowReader.Limits(field: 100, row: 10, columns: 2)
        #expect(read(open, limits: wide).first == "csv.too_large 1:1")
        #expect(read(open, limits: wide).last == "21: [y]")
    }

    @Test("The header names columns once each, and every row has as many fields")
    func header() throws {
        func row(_ text: String, line: Int = 1) throws -> CSVRow {
            var reader = CSVRowReader()
            reader.append(Array((String(repeating: "\n", count: line - 1) + text).utf8))
            reader.finish()
            return try #require(try reader.next())
        }
        let header = try CSVHeader(row(" id ,cards"))
        #expect(header.names == ["id", "cards"])
        #expect(try header.fields(of: row("m1,7")).map(\.field.text) == ["m1", "7"])
        let tooMany = #expect(throws: LoyaltyError.self) { try header.fields(of: row("m1,7,8", line: 3)) }
        #expect(tooMany?.place == Place(line: 3, column: 6))
        let tooFew = #expect(throws: LoyaltyError.self) { try header.fields(of: row("m1", line: 4)) }
        #expect(tooFew?.place == Place(line: 4, column: 1))
        #expect(throws: LoyaltyError.self) { try CSVHeader(row("id,id")) }
        #expect(throws: LoyaltyError.self) { try CSVHeader(row("id,")) }
    }
}
