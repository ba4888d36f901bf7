import LoyaltyModel

/// Sends lines to the daemon at a pace and takes the answers as they come.
struct TillPlayer {
    /// Lines for each second; 0 sends as fast as answers come.
    var rate: Double
    /// How many lines may be without an answer.
    var window: Int
    /// How long the oldest answer may take.
    var patience: Duration

    private let clock = ContinuousClock()

    init(rate: Double, window: Int, patience: Duration) {
        self.rate = rate
        self.window = window
        self.patience = patience
    }

    /// When line number `index`, from 0, is due.
    func due(_ index: Int, start: ContinuousClock.Instant) -> ContinuousClock.Instant {
        rate > 0 ? start + .microseconds(Int64(Double(index) * 1_000_000 / rate)) : start
    }

    /// - Throws: `sim.connection`, `sim.answer`, `sim.unanswered`.
    func play(_ lines: [[UInt8]], on socket: LineSocket) throws(LoyaltyError) -> TillTally {
        var tally = TillTally()
        let start = clock.now
        for (index, line) in lines.enumerated() {
            let due = due(index, start: start)
            while let answer = try socket.nextLine(by: due) { try tally.receive(answer, at: clock.now) }
            while tally.unanswered >= window { try takeAnswer(socket, &tally) }
            tally.send(line, at: clock.now)
            try socket.send(line)
        }
        while tally.unanswered > 0 { try takeAnswer(socket, &tally) }
        return tally
    }

    private func takeAnswer(_ socket: LineSocket, _ tally: inout TillTally) throws(LoyaltyError) {
        guard let line = try socket.nextLine(by: clock.now + patience) else {
            throw LoyaltyError(
                .simulatorUnanswered,
                "\(tally.unanswered) of \(tally.sent) events had no answer within \(patience.components.seconds) s")
        }
        try tally.receive(line, at: clock.now)
    }
}
