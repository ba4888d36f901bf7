import EarnRules
import LoyaltyModel
import Testing

/// What multipliers do in a sale that was paid in several ways.
@Suite struct TenderShares {
    private let double = "[[earn]]\nid = \"double\"\nkind = \"multiplier\"\nfactor = \"2\"\n"
    private let triple = "[[earn]]\nid = \"triple\"\nkind = \"multiplier\"\nfactor = \"3\"\n"

    private func sale(_ total: String, card: String, rest: String, _ kind: Tender.Kind = .cash) throws -> Sale {
        try Sample.sale([Sample.line("1", total)]) {
            var store = try Sample.tender(.card, card)
            store.name = "store_card"
            $0.tenders = [store, try Sample.tender(kind, rest)]
        }
    }

    @Test(arguments: [
        // 100 points, and one more for the 1.00 that the card paid.
        ("prorate", "101"), ("any", "200"), ("whole", "100"),
    ])
    func aMultiplierCountsThePartPaidWithItsCard(mixed: String, points: String) throws {
        let tender = "tender = { named = [\"store_card\"], mixed = \"\(mixed)\" }\n"
        let result = try Sample.base("", double + tender).earn(sale("100.00", card: "1.00", rest: "99.00"))
        #expect(result.total == points)
    }

    @Test func whatAnExcludedTenderPaidIsNotMultiplied() throws {
        // 100, and once more for the 60.00 that no gift card paid.
        let program = try Sample.base("", double + "exclude_tender = [\"gift_card\"]\n")
        #expect(try program.earn(sale("100.00", card: "60.00", rest: "40.00", .giftCard)).total == "160")
    }

    @Test func pointsThatARateHasForTheSameMoneyAreMultipliedWhole() throws {
        // Only 60.00 earn, and all of them twice.
        let out = "exclude_tender = [\"gift_card\"]\n"
        let program = try Sample.base("", out + double + out)
        #expect(try program.earn(sale("100.00", card: "60.00", rest: "40.00", .giftCard)).total == "120")
    }

    @Test func everyPartHasTheMultipliersThatCountIt() throws {
        let card = "tender = { named = [\"store_card\"] }\ncombine = \"best_of\"\n"
        let cash = "tender = { only = [\"cash\"] }\ncombine = \"best_of\"\n"
        // 60 twice and 40 three times; then 60 twice and all of it three times, of which the better counts.
        let apart = try Sample.base("", double + card + triple + cash)
        #expect(try apart.earn(sale("100.00", card: "60.00", rest: "40.00")).total == "240")
        let within = try Sample.base("", double + card + triple + "combine = \"best_of\"\n")
        #expect(try within.earn(sale("100.00", card: "60.00", rest: "40.00")).total == "300")
        // Of one group the better one counts where both do: 60 three times, 40 twice.
        let stack = "stack = { group = \"g\", mode = \"best_of\" }\n"
        let group = try Sample.base("", double + stack + triple + stack + "tender = { named = [\"store_card\"] }\n")
        #expect(try group.earn(sale("100.00", card: "60.00", rest: "40.00")).total == "260")
    }
}
