import CardReading
import LoyaltyModel
import Testing
import TillFeed

/// A well-known test number of a payment network; it belongs to nobody.
private let payment = "4111111111111111"
private let loyalty = "2912345678901"

@Suite struct PaymentCards {
    private func decode(_ text: String) throws(TillLineProblem) -> TillEvent { try decoder.decode(Array(text.utf8)) }

    private func line(_ fields: String = "", sale: String = "", line: String = "") -> String {
        #"{"v":1,"type":"sale.complete","id":"e","source":"s","time":"2026-11-22T09:30:00Z"\#(fields),"#
            + #""sale":{"store":"1","register":"1","number":"7","kind":"sale","state":"completed","currency":"EUR","#
            + #""lines":[{"id":"1","kind":"item","qty":"1","uom":"ea","amount":"1"\#(line)}],"totals":{"grand":"1"}\#(sale)}}"#
    }

    @Test func inAnIdentityItIsRefusedAndNotRepeated() {
        let lines = [
            line().replacing(#""id":"e""#, with: #""id":"\#(payment)""#),
            line().replacing(#""source":"s""#, with: #""source":"\#(payment)""#),
            line().replacing(#""number":"7""#, with: #""number":"\#(payment)""#),
            line().replacing(#""id":"1","#, with: #""id":"\#(payment)","#),
            line(sale: #","uid":"\#(payment)""#), line(sale: #","receipt":"\#(payment)""#),
            line(sale: #","operator":{"id":"\#(payment)"}"#),
            line(sale: #","links":[{"rel":"voids","number":"\#(payment)"}]"#),
            line(sale: #","links":[{"rel":"voids","uid":"\#(payment)"}]"#), line(line: #","voids":"\#(payment)""#),
            line(line: #","code":{"value":"\#(payment)","scheme":"sku"}"#),
            line(line: #","return":{"link":{"line":"\#(payment)"}}"#),
        ]
        for text in lines {
            let problem = #expect(throws: TillLineProblem.self) { try decode(text) }
            #expect(problem?.error.code == .tillPaymentCard)
            #expect(problem?.acknowledges != payment)
            #expect(problem?.column ?? 0 > 1)
            #expect("\(String(describing: problem))".contains("4111") == false)
        }
    }

    @Test func inFreeTextItIsReplacedAndTheSaleGoesOn() throws {
        let texts = [
            line(line: #","name":"Card \#(payment) x""#), line(line: #","dept":["\#(payment)"]"#),
            line(sale: #","discounts":[{"id":"\#(payment)","amount":"1","source":"till","code":"\#(payment)"}]"#),
            line(sale: #","tenders":[{"id":"\#(payment)","kind":"card","amount":"1"}]"#),
            line(line: #","return":{"reason":"\#(payment)"}"#),
        ]
        for text in texts {
            let event = try decode(text)
            #expect(!"\(event)".contains("4111"))
            #expect("\(event)".contains("[card]"))
        }
    }

    /// One product code in ten passes the Luhn test: they are never taken for cards.
    @Test func aProductCodeIsNoCard() throws {
        #expect(throws: Never.self) { try decode(line(line: #","code":{"value":"4006381333931","scheme":"gtin"}"#)) }
        #expect(throws: Never.self) { try decode(line(line: #","code":{"value":"41111111111111","scheme":"gtin"}"#)) }
    }

    @Test func asACardItIsForgottenAndOnlyTheReasonStays() throws {
        let present =
            #"{"v":1,"type":"card.present","id":"e","source":"s","time":"2026-11-22T09:30:00Z","card":{"value":"\#(payment)","entry":"keyed"}}"#
        let event = try decode(present)
        #expect(event.content == .card(.present, PresentedCard(value: .refused(.paymentCard), entry: .keyed)))
        #expect(!"\(event)".contains("4111"))
        let member = try decode(line(sale: #","members":[{"value":"\#(payment)"}]"#))
        #expect(member.cards == [PresentedCard(value: .refused(.paymentCard), entry: .till)])
    }

    /// Whatever is wrong with a line, what is kept of it shows no card.
    @Test func aRefusedLineIsKeptWithoutCards() {
        let cards = #","members":[{"value":"\#(loyalty)"},{"vlaue":"29-77","value":"x"}]"#
        let broken = [
            line(sale: cards).replacing(#""grand":"1""#, with: #""grand":1.5"#),
            line(sale: cards).replacing(#""grand":"1""#, with: #""grand":{"value":29123}"#),
            line(sale: cards).replacing(#""v":1"#, with: #""v":2"#),
            line(#","card":{"value":29123,"token":["29123"]}"#).replacing(#""v":1"#, with: #""v":2"#),
            line(sale: #","members":[{"value":"\#(loyalty)"},{"value":"29-77"}]"#) + "}",
            String(line(sale: #","members":[{"token":"29-77"}]"#).dropLast(2)),
            #"{"v":1,"card":{"value": "\#(loyalty)\"29123"#, #"{"v":1,"card":{"value":29123"#,
            #"{"v":1,"track":"\#(loyalty)"#, #"%B\#(payment)^DOE/J^9912101?"#, #"{"a":"2912 3456 7890 1"#,
            #"{"a":"\u0032\u0039\u0031\u0032\u0033\u0034\u0035\u0036\u0037\u0038"#,
        ]
        for text in broken {
            let problem = #expect(throws: TillLineProblem.self) { try decode(text) }
            let shown = "\(String(describing: problem))"
            #expect(!shown.contains("2912"), "\(shown)")
            #expect(!shown.contains("29-77"), "\(shown)")
            #expect(!shown.contains("4111"), "\(shown)")
            #expect(!shown.contains("u0032"), "\(shown)")
            #expect(problem?.redactedLine.isEmpty == false)
        }
    }

    /// The same through the daemon's own screen.
    @Test func theDaemonsScreenJudgesAlike() throws {
        let scheme = CardScheme(name: "club", prefix: "29", lengths: 13...13)
        let decoder = TillEventDecoder(screening: CardScreening(classifier: try CardClassifier(schemes: [scheme])))
        let refused = #expect(throws: TillLineProblem.self) {
            try decoder.decode(Array(line(sale: #","receipt":"\#(payment)""#).utf8))
        }
        #expect(refused?.error.code == .tillPaymentCard)
        let text = line(
            sale: #","members":[{"value":"\#(loyalty)"},{"value":"\#(payment)"}],"discounts":"#
                + #"[{"amount":"1","source":"coupon","code":"20261122001"}]"#,
            line: #","name":"Card \#(payment)""#
        )
        let event = try decoder.decode(Array(text.utf8))
        #expect(event.cards.map(\.value) == [CardNumber(loyalty).map { .number($0) }, .refused(.paymentCard)])
        guard case .sale(_, let sale) = event.content else { return }
        #expect(sale.lines.first?.name == "Card ################")
        #expect(sale.discounts.first?.code == "20261122001")
    }

    @Test func whatIsNoCardStaysReadable() {
        let text = line(sale: #","uid":"a-17","opened_at":"2026-11-22T09:30:00.123456Z","totals":{"grand":"12.50"}"#)
        let problem = #expect(throws: TillLineProblem.self) { try decode(text) }
        #expect(problem?.redactedLine == text)
        let wrong = #"{"v":2,"id":"a\"\\\n","n":[1,-2.5,true,null,"2026-11-22"]}"#
        let second = #expect(throws: TillLineProblem.self) { try decode(wrong) }
        #expect(second?.redactedLine == wrong.replacing(#"\n"#, with: #"\u000a"#))
    }

    @Test func whatIsKeptIsBounded() {
        let long = #"{"v":2,"a":""# + String(repeating: "1", count: 500_000) + String(repeating: "x y", count: 20_000)
        for text in [long, long + "\"}"] {
            let problem = #expect(throws: TillLineProblem.self) { try decode(text) }
            #expect(problem?.redactedLine.utf8.count ?? 0 <= 16_500)
            #expect(problem?.redactedLine.contains("11") == false)
        }
    }
}
