internal import CardReading
internal import Checkout
internal import EarnRules
internal import Logging
internal import LoyaltyModel
internal import Storage
internal import TillFeed

extension LaneService {
    func submitSale(
        _ event: TillEvent, _ verb: TillEvent.SaleVerb, _ sale: Sale
    ) async -> Task<TillAnswer, Never> {
        let isFinished =
            switch verb {
            case .complete, .return, .void: true
            case .open, .update, .suspend, .resume, .tender, .cancel: false
            }
        // The receipt printed again is no sale.
        if sale.links.contains(where: { $0.relation == .copyOf }) {
            count("event.copy")
            return answered(event, .ignored, code: "copy")
        }
        let cards = await tillCards(event)
        guard isFinished else { return live(event, verb, sale, cards) }
        switch sale.kind {
        case .layaway, .order, .noSale:
            // Nothing is earned, but the basket is over at the counter, and the card that was read for it with it. A drawer that
            // was opened to change money had no basket.
            let hadBasket =
                sale.kind != .noSale || !sale.lines.isEmpty || lanes[sale.register]?.isOpen(key(sale)) == true
            if !event.replay, verb != .void, hadBasket { end(key(sale), closedAt: sale.closedAt) }
            return remembered(event, .ignored, code: "kind.\(sale.kind.rawValue)")
        case .sale, .return, .exchange, .mixed: return await finish(event, verb, sale, cards)
        }
    }

    /// A basket that is still open: moves the lane, stores nothing.
    private func live(
        _ event: TillEvent, _ verb: TillEvent.SaleVerb, _ sale: Sale, _ cards: TillCards
    ) -> Task<TillAnswer, Never> {
        guard !event.replay else { return answered(event, .ignored, code: "replay") }
        var step = step(verb, sale, cards)
        let actions: [Lane.Action]
        if isFromBefore(event.time, sale) {
            // What waits now was read for another basket.
            actions = handleEarlier(.sale(step), sale.register, at: event.time)
        } else {
            adoptEarlyLane(sale.register)
            takeEarlierCard(for: &step, at: event.time)
            fetchBaggage(for: step)
            actions = lanes[sale.register, default: newLane].handle(.sale(step), at: clock.monotonic)
            noteBasket(verb, sale)
        }
        var answer = TillAnswer(acknowledges: event.identity.id, result: .accepted, code: "live")
        describe(actions, into: &answer)
        return remembered(event, answer)
    }

    private func finish(
        _ event: TillEvent, _ verb: TillEvent.SaleVerb, _ sale: Sale, _ cards: TillCards
    ) async -> Task<TillAnswer, Never> {
        let now = clock.now
        let closed = sale.closedAt ?? event.time
        var submission = SaleSubmission(
            event: event, verb: verb, sale: sale,
            businessDay: event.businessDay
                ?? settings.site.zone.businessDay(closed, cutoff: settings.site.dayCutoff),
            attachment: nil, program: rules.programs.program(at: closed), programs: rules.programs,
            receivedAt: now, receivedDay: today, flags: cards.flags + event.flags.filter(Self.keptFlags.contains))
        var facts: CardFacts?
        var isOwn = false
        var isEarlier = false
        let standing: Ledger.Standing
        var failure: LoyaltyError?
        do throws(LoyaltyError) { standing = try await ledger.standing(of: submission) } catch {
            (standing, failure) = (.new, error)
        }
        let isRepeat = standing != .new
        let isKnown = isRepeat || event.replay || inFlight.contains(event.identity)
        // From here to `submit` nothing waits: the lane's decision and the place in the commit order belong together.
        let kept = keptCards.decision(for: event.identity, isNew: !isRepeat)
        let closedAgo = kept == nil && !isKnown && verb != .void ? noteLag(closed, sale.register) : nil
        if let kept {
            submission.attachment = kept
        } else if standing == .conflict {
            // It is refused, but a basket is over at the counter all the same.
            if !event.replay, verb != .void { end(key(sale), closedAt: sale.closedAt) }
        } else if isKnown {
            let card = reopened(event, verb, sale, cards) ?? cards.cards.last
            isOwn = card.map { isOwnSale($0, sale) } ?? false
            if !isOwn { submission.attachment = card.map(attachment) }
        } else if verb == .void {
            let step = step(.void, sale, cards)
            _ = lanes[sale.register]?.handle(.sale(step), at: clock.monotonic)
            tellEarlier(.sale(step), sale.register)
        } else {
            var step = step(verb, sale, cards)
            let actions: [Lane.Action]
            isEarlier = isFromBefore(closed, sale)
            if isEarlier {
                // It could be the clock that is wrong, and the card this sale's: then it must not wait for the next one.
                sendWaitingCardAway(sale.register)
                actions = handleEarlier(.sale(step), sale.register, at: closed)
            } else {
                adoptEarlyLane(sale.register)
                step.closedAgo = closedAgo
                takeEarlierCard(for: &step, at: closed)
                fetchBaggage(for: step)
                actions = lanes[sale.register, default: newLane].handle(.sale(step), at: clock.monotonic)
                noteBasket(verb, sale)
            }
            for case .commit(let commit) in actions {
                isOwn = commit.card.map { isOwnSale($0, sale) } ?? false
                if !isOwn {
                    submission.attachment = commit.card.map(attachment)
                    facts = commit.card.map { CardFacts(card: $0, isLate: commit.isCardLate) }
                }
                if !commit.others.isEmpty { submission.flags.append("second_card") }
            }
        }
        let attachment = submission.attachment
        let signed = SignedSale(businessDay: submission.businessDay, card: facts, isOwn: isOwn, isEarlier: isEarlier)
        if let failure {
            keptCards.keep(attachment, for: event.identity, isOfNewAlone: true)
            return answered(event, .rejected, code: failure.code.name, message: failure.message)
        }
        // Behind the lane's decision: the sale is over at the counter, whether it can be stored or not. A repeat of what
        // is stored takes no room.
        if isOverBudget && !isRepeat { return refusedForSpace(event, attachment) }
        inFlight.insert(event.identity)
        let ticket = ledger.submit(submission)
        let decidedAt = clock.monotonic
        return Task {
            do throws(LoyaltyError) {
                let outcome = try await ticket.value
                return settled(event, sale, outcome, attachment, decidedAt, signed)
            } catch { return failed(event, error, attachment) }
        }
    }

    /// The card on a finished sale that was opened again for its correction; nil where it was not.
    private func reopened(
        _ event: TillEvent, _ verb: TillEvent.SaleVerb, _ sale: Sale, _ cards: TillCards
    ) -> Lane.Card? {
        // A number alone may be another day's.
        guard verb != .void, !event.replay, !inFlight.contains(event.identity), let uid = sale.uid,
            lanes[sale.register]?.isOpen(Lane.SaleKey(uid: uid, register: sale.register)) == true
        else { return nil }
        var step = step(verb, sale, cards)
        step.isRepeat = true
        for case .commit(let commit) in lanes[sale.register]?.handle(.sale(step), at: clock.monotonic) ?? [] {
            return commit.card
        }
        return nil
    }

    /// A basket that was suspended at another register of this machine brings its cards along.
    private func fetchBaggage(for step: Lane.SaleStep) {
        guard step.key.uid != nil || step.resumes != nil, lanes[step.key.register]?.hasParked(for: step) != true,
            lanes[step.key.register]?.isOpen(step.key) != true
        else { return }
        let other =
            if let link = step.resumes, lanes[link.register]?.hasSuspended(for: step) == true {
                link.register
            } else {
                lanes.first { $0.key != step.key.register && $0.value.hasSuspended(for: step) }?.key
            }
        guard let other, other != step.key.register, let baggage = lanes[other]?.surrender(to: step) else { return }
        lanes[step.key.register, default: newLane].takeOver(baggage)
    }

    /// What an adapter noticed and a manager may want to see on the sale.
    private static let keptFlags: Set<String> = ["totals_mismatch", "void_without_partner", "link_unknown"]

    /// Counts finished sales by source, and those whose lines do not come to their total.
    private func tallySource(_ event: TillEvent, _ sale: Sale) {
        let source = event.identity.source
        guard sale.state == .completed || sale.state == .returned, sourcesOfToday.take(source, on: today) else {
            return
        }
        count(SourceTally.salesPrefix + source)
        let agrees = (try? TotalsCheck(sale).agrees) ?? false
        // Without a total of the till there is nothing to compare.
        if !agrees && !event.flags.contains("no_total") { count(SourceTally.mismatchPrefix + source) }
    }

    private func refusedForSpace(_ event: TillEvent, _ attachment: CardAttachment?) -> Task<TillAnswer, Never> {
        keptCards.keep(attachment, for: event.identity)
        count("event.refused_disk_full")
        return answered(
            event, .rejected, code: LoyaltyError.Code.storageDiskFull.name,
            message: "the storage budget is used up; send again later")
    }

    private func settled(
        _ event: TillEvent, _ sale: Sale, _ outcome: LedgerOutcome, _ attachment: CardAttachment?,
        _ decidedAt: MonotonicTime, _ signed: SignedSale
    ) -> TillAnswer {
        inFlight.remove(event.identity)
        keptCards.forget(event.identity)
        if outcome.decision == .accepted {
            tallySource(event, sale)
            if let reference = outcome.sale {
                look(at: sale, reference, signed)
                // One that is sent again gets no card behind its end, and thousands of them would drive out what does.
                if !event.replay { rungUp.remember(reference, RungUpSales.Facts(sale, signed.businessDay)) }
            }
        }
        if let token = attachment?.token { unknownNumbers.forget(token.text, readBefore: decidedAt) }
        if !outcome.transactions.isEmpty { outlets.wakeUpstream() }
        if outcome.decision == .accepted, let reference = outcome.sale, !event.replay {
            let input = Lane.Input.committed(reference: reference, key: key(sale), hadCard: attachment != nil)
            let actions =
                signed.isEarlier
                ? handleEarlier(input, sale.register, at: sale.closedAt ?? event.time)
                : lanes[sale.register]?.handle(input, at: clock.monotonic) ?? []
            for case .attachToFinished(let reference, let card) in actions { attachLate(card, reference) }
        }
        if outcome.decision == .identityConflict {
            let message = "another document was taken under this event id; the line is in quarantine"
            _ = ledger.quarantine(
                code: "id_conflict", message: message,
                redactedLine:
                    "event \(event.identity.id) of \(event.identity.source), sale \(sale.number), total \(sale.totals.grand)",
                at: clock.now)
            let answer = TillAnswer(
                acknowledges: event.identity.id, result: .rejected, code: "id_conflict", message: message)
            recentEvents.remember(event, answer)
            return tallied(answer)
        }
        var answer = TillAnswer(
            acknowledges: event.identity.id, result: outcome.decision == .duplicate ? .duplicate : .accepted)
        if outcome.decision == .revised || outcome.decision == .voided { answer.code = outcome.decision.rawValue }
        answer.sale = outcome.sale
        // Signs are for the manager's eyes.
        answer.flags = outcome.flags.filter { !$0.hasPrefix(Ledger.signPrefix) }
        if let earned = outcome.earned {
            answer.points = .init(outcome, earned: earned)
            answer.rewards = outcome.rewards ?? []
            if outcome.member != nil || outcome.unverified {
                answer.member = .init(id: outcome.member?.value, tier: outcome.tier, unverified: outcome.unverified)
            }
            if !earned.isZero && !outcome.unverified {
                answer.display = ["THANK YOU", "POINTS \(earned.isNegative ? "" : "+")\(earned)"]
            }
            answer.signal = .ok
        }
        return tallied(answer)
    }

    /// The commit failed, so nothing is stored. The card is kept for the repeat: the lane has gone on.
    private func failed(_ event: TillEvent, _ error: LoyaltyError, _ attachment: CardAttachment?) -> TillAnswer {
        inFlight.remove(event.identity)
        keptCards.keep(attachment, for: event.identity)
        log.error("a sale could not be stored", metadata: ["error": "\(error)"])
        return tallied(
            TillAnswer(
                acknowledges: event.identity.id, result: .rejected, code: error.code.name, message: error.message))
    }

    // MARK: The lane's words

    func key(_ sale: Sale) -> Lane.SaleKey {
        Lane.SaleKey(uid: sale.uid, register: sale.register, number: sale.number)
    }

    func step(_ verb: TillEvent.SaleVerb, _ sale: Sale, _ cards: TillCards) -> Lane.SaleStep {
        let resumed = sale.links.first { $0.relation == .resumes }
        return Lane.SaleStep(
            verb, key(sale), hasLines: !sale.lines.isEmpty, isTendered: !sale.tenders.isEmpty, tillCards: cards.cards,
            removedTokens: cards.removedTokens,
            resumes: resumed.map { link in
                Lane.SaleKey(uid: link.uid, register: link.register ?? sale.register, number: link.number)
            }, closedAt: sale.closedAt)
    }

    /// A card that was scanned before the first sale told which register this is.
    func adoptEarlyLane(_ register: String) {
        guard lanes[register] == nil, Set(registerOfSource.values).count <= 1,
            let early = lanes.removeValue(forKey: "")
        else { return }
        lanes[register] = early
    }

    func describe(_ actions: [Lane.Action], into answer: inout TillAnswer) {
        for case .notice(let notice) in actions {
            answer.code = notice.code ?? notice.result.rawValue
            answer.member = notice.code == nil ? notice.card.map(summary) : nil
            answer.display = notice.display
            answer.signal = notice.signal
        }
    }

    // MARK: Cards that the till read

    struct TillCards {
        var cards: [Lane.Card] = []
        /// Of cards that are no longer attached.
        var removedTokens: [String] = []
        var flags: [String] = []
    }

    func tillCards(_ event: TillEvent) async -> TillCards {
        var result = TillCards()
        for presented in event.cards {
            switch await resolve(presented) {
            // What the till says last of a card counts: it may list what happened to it.
            case .card(let card) where !presented.active:
                result.cards.removeAll { $0.token == card.token }
                result.removedTokens.append(card.token)
            case _ where !presented.active: break
            case .card(let card):
                // A blocked card never earns, whoever read it.
                if card.standing == .blocked {
                    result.flags.append("card_blocked")
                } else {
                    result.removedTokens.removeAll { $0 == card.token }
                    result.cards.append(card)
                }
            case .refused(let refusal):
                result.flags.append("\(refusal.rawValue)_refused")
                count("refused.\(refusal.rawValue)")
            default: break
            }
        }
        return result
    }

    func resolve(_ presented: PresentedCard) async -> Lane.Input {
        switch presented.value {
        case .refused(let refusal): return .refused(refusal)
        case .number(let number):
            return await card(number, kind: presented.kind, entry: presented.entry, isInScheme: presented.kind == .card)
        case .unclassified(let number):
            // Without schemes the till's word has to do; with them, a number outside is no card of this chain.
            return await card(
                number, kind: presented.kind, entry: presented.entry, isInScheme: rules.classifier.schemes.isEmpty)
        case .token(let text):
            guard let token = CardToken(text: text) else { return .refused(.notALoyaltyCard) }
            do {
                let finding = try await members.find(token)
                guard finding.member != nil else { return .refused(.notALoyaltyCard) }
                return .card(laneCard(finding, number: nil, entry: presented.entry))
            } catch { return unreadable(error) }
        }
    }

    func attachment(_ card: Lane.Card) -> CardAttachment {
        CardAttachment(
            token: CardToken(text: card.token), member: card.member,
            number: card.member == nil ? unknownNumbers[card.token] : nil)
    }
}

extension LaneService {
    /// `card.present`, `card.remove`, `member.query`, `points.query`.
    func submitCard(
        _ event: TillEvent, _ verb: TillEvent.CardVerb, _ presented: PresentedCard?
    ) async -> Task<TillAnswer, Never> {
        if verb == .remove {
            guard let register = register(of: event), !event.replay else { return answered(event, .ignored) }
            var token: String?
            if let presented {
                guard case .card(let card) = await resolve(presented) else {
                    return answered(event, .ignored, code: CardScan.Refusal.notALoyaltyCard.rawValue)
                }
                token = card.token
            }
            if isFromBefore(event.time, register) {
                _ = handleEarlier(.cardRemoved(token: token), register, at: event.time)
            } else {
                _ = lanes[register, default: newLane].handle(.cardRemoved(token: token), at: clock.monotonic)
                tellEarlier(.cardRemoved(token: token), register)
            }
            return remembered(event, .accepted, code: "live")
        }
        guard verb == .present else { return await query(event, verb, presented) }
        guard let presented else {
            return answered(event, .rejected, code: "till.missing_field", message: "\"card\" is missing")
        }
        var input = await resolve(presented)
        guard let register = register(of: event), !event.replay else {
            return answered(event, .ignored, code: "replay")
        }
        if let uid = presented.saleUID, case .card(let card) = input { input = .cardOf(card, uid: uid) }
        let counter =
            if let uid = presented.saleUID, lanes[register]?.knows(uid: uid) != true {
                // The sale may have been suspended at another register.
                lanes.first { $0.value.knows(uid: uid) }?.key ?? register
            } else { register }
        let isOfOpenSale = presented.saleUID.map { lanes[counter]?.knows(uid: $0) == true } ?? false
        let actions =
            !isOfOpenSale && isFromBefore(event.time, counter)
            ? handleEarlier(input, counter, at: event.time)
            : lanes[counter, default: newLane].handle(input, at: clock.monotonic)
        var answer = TillAnswer(acknowledges: event.identity.id, result: .accepted, code: "live")
        describe(actions, into: &answer)
        for case .attachToFinished(let reference, let card) in actions { attachLate(card, reference) }
        for case .notice(let notice) in actions {
            guard let code = notice.code, code != "first_card_kept" else { continue }
            answer.result = .rejected
            count("refused.\(code)")
        }
        // Read again it may succeed, under the same id as well.
        if input == .refused(.unreadable) {
            let final = tallied(answer)
            return Task { final }
        }
        return remembered(event, answer)
    }

    func signOff(_ register: String) {
        sendWaitingCardAway(register)
        tellEarlier(.signoff, register)
    }

    /// A card that was read for another sale must not wait for the next customer's.
    func sendWaitingCardAway(_ register: String) {
        _ = lanes[register]?.handle(.signoff, at: clock.monotonic)
    }
}
