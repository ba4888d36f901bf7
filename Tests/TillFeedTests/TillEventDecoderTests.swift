import LoyaltyModel
import Testing
import TillFeed

let fullSale = #"""
    {"v":1,"type":"sale.complete","id":"e-77","source":"300/30001","epoch":"b","seq":18446744073709551615,
    "time":"2026-11-22T09:30:00.25+01:00","time_raw":"22.11.26 9.30","business_day":"2026-11-21","training":true,
    "replay":false,"ext":{"vendor":[1.5]},"sale":{"uid":"u-1","store":"300","register":"30001","number":"0042",
    "receipt":"R0042","rev":2,"kind":"mixed","state":"completed","opened_at":"2026-11-22T09:28:00+01:00",
    "closed_at":"2026-11-22T09:29:59+01:00","operator":{"id":"7","kind":"cashier"},"channel":"till",
    "currency":"EUR","prices_include_tax":true,"lines":[
    {"id":"1","kind":"item","code":{"value":"04006381333931","scheme":"gtin"},"name":"Pen","dept":["Home","Paper"],
    "brand":"Acme","tags":["school","blue"],"qty":"2","uom":"ea","unit_price":"1.495","list_price":1,"gross":"2.99","amount":"2.990","entry":"scanned",
    "discounts":[{"id":"d","amount":"-0.10","source":"coupon","code":"SPRING"}],
    "tax":[{"code":"A","base":"2.51","amount":"0.48","percent":"19"}],"earn":"only_qty","at":"2026-11-22T09:28:30Z"},
    {"id":"2","kind":"weighted","code":{"value":"0007","scheme":"plu"},"qty":"-0.127","uom":"kg","amount":"-1.00",
    "voids":"1","voided":true,"return":{"link":{"store":"300","number":"41","line":"3"},"reason":"bad",
    "receipt":"with"}}],
    "discounts":[{"amount":5,"source":"manual"}],"taxes":[{"amount":"0.48"}],
    "tenders":[{"id":"t","kind":"cash","name":"euro","amount":"5.00","change":"3.01"}],
    "totals":{"grand":"1.99","net":"1.51","tax":"0.48","discount":"0","items":"2","running":"1000.00"},
    "members":[{"value":"2912345678901","scheme":"card","entry":"msr","active":false},
    {"token":"00ff00ff00ff00ff00ff00ff00ff00ff","entry":"lookup","sale_uid":"u-1"}],
    "links":[{"rel":"returns","register":"2","business_day":"2026-11-20","uid":"u-0"}],"till_points":{"awarded":"3"}}}
    """#.split(separator: "\n").joined()

@Suite struct TillEvents {
    private func decode(_ text: String) throws(TillLineProblem) -> TillEvent { try decoder.decode(Array(text.utf8)) }

    private func problem(_ text: String, _ location: SourceLocation = #_sourceLocation) -> TillLineProblem? {
        #expect(throws: TillLineProblem.self, sourceLocation: location) { try decode(text) }
    }

    @Test func readsTheEnvelope() throws {
        let event = try decode(fullSale)
        #expect(event.identity == EventIdentity(source: "300/30001", epoch: "b", id: "e-77"))
        #expect(event.sequence == .max)
        #expect(event.time == (try Timestamp("2026-11-22T08:30:00.25Z")))
        #expect(event.businessDay == (try CalendarDate("2026-11-21")))
        #expect(event.training)
        #expect(!event.replay)
        let plain = try decode(saleLine(id: "x"))
        #expect(plain.identity.epoch == "0")
        #expect(plain.sequence == nil)
        #expect(plain.businessDay == nil)
        #expect(!plain.training)
    }

    /// Sequences are kept over a stop, so a card must not become one.
    @Test func aPaymentCardIsNoSequence() throws {
        let event = try decode(fullSale.replacing("18446744073709551615", with: "4111111111111111"))
        #expect(event.sequence == nil)
    }

    @Test func readsASale() throws {
        let event = try decode(fullSale)
        guard case .sale(.complete, let sale) = event.content else {
            Issue.record("not a completed sale")
            return
        }
        let euro = try Currency("EUR")
        #expect(sale.uid == "u-1")
        #expect(sale.lines.first?.brand == "Acme")
        #expect(sale.lines.first?.tags == ["school", "blue"])
        #expect(sale.tenders.first?.name == "euro")
        #expect(sale.number == "0042")
        #expect(sale.receipt == "R0042")
        #expect(sale.revision == 2)
        #expect(sale.kind == .mixed)
        #expect(sale.operatorID == "7")
        #expect(sale.pricesIncludeTax == true)
        #expect(sale.totals.grand == Money(minorUnits: 199, euro))
        #expect(sale.totals.running == Money(minorUnits: 100_000, euro))
        #expect(sale.discounts == [SaleDiscount(amount: Money(minorUnits: 500, euro), source: .manual)])
        #expect(sale.tenders.first?.change == Money(minorUnits: 301, euro))
        #expect(sale.links.first?.relation == .returns)
        #expect(sale.links.first?.businessDay == (try CalendarDate("2026-11-20")))
    }

    @Test func readsTheLines() throws {
        let event = try decode(fullSale)
        guard case .sale(_, let sale) = event.content, let pen = sale.lines.first, let fruit = sale.lines.last else {
            Issue.record("no lines")
            return
        }
        let euro = try Currency("EUR")
        #expect(pen.code == ProductCode(value: "4006381333931", scheme: .gtin))
        #expect(pen.department == ["Home", "Paper"])
        #expect(pen.unitPrice == (try DecimalNumber("1.495")))
        #expect(pen.listPrice == .one)
        #expect(pen.amount == Money(minorUnits: 299, euro))
        #expect(pen.discounts.first?.code == "SPRING")
        #expect(pen.taxes.first?.percent == DecimalNumber(19))
        #expect(pen.earn == .onlyQuantity)
        #expect(fruit.code == ProductCode(value: "0007", scheme: .plu))
        #expect(fruit.quantity == (try DecimalNumber("-0.127")))
        #expect(fruit.voids == "1")
        #expect(fruit.voided)
        #expect(fruit.returned?.link?.relation == .returns)
        #expect(fruit.returned?.link?.line == "3")
        #expect(fruit.returned?.receipt == .with)
    }

    @Test func cardsOfTheTillTravelBesideTheSale() throws {
        let cards = try decode(fullSale).cards
        #expect(cards.count == 2)
        #expect(cards.first?.value == CardNumber("2912345678901").map { .number($0) })
        #expect(cards.first?.entry == .msr)
        #expect(cards.first?.active == false)
        #expect(cards.last?.value == .token("00ff00ff00ff00ff00ff00ff00ff00ff"))
        #expect(cards.last?.saleUID == "u-1")
    }

    @Test(arguments: [
        "v", "type", "id", "source", "time", "sale", "store", "register", "number", "kind", "state", "currency",
        "lines", "totals", "grand", "qty", "uom", "amount",
    ])
    func requiredFieldsAreRequired(key: String) throws {
        let damaged = fullSale.replacing("\"\(key)\":", with: "\"x\(key)\":", maxReplacements: 1)
        let problem = problem(damaged)
        #expect(problem?.error.code == .tillMissingField)
        #expect(problem?.error.message.contains("\"\(key)\"") == true)
        #expect(problem?.acknowledges == (key == "id" ? "" : "e-77"))
        let null = fullSale.replacing("\"\(key)\":", with: "\"\(key)\":null,\"x\":", maxReplacements: 1)
        #expect(self.problem(null)?.error.code == .tillMissingField)
    }

    @Test(arguments: [
        (#""qty":"2""#, #""qty":2.0"#), (#""amount":"2.990""#, #""amount":2.99"#),
        (#""amount":"2.990""#, #""amount":"2.991""#), (#""amount":"2.990""#, #""amount":"2,99""#),
        (#""amount":"2.990""#, #""amount":"99999999999999999999""#), (#""amount":"2.990""#, #""amount":true"#),
        (#"00.25+01:00""#, #"00.25""#), (#""2026-11-21""#, #""2026-02-30""#), (#""EUR""#, #""eur""#),
        (#""seq":18446744073709551615"#, #""seq":-1"#), (#""seq":18446744073709551615"#, #""seq":"1""#),
        (#""kind":"mixed""#, #""kind":"party""#), (#""training":true"#, #""training":"true""#),
        (#""rev":2"#, #""rev":"2""#), (#""04006381333931""#, #""0400638133393X""#),
        (#""04006381333931""#, #""0000""#), (#""04006381333931""#, #""104006381333931""#),
        (#""number":"0042""#, #""number":42"#), (#""number":"0042""#, #""number":"\n42""#),
        (#""id":"2""#, #""id":"1""#),
        (#""rel":"returns""#, #""rel":"loves""#), (#"[{"rel""#, #"{"a":[{"rel""#), (#""Home""#, #"1"#),
        (#""00ff00ff00ff00ff00ff00ff00ff00ff""#, #""00FF00ff00ff00ff00ff00ff00ff00ff""#),
        (#""00ff00ff00ff00ff00ff00ff00ff00ff""#, #""00000000000000004111111111111111""#),
    ])
    func wrongValuesAreRefusedWithTheirPlace(sound: String, broken: String) {
        var damaged = fullSale.replacing(sound, with: broken, maxReplacements: 1)
        if broken.hasPrefix("{\"a\"") { damaged = damaged.replacing(#""u-0"}]"#, with: #""u-0"}]}"#) }
        let problem = problem(damaged)
        #expect(problem?.error.code == .tillBadField)
        #expect(problem?.column ?? 0 > 1)
        #expect(problem?.error.place?.path?.isEmpty == false)
        #expect(problem?.answer(.quarantined).column == problem?.column)
    }

    @Test func theColumnPointsAtTheValue() {
        let text = saleLine(id: "x").replacing(#""grand":"0""#, with: #""grand":"zero""#)
        let column = text.utf8.firstRange(of: #""zero""#.utf8).map {
            text.utf8.distance(from: text.startIndex, to: $0.lowerBound) + 1
        }
        #expect(problem(text)?.column == column)
    }

    @Test func anUnfinishedSaleIsNeverCompleted() {
        for state in ["open", "suspended", "cancelled", "voided"] {
            let text = saleLine(id: "x").replacing("\"completed\"", with: "\"\(state)\"")
            #expect(problem(text)?.error.code == .tillBadField)
        }
        for verb in ["open", "update", "suspend", "resume", "tender", "cancel"] {
            let text = saleLine(id: "x").replacing("sale.complete", with: "sale.\(verb)")
            #expect(problem(text)?.error.code == .tillBadField)
            let open = text.replacing("\"completed\"", with: "\"open\"")
            #expect(throws: Never.self) { try decode(open) }
        }
    }

    @Test func versionAndTypeHaveCodesOfTheirOwn() {
        #expect(problem(saleLine(id: "x").replacing("\"v\":1", with: "\"v\":2"))?.error.code == .tillVersion)
        #expect(problem(saleLine(id: "x").replacing("\"v\":1", with: "\"v\":\"1\""))?.error.code == .tillVersion)
        let strange = problem(saleLine(id: "x").replacing("sale.complete", with: "sale.explode"))
        #expect(strange?.error.code == .tillUnknownType)
        #expect(strange?.acknowledges == "x")
        #expect(problem("{\"v\":1")?.error.code == .tillBadJSON)
        #expect(problem("[1]")?.error.code == .tillBadJSON)
    }

    @Test(arguments: [
        ("id", 128), ("source", 128), ("epoch", 64), ("number", 64), ("uid", 128), ("receipt", 128), ("name", 1024),
    ])
    func textsAreBounded(key: String, limit: Int) throws {
        let pattern = try Regex(#""\#(key)":"[^"]*""#)
        for (length, isAllowed) in [(limit, true), (limit + 1, false)] {
            let long = String(repeating: "x", count: length)
            let text = fullSale.replacing(pattern, with: "\"\(key)\":\"\(long)\"", maxReplacements: 1)
            if isAllowed {
                #expect(throws: Never.self) { try decode(text) }
            } else {
                #expect(problem(text)?.error.code == .tillTooLong)
            }
        }
    }

    @Test func aLineBeyondTheLimitIsRefused() {
        let long = [UInt8](repeating: UInt8(ascii: " "), count: TillEventDecoder.maximumLineLength + 1)
        let problem = #expect(throws: TillLineProblem.self) { try decoder.decode(long) }
        #expect(problem?.error.code == .tillLineTooLong)
        #expect(throws: Never.self) {
            let line = Array(saleLine(id: "x").utf8)
            _ = try decoder.decode(line + long.dropLast(line.count + 1))
        }
    }

    @Test func aSaleNamesTheRewardsThatItSpentPointsOn() throws {
        let redeem =
            #""redeem":[{"reward":"voucher","points":"500","amount":"5.00"},{"reward":"mug","points":80}],"totals":"#
        let event = try decode(fullSale.replacing(#""totals":"#, with: redeem, maxReplacements: 1))
        guard case .sale(_, let sale) = event.content else { return }
        #expect(sale.spentOn.map(\.reward) == ["voucher", "mug"])
        #expect(sale.spentOn.map { "\($0.points)" } == ["500", "80"])
        #expect(sale.spentOn.map { $0.amount?.description } == ["5.00 EUR", nil])
    }

    @Test(arguments: [
        #"{"reward":"voucher","points":"0"}"#, #"{"reward":"voucher","points":"-5"}"#, #"{"points":"5"}"#,
    ])
    func aRewardForNothingIsRefused(entry: String) throws {
        let line = fullSale.replacing(#""totals":"#, with: #""redeem":[\#(entry)],"totals":"#, maxReplacements: 1)
        #expect(throws: TillLineProblem.self) { try decode(line) }
    }

    @Test func aQuestionCarriesItsBasket() throws {
        let basket =
            #"{"store":"300","register":"1","number":"7","kind":"sale","state":"open","currency":"EUR","lines":[],"totals":{"grand":"0"}}"#
        let line =
            #"{"v":1,"type":"reward.query","id":"1","source":"s","time":"2026-11-22T09:30:00Z","sale":\#(basket)}"#
        guard case .rewards(nil, let sale?) = try decode(line).content else {
            Issue.record("no basket")
            return
        }
        #expect(sale.number == "7")
        #expect(throws: TillLineProblem.self) { try decode(line.replacing(#""open""#, with: #""completed""#)) }
    }

    @Test func anEmptyOptionalTextIsAbsent() throws {
        let event = try decode(fullSale.replacing(#""uid":"u-1""#, with: #""uid":"""#))
        guard case .sale(_, let sale) = event.content else { return }
        #expect(sale.uid == nil)
    }

    @Test(arguments: [
        ("card.remove", TillEvent.Content.card(.remove, nil)), ("member.query", .card(.memberQuery, nil)),
        ("points.query", .card(.pointsQuery, nil)), ("reward.query", .rewards(nil, nil)),
        ("control.signon", .control(.signon)),
        ("control.heartbeat", .control(.heartbeat)), ("control.nosale", .control(.nosale)),
    ])
    func otherEventsNeedNoBody(type: String, content: TillEvent.Content) throws {
        let line = #"{"v":1,"type":"\#(type)","id":"1","source":"s","time":"2026-11-22T09:30:00Z"}"#
        #expect(try decode(line).content == content)
    }
}
