import EarnRules
import LoyaltyModel
import Testing

@Suite struct TakingBack {
    private let day = CalendarDate(daysSinceEpoch: 20_824)

    private func state(_ lots: [(origin: String, points: Int64, pending: Bool, days: Int?)]) -> MemberState {
        var state = MemberState()
        for (index, lot) in lots.enumerated() {
            let points = Points(units: lot.points, decimals: 0)
            state.lots.append(
                Lot(
                    id: "\(index)", currency: "points", origin: lot.origin, program: "00", granted: points,
                    remaining: points, qualifying: points, earned: day,
                    pendingUntil: lot.pending ? day.adding(days: 5) : nil,
                    expires: lot.days.map { day.adding(days: $0) }))
        }
        return state
    }

    private func policy(_ keys: String) throws -> ReturnsPolicy { try Sample.base("returns = { \(keys) }").returns }

    private func take(_ points: Int64, _ state: inout MemberState, _ keys: String) throws -> [String] {
        try state.takeBack(
            Points(units: points, decimals: 0), of: "points", origin: "s2", on: day, policy(keys)
        ).map { "\($0.reason.rawValue) \($0.lot ?? "-") \($0.size)" }
    }

    @Test func theOrderIsDeclared() throws {
        let lots: [(String, Int64, Bool, Int?)] = [
            ("s1", 10, false, 9), ("s2", 10, false, nil), ("s3", 10, true, nil), ("s4", 10, false, 3),
        ]
        var member = state(lots)
        #expect(
            try take(35, &member, "clawback = \"lot_of_origin_first\"")
                == ["returned 1 10", "returned 2 10", "returned 3 10", "returned 0 5"])
        member = state(lots)
        #expect(
            try take(35, &member, "clawback = \"pending_first\"")
                == ["returned 2 10", "returned 1 10", "returned 3 10", "returned 0 5"])
    }

    @Test(arguments: [
        ("clamp", "forgiven", "0", "0"), ("negative", "returned", "-5", "0"), ("debt", "returned", "0", "5"),
    ])
    func moreThanThereIs(floor: String, reason: String, available: String, owed: String) throws {
        var member = state([("s2", 10, false, nil)])
        #expect(try take(15, &member, "floor = \"\(floor)\"") == ["returned 0 10", "\(reason) - 5"])
        let balance = try member.balance(
            of: "points", decimals: 0, on: day, floor: policy("floor = \"\(floor)\"").floor)
        #expect("\(balance.available)" == available)
        #expect("\(balance.owed)" == owed)
    }

    @Test func whatEndedUnspentIsNotTakenTwice() throws {
        // 10 of the sale ended yesterday; 4 of another sale must stay.
        var member = state([("s2", 10, false, -1), ("s1", 4, false, nil)])
        #expect(try take(10, &member, "floor = \"clamp\"") == ["expired 0 10", "lapsed 0 10"])
        #expect("\(try member.balance(of: "points", decimals: 0, on: day, floor: .clamp).available)" == "4")
    }

    @Test func aVoidedReturnGivesBackTheSame() throws {
        let before = state([("s2", 10, false, 9), ("s1", 4, true, nil)])
        var member = before
        let taken = try member.takeBack(
            Points(units: 20, decimals: 0), of: "points", origin: "s2", on: day, policy("floor = \"debt\""))
        #expect(member.owed["points"] == Points(units: 6, decimals: 0))
        _ = try member.undo(taken, on: day)
        #expect(member == before)
    }

    @Test(arguments: [("same_lot", "", "0"), ("same_lot", ", expired_grace = \"30 days\"", "6"), ("new_lot", "", "6")])
    func spentPointsOfALotThatEnded(restoring: String, grace: String, available: String) throws {
        let program = try Sample.program(
            "returns = { restore_redeemed = \"\(restoring)\"\(grace) }",
            "[[reward]]\nid = \"off\"\npoints = \"1\"\nmoney = \"1.00\"\n")
        var member = state([("s1", 6, false, 2)])
        let input = try program.input(
            Sample.sale([Sample.line("1", "9.00")]), at: "\(day)T12:00:00Z", member: Sample.member(), state: member)
        let redemption = try program.redeem(
            "off", points: Points(units: 6, decimals: 0), id: "r", input, state: &member)
        let later = day.adding(days: 5)
        _ = try program.restore(
            redemption.spending, from: .zero(decimals: 0), to: Points(units: 6, decimals: 0), on: later, state: &member)
        #expect("\(try member.balance(of: "points", decimals: 0, on: later, floor: .negative).available)" == available)
    }
}
