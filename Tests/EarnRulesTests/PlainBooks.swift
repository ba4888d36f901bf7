/// What a member's points must be, worked out from receipts and returns in whole numbers alone: no lots, no order, no
/// decimal of the engine.
struct PlainBooks {
    enum Returning {
        case prorate, keep
        case revoke(belowCents: Int)

        var isKept: Bool { if case .keep = self { true } else { false } }
        var isRevoked: Bool { if case .revoke = self { true } else { false } }
    }

    struct Share {
        var line: Int
        var points: Int
    }

    struct Grant {
        var currency: String
        var returning: Returning
        var shares: [Share]
    }

    struct Line {
        var cents: Int
        var quantity: Int
        var back = 0
    }

    struct Spent {
        var currency: String
        var points: Int
    }

    struct Sale {
        var month: String
        var lines: [Line]
        var grants: [Grant]
        var spent: [Spent] = []
        var isVoid = false

        /// 60 is a multiple of every quantity from 1 to 6.
        private var centsBack: Int { lines.reduce(0) { $0 + $1.cents * $1.back * (60 / $1.quantity) } }
        private var cents: Int { lines.reduce(0) { $0 + $1.cents } }

        var isBack: Bool { lines.allSatisfy { $0.back == $0.quantity } }

        func kept(_ currency: String) -> Int {
            if isVoid { return 0 }
            var kept = 0
            for grant in grants where grant.currency == currency {
                switch grant.returning {
                case .keep: kept += grant.shares.reduce(0) { $0 + $1.points }
                case .prorate:
                    for share in grant.shares {
                        let line = lines[share.line]
                        kept += share.points - share.points * line.back / line.quantity
                    }
                case .revoke(let least):
                    let left = cents * 60 - centsBack
                    kept += left < least * 60 ? 0 : grant.shares.reduce(0) { $0 + $1.points }
                }
            }
            return kept
        }

        func stillSpent(_ currency: String) -> Int {
            spent.filter { $0.currency == currency }.reduce(0) { sum, spent in
                if isVoid || isBack { return sum }
                guard cents > 0 else { return sum + spent.points }
                return sum + spent.points - spent.points * centsBack / (60 * cents)
            }
        }
    }

    var sales: [Sale] = []
    /// What rewards that were given by themselves cost.
    var costs: [String: Int] = [:]

    func balance(_ currency: String) -> Int {
        sales.reduce(-(costs[currency] ?? 0)) { $0 + $1.kept(currency) - $1.stillSpent(currency) }
    }

    /// What a cap over the month has been used for: of a bonus that is revoked all, until everything is back.
    func used(_ currency: String, in month: String) -> Int {
        sales.filter { $0.month == month }.reduce(0) { sum, sale in
            var sale = sale
            if !sale.isBack {
                for index in sale.grants.indices where sale.grants[index].returning.isRevoked {
                    sale.grants[index].returning = .keep
                }
            }
            return sum + sale.kept(currency)
        }
    }

    func kept(_ currency: String, in month: String) -> Int {
        sales.filter { $0.month == month }.reduce(0) { $0 + $1.kept(currency) }
    }
}
