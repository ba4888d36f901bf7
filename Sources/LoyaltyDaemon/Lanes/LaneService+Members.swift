internal import Checkout
internal import EarnRules
internal import Logging
internal import LoyaltyModel
internal import Storage
internal import TillFeed

/// What members do and tell besides buying. None of it moves a lane: the card at the counter is not asked.
extension LaneService {
    /// `member.action`, `member.action_void`.
    func submitAction(
        _ event: TillEvent, _ verb: TillEvent.ActionVerb, _ action: LoyaltyAction, _ presented: PresentedCard?
    ) async -> Task<TillAnswer, Never> {
        var attached: CardAttachment?
        if verb == .take {
            switch await holder(presented) {
            case .success(let card): attached = attachment(card)
            case .failure(let refusal): return answered(event, refusal.result, code: refusal.code)
            }
        }
        var action = action
        action.businessDay =
            event.businessDay
            ?? settings.site.zone.businessDay(action.occurredAt, cutoff: settings.site.dayCutoff)
        action.store = action.store ?? settings.site.store
        let program = rules.programs.program(at: action.occurredAt)
        let submission: SaleSubmission
        do throws(LoyaltyError) {
            submission = SaleSubmission(
                event: event, verb: verb == .take ? .complete : .void, sale: try program.document(of: action),
                businessDay: action.businessDay, attachment: attached, program: program, programs: rules.programs,
                receivedAt: clock.now, receivedDay: today, action: action)
        } catch { return answered(event, .rejected, code: error.code.name, message: error.message) }
        if isOverBudget { return refusedForSpace(event) }
        let ticket = ledger.submit(submission)
        return Task {
            do throws(LoyaltyError) { return taken(event, try await ticket.value) } catch {
                log.error("an action could not be stored", metadata: ["error": "\(error)"])
                return tallied(
                    TillAnswer(
                        acknowledges: event.identity.id, result: .rejected, code: error.code.name,
                        message: error.message))
            }
        }
    }

    private func taken(_ event: TillEvent, _ outcome: LedgerOutcome) -> TillAnswer {
        if !outcome.transactions.isEmpty { outlets.wakeUpstream() }
        if outcome.decision == .identityConflict { return conflicting(event) }
        var answer = TillAnswer(
            acknowledges: event.identity.id, result: outcome.decision == .duplicate ? .duplicate : .accepted)
        if outcome.decision == .voided { answer.code = outcome.decision.rawValue }
        answer.sale = outcome.sale
        answer.flags = outcome.flags
        if let earned = outcome.earned {
            answer.points = .init(outcome, earned: earned)
            answer.rewards = outcome.rewards ?? []
            answer.member = .init(id: outcome.member?.value, tier: outcome.tier, unverified: outcome.unverified)
            answer.signal = .ok
        }
        return tallied(answer)
    }

    /// `member.update`.
    func submitUpdate(
        _ event: TillEvent, _ update: MemberUpdate, _ presented: PresentedCard
    ) async -> Task<TillAnswer, Never> {
        let card: Lane.Card
        switch await holder(presented) {
        case .success(let known): card = known
        case .failure(let refusal): return answered(event, refusal.result, code: refusal.code)
        }
        guard let member = card.member else { return answered(event, .rejected, code: "not_known") }
        if isOverBudget { return refusedForSpace(event) }
        let day =
            event.businessDay ?? settings.site.zone.businessDay(event.time, cutoff: settings.site.dayCutoff)
        let ticket = MemberRegister(database).keep(
            update, of: member, event: event.identity, program: rules.programs.program(at: event.time), on: day,
            at: clock.now)
        let summary = summary(card)
        return Task {
            do throws(LoyaltyError) {
                switch try await ticket.value {
                case .identityConflict: return conflicting(event)
                case .kept, .duplicate:
                    var answer = TillAnswer(acknowledges: event.identity.id, result: .accepted)
                    if try await ticket.value == .duplicate { answer.result = .duplicate }
                    answer.member = summary
                    answer.signal = .ok
                    return tallied(answer)
                }
            } catch {
                return tallied(
                    TillAnswer(
                        acknowledges: event.identity.id, result: .rejected, code: error.code.name,
                        message: [error.message, error.remedy].compactMap(\.self).joined(separator: ". ")))
            }
        }
    }

    private struct Refusal: Error {
        var result: TillAnswer.Result
        var code: String
    }

    /// Whose action or update it is.
    private func holder(_ presented: PresentedCard?) async -> Result<Lane.Card, Refusal> {
        guard let presented else { return .failure(Refusal(result: .rejected, code: "till.missing_field")) }
        switch await resolve(presented) {
        case .card(let card):
            return card.standing == .blocked
                ? .failure(Refusal(result: .rejected, code: "card_blocked")) : .success(card)
        case .refused(let refusal):
            count("refused.\(refusal.rawValue)")
            return .failure(Refusal(result: .rejected, code: refusal.rawValue))
        default: return .failure(Refusal(result: .rejected, code: "not_known"))
        }
    }

    private func refusedForSpace(_ event: TillEvent) -> Task<TillAnswer, Never> {
        count("event.refused_disk_full")
        return answered(
            event, .rejected, code: LoyaltyError.Code.storageDiskFull.name,
            message: "the storage budget is used up; send again later")
    }

    private func conflicting(_ event: TillEvent) -> TillAnswer {
        tallied(
            TillAnswer(
                acknowledges: event.identity.id, result: .rejected, code: "id_conflict",
                message: "another document was taken under this event id"))
    }
}
