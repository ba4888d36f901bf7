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

    // MARK: Bonuses that go as a whole

    /// What is left of a bonus of 50 after so much of each line has come back.
    private func left(_ rule: String, _ lines: [SaleLine], coupon: String?, back: [String: String]) throws -> Int64 {
        let program = try Sample.program(
            "",
            """
            [[earn]]
            id = "big"
            kind = "bonus"
            points = "50"
            returns = "revoke_if_unqualified"
            \(rule)
            """)
        let total = coupon == nil ? nil : "45.00"
        let sale = try Sample.sale(lines, total: total) { sale in
            if let coupon { sale.discounts = [try Sample.discount(coupon, .coupon)] }
        }
        let input = try program.input(sale, member: Sample.member())
        let result = try program.evaluate(input)
        #expect(result.total == "50")
        let record = try program.record(input, result, origin: "s1")
        var taken: Int64 = 0
        for points in try record.taken(back.mapValues { try Quantity($0) }).points[0] { taken += points.units }
        return 50 - taken
    }

    /// 60.00 on the shelf, 45.00 after a coupon: the shelf counts, in the sale and in what is left of it.
    @Test(arguments: [([:], 50), (["2": "1"], 50), (["2": "3"], 0), (["1": "1"], 0)] as [([String: String], Int64)])
    func theBasisOfTheConditionCounts(back: [String: String], points: Int64) throws {
        #expect(
            try left(
                """
                basis = { coupons = "net" }
                when = { basket_at_least = "50.00", basis = { coupons = "gross" } }
                """, [Sample.line("1", "40.00"), Sample.line("2", "20.00", quantity: "4")], coupon: "15.00", back: back)
                == points)
    }

    /// Wine for 10.00 in a basket of 55.00: after 5.00 of the rest 50.00 are left, after 10.00 no more.
    @Test(arguments: [([:], 50), (["2": "1"], 50), (["2": "2"], 0), (["1": "1"], 0)] as [([String: String], Int64)])
    func theBasketOfTheConditionCounts(back: [String: String], points: Int64) throws {
        #expect(
            try left(
                """
                match = { category = ["wine"] }
                when = { basket_at_least = "50.00", of = "basket" }
                """,
                [Sample.line("1", "10.00", department: ["wine"]), Sample.line("2", "45.00", quantity: "9")],
                coupon: nil,
                back: back) == points)
    }

    /// Three are needed and five were sold, one of them by weight.
    @Test(
        arguments: [
            ([:], 50), (["1": "2"], 50), (["1": "2", "2": "0.3"], 50), (["1": "3"], 0), (["1": "2", "2": "0.5"], 0),
        ] as [([String: String], Int64)])
    func theUnitsOfTheConditionCount(back: [String: String], points: Int64) throws {
        #expect(
            try left(
                "when = { units_at_least = \"3\" }",
                [Sample.line("1", "8.00", quantity: "4"), Sample.line("2", "2.00", quantity: "0.5")], coupon: nil,
                back: back) == points)
    }
}
