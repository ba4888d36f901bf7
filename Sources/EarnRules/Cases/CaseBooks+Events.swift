import LoyaltyModel

extension CaseBooks {
    /// Does what a step says, in the name of a member.
    ///
    /// - Throws: what the program refuses, such as `reward.refused`.
    mutating func apply(_ step: ProgramCase.Step, by id: String) throws(LoyaltyError) {
        let program = versions.program(at: step.time)
        let today = program.zone.local(step.time).date
        try pass(to: today)
        guard let event = step.event else { return }
        var account = try account(id)
        switch event {
        case .sale(let sale): try sell(sale, step, id, program)
        case .action(let action): try act(action, step, id, program)
        case .returned(let origin, let lines): try takeBack(origin, lines, step)
        case .returnedUnlinked(let lines): try takeBack(lines, step, id, program)
        case .void(let target): try void(target, step)
        case .book(let name, let date, let atTill):
            let tier = try program.tierName(
                of: account.state, counters: counters(of: id), member: account.member, on: today)
            try program.book(
                name, on: date, today: today, atTill: atTill, tier: tier, state: &account.state)
            accounts[id] = account
        case .link(let partner, let number):
            try program.link(partner, number: number, state: &account.state)
            accounts[id] = account
        case .choose(let cause):
            try program.choose(beneficiary: cause, state: &account.state)
            accounts[id] = account
        }
    }

    // MARK: Sales and actions

    private mutating func sell(
        _ sold: CaseSale, _ step: ProgramCase.Step, _ id: String, _ program: Program
    ) throws(LoyaltyError) {
        var account = try account(id)
        var values = try counters(of: id)
        var input = EarnInput(
            sale: sold.sale, occurredAt: step.time, businessDay: day, member: account.member, state: account.state,
            counters: values, explanation: .everyRule)
        input.sale.closedAt = step.time
        if let referrer = account.state.referrer?.value, accounts[referrer] != nil {
            input.referrerCounters = try counters(of: referrer)
            input.sharedScopes = try sharedScopes(id, referrer)
        }
        effect.offers = try program.offers(input)
        let spendings = try redeem(sold, step, &input, &account.state, &values, program)
        input.state = account.state
        input.counters = values
        let result = try program.evaluate(input)
        try post(result, step, id, account, values, program)
        let record = try program.record(input, result, origin: step.id, spendings: spendings)
        var codes: [String: String] = [:]
        for line in sold.sale.lines { codes[line.id] = line.code?.value }
        done[step.id] = .posted(Posted(account: id, program: program, record: record, codes: codes))
        posted.append(step.id)
        var pieces: [Piece] = []
        for line in sold.sale.lines {
            guard let origin = sold.origins[line.id] else { continue }
            pieces.append(Piece(step: origin.step, line: origin.line, quantity: try line.quantity.magnitude()))
        }
        for piece in pieces { try bringBack(piece) }
        try issueAtOnce(id, program, after: (input.sale, step.time))
    }

    /// Spends points, and pays with what they are worth.
    private mutating func redeem(
        _ sold: CaseSale, _ step: ProgramCase.Step, _ input: inout EarnInput, _ state: inout MemberState,
        _ values: inout Counters, _ program: Program
    ) throws(LoyaltyError) -> [Spending] {
        var spendings: [Spending] = []
        var paid = Money.zero(sold.sale.currency)
        for (index, wish) in sold.redeeming.enumerated() {
            guard let declared = program.rewards.first(where: { $0.id == wish.reward }),
                let units = try? wish.points.units(scale: program.currencies[declared.currency] ?? 0)
            else {
                throw LoyaltyError(.rewardUnknown, "the program has no reward \"\(wish.reward)\" at that price")
            }
            input.state = state
            input.counters = values
            let points = Points(units: units, decimals: program.currencies[declared.currency] ?? 0)
            let redemption = try program.redeem(
                wish.reward, points: points, id: "\(step.id)/\(index + 1)", input, state: &state)
            try values.apply(redemption.counterChanges)
            effect.movements += redemption.movements
            spendings.append(redemption.spending)
            guard declared.kind == .money || declared.kind == .percent, let money = redemption.spending.money else {
                if let money = redemption.spending.money { effect.worth = money }
                continue
            }
            paid = try paid.adding(money)
            effect.worth = paid
            switch wish.form {
            case .tender: input.sale.tenders.append(Tender(kind: .points, amount: money))
            case .discount:
                input.sale.discounts.append(SaleDiscount(amount: money, source: .loyalty))
                input.sale.totals.grand = try input.sale.totals.grand.adding(money.negated())
            }
        }
        try payRest(sold.rest ?? (input.sale.tenders.isEmpty ? nil : .cash), &input.sale)
        return spendings
    }

    /// Pays what no tender pays.
    private func payRest(_ kind: Tender.Kind?, _ sale: inout Sale) throws(LoyaltyError) {
        guard let kind else { return }
        var rest = sale.totals.grand
        for tender in sale.tenders { rest = try rest.adding(tender.amount.negated()) }
        if rest.minorUnits > 0 { sale.tenders.append(Tender(kind: kind, amount: rest)) }
    }

    private mutating func act(
        _ action: LoyaltyAction, _ step: ProgramCase.Step, _ id: String, _ program: Program
    ) throws(LoyaltyError) {
        guard note(key: action.key) else {
            effect.note("action", "an action with the key \"\(action.key)\" was seen before; nothing changes")
            return
        }
        let account = try account(id)
        let values = try counters(of: id)
        var referrerCounters: Counters = [:]
        var shared: Set<CounterScope> = []
        if let referrer = account.state.referrer?.value, accounts[referrer] != nil {
            referrerCounters = try counters(of: referrer)
            shared = try sharedScopes(id, referrer)
        }
        var dated = action
        dated.businessDay = day
        let result = try program.evaluate(
            dated, member: account.member, state: account.state, counters: values, referrerCounters: referrerCounters,
            sharedScopes: shared)
        try post(result, step, id, account, values, program)
        var record = SaleRecord(
            origin: step.id, lines: [], grants: result.grants, counterChanges: result.counterChanges,
            referrerCounterChanges: result.referrerCounterChanges, entitlements: [])
        if account.member != nil { record.tier = program.tierChange(from: account.state.tier, result, on: day) }
        done[step.id] = .posted(Posted(account: id, program: program, record: record, codes: [:]))
        posted.append(step.id)
        try issueAtOnce(id, program, after: (program.document(of: dated), action.occurredAt))
    }

    /// Books what a sale or action earns.
    private mutating func post(
        _ result: EarnResult, _ step: ProgramCase.Step, _ id: String, _ account: Account, _ values: Counters,
        _ program: Program
    ) throws(LoyaltyError) {
        var account = account
        var values = values
        try values.apply(result.counterChanges)
        effect.movements += try program.credit(result, origin: step.id, on: day, to: &account.state)
        // Who is not known keeps nothing.
        if account.member != nil {
            accounts[id] = account
            setCounters(values, of: id)
        }
        effect.add(result.issued, to: id)
        effect.grants += result.grants
        effect.flags += result.flags
        effect.trace += result.trace
        for forward in result.forwards { effect.forwards[forward.partner] = forward.amount }
        for accrual in result.accruals { try effect.earn(accrual.total, accrual.currency) }
        for other in result.others {
            try effect.give(other.accrual.total, other.accrual.currency, to: other.account)
        }
        guard let referrer = account.state.referrer?.value, var recruiter = accounts[referrer] else { return }
        var counted = try counters(of: referrer)
        try counted.apply(result.referrerCounterChanges)
        setCounters(counted, of: referrer)
        for (index, grant) in result.grants.enumerated()
        where grant.recipient == .referrer && grant.granted.units > 0 {
            let lot = Lot(
                id: "\(step.id)/referrer/\(index)", currency: grant.currency, origin: step.id,
                program: program.identity.hash, granted: grant.granted, remaining: grant.granted,
                qualifying: .zero(decimals: grant.granted.decimals), earned: day, pendingUntil: grant.pendingUntil,
                expires: grant.expires, inactive: grant.inactive)
            effect.movements += try recruiter.state.add(lot)
        }
        accounts[referrer] = recruiter
    }

    // MARK: What comes back

    private mutating func takeBack(
        _ origin: String, _ lines: [ProgramCase.ReturnedLine]?, _ step: ProgramCase.Step
    ) throws(LoyaltyError) {
        let sale = try sale(origin)
        var pieces: [Piece] = []
        for line in sale.record.lines {
            let asked = lines?.first { $0.line == line.id }
            guard lines == nil || asked != nil else { continue }
            let open = try line.quantity.adding((sale.returned[line.id] ?? .zero).negated())
            guard lines == nil || open.isNegative == false else { continue }
            pieces.append(Piece(step: origin, line: line.id, quantity: asked?.quantity ?? open))
        }
        if let stray = lines?.first(where: { wanted in !sale.record.lines.contains { $0.id == wanted.line } }) {
            throw LoyaltyError(.caseConflict, "the sale of step \(origin) has no line \"\(stray.line)\" to return")
        }
        for piece in pieces { try bringBack(piece) }
        done[step.id] = .returned(pieces)
    }

    private func sale(_ step: String) throws(LoyaltyError) -> Posted {
        guard case .posted(let sale)? = done[step] else {
            throw LoyaltyError(.caseConflict, "step \(step) is no sale or action")
        }
        guard !sale.isVoid else { throw LoyaltyError(.caseConflict, "the sale of step \(step) was voided") }
        return sale
    }

    /// Takes a part of a line back; below zero where a return is undone.
    private mutating func bringBack(_ piece: Piece) throws(LoyaltyError) {
        var sale = try sale(piece.step)
        let before = try sale.taken()
        sale.returned[piece.line] = try (sale.returned[piece.line] ?? .zero).adding(piece.quantity)
        try settle(sale, from: before, as: piece.step)
        effect.note("return", "\(piece.quantity) of line \(piece.line) of step \(piece.step)")
    }

    private mutating func settle(
        _ sale: Posted, from before: SaleRecord.Taken, as step: String
    ) throws(LoyaltyError) {
        var account = try account(sale.account)
        var values = try counters(of: sale.account)
        let (change, movements) = try sale.program.take(
            sale.record, from: before, to: sale.taken(), on: day,
            renewal: renewal(of: account.state.tier, sale.account, besides: step), state: &account.state,
            counters: &values)
        accounts[sale.account] = account
        setCounters(values, of: sale.account)
        done[step] = .posted(sale)
        effect.movements += movements
        effect.add(change.issued, to: sale.account)
        for accrual in change.accruals { try effect.earn(accrual.total, accrual.currency) }
        for other in change.others {
            try effect.give(other.accrual.total, other.accrual.currency, to: other.account)
            try takeFromReferrer(other, change, sale)
        }
    }

    /// The day of the last sale that brought this tier, other than of a step.
    private func renewal(of tier: TierStanding?, _ account: String, besides step: String) -> CalendarDate? {
        for other in posted.reversed() where other != step {
            guard case .posted(let sale)? = done[other], sale.account == account, !sale.isVoid else { continue }
            if let change = sale.record.tier, change.after == tier, change.before != tier { return change.day }
        }
        return nil
    }

    private mutating func takeFromReferrer(
        _ other: OtherAccrual, _ change: ReturnEffect, _ sale: Posted
    ) throws(LoyaltyError) {
        guard other.recipient == .referrer, var recruiter = accounts[other.account] else { return }
        let points = other.accrual.total
        if points.isNegative {
            effect.movements += try recruiter.state.takeBack(
                points.negated(), of: other.accrual.currency, origin: sale.record.origin, on: day,
                sale.program.returns)
        } else {
            effect.movements += try recruiter.state.giveBack(
                points, of: other.accrual.currency, origin: sale.record.origin, on: day, sale.program.returns.clawback)
        }
        accounts[other.account] = recruiter
        var counted = try counters(of: other.account)
        try counted.apply(change.referrerCounterChanges)
        setCounters(counted, of: other.account)
    }

    /// Goods without a receipt, by the policy of the program.
    private mutating func takeBack(
        _ lines: [SaleLine], _ step: ProgramCase.Step, _ id: String, _ program: Program
    ) throws(LoyaltyError) {
        switch program.returns.unlinked {
        case .ignore: effect.note("return", "the program lets goods without a receipt keep their points")
        case .matchLastPurchase:
            var pieces: [Piece] = []
            for line in lines { pieces += try latest(line, id) }
            done[step.id] = .returned(pieces)
        case .reverseByRate:
            var account = try account(id)
            guard let currency = lines.first?.amount.currency else { return }
            var sale = Sale(
                store: "1", register: "1", number: step.id, kind: .return, currency: currency,
                totals: SaleTotals(grand: .zero(currency)))
            sale.lines = lines
            let input = EarnInput(
                sale: sale, occurredAt: step.time, businessDay: day, member: account.member, state: account.state,
                counters: try counters(of: id), explanation: .everyRule)
            let result = try program.evaluateReversal(input, of: lines)
            var movements: [LotMovement] = []
            for accrual in result.accruals {
                movements += try account.state.takeBack(
                    accrual.total, of: accrual.currency, origin: nil, on: day, program.returns)
                try effect.earn(accrual.total.negated(), accrual.currency)
            }
            effect.trace += result.trace
            effect.movements += movements
            accounts[id] = account
            try count(result.counterChanges, id)
            done[step.id] = .reversed(movements, counted: result.counterChanges)
        }
    }

    private mutating func count(_ changes: [CounterChange], _ id: String) throws(LoyaltyError) {
        var values = try counters(of: id)
        try values.apply(changes)
        setCounters(values, of: id)
    }

    /// The member's latest purchases of the product.
    private mutating func latest(_ line: SaleLine, _ id: String) throws(LoyaltyError) -> [Piece] {
        var open = try line.quantity.magnitude()
        var pieces: [Piece] = []
        for step in posted.reversed() {
            guard case .posted(let sale)? = done[step], sale.account == id, !sale.isVoid else { continue }
            for bought in sale.record.lines where !open.isZero {
                guard let code = line.code?.value, sale.codes[bought.id] == code else { continue }
                let room = try bought.quantity.adding((sale.returned[bought.id] ?? .zero).negated())
                let part = min(open, room)
                guard !part.isZero, !part.isNegative else { continue }
                let piece = Piece(step: step, line: bought.id, quantity: part)
                try bringBack(piece)
                pieces.append(piece)
                open = try open.adding(part.negated())
            }
        }
        if !open.isZero { effect.flags.append("unmatched_return") }
        return pieces
    }

    private mutating func void(_ target: String, _ step: ProgramCase.Step) throws(LoyaltyError) {
        switch done[target] {
        case .posted(var sale):
            guard !sale.isVoid else { throw LoyaltyError(.caseConflict, "step \(target) was voided before") }
            let before = try sale.taken()
            sale.isVoid = true
            try settle(sale, from: before, as: target)
        case .returned(let pieces):
            for piece in pieces {
                try bringBack(Piece(step: piece.step, line: piece.line, quantity: piece.quantity.negated()))
            }
            done[target] = .returned([])
        case .reversed(let movements, let counted):
            var account = try account(Self.nobody)
            for (id, candidate) in accounts.sorted(by: { $0.key < $1.key })
            where movements.contains(where: { movement in candidate.state.lots.contains { $0.id == movement.lot } }) {
                account = candidate
                let undone = try account.state.undo(movements, on: day)
                accounts[id] = account
                for change in counted {
                    try count([CounterChange(key: change.key, amount: change.amount.negated(), lines: [])], id)
                }
                effect.movements += undone
                for movement in undone where movement.reason == .restored {
                    try effect.earn(movement.points, movement.currency)
                }
                break
            }
            done[target] = .reversed([], counted: [])
        case nil: throw LoyaltyError(.caseConflict, "step \(target) did nothing that can be voided")
        }
        effect.note("void", "step \(target) never was")
    }
}
