import EarnRules
import LoyaltyModel

/// A program of random rules, with the points that a sale must get by them, worked out in whole numbers.
struct GeneratedProgram {
    struct Rate {
        var points: Int
        /// In pounds; nil for each unit.
        var per: Int?
        var category: String?
    }

    struct Factor {
        var hundredths: Int
        var category: String?
    }

    struct Bonus {
        var points: Int
        var cents: Int
        var returns: String
    }

    struct Goods {
        var cents: Int
        var quantity: Int
        var category: String
    }

    var rates: [Rate]
    var factors: [Factor]
    var bonus: Bonus?
    var cap: Int?
    var floor: String
    var clawback: String
    var restoring: String
    var overdraw: Int

    init(_ generator: inout Generator) {
        func coin(_ generator: inout Generator) -> Bool { Bool.random(using: &generator) }
        rates = [Rate(points: .random(in: 1...5, using: &generator), per: Self.per(&generator), category: nil)]
        if coin(&generator) {
            rates.append(
                Rate(points: .random(in: 1...9, using: &generator), per: Self.per(&generator), category: "a"))
        }
        if coin(&generator) {
            rates.append(Rate(points: .random(in: 1...7, using: &generator), per: nil, category: "b"))
        }
        factors = []
        for category in ["a", "b", nil] where coin(&generator) {
            factors.append(Factor(hundredths: .random(in: 50...300, using: &generator), category: category))
        }
        if coin(&generator) {
            bonus = Bonus(
                points: .random(in: 1...99, using: &generator), cents: .random(in: 1...4_000, using: &generator),
                returns: ["prorate", "keep", "revoke_if_unqualified"].randomElement(using: &generator) ?? "keep")
        }
        if Int.random(in: 0...2, using: &generator) == 0 { cap = .random(in: 50...400, using: &generator) }
        floor = coin(&generator) ? "negative" : "debt"
        clawback = coin(&generator) ? "pending_first" : "lot_of_origin_first"
        restoring = coin(&generator) ? "same_lot" : "new_lot"
        overdraw = coin(&generator) ? .random(in: 1...80, using: &generator) : 0
    }

    private static func per(_ generator: inout Generator) -> Int {
        [1, 2, 3, 10].randomElement(using: &generator) ?? 1
    }

    var text: String {
        var text = """
            schema = 1
            program = "generated"
            returns = { floor = "\(floor)", clawback = "\(clawback)", restore_redeemed = "\(restoring)" }
            redemption = { overdraw = { points = "\(overdraw)" } }
            [[counter]]
            id = "spend"
            counts = "spend"
            per = "calendar_year"
            [[reward]]
            id = "off"
            points = "10"
            money = "0.10"

            """
        if let cap { text += "[[cap]]\nid = \"all\"\npoints = \"\(cap)\"\nper = \"month\"\n" }
        for (index, rate) in rates.enumerated() {
            let measure = rate.per.map { "per = \"\($0)\"" } ?? "per_units = \"1\""
            text += "[[earn]]\nid = \"rate\(index)\"\namount = { points = \"\(rate.points)\", \(measure) }\n"
            if let category = rate.category { text += "match = { category = [\"\(category)\"] }\n" }
        }
        for (index, factor) in factors.enumerated() {
            let digits = "\(factor.hundredths / 100).\(factor.hundredths % 100 / 10)\(factor.hundredths % 10)"
            text += "[[earn]]\nid = \"factor\(index)\"\nkind = \"multiplier\"\nfactor = \"\(digits)\"\n"
            if let category = factor.category { text += "match = { category = [\"\(category)\"] }\n" }
        }
        if let bonus {
            let pounds = "\(bonus.cents / 100).\(bonus.cents % 100 / 10)\(bonus.cents % 10)"
            text += """
                [[earn]]
                id = "bonus"
                kind = "bonus"
                points = "\(bonus.points)"
                when = { basket_at_least = "\(pounds)" }
                returns = "\(bonus.returns)"

                """
        }
        return text
    }

    /// What the goods get, of which `room` is left in the month's cap.
    func points(_ goods: [Goods], room: Int?) -> Int {
        // In parts of 1 / 300,000: a cent, a rate per 3 or 10 pounds, hundredths of a factor.
        var parts = 0
        for line in goods {
            var rate = 0
            for other in rates where other.category == nil || other.category == line.category {
                if let per = other.per {
                    rate += other.points * line.cents * (30 / per)
                } else if line.cents > 0 {
                    // Goods that are given away earn nothing, whatever their number.
                    rate += other.points * line.quantity * 3_000
                }
            }
            var factor = 100
            for other in factors where other.category == nil || other.category == line.category {
                factor += other.hundredths - 100
            }
            parts += rate * max(factor, 0)
        }
        var points = parts / 300_000
        if let bonus, goods.reduce(0, { $0 + $1.cents }) >= bonus.cents { points += bonus.points }
        return min(points, max(room ?? points, 0))
    }

    var bonusReturning: PlainBooks.Returning {
        switch bonus?.returns {
        case "keep": .keep
        case "revoke_if_unqualified": .revoke(belowCents: bonus?.cents ?? 0)
        default: .prorate
        }
    }
}
