internal import Checkout
internal import LoyaltyModel

/// What a till kept while the daemon was not there, and sends behind the start: its cards and sales belong together, and nothing of them to
/// what is at the counter now. Each register has a second lane for it, in which the till's own times count.
extension LaneService {
    /// Whether the till's event is from before the start, by the register's clock as it was when its last sales came.
    func isFromBefore(_ time: Timestamp, _ register: String) -> Bool {
        guard let lag = lags[register]?.usual else { return false }
        let up = clock.monotonic.nanoseconds.subtractingReportingOverflow(started.nanoseconds).partialValue / 1000
        return time.adding(microseconds: lag) < clock.now.adding(microseconds: -Int64(clamping: up))
    }

    /// The same for an event of a sale that is not open at the counter.
    func isFromBefore(_ time: Timestamp, _ sale: Sale) -> Bool {
        lanes[sale.register]?.isOpen(key(sale)) != true && isFromBefore(time, sale.register)
    }

    func handleEarlier(_ input: Lane.Input, _ register: String, at time: Timestamp) -> [Lane.Action] {
        earlierLanes[register, default: newLane].handle(input, at: Self.moment(time))
    }

    /// What ends or changes a basket may be meant for one of either side of the start. It passes no time there.
    func tellEarlier(_ input: Lane.Input, _ register: String) {
        _ = earlierLanes[register]?.handle(input, at: MonotonicTime(nanoseconds: 0))
    }

    /// Gives a sale that goes on, or ends, after the start the card that its till read before; one that it does not get is nobody's.
    func takeEarlierCard(for step: inout Lane.SaleStep, at time: Timestamp) {
        let register = step.key.register
        guard step.verb != .cancel, step.verb != .void else { return tellEarlier(.sale(step), register) }
        guard var earlier = earlierLanes[register] else { return }
        var question = step
        if step.verb == .suspend { question.verb = .update }
        var old = question
        // In that lane the till's times count.
        old.closedAgo = nil
        let card = earlier.card(for: old, at: Self.moment(time))
        // What was open there is left, whatever this one is.
        for verb in [TillEvent.SaleVerb.suspend, .cancel] {
            _ = earlier.handle(.sale(Lane.SaleStep(verb, step.key, resumes: step.resumes)), at: Self.moment(time))
        }
        earlierLanes[register] = earlier
        guard let card, step.tillCards.isEmpty, lanes[register]?.card(for: question, at: clock.monotonic) == nil else {
            return
        }
        step.tillCards = [card]
    }

    /// A till's time as an instant of its lane. Lines that are out of order pass no time.
    private static func moment(_ time: Timestamp) -> MonotonicTime {
        let (nanoseconds, isBeyond) = UInt64(clamping: time.microseconds).multipliedReportingOverflow(by: 1000)
        return MonotonicTime(nanoseconds: isBeyond ? .max : nanoseconds)
    }
}
