import LoyaltyModel
import Testing

/// The published test number of one network, used as the one payment card of these tests.
private let paymentCard = "4111111111111111"

private func check(_ row: MemberRow) throws(LoyaltyError) -> MemberChange {
    try row.change { $0 == paymentCard }
}

@Suite("Rows of member files")
struct MemberRowTests {
    @Test("A full row becomes the member it describes")
    func full() throws {
        var row = MemberRow(id: "m-1", cards: ["036000291452", "0036000291452", "7001"])
        row.status = "replaced"
        row.replacedBy = "m-2"
        row.tier = "gold"
        row.segments = ["family", "wine"]
        row.entitlements = ["plus:2024-01-01:2024-12-31", "staff", "parking::2024-06-30"]
        row.birthday = "1984-02-29"
        row.household = "h-9"
        row.balance = "120.5"
        row.asOf = "2024-05-14T06:00:00Z"
        row.greeting = "Grüß Gott"
        var member = Member(id: MemberID("m-1"), status: .replaced(by: MemberID("m-2")), tier: "gold")
        member.segments = ["family", "wine"]
        member.entitlements = [
            .init(name: "plus", from: try CalendarDate("2024-01-01"), to: try CalendarDate("2024-12-31")),
            .init(name: "staff"), .init(name: "parking", to: try CalendarDate("2024-06-30")),
        ]
        member.birthday = try MonthDay("02-29")
        member.household = "h-9"
        member.balance = try Points("120.5")
        member.balanceAsOf = try Timestamp("2024-05-14T06:00:00Z")
        member.greeting = "Grüß Gott"
        guard case .upsert(let record) = try check(row) else {
            Issue.record("not an upsert")
            return
        }
        #expect(record.member == member)
        // UPC-A and its EAN-13 form are one card.
        #expect(record.cards.map(\.value) == ["0036000291452", "7001"])
    }

    @Test("A household of zeros is none", arguments: [("0", nil), ("000000", nil), ("100", "100"), ("0a", "0a")])
    func householdOfZeros(_ text: String, _ household: String?) throws {
        var row = MemberRow(id: "m-1")
        row.household = text
        guard case .upsert(let record) = try check(row) else {
            Issue.record("not an upsert")
            return
        }
        #expect(record.member.household == household)
    }

    @Test("A member needs no more than a name; empty fields are no fields")
    func least() throws {
        var row = MemberRow(id: "m")
        row.status = ""
        row.balance = ""
        row.birthday = ""
        row.operation = ""
        let change = try check(row)
        #expect(change == .upsert(MemberRecord(member: Member(id: MemberID("m")), cards: [])))
        row.operation = "delete"
        row.status = "whatever"
        let deletion = try check(row)
        #expect(deletion == .delete(MemberID("m")))
    }

    @Test(
        "What hangs on a member besides his cards: since when, by whom, for whom, and numbers elsewhere as they stand")
    func relations() throws {
        var row = MemberRow(id: "m")
        row.joined = "2024-02-29"
        row.referrer = "ann"
        row.beneficiary = "hospice"
        // Twelve digits with a good check digit: a card of this kind would get a zero in front.
        row.partners = ["airline:036000291452", "hotel:AB 12:3"]
        guard case .upsert(let record) = try check(row) else {
            Issue.record("no upsert")
            return
        }
        #expect(record.member.joined == (try CalendarDate("2024-02-29")))
        #expect(record.member.referrer == MemberID("ann"))
        #expect(record.member.beneficiary == "hospice")
        #expect(record.partners.mapValues(\.value) == ["airline": "036000291452", "hotel": "AB 12:3"])
        row.partners = ["airline:\(paymentCard)"]
        #expect(throws: LoyaltyError.self) { try check(row) }
    }

    static let bad: [(MemberRow.Field, String)] = [
        (.id, ""), (.id, " m"), (.id, "m\n1"), (.id, String(repeating: "x", count: 65)), (.cards, "kärte"),
        (.cards, ""),
        (.cards, String(repeating: "7", count: 65)), (.status, "gone"), (.status, "replaced"), (.replacedBy, "m2"),
        (.entitlements, ":2024-01-01"), (.entitlements, "plus:soon"), (.entitlements, "a:b:c:d"),
        (.entitlements, "plus:2024-02-01:2024-01-01"), (.birthday, "02-30"), (.birthday, "2023-02-29"),
        (.birthday, "29.02."), (.balance, "12,5"), (.balance, "1e3"), (.balance, "1.1234567"), (.asOf, "yesterday"),
        (.operation, "remove"), (.tier, "gold\u{0}"), (.greeting, String(repeating: "x", count: 257)),
        (.joined, "2024-02-30"), (.referrer, "m"), (.referrer, " x"), (.beneficiary, "a\nb"), (.partners, "airline"),
        (.partners, ":123"), (.partners, "airline:"), (.partners, "airline: 12"),
    ]

    @Test("A bad field is named, and its content is not repeated", arguments: bad)
    func badField(_ field: MemberRow.Field, _ value: String) throws {
        var row = MemberRow(id: "m")
        switch field {
        case .id: row.id = value
        case .cards: row.cards = [value]
        case .status: row.status = value
        case .replacedBy: row.replacedBy = value
        case .tier: row.tier = value
        case .segments: row.segments = [value]
        case .entitlements: row.entitlements = [value]
        case .birthday: row.birthday = value
        case .household: row.household = value
        case .balance: row.balance = value
        case .asOf: row.asOf = value
        case .greeting: row.greeting = value
        case .joined: row.joined = value
        case .referrer: row.referrer = value
        case .beneficiary: row.beneficiary = value
        case .partners: row.partners = [value]
        case .operation: row.operation = value
        }
        let error = #expect(throws: LoyaltyError.self) { try check(row) }
        #expect(error?.code == .memberBadField)
        let expected = field == .status && value == "replaced" ? .replacedBy : field
        #expect(error?.place?.path == expected.rawValue)
    }

    @Test("A payment card is refused, and neither the error nor the row shows a digit of it")
    func payment() throws {
        let row = MemberRow(id: "m", cards: ["7001", paymentCard])
        let error = try #require(#expect(throws: LoyaltyError.self) { try check(row) })
        #expect(error.code == .memberPaymentCard)
        #expect(!error.description.contains("1111"))
        for text in ["\(row)", String(reflecting: row), "\(Mirror(reflecting: row).children.map { "\($0)" })"] {
            #expect(!text.contains("1111"))
            #expect(!text.contains("7001"))
        }
    }

    /// Judged by a screen that takes everything for a card.
    private func judged(_ row: MemberRow) throws(LoyaltyError) -> MemberChange { try row.change { _ in true } }

    /// Shopify's customers have 13 digits, and one in ten of them would pass for a card of Maestro.
    @Test(arguments: ["6083548234004", "608354823401"]) func whatABackEndCountsIsNoCard(id: String) throws {
        #expect(try judged(MemberRow(id: id)).id == MemberID(id))
        var row = MemberRow(id: "1")
        (row.status, row.replacedBy, row.household, row.referrer) = ("replaced", id, id, id)
        guard case .upsert(let record) = try judged(row) else {
            Issue.record("not an upsert")
            return
        }
        #expect(record.member.status == .replaced(by: MemberID(id)))
        row.greeting = id
        #expect(#expect(throws: LoyaltyError.self) { try judged(row) }?.place?.path == "greeting")
        let card = MemberRow(id: "1", cards: [id])
        #expect(#expect(throws: LoyaltyError.self) { try judged(card) }?.code == .memberPaymentCard)
    }

    /// Diners Club and American Express; one in groups, and one in other digits.
    @Test(arguments: ["30569309025904", "378282246310005", "6083-5482-3401", "６０８３５４８２３４００４"])
    func otherIdentifiersAreJudged(id: String) {
        #expect(#expect(throws: LoyaltyError.self) { try judged(MemberRow(id: id)) }?.place?.path == "id")
        var row = MemberRow(id: "1")
        row.household = id
        #expect(#expect(throws: LoyaltyError.self) { try judged(row) }?.place?.path == "household")
    }
}
