import DataFormats
import LoyaltyModel
import Testing

@testable import TillFeed

/// Numbers and times as tills of several countries write them.
@Suite struct CSVDialects {
    static let continental = CSVNumberFormat(decimalSeparator: ",", groupingSeparator: ".")
    static let french = CSVNumberFormat(decimalSeparator: ",", groupingSeparator: " ")
    static let american = CSVNumberFormat(decimalSeparator: ".", groupingSeparator: ",")
    static let comma = CSVNumberFormat(decimalSeparator: ",")

    @Test(arguments: [
        (continental, "1.234.567,89", "1234567.89"), (continental, "-1.234,5", "-1234.5"),
        (continental, "12,50-", "-12.5"),
        (continental, "1234,5", "1234.5"), (continental, "0,354", "0.354"), (continental, ",50", "0.5"),
        (continental, "-,50", "-0.5"), (continental, "1.234", "1234"), (french, "1 234,50", "1234.5"),
        (french, "1\u{a0}234,50", "1234.5"), (french, "1\u{202f}234", "1234"), (american, "1,003.98", "1003.98"),
        (american, "+2.50", "2.5"), (comma, "12", "12"), (comma, "1,5e-1", "0.15"), (CSVNumberFormat(), "2.5", "2.5"),
        (CSVNumberFormat(), ".5", "0.5"), (CSVNumberFormat(), "3-", "-3"),
    ])
    func numbers(format: CSVNumberFormat, text: String, value: String) throws {
        #expect(try format.decimal(text) == DecimalNumber(value))
    }

    /// What another country would read as a thousand times as much is refused.
    @Test(arguments: [
        (continental, "1.23,5"), (continental, "1.2345"), (continental, ".234"), (continental, "1234.567"),
        (continental, "1,5,0"), (continental, "1,234.50"), (comma, "1.234,50"), (comma, "1.234"), (french, "1.5"),
        (american, "1.234,50"), (american, "1,23"), (CSVNumberFormat(), "1,5"), (CSVNumberFormat(), "1,234.50"),
        (CSVNumberFormat(), "--1"), (CSVNumberFormat(), "-1-"), (CSVNumberFormat(), "-"), (CSVNumberFormat(), ""),
        (CSVNumberFormat(), "."), (comma, ","), (comma, "1,"), (continental, "-.234"), (continental, "12.345.67"),
    ])
    func numbersOfAnotherFormat(format: CSVNumberFormat, text: String) {
        #expect(throws: LoyaltyError.self) { try format.decimal(text) }
    }

    @Test(arguments: [
        ("dd.MM.yyyy HH:mm:ss", "24.12.2024 09:05:10", "2024-12-24T09:05:10"),
        ("d.M.yy H:mm", "4.2.24 9:05", "2024-02-04T09:05:00"), ("d.M.yy H:mm", "14.12.24 19:05", "2024-12-14T19:05:00"),
        ("M/d/yyyy h:mm a", "1/9/2025 12:05 AM", "2025-01-09T00:05:00"),
        ("M/d/yyyy h:mm a", "11/30/2025   12:00 pm", "2025-11-30T12:00:00"),
        ("M/d/yyyy h:mm a", "11/30/2025 1:07 PM", "2025-11-30T13:07:00"),
        ("yyyyMMddHHmmss", "20241224090510", "2024-12-24T09:05:10"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSS", "2024-12-24T09:05:10.25", "2024-12-24T09:05:10.25"),
        ("yyyy'年'M'月'd'日' HH:mm", "2024年12月24日 09:05", "2024-12-24T09:05:00"),
    ])
    func times(pattern: String, text: String, iso: String) throws {
        #expect(try CSVTimeFormat(pattern, needsTime: true).rewritten(text) == iso)
    }

    @Test(arguments: [
        ("dd.MM.yyyy HH:mm", "24.12.2024"), ("dd.MM.yyyy HH:mm", "24.12.2024 09:05:00"),
        ("dd.MM.yyyy HH:mm", "4.12.2024 09:05"),
        ("dd.MM.yyyy HH:mm", "24/12/2024 09:05"), ("dd.MM.yyyy HH:mm", "24.12.24 09:05"), ("dd.MM.yyyy HH:mm", ""),
        ("M/d/yyyy h:mm a", "1/9/2025 13:05 PM"), ("M/d/yyyy h:mm a", "1/9/2025 0:05 AM"),
        ("M/d/yyyy h:mm a", "1/9/2025 1:05"),
        ("M/d/yyyy h:mm a", "1/9/2025 1:05 XM"), ("dd.MM.yyyy HH:mm", "٢٤.12.2024 09:05"),
    ])
    func timesOfAnotherFormat(pattern: String, text: String) throws {
        let format = try CSVTimeFormat(pattern, needsTime: true)
        #expect(throws: LoyaltyError.self) { try format.rewritten(text) }
    }

    @Test(arguments: [
        "", "dd.MM.yyyy", "HH:mm", "dd.MM HH:mm", "dd.MM.yyy HH:mm", "dd.MM.yyyy hh:mm", "dd.MM.yyyy HH:mm a",
        "dd.dd.yyyy HH:mm", "dd.MMM.yyyy HH:mm", "dd.MM.yyyy HH:mm zzz", "dd.MM.yyyy HH:mm 'h", "dd.MM.yyyy HH:mm.SS",
        "DD.MM.YYYY HH:mm",
    ])
    func patternsThatMeanNothing(pattern: String) {
        #expect(throws: LoyaltyError.self) { try CSVTimeFormat(pattern, needsTime: true) }
    }

    @Test func aDayHasNoTime() throws {
        #expect(try CSVTimeFormat("dd.MM.yy", needsTime: false).rewritten("24.12.24") == "2024-12-24T00:00:00")
        #expect(throws: LoyaltyError.self) { try CSVTimeFormat("dd.MM.yy HH:mm", needsTime: false) }
    }

    /// Each is an error that names the key.
    @Test(arguments: [
        ("separator = \"::\"", "separator"), ("separator = \"a\"", "separator"), ("encoding = \"utf-16\"", "encoding"),
        ("decimal_separator = \";\"", "decimal_separator"), ("grouping_separator = \".\"", "grouping_separator"),
        ("time_format = \"today\"", "time_format"), ("day_format = \"HH:mm\"", "day_format"),
    ])
    func settingsThatMeanNothing(setting: String, key: String) throws {
        let text = "number = \"N\"\ntime = [\"D\", \"T\"]\namount = \"A\"\n" + setting
        let reader = try TableReader(try TOMLDocument.parse(text, file: nil))
        let error = #expect(throws: LoyaltyError.self) { try CSVColumns(reader) }
        #expect(error?.place?.path == key)
        #expect(error?.place?.line == 4)
    }

    private func read(_ text: String, _ settings: String, piece: Int = 4096) throws -> [String] {
        let columns = try CSVColumns(try TableReader(try TOMLDocument.parse(settings, file: nil)))
        var settings = try documentSettings(columns)
        settings.register = "1"
        return try convert(Array(text.utf8), .csv, settings, piece: piece).map { document in
            switch document.outcome {
            case .event(let event):
                guard case .sale(_, let sale) = event.event.content else { return "no sale" }
                return "\(sale.number): \(sale.totals.grand.minorUnits)"
            case .problem(let problem):
                return problem.error.code.name + (problem.error.place?.line.map { " \($0)" } ?? "")
            }
        }
    }

    /// A row of which nobody knows whose it is takes the sale in front of it and the one behind it along: neither counts by half. Between
    /// two rows of one sale it can only be of that one, and never of another file's.
    @Test(arguments: [
        ("7,D,1\n8,D,1,x\n8,D,2\n9,D,4\n", ["csv.columns 3", "csv.columns 3", "9: 400"]),
        ("7,D,1\n8\n8,D,2\n9,D,4\n", ["csv.columns 3", "csv.columns 3", "9: 400"]),
        ("7,D,1\n8,D\"x,1\n8,D,2\n9,D,4\n", ["csv.syntax 3", "csv.syntax 3", "9: 400"]),
        ("7,D,1\n,D,1\n8,D,2\n9,D,4\n", ["adapter.missing 3", "adapter.missing 3", "9: 400"]),
        ("7,D,1\n7,D\"x,1\n,D,2\n7,D,2\n9,D,4\n", ["csv.syntax 3", "9: 400"]),
        ("7,D,x\n8,D,1,x\n8,D,2\n9,D,4\n", ["number.syntax 2", "csv.columns 3", "9: 400"]),
        ("7,D\"x,1\n7,D,2\n9,D,4\n", ["csv.syntax 2", "9: 400"]),
        ("7,D,1\n9,D,4\n9,D,1,x\n", ["7: 100", "csv.columns 4"]), ("7,D,1,x\n", ["csv.columns 2"]),
        ("7,D,1\n7,D,1,x\nN,T,A\n9,D,4\n", ["csv.columns 3", "9: 400"]),
        ("7,D,1,x\nN,T,A\n9,D,4\n", ["csv.columns 2", "9: 400"]),
        ("7,D,x\n8,D,1,x\n", ["number.syntax 2", "csv.columns 3"]),
        ("7,D,x\n8,D,1,x\nN,T,A\n9,D,4\n", ["number.syntax 2", "csv.columns 3", "9: 400"]),
    ])
    func noSaleIsHalfCounted(rows: String, sales: [String]) throws {
        let text = "N,T,A\n" + rows.replacing(",D", with: ",2024-12-24 09:00")
        for piece in [1, 4096] { #expect(try read(text, Self.plain, piece: piece) == sales) }
    }

    /// Goods that come back cost less than nothing, whatever sign the till writes in front of the amount.
    @Test(arguments: [
        ("-1,,20.00", "7: -2000"), ("-1,,-20.00", "7: -2000"), ("-2,10.00,", "7: -2000"),
        ("-1,20.00,20.00", "7: -2000"),
        ("-1,-3.00,3.00", "7: 300"), ("1,,-3.00", "7: -300"), ("-1,,0.00", "7: 0"),
    ])
    func theQuantityDecidesWhatComesBack(row: String, sale: String) throws {
        let settings = "number = \"N\"\ntime = \"T\"\nquantity = \"Q\"\nunit_price = \"P\"\namount = \"A\""
        #expect(try read("N,T,Q,P,A\n7,2024-12-24 09:00,\(row)\n", settings) == [sale])
    }

    /// An empty cell says what the other rows say; where none says anything, nothing is taken for sold.
    @Test(arguments: [
        (["sold", "paid"], "7: 200"), (["", "sold"], "7: 200"), (["sold", ""], "7: 200"),
        (["sold", "void"], "adapter.bad_value 3"), (["void", "", "sold"], "adapter.bad_value 4"),
        (["", ""], "adapter.missing 2"), (["lost", "sold"], "adapter.unknown_status 2"),
    ])
    func theRowsOfASaleNameOneState(words: [String], sale: String) throws {
        let settings =
            Self.plain + "status = \"S\"\nstatuses = { sold = \"completed\", paid = \"completed\", void = \"voided\" }"
        let rows = words.map { "7,2024-12-24 09:00,1.00,\($0)\n" }.joined()
        #expect(try read("N,T,A,S\n" + rows + "8,2024-12-24 09:01,1.00,sold\n", settings) == [sale, "8: 100"])
    }

    /// A till that says "returned" of the sale and nothing of its quantities, with any sign: what comes back never earns.
    @Test(arguments: [
        (["1,20.00"], -2000), (["1,-20.00"], -2000), (["-1,20.00"], -2000), (["2,20.00", "1,-3.00"], -1700),
        (["1,-20.00", "1,3.00"], -1700),
    ])
    func aWordForAReturnTurnsTheGoodsBack(rows: [String], grand: Int) throws {
        let settings =
            Self.plain
            + "quantity = \"Q\"\nstatus = \"S\"\nstatuses = { Retoure = \"returned\", Verkauf = \"completed\" }"
        let text = "N,T,Q,A,S\n" + rows.map { "7,2024-12-24 09:00,\($0),Retoure\n" }.joined()
        #expect(try read(text, settings) == ["7: \(grand)"])
        let columns = try CSVColumns(try TableReader(try TOMLDocument.parse(settings, file: nil)))
        var adapter = try documentSettings(columns)
        adapter.register = "1"
        for document in try convert(Array(text.utf8), .csv, adapter) {
            guard case .event(let event) = document.outcome, case .sale(let verb, let sale) = event.event.content else {
                Issue.record("\(document.outcome)")
                continue
            }
            #expect(verb == .return)
            #expect(sale.kind == .return)
            #expect(sale.lines.allSatisfy { $0.returned != nil && $0.quantity.isNegative })
        }
    }

    /// The member stands in any of the rows; no customer gets what another one bought.
    @Test(arguments: [
        (["7,1,D,T,A,1", "7,1,D,T,,2"], ["7 A: 300"]), (["7,1,D,T,,1", "7,1,D,T,A,2"], ["7 A: 300"]),
        (["7,1,D,T,A,1", "7,1,D,T,B,2"], ["adapter.bad_value 3"]), (["7,1,D,T,,1", "7,1,D,T,,2"], ["7 -: 300"]),
        // Another day and another cashier count anew.
        (["1,1,D,T,A,1", "1,1,E,U,B,2"], ["1 A: 100", "1 B: 200"]), (["1,1,D,T,A,1", "1,1,,T,,2"], ["1 A: 300"]),
        (["1,1,D,T,A,1,x", "1,1,D,T,B,2,y"], ["1 A: 100", "1 B: 200"]),
        (["1,1,D,T,A,1,x", "1,1,D,T,,2,"], ["1 A: 300"]), (["1,1,,T,A,1,", "1,1,D,T,,2,x"], ["1 A: 300"]),
        // Rows of two registers among one another.
        (["7,1,D,T,A,1", "3,2,D,T,B,2", "7,1,D,T,A,4"], ["7 A: 100", "3 B: 200", "adapter.bad_value 4"]),
        (["7,1,D,T,A,1", "3,2,D,T,B,2", "7,1,D,T,A,1"], ["7 A: 100", "3 B: 200", "7 A: 100"]),
        (["7,1,D,T,A,1", "3,2,D,T,B,2", "7,1,E,U,A,4"], ["7 A: 100", "3 B: 200", "7 A: 400"]),
    ])
    func noCustomerGetsWhatAnotherOneBought(rows: [String], sales: [String]) throws {
        let settings =
            "number = \"N\"\nregister = \"R\"\nbusiness_day = \"D\"\ntime = \"T\"\nmember = \"M\"\namount = \"A\"\n"
            + "operator = \"O\"\n"
        let lines = rows.map { row in
            row.replacing(",T,", with: ",2024-12-24 09:00,").replacing(",U,", with: ",2024-12-25 09:00,")
                .replacing(",D,", with: ",2024-12-24,").replacing(",E,", with: ",2024-12-25,")
                + (row.split(separator: ",", omittingEmptySubsequences: false).count < 7 ? "," : "") + "\n"
        }
        let text = "N,R,D,T,M,A,O\n" + lines.joined()
        let columns = try CSVColumns(try TableReader(try TOMLDocument.parse(settings, file: nil)))
        let found = try convert(Array(text.utf8), .csv, try documentSettings(columns)).map { document in
            switch document.outcome {
            case .event(let event):
                guard case .sale(_, let sale) = event.event.content else { return "no sale" }
                var member = "-"
                if case .number(let number) = event.event.cards.first?.value { member = number.value }
                return "\(sale.number) \(member): \(sale.totals.grand.minorUnits)"
            case .problem(let problem):
                return problem.error.code.name + (problem.error.place?.line.map { " \($0)" } ?? "")
            }
        }
        #expect(found == sales)
    }

    /// A file without a column for the day: each day begins with number 1.
    @Test func aNumberOfAnotherDayIsAnotherSale() throws {
        let text = "N,T,A\n1,2024-12-24 19:00,1.00\n1,2024-12-25 09:00,2.00\n1,2024-12-25 09:01,4.00\n"
        #expect(try read(text, Self.plain) == ["1: 100", "1: 600"])
    }

    /// A till that corrects a sale sends it again, on a stream without another header row: the ledger posts the difference. Rows that have
    /// nothing of the sale before are the rest of it, and must not replace it.
    @Test(arguments: [
        (["7,1,,a,", "7,2,,b,", "8,4,,a,", "7,1,,a,"], ["7: 300", "8: 400", "7: 100"]),
        (
            ["7,1,,a,", "8,4,,a,", "7,1,,a,", "7,2,,b,", "8,4,,a,", "7,1,,a,"],
            ["7: 100", "8: 400", "7: 300", "8: 400", "7: 100"]
        ),
        (["7,1,1,a,", "8,4,1,a,", "7,2,1,b,"], ["7: 100", "8: 400", "7: 200"]),
        (["7,1,,a,1", "8,4,,a,4", "7,3,,a,3"], ["7: 100", "8: 400", "7: 300"]),
        (["7,1,,a,", "8,4,,a,", "7,2,,b,"], ["7: 100", "8: 400", "adapter.bad_value 3"]),
        (["7,1,,,", "8,4,,,", "7,2,,,"], ["7: 100", "8: 400", "adapter.bad_value 3"]),
        // One product in both parts: the lines have ids, or both name the total of the whole.
        (["7,1,1,a,", "8,4,1,a,", "7,1,2,a,", "7,2,3,b,"], ["7: 100", "8: 400", "adapter.bad_value 3"]),
        (["7,1,,a,4", "8,4,,a,4", "7,1,,a,4", "7,2,,b,4"], ["7: 400", "8: 400", "adapter.bad_value 3"]),
    ])
    func aCorrectionIsNoSecondPart(rows: [String], sales: [String]) throws {
        let settings =
            Self.plain
            + "id = \"I\"\ncode = \"C\"\ntotal = \"S\"\nheader = [\"N\", \"A\", \"I\", \"C\", \"S\", \"T\"]\n"
        let text = rows.map { "\($0),2024-12-24 09:00\n" }.joined()
        for piece in [1, 4096] { #expect(try read(text, settings, piece: piece) == sales) }
    }

    private static let sellers = plain + "member = \"M\"\noperator = \"O\"\ntotal = \"S\"\n"

    /// A shop that names whoever sold each line: one customer pays for all of them. With another time, or a customer or a total of its own,
    /// a number that comes again with another operator is another sale, as where each cashier counts for himself.
    @Test(arguments: [
        (["09:00,1,M,x,", "09:00,2,,y,", "09:00,4,,x,"], ["7: 700"]),
        (["09:00,1,M,x,7", "09:00,2,M,y,7", "09:00,4,,x,"], ["7: 700"]),
        (["09:00,1,,,", "09:01,2,,x,", "09:01,4,,y,", "09:02,8,,y,"], ["7: 1500"]),
        (["09:00,1,,x,", "09:01,2,,y,", "09:01,4,,y,"], ["7: 100", "7: 600"]),
        (["09:00,1,M,x,", "09:00,2,N,y,", "09:00,4,N,y,"], ["7: 100", "7: 600"]),
        (["09:00,1,,x,1", "09:00,2,,y,6", "09:00,4,,y,6"], ["7: 100", "7: 600"]),
        // Of whose sale the second row is nobody knows.
        (["09:00,1,M,x,", "09:00,2,,y,", "09:00,4,N,y,"], ["adapter.bad_value 4"]),
        // Neither goes into the sale in front of it.
        (["09:00,1,,x,", "nine,2,,y,"], ["7: 100", "time.syntax 3"]),
        // No sale is counted by half because a row before was wrong.
        (["09:00,1,,x,", "09:00,x,,y,", "09:01,4,,y,"], ["number.syntax 3"]),
    ])
    func aSaleOfSeveralSellersIsOneSale(rows: [String], sales: [String]) throws {
        let text = "N,T,A,M,O,S\n" + rows.map { "7,2024-12-24 \($0)\n" }.joined()
        for piece in [1, 4096] { #expect(try read(text, Self.sellers, piece: piece) == sales) }
    }

    /// Tills write when each line was sold. A sale goes on past midnight; the next night's, or that of another business day, is another.
    @Test(arguments: [
        (["24 23:59,1,", "25 00:01,2,", "25 00:02,4,"], ["7: 700"]),
        (["24 19:00,1,", "24 23:00,2,", "25 02:00,4,", "26 08:30,8,"], ["7: 700", "7: 800"]),
        (["24 23:59,1,2024-12-24", "25 00:01,2,2024-12-24", "25 00:02,4,2024-12-25"], ["7: 300", "7: 400"]),
        (["24 09:00,1,2024-12-24", "25 00:01,2,2024-12-24"], ["7: 300"]),
        (["24 19:00,1,", "25 09:00,2,"], ["7: 100", "7: 200"]),
    ])
    func aSaleGoesOnPastMidnight(rows: [String], sales: [String]) throws {
        let text = "N,T,A,D\n" + rows.map { "7,2024-12-\($0)\n" }.joined()
        #expect(try read(text, Self.plain + "business_day = \"D\"\n") == sales)
        guard rows.allSatisfy({ $0.hasSuffix(",") }) else { return }
        let undated = "N,T,A\n" + rows.map { "7,2024-12-\($0.dropLast())\n" }.joined()
        #expect(try read(undated, Self.plain) == sales)
    }

    private static let plain = "number = \"N\"\ntime = \"T\"\namount = \"A\"\n"

    /// A till that writes one file a sale into a pipe, and one of them again: a sale never grows by what was sent again.
    @Test(arguments: [1, 4096]) func aHeaderRowBetweenTheRowsBeginsAnotherFile(piece: Int) throws {
        let file = "\u{feff}N,T,A\n7,2024-12-24 09:00,1.50\n7,2024-12-24 09:00,2.00\n"
        #expect(
            try read(file + file + "N,T,A\n8,2024-12-24 09:01,1.00\n", Self.plain, piece: piece) == [
                "7: 350", "7: 350", "8: 100",
            ])
    }

    @Test func aFileWithoutHeaderRowHasItsNamesFromTheSettings() throws {
        let settings = Self.plain + "header = [\"N\", \"\", \"T\", \"A\", \"\"]"
        let text = "7,x,2024-12-24 09:00,1.50,\n8,x,2024-12-24 09:01,2.00,\n"
        #expect(try read(text, settings) == ["7: 150", "8: 200"])
        let columns = try TableReader(try TOMLDocument.parse(Self.plain + "header = [\"N\", \"T\"]", file: nil))
        let error = #expect(throws: LoyaltyError.self) { try CSVColumns(columns) }
        #expect(error?.place?.path == "header")
    }

    /// Columns that nobody asks for may be nameless or repeat each other; one that is asked for stands there once, and no row is shifted.
    @Test(arguments: [
        ("N,T,A,,\n7,2024-12-24 09:00,1.50,,\n", ["7: 150"]), ("N,T,X,A,X\n7,2024-12-24 09:00,,1.50,\n", ["7: 150"]),
        ("N,T,A,A\n7,2024-12-24 09:00,1.50,2.50\n", ["csv.header 1"]),
        ("N,T,A\n7,2024-12-24 09:00,1.50,\n", ["csv.columns 2"]),
    ])
    func otherColumnsAreNeverLookedAt(text: String, sales: [String]) throws {
        #expect(try read(text, Self.plain) == sales)
    }

    /// A till that prints what it pays out without a sign.
    @Test func theTotalOfAReturnHasTheSignOfItsLines() throws {
        let settings = Self.plain + "quantity = \"Q\"\ntotal = \"S\""
        let text =
            "N,T,Q,A,S\n7,2024-12-24 09:00,-1,20.00,20.00\n8,2024-12-24 09:01,-1,-5.00,-5.00\n9,2024-12-24 09:02,-1,5.00,4.00\n"
        #expect(try read(text, settings) == ["7: -2000", "8: -500", "9: 400"])
    }

    /// A file that is not what the settings say is told so, with the setting to write.
    @Test(arguments: [
        ("N;T;A\n1;2024-12-24 09:00;1\n", "adapter.missing", "till.csv.separator"),
        ("N,T,A\n1,2024-12-24 09:00,\"1,50\"\n", "number.syntax", "till.csv.decimal_separator"),
    ])
    func theRemedyNamesTheSetting(text: String, code: String, setting: String) throws {
        let columns = "number = \"N\"\ntime = \"T\"\namount = \"A\""
        var settings = try documentSettings(try CSVColumns(try TableReader(try TOMLDocument.parse(columns, file: nil))))
        settings.register = "1"
        let documents = try convert(Array(text.utf8), .csv, settings)
        guard case .problem(let problem) = try #require(documents.first).outcome else {
            Issue.record("no problem")
            return
        }
        #expect(problem.error.code.name == code)
        #expect(problem.error.remedy?.contains(setting) == true)
    }
}
