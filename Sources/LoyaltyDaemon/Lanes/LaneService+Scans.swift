internal import CardReading
internal import Checkout
internal import ControlAPI
internal import EarnRules
internal import Logging
internal import LoyaltyModel
internal import Storage
internal import USBReaders

extension LaneService {
    /// One event of the reader backend, in order.
    func receive(_ event: ReaderEvent) async {
        // The cashier waits for what becomes of a scan; what is written down about it comes behind.
        if case .scan(let id, let scan) = event { await inTurn { await receive(scan, from: id) } }
        readers.note(event, at: clock.now, on: today)
        tellState(event)
        switch event {
        case .connected(let reader):
            log.info("reader connected", metadata: ["reader": "\(reader.id)", "usb": "\(reader.portPath)"])
        case .disconnected(let id): log.notice("reader gone", metadata: ["reader": "\(id)"])
        case .state(let id, let state):
            log.info(
                "reader is \(state.word)", metadata: ["reader": "\(id)", "reason": "\(state.reason ?? "-")"])
        case .partialDropped(let id, let count):
            self.count("scan.partial")
            log.notice("half a scan was dropped", metadata: ["reader": "\(id)", "count": "\(count)"])
        case .notice(let id, let notice):
            log.warning(
                "\(notice.message)",
                metadata: ["reader": "\(id)", "code": "\(notice.code)", "remedy": "\(notice.remedy)"])
        case .scan: break
        }
    }

    private func receive(_ scan: DecodedScan, from reader: ReaderID) async {
        let input = await laneInput(rules.classifier.classify(scan), entry: scan.entry)
        let notice = decide(input, reader: reader)
        if let signal = notice.signal { outlets.signal(reader, signal) }
        outlets.notify(notice)
        readers.note(scan, notice)
        answerTimes.add(clock.monotonic.since(scan.completedAt))
        count("scan.all")
        if let code = notice.code, notice.result == "refused" {
            count("refused.\(code)")
            readers.noteRefusal(reader)
        }
    }

    /// Looks the card up. A number outside all schemes is a card only if the cache knows it.
    func laneInput(_ outcome: CardScan.Outcome, entry: CardEntry) async -> Lane.Input {
        switch outcome {
        case .refused(let refusal): return .refused(refusal)
        case .loyalty(let number, _): return await card(number, kind: .card, entry: entry, isInScheme: true)
        case .unclassified(let number): return await card(number, kind: .card, entry: entry, isInScheme: false)
        }
    }

    func card(
        _ number: CardNumber, kind: CardIdentifierKind, entry: CardEntry, isInScheme: Bool
    ) async -> Lane.Input {
        do {
            let finding = try await members.find(number, kind: kind)
            if finding.member == nil {
                guard isInScheme else { return .refused(.notALoyaltyCard) }
                unknownNumbers.remember(number, for: finding.token.text, at: clock.monotonic)
            }
            var card = laneCard(finding, number: number, entry: entry)
            // Of a telephone number the last four digits tell too much: others read the display.
            if kind == .phone { card.masked = "…\(number.value.suffix(3))" }
            return .card(card)
        } catch { return unreadable(error) }
    }

    /// Who holds the card decides what it may do; the cashier hears that it did not work and tries again.
    func unreadable(_ error: LoyaltyError) -> Lane.Input {
        log.error("the member cache cannot be read", metadata: ["error": "\(error)"])
        return .refused(.unreadable)
    }

    func laneCard(_ finding: MemberCache.Finding, number: CardNumber?, entry: CardEntry) -> Lane.Card {
        let standing: Lane.Card.Standing =
            switch finding.member?.status {
            case nil: .unverified
            case .blocked?, .replaced?: .blocked
            case .active?: finding.isReplacement ? .replaced : .active
            }
        return Lane.Card(
            token: finding.token.text, member: finding.member?.id, standing: standing,
            masked: number?.masked ?? "…", entry: entry, greeting: finding.member?.greeting,
            tier: finding.member?.tier)
    }

    /// Lets the lane of a reader decide about a card, and carries its decisions out.
    private func decide(_ input: Lane.Input, reader: ReaderID) -> CardScannedNotice {
        guard let register = lane(of: reader) else {
            return CardScannedNotice(
                reader: reader, register: nil, time: clock.now, result: "refused", code: "reader_not_assigned",
                display: ["PLEASE ASK STAFF"], signal: .no)
        }
        let actions = lanes[register, default: newLane].handle(input, at: clock.monotonic)
        var notice = CardScannedNotice(
            reader: reader, register: register.isEmpty ? nil : register, time: clock.now, result: "ignored")
        for action in actions {
            switch action {
            case .notice(let decided):
                notice.result = decided.result.rawValue
                notice.code = decided.code
                notice.member = decided.code == nil ? decided.card.map(summary) : nil
                notice.display = decided.display
                notice.signal = decided.signal
            case .attachToFinished(let reference, let card): attachLate(card, reference)
            case .commit: break
            }
        }
        return notice
    }

    func summary(_ card: Lane.Card) -> TillAnswer.MemberSummary {
        TillAnswer.MemberSummary(
            id: card.member?.value, tier: card.tier, card: card.masked, unverified: card.standing == .unverified)
    }

    /// Adds a card to a stored sale. Nobody waits for it: the lane has told the cashier, and a failure is logged.
    func attachLate(_ card: Lane.Card, _ reference: String) {
        let facts = rungUp[reference]
        if let facts, isOwnSale(card, facts) { return look(atLate: card, reference, facts, isOwn: true) }
        let ticket = ledger.attachLate(
            attachment(card), to: reference, programs: rules.programs, receivedAt: clock.now, receivedDay: today)
        Task {
            do {
                let outcome = try await ticket.value
                if !outcome.transactions.isEmpty { outlets.wakeUpstream() }
                if let facts, outcome.decision != .duplicate { look(atLate: card, reference, facts, isOwn: false) }
            } catch {
                log.error("a late card could not be added", metadata: ["sale": "\(reference)", "error": "\(error)"])
            }
        }
    }

    /// Adds a member to a stored sale whose receipt is shown.
    func claim(_ receipt: String, for attachment: CardAttachment, by user: UInt32?) async throws -> ClaimResult {
        let (staff, member) = (settings.signs.staff, attachment.member?.value)
        let ticket = ledger.claim(
            receipt, for: attachment, programs: rules.programs, receivedAt: clock.now, receivedDay: today
        ) { cashier in member != nil && staff[cashier] == member }
        let outcome = try await ticket.value
        if !outcome.transactions.isEmpty { outlets.wakeUpstream() }
        log.notice(
            "the points of a receipt were claimed",
            metadata: [
                "sale": "\(outcome.sale ?? "")", "member": "\(attachment.member?.value ?? "")",
                "uid": "\(user.map(String.init) ?? "-")",
            ])
        return ClaimResult(
            sale: outcome.sale ?? "", member: attachment.member ?? MemberID(""),
            points: PointsAmount(
                currency: program.primaryCurrency, points: outcome.earned ?? .zero(decimals: 0)))
    }

    /// The register that a reader serves: by rule, by setting, or the only one there is. With several registers and no
    /// rule there is no answer: guessing would give a customer's points to the next lane. The empty name stands for
    /// "before the first sale".
    private func lane(of reader: ReaderID) -> String? {
        if let register = readers.register(of: reader) ?? settings.till.register { return register }
        let known = Set(registerOfSource.values)
        return known.count > 1 ? nil : known.first ?? ""
    }

    var newLane: Lane {
        var limits = Lane.Settings()
        limits.heldCardLimit = settings.lane.heldCard
        limits.heldCardLimitCompleteOnly = settings.lane.heldCardCompleteOnly
        limits.lateScanLimit = settings.lane.lateScan
        return Lane(settings: limits)
    }
}
