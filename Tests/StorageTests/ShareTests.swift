import EarnRules
import Foundation
import GRDB
import LoyaltyModel
import Testing

@testable import Storage

private let anna = "2984000000011"

/// What sales and actions give to others than their member, and what all goods of a sale decide together.
@Suite struct Shares {
    private static let program = """
        schema = 1
        program = "shares"
        currency = { points = { decimals = 0 } }
        rounding = { mode = "floor", scope = "basket", when = "after_multipliers" }

        [[beneficiary]]
        id = "hospice"
        name = "Hospice"
        default = true

        [[beneficiary]]
        id = "library"
        name = "Library"

        [[partner]]
        id = "airline"
        number = { length = [9], check = "mod7" }
        forward = true

        [[earn]]
        id = "base"
        amount = { points = "1", per = "1.00" }

        [[earn]]
        id = "charity"
        amount = { points = "1", per = "10.00" }
        recipient = "beneficiary"

        [[earn]]
        id = "recruiter"
        amount = { points = "1", per = "5.00" }
        recipient = "referrer"

        [[earn]]
        id = "big-basket"
        kind = "bonus"
        points = "50"
        when = { basket_at_least = "100.00" }
        returns = "revoke_if_unqualified"

        [[earn]]
        id = "survey"
        event = "survey.completed"
        kind = "bonus"
        points = "40"

        [[earn]]
        id = "survey-recruiter"
        event = "survey.completed"
        kind = "bonus"
        points = "7"
        recipient = "referrer"
        limit = { times = 1, per = "lifetime" }
        """

    private func terminal() async throws -> Terminal {
        let terminal = try Terminal(program: Self.program)
        var record = try member("anna", cards: anna)
        record.member.referrer = MemberID("rob")
        record.partners = ["airline": try #require(CardNumber(verbatim: "123456782"))]
        try await terminal.importMembers([record, try member("rob", cards: "2984000000028")])
        return terminal
    }

    @discardableResult
    private func sell(_ lines: [SaleLine], _ number: String, _ terminal: Terminal, id: String? = nil) async throws
        -> LedgerOutcome
    {
        try await terminal.send(
            sale(number, lines), id: id ?? "e\(number)", card: try await terminal.attachment(anna))
    }

    private func bringBack(_ lines: [SaleLine], of number: String, as document: String, _ terminal: Terminal)
        async throws
    {
        var back = try sale(document, lines, closed: "2027-03-02T10:30:00Z")
        for index in back.lines.indices {
            back.lines[index].returned = ReturnReference(link: SaleLink(relation: .returns, number: number))
        }
        try await terminal.send(back, id: "e\(document)", card: try await terminal.attachment(anna))
    }

    private func void(_ number: String, _ terminal: Terminal) async throws {
        var document = try sale("9\(number)", [], closed: "2027-03-02T10:40:00Z")
        document.state = .voided
        document.links = [SaleLink(relation: .voids, number: number)]
        try await terminal.send(document, id: "void\(number)", verb: .void)
    }

    /// Entries without those of the member himself: `kind who points`.
    private func others(_ terminal: Terminal) async throws -> [String] {
        try await terminal.allEvents().filter { $0.recipient != nil }.map { event in
            "\(event.kind.rawValue) \(event.member?.value ?? event.beneficiary ?? "?") "
                + event.accruals.map { "\($0.total)" }.joined(separator: ",")
        }
    }

    private func balance(of member: String, _ terminal: Terminal) async throws -> String {
        let statement = try await AccountRegister(terminal.database).statement(
            of: MemberID(member), on: terminal.now.date, program: terminal.program)
        return statement.balances.first?.available.description ?? "-"
    }

    /// 60.00: 60 for the member, 12 for the recruiter, 6 for the good cause.
    @Test func aSaleGivesToTheRecruiterAndTheGoodCause() async throws {
        let terminal = try await terminal()
        let outcome = try await sell([line("1", "A", "1", "60.00")], "1", terminal)
        #expect(outcome.earned?.description == "60")
        #expect(try await others(terminal) == ["accrual rob 12", "accrual hospice 6"])
        #expect(try await balance(of: "rob", terminal) == "12")
        #expect(try await balance(of: "anna", terminal) == "60")
        let sold = try await SalesRegister(terminal.database).recent(limit: 1)
        #expect(sold.first?.points?.description == "60", "what others got is not the sale's points")
    }

    /// A month without the line and a thousand gifts to one cause: none waits for another.
    @Test func theGiftsOfDifferentMembersAreDeliveredTogether() async throws {
        let terminal = try await terminal()
        try await sell([line("1", "A", "1", "60.00")], "1", terminal)
        try await terminal.send(
            sale("2", [line("1", "A", "1", "60.00")]), id: "e2", card: try await terminal.attachment("2984000000028"))
        var causes = 0
        var rounds = 0
        while case let due = try await terminal.outbox.due(limit: 10, at: terminal.now), !due.isEmpty {
            rounds += 1
            causes += due.filter { String(decoding: $0.data, as: UTF8.self).contains("hospice") }.count
            try await terminal.outbox.record(
                due.map { DeliveryRecord(id: $0.id, outcome: .delivered(warning: nil), at: terminal.now) })
        }
        #expect(causes == 2)
        // Anna: sale, cause, airline. Rob beside her: what he got for her sale, his own, his cause.
        #expect(rounds == 3)
    }

    /// A third of three equal pieces takes a third from everybody, rounded down, and the rest comes with the last piece.
    @Test func returnsAndVoidsTakeFromEverybodyExactlyWhatWasGiven() async throws {
        let terminal = try await terminal()
        try await sell([line("1", "A", "3", "60.00")], "1", terminal)
        try await bringBack([line("1", "A", "-1", "-20.00")], of: "1", as: "2", terminal)
        #expect(try await others(terminal).suffix(2) == ["return rob -4", "return hospice -2"])
        try await bringBack([line("1", "A", "-2", "-40.00")], of: "1", as: "3", terminal)
        #expect(try await balance(of: "rob", terminal) == "0")
        try await void("3", terminal)
        #expect(try await balance(of: "rob", terminal) == "8")
        try await void("1", terminal)
        #expect(try await balance(of: "rob", terminal) == "0")
        var sums: [String: Int] = [:]
        for entry in try await others(terminal) {
            let words = entry.split(separator: " ")
            sums[String(words[1]), default: 0] += Int(words[2]) ?? 0
        }
        #expect(sums == ["rob": 0, "hospice": 0])
    }

    @Test func aCorrectionMovesTheDifferenceAndNotToAnotherCause() async throws {
        let terminal = try await terminal()
        try await sell([line("1", "A", "1", "60.00")], "1", terminal)
        try await keep(MemberUpdate(beneficiary: "library"), terminal)
        try await sell([line("1", "A", "1", "80.00")], "1", terminal, id: "e1b")
        #expect(try await others(terminal).suffix(2) == ["adjustment rob 4", "adjustment hospice 2"])
        try await sell([line("1", "B", "1", "10.00")], "2", terminal)
        #expect(try await others(terminal).last == "accrual library 1")
    }

    /// 120.00 with a bonus from 100.00: 30.00 back leaves 90.00, so all of the bonus goes; the return undone brings it again.
    @Test func aBonusForABasketGoesWithWhatMadeItAndComesBackWhole() async throws {
        let terminal = try await terminal()
        try await sell([line("1", "A", "4", "120.00")], "1", terminal)
        #expect(try await balance(of: "anna", terminal) == "170")
        try await bringBack([line("1", "A", "-1", "-30.00")], of: "1", as: "2", terminal)
        #expect(try await balance(of: "anna", terminal) == "90")
        try await void("2", terminal)
        #expect(try await balance(of: "anna", terminal) == "170")
        try await bringBack([line("1", "A", "-4", "-120.00")], of: "1", as: "3", terminal)
        #expect(try await balance(of: "anna", terminal) == "0")
        try await void("3", terminal)
        try await void("1", terminal)
        #expect(try await balance(of: "anna", terminal) == "0")
        #expect(try await terminal.points(of: "anna") == "0")
    }

    @Test func aSmallBonusStaysWhileTheBasketIsBigEnough() async throws {
        let terminal = try await terminal()
        try await sell([line("1", "A", "4", "160.00")], "1", terminal)
        try await bringBack([line("1", "A", "-1", "-40.00")], of: "1", as: "2", terminal)
        #expect(try await balance(of: "anna", terminal) == "170", "120 and the bonus of 50")
        try await sell([line("1", "A", "4", "80.00")], "1", terminal, id: "e1b")
        #expect(try await balance(of: "anna", terminal) == "60", "corrected to 80.00, a quarter of it back")
    }

    // MARK: Partners

    private func forwards(_ terminal: Terminal) async throws -> [String] {
        try await terminal.allEvents().compactMap { $0.forward }.map { "\($0.partner) \($0.amount)" }
    }

    @Test func aSaleGoesOnUnderTheMembersNumberAndGoodsThatComeBackDoToo() async throws {
        let terminal = try await terminal()
        try await sell([line("1", "A", "3", "100.00")], "1", terminal)
        try await bringBack([line("1", "A", "-1", "-33.34")], of: "1", as: "2", terminal)
        try await void("1", terminal)
        // A third of 100.00 rounded down is 33.33; what is left goes with the void.
        #expect(try await forwards(terminal) == ["airline 100.00 GBP", "airline -33.33 GBP", "airline -66.67 GBP"])
        var numbers: [String] = []
        while let event = try await terminal.outbox.due(limit: 1, at: terminal.now).first {
            if event.type.contains(".forward.") { numbers.append(event.card?.value ?? "-") }
            try await terminal.outbox.record([
                DeliveryRecord(id: event.id, outcome: .delivered(warning: nil), at: terminal.now)
            ])
        }
        #expect(numbers == ["123456782", "123456782", "123456782"])
        terminal.database.close()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: terminal.database.path))
        #expect(bytes.range(of: Data("123456782".utf8)) == nil, "the number is kept sealed")
    }

    // MARK: Actions

    private func act(
        _ name: String, _ key: String, id: String, verb: TillEvent.SaleVerb = .complete, _ terminal: Terminal
    ) async throws -> LedgerOutcome {
        let action = LoyaltyAction(
            name: name, key: key, occurredAt: terminal.now, businessDay: terminal.now.date, store: "300")
        let attachment = try await terminal.attachment(anna)
        return try await terminal.ledger.submit(
            SaleSubmission(
                event: TillEvent(
                    identity: EventIdentity(source: "app", id: id), time: terminal.now,
                    content: .action(verb == .void ? .void : .take, action, nil)),
                verb: verb, sale: terminal.program.document(of: action), businessDay: terminal.now.date,
                attachment: verb == .void ? nil : attachment, program: terminal.program, receivedAt: terminal.now,
                receivedDay: terminal.now.date, action: action)
        ).value
    }

    @Test func anActionGivesOnceForItsKey() async throws {
        let terminal = try await terminal()
        let first = try await act("survey.completed", "s-1", id: "1", terminal)
        #expect(first.earned?.description == "40" && first.decision == .accepted)
        #expect(first.sale == "a-t-test-1")
        let again = try await act("survey.completed", "s-1", id: "1", terminal)
        #expect(again.decision == .duplicate && again.earned?.description == "40")
        let renamed = try await act("survey.completed", "s-1", id: "2", terminal)
        #expect(renamed.decision == .duplicate && renamed.earned?.description == "40")
        #expect(try await act("survey.started", "s-1", id: "3", terminal).flags == ["action_differs"])
        #expect(try await balance(of: "anna", terminal) == "40")
        #expect(try await others(terminal) == ["accrual rob 7"])
        #expect(try await act("survey.completed", "s-2", id: "4", terminal).earned?.description == "40")
        #expect(try await others(terminal) == ["accrual rob 7"], "the recruiter's bonus is for once")
        let entry = try #require(try await terminal.allEvents().first)
        #expect(entry.action?.name == "survey.completed" && entry.action?.key == "s-1" && entry.sale == nil)
        let sent = try await terminal.outbox.due(limit: 1, at: terminal.now)
        #expect(sent.first?.source == "/store/300")
        #expect(try await SalesRegister(terminal.database).recent(limit: 9).isEmpty, "an action is no sale")
    }

    @Test func aVoidTakesAnActionBackFromEverybodyWhicheverComesFirst() async throws {
        let terminal = try await terminal()
        _ = try await act("survey.completed", "s-1", id: "1", terminal)
        #expect(try await act("", "s-1", id: "2", verb: .void, terminal).decision == .voided)
        #expect(try await act("", "s-1", id: "3", verb: .void, terminal).decision == .duplicate)
        #expect(try await balance(of: "anna", terminal) == "0")
        #expect(try await others(terminal) == ["accrual rob 7", "void rob -7"])
        #expect(try await act("survey.completed", "s-1", id: "4", terminal).decision == .duplicate)
        #expect(try await act("survey.completed", "s-2", id: "5", terminal).earned?.description == "40")
        #expect(try await others(terminal).last == "accrual rob 7", "the voided one does not use up the limit")

        #expect(try await act("", "s-9", id: "6", verb: .void, terminal).flags == ["voids_unknown_action"])
        let late = try await act("survey.completed", "s-9", id: "7", terminal)
        #expect(late.flags == ["voided_before_arrival"] && late.earned == nil)
        #expect(try await balance(of: "anna", terminal) == "40")
    }

    @Test func theKeyOutlivesTheSaleThatHoldsTheAction() async throws {
        let terminal = try await terminal()
        _ = try await act("survey.completed", "s-1", id: "1", terminal)
        while let event = try await terminal.outbox.due(limit: 1, at: terminal.now).first {
            try await terminal.outbox.record([
                DeliveryRecord(id: event.id, outcome: .delivered(warning: nil), at: terminal.now)
            ])
        }
        let later = terminal.now.adding(seconds: 200 * 86_400)
        #expect(try await Retention().purge(terminal.database, at: later).sales == 1)
        let again = try await act("survey.completed", "s-1", id: "9", terminal)
        #expect(again.decision == .duplicate && again.transactions.isEmpty)
    }

    // MARK: What members tell

    @discardableResult
    private func keep(_ update: MemberUpdate, id: String = "u", of member: String = "anna", _ terminal: Terminal)
        async throws -> MemberRegister.Outcome
    {
        try await MemberRegister(terminal.database).keep(
            update, of: MemberID(member), event: EventIdentity(source: "app", id: id), program: terminal.program,
            on: terminal.now.date, at: terminal.now
        ).value
    }

    private func code(_ update: MemberUpdate, of member: String = "anna", _ terminal: Terminal) async -> String? {
        do {
            try await keep(update, id: "refused", of: member, terminal)
            return nil
        } catch { return (error as? LoyaltyError)?.code.name }
    }

    @Test func whatAMemberTellsIsKeptOnceAndWrongThingsAreNot() async throws {
        let terminal = try await terminal()
        #expect(try await keep(MemberUpdate(beneficiary: "library"), terminal) == .kept)
        #expect(try await keep(MemberUpdate(beneficiary: "library"), terminal) == .duplicate)
        #expect(try await keep(MemberUpdate(beneficiary: "hospice"), terminal) == .identityConflict)
        let rob = MemberID("rob"), wrong = CardNumber(verbatim: "123456783")
        #expect(await code(MemberUpdate(referrer: MemberID("eve")), terminal) == "member.referrer_known")
        #expect(await code(MemberUpdate(referrer: MemberID("anna")), of: "rob", terminal) == "member.referrer_refused")
        #expect(await code(MemberUpdate(referrer: rob), of: "rob", terminal) == "member.referrer_refused")
        #expect(await code(MemberUpdate(referrer: MemberID("eve")), of: "rob", terminal) == "member.unknown")
        #expect(await code(MemberUpdate(beneficiary: "zoo"), terminal) == "beneficiary.unknown")
        #expect(
            await code(MemberUpdate(partner: .init(partner: "hotel", number: wrong)), terminal) == "partner.unknown")
        #expect(
            await code(MemberUpdate(partner: .init(partner: "airline", number: wrong)), terminal)
                == "partner.bad_number")
        #expect(
            await code(MemberUpdate(day: .init(day: "double", date: terminal.now.date)), terminal)
                == "member_day.unknown")
        #expect(try await keep(MemberUpdate(referrer: rob), id: "same", terminal) == .kept, "said again")
    }

    /// What a till was told stays, though a later file knows better; what it took away stays away.
    @Test func aNumberThatWasTakenAwayIsNotBroughtBackByTheFile() async throws {
        let terminal = try await terminal()
        try await keep(MemberUpdate(partner: .init(partner: "airline", number: nil)), terminal)
        var record = try member("anna", cards: anna)
        record.partners = ["airline": try #require(CardNumber(verbatim: "123456782"))]
        try await terminal.importMembers([record])
        try await sell([line("1", "A", "1", "10.00")], "1", terminal)
        #expect(try await forwards(terminal).isEmpty)
    }
}

/// A bonus at the end of a quarter for what was earned in it; figures by hand.
@Suite struct PeriodBonuses {
    private static let program = """
        schema = 1
        program = "quarter"
        currency = { points = { decimals = 0 } }
        rounding = { mode = "floor", scope = "basket", when = "after_multipliers" }

        [[earn]]
        id = "base"
        amount = { points = "1", per = "1.00" }

        [[earn]]
        id = "quarter"
        kind = "period_bonus"
        percent = "20"
        per = "quarter"
        """

    private func sell(_ price: String, _ number: String, on day: String, _ terminal: Terminal) async throws {
        let time = try Timestamp("\(day)T10:00:00Z")
        try await terminal.send(
            sale(number, [line("1", "A", "1", price)], closed: time.description), id: "e\(number)",
            card: try await terminal.attachment(anna), at: time)
    }

    private func bonuses(_ terminal: Terminal) async throws -> [String] {
        try await terminal.allEvents().filter { $0.kind == .bonus }.map {
            "\($0.accruals.first?.total ?? .zero(decimals: 0))"
        }
    }

    @Test func isGivenOnceWhenThePeriodIsOverAndNobodyComes() async throws {
        let terminal = try Terminal(program: Self.program)
        try await terminal.importMembers([try member("anna", cards: anna)])
        try await sell("300.00", "1", on: "2027-02-10", terminal)
        try await sell("104.00", "2", on: "2027-03-31", terminal)
        let keeping = AccountKeeping(terminal.database)
        func settle(_ day: String) async throws -> Int {
            try await keeping.settle(
                to: CalendarDate(day), program: terminal.program, at: Timestamp("\(day)T04:00:00Z")
            ).entries
        }
        #expect(try await settle("2027-03-31") == 0, "the last day is not over")
        #expect(try await settle("2027-04-01") == 1)
        #expect(try await settle("2027-04-01") == 0)
        #expect(try await settle("2027-07-01") == 0, "nothing was earned in the second quarter")
        #expect(try await bonuses(terminal) == ["80"])
        let statement = try await AccountRegister(terminal.database).statement(
            of: MemberID("anna"), on: CalendarDate("2027-07-01"), program: terminal.program)
        #expect(statement.balances.first?.available.description == "484")
    }

    /// A terminal that was off over the end of the period books it with the next sale, before that sale counts.
    @Test func isGivenWithTheNextSaleWhereTheTerminalWasOff() async throws {
        let terminal = try Terminal(program: Self.program)
        try await terminal.importMembers([try member("anna", cards: anna)])
        try await sell("300.00", "1", on: "2027-02-10", terminal)
        try await sell("50.00", "2", on: "2027-05-02", terminal)
        try await sell("50.00", "3", on: "2027-11-02", terminal)
        #expect(try await bonuses(terminal) == ["60", "10"])
        #expect(try await terminal.points(of: "anna") == "470")
    }
}
