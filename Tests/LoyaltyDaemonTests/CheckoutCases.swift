import LoyaltyModel
import Storage
import Testing
import TillFeed

@testable import LoyaltyDaemon

/// A till of register 1 that sends live events, at a lane with a real database.
extension Bench {
    /// A line of the till: `fields` come behind the envelope.
    func send(_ type: String, _ id: String, _ fields: String = "") async throws -> TillAnswer {
        clock.pass(seconds: 1)
        let line =
            #"{"v":1,"type":"\#(type)","id":"\#(id)","source":"1/1","time":"2025-11-24T16:00:00Z"\#(fields)}"#
        return await lanes.submit(try TillEventDecoder(screening: screening).decode(Array(line.utf8))).value
    }

    /// The basket of a sale: one line of an amount.
    static func basket(
        _ uid: String, _ amount: String, state: String = "open", more: String = ""
    ) -> String {
        let line =
            #"{"id":"1","kind":"item","code":{"value":"4711","scheme":"sku"},"qty":"1","uom":"ea","amount":"\#(amount)"}"#
        return #","sale":{"uid":"\#(uid)","store":"1","register":"1","number":"\#(uid)","kind":"sale","#
            + #""state":"\#(state)","currency":"EUR","lines":[\#(line)],"totals":{"grand":"\#(amount)"}\#(more)}"#
    }

    func sale(_ type: String, _ uid: String, _ amount: String = "5.00", more: String = "") async throws -> TillAnswer {
        let state = type == "sale.complete" ? "completed" : "open"
        return try await send(type, "\(type)-\(uid)", Self.basket(uid, amount, state: state, more: more))
    }

    func add(_ member: Member, card: String) async throws {
        let number = try #require(CardNumber(card))
        _ = try await MemberImport(database).apply(
            [.upsert(MemberRecord(member: member, cards: [number]))], generation: 2, snapshot: false)
    }

    func tally(_ name: String) async throws -> Int {
        // Counts ride on the next commit; this is one.
        try await Ledger(database).keepSequences([]).value
        return try await SalesRegister(database).figures(of: await lanes.today).counts[name] ?? 0
    }
}

/// The rows of docs/till-cases.md that need lane, cache and ledger together.
@Suite struct CheckoutCases {
    /// GS1 check digits worked out by hand: 3(9+4+0+0+0+0) + (2+8+0+0+0+0) ...
    private static let unknown = "2984000000025"
    private static let second = "2984000000032"

    @Test func anUnknownCardInAValidRangeEarnsUnverified() async throws {
        let bench = try await Bench()
        await bench.scan(Self.unknown)
        let answer = try await bench.sale("sale.complete", "a")
        #expect(answer.member?.unverified == true)
        #expect(answer.member?.id == nil)
        #expect(answer.points?.earned.description == "5")
    }

    @Test func aNumberOutsideAllRangesIsNoCard() async throws {
        let bench = try await Bench()
        await bench.scan("4006381333931")
        #expect(try await bench.sale("sale.complete", "a").member == nil)
        #expect(try await bench.tally("refused.not_a_loyalty_card") == 1)
    }

    @Test func aPaymentCardIsForgotten() async throws {
        let bench = try await Bench()
        // Visa's published test number.
        await bench.scan("4111111111111111")
        #expect(try await bench.sale("sale.complete", "a").member == nil)
        #expect(try await bench.tally("refused.payment_card") == 1)
    }

    @Test func aBlockedCardEarnsNothing() async throws {
        let bench = try await Bench()
        try await bench.add(Member(id: MemberID("m2"), status: .blocked), card: Self.second)
        let shown = try await bench.send("card.present", "c", #","card":{"value":"\#(Self.second)"}"#)
        #expect(shown.result == .rejected)
        #expect(shown.display == ["PLEASE ASK STAFF"])
        #expect(shown.member == nil)
        #expect(try await bench.sale("sale.complete", "a").member == nil)
        #expect(try await bench.tally("refused.blocked") == 1)
    }

    @Test func aReplacedCardEarnsForItsSuccessor() async throws {
        let bench = try await Bench()
        try await bench.add(
            Member(id: MemberID("old"), status: .replaced(by: MemberID("m1"))), card: Self.second)
        let shown = try await bench.send("card.present", "c", #","card":{"value":"\#(Self.second)"}"#)
        #expect(shown.display == ["NEW CARD: ASK STAFF"])
        #expect(try await bench.sale("sale.complete", "a").member?.id == "m1")
    }

    @Test func aSecondCardIsRecordedOnTheSale() async throws {
        let bench = try await Bench()
        try await bench.add(Member(id: MemberID("m2"), status: .active), card: Self.second)
        _ = try await bench.sale("sale.open", "a")
        await bench.scan(Bench.card)
        await bench.scan(Self.second)
        let answer = try await bench.sale("sale.complete", "a")
        #expect(answer.member?.id == "m2")
        #expect(answer.flags == ["second_card"])
    }

    @Test func aLateCardEarnsOnTheStoredSale() async throws {
        let bench = try await Bench()
        _ = try await bench.sale("sale.open", "a")
        let sale = try #require(try await bench.sale("sale.complete", "a").sale)
        await bench.scan(Bench.card)
        _ = try await bench.tally("test")
        let detail = try #require(try await SalesRegister(bench.database).detail(sale))
        #expect(detail.row.member == "m1")
        #expect(detail.row.flags.contains("late_card"))
        #expect(detail.row.points?.description == "5")
    }

    @Test func aPhoneNumberFindsItsMemberAndShowsThreeDigits() async throws {
        let bench = try await Bench()
        try await bench.add(Member(id: MemberID("m3"), status: .active), card: "4915112345678")
        let card = #","card":{"value":"4915112345678","scheme":"phone","entry":"keyed"}"#
        let shown = try await bench.send("card.present", "c", card)
        #expect(shown.member?.id == "m3")
        #expect(shown.member?.card == "…678")
        #expect(try await bench.sale("sale.complete", "a").member?.id == "m3")
    }

    @Test func aCashiersOwnCardEarnsNothingOnOwnSales() async throws {
        let bench = try await Bench("[[signs.staff]]\noperator = \"7\"\nmember = \"m1\"")
        await bench.scan(Bench.card)
        let own = try await bench.sale("sale.complete", "a", more: #","operator":{"id":"7"}"#)
        #expect(own.member == nil)
        #expect(own.points == nil)
        #expect(own.flags == [], "the till hears of no sign")
        await bench.scan(Bench.card)
        let other = try await bench.sale("sale.complete", "b", more: #","operator":{"id":"8"}"#)
        #expect(other.member?.id == "m1")
        #expect(try await bench.tally("sign.own_sale") == 1)
        let stored = try await SalesRegister(bench.database).detail(try #require(own.sale))
        #expect(stored?.row.flags == ["sign.own_sale"])
    }

    @Test func aTrainingSaleLeavesACount() async throws {
        let bench = try await Bench()
        await bench.scan(Bench.card)
        let fields = Bench.basket("t", "9.00", state: "completed") + #","training":true"#
        #expect(try await bench.send("sale.complete", "t", fields).code == "training")
        #expect(try await SalesRegister(bench.database).recent(limit: 5).isEmpty)
        #expect(try await bench.tally("event.training") == 1)
        // And the card that was read for it does not wait for the next customer.
        #expect(try await bench.sale("sale.complete", "a").member == nil)
    }

    @Test func aCopyOfAReceiptEarnsNothing() async throws {
        let bench = try await Bench()
        let first = try await bench.sale("sale.complete", "a")
        await bench.scan(Bench.card)
        let copy = try await bench.sale("sale.complete", "copy", more: #","links":[{"rel":"copy_of","uid":"a"}]"#)
        #expect(copy.result == .ignored)
        #expect(copy.code == "copy")
        #expect(try await SalesRegister(bench.database).recent(limit: 5).map(\.reference) == [first.sale])
    }
}

/// Signs of misuse, from the till's lines to the manager's page, and never back to the till.
@Suite struct SignsOfMisuse {
    private func uses(_ count: Int, _ bench: Bench) async throws -> [TillAnswer] {
        var answers: [TillAnswer] = []
        for number in 0..<count {
            bench.clock.pass(seconds: 600)
            await bench.scan(Bench.card)
            answers.append(
                try await bench.sale("sale.complete", "s\(number)", more: #","operator":{"id":"\#(number)"}"#))
        }
        return answers
    }

    @Test func areFlaggedOnTheSaleAndCounted() async throws {
        let bench = try await Bench()
        let answers = try await uses(4, bench)
        #expect(answers.allSatisfy { $0.flags == [] && $0.points?.earned.description == "5" })
        #expect(try await bench.tally("sign.card_often") == 1)
        let flags = try await SalesRegister(bench.database).recent(limit: 4).map(\.flags)
        #expect(flags == [["sign.card_often"], [], [], []])
    }

    @Test func areNotToldWhereTheSaleIsSentAgain() async throws {
        let bench = try await Bench()
        _ = try await uses(4, bench)
        _ = try await bench.tally("test")
        let more = #","operator":{"id":"3"}"#
        let again = try await bench.send(
            "sale.complete", "other", Bench.basket("s3", "5.00", state: "completed", more: more))
        #expect(again.result == .duplicate)
        #expect(again.flags == [])
        #expect(try await bench.tally("sign.card_often") == 1)
    }

    @Test func countAcrossARestart() async throws {
        let bench = try await Bench()
        _ = try await uses(3, bench)
        let next = bench.anotherLaneService()
        try await next.loadSigns()
        let line =
            #"{"v":1,"type":"sale.complete","id":"r","source":"1/1","time":"2025-11-24T16:00:00Z""#
            + Bench.basket("r", "5.00", state: "completed", more: #","members":[{"value":"\#(Bench.card)"}]"#) + "}"
        let decoder = TillEventDecoder(screening: bench.screening)
        _ = await next.submit(try decoder.decode(Array(line.utf8))).value
        #expect(try await bench.tally("sign.card_often") == 1)
    }

    @Test func aCardThatComesWhenPaymentHasBegun() async throws {
        let bench = try await Bench()
        _ = try await bench.sale("sale.open", "a")
        _ = try await bench.sale("sale.tender", "a")
        await bench.scan(Bench.card)
        _ = try await bench.sale("sale.complete", "a")
        #expect(try await bench.tally("sign.after_tender") == 1)
    }
}
