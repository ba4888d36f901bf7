import LoyaltyModel
import TillFeed

/// Opens once; whoever waits goes on then, or when its test has run out of time.
actor Gate {
    private var isOpen = false
    private var last = 0
    private var waiting: [Int: CheckedContinuation<Void, Never>] = [:]

    func pass() async {
        last += 1
        let id = last
        await withTaskCancellationHandler {
            if !isOpen, !Task.isCancelled { await withCheckedContinuation { waiting[id] = $0 } }
        } onCancel: {
            Task { await self.giveUp(id) }
        }
    }

    func open() {
        isOpen = true
        for continuation in waiting.values { continuation.resume() }
        waiting = [:]
    }

    private func giveUp(_ id: Int) { waiting.removeValue(forKey: id)?.resume() }
}

/// Counts up and lets others wait for a count, or until their test has run out of time.
actor Tally {
    private var count = 0
    private var gates: [(count: Int, gate: Gate)] = []

    func add() async {
        count += 1
        let reached = gates.filter { $0.count <= count }
        gates.removeAll { $0.count <= count }
        for entry in reached { await entry.gate.open() }
    }

    func reaches(_ wanted: Int) async {
        guard count < wanted else { return }
        let gate = Gate()
        gates.append((wanted, gate))
        await gate.pass()
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
