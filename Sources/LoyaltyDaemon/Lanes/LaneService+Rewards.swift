internal import Checkout
internal import EarnRules
internal import LoyaltyModel
internal import Storage

extension LaneService {
    /// `reward.query`: what the member could have now, with the points that this machine knows of. Changes nothing.
    ///
    /// The card is the one that the question names, else the one at the counter.
    func submitRewardQuery(_ event: TillEvent, _ presented: PresentedCard?, _ basket: Sale?) async -> Task<
        TillAnswer, Never
    > {
        guard let presented else {
            return answered(event, .rejected, code: "till.missing_field", message: "\"card\" is missing")
        }
        guard case .card(let card) = await resolve(presented), card.standing != .blocked, let member = card.member
        else { return answered(event, .ignored, code: "not_known") }
        let program = rules.programs.program(at: event.time)
        let day =
            event.businessDay ?? settings.site.zone.businessDay(event.time, cutoff: settings.site.dayCutoff)
        var answer = TillAnswer(acknowledges: event.identity.id, result: .accepted, code: "live")
        do throws(LoyaltyError) {
            var sale = try emptyBasket(event)
            if let basket { sale = basket }
            let accounts = AccountRegister(database)
            let offers = try await accounts.offers(
                to: member, for: sale, at: event.time, on: min(day, today), program: program)
            answer.offers = offers.map(RewardOfferSummary.init)
            let statement = try await accounts.statement(of: member, on: min(day, today), program: program)
            answer.points = points(statement, program)
        } catch {
            return answered(event, .rejected, code: error.code.name, message: error.message)
        }
        answer.member = summary(card)
        answer.signal = .ok
        let final = tallied(answer)
        return Task { final }
    }

    /// What the member has, for an answer that gives nothing.
    func points(_ statement: AccountRegister.Statement, _ program: Program) -> TillAnswer.PointsSummary? {
        guard let balance = statement.balances.first(where: { $0.currency == program.primaryCurrency }) else {
            return nil
        }
        var points = TillAnswer.PointsSummary(earned: .zero(decimals: balance.available.decimals))
        points.available = balance.available
        points.pending = balance.pending.isZero ? nil : balance.pending
        points.owed = balance.owed.isZero ? nil : balance.owed
        points.ends = balance.endings.first.map { .init(day: $0.day, points: $0.points) }
        return points
    }

    /// Without a basket the question is what the points would be good for at all.
    func emptyBasket(_ event: TillEvent) throws(LoyaltyError) -> Sale {
        var currency = try Currency("XXX")
        if let known = settings.till.currency { currency = known }
        return Sale(
            store: settings.site.store ?? "", register: register(of: event) ?? "", number: "", state: .open,
            currency: currency, totals: SaleTotals(grand: .zero(currency)))
    }
}

extension RewardOfferSummary {
    init(_ offer: RewardOffer) {
        self.init(
            reward: offer.reward, text: offer.text, currency: offer.currency,
            steps: offer.steps.map { Step(points: $0.points, value: $0.money) }, reason: offer.reason)
    }
}

extension TillAnswer.PointsSummary {
    /// What a basket would earn, and what its member has before it.
    init(_ preview: Ledger.Preview, earned: Points) {
        self.init(earned: earned, balanceHint: preview.balanceHint, asOf: preview.balanceAsOf)
        available = preview.available
        pending = preview.pending
        owed = preview.owed
        ends = preview.ending.map { .init(day: $0.day, points: $0.points) }
    }

    /// What a document gave, and what its member has afterwards.
    init(_ outcome: LedgerOutcome, earned: Points) {
        self.init(earned: earned, balanceHint: outcome.balanceHint, asOf: outcome.balanceAsOf)
        available = outcome.available
        pending = outcome.pending
        owed = outcome.owed
        spent = outcome.spent
        ends = outcome.ending.map { .init(day: $0.day, points: $0.points) }
    }
}
