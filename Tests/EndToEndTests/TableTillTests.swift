import Foundation
import LoyaltyModel
import Testing

@testable import loyaltysim

/// A till that writes a table: a real day of 144 invoices, through every way in.
@Suite("A till that writes CSV", .serialized)
struct TableTillTests {
    private static let till = """
        format = "csv"
        currency = "GBP"
        """
    private static let columns = """
        [till.csv]
        number = "InvoiceNo"
        time = "InvoiceDate"
        quantity = "Quantity"
        unit_price = "UnitPrice"
        code = "StockCode"
        code_scheme = "sku"
        name = "Description"
        member = "CustomerID"
        member_scheme = "member_id"
        kinds = { POST = "fee", DOT = "fee", C2 = "fee", "BANK CHARGES" = "fee", M = "other", D = "other", "gift_*" = "gift_card" }
        """

    private static var file: String { Bench.root + "/Examples/till/online-retail-2010-12-14.csv" }

    private struct Sold: Decodable {
        struct Amount: Decodable { var points: String }
        var number: String
        var points: [Amount]
        var member: Answer.MemberPart?
    }

    /// Every customer of the day is a member.
    private func importMembers(_ bench: Bench, _ ids: [String]) async throws {
        try bench.write("members.csv", "id\n" + ids.joined(separator: "\n") + "\n")
        let run = try await bench.control("members", "import", bench.directory + "/members.csv")
        #expect(run.code == 0, "\(run)")
    }

    private func customers() throws -> [String] {
        let day = try OnlineRetail(Array(try Data(contentsOf: URL(filePath: Self.file))))
        return Set(day.invoices.compactMap(\.customer)).sorted()
    }

    /// One point for each whole pound of the goods that went out, added up from the rows by another reader of the file;
    /// without the invoices that take goods back, which take what an earlier one of the day gave.
    private func expected() throws -> [String: String] {
        let day = try OnlineRetail(Array(try Data(contentsOf: URL(filePath: Self.file))))
        var points: [String: String] = [:]
        for invoice in day.invoices where invoice.customer != nil && !invoice.isReturn {
            var cents: Int64 = 0
            for line in invoice.lines where !line.amount.hasPrefix("-") && line.kind == "item" {
                cents += try Money(line.amount, Currency("GBP")).minorUnits
            }
            points[invoice.number] = "\(cents / 100)"
        }
        return points
    }

    /// What the daemon has of each invoice that names a customer.
    private func stored(_ bench: Bench) async throws -> [String: String] {
        let list = try await bench.control("sales", "list", "--limit", "1000", "--json") { run in
            try decoded(run.output, as: [Sold].self).count == 144
        }
        var points: [String: String] = [:]
        for sale in try decoded(list.output, as: [Sold].self) where sale.member != nil {
            points[sale.number] = sale.points.first?.points ?? "0"
        }
        return points
    }

    private func configure(_ bench: Bench, _ more: String = "") throws {
        try bench.configure(till: Self.till + (more.isEmpty ? "" : "\n" + more), more: Self.columns)
    }

    @Test("over the socket, in a folder and on standard input: the same points for each invoice, and each once")
    func everyWayIn() async throws {
        let expected = try expected()
        let socket = try await Bench.run { bench in
            try configure(bench)
            let daemon = try await bench.startDaemon()
            try await importMembers(bench, customers())
            let till = try bench.till()
            try till.send(bytes: Array(try Data(contentsOf: URL(filePath: Self.file))))
            till.finish()
            try await till.answers.ended()
            let answers = try till.answers.lines.map { try Answer($0) }
            #expect(answers.count == 144)
            #expect(answers.allSatisfy { $0.result == "accepted" })
            let stored = try await stored(bench)
            // The same sales in the native form, as another program makes them: all of them are known.
            let native = try await bench.run(
                "loyaltyctl", ["till", "convert", "--from", "csv", Self.file, "--config", bench.configurationFile])
            #expect(native.code == 0)
            try await daemon.kill()
            try bench.configure()
            let again = try await bench.run(
                "loyaltyd", ["--config", bench.configurationFile, "--state-dir", bench.state, "--till", "stdin"],
                input: native.output)
            let repeats = try again.output.split(separator: "\n").map { try Answer(String($0)).result }
            #expect(repeats == Array(repeating: "duplicate", count: 144))
            return stored
        }
        #expect(socket.filter { expected[$0.key] != nil } == expected)
        let folder = try await Bench.run { bench in
            let drop = bench.directory + "/drop"
            try configure(bench, "[till.drop]\ndirectory = \"\(drop)\"\nformat = \"csv\"")
            try FileManager.default.createDirectory(atPath: drop, withIntermediateDirectories: true)
            _ = try await bench.startDaemon()
            try await importMembers(bench, customers())
            try FileManager.default.copyItem(atPath: Self.file, toPath: drop + "/.day")
            try FileManager.default.moveItem(atPath: drop + "/.day", toPath: drop + "/day.csv")
            let stored = try await stored(bench)
            _ = try await bench.control("status") { _ in
                FileManager.default.fileExists(atPath: drop + "/processed/day.csv")
            }
            return stored
        }
        #expect(folder == socket)
        try await Bench.run { bench in
            try configure(bench)
            let daemon = try await bench.startDaemon()
            try await importMembers(bench, customers())
            _ = try await daemon.stop()
            let run = try await bench.run(
                "loyaltyd", ["--config", bench.configurationFile, "--state-dir", bench.state, "--till", "stdin"],
                input: String(contentsOfFile: Self.file, encoding: .utf8))
            #expect(run.code == 0)
            let answers = try run.output.split(separator: "\n").map { try Answer(String($0)) }
            #expect(answers.count { $0.result == "accepted" } == 144)
            let sum = answers.compactMap { $0.points.flatMap { Int($0.earned) } }.reduce(0, +)
            #expect(sum == socket.values.compactMap { Int($0) }.reduce(0, +))
        }
    }

    @Test("a row that is wrong is named, and the sales around it count")
    func wrongRow() async throws {
        try await Bench.run { bench in
            try configure(bench)
            _ = try await bench.startDaemon()
            try await importMembers(bench, ["16161"])
            let till = try bench.till()
            try till.send(
                bytes: Array(
                    """
                    InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
                    1,A,one,1,2010-12-14 09:26:00,12.75,16161.0,UK
                    2,B,two,many,2010-12-14 09:27:00,1.00,16161.0,UK
                    3,C,three,2,2010-12-14 09:28:00,3.50,16161.0,UK

                    """.utf8))
            till.finish()
            try await till.answers.ended()
            let answers = try till.answers.lines.map { try Answer($0) }
            #expect(answers.map(\.result) == ["accepted", "quarantined", "accepted"])
            #expect(answers.map { $0.points?.earned } == ["12", nil, "7"])
            #expect(answers[1].message?.contains("Quantity") == true, "\(answers[1])")
        }
    }

    @Test("a sale that is sent again with other lines is corrected, and the difference of points posted")
    func correction() async throws {
        try await Bench.run { bench in
            try configure(bench)
            _ = try await bench.startDaemon()
            try await importMembers(bench, ["16161"])
            let till = try bench.till()
            try till.send(
                bytes: Array(
                    """
                    InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
                    1,A,one,1,2010-12-14 09:26:00,12.75,16161.0,UK
                    1,B,two,1,2010-12-14 09:26:00,5.00,16161.0,UK
                    2,B,two,1,2010-12-14 09:27:00,3.50,16161.0,UK
                    1,A,one,1,2010-12-14 09:26:00,12.75,16161.0,UK

                    """.utf8))
            till.finish()
            try await till.answers.ended()
            let answers = try till.answers.lines.map { try Answer($0) }
            #expect(answers.map(\.result) == ["accepted", "accepted", "accepted"])
            #expect(answers.last?.flags?.contains("implicit_revision") == true)
            let list = try await bench.control("sales", "list", "--json") { run in
                try decoded(run.output, as: [Sold].self).count == 2
            }
            let points = try decoded(list.output, as: [Sold].self).map { "\($0.number): \($0.points[0].points)" }
            #expect(points.sorted() == ["1: 12", "2: 3"])
        }
    }
}
