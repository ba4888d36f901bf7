import FoundationEssentials
import LoyaltyModel
import Testing

@testable import loyaltysim

private func example(_ path: String) throws -> [UInt8] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    return Array(try Data(contentsOf: root.appending(path: "Examples/\(path)")))
}

private func day() throws -> OnlineRetail { try OnlineRetail(example("till/online-retail-2010-12-14.csv")) }

private func table(_ rows: String...) -> [UInt8] {
    Array(
        (["InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"] + rows)
            .joined(separator: "\n").utf8)
}

@Suite("Sales of the Online Retail data set")
struct OnlineRetailTests {
    @Test("one sale for each invoice, with every line; figures from Examples/till/README.md")
    func invoices() throws {
        let day = try day()
        #expect(day.invoices.count == 144)
        #expect(day.invoices.reduce(0) { $0 + $1.lines.count } == 2087)
        #expect(day.invoices.count { $0.number.hasPrefix("C") } == 51)
        #expect(Set(day.invoices.compactMap(\.customer)).count == 104)
    }

    @Test("the first invoice of the file, added up by hand: 12.75 + 16.95 + 2.95, all cancelled")
    func cancellation() throws {
        let invoice = try #require(try day().invoices.first)
        let event = OnlineRetail.event(invoice, till: OnlineRetail.Till(store: "7", register: "2"), seq: 1)
        #expect(event.type == "sale.return")
        #expect(event.source == "7/2")
        #expect(event.time == "2010-12-14T09:26:00+00:00")
        #expect(event.sale?.kind == "return")
        #expect(event.sale?.totals.grand == "-32.65")
        #expect(event.sale?.lines.map(\.amount) == ["-12.75", "-16.95", "-2.95"])
        #expect(event.sale?.lines.allSatisfy { $0.return?.receipt == "without" } == true)
        #expect(invoice.customer == "16161")
    }

    @Test("a line of the protocol is one line of JSON that holds money as text")
    func line() throws {
        let invoice = try #require(try day().invoices.first)
        let line = try OnlineRetail.event(invoice, till: OnlineRetail.Till(), seq: 9).line()
        #expect(line.last == UInt8(ascii: "\n"))
        #expect(line.count { $0 == UInt8(ascii: "\n") } == 1)
        let text = String(decoding: line, as: UTF8.self)
        #expect(text.contains(#""v":1"#))
        #expect(text.contains(#""seq":9"#))
        #expect(text.contains(#""unit_price":"12.75""#))
        #expect(text.contains(#""qty":"-1""#))
    }

    @Test(
        "what is not goods is told apart",
        arguments: [
            ("85123A", SaleLine.Kind.item), ("POST", .fee), ("DOT", .fee), ("C2", .fee), ("BANK CHARGES", .fee),
            ("AMAZONFEE", .fee), ("M", .other), ("m", .other), ("D", .other), ("CRUK", .donation),
            ("gift_0001_20", .giftCard),
        ])
    func kinds(code: String, kind: SaleLine.Kind) { #expect(OnlineRetail.lineKind(code) == kind) }

    @Test("price times pieces is exact: 144 times 0.29 is 41.76")
    func exact() throws {
        let day = try OnlineRetail(table("1,A,\"TWO, WORDS\",144,2010-12-14 10:00:00,0.29,12345.0,United Kingdom"))
        #expect(day.invoices.first?.total.amountText == "41.76")
        #expect(day.invoices.first?.lines.first?.name == "TWO, WORDS")
        #expect(day.invoices.first?.customer == "12345")
    }

    @Test(
        "a row that cannot be a sale is named by its line",
        arguments: [
            "1,A,B,x,2010-12-14 10:00:00,1.0,,UK", "1,A,B,1,yesterday,1.0,,UK", "1,A,B,1,2010-12-14 10:00:00,1e3,,UK",
            "1,A,B,1,2010-12-14 10:00:00,0.001,,UK", "1,A,B,9223372036854775807,2010-12-14 10:00:00,9.99,,UK",
            "1,A,B,1,2010-12-14 10:00:00,1.0,someone,UK", ",A,B,1,2010-12-14 10:00:00,1.0,,UK",
        ])
    func bad(row: String) throws {
        let good = "0,A,B,1,2010-12-14 09:00:00,1.0,,UK"
        let error = #expect(throws: LoyaltyError.self) { try OnlineRetail(table(good, row), file: "day.csv") }
        #expect(error?.place?.file == "day.csv")
        #expect(error?.place?.line == 3)
    }
}

@Suite("Members and cards of the demo")
struct DemoMemberTests {
    @Test("cards carry the check digit of EAN-13, worked out by hand")
    func cards() throws {
        // 2 + 9x3 + 8 + 4x3 + 1x3 + 6 + 1x3 + 6 + 1x3 = 70, so 0; the old card's 1 in the seventh place makes 71, so 9.
        let member = try DemoMember(customer: "16161")
        #expect(member.cards == ["2984000161610", "2984001161619"])
        #expect(member.id == "m16161")
        #expect(member.tier == "gold")
        #expect(try DemoMember(customer: "17041").tier == "club")
        #expect(try DemoMember(customer: "12370").cards.count == 1)
    }

    @Test("nobody holds the unknown card, and no card twice")
    func distinct() throws {
        let cards = try DemoMember.all(of: day()).flatMap(\.cards)
        #expect(Set(cards).count == cards.count)
        #expect(!cards.contains(DemoMember.unknownCard))
        #expect(cards.allSatisfy { $0.count == 13 && CardNumber.hasValidCheckDigit(Array($0.utf8)) })
    }
}

@Suite("The planned day")
struct DayPlanTests {
    @Test("every invoice ends once, and every customer's card is read once")
    func complete() throws {
        let day = try day()
        let plan = try DayPlan(day, till: OnlineRetail.Till())
        var ends: [String] = []
        var readings: [String] = []
        for step in plan.steps {
            if case .end(let event, _) = step { ends.append(event.sale?.number ?? "") }
            if case .scan(_, .member(let id)) = step { readings.append(id) }
        }
        #expect(ends == day.invoices.map(\.number))
        #expect(readings == day.invoices.compactMap { $0.customer.map { "m\($0)" } })
    }

    @Test("no card is read where the lane would rightly add it to the sale before")
    func noLateCardByAccident() throws {
        var lastEndHadCard = true
        var held = false
        for step in try DayPlan(day(), till: OnlineRetail.Till()).steps {
            switch step {
            case .scan(_, .refused), .resend: break
            case .live(let event): if event.type == "sale.open" { lastEndHadCard = true }
            case .scan: if lastEndHadCard { held = true } else { lastEndHadCard = true }
            case .end(_, let member):
                // A member's card was read before the end; it must still be waiting there.
                if member != nil { #expect(held) }
                lastEndHadCard = held
                held = false
            }
        }
    }

    @Test("sequence numbers rise by one over all events that are not repeats")
    func sequence() throws {
        var numbers: [UInt64] = []
        for step in try DayPlan(day(), till: OnlineRetail.Till()).steps {
            switch step {
            case .live(let event), .end(let event, _): numbers.append(event.seq ?? 0)
            case .scan, .resend: break
            }
        }
        #expect(numbers == Array(1...UInt64(numbers.count)))
    }
}

@Suite("What a till counts")
struct TillTallyTests {
    private let instant = ContinuousClock().now

    private func answer(_ id: String, _ result: String = "accepted", _ more: String = "") -> [UInt8] {
        Array(#"{"v":1,"ack":"\#(id)","result":"\#(result)"\#(more)}"#.utf8)
    }

    @Test("an event is open until its own answer comes")
    func unanswered() throws {
        var tally = TillTally()
        tally.send(Array(#"{"id":"a"}"#.utf8), at: instant)
        tally.send(Array(#"{"id":"b"}"#.utf8), at: instant)
        try tally.receive(
            answer("b", "accepted", #","points":{"earned":"12"},"member":{"unverified":false}"#), at: instant)
        #expect(tally.unanswered == 1)
        try tally.receive(answer("b"), at: instant)
        #expect(tally.unanswered == 1)
        #expect(tally.stray == 1)
        try tally.receive(answer("a", "rejected", #","code":"till.bad_json""#), at: instant)
        #expect(tally.unanswered == 0)
        #expect(tally.points?.description == "12")
        #expect(tally.matched == 1)
        #expect(tally.results == ["accepted": 1, "rejected": 1])
        #expect(tally.codes == ["till.bad_json": 1])
    }

    @Test("what is pushed is no answer, and anything else is an error")
    func others() throws {
        var tally = TillTally()
        tally.send(Array("no json".utf8), at: instant)
        let pushed = #"{"v":1,"type":"card.scanned","reader":"r","result":"held"}"#
        #expect(try tally.receive(Array(pushed.utf8), at: instant) == nil)
        #expect(tally.unanswered == 1)
        #expect(throws: LoyaltyError.self) { try tally.receive(Array("accepted".utf8), at: instant) }
        #expect(throws: LoyaltyError.self) { try tally.receive(answer("", "perhaps"), at: instant) }
        try tally.receive(answer("", "rejected"), at: instant)
        #expect(tally.unanswered == 0)
    }

    @Test("lines are due at the chosen pace")
    func pace() {
        let player = TillPlayer(rate: 4, window: 1, patience: .seconds(1))
        #expect(player.due(8, start: instant) - instant == .seconds(2))
        #expect(TillPlayer(rate: 0, window: 1, patience: .seconds(1)).due(8, start: instant) == instant)
    }
}
