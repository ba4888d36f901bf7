public import LoyaltyModel

extension Program {
    /// The program that runs where none is configured: one point for each 1.00 of goods, rounded down once for the basket.
    ///
    /// - Throws: never in a build that passes its tests.
    public static func standard() throws(LoyaltyError) -> Program {
        try load(toml: standardText, file: "(standard program)", hash: standardHash)
    }

    /// The file behind `standard()`, to copy and change.
    public static let standardText = """
        # One point for each 1.00 spent on goods, rounded down once for the basket.
        schema   = 1
        program  = "standard"
        version  = "1"
        currency = { points = { decimals = 0 } }
        rounding = { mode = "floor", scope = "basket", when = "after_multipliers", step = "linear" }
        basis    = { tax = "as_priced", discounts = "net", coupons = "net" }
        returns  = { unlinked = "match_last_purchase" }

        [[earn]]
        id      = "base"
        amount  = { points = "1", per = "1.00" }
        exclude = { class = ["gift_card_sale", "top_up", "deposit", "fee", "donation", "shipping", "other"] }

        """

    /// SHA-256 of `standardText`.
    static let standardHash = "ad05aaa221d896671407cb0be3d80787f656f0a71c7d62416aca096e1dbdd7b0"
}
