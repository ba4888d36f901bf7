import EarnRules
import LoyaltyModel
import Testing

/// What `rules check` says of good files that are probably not meant so, and that it does not say it of others.
@Suite struct Lints {
    private static let base = "[[earn]]\nid = \"base\"\namount = { points = \"1\", per = \"1.00\" }\n"

    private func findings(_ head: String = "", _ rules: String = "", hasBase: Bool = true) throws -> [LintFinding] {
        let text = "schema = 1\nprogram = \"t\"\n\(head)\n\(hasBase ? Self.base : "")\(rules)\n"
        return try Program.load(toml: text, file: "t.toml", hash: "").lint(toml: text, file: "t.toml")
    }

    private func codes(_ head: String = "", _ rules: String = "", hasBase: Bool = true) throws -> [LintFinding.Code] {
        try findings(head, rules, hasBase: hasBase).map(\.code)
    }

    private func bonus(_ id: String, _ more: String) -> String {
        "[[earn]]\nid = \"\(id)\"\nkind = \"bonus\"\npoints = \"10\"\n\(more)\n"
    }

    private func multiplier(_ id: String, _ more: String) -> String {
        "[[earn]]\nid = \"\(id)\"\nkind = \"multiplier\"\n\(more)\n"
    }

    @Test func aPlainProgramIsClean() throws {
        #expect(try codes() == [])
        #expect(try Program.standard().lint(toml: Program.standardText, file: nil) == [])
    }

    /// At the end of a period there is no sale that has a store, an hour or a line.
    @Test(arguments: [
        "store = [\"300\"]", "window = { hours = \"15:00-18:00\" }", "match = { category = [\"bread\"] }",
        "tender = { only = [\"cash\"] }", "stack = { group = \"g\", mode = \"best_of\" }",
    ])
    func keysThatABonusOfAPeriodDoesNotLookAt(key: String) throws {
        let bonus = "[[earn]]\nid = \"p\"\nkind = \"period_bonus\"\npercent = \"20\"\nper = \"quarter\"\n"
        #expect(try codes("", bonus) == [])
        #expect(try codes("", bonus + key + "\n") == [.unused])
    }

    @Test(arguments: [
        "member = { tier = \"gold\", exclude_tier = [\"gold\", \"silver\"] }",
        "member = { segment = [\"a\", \"b\"], exclude_segment = [\"a\", \"b\"] }",
        "match = { category = [\"bread\"] }\nexclude = { category = [\"bread\"] }",
        "match = { sku = [\"1\", \"2\"] }\nexclude = { sku = [\"1\", \"2\", \"3\"] }",
        "store = [\"1\"]\nexclude_store = [\"1\"]",
        "window = { from = 2027-01-04, to = 2027-01-06, days = [\"sun\"] }",
    ])
    func conditionsThatExcludeEachOther(condition: String) throws {
        #expect(try codes("", bonus("b", condition)) == [.neverMatches])
    }

    @Test(arguments: [
        "member = { tier = [\"gold\", \"silver\"], exclude_tier = \"gold\" }",
        "match = { category = [\"bread\", \"cake\"] }\nexclude = { category = [\"bread\"] }",
        "match = { category = [\"bread\"] }\nexclude = { sku = [\"1\"] }",
        "window = { from = 2027-01-04, to = 2027-01-10, days = [\"sun\"] }",
        "when = { basket_at_least = \"50.00\", basis = { discounts = \"net\", coupons = \"net\" } }",
    ])
    func conditionsThatLeaveSomethingAreFine(condition: String) throws {
        #expect(try codes("", bonus("b", condition)) == [])
    }

    @Test func aFindingNamesLineAndColumn() throws {
        let found = try findings("effective = 2027-03-01", bonus("b", "window = { to = 2027-02-28 }"))
        #expect(found.map(\.code) == [.windowPast])
        #expect(found.first?.place.line == 11)
        #expect(found.first?.place.column == 17)
        #expect(
            found.first?.description.hasSuffix(
                "the window of rule \"b\" ends on 2027-02-28, the program begins on 2027-03-01 (lint.window_past)")
                == true)
    }

    @Test func aRuleThatAnotherOfItsGroupAlwaysBeats() throws {
        let group = "stack = { group = \"g\", mode = \"best_of\" }"
        let gold = multiplier("gold", "factor = \"2\"\nmember = { tier = \"gold\" }\n\(group)")
        #expect(try codes("", multiplier("all", "factor = \"3\"\n\(group)") + gold) == [.shadowed])
        #expect(try codes("", multiplier("all", "factor = \"1.5\"\n\(group)") + gold) == [])
        #expect(
            try codes("", multiplier("all", "factor = \"3\"\nmatch = { category = [\"x\"] }\n\(group)") + gold) == [])
        let first = "stack = { group = \"g\", mode = \"exclusive\", priority = 1 }"
        let second = "stack = { group = \"g\", mode = \"exclusive\", priority = 2 }"
        #expect(try codes("", bonus("a", first) + bonus("b", second)) == [.shadowed])
        #expect(try codes("", bonus("a", first) + bonus("b", "member = { tier = \"gold\" }\n\(second)")) == [])
    }

    @Test func windowsOfOneOfferWithAGapOrAnOverlap() throws {
        func week(_ id: String, _ from: String, _ to: String, _ more: String = "") -> String {
            bonus(id, "window = { from = \(from), to = \(to) }\n\(more)")
        }
        let first = week("w1", "2027-01-04", "2027-01-10")
        #expect(try codes("", first + week("w2", "2027-01-11", "2027-01-17")) == [])
        #expect(try codes("", first + week("w2", "2027-01-12", "2027-01-17")) == [.windowGap])
        #expect(try codes("", first + week("w2", "2027-01-10", "2027-01-17")) == [.windowOverlap])
        // Another campaign a month later, and another offer in the same week, are meant.
        #expect(try codes("", first + week("w2", "2027-02-08", "2027-02-14")) == [])
        #expect(try codes("", first + week("w2", "2027-01-04", "2027-01-10", "store = [\"7\"]")) == [])
    }

    @Test func capsThatNeverOrAlwaysBite() throws {
        #expect(try codes("", bonus("b", "cap = { points = \"10\", per = \"sale\" }")) == [.capNeverBites])
        #expect(try codes("", bonus("b", "cap = { points = \"9\", per = \"month\" }")) == [.capAlwaysBites])
        #expect(try codes("", bonus("b", "cap = { points = \"30\", per = \"month\" }")) == [])
        #expect(try codes("", bonus("b", "limit = { times = 1, per = \"sale\" }")) == [])
        let two = "cap = [ { points = \"50\", per = \"day\" }, { points = \"50\", per = \"month\" } ]"
        #expect(try codes("", Self.base.dropLast() + "\n" + two, hasBase: false) == [.capNeverBites])
        let fine = "cap = [ { points = \"50\", per = \"day\" }, { points = \"500\", per = \"month\" } ]"
        #expect(try codes("", Self.base.dropLast() + "\n" + fine, hasBase: false) == [])
    }

    @Test func aThresholdThatDoesNotSayWhatCounts() throws {
        let rule = bonus("b", "when = { basket_at_least = \"50.00\" }")
        #expect(try codes("", rule) == [.ambiguousBasis])
        #expect(try codes("basis = { discounts = \"net\", coupons = \"gross\" }", rule) == [])
        #expect(try codes("", bonus("b", "when = { units_at_least = \"3\" }")) == [])
    }

    @Test func multipliersThatJoinNothing() throws {
        let money = "currency = { points = { decimals = 0 }, cash = { money = \"GBP\" } }"
        let cash = "[[earn]]\nid = \"cash\"\nkind = \"bonus\"\ncurrency = \"cash\"\npoints = \"1\"\n"
        #expect(
            try codes(money, cash + multiplier("m", "currency = \"cash\"\nfactor = \"2\"")) == [.joinsNothing])
        #expect(
            try codes("", multiplier("m", "factor = \"2\"\nmatch = { class = [\"gift_card_sale\"] }")) == [
                .joinsNothing
            ])
        #expect(try codes("", multiplier("m", "factor = \"2\"\nmatch = { class = [\"goods\"] }")) == [])
        #expect(try codes("", multiplier("m", "factor = \"1\"")) == [.noEffect])
    }

    @Test func whatNobodyEarnsAndNobodyCanHave() throws {
        let two = "currency = { points = { decimals = 0 }, stars = { decimals = 0 } }"
        #expect(try codes(two) == [.currencyUnearned])
        let reward = "[[reward]]\nid = \"r\"\ncurrency = \"stars\"\npoints = \"10\"\nmoney = \"1.00\"\n"
        #expect(try codes(two, reward) == [.currencyUnearned, .rewardUnreachable])
        #expect(
            try codes("", "[[reward]]\nid = \"r\"\npoints = \"10\"\nmoney = \"1.00\"\nmaximum = \"9\"\n")
                == [.rewardUnreachable])
        #expect(
            try codes("", "[[reward]]\nid = \"r\"\nkind = \"item\"\nitem = \"x\"\nissue = \"by_stamps\"\n")
                == [.rewardUnreachable])
        #expect(try codes("", "[[reward]]\nid = \"r\"\npoints = \"10\"\nmoney = \"1.00\"\n") == [])
    }

    @Test func tiersThatNothingFeeds() throws {
        let counter = "[[counter]]\nid = \"q\"\ncounts = \"qualifying\"\nper = \"calendar_year\"\n"
        let tiers = "tiers = { counter = \"q\", levels = [ { id = \"gold\", at = \"10\" } ] }"
        #expect(try codes(tiers, counter) == [])
        #expect(
            try codes(tiers, counter + Self.base.dropLast() + "\nqualifying = false\n", hasBase: false) == [.tierUnfed])
    }

    @Test func namesThatNothingUses() throws {
        #expect(try codes("", "[[tag]]\nid = \"hot\"\nsku = [\"1\"]\n") == [.unused])
        #expect(
            try codes("", "[[tag]]\nid = \"hot\"\nsku = [\"1\"]\n" + bonus("b", "match = { tag = [\"hot\"] }")) == [])
        #expect(try codes("", "[[counter]]\nid = \"c\"\ncounts = \"spend\"\nper = \"month\"\n") == [.unused])
        #expect(try codes("", "[[member_day]]\nid = \"d\"\nquota = { any = 1 }\nper = \"month\"\n") == [.unused])
        #expect(try codes("", "[[beneficiary]]\nid = \"trees\"\nname = \"Trees\"\n") == [.unused])
    }
}
