internal import Checkout
internal import ControlAPI
internal import EarnRules
internal import LoyaltyModel
internal import Storage
internal import TillFeed
internal import USBReaders

/// `member.query` and `points.query`: who stands at the counter, and what the basket would earn. They change nothing.
extension LaneService {
    /// Keeps what is on the screen of a register.
    func noteBasket(_ verb: TillEvent.SaleVerb, _ sale: Sale) {
        switch verb {
        case .open, .update, .tender, .resume: baskets[sale.register] = sale
        case .suspend, .complete, .return, .cancel, .void:
            // A document may come late, when the next basket is on the screen.
            guard let shown = baskets[sale.register], lanes[sale.register]?.isOpen(key(shown)) != true else { return }
            baskets[sale.register] = nil
        }
    }

    func query(
        _ event: TillEvent, _ verb: TillEvent.CardVerb, _ presented: PresentedCard?
    ) async -> Task<TillAnswer, Never> {
        let card: Lane.Card?
        switch presented {
        case let presented?:
            guard case .card(let found) = await resolve(presented), found.standing != .blocked else {
                return answered(event, .ignored, code: "not_known")
            }
            card = found
        case nil: card = await cardAtCounter(event)
        }
        var answer = TillAnswer(acknowledges: event.identity.id, result: .accepted, code: "live")
        answer.member = card.map(summary)
        guard verb == .pointsQuery else { return await memberAnswer(event, card, answer) }
        do throws(LoyaltyError) {
            guard let basket = basket(event) else { return await memberAnswer(event, card, answer) }
            let preview = try ledger.preview(submission(event, basket, card))
            answer.points = .init(preview, earned: preview.earned)
        } catch { return answered(event, .rejected, code: error.code.name, message: error.message) }
        let final = tallied(answer)
        return Task { final }
    }

    /// The member alone, where no basket is open or none was asked about.
    private func memberAnswer(
        _ event: TillEvent, _ card: Lane.Card?, _ answer: TillAnswer
    ) async -> Task<TillAnswer, Never> {
        guard let card, card.member != nil else { return answered(event, .ignored, code: "not_known") }
        var answer = answer
        do throws(LoyaltyError) {
            let preview = try ledger.preview(submission(event, try emptyBasket(event), card))
            if preview.available != nil || preview.balanceHint != nil {
                answer.points = .init(preview, earned: .zero(decimals: preview.earned.decimals))
            }
        } catch { return answered(event, .rejected, code: error.code.name, message: error.message) }
        let final = tallied(answer)
        return Task { final }
    }

    private func basket(_ event: TillEvent) -> Sale? {
        event.basket ?? register(of: event).flatMap { baskets[$0] }
    }

    private func cardAtCounter(_ event: TillEvent) async -> Lane.Card? {
        guard let register = event.basket?.register ?? register(of: event) else { return nil }
        // A card that was read before the first sale waits on the lane without a name.
        let early = Set(registerOfSource.values).count <= 1 ? lanes[""] : nil
        let step: Lane.SaleStep?
        if let basket = event.basket {
            step = self.step(.update, basket, await tillCards(event))
        } else {
            step = nil
        }
        return (lanes[register] ?? early ?? newLane).card(for: step, at: clock.monotonic)
    }

    private func submission(_ event: TillEvent, _ basket: Sale, _ card: Lane.Card?) -> SaleSubmission {
        let closed = basket.closedAt ?? event.time
        return SaleSubmission(
            event: event, verb: .complete, sale: basket,
            businessDay: event.businessDay
                ?? settings.site.zone.businessDay(event.time, cutoff: settings.site.dayCutoff),
            attachment: card.map(attachment), program: rules.programs.program(at: closed), programs: rules.programs,
            receivedAt: clock.now, receivedDay: today)
    }
}

/// `reader.state`.
extension LaneService {
    func tellState(_ event: ReaderEvent) {
        switch event {
        case .connected(let reader): outlets.tellReaderState(notice(reader.id, "connected"))
        case .disconnected(let id): outlets.tellReaderState(notice(id, "gone"))
        case .state(let id, let state): outlets.tellReaderState(notice(id, state.word, state.reason))
        case .scan, .partialDropped, .notice: break
        }
    }

    private func notice(_ reader: ReaderID, _ state: String, _ reason: String? = nil) -> ReaderStateNotice {
        ReaderStateNotice(
            reader: reader, register: readers.register(of: reader) ?? settings.till.register, time: clock.now,
            state: state, reason: reason)
    }

    /// The state of every reader, for a till that has just asked.
    func presentNotices() -> [TillNotice] {
        readers.reports.map { report in
            .readerState(
                ReaderStateNotice(
                    reader: report.id, register: report.register ?? settings.till.register, time: clock.now,
                    state: report.state == .gone ? "gone" : report.word ?? "connected", reason: report.problem))
        }
    }
}
