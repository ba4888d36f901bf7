import LoyaltyModel

/// A fault of the simulated back end, as named on the command line.
enum BackEndFault: Hashable, Sendable {
    case refuse(Int)
    case error(Int)
    case busy(Int)
    case unauthorized
    case dropAnswer(Int)
    case noResults
    case reject(String)
    case gone(String)
    case slow(milliseconds: Int)
    case half(Int)

    /// Reads `NAME` or `NAME:ARGUMENT`. - Throws: `sim.fault`.
    init(_ text: String) throws(LoyaltyError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let argument = parts.count > 1 ? parts[1] : nil
        func count(_ maximum: Int = 1_000_000) throws(LoyaltyError) -> Int {
            guard let argument else { return 1 }
            guard let number = Int(argument), (0...maximum).contains(number) else {
                throw LoyaltyError(.simulatorFault, "the fault \"\(text)\" needs a number from 0 to \(maximum)")
            }
            return number
        }
        switch parts.first {
        case "refuse": self = .refuse(try count())
        case "error": self = .error(try count())
        case "busy": self = .busy(try count())
        case "unauthorized" where argument == nil: self = .unauthorized
        case "drop-answer": self = .dropAnswer(try count())
        case "no-results" where argument == nil: self = .noResults
        case "reject", "gone":
            guard let argument, !argument.isEmpty else {
                throw LoyaltyError(
                    .simulatorFault, "the fault \(text) needs a part of an event id, or #42 for the one with seq 42")
            }
            self = parts.first == "gone" ? .gone(argument) : .reject(argument)
        case "slow": self = .slow(milliseconds: try count(3_600_000))
        case "half": self = .half(try count())
        default:
            throw LoyaltyError(
                .simulatorFault, "there is no fault \"\(text)\"", remedy: "loyaltysim upstream --help lists them")
        }
    }

    var name: String {
        switch self {
        case .refuse: "refuse"
        case .error: "error"
        case .busy: "busy"
        case .unauthorized: "unauthorized"
        case .dropAnswer: "drop-answer"
        case .noResults: "no-results"
        case .reject: "reject"
        case .gone: "gone"
        case .slow: "slow"
        case .half: "half"
        }
    }

    static let help = """
        refuse:N        close the connection of the next N requests, nothing stored
        error:N         500 for the next N requests
        busy:N          429 with Retry-After: 1 for the next N requests
        unauthorized    401 for every request
        drop-answer:N   store the next N batches, then close without an answer
        no-results      one status for the whole batch: 200, or 422 with nothing stored
        reject:TEXT     422 for every event whose id contains TEXT; #N is the one with seq N
        gone:TEXT       410 in the same way
        slow:MS         wait so many milliseconds before each request is handled
        half:N          of the next N batches, store the first half and answer 503 for the rest
        Where N is left out it is 1. Faults without a number last until POST /faults replaces them.
        """
}

/// The faults still to be injected, and how often each one was.
struct FaultPlan: Sendable {
    private var remaining: [String: Int] = [:]
    /// What refuses single events, and with which status.
    private var refusals: [(name: String, status: Int, text: String)] = []
    private(set) var injected: [String: Int] = [:]

    init(_ faults: [BackEndFault] = []) { replace(with: faults) }

    mutating func replace(with faults: [BackEndFault]) {
        remaining = [:]
        refusals = []
        for fault in faults {
            switch fault {
            case .refuse(let count), .error(let count), .busy(let count), .dropAnswer(let count), .half(let count),
                .slow(let count):
                remaining[fault.name] = count
            case .unauthorized, .noResults: remaining[fault.name] = 1
            case .reject(let text): refusals.append((fault.name, 422, text))
            case .gone(let text): refusals.append((fault.name, 410, text))
            }
        }
    }

    /// Names of the faults that are still in force.
    var active: [String] {
        (remaining.filter { $0.value > 0 }.map(\.key) + Set(refusals.map(\.name))).sorted()
    }

    /// True, and one less to come, where the next request meets this counted fault.
    mutating func take(_ name: String) -> Bool {
        guard let left = remaining[name], left > 0 else { return false }
        remaining[name] = left - 1
        injected[name, default: 0] += 1
        return true
    }

    /// The argument of a fault that lasts; nil where it is not set.
    mutating func lasting(_ name: String) -> Int? {
        guard let argument = remaining[name], argument > 0 else { return nil }
        injected[name, default: 0] += 1
        return argument
    }

    /// The status that refuses this event; nil where nothing does.
    mutating func refusal(id: String, sequence: Int64?) -> Int? {
        let number = sequence.map { "#\($0)" }
        guard let refusal = refusals.first(where: { id.contains($0.text) || $0.text == number }) else { return nil }
        injected[refusal.name, default: 0] += 1
        return refusal.status
    }
}

extension LoyaltyError.Code {
    static let simulatorFault = Self("sim.fault", kind: .usage)
    static let simulatorAddress = Self("sim.address", kind: .usage)
    static let simulatorListen = Self("sim.listen", kind: .unavailable)
    static let simulatorFile = Self("sim.file", kind: .inputOutput)
    static let simulatorRecord = Self("sim.record", kind: .badData)
}
