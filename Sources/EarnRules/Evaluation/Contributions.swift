import LoyaltyModel

/// What one rule gives, in units of its currency for each line, after rounding.
struct Contribution {
    let rule: Rule
    var units: [Int128]
    /// Money of each line that counted, in minor units.
    var amounts: [Int128]
    /// Exact points before caps.
    var wanted: Ratio
    /// How often, for bonuses.
    var times: Int64 = 1
    /// What must be left for a bonus that is revoked.
    var condition: Grant.Condition?
    /// Units of goods that counted, for caps on units.
    var goods = Ratio.zero

    var sum: Int128 { units.reduce(0, +) }

    /// What becomes of its points when goods come back.
    var returns: BonusReturns {
        if case .bonus(let bonus) = rule.effect { bonus.returns } else { .prorate }
    }

    /// Takes units off, the last line first, until no more than `most` are left.
    mutating func hold(to most: Int128) {
        var excess = sum - max(most, 0)
        for line in units.indices.reversed() where excess > 0 && units[line] > 0 {
            let taken = min(excess, units[line])
            units[line] -= taken
            excess -= taken
        }
    }
}

extension Evaluation {
    func counters(of recipient: Recipient) -> CounterBook { recipient == .referrer ? referrerBook : book }

    /// Why a rule can give nothing more; nil while it can.
    func exhausted(_ rule: Rule) throws(LoyaltyError) -> String? {
        let book = counters(of: rule.recipient)
        for cap in rule.caps where try book.remaining(cap, of: rule.id).isZero {
            if case .pointsPerUnit = cap.measure { continue }
            return cap.per == .sale ? "its limit is zero" : "its limit of the \(cap.per.words) is reached"
        }
        return nil
    }

    /// Shares the rounded points of each line over the rules that made them, in proportion to what each adds.
    func contributions(
        _ lines: [Int128], _ rates: [RateResult], _ multiplied: Multiplied
    ) throws(LoyaltyError) -> [Contribution] {
        let none = [Int128](repeating: 0, count: lines.count)
        var result = rates.map {
            Contribution(rule: $0.rule, units: none, amounts: $0.amounts, wanted: $0.wanted, goods: $0.units)
        }
        result += multiplied.parts.map {
            Contribution(rule: $0.rule, units: none, amounts: $0.amounts, wanted: $0.wanted)
        }
        for (line, units) in lines.enumerated() where units != 0 {
            let exact = rates.map { $0.points[line] } + multiplied.parts.map { $0.extra[line] }
            let standing = exact.indices.filter { Ratio.zero < exact[$0] }
            if standing.count == 1 {
                result[standing[0]].units[line] = units
            } else {
                for (index, share) in try Apportionment.shares(of: units, over: exact).enumerated() {
                    result[index].units[line] = share
                }
            }
        }
        return result
    }

    /// Rounding up must not lift a rule above its cap. Returns the units that are left.
    func capped(_ shares: inout [Contribution]) throws(LoyaltyError) -> Int128 {
        var left: Int128 = 0
        for index in shares.indices {
            let rule = shares[index].rule
            for cap in rule.caps {
                guard case .points = cap.measure else { continue }
                let rest = try counters(of: rule.recipient).remaining(cap, of: rule.id)
                let decimals = program.currencies[rule.currency] ?? 0
                shares[index].hold(to: Int128(try rest.ratio.rounded(.floor, scale: decimals)))
            }
            left += shares[index].sum
        }
        return left
    }

    /// Step 6: caps over several rules take off the rules that stand last in the file. Returns the units that are left.
    ///
    /// The member and a good cause have one limit, the member's rules first; so has a referrer where he counts for the same
    /// holder, such as one household. Another referrer has his own.
    mutating func programCapped(
        _ shares: inout [Contribution], _ currency: String, _ recipient: Recipient
    ) throws(LoyaltyError) -> Int128 {
        let decimals = program.currencies[currency] ?? 0
        for cap in program.caps where cap.currency == currency {
            let concerned = shares.indices.filter { cap.rules?.contains(shares[$0].rule.id) ?? true }
            let wanted = concerned.reduce(0) { $0 + shares[$1].sum }
            guard wanted > 0 else { continue }
            let isShared = input.sharedScopes.contains(cap.cap.scope)
            let counting = recipient == .referrer && isShared ? .member : recipient
            let rest = try counters(of: counting).remaining(cap.cap, of: cap.id)
            let most = max(Int128(try rest.ratio.rounded(.floor, scale: decimals)), 0)
            var excess = wanted - most
            for index in concerned.reversed() where excess > 0 {
                let before = shares[index].sum
                shares[index].hold(to: before - excess)
                excess -= before - shares[index].sum
            }
            let granted = min(wanted, most)
            if let counter = cap.cap.counter(of: cap.id) {
                try use(counter, concerned.map { shares[$0] }, decimals, counting)
            } else if counting == .referrer {
                try referrerBook.use(cap.id, inSale: points(granted, decimals).decimal)
            } else {
                try book.use(cap.id, inSale: points(granted, decimals).decimal)
            }
            guard granted < wanted else { continue }
            var step = TraceStep(
                rule: cap.id, matched: true,
                reason:
                    "the limit of the \(cap.cap.per.words) leaves \(try points(granted, decimals)) of \(try points(wanted, decimals)) \(currency)",
                points: "\(try points(granted, decimals))")
            step.wanted = "\(try points(wanted, decimals))"
            steps.append(step)
        }
        return shares.reduce(0) { $0 + $1.sum }
    }

    /// Adds what each rule gave to the counters of its caps.
    mutating func count(_ shares: [Contribution], _ recipient: Recipient) throws(LoyaltyError) {
        for share in shares where share.sum > 0 {
            let decimals = program.currencies[share.rule.currency] ?? 0
            for cap in share.rule.caps {
                guard let counter = cap.counter(of: share.rule.id) else { continue }
                switch cap.measure {
                case .points: try use(counter, [share], decimals, recipient)
                case .spend: try add(counter, money: share.amounts, recipient)
                case .units:
                    let units = DecimalNumber(try share.goods.rounded(.ceiling))
                    add(counter, units, [], recipient)
                case .times:
                    let times = DecimalNumber(share.times)
                    add(counter, times, [], recipient, kept: share.returns == .keep ? times : nil)
                case .pointsPerUnit: break
                }
            }
        }
    }

    /// Counts the points of rules towards a cap, so that a return frees no more of it than it takes of each rule: the
    /// shares of each line by themselves, of a bonus that is revoked nothing before all is back, of one that is kept
    /// nothing at all.
    private mutating func use(
        _ counter: CounterName, _ shares: [Contribution], _ decimals: Int, _ recipient: Recipient
    ) throws(LoyaltyError) {
        var used: [CounterChange.LineAmount] = []
        var (sum, kept) = (Int128(0), Int128(0))
        for share in shares {
            sum += share.sum
            if share.returns == .keep { kept += share.sum }
            if share.returns == .prorate { used += lines([share.units], decimals) }
        }
        add(
            counter, try points(sum, decimals).decimal, used, recipient,
            kept: kept > 0 ? try points(kept, decimals).decimal : nil)
    }

    mutating func add(
        _ counter: CounterName, _ amount: DecimalNumber, _ lines: [CounterChange.LineAmount], _ recipient: Recipient,
        kept: DecimalNumber? = nil
    ) {
        if recipient == .referrer {
            referrerBook.add(counter, amount, lines: lines, kept: kept)
        } else {
            book.add(counter, amount, lines: lines, kept: kept)
        }
    }

    mutating func add(_ counter: CounterName, money amounts: [Int128], _ recipient: Recipient) throws(LoyaltyError) {
        let scale = input.sale.currency.decimals
        var lines: [CounterChange.LineAmount] = []
        for (line, amount) in zip(basket.lines, amounts) where amount != 0 {
            lines.append(.init(line: line.source.id, amount: try decimal(amount, scale)))
        }
        add(counter, try decimal(amounts.reduce(0, +), scale), lines, recipient)
    }

    private func decimal(_ units: Int128, _ scale: Int) throws(LoyaltyError) -> DecimalNumber {
        guard let units = Int64(exactly: units) else { throw Apportionment.overflow }
        return try DecimalNumber(coefficient: units, scale: scale)
    }

    /// Sums of several rows by line.
    func lines(_ rows: [[Int128]], _ decimals: Int) -> [CounterChange.LineAmount] {
        var lines: [CounterChange.LineAmount] = []
        for (index, line) in basket.lines.enumerated() {
            let units = rows.reduce(0) { $0 + $1[index] }
            guard units != 0 else { continue }
            let points = Points(units: Int64(clamping: units), decimals: decimals)
            lines.append(.init(line: line.source.id, amount: points.decimal))
        }
        return lines
    }
}

extension Points {
    var decimal: DecimalNumber { (try? DecimalNumber(coefficient: units, scale: decimals)) ?? .zero }
}
