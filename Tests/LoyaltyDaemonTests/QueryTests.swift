import LoyaltyModel
import Storage
import Testing

@testable import LoyaltyDaemon

/// `member.query` and `points.query`: what the basket would earn now, and nothing changes.
@Suite struct QueryTests {
    @Test func theBasketAtTheCounterWithItsCard() async throws {
        let bench = try await Bench()
        _ = try await bench.sale("sale.open", "a", "3.00")
        await bench.scan(Bench.card)
        _ = try await bench.sale("sale.update", "a", "7.00")
        let answer = try await bench.send("points.query", "q")
        #expect(answer.result == .accepted)
        #expect(answer.points?.earned.description == "7")
        #expect(answer.member?.id == "m1")
        #expect(answer.sale == nil)
        // Exactly what is then given.
        #expect(try await bench.sale("sale.complete", "a", "7.00").points?.earned.description == "7")
    }

    @Test func withoutACardItSaysWhatACardWouldEarn() async throws {
        let bench = try await Bench()
        _ = try await bench.sale("sale.open", "a", "3.00")
        let answer = try await bench.send("points.query", "q")
        #expect(answer.points?.earned.description == "3")
        #expect(answer.member == nil)
    }

    @Test func theBasketInTheEventWithTheCardThatWaits() async throws {
        let bench = try await Bench()
        await bench.scan(Bench.card)
        let answer = try await bench.send("points.query", "q", Bench.basket("a", "9.00"))
        #expect(answer.points?.earned.description == "9")
        #expect(answer.member?.id == "m1")
    }

    @Test func aCardInTheEventIsTheOneAskedFor() async throws {
        let bench = try await Bench()
        try await bench.add(Member(id: MemberID("m2"), status: .active), card: "2984000000032")
        await bench.scan(Bench.card)
        let card = #","card":{"value":"2984000000032"}"#
        #expect(try await bench.send("points.query", "q", Bench.basket("a", "9.00") + card).member?.id == "m2")
        #expect(try await bench.send("member.query", "r", card).member?.id == "m2")
        #expect(try await bench.send("member.query", "s").member?.id == "m1", "whose card waits for the basket")
    }

    /// Ten questions, about every basket there is, and the sale is what it would have been.
    @Test func askingChangesNothing() async throws {
        let bench = try await Bench()
        _ = try await bench.sale("sale.open", "a", "3.00")
        await bench.scan(Bench.card)
        for number in 0..<10 {
            _ = try await bench.send(
                "points.query", "q\(number)", number.isMultiple(of: 2) ? "" : Bench.basket("b", "50.00"))
            _ = try await bench.send("member.query", "m\(number)", #","card":{"value":"2984000000032"}"#)
        }
        #expect(try await SalesRegister(bench.database).recent(limit: 5).isEmpty)
        let answer = try await bench.sale("sale.complete", "a", "3.00")
        #expect(answer.points?.earned.description == "3")
        #expect(answer.member?.id == "m1")
        #expect(answer.flags == [])
        #expect(try await bench.sale("sale.complete", "b", "50.00").member == nil)
    }

    @Test(arguments: ["sale.suspend", "sale.cancel"])
    func aBasketThatIsGoneIsNotAnswered(_ end: String) async throws {
        let bench = try await Bench()
        _ = try await bench.sale("sale.open", "a", "3.00")
        await bench.scan(Bench.card)
        _ = try await bench.sale(end, "a", "3.00")
        #expect(try await bench.send("points.query", "q").points == nil)
    }

    /// The terminal's own books, not the member file alone.
    @Test func bothQuestionsSayWhatTheMemberHasNow() async throws {
        let bench = try await Bench()
        _ = try await bench.sale("sale.open", "a", "7.00")
        await bench.scan(Bench.card)
        #expect(try await bench.sale("sale.complete", "a", "7.00").points?.available?.description == "7")
        let card = #","card":{"value":"\#(Bench.card)"}"#
        let member = try await bench.send("member.query", "q", card)
        #expect(member.points?.available?.description == "7")
        #expect(member.points?.earned.description == "0")
        let basket = try await bench.send("points.query", "r", Bench.basket("b", "5.00") + card)
        #expect(basket.points?.available?.description == "7" && basket.points?.earned.description == "5")
    }

    @Test func aFinishedBasketIsNoQuestion() async throws {
        let bench = try await Bench()
        await #expect(throws: (any Error).self) {
            try await bench.send("points.query", "q", Bench.basket("a", "9.00", state: "completed"))
        }
    }
}
