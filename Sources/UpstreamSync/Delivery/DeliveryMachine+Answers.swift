import LoyaltyModel

// What an answer of the back end means, for a batch and for one event.
extension DeliveryMachine {
    mutating func answer(_ response: UpstreamResponse, _ now: Moment) -> Step {
        let status = response.status
        let results = (200..<300).contains(status) ? EventResult.read(response.body) : nil
        if let results { return apply(results, status: status, now) }
        switch status {
        case 207:
            return lineFailed(failure(response, "the answer has no results that can be read", now), wait: nil, now)
        case 200..<300: return conclude(inFlight.map { delivered($0, nil, now) }, now)
        case 300..<400:
            return pause(
                failure(response, "the back end sends us elsewhere; set the address that it redirects to", now), now)
        case 403 where inFlight.count == 1 && inFlight.allSatisfy(isAtFault): return answerAlone(response, now)
        case 401, 403, 407: return pause(failure(response, "the back end refuses our token", now), now)
        case 405, 406, 415, 426: return pause(failure(response, "this address does not take our events", now), now)
        case 408, 425, 429, 500...:
            let wait = HTTPDate.wait(
                response.retryAfter, date: response.date, now: now.wall, limit: settings.maximumRetryAfter)
            return lineFailed(failure(response, "the back end is not ready", now), wait: wait, now)
        case 400..<500 where inFlight.count > 1: return halve(now)
        case 400..<500: return answerAlone(response, now)
        default:
            return lineFailed(failure(response, "an answer that HTTP does not know", now), wait: nil, now)
        }
    }

    /// One status for many events says little: halves find the ones it is about.
    private mutating func halve(_ now: Moment) -> Step {
        let middle = inFlight.count / 2
        work.insert(contentsOf: [Array(inFlight[..<middle]), Array(inFlight[middle...])], at: 0)
        return Step(next: sendNext(now))
    }

    private mutating func answerAlone(_ response: UpstreamResponse, _ now: Moment) -> Step {
        guard let event = inFlight.first else { return Step(next: sendNext(now)) }
        let text = AnswerText.cleaned(response.body, cards: [event.card].compactMap { $0 })
        let result = EventResult(id: event.id, status: response.status, reason: text)
        let failure = failure(response, "the back end rejects an event", now)
        var step = conclude([outcome(of: event, result, isOwn: false, now)], now)
        if !result.isSuccess {
            step.failure = failure
            step.isLineFailure = noteSetback()
            if setbacks > Self.mostSetbacks { return rejectedAgain(step.records, failure, now) }
        }
        return step
    }

    private mutating func apply(_ results: [String: EventResult], status: Int, _ now: Moment) -> Step {
        let events = inFlight
        let missing = events.count { results[$0.id] == nil }
        let unready = events.count { results[$0.id].map { Self.isRetry($0.status) } ?? true }
        if unready == events.count {
            // Not one event got an answer of its own: the back end is not ready, and all others would fare the same.
            let text =
                missing == events.count ? "the answer names none of the events" : "the back end takes no event now"
            return lineFailed(
                UpstreamFailure("upstream.http_\(status)", "\(status): \(text)", at: now.wall), wait: nil, now)
        }
        let records = events.map { outcome(of: $0, results[$0.id], isOwn: true, now) }
        var step = conclude(records, now)
        if !events.contains(where: { results[$0.id]?.isSuccess == true }) { step.isLineFailure = noteSetback() }
        if let bad = events.lazy.compactMap({ results[$0.id] }).first(where: { !$0.isSuccess }) {
            step.failure = UpstreamFailure(
                "upstream.http_\(bad.status)", "\(bad.status) for an event of a batch", at: now.wall)
        } else if missing > 0 {
            step.failure = UpstreamFailure("upstream.answer", "\(missing) events without a result", at: now.wall)
        }
        return step
    }

    private static func isRetry(_ status: Int) -> Bool {
        status == 408 || status == 425 || status == 429 || status >= 500 || status < 200
    }

    /// The record for one event that got an answer of its own; nil is an answer that did not name it.
    ///
    /// - Parameter isOwn: whether the answer names the event; otherwise its status may be that of the address.
    private mutating func outcome(
        of event: OutboundEvent, _ result: EventResult?, isOwn: Bool, _ now: Moment
    ) -> DeliveryRecord {
        guard let result else {
            return retry(event, "the answer does not name this event", now)
        }
        let text = result.reason.map { AnswerText.cleaned($0, cards: [event.card].compactMap { $0 }) }
        let words = text.map { "\(result.status): \($0)" } ?? "\(result.status)"
        if Self.isRetry(result.status) { return retry(event, words, now) }
        if (200..<300).contains(result.status) { return delivered(event, text == "duplicate" ? nil : text, now) }
        // The back end has an event of this id already, so a repeat can change nothing.
        if result.status == 409 { return delivered(event, text, now) }
        if result.status == 410, isOwn || rejections[event.id].map({ $0.acceptances != acceptances }) ?? false {
            forget(event)
            return DeliveryRecord(id: event.id, outcome: .dead(reason: words), at: now.wall)
        }
        return rejected(event, words, now)
    }

    private mutating func delivered(_ event: OutboundEvent, _ warning: String?, _ now: Moment) -> DeliveryRecord {
        forget(event)
        acceptances &+= 1
        setbacks = 0
        if reach > 0 { reachedAt = now.monotonic }
        return DeliveryRecord(id: event.id, outcome: .delivered(warning: warning), at: sentAt ?? now.wall)
    }

    func retry(_ event: OutboundEvent, _ reason: String, _ now: Moment) -> DeliveryRecord {
        let notBefore = now.wall.adding(backoff(failures: event.attempts))
        return DeliveryRecord(id: event.id, outcome: .retry(notBefore: notBefore, reason: reason), at: now.wall)
    }

    /// Dead after the tries and the time of the settings, and only where the back end took something else meanwhile: one that
    /// rejects everything has the wrong address or a fault of its own, and must not bury the day's sales.
    private mutating func rejected(_ event: OutboundEvent, _ reason: String, _ now: Moment) -> DeliveryRecord {
        var rejection = rejections[event.id] ?? Rejection(first: now.monotonic, acceptances: acceptances)
        rejection.tries += 1
        // While it takes nothing, the hour has not begun: tries during a fault of its own say nothing about the event.
        if acceptances == rejection.acceptances { rejection.first = now.monotonic }
        let waits = settings.rejectionWaits
        let window = waits.reduce(Duration.zero, +)
        if rejection.tries > waits.count, now.monotonic.since(rejection.first) >= window,
            acceptances != rejection.acceptances
        {
            forget(event)
            return DeliveryRecord(id: event.id, outcome: .dead(reason: reason), at: now.wall)
        }
        // Forgetting costs some tries more, never an event.
        if rejections.count > 10_000 { rejections = [:] }
        rejections[event.id] = rejection
        let wait = waits.isEmpty ? settings.maximumBackoff : waits[min(rejection.tries, waits.count) - 1]
        return DeliveryRecord(
            id: event.id, outcome: .retry(notBefore: now.wall.adding(wait), reason: reason), at: now.wall)
    }

    /// The line works: goes on, at once or, after a long outage, a little later.
    private mutating func conclude(_ records: [DeliveryRecord], _ now: Moment) -> Step {
        let outage = failingSince.map { now.monotonic.since($0) } ?? .zero
        failures = 0
        let taken = records.count(where: \.isDelivered)
        if taken > 0 {
            // Among bad events, a request that is far larger than the one that was taken fails again.
            limit = min(
                limit + (reach > 0 ? min(limit, taken) : max(1, settings.batchSize / 10)), max(1, settings.batchSize))
        }
        failingSince = nil
        holdUntil = nil
        inFlight = []
        condition = .delivering
        if outage >= .seconds(300), settings.reconnectSpread > .zero {
            let delay = random(upTo: settings.reconnectSpread)
            work = []
            holdUntil = now.monotonic.adding(delay)
            return Step(records: records, next: .sleep(delay))
        }
        return Step(records: records, next: sendNext(now))
    }

    private func failure(_ response: UpstreamResponse, _ words: String, _ now: Moment) -> UpstreamFailure {
        let text = AnswerText.cleaned(response.body, cards: inFlight.compactMap(\.card)).map { " (\($0))" } ?? ""
        return UpstreamFailure(
            "upstream.http_\(response.status)", "\(response.status): \(words)\(text)", at: now.wall)
    }
}

extension DeliveryRecord {
    fileprivate var isDelivered: Bool { if case .delivered = outcome { true } else { false } }
}
