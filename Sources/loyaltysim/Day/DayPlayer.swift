import Glibc
import LoyaltyModel

/// Plays a planned day: moves the readers of the rig and speaks as the till, one thing after the other.
struct DayPlayer {
    private let rig: RigControl
    private let till: LineSocket
    private let patience = Duration.seconds(15)
    private let clock = ContinuousClock()
    private(set) var tally = DayTally()
    private(set) var answers = TillTally()
    private var notices: [DayTally.Notice] = []

    init(rig: RigControl, till: LineSocket) {
        self.rig = rig
        self.till = till
    }

    /// Waits until the daemon listens to the readers. - Throws: `sim.rig`, `sim.connection`.
    func waitForReaders(_ readers: DayPlan.Readers) throws(LoyaltyError) {
        for device in [readers.wedge, readers.hidPOS] {
            try rig.perform(RigStep(device: device, waitFor: "poll", timeoutMilliseconds: 30_000))
        }
    }

    /// - Throws: `sim.connection`, `sim.answer`, `sim.unanswered`, `sim.rig`.
    mutating func play(_ plan: DayPlan, pause: Duration, progress: (DayTally) -> Void) throws(LoyaltyError) {
        for step in plan.steps {
            switch step {
            case .scan(let step, let reading):
                try rig.perform(step)
                tally.count(try nextNotice(), expecting: reading)
            case .live(let event), .resend(let event):
                tally.count(try answer(to: event), of: step)
            case .end(let event, _):
                tally.count(try answer(to: event), of: step)
                progress(tally)
                usleep(UInt32(clamping: pause.microseconds))
            }
        }
    }

    private mutating func answer(to event: NativeEvent) throws(LoyaltyError) -> TillAnswer {
        let line = try event.line()
        answers.send(line, at: clock.now)
        try till.send(line)
        let deadline = clock.now + patience
        while let received = try till.nextLine(by: deadline) {
            if let answer = try take(received), answer.acknowledges == event.id { return answer }
        }
        throw LoyaltyError(.simulatorUnanswered, "\(event.id) had no answer")
    }

    private mutating func nextNotice() throws(LoyaltyError) -> DayTally.Notice {
        let deadline = clock.now + patience
        while notices.isEmpty {
            guard let received = try till.nextLine(by: deadline) else {
                throw LoyaltyError(
                    .simulatorUnanswered, "a card was read and no card.scanned came",
                    remedy: "`loyaltyctl readers list` shows what the daemon sees of it")
            }
            _ = try take(received)
        }
        return notices.removeFirst()
    }

    private mutating func take(_ line: [UInt8]) throws(LoyaltyError) -> TillAnswer? {
        if let notice = DayTally.notice(line) {
            notices.append(notice)
            return nil
        }
        return try answers.receive(line, at: clock.now)
    }
}
