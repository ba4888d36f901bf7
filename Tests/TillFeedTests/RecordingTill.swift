import LoyaltyModel
import TillFeed

/// Opens once; whoever waits goes on then.
actor Gate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func pass() async { if !isOpen { await withCheckedContinuation { waiting.append($0) } } }

    func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}

/// Counts up and lets others wait for a count.
actor Tally {
    private var count = 0
    private var waiting: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []

    func add() {
        count += 1
        for entry in waiting where entry.count <= count { entry.continuation.resume() }
        waiting.removeAll { $0.count <= count }
    }

    func reaches(_ wanted: Int) async {
        if count < wanted { await withCheckedContinuation { waiting.append((wanted, $0)) } }
    }
}

/// A small till handler: writes down what it gets, and answers each event when its gate is open.
actor RecordingTill: TillHandler {
    private(set) var ids: [String] = []
    private(set) var problems: [TillLineProblem] = []
    /// The most events that were under way at once.
    private(set) var mostUnderWay = 0
    private var underWay = 0
    private var gates: [String: Gate]
    private let everyGate: Gate?
    private let padding: Int
    nonisolated let submitted = Tally()

    /// - Parameters:
    ///   - gates: events with these ids wait.
    ///   - everyGate: all other events wait here.
    ///   - padding: how long a message each answer carries.
    init(gates: [String: Gate] = [:], everyGate: Gate? = nil, padding: Int = 0) {
        self.gates = gates
        self.everyGate = everyGate
        self.padding = padding
    }

    func submit(_ event: TillEvent) async -> Task<TillAnswer, Never> {
        let id = event.identity.id
        ids.append(id)
        underWay += 1
        mostUnderWay = max(mostUnderWay, underWay)
        await submitted.add()
        let gate = gates[id] ?? everyGate
        let message = padding > 0 ? String(repeating: "x", count: padding) : nil
        return Task {
            await gate?.pass()
            self.done()
            return TillAnswer(acknowledges: id, result: .accepted, message: message)
        }
    }

    func quarantine(_ problem: TillLineProblem) async -> Task<TillAnswer, Never> {
        problems.append(problem)
        await submitted.add()
        return Task { problem.answer(.quarantined) }
    }

    private func done() { underWay -= 1 }
}
