public import LoyaltyModel

/// Answer of `GET /v1/status` and `loyaltyctl status --json`: is it working, and what did it do today.
///
/// Keys are stable; readers ignore keys they do not know. Money and points are decimal strings.
public struct StatusReport: Hashable, Sendable, Codable {
    /// The one word. `stopped` means that sales are not taken, or that nobody answers.
    public enum Word: String, Sendable, Codable, CaseIterable { case ok, attention, stopped }

    public var state: Word
    /// One sentence that says why.
    public var reason: String
    /// Since when the state holds.
    public var since: Timestamp?
    /// The daemon's clock when it made the report; ages are reckoned from it.
    public var now: Timestamp?
    public var version: String?
    public var terminal: String?
    public var uptimeSeconds: Int64?
    /// The version of the program that is in force now.
    public var program: ProgramIdentity?
    /// The version that begins next.
    public var nextProgram: NextProgram?
    /// The till is in training: nothing counts.
    public var training: Bool
    public var readers: [ReaderReport]
    public var till: TillReport
    public var members: MemberCount
    public var queue: QueueReport
    public var upstream: UpstreamReport
    public var today: TodayReport
    /// What a person should look at, most pressing first.
    public var attention: [AttentionItem]
    public var disk: DiskReport?
    /// From the scan's last byte to the answer at the till.
    public var answerTime: LatencyReport?
    /// Counters since the start, for `/metrics`.
    public var counters: [CounterSample]

    private enum CodingKeys: String, CodingKey {
        case state, reason, since, now, version, terminal, program, training, readers, till, members, queue, upstream
        case today, attention, disk, counters
        case uptimeSeconds = "uptime_seconds"
        case nextProgram = "next_program"
        case answerTime = "answer_time"
    }

    public init(state: Word, reason: String, since: Timestamp? = nil, now: Timestamp? = nil) {
        self.state = state
        self.reason = reason
        self.since = since
        self.now = now
        training = false
        readers = []
        till = TillReport(state: .off)
        members = MemberCount()
        queue = QueueReport()
        upstream = UpstreamReport(state: .off)
        today = TodayReport()
        attention = []
        counters = []
    }

    /// Readers that can read now.
    public var readyReaders: Int { readers.count { $0.state == .ready } }
}

/// A version of the program that has not begun yet.
public struct NextProgram: Hashable, Sendable, Codable {
    public var name: String
    public var version: String?
    public var hash: String
    /// As the file says it: a day in the program's zone, or a time with its offset.
    public var effective: String

    public init(name: String, version: String?, hash: String, effective: String) {
        self.name = name
        self.version = version
        self.hash = hash
        self.effective = effective
    }
}

/// The till's side.
public struct TillReport: Hashable, Sendable, Codable {
    public enum State: String, Sendable, Codable, CaseIterable {
        case connected
        /// Listening, no till connected.
        case waiting
        /// New sales are refused; the reason says why.
        case refusing
        case off
    }

    public var state: State
    /// How tills connect: `unix:/run/loyaltyd/till.sock`, `stdin`.
    public var listening: [String]
    public var connections: Int
    public var lastEventAt: Timestamp?
    /// Events of today by result.
    public var results: [ReasonCount]
    /// Events that tills numbered (`seq`) and that did not come, over all sources.
    public var missingEvents: UInt64
    /// Sales of today by source, and how many of them do not come to their own total.
    public var sources: [SourceCount]

    private enum CodingKeys: String, CodingKey {
        case state, listening, connections, results, sources
        case lastEventAt = "last_event_at"
        case missingEvents = "missing_events"
    }

    public init(
        state: State,
        listening: [String] = [],
        connections: Int = 0,
        lastEventAt: Timestamp? = nil,
        results: [ReasonCount] = [],
        missingEvents: UInt64 = 0,
        sources: [SourceCount] = []
    ) {
        self.state = state
        self.sources = sources
        self.missingEvents = missingEvents
        self.listening = listening
        self.connections = connections
        self.lastEventAt = lastEventAt
        self.results = results
    }
}

/// The sales of one source.
public struct SourceCount: Hashable, Sendable, Codable {
    public var source: String
    public var sales: Int
    /// Sales whose lines, taxes and discounts do not come to the till's total.
    public var mismatches: Int

    public init(source: String, sales: Int, mismatches: Int = 0) {
        self.source = source
        self.sales = sales
        self.mismatches = mismatches
    }
}

/// The outbox in figures.
public struct QueueReport: Hashable, Sendable, Codable {
    /// On their way: ready, sending or waiting for a retry.
    public var waiting: Int
    /// Behind another event of the same member.
    public var held: Int
    /// Not deliverable without a person.
    public var dead: Int
    /// When the oldest undelivered event was made.
    public var oldestAt: Timestamp?
    public var deliveredToday: Int

    private enum CodingKeys: String, CodingKey {
        case waiting, held, dead
        case oldestAt = "oldest_at"
        case deliveredToday = "delivered_today"
    }

    public init(waiting: Int = 0, held: Int = 0, dead: Int = 0, oldestAt: Timestamp? = nil, deliveredToday: Int = 0) {
        self.waiting = waiting
        self.held = held
        self.dead = dead
        self.oldestAt = oldestAt
        self.deliveredToday = deliveredToday
    }
}

/// The back end as seen from here.
public struct UpstreamReport: Hashable, Sendable, Codable {
    public enum State: String, Sendable, Codable, CaseIterable {
        case online, offline
        /// Not tried yet since the start.
        case unknown
        /// The back end refuses this terminal: 401 or 403.
        case unauthorized
        /// None configured.
        case off
    }

    public var state: State
    public var since: Timestamp?
    /// Where to, without credentials.
    public var target: String?
    public var lastSuccessAt: Timestamp?
    public var lastError: String?
    public var nextTryAt: Timestamp?
    /// Its clock minus ours, by its Date header.
    public var clockSkewSeconds: Int64?

    private enum CodingKeys: String, CodingKey {
        case state, since, target
        case lastSuccessAt = "last_success_at"
        case lastError = "last_error"
        case nextTryAt = "next_try_at"
        case clockSkewSeconds = "clock_skew_seconds"
    }

    public init(
        state: State,
        since: Timestamp? = nil,
        target: String? = nil,
        lastSuccessAt: Timestamp? = nil,
        lastError: String? = nil,
        nextTryAt: Timestamp? = nil,
        clockSkewSeconds: Int64? = nil
    ) {
        self.state = state
        self.since = since
        self.target = target
        self.lastSuccessAt = lastSuccessAt
        self.lastError = lastError
        self.nextTryAt = nextTryAt
        self.clockSkewSeconds = clockSkewSeconds
    }
}

/// Today's figures, by the till's business day.
public struct TodayReport: Hashable, Sendable, Codable {
    public var businessDay: CalendarDate?
    public var sales: Int
    public var withMember: Int
    public var pointsGiven: [PointsAmount]
    /// Taken back for returns and voids, as positive numbers.
    public var pointsTaken: [PointsAmount]
    public var returns: Int
    public var scans: Int
    /// Scans refused, by `CardScan.Refusal` word.
    public var refused: [ReasonCount]
    /// Cards added after the tender.
    public var lateCards: Int

    private enum CodingKeys: String, CodingKey {
        case sales, returns, scans, refused
        case businessDay = "business_day"
        case withMember = "with_member"
        case pointsGiven = "points_given"
        case pointsTaken = "points_taken"
        case lateCards = "late_cards"
    }

    public init(businessDay: CalendarDate? = nil, sales: Int = 0, withMember: Int = 0) {
        self.businessDay = businessDay
        self.sales = sales
        self.withMember = withMember
        pointsGiven = []
        pointsTaken = []
        returns = 0
        scans = 0
        refused = []
        lateCards = 0
    }

    /// Share of sales with a member in whole percent, rounded half up; nil without sales.
    public var memberPercent: Int? {
        guard sales > 0, withMember >= 0 else { return nil }
        let (product, overflow) = withMember.multipliedReportingOverflow(by: 200)
        guard !overflow, sales < .max / 2 else { return nil }
        return (product + sales) / (sales * 2)
    }
}

/// Points of one currency of the program.
public struct PointsAmount: Hashable, Sendable, Codable {
    public var currency: String
    public var points: Points

    public init(currency: String, points: Points) {
        self.currency = currency
        self.points = points
    }
}

/// How often something happened for one reason.
public struct ReasonCount: Hashable, Sendable, Codable {
    public var reason: String
    public var count: Int

    public init(reason: String, count: Int) {
        self.reason = reason
        self.count = count
    }
}

/// Something that a person should look at.
public struct AttentionItem: Hashable, Sendable, Codable {
    /// A stable dotted name, such as `queue.dead`.
    public var code: String
    public var message: String
    public var remedy: String?
    public var since: Timestamp?

    public init(code: String, message: String, remedy: String? = nil, since: Timestamp? = nil) {
        self.code = code
        self.message = message
        self.remedy = remedy
        self.since = since
    }
}

/// What the state directory uses of its budget, in bytes.
public struct DiskReport: Hashable, Sendable, Codable {
    public var usedBytes: Int64
    public var budgetBytes: Int64
    public var freeBytes: Int64?

    private enum CodingKeys: String, CodingKey {
        case usedBytes = "used_bytes"
        case budgetBytes = "budget_bytes"
        case freeBytes = "free_bytes"
    }

    public init(usedBytes: Int64, budgetBytes: Int64, freeBytes: Int64? = nil) {
        self.usedBytes = usedBytes
        self.budgetBytes = budgetBytes
        self.freeBytes = freeBytes
    }
}

/// A distribution of times in microseconds.
public struct LatencyReport: Hashable, Sendable, Codable {
    public var count: Int64
    public var medianMicroseconds: Int64
    public var p99Microseconds: Int64
    public var maximumMicroseconds: Int64

    private enum CodingKeys: String, CodingKey {
        case count
        case medianMicroseconds = "p50_us"
        case p99Microseconds = "p99_us"
        case maximumMicroseconds = "max_us"
    }

    public init(count: Int64, medianMicroseconds: Int64, p99Microseconds: Int64, maximumMicroseconds: Int64) {
        self.count = count
        self.medianMicroseconds = medianMicroseconds
        self.p99Microseconds = p99Microseconds
        self.maximumMicroseconds = maximumMicroseconds
    }
}

/// One counter since the start, in the words of `/metrics`, without the `loyaltyd_` prefix: `scans_total`, `reader`, `class`.
public struct CounterSample: Hashable, Sendable, Codable {
    public var name: String
    public var labels: [String: String]
    public var value: Int64

    public init(name: String, labels: [String: String] = [:], value: Int64) {
        self.name = name
        self.labels = labels
        self.value = value
    }
}
