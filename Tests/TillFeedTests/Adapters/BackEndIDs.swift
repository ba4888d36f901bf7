import CardReading
import LoyaltyModel
import Testing

@testable import TillFeed

/// What a back end counts up is no payment card, whatever its digits; with the screen of the daemon.
@Suite struct BackEndIDs {
    private let strict: TillEventDecoder

    init() throws {
        strict = TillEventDecoder(screening: CardScreening(classifier: try CardClassifier(schemes: [])))
    }

    private func events(_ text: String, _ dialect: TillDialect) throws -> [ConvertedEvent] {
        var settings = try documentSettings()
        settings.register = "1"
        var reader = try #require(try dialect.reader(settings, decoder: strict))
        return try (reader.append(Array(text.utf8)) + reader.finish()).map { document in
            switch document.outcome {
            case .event(let event):
                // The event is a line of the protocol, and the same there.
                var again = try strict.decode(Array(event.line.utf8))
                again.flags = event.flags
                var kept = event.event
                kept.cards.removeAll { $0.value == .refused(.paymentCard) }
                #expect(again == kept)
                return event
            case .problem(let problem): throw problem.error
            }
        }
    }

    private func sale(_ event: ConvertedEvent?) throws -> Sale {
        guard case .sale(_, let sale) = try #require(event).event.content else { throw TestClient.Failure(number: 0) }
        return sale
    }

    private func shopify(
        order: String = "1", customer: String = "2", line: String = "3", refund: String = "4", more: String = ""
    ) -> String {
        """
        {"id":\(order),"order_number":1,"created_at":"2024-01-10T11:00:00Z","currency":"USD","financial_status":"paid","total_price":"1.00",
        "customer":{"id":\(customer)}\(more),
        "line_items":[{"id":\(line),"variant_id":\(line),"quantity":1,"price":"1.00"}],
        "refunds":[{"id":\(refund),"created_at":"2024-01-11T11:00:00Z","refund_line_items":[{"id":\(refund),"line_item_id":\(line),"quantity":1,"subtotal":"1.00"}]}]}
        """
    }

    /// Each passes for a card of Maestro or Visa: by prefix, length and Luhn digit.
    @Test(arguments: ["6083548234004", "4083548234006", "5883548234016", "59835482340014", "\"6083548234004\""])
    func anOrderAndItsRefundCountAndFindEachOther(id: String) throws {
        let events = try events(shopify(order: id, customer: id, line: id, refund: id), .shopify)
        let (sold, back) = (try sale(events.first), try sale(events.last))
        #expect(events.map(\.event.cards.count) == [1, 1])
        let uid = try #require(sold.uid)
        #expect(uid.replacing(":", with: "") == id.replacing("\"", with: ""))
        #expect(back.links == [SaleLink(relation: .returns, uid: uid)])
        #expect(back.lines.first?.returned?.link == SaleLink(relation: .returns, uid: uid, line: sold.lines.first?.id))
    }

    /// Ids that no screen takes for a card stay as they are.
    @Test(arguments: ["450789469", "6083548234005", "7083548234003"]) func otherIDsStayAsTheyAre(id: String) throws {
        #expect(try sale(try events(shopify(order: id), .shopify).first).uid == id)
    }

    /// The member file has the customer's number as Shopify writes it.
    @Test(arguments: ["6083548234004", "6083548234005"]) func theCustomerIsTheMemberOfThatNumber(id: String) throws {
        for event in try events(shopify(customer: id), .shopify) {
            let number = try #require(CardNumber(verbatim: id))
            #expect(event.event.cards == [PresentedCard(value: .number(number), kind: .memberID, entry: .lookup)])
        }
    }

    @Test(arguments: ["4111111111111111", "378282246310005"]) func aPaymentCardIsNoID(card: String) throws {
        for event in try events(shopify(order: card), .shopify) {
            #expect(event.flags.contains("id_left_out"))
            #expect(!event.line.contains(card))
        }
        #expect(throws: LoyaltyError.self) { try events(shopify(line: card), .shopify) }
        for event in try events(shopify(customer: card), .shopify) {
            #expect(
                event.event.cards == [PresentedCard(value: .refused(.paymentCard), kind: .memberID, entry: .lookup)])
            #expect(!event.line.contains(card))
        }
    }

    /// What people write is judged as ever, and so is a number that a till calls a member.
    @Test func aShortCardNumberInATextIsNoID() throws {
        for event in try events(shopify(more: ",\"name\":\"4083548234006\""), .shopify) {
            #expect(try sale(event).receipt == nil)
            #expect(!event.line.contains("4083548234006"))
        }
        for (scheme, entry) in [("member_id", "till"), ("card", "lookup"), ("phone", "lookup")] {
            let line =
                #"{"v":1,"type":"card.present","id":"e","source":"s","time":"2026-11-22T09:30:00Z","#
                + #""card":{"value":"4083548:234006","scheme":"\#(scheme)","entry":"\#(entry)"}}"#
            guard case .card(_, let card?) = try strict.decode(Array(line.utf8)).content else { return }
            #expect(card.value != CardNumber("4083548234006").map { .number($0) })
        }
    }

    @Test(arguments: [
        ("Order 50123-003-0014", "Order 50123:003:0014"), ("50123-003-0014", "50123:003:0014"),
        ("Order 00004-012-0003", "Order 00004-012-0003"),
    ])
    func anOrderOfOdooKeepsItsNumber(reference: String, number: String) throws {
        let text = """
            {"pos_reference":"\(reference)","uuid":"1c8f8a70-4000-4000-8000-408354823400","state":"paid","date_order":"2024-05-01 10:00:00",
            "amount_total":1,"lines":[{"id":1,"qty":1,"price_subtotal_incl":1}]}
            """
        let sale = try sale(try events(text, .odoo).first)
        #expect(sale.number == number)
        #expect(sale.receipt == number)
    }

    /// Not the groups of a session, a login and a sequence: those of a printed card.
    @Test(arguments: ["3056-930902-5904", "5012-3003-0014", "Order 4111-1111-1111-1111"])
    func aPrintedCardIsNoOrder(reference: String) {
        let text = """
            {"pos_reference":"\(reference)","state":"paid","date_order":"2024-05-01 10:00:00","amount_total":0,"lines":[]}
            """
        #expect(throws: LoyaltyError.self) { try events(text, .odoo) }
    }

    @Test func anUnluckyUUIDIsNoCard() {
        // The last group passes for a card of Maestro.
        let uuid = "1c8f8a70-1a2b-4b0c-9e0e-501230030014"
        #expect(strict.screening.containsPaymentCard(uuid))
        let harmless = BackEndID.harmless(uuid, strict.screening)
        #expect(!strict.screening.containsPaymentCard(harmless))
        #expect(harmless.replacing(":", with: "") == uuid.replacing("-", with: ""))
    }
}

/// Long numbers of tills that pass for payment cards and are none that anybody needs.
@Suite struct NumbersThatPassForCards {
    @Test func areLeftOutOfASaleThatCountsAllTheSame() throws {
        // Public test numbers of the card networks.
        let text = """
            <POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/"><Transaction><RetailStoreID>1</RetailStoreID>\
            <WorkstationID>2</WorkstationID><SequenceNumber>3</SequenceNumber><TransactionID>4111111111111111</TransactionID>\
            <ReceiptNumber>5555555555554444</ReceiptNumber><EndDateTime>2021-05-03T12:00:00Z</EndDateTime>\
            <CurrencyCode>EUR</CurrencyCode><RetailTransaction><LineItem><SequenceNumber>1</SequenceNumber><Sale>\
            <ItemID>4111111111111111</ItemID><ExtendedAmount>2.99</ExtendedAmount><Quantity>1</Quantity></Sale></LineItem>\
            <Total TotalType="TransactionGrandAmount">2.99</Total></RetailTransaction></Transaction></POSLog>
            """
        let documents = try convert(Array(text.utf8), .poslog, try documentSettings())
        guard case .event(let event) = try #require(documents.first).outcome,
            case .sale(_, let sale) = event.event.content
        else {
            Issue.record("\(documents)")
            return
        }
        #expect(sale.uid == nil && sale.receipt == nil && sale.lines.first?.code == nil)
        #expect(sale.totals.grand.minorUnits == 299)
        #expect(event.flags == ["id_left_out"])
        #expect(!event.line.contains("1111") && !event.line.contains("4444"))
    }
}
