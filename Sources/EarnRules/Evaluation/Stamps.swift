public import LoyaltyModel

extension Evaluation {
    /// Step 5, punch cards: the stamps of each card, and the rewards that they complete.
    mutating func stamps() throws(LoyaltyError) -> (accruals: [Accrual], issued: [IssuedReward]) {
        var accruals: [Accrual] = []
        var issued: [IssuedReward] = []
        for card in program.stampCards {
            guard input.member != nil || input.event == Rule.saleEvent, let candidate = try candidate(card.rule) else {
                continue
            }
            let weights = try weights(card, candidate)
            let wanted = weights.stamps
            guard wanted > 0 else {
                trace(card.rule, matched: false, "it gives no stamp", nil, [])
                continue
            }
            let counter = card.counter
            let before = Int128(try book.value(counter).ratio.rounded(.floor))
            let given = try limited(card, wanted, before)
            let shares = try Apportionment.shares(of: given, over: weights.lines)
            let contribution = Contribution(
                rule: card.rule, units: shares, amounts: candidate.amounts, wanted: try Ratio(wanted, over: 1))
            try count([contribution], .member)
            let total = try points(given, 0)
            add(counter, total.decimal, lines([shares], 0), .member)
            let prizes = prizes(card, from: before, to: before + given)
            issued += prizes
            try trace(card, contribution, wanted, before + given, prizes)
            guard given > 0 else { continue }
            try grant([contribution], card.id, .member)
            var lines: [Accrual.LineShare] = []
            for (line, units) in zip(basket.lines, shares) where units != 0 {
                lines.append(Accrual.LineShare(line: line.source.id, points: try points(units, 0)))
            }
            accruals.append(
                Accrual(currency: card.id, total: total, qualifying: .zero(decimals: 0), lines: lines))
        }
        return (accruals, issued)
    }

    /// How many stamps a sale asks for, and by what they are shared over its lines.
    private func weights(
        _ card: StampCard, _ candidate: Candidate
    ) throws(LoyaltyError) -> (stamps: Int128, lines: [Int128]) {
        let byMoney = candidate.total > 0 ? candidate.amounts : candidate.excluded.map { $0 == nil ? 1 : 0 }
        switch card.give {
        case .visit(let stamps): return (Int128(stamps), byMoney)
        case .amount(let stamps, let per):
            let money = try Ratio(candidate.total, over: 1).multiplied(by: minorUnit)
            return (Int128(try money.divided(by: per.ratio).rounded(.floor)) * Int128(stamps), candidate.amounts)
        case .units(let stamps, let per):
            let units = try units(candidate.excluded, unit: nil)
            let steps = Int128(try units.sum().divided(by: per.ratio).rounded(.floor))
            var lines: [Int128] = []
            for part in units { lines.append(Int128(try part.rounded(.ceiling))) }
            return (steps * Int128(stamps), lines)
        }
    }

    /// Caps, and without carry-over the end of the card.
    private func limited(_ card: StampCard, _ wanted: Int128, _ before: Int128) throws(LoyaltyError) -> Int128 {
        var given = wanted
        for cap in card.rule.caps {
            let rest = Int128(try book.remaining(cap, of: card.id).ratio.rounded(.floor))
            switch cap.measure {
            case .points: given = min(given, rest)
            case .times: if rest <= 0 { given = 0 }
            case .spend, .units, .pointsPerUnit: break
            }
        }
        if !card.carriesOver { given = min(given, Int128(card.length) - before % Int128(card.length)) }
        return max(given, 0)
    }

    /// Rewards between two counts of stamps: of each as many as `count` has passed its mark, card after card.
    private func prizes(_ card: StampCard, from before: Int128, to after: Int128) -> [IssuedReward] {
        card.prizes.compactMap { prize in
            let count = card.rewards(prize, at: after) - card.rewards(prize, at: before)
            guard count != 0 else { return nil }
            let declared = program.rewards.first { $0.id == prize.issue }?.expiry
            let expiry = prize.expiry ?? declared
            return IssuedReward(
                reward: prize.issue, count: Int64(clamping: count),
                expires: expiry?.lastDay(
                    from: input.businessDay, calendar: program.calendar, joined: input.state.joined))
        }
    }

    private mutating func trace(
        _ card: StampCard, _ share: Contribution, _ wanted: Int128, _ after: Int128, _ prizes: [IssuedReward]
    ) throws(LoyaltyError) {
        var reason = "\(share.sum) of \(card.length) stamps"
        if share.sum < wanted { reason += ", limited from \(wanted)" }
        reason += "; the card shows \(after % Int128(card.length))"
        for prize in prizes { reason += "; \(prize.count) of reward \(prize.reward)" }
        trace(
            card.rule, matched: share.sum > 0, reason, "\(share.sum)", [],
            wanted: share.sum < wanted ? "\(wanted)" : nil)
    }
}

extension StampCard {
    /// How many of a reward so many stamps of a lifetime have brought. A function of the count alone, so that a return
    /// takes back what its stamps brought, in any order.
    func rewards(_ prize: Prize, at stamps: Int128) -> Int128 {
        guard stamps >= Int128(prize.at) else { return 0 }
        return (stamps - Int128(prize.at)) / Int128(length) + 1
    }
}

extension Program {
    /// Rewards of one stamp card between two counts of a lifetime; below zero where stamps were taken back.
    ///
    /// - Throws: `number.overflow`.
    public func stampRewards(
        _ card: String, from before: DecimalNumber, to after: DecimalNumber, on day: CalendarDate
    ) throws(LoyaltyError) -> [IssuedReward] {
        guard let card = stampCards.first(where: { $0.id == card }) else { return [] }
        let (old, new) = (Int128(try before.ratio.rounded(.floor)), Int128(try after.ratio.rounded(.floor)))
        var rewards: [IssuedReward] = []
        for prize in card.prizes {
            let count = card.rewards(prize, at: max(new, 0)) - card.rewards(prize, at: max(old, 0))
            guard count != 0 else { continue }
            let expiry = prize.expiry ?? self.rewards.first { $0.id == prize.issue }?.expiry
            rewards.append(
                IssuedReward(
                    reward: prize.issue, count: Int64(clamping: count),
                    expires: count > 0 ? expiry?.lastDay(from: day, calendar: calendar, joined: nil) : nil))
        }
        return rewards
    }
}
